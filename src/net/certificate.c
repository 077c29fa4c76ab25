/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/certificate.c - a host's certificate and key, read from their files; what
 * is doubtful about them goes to the log, what does not work is an error.
 */
#include <openssl/err.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/cert.h"
#include "net/tls_state.h"

static struct hm_logctx log_context = { .subject = "tls" };

/* Before the file is read: a change in between shows later as one, and not never. */
static bool
note_file(struct tls_file *file, const char *path)
{
	struct stat st;

	file->path = mem_strdup(path);
	if (stat(path, &st) != 0)
		return false;
	file->changed = st.st_mtim;
	file->inode = st.st_ino;
	file->size = st.st_size;
	return true;
}

bool
tls_file_changed(const struct tls_file *file)
{
	struct stat st;

	/* A file that is gone is being replaced: wait for the new one. */
	if (stat(file->path, &st) != 0)
		return false;
	return st.st_mtim.tv_sec != file->changed.tv_sec ||
	       st.st_mtim.tv_nsec != file->changed.tv_nsec || st.st_ino != file->inode ||
	       st.st_size != file->size;
}

static void
warn(const struct tls_host *host, const char *reason)
{
	log_line(&log_context, HM_WARN, "certificate will be refused", hm_kv("host", host->domain),
	         hm_kv("file", host->certificate), hm_kv("reason", reason));
}

/* Which service the context is for is not known here: either will do. */
static void
warn_about(const struct tls_host *host, const struct cert *cert)
{
	struct cert_domain domain = { .ascii = host->domain };
	int64_t now = clock_wall_us();

	if (cert_not_after_us(cert) < now)
		warn(host, "it has expired");
	if (cert_not_before_us(cert) > now)
		warn(host, "it is not valid yet");
	if (!cert_fits(cert, domain, CERT_XMPP_CLIENT) &&
	    !cert_fits(cert, domain, CERT_XMPP_SERVER))
		warn(host, "it is not for this name");
}

/* A server has nobody to ask for a passphrase. */
static int
no_passphrase(char *out, int size, int writing, void *ctx)
{
	return -1;
}

bool
tls_certificate_load(struct tls_certificate *cert, const struct tls_host *host,
                     struct hm_error *why)
{
	SSL_CTX *ctx = cert->ssl_ctx;
	struct cert *loaded;

	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	ERR_clear_error();
	if (!note_file(&cert->file[0], host->certificate))
		return error_errno(why, "certificate of %s: %s", host->domain, host->certificate);
	if (!note_file(&cert->file[1], host->key))
		return error_errno(why, "key of %s: %s", host->domain, host->key);
	if (SSL_CTX_use_certificate_chain_file(ctx, host->certificate) != 1)
		return error_set(why, HM_E_INVALID, "certificate of %s: %s: %s", host->domain,
		                 host->certificate, tls_take_error("not a PEM certificate"));
	if (SSL_CTX_use_PrivateKey_file(ctx, host->key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		return error_set(why, HM_E_INVALID, "key of %s: %s: %s", host->domain, host->key,
		                 tls_take_error("not the certificate's key"));
	loaded = cert_new_from_x509(SSL_CTX_get0_certificate(ctx));
	if (!cert_end_point(cert_x509(loaded), cert->end_point, &cert->end_point_len))
		cert->end_point_len = 0;
	warn_about(host, loaded);
	cert_free(&loaded);
	ERR_clear_error();
	return true;
}
