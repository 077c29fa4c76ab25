/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/tls.c - TLS contexts: one SSL_CTX per host in an immutable set, chosen by
 * SNI (RFC 6066 3), all with the same settings (RFC 7590, RFC 9325): TLS 1.2 and
 * 1.3, ephemeral keys and AEAD only, no compression, no renegotiation, and no
 * session resumption: for XMPP's long connections it isn't worth its keys.
 */
#include "net/tls.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "net/tls_state.h"

#define CIPHERS_1_2                                                                                \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                               \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                               \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CIPHERS_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
/* No finite-field groups: they cost a server a hundred times as much. */
#define GROUPS "X25519:P-256:P-384:P-521"
#define NAME_MAX_BYTES 255

const char *
tls_take_error(const char *otherwise)
{
	const char *text = ERR_reason_error_string(ERR_peek_error());

	ERR_clear_error();
	return text ? text : otherwise;
}

/* --- The choice of a certificate -------------------------------------------------- */

const struct tls_certificate *
tls_find_certificate(const struct tls_context *ctx, const char *name)
{
	char lower[NAME_MAX_BYTES + 1];
	size_t len = strlen(name);

	if (len > NAME_MAX_BYTES)
		return NULL;
	for (size_t i = 0; i <= len; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	if (len > 0 && lower[len - 1] == '.')
		lower[len - 1] = '\0';
	for (const char *domain = lower; domain; domain = strchr(domain, '.')) {
		const struct tls_certificate *found;

		domain += *domain == '.';
		if ((found = table_get(&ctx->by_domain, domain)))
			return found;
	}
	return NULL;
}

static int
name_indicated(SSL *ssl, int *alert, void *arg)
{
	/* As a client it is our own wish that is echoed. */
	const char *name =
		SSL_is_server(ssl) ? SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) : NULL;
	const struct tls_certificate *found = name ? tls_find_certificate(arg, name) : NULL;

	/* RFC 6120 knows the domain from the stream; an unknown name is no reason to refuse. */
	if (!found)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_SSL_CTX(ssl, found->ssl_ctx);
	return SSL_TLSEXT_ERR_OK;
}

/* RFC 7301 3.2: a client that offers only other protocols is refused (XEP-0368 3). */
static int
protocol_offered(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                 const unsigned char *offered, unsigned len, void *arg)
{
	const struct tls_context *ctx = arg;

	for (char **ours = ctx->alpn; *ours; ours++) {
		size_t ours_len = strlen(*ours);

		for (unsigned i = 0; i < len && i + 1 + offered[i] <= len; i += 1u + offered[i]) {
			if (offered[i] != ours_len || memcmp(offered + i + 1, *ours, ours_len) != 0)
				continue;
			*out = offered + i + 1;
			*out_len = offered[i];
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL *
ssl_new(const struct tls_context *ctx, const char *name)
{
	const struct tls_certificate *cert = name ? tls_find_certificate(ctx, name) : NULL;
	SSL *ssl = SSL_new((cert ? cert : &ctx->certificate[0])->ssl_ctx);

	hm_assert(ssl);
	return ssl;
}

SSL *
tls_ssl_new(const struct tls_context *ctx, const char *name)
{
	SSL *ssl = ssl_new(ctx, name);

	SSL_set_accept_state(ssl);
	return ssl;
}

SSL *
tls_ssl_new_client(const struct tls_context *ctx, const char *own)
{
	SSL *ssl = ssl_new(ctx, own);

	SSL_set_connect_state(ssl);
	/* The context's is for servers that are clients for the moment: see tls_context_judge_peers(). */
	SSL_set_purpose(ssl, X509_PURPOSE_SSL_SERVER);
	return ssl;
}

const struct tls_certificate *
tls_certificate_of(const SSL *ssl)
{
	return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* --- Making one ----------------------------------------------------------------------- */

static bool
set_up(struct tls_context *ctx, struct tls_certificate *cert)
{
	SSL_CTX *s = cert->ssl_ctx;

	SSL_CTX_set_options(s, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
	                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(s, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_app_data(s, cert);
	SSL_CTX_set_tlsext_servername_callback(s, name_indicated);
	SSL_CTX_set_tlsext_servername_arg(s, ctx);
	if (ctx->alpn)
		SSL_CTX_set_alpn_select_cb(s, protocol_offered, ctx);
	return SSL_CTX_set_min_proto_version(s, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_num_tickets(s, 0) == 1 && SSL_CTX_set_cipher_list(s, CIPHERS_1_2) == 1 &&
	       SSL_CTX_set_ciphersuites(s, CIPHERS_1_3) == 1 &&
	       SSL_CTX_set1_groups_list(s, GROUPS) == 1;
}

static char **
copy_protocols(const char *const *alpn)
{
	size_t n = 0;
	char **copy;

	while (alpn[n])
		n++;
	copy = mem_array(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = mem_strdup(alpn[i]);
	copy[n] = NULL;
	return copy;
}

static void
put_domain(struct tls_context *ctx, const char *domain, struct tls_certificate *cert)
{
	char *lower = mem_strdup(domain);

	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	table_put(&ctx->by_domain, lower, cert);
	mem_free(lower);
}

struct tls_context *
tls_context_new(const struct tls_host *hosts, size_t n, const char *const *alpn,
                struct hm_error *why)
{
	struct tls_context *ctx = mem_new(struct tls_context);

	hm_assert(n > 0);
	atomic_init(&ctx->refs, 1);
	ctx->n = n;
	ctx->certificate = mem_array(n, sizeof(*ctx->certificate));
	memset(ctx->certificate, 0, n * sizeof(*ctx->certificate));
	ctx->alpn = alpn ? copy_protocols(alpn) : NULL;
	for (size_t i = 0; i < n; i++) {
		struct tls_certificate *cert = &ctx->certificate[i];

		cert->ssl_ctx = SSL_CTX_new(TLS_method());
		if (!cert->ssl_ctx || !set_up(ctx, cert)) {
			error_set(why, HM_E_SYSTEM, "TLS can't be set up: %s",
			          tls_take_error("unknown reason"));
			tls_context_unref(&ctx);
			return NULL;
		}
		if (!tls_certificate_load(cert, &hosts[i], why)) {
			tls_context_unref(&ctx);
			return NULL;
		}
		put_domain(ctx, hosts[i].domain, cert);
	}
	return ctx;
}

/* --- Peers ----------------------------------------------------------------------------- */

/* What is wrong with a chain is looked at later: SSL_get_verify_result(). */
static int
judge_later(int fine, X509_STORE_CTX *ctx)
{
	return 1;
}

bool
tls_context_judge_peers(struct tls_context *ctx, const char *ca_file, struct hm_error *why)
{
	X509_STORE *store = X509_STORE_new();
	bool loaded;

	hm_assert(store);
	ERR_clear_error();
	loaded = ca_file ? X509_STORE_load_file(store, ca_file) == 1
	                 : X509_STORE_set_default_paths(store) == 1;
	if (!loaded)
		error_set(why, HM_E_INVALID, "certificates to trust: %s: %s",
		          ca_file ? ca_file : "the system's", tls_take_error("cannot be read"));
	for (size_t i = 0; loaded && i < ctx->n; i++) {
		SSL_CTX *s = ctx->certificate[i].ssl_ctx;

		SSL_CTX_set1_verify_cert_store(s, store);
		SSL_CTX_set_verify(s, SSL_VERIFY_PEER, judge_later);
		/* XEP-0178 2: servers show the certificate that they serve with, which may not be marked for clients. */
		SSL_CTX_set_purpose(s, X509_PURPOSE_ANY);
	}
	X509_STORE_free(store);
	ERR_clear_error();
	return loaded;
}

struct tls_context *
tls_context_ref(struct tls_context *ctx)
{
	atomic_fetch_add_explicit(&ctx->refs, 1, memory_order_relaxed);
	return ctx;
}

void
tls_context_unref(struct tls_context **ctxp)
{
	struct tls_context *ctx = *ctxp;

	*ctxp = NULL;
	if (!ctx || atomic_fetch_sub_explicit(&ctx->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (size_t i = 0; i < ctx->n; i++) {
		SSL_CTX_free(ctx->certificate[i].ssl_ctx);
		mem_free(ctx->certificate[i].file[0].path);
		mem_free(ctx->certificate[i].file[1].path);
	}
	mem_free(ctx->certificate);
	table_free(&ctx->by_domain);
	for (char **p = ctx->alpn; p && *p; p++)
		mem_free(*p);
	mem_free(ctx->alpn);
	mem_free(ctx);
}

bool
tls_context_stale(const struct tls_context *ctx)
{
	for (size_t i = 0; i < ctx->n; i++)
		if (tls_file_changed(&ctx->certificate[i].file[0]) ||
		    tls_file_changed(&ctx->certificate[i].file[1]))
			return true;
	return false;
}
