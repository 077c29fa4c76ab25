/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* What the tests of net share; see net_test.h. */
#include "net_test.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loop/timer.h"
#include "loop/worker.h"

static _Atomic unsigned failures;

bool
net_test_check(bool good, const char *what, const char *file, int line)
{
	if (!good) {
		fprintf(stderr, "%s:%d: %s\n", file, line, what);
		atomic_fetch_add(&failures, 1);
	}
	return good;
}

/* --- Running ------------------------------------------------------------------- */

struct pair {
	struct mail mail;
	int server, client;
	void (*serve)(int fd);
	void (*talk)(int fd);
	pthread_t thread;
};

static _Atomic unsigned connections_left;

static void
serve_pair(struct mail *mail)
{
	struct pair *p = HM_CONTAINER(mail, struct pair, mail);

	p->serve(p->server);
}

static void *
talk_pair(void *ctx)
{
	struct pair *p = ctx;

	p->talk(p->client);
	close(p->client);
	return NULL;
}

static void
make_pair(struct pair *p)
{
	const struct timeval limit = { .tv_sec = 20 };
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	p->server = fds[0];
	p->client = fds[1];
	fcntl(p->server, F_SETFL, O_NONBLOCK);
	setsockopt(p->client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(p->client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

void
net_test_run(unsigned workers, unsigned n, void (*serve)(int fd), void (*client)(int fd))
{
	struct pair *pairs = mem_array(n, sizeof(*pairs));
	struct hm_error why;

	atomic_store(&failures, 0);
	atomic_store(&connections_left, n);
	assert_true(workers_init(workers, &why));
	for (unsigned i = 0; i < n; i++) {
		pairs[i] = (struct pair){ .mail = { .run = serve_pair },
			                  .serve = serve,
			                  .talk = client };
		make_pair(&pairs[i]);
		worker_post(0, &pairs[i].mail);
	}
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(pthread_create(&pairs[i].thread, NULL, talk_pair, &pairs[i]), 0);
	workers_run();
	for (unsigned i = 0; i < n; i++)
		pthread_join(pairs[i].thread, NULL);
	workers_free();
	mem_free(pairs);
	assert_int_equal(atomic_load(&failures), 0);
	assert_int_equal(conn_count(), 0);
}

void
net_test_ended(struct conn **c)
{
	conn_free(c);
	if (atomic_fetch_sub(&connections_left, 1) == 1)
		workers_stop();
}

void
net_test_advance(uint32_t ms)
{
	clock_advance(ms);
	workers_kick();
}

/* --- Certificates ------------------------------------------------------------------ */

static char directory[] = "/tmp/net-test-XXXXXX";
static char path[sizeof(directory) + 128];

int
net_test_begin(void **state)
{
	return mkdtemp(directory) ? 0 : -1;
}

int
net_test_end(void **state)
{
	char command[sizeof(directory) + 16];

	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

static X509 *
make_certificate(EVP_PKEY *key, const char *domain)
{
	X509 *x509 = X509_new();
	X509_NAME *name = X509_get_subject_name(x509);
	X509_EXTENSION *extension;
	char names[128];

	X509_set_version(x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
	X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x509), 30L * 86400);
	X509_set_pubkey(x509, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)domain, -1, -1,
	                           0);
	X509_set_issuer_name(x509, name);
	snprintf(names, sizeof(names), "DNS:%s", domain);
	extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	X509_add_ext(x509, extension, -1);
	X509_EXTENSION_free(extension);
	assert_true(X509_sign(x509, key, EVP_sha384()) > 0);
	return x509;
}

const char *
net_test_certificate(const char *domain)
{
	EVP_PKEY *key;
	X509 *x509;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.pem", directory, domain);
	if (access(path, R_OK) == 0)
		return path;
	key = EVP_EC_gen("P-256");
	x509 = make_certificate(key, domain);
	file = fopen(path, "w");
	assert_non_null(file);
	PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	PEM_write_X509(file, x509);
	fclose(file);
	X509_free(x509);
	EVP_PKEY_free(key);
	return path;
}

struct tls_context *
net_test_context(const char *const *domains, const char *const *alpn)
{
	struct tls_host hosts[8] = { 0 };
	char *files[8];
	struct hm_error why;
	struct tls_context *ctx;
	size_t n;

	for (n = 0; domains[n]; n++) {
		files[n] = mem_strdup(net_test_certificate(domains[n]));
		hosts[n] = (struct tls_host){ .domain = domains[n],
			                      .certificate = files[n],
			                      .key = files[n] };
	}
	ctx = tls_context_new(hosts, n, alpn, &why);
	assert_non_null(ctx);
	while (n > 0)
		mem_free(files[--n]);
	return ctx;
}

/* --- Clients -------------------------------------------------------------------------- */

void
net_test_send(int fd, const char *text)
{
	CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

void
net_test_expect(int fd, const char *text)
{
	char data[256];
	size_t len = strlen(text), have = 0;

	while (have < len) {
		ssize_t n = recv(fd, data + have, len - have, 0);

		if (!CHECK(n > 0))
			return;
		have += (size_t)n;
	}
	CHECK(memcmp(data, text, len) == 0);
}

bool
net_test_at_end(int fd)
{
	char byte;

	return recv(fd, &byte, 1, 0) == 0;
}

SSL *
net_test_client(int fd, const char *sni, const char *alpn)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	unsigned char protocol[64];
	char name[256];
	SSL *ssl;

	SSL_CTX_set_mode(ctx, SSL_MODE_AUTO_RETRY);
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	SSL_set_fd(ssl, fd);
	SSL_set_connect_state(ssl);
	if (sni) {
		snprintf(name, sizeof(name), "%s", sni);
		SSL_set_tlsext_host_name(ssl, name);
	}
	if (alpn) {
		protocol[0] = (unsigned char)strlen(alpn);
		memcpy(protocol + 1, alpn, protocol[0]);
		SSL_set_alpn_protos(ssl, protocol, protocol[0] + 1u);
	}
	return ssl;
}

void
net_test_client_free(SSL **ssl)
{
	SSL_free(*ssl);
	*ssl = NULL;
}

bool
net_test_write_all(SSL *ssl, const void *data, size_t len)
{
	size_t written;

	return SSL_write_ex(ssl, data, len, &written) == 1 && written == len;
}

bool
net_test_read_all(SSL *ssl, void *data, size_t len)
{
	char *p = data;
	size_t n;

	while (len > 0) {
		if (SSL_read_ex(ssl, p, len, &n) != 1)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

void
net_test_ssl_expect(SSL *ssl, const char *text)
{
	char data[256];
	size_t len = strlen(text);

	CHECK(net_test_read_all(ssl, data, len) && memcmp(data, text, len) == 0);
}
