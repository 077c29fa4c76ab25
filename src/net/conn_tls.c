/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/conn_tls.c - TLS of a connection, server side.  OpenSSL never sees the
 * socket: its BIO reads from what one recv() brought and writes into the worker's
 * shared buffer, which leaves in one send().  So an idle connection has no buffer, and a
 * flight or a burst of records costs one system call.
 */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <string.h>

#include "base/mem.h"
#include "net/conn_state.h"
#include "net/tls.h"
#include "net/tls_state.h"

#define BROKE_PROTOCOL "the peer broke the protocol"
#define EXPORTER_LABEL "EXPORTER-Channel-Binding" /* RFC 9266 2 */

/* What the BIO works on during one call into OpenSSL. */
struct tls_io {
	struct conn *c;
	const char *in;
	size_t in_len;
	char *out; /* SEND_BYTES */
	size_t out_len;
	bool renegotiates; /* the peer asks for a handshake after the first */
};

static _Thread_local struct tls_io *tls_io;

/* --- The BIO ------------------------------------------------------------------------ */

static int
bio_read(BIO *bio, char *data, size_t len, size_t *read)
{
	struct tls_io *io = tls_io;

	BIO_clear_retry_flags(bio);
	*read = io && io->in_len < len ? io->in_len : len;
	if (!io || *read == 0) {
		BIO_set_retry_read(bio);
		*read = 0;
		return 0;
	}
	memcpy(data, io->in, *read);
	io->in += *read;
	io->in_len -= *read;
	return 1;
}

static void
send_collected(struct tls_io *io)
{
	if (io->out_len > 0)
		conn_push_wire(io->c, io->out, io->out_len);
	io->out_len = 0;
}

static int
bio_write(BIO *bio, const char *data, size_t len, size_t *written)
{
	struct tls_io *io = tls_io;

	*written = len;
	if (!io)
		return 1; /* only SSL_free() writes outside of our calls; nobody listens then */
	if (io->out_len + len > SEND_BYTES)
		send_collected(io);
	if (len > SEND_BYTES) {
		conn_push_wire(io->c, data, len);
		return 1;
	}
	memcpy(io->out + io->out_len, data, len);
	io->out_len += len;
	return 1;
}

static long
bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;

static void
make_bio_method(void)
{
	bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "worker buffer");
	hm_assert(bio_method);
	BIO_meth_set_read_ex(bio_method, bio_read);
	BIO_meth_set_write_ex(bio_method, bio_write);
	BIO_meth_set_ctrl(bio_method, bio_ctrl);
}

static BIO *
bio_new(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	BIO *bio;

	pthread_once(&once, make_bio_method);
	bio = BIO_new(bio_method);
	hm_assert(bio);
	BIO_set_init(bio, 1);
	return bio;
}

/* Around each call into OpenSSL. What it wants to send goes before anything else is done. */
static void
io_begin(struct tls_io *io)
{
	size_t size;

	io->out = worker_buffer(&size) + READ_BYTES + PLAIN_BYTES;
	io->out_len = 0;
	_Static_assert(READ_BYTES + PLAIN_BYTES + SEND_BYTES == 65536, "the worker's buffer");
	ERR_clear_error();
	tls_io = io;
}

static void
io_end(struct tls_io *io)
{
	tls_io = NULL;
	send_collected(io);
}

/* --- Input ------------------------------------------------------------------------------ */

static void
tls_failed(struct conn *c, const char *otherwise)
{
	const char *reason = tls_take_error(otherwise);

	c->tls_broken = true;
	mem_free(c->tls_error);
	c->tls_error = mem_strdup(reason);
	if (!c->secured)
		net_count(M_HANDSHAKES_FAILED, 1);
	conn_over(c, CONN_TLS_FAILED);
}

/* True when the handshake is done, and c still ours. */
static bool
shake_hands(struct conn *c, struct tls_io *io)
{
	int result, error;

	io_begin(io);
	result = SSL_do_handshake(c->ssl);
	error = SSL_get_error(c->ssl, result);
	io_end(io);
	if (error == SSL_ERROR_WANT_READ)
		return false;
	if (result != 1) {
		tls_failed(c, BROKE_PROTOCOL);
		return false;
	}
	c->secured = true;
	c->heard_ms = worker_now_ms();
	net_count(M_HANDSHAKES, 1);
	conn_wake(c); /* what was written while it lasted */
	if (c->state == CONN_OPEN && c->ops->secured)
		c->ops->secured(c);
	return true;
}

/* Decrypted bytes of the next record; 0: there is none. */
static size_t
read_record(struct conn *c, struct tls_io *io, char *plain)
{
	size_t len = 0;
	int result, error;

	io_begin(io);
	result = SSL_read_ex(c->ssl, plain, PLAIN_BYTES, &len);
	error = SSL_get_error(c->ssl, result);
	io_end(io);
	/* RFC 6120 5.3.5: OpenSSL only answers no_renegotiation, and would go on. */
	if (io->renegotiates) {
		tls_failed(c, "the peer wants to negotiate again");
		return 0;
	}
	if (result == 1)
		return len;
	if (error == SSL_ERROR_ZERO_RETURN)
		conn_eof(c, CONN_EOF);
	else if (error != SSL_ERROR_WANT_READ)
		tls_failed(c, BROKE_PROTOCOL);
	return 0;
}

void
conn_tls_input(struct conn *c, const char *data, size_t len)
{
	struct tls_io io = { .c = c, .in = data, .in_len = len };
	size_t size, plain_len;
	char *plain = worker_buffer(&size) + READ_BYTES;

	if (!c->secured && !shake_hands(c, &io))
		return;
	/* All of it, also when the owner holds or gives c away: see conn_state.h. */
	while (!c->freed && c->state == CONN_OPEN && (plain_len = read_record(c, &io, plain)) > 0) {
		conn_deliver(c, plain, plain_len);
		/* Nearly always it was one record: asking for another would cost a buffer. */
		if (io.in_len == 0 && !SSL_has_pending(c->ssl))
			break;
	}
}

/* --- Output ------------------------------------------------------------------------------ */

size_t
conn_tls_encrypt(struct conn *c, const char *data, size_t len)
{
	struct tls_io io = { .c = c };
	size_t done = 0, written;

	if (c->tls_broken)
		return 0;
	io_begin(&io);
	while (done < len && c->wire.len == 0 && !c->tls_broken) {
		size_t record = len - done < RECORD_BYTES ? len - done : RECORD_BYTES;

		if (SSL_write_ex(c->ssl, data + done, record, &written) == 1)
			done += written;
		else
			tls_failed(c, BROKE_PROTOCOL);
	}
	io_end(&io);
	return done;
}

void
conn_tls_shutdown(struct conn *c)
{
	struct tls_io io = { .c = c };

	if (!c->secured || c->tls_broken)
		return;
	io_begin(&io);
	SSL_shutdown(c->ssl);
	io_end(&io);
	ERR_clear_error();
}

/* --- Renegotiation ------------------------------------------------------------------------- */

static void
note_alert(const SSL *ssl, int where, int what)
{
	if ((where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT &&
	    (what & 0xff) == SSL_AD_NO_RENEGOTIATION && tls_io)
		tls_io->renegotiates = true;
}

/* --- Life --------------------------------------------------------------------------------- */

static bool
can_start(const struct conn *c)
{
	hm_assert(!c->ssl);
	return c->state == CONN_OPEN && c->kept.len == 0;
}

/* Takes ssl. */
static void
start_with(struct conn *c, struct tls_context *ctx, SSL *ssl)
{
	BIO *bio = bio_new();

	c->tls = tls_context_ref(ctx);
	c->ssl = ssl;
	SSL_set_bio(c->ssl, bio, bio);
	SSL_set_info_callback(c->ssl, note_alert);
	/* What was said so far was said in the clear. */
	if (c->out.len > 0)
		buf_append(&c->wire, c->out.data, c->out.len);
	buf_free(&c->out);
	c->tls_began = c->in_readable;
	c->heard_ms = worker_now_ms();
	conn_arm_timer(c);
}

bool
conn_start_tls(struct conn *c, struct tls_context *ctx, const char *sni_default)
{
	if (!can_start(c))
		return false;
	start_with(c, ctx, tls_ssl_new(ctx, sni_default));
	return true;
}

/* RFC 7301 3.1: one protocol, with its length before it. */
static void
ask_for_protocol(SSL *ssl, const char *name)
{
	unsigned char list[256];
	size_t len = strlen(name);

	hm_assert(len < sizeof(list));
	list[0] = (unsigned char)len;
	memcpy(list + 1, name, len);
	SSL_set_alpn_protos(ssl, list, (unsigned)len + 1);
}

bool
conn_start_tls_client(struct conn *c, struct tls_context *ctx, const struct conn_tls_client *as)
{
	struct tls_io io = { .c = c };
	SSL *ssl;

	if (!can_start(c))
		return false;
	ssl = tls_ssl_new_client(ctx, as->own);
	if (as->name)
		SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
		         (void *)(uintptr_t)as->name);
	if (as->protocol)
		ask_for_protocol(ssl, as->protocol);
	start_with(c, ctx, ssl);
	/* Our first flight; it goes behind what was said in the clear. */
	shake_hands(c, &io);
	return true;
}

void
conn_tls_free(struct conn *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	tls_context_unref(&c->tls);
}

/* --- Questions ------------------------------------------------------------------------------ */

bool
conn_is_tls(const struct conn *c)
{
	return c->secured;
}

const char *
conn_tls_sni(const struct conn *c)
{
	return c->secured ? SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name) : NULL;
}

const char *
conn_tls_alpn(const struct conn *c)
{
	const unsigned char *name = NULL;
	unsigned len = 0;

	if (!c->secured || !c->tls->alpn)
		return NULL;
	SSL_get0_alpn_selected(c->ssl, &name, &len);
	for (char **ours = c->tls->alpn; len > 0 && *ours; ours++)
		if (strlen(*ours) == len && memcmp(*ours, name, len) == 0)
			return *ours;
	return NULL;
}

const char *
conn_tls_version(const struct conn *c)
{
	return c->secured ? SSL_get_version(c->ssl) : NULL;
}

const char *
conn_tls_cipher(const struct conn *c)
{
	return c->secured ? SSL_get_cipher_name(c->ssl) : NULL;
}

const char *
conn_tls_error(const struct conn *c)
{
	return c->tls_error ? c->tls_error : "no TLS error";
}

struct x509_st *
conn_tls_peer_certificate(const struct conn *c)
{
	return c->secured ? SSL_get0_peer_certificate(c->ssl) : NULL;
}

const char *
conn_tls_peer_fault(const struct conn *c)
{
	if (!conn_tls_peer_certificate(c))
		return "no certificate was shown";
	switch (SSL_get_verify_result(c->ssl)) {
	case X509_V_OK:
		return NULL;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "the certificate has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "the certificate is not valid yet";
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return "the certificate is self-signed";
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return "the certificate is signed by nobody whom we trust, or its chain is incomplete";
	case X509_V_ERR_CERT_REVOKED:
		return "the certificate was revoked";
	case X509_V_ERR_INVALID_PURPOSE:
		return "the certificate is not for servers";
	default:
		return X509_verify_cert_error_string(SSL_get_verify_result(c->ssl));
	}
}

bool
conn_tls_exporter(struct conn *c, unsigned char out[32])
{
	static const unsigned char no_context[1];

	/* RFC 9266 2: with TLS 1.2 only unique together with the extended master secret. */
	if (!c->secured ||
	    (SSL_version(c->ssl) < TLS1_3_VERSION && SSL_get_extms_support(c->ssl) != 1))
		return false;
	if (SSL_export_keying_material(c->ssl, out, 32, EXPORTER_LABEL, strlen(EXPORTER_LABEL),
	                               no_context, 0, 1) == 1)
		return true;
	ERR_clear_error();
	return false;
}

bool
conn_tls_server_end_point(struct conn *c, unsigned char out[64], size_t *len)
{
	const struct tls_certificate *cert = c->secured ? tls_certificate_of(c->ssl) : NULL;

	if (!cert || cert->end_point_len == 0)
		return false;
	memcpy(out, cert->end_point, cert->end_point_len);
	*len = cert->end_point_len;
	return true;
}
