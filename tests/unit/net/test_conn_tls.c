/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* TLS on connections, against OpenSSL's own client: upgrade, SNI, ALPN, bindings, ends. */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "loop/worker.h"
#include "net_test.h"

static const char *const domains[] = { "a.example", "b.example", NULL };
static const char *const xmpp[] = { "xmpp-client", NULL };

static struct tls_context *context;
static struct conn *conn;
static enum conn_end why_ended;
static char error[128];
static bool refused;
static sem_t started; /* serve_direct() is done */

/* What the server saw when TLS was up. */
static struct {
	bool secured;
	char sni[64], alpn[64], version[16], cipher[64];
	unsigned char exporter[32], end_point[64];
	size_t end_point_len;
	bool has_exporter, has_end_point;
} seen;

static void
copy(char *out, size_t size, const char *text)
{
	out[0] = '\0';
	if (text)
		strncat(out, text, size - 1);
}

static void
note_secured(struct conn *c)
{
	CHECK(conn_is_tls(c));
	seen.secured = true;
	copy(seen.sni, sizeof(seen.sni), conn_tls_sni(c));
	copy(seen.alpn, sizeof(seen.alpn), conn_tls_alpn(c));
	copy(seen.version, sizeof(seen.version), conn_tls_version(c));
	copy(seen.cipher, sizeof(seen.cipher), conn_tls_cipher(c));
	seen.has_exporter = conn_tls_exporter(c, seen.exporter);
	seen.has_end_point = conn_tls_server_end_point(c, seen.end_point, &seen.end_point_len);
}

static void
note_end(struct conn *c, enum conn_end why)
{
	why_ended = why;
	copy(error, sizeof(error), conn_tls_error(c));
	net_test_ended(&c);
}

static size_t
echo(struct conn *c, const char *data, size_t len)
{
	conn_write(c, data, len);
	return len;
}

static const struct conn_ops echo_ops = { .readable = echo,
	                                  .secured = note_secured,
	                                  .ended = note_end };

static void
serve_direct(int fd)
{
	conn = conn_take_fd(fd, &echo_ops, NULL);
	conn_set_timeout(conn, 60000);
	CHECK(conn_start_tls(conn, context, NULL));
	CHECK(!conn_is_tls(conn));
	sem_post(&started);
}

static void
run(const char *const *alpn, void (*serve)(int fd), void (*client)(int fd))
{
	memset(&seen, 0, sizeof(seen));
	refused = false;
	context = net_test_context(domains, alpn);
	sem_init(&started, 0, 0);
	net_test_run(1, 1, serve, client);
	sem_destroy(&started);
	tls_context_unref(&context);
}

/* --- Direct TLS, SNI, ALPN -------------------------------------------------------------- */

static void
expect_certificate_of(SSL *ssl, const char *domain)
{
	X509 *x509 = SSL_get1_peer_certificate(ssl);
	char name[64] = "";

	X509_NAME_get_text_by_NID(X509_get_subject_name(x509), NID_commonName, name, sizeof(name));
	CHECK(strcmp(name, domain) == 0);
	X509_free(x509);
}

static void
end_politely(SSL *ssl)
{
	CHECK(SSL_shutdown(ssl) == 0);
	/* The server answers with its own close_notify. */
	CHECK(SSL_shutdown(ssl) == 1);
}

static void
talk_to_b(int fd)
{
	SSL *ssl = net_test_client(fd, "B.example", "xmpp-client");
	const unsigned char *alpn;
	unsigned len;

	CHECK(SSL_connect(ssl) == 1);
	expect_certificate_of(ssl, "b.example");
	SSL_get0_alpn_selected(ssl, &alpn, &len);
	CHECK(len == 11 && memcmp(alpn, "xmpp-client", 11) == 0);
	CHECK(net_test_write_all(ssl, "hello", 5));
	net_test_ssl_expect(ssl, "hello");
	end_politely(ssl);
	net_test_client_free(&ssl);
}

static void
sni_and_alpn_choose_on_a_direct_port(void **state)
{
	run(xmpp, serve_direct, talk_to_b);
	assert_string_equal(seen.sni, "B.example");
	assert_string_equal(seen.alpn, "xmpp-client");
	assert_string_equal(seen.version, "TLSv1.3");
	assert_string_equal(seen.cipher, "TLS_AES_128_GCM_SHA256");
	assert_int_equal(why_ended, CONN_EOF);
}

static void
talk_to_anybody(int fd)
{
	SSL *ssl = net_test_client(fd, "unknown.example", NULL);

	CHECK(SSL_connect(ssl) == 1);
	expect_certificate_of(ssl, "a.example");
	CHECK(SSL_get_session(ssl) && !SSL_SESSION_is_resumable(SSL_get_session(ssl)));
	end_politely(ssl);
	net_test_client_free(&ssl);
}

static void
an_unknown_name_and_no_alpn_are_served_by_the_first_host(void **state)
{
	run(xmpp, serve_direct, talk_to_anybody);
	assert_true(seen.secured);
	assert_string_equal(seen.alpn, "");
	assert_int_equal(why_ended, CONN_EOF);
}

static void
talk_to_service(int fd)
{
	SSL *ssl = net_test_client(fd, "rooms.b.example", NULL);

	CHECK(SSL_connect(ssl) == 1);
	expect_certificate_of(ssl, "b.example");
	end_politely(ssl);
	net_test_client_free(&ssl);
}

static void
a_service_is_served_with_its_hosts_certificate(void **state)
{
	run(NULL, serve_direct, talk_to_service);
	assert_string_equal(seen.sni, "rooms.b.example");
}

static void
speak_http(int fd)
{
	SSL *ssl = net_test_client(fd, "a.example", "h2");

	CHECK(SSL_connect(ssl) != 1);
	CHECK(ERR_GET_REASON(ERR_peek_error()) == SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
	ERR_clear_error();
	net_test_client_free(&ssl);
}

static void
a_client_of_foreign_protocols_is_refused(void **state)
{
	run(xmpp, serve_direct, speak_http);
	assert_false(seen.secured);
	assert_int_equal(why_ended, CONN_TLS_FAILED);
	assert_string_equal(error, "no application protocol");
}

/* --- What is not accepted ------------------------------------------------------------------ */

static void
speak_tls_1_1(int fd)
{
	SSL *ssl = net_test_client(fd, "a.example", NULL);

	SSL_set_security_level(ssl, 0);
	SSL_set_min_proto_version(ssl, TLS1_VERSION);
	SSL_set_max_proto_version(ssl, TLS1_1_VERSION);
	SSL_set_cipher_list(ssl, "ALL:@SECLEVEL=0");
	CHECK(SSL_connect(ssl) != 1);
	ERR_clear_error();
	net_test_client_free(&ssl);
}

static void
versions_before_1_2_are_refused(void **state)
{
	run(NULL, serve_direct, speak_tls_1_1);
	assert_int_equal(why_ended, CONN_TLS_FAILED);
}

static void
speak_cbc(int fd)
{
	SSL *ssl = net_test_client(fd, "a.example", NULL);

	SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
	SSL_set_cipher_list(ssl, "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA");
	CHECK(SSL_connect(ssl) != 1);
	ERR_clear_error();
	net_test_client_free(&ssl);
}

static void
ciphers_without_aead_are_refused(void **state)
{
	run(NULL, serve_direct, speak_cbc);
	assert_int_equal(why_ended, CONN_TLS_FAILED);
	assert_string_equal(error, "no shared cipher");
}

static void
renegotiate(int fd)
{
	SSL *ssl = net_test_client(fd, "a.example", NULL);
	char byte;

	SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
	CHECK(SSL_connect(ssl) == 1);
	CHECK(SSL_get_secure_renegotiation_support(ssl) == 1);
	CHECK(SSL_renegotiate(ssl) == 1);
	CHECK(SSL_do_handshake(ssl) != 1 || SSL_read(ssl, &byte, 1) <= 0);
	ERR_clear_error();
	while (recv(fd, &byte, 1, 0) > 0)
		;
	net_test_client_free(&ssl);
}

static void
renegotiation_is_refused(void **state)
{
	run(NULL, serve_direct, renegotiate);
	assert_true(seen.secured);
	/* RFC 6120 5.3.5: by the server itself, not after an alert of the client's. */
	assert_int_equal(why_ended, CONN_TLS_FAILED);
	assert_string_equal(error, "the peer wants to negotiate again");
	assert_string_equal(seen.version, "TLSv1.2");
}

static void
ask_for_a_session(int fd, int version)
{
	SSL *ssl = net_test_client(fd, "a.example", NULL);

	SSL_set_max_proto_version(ssl, version);
	CHECK(SSL_connect(ssl) == 1);
	/* With TLS 1.3 tickets would come now. */
	CHECK(net_test_write_all(ssl, "hello", 5));
	net_test_ssl_expect(ssl, "hello");
	CHECK(!SSL_SESSION_is_resumable(SSL_get0_session(ssl)));
	end_politely(ssl);
	net_test_client_free(&ssl);
}

static void
ask_1_2(int fd)
{
	ask_for_a_session(fd, TLS1_2_VERSION);
}

static void
ask_1_3(int fd)
{
	ask_for_a_session(fd, TLS1_3_VERSION);
}

static void
no_session_can_be_resumed(void **state)
{
	run(NULL, serve_direct, ask_1_2);
	assert_string_equal(seen.version, "TLSv1.2");
	run(NULL, serve_direct, ask_1_3);
	assert_string_equal(seen.version, "TLSv1.3");
}

static void
speak_clear(int fd)
{
	net_test_send(fd, "<?xml version='1.0'?><stream:stream>");
	while (recv(fd, error, sizeof(error), 0) > 0)
		;
}

static void
what_is_not_tls_fails_the_handshake(void **state)
{
	run(xmpp, serve_direct, speak_clear);
	assert_int_equal(why_ended, CONN_TLS_FAILED);
}

/* --- STARTTLS ---------------------------------------------------------------------------- */

#define ASK "<starttls/>"
#define PROCEED "<proceed/>"

static size_t
upgrade(struct conn *c, const char *data, size_t len)
{
	if (conn_is_tls(c))
		return echo(c, data, len);
	CHECK(len >= strlen(ASK) && memcmp(data, ASK, strlen(ASK)) == 0);
	conn_write(c, PROCEED, strlen(PROCEED));
	CHECK(conn_start_tls(c, context, "b.example"));
	/* Written before the handshake is done, and not in the clear. */
	conn_write(c, "secret", 6);
	return strlen(ASK);
}

static void
serve_upgrade(int fd)
{
	static const struct conn_ops ops = { .readable = upgrade,
		                             .secured = note_secured,
		                             .ended = note_end };

	conn = conn_take_fd(fd, &ops, NULL);
}

static void
upgrade_to_tls(int fd)
{
	SSL *ssl = net_test_client(fd, NULL, NULL);

	net_test_send(fd, ASK);
	net_test_expect(fd, PROCEED);
	CHECK(SSL_connect(ssl) == 1);
	expect_certificate_of(ssl, "b.example");
	net_test_ssl_expect(ssl, "secret");
	CHECK(net_test_write_all(ssl, "hello", 5));
	net_test_ssl_expect(ssl, "hello");
	end_politely(ssl);
	net_test_client_free(&ssl);
}

static void
starttls_upgrades_with_the_certificate_of_the_streams_host(void **state)
{
	run(NULL, serve_upgrade, upgrade_to_tls);
	assert_true(seen.secured);
	assert_string_equal(seen.sni, "");
	assert_int_equal(why_ended, CONN_EOF);
}

static void
pipeline_clear_text(int fd)
{
	char data[64];

	net_test_send(fd, ASK "<auth/>");
	while (recv(fd, data, sizeof(data), 0) > 0)
		;
}

static void
bytes_pipelined_behind_starttls_end_the_connection(void **state)
{
	run(NULL, serve_upgrade, pipeline_clear_text);
	assert_int_equal(why_ended, CONN_TLS_FAILED);
	assert_string_equal(error, "clear text was sent behind <starttls/>");
}

static struct mail later;

static void
upgrade_later(struct mail *mail)
{
	refused = !conn_start_tls(conn, context, NULL);
	net_test_ended(&conn);
}

static size_t
leave_rest(struct conn *c, const char *data, size_t len)
{
	later.run = upgrade_later;
	worker_post(0, &later);
	return strlen(ASK);
}

static void
serve_upgrade_later(int fd)
{
	static const struct conn_ops ops = { .readable = leave_rest, .ended = note_end };

	conn = conn_take_fd(fd, &ops, NULL);
}

static void
tls_is_not_started_over_unread_clear_text(void **state)
{
	run(NULL, serve_upgrade_later, pipeline_clear_text);
	assert_true(refused);
}

/* --- Channel bindings ------------------------------------------------------------------------ */

static unsigned char client_exporter[32], client_end_point[64];
static unsigned client_end_point_len;
static int client_version;

static void
bind_channel(int fd)
{
	SSL *ssl = net_test_client(fd, "a.example", NULL);
	X509 *x509;

	SSL_set_max_proto_version(ssl, client_version);
	CHECK(SSL_connect(ssl) == 1);
	CHECK(SSL_export_keying_material(ssl, client_exporter, 32, "EXPORTER-Channel-Binding", 24,
	                                 (const unsigned char *)"", 0, 1) == 1);
	x509 = SSL_get1_peer_certificate(ssl);
	CHECK(X509_digest(x509, EVP_sha384(), client_end_point, &client_end_point_len) == 1);
	X509_free(x509);
	CHECK(net_test_write_all(ssl, "hello", 5));
	net_test_ssl_expect(ssl, "hello");
	end_politely(ssl);
	net_test_client_free(&ssl);
}

static void
both_sides_have_the_same_channel_bindings(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < HM_COUNT(versions); i++) {
		client_version = versions[i];
		run(NULL, serve_direct, bind_channel);
		assert_true(seen.has_exporter);
		assert_memory_equal(seen.exporter, client_exporter, 32);
		assert_true(seen.has_end_point);
		assert_int_equal(seen.end_point_len, client_end_point_len);
		assert_memory_equal(seen.end_point, client_end_point, client_end_point_len);
	}
}

static void
bind_without_extended_master_secret(int fd)
{
	SSL *ssl = net_test_client(fd, "a.example", NULL);

	SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
	SSL_set_options(ssl, SSL_OP_NO_EXTENDED_MASTER_SECRET);
	CHECK(SSL_connect(ssl) == 1);
	end_politely(ssl);
	net_test_client_free(&ssl);
}

static void
tls_1_2_without_extended_master_secret_has_no_exporter(void **state)
{
	run(NULL, serve_direct, bind_without_extended_master_secret);
	assert_true(seen.secured);
	assert_false(seen.has_exporter);
	assert_true(seen.has_end_point);
}

/* --- Ends and time-outs ------------------------------------------------------------------------ */

static void
cut(int fd)
{
	SSL *ssl = net_test_client(fd, "a.example", NULL);

	CHECK(SSL_connect(ssl) == 1);
	CHECK(net_test_write_all(ssl, "hello", 5));
	net_test_ssl_expect(ssl, "hello");
	net_test_client_free(&ssl);
}

static void
an_end_without_close_notify_is_a_truncation(void **state)
{
	run(NULL, serve_direct, cut);
	assert_int_equal(why_ended, CONN_TRUNCATED);
}

static void
drip_client_hello(int fd)
{
	/* The start of a record of 512 bytes, a byte every ten seconds. */
	static const char hello[] = { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, (char)0xfc };
	char data[16];

	sem_wait(&started);
	for (size_t i = 0; i < 7; i++) {
		send(fd, hello + i, 1, MSG_NOSIGNAL);
		net_test_advance(10000);
	}
	while (recv(fd, data, sizeof(data), 0) > 0)
		;
}

static void
a_dripping_handshake_runs_out_of_time(void **state)
{
	run(NULL, serve_direct, drip_client_hello);
	assert_int_equal(why_ended, CONN_TIMEOUT);
}

static size_t
answer_and_close(struct conn *c, const char *data, size_t len)
{
	conn_write(c, "bye", 3);
	conn_close(c, 5000);
	return len;
}

static void
serve_closing(int fd)
{
	static const struct conn_ops ops = { .readable = answer_and_close, .ended = note_end };

	conn = conn_take_fd(fd, &ops, NULL);
	CHECK(conn_start_tls(conn, context, NULL));
}

static void
be_closed(int fd)
{
	SSL *ssl = net_test_client(fd, "a.example", NULL);
	char byte;

	CHECK(SSL_connect(ssl) == 1);
	CHECK(net_test_write_all(ssl, "close", 5));
	net_test_ssl_expect(ssl, "bye");
	CHECK(SSL_read(ssl, &byte, 1) == 0);
	CHECK(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN);
	net_test_client_free(&ssl);
}

static void
closing_says_close_notify_behind_the_last_bytes(void **state)
{
	run(NULL, serve_closing, be_closed);
	assert_int_equal(why_ended, CONN_EOF);
}

/* --- Large amounts ------------------------------------------------------------------------------ */

#define BIG (3 * 1024 * 1024)
static char big[BIG];

static size_t
send_big(struct conn *c, const char *data, size_t len)
{
	conn_write(c, big, BIG);
	return len;
}

static void
serve_big(int fd)
{
	static const struct conn_ops ops = { .readable = send_big, .ended = note_end };

	for (size_t i = 0; i < BIG; i++)
		big[i] = (char)(i * 31 + i / 251);
	conn = conn_take_fd(fd, &ops, NULL);
	CHECK(conn_start_tls(conn, context, NULL));
}

static void
read_big(int fd)
{
	static char data[BIG];
	SSL *ssl = net_test_client(fd, "a.example", NULL);

	CHECK(SSL_connect(ssl) == 1);
	CHECK(net_test_write_all(ssl, "go", 2));
	CHECK(net_test_read_all(ssl, data, BIG));
	CHECK(memcmp(data, big, BIG) == 0);
	end_politely(ssl);
	net_test_client_free(&ssl);
}

static void
what_the_kernel_does_not_take_at_once_arrives_in_order(void **state)
{
	run(NULL, serve_big, read_big);
	assert_int_equal(why_ended, CONN_EOF);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sni_and_alpn_choose_on_a_direct_port),
		cmocka_unit_test(an_unknown_name_and_no_alpn_are_served_by_the_first_host),
		cmocka_unit_test(a_service_is_served_with_its_hosts_certificate),
		cmocka_unit_test(a_client_of_foreign_protocols_is_refused),
		cmocka_unit_test(versions_before_1_2_are_refused),
		cmocka_unit_test(ciphers_without_aead_are_refused),
		cmocka_unit_test(renegotiation_is_refused),
		cmocka_unit_test(no_session_can_be_resumed),
		cmocka_unit_test(what_is_not_tls_fails_the_handshake),
		cmocka_unit_test(starttls_upgrades_with_the_certificate_of_the_streams_host),
		cmocka_unit_test(bytes_pipelined_behind_starttls_end_the_connection),
		cmocka_unit_test(tls_is_not_started_over_unread_clear_text),
		cmocka_unit_test(both_sides_have_the_same_channel_bindings),
		cmocka_unit_test(tls_1_2_without_extended_master_secret_has_no_exporter),
		cmocka_unit_test(an_end_without_close_notify_is_a_truncation),
		cmocka_unit_test(a_dripping_handshake_runs_out_of_time),
		cmocka_unit_test(closing_says_close_notify_behind_the_last_bytes),
		cmocka_unit_test(what_the_kernel_does_not_take_at_once_arrives_in_order),
	};

	return cmocka_run_group_tests(tests, net_test_begin, net_test_end);
}
