/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* What the tests of stream share; see stream_test.h. */
#include "stream_test.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "crypto/cert.h"
#include "loop/offload.h"
#include "loop/worker.h"

struct stream_settings stream_test_settings;
unsigned stream_test_workers;

static _Atomic unsigned failures;
static char directory[] = "/tmp/stream-test-XXXXXX";
static char pem[sizeof(directory) + 16];

bool
stream_test_check(bool good, const char *what, const char *file, int line)
{
	if (!good) {
		fprintf(stderr, "%s:%d: %s\n", file, line, what);
		atomic_fetch_add(&failures, 1);
	}
	return good;
}

/* --- Certificates ------------------------------------------------------------------ */

int
stream_test_begin(void **state)
{
	static const char *const domains[] = { "a.example", "b.example" };
	struct cert_order order = { .domains = domains, .n = 2, .days = 2 };
	struct hm_error why;

	if (!mkdtemp(directory))
		return -1;
	snprintf(pem, sizeof(pem), "%s/both.pem", directory);
	order.chain_path = order.key_path = pem;
	return cert_make(&order, &why) ? 0 : -1;
}

int
stream_test_end(void **state)
{
	unlink(pem);
	return rmdir(directory);
}

static struct tls_context *
context(const char *const *alpn)
{
	const struct tls_host hosts[] = { { "a.example", pem, pem }, { "b.example", pem, pem } };
	struct hm_error why;
	struct tls_context *ctx = tls_context_new(hosts, HM_COUNT(hosts), alpn, &why);

	assert_non_null(ctx);
	return ctx;
}

/* --- Serving --------------------------------------------------------------------- */

__attribute__((constructor)) static void
set_up(void)
{
	fake_settings(&stream_test_settings);
	stream_test_workers = 1;
}

struct call {
	struct mail mail;
	void (*fn)(void);
	sem_t done;
};

static void
run_call(struct mail *mail)
{
	struct call *call = HM_CONTAINER(mail, struct call, mail);

	call->fn();
	sem_post(&call->done);
}

void
stream_test_on(unsigned worker, void (*fn)(void))
{
	struct call call = { .mail = { .run = run_call }, .fn = fn };

	sem_init(&call.done, 0, 0);
	worker_post(worker, &call.mail);
	while (sem_wait(&call.done) != 0 && errno == EINTR)
		;
	sem_destroy(&call.done);
}

static void
nothing(void)
{
}

void
stream_test_drain(void)
{
	stream_test_on(0, nothing);
}

void
stream_test_advance(uint32_t ms)
{
	clock_advance(ms);
	workers_kick();
}

static void
on_all(void (*fn)(void))
{
	for (unsigned i = 0; i < workers_count(); i++)
		stream_test_on(i, fn);
}

static void *
talk_thread(void *ctx)
{
	void (**talk)(void) = ctx;

	on_all(stream_start_here);
	(*talk)();
	/* The last streams may still be about to end. */
	for (unsigned i = 0; i < 1000 && stream_count() > 0; i++)
		usleep(1000);
	on_all(stream_stop_here);
	on_all(stream_end_here);
	workers_stop();
	return NULL;
}

void
stream_test_run(void (*talk)(void))
{
	static const char *const alpn[] = { "xmpp-client", NULL };
	struct tls_context *starttls = context(NULL);
	struct tls_context *direct = context(alpn);
	struct stream_tls tls = { starttls, direct };
	struct hm_error why = { 0 };
	pthread_t thread;

	fake_core_init();
	assert_true(workers_init(stream_test_workers, &why));
	assert_true(offload_init(1, 100));
	net_init();
	assert_true(stream_init(&stream_test_settings, NULL, 0, &tls, &why));
	tls_context_unref(&starttls);
	tls_context_unref(&direct);
	link_set_receivers(fake_core_receive, stream_receive);
	assert_int_equal(pthread_create(&thread, NULL, talk_thread, &talk), 0);
	workers_run();
	pthread_join(thread, NULL);
	offload_stop();
	stream_free();
	workers_free();
	set_up();
	assert_int_equal(stream_count(), 0);
	assert_int_equal(conn_count(), 0);
	assert_int_equal(atomic_exchange(&failures, 0), 0);
}

/* --- Clients ----------------------------------------------------------------------- */

struct acceptance {
	struct mail mail;
	int fd;
	bool direct;
};

static void
accept_mail(struct mail *mail)
{
	struct acceptance *a = HM_CONTAINER(mail, struct acceptance, mail);

	(a->direct ? stream_accept_c2s_tls : stream_accept_c2s)(NULL, a->fd);
	mem_free(a);
}

struct client *
client_new(bool direct)
{
	const struct timeval limit = { .tv_sec = 20 };
	struct client *c = mem_new(struct client);
	struct acceptance *a = mem_new(struct acceptance);
	int fds[2];

	hm_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	setsockopt(fds[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fds[1], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	c->fd = fds[1];
	*a = (struct acceptance){ { .run = accept_mail }, fds[0], direct };
	worker_post(0, &a->mail);
	if (direct)
		client_shake_hands(c);
	return c;
}

void
client_free(struct client *c)
{
	if (c->ssl)
		SSL_free(c->ssl);
	close(c->fd);
	mem_free(c);
}

void
client_shake_hands(struct client *c)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	static const unsigned char alpn[] = "\013xmpp-client";

	c->ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	SSL_set_tlsext_host_name(c->ssl, "a.example");
	SSL_set_alpn_protos(c->ssl, alpn, sizeof(alpn) - 1);
	SSL_set_fd(c->ssl, c->fd);
	CHECK(SSL_connect(c->ssl) == 1);
}

void
client_send(struct client *c, const char *text)
{
	size_t len = strlen(text), done = 0;

	while (done < len) {
		ssize_t n = c->ssl ? SSL_write(c->ssl, text + done, (int)(len - done))
		                   : send(c->fd, text + done, len - done, MSG_NOSIGNAL);

		if (n <= 0)
			return; /* what the server does about it, the test will see */
		done += (size_t)n;
	}
}

/* false: no more comes. */
static bool
receive(struct client *c)
{
	size_t room = sizeof(c->got) - 1 - c->len;
	ssize_t n;

	hm_assert(room > 0);
	if (c->ssl)
		n = SSL_read(c->ssl, c->got + c->len, (int)room);
	else
		n = recv(c->fd, c->got + c->len, room, 0);
	if (n <= 0)
		return false;
	c->len += (size_t)n;
	c->got[c->len] = '\0';
	return true;
}

const char *
client_until(struct client *c, const char *text)
{
	static _Thread_local char result[sizeof(c->got)];
	char *hit;
	size_t taken;

	c->got[c->len] = '\0';
	while (!(hit = strstr(c->got, text))) {
		if (!receive(c)) {
			fprintf(stderr, "wanted: %s\ngot: %s\n", text, c->got);
			CHECK(!"what was wanted came");
			return "";
		}
	}
	taken = (size_t)(hit - c->got) + strlen(text);
	memcpy(result, c->got, taken);
	result[taken] = '\0';
	memmove(c->got, c->got + taken, c->len - taken + 1);
	c->len -= taken;
	return result;
}

void
client_expect(struct client *c, const char *text)
{
	const char *got = client_until(c, text);

	if (strcmp(got, text) != 0) {
		fprintf(stderr, "wanted: %s\ngot: %s\n", text, got);
		CHECK(!"exactly what was wanted came");
	}
}

void
client_expect_end(struct client *c)
{
	if (c->len == 0 && !receive(c))
		return;
	fprintf(stderr, "wanted the end, got: %s\n", c->got);
	CHECK(!"the end came");
}

void
client_expect_error(struct client *c, const char *cond)
{
	char wanted[128];

	snprintf(wanted, sizeof(wanted), ERROR("%s"), cond);
	client_until(c, wanted);
	client_until(c, "</stream:stream>");
	client_expect_end(c);
}

void
client_open(struct client *c)
{
	client_send(c, HEADER("a.example"));
	client_until(c, "</stream:features>");
}

void
client_secure(struct client *c)
{
	client_open(c);
	client_send(c, STARTTLS);
	client_expect(c, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	client_shake_hands(c);
	client_open(c);
}

void
client_log_in(struct client *c)
{
	if (!c->ssl)
		client_secure(c);
	else
		client_open(c);
	CHECK(client_scram(c, "SCRAM-SHA-256", "juliet", FAKE_PASSWORD, NULL));
	client_open(c);
}

/* --- SASL ---------------------------------------------------------------------------- */

static char *
to_base64(const void *data, size_t len)
{
	char *text = mem_alloc(BASE64_LEN(len) + 1);

	base64_encode(text, data, len);
	return text;
}

void
client_plain(struct client *c, const char *user, const char *password)
{
	char message[512];
	int len = snprintf(message, sizeof(message), "%c%s%c%s", 0, user, 0, password);
	char *text = to_base64(message, (size_t)len), *element;

	element = mem_printf(AUTH("PLAIN") "%s</auth>", text);
	client_send(c, element);
	mem_free(element);
	mem_free(text);
}

/* The decoded content of an element that was just read: it is what stands before its end tag. */
static char *
content(const char *element, size_t *len)
{
	const char *end = strrchr(element, '<');
	const char *start = end;
	char *data;

	while (start > element && start[-1] != '>')
		start--;
	data = mem_zalloc((size_t)(end - start) + 1);
	CHECK(base64_decode(data, len, start, (size_t)(end - start)));
	return data;
}

struct scram {
	const EVP_MD *md;
	int size;
	unsigned char salted[64], client_key[64], server_key[64];
};

static void
hmac(const struct scram *x, const void *key, const void *data, size_t len, unsigned char *out)
{
	unsigned n;

	HMAC(x->md, key, x->size, data, len, out, &n);
}

static char *
channel_data(struct client *c, const char *gs2, const char *binding)
{
	unsigned char data[256];
	size_t len = strlen(gs2);
	unsigned n = 0;

	memcpy(data, gs2, len);
	if (binding && strcmp(binding, "tls-exporter") == 0) {
		SSL_export_keying_material(c->ssl, data + len, 32, "EXPORTER-Channel-Binding", 24,
		                           NULL, 0, 1);
		n = 32;
	} else if (binding) {
		X509 *x509 = SSL_get1_peer_certificate(c->ssl);

		/* The test's certificate is signed with SHA-256. */
		X509_digest(x509, EVP_sha256(), data + len, &n);
		X509_free(x509);
	}
	return to_base64(data, len + n);
}

/* The proof; fills in server_key. */
static char *
prove(struct scram *x, const char *password, const char *server_first, const char *auth)
{
	const char *salt_text = strstr(server_first, ",s=") + 3;
	const char *salt_end = strstr(salt_text, ",i=");
	unsigned char salt[128], stored[64], signature[64];
	size_t salt_len;
	unsigned n;

	CHECK(base64_decode(salt, &salt_len, salt_text, (size_t)(salt_end - salt_text)));
	PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, (int)salt_len, atoi(salt_end + 3),
	                  x->md, x->size, x->salted);
	hmac(x, x->salted, "Client Key", 10, x->client_key);
	hmac(x, x->salted, "Server Key", 10, x->server_key);
	EVP_Digest(x->client_key, (size_t)x->size, stored, &n, x->md, NULL);
	hmac(x, stored, auth, strlen(auth), signature);
	for (int i = 0; i < x->size; i++)
		signature[i] ^= x->client_key[i];
	return to_base64(signature, (size_t)x->size);
}

static const EVP_MD *
md_of(const char *mechanism)
{
	if (strncmp(mechanism, "SCRAM-SHA-1", 11) == 0)
		return EVP_sha1();
	return strncmp(mechanism, "SCRAM-SHA-256", 13) == 0 ? EVP_sha256() : EVP_sha512();
}

static bool
verified(const struct scram *x, const char *success, const char *auth)
{
	unsigned char signature[64];
	size_t len;
	char *data = content(success, &len), *text, *wanted;
	bool same;

	hmac(x, x->server_key, auth, strlen(auth), signature);
	text = to_base64(signature, (size_t)x->size);
	wanted = mem_printf("v=%s", text);
	same = strcmp(data, wanted) == 0;
	mem_free(data);
	mem_free(text);
	mem_free(wanted);
	return same;
}

static void
send_message(struct client *c, const char *start, const char *message, const char *end)
{
	char *text = to_base64(message, strlen(message));
	char *element = mem_printf("%s%s%s", start, text, end);

	client_send(c, element);
	mem_free(text);
	mem_free(element);
}

bool
client_scram(struct client *c, const char *mechanism, const char *user, const char *password,
             const char *binding)
{
	struct scram x = { .md = md_of(mechanism) };
	char gs2[64], bare[256];
	char *first, *start, *challenge, *channel, *without, *auth, *proof, *final;
	const char *answer;
	size_t len;
	bool good;

	x.size = EVP_MD_get_size(x.md);
	snprintf(gs2, sizeof(gs2), binding ? "p=%s,," : "n,,", binding);
	snprintf(bare, sizeof(bare), "n=%s,r=abcdefghijklmnop", user);
	first = mem_printf("%s%s", gs2, bare);
	start = mem_printf("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='%s'>",
	                   mechanism);
	send_message(c, start, first, "</auth>");
	challenge = content(client_until(c, "</challenge>"), &len);
	if (!CHECK(strstr(challenge, ",s=") && strstr(challenge, ",i="))) {
		mem_free(first);
		mem_free(start);
		mem_free(challenge);
		return false;
	}
	channel = channel_data(c, gs2, binding);
	without = mem_printf("c=%s,%.*s", channel, (int)(strstr(challenge, ",s=") - challenge),
	                     challenge);
	auth = mem_printf("%s,%s,%s", bare, challenge, without);
	proof = prove(&x, password, challenge, auth);
	final = mem_printf("%s,p=%s", without, proof);
	send_message(c, "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>", final,
	             "</response>");
	answer = client_until(c, "'urn:ietf:params:xml:ns:xmpp-sasl'>");
	if (strncmp(answer, "<success ", 9) == 0) {
		good = CHECK(verified(&x, client_until(c, "</success>"), auth));
	} else {
		client_until(c, "</failure>");
		good = false;
	}
	mem_free(first);
	mem_free(start);
	mem_free(challenge);
	mem_free(channel);
	mem_free(without);
	mem_free(proof);
	mem_free(final);
	mem_free(auth);
	return good;
}
