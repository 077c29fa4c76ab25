/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/certificate.c - a host's certificate and key, read from their files; what
 * is doubtful about them goes to the log, what does not work is an error.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
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

/* RFC 5929 4.1: the hash of the certificate, by the hash of its signature, but SHA-256 for MD5 and SHA-1. */
static void
note_end_point(struct tls_certificate *cert, X509 *x509)
{
	unsigned len = 0;
	int hash;

	if (!X509_get_signature_info(x509, &hash, NULL, NULL, NULL) || hash == NID_undef)
		return;
	if (hash == NID_md5 || hash == NID_sha1)
		hash = NID_sha256;
	_Static_assert(sizeof(cert->end_point) >= EVP_MAX_MD_SIZE, "any hash fits");
	if (X509_digest(x509, EVP_get_digestbynid(hash), cert->end_point, &len))
		cert->end_point_len = len;
	else
		ERR_clear_error();
}

static void
warn(const struct tls_host *host, const char *reason)
{
	log_line(&log_context, HM_WARN, "certificate will be refused", hm_kv("host", host->domain),
	         hm_kv("file", host->certificate), hm_kv("reason", reason));
}

static void
warn_about(const struct tls_host *host, X509 *x509)
{
	if (X509_cmp_current_time(X509_get0_notAfter(x509)) < 0)
		warn(host, "it has expired");
	if (X509_cmp_current_time(X509_get0_notBefore(x509)) > 0)
		warn(host, "it is not valid yet");
	if (X509_check_host(x509, host->domain, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) != 1)
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
	X509 *x509;

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
	x509 = SSL_CTX_get0_certificate(ctx);
	note_end_point(cert, x509);
	warn_about(host, x509);
	ERR_clear_error();
	return true;
}
