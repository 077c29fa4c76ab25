/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * crypto/cert.c - reads certificates and keys from PEM files.  A file is read
 * whole, within a bound, before OpenSSL sees it; a passphrase is never asked for, since
 * there is nobody at the keyboard.
 */
#include "crypto/cert.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/cert_private.h"
#include "crypto/hash.h"

#define FILE_MAX (1024 * 1024)

bool
cert_error(struct hm_error *why, const char *what, const char *path)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	error_set(why, HM_E_INVALID, "%s: %s: %s", path, what, reason ? reason : "unknown reason");
	ERR_clear_error();
	return false;
}

/* --- Reading --------------------------------------------------------------- */

struct file {
	char *data;
	size_t len;
	mode_t mode;
};

static void
file_free(struct file *f)
{
	if (f->data)
		crypto_wipe(f->data, f->len); /* may hold a key */
	mem_free(f->data);
	f->data = NULL;
}

static bool
fill(int fd, struct file *f, const char *path, struct hm_error *why)
{
	struct stat st;
	size_t len = 0;

	if (fstat(fd, &st) < 0)
		return error_errno(why, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(why, HM_E_INVALID, "%s: not a file", path);
	if (st.st_size > FILE_MAX)
		return error_set(why, HM_E_LIMIT, "%s: larger than 1 MiB", path);
	f->mode = st.st_mode;
	f->data = mem_zalloc((size_t)st.st_size + 1);
	f->len = (size_t)st.st_size;
	while (len < f->len) {
		ssize_t n = read(fd, f->data + len, f->len - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(why, "%s", path);
		if (n == 0)
			return error_set(why, HM_E_SYSTEM, "%s: became shorter while it was read",
			                 path);
		len += (size_t)n;
	}
	return true;
}

static bool
file_read(struct file *f, const char *path, struct hm_error *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool ok;

	if (fd < 0)
		return error_errno(why, "%s", path);
	ok = fill(fd, f, path, why);
	close(fd);
	if (!ok)
		file_free(f);
	return ok;
}

static int
no_passphrase(char *out, int size, int writing, void *data)
{
	return -1;
}

static bool
read_chain(struct cert *cert, const char *path, BIO *pem, struct hm_error *why)
{
	unsigned long code;
	X509 *x509;

	cert->x509 = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL);
	if (!cert->x509)
		return cert_error(why, "no certificate in PEM form", path);
	while ((x509 = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL))) {
		if (cert->chain_n == CERT_CHAIN_MAX) {
			X509_free(x509);
			return error_set(why, HM_E_LIMIT,
			                 "%s: more than %d certificates in the chain", path,
			                 CERT_CHAIN_MAX);
		}
		cert->chain[cert->chain_n++] = x509;
	}
	code = ERR_peek_last_error();
	if (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
		return cert_error(why, "a certificate of the chain can't be read", path);
	ERR_clear_error();
	return true;
}

static bool
read_key(struct cert *cert, const char *path, BIO *pem, struct hm_error *why)
{
	cert->key = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL);
	if (!cert->key)
		return cert_error(why, "no private key in PEM form without a passphrase", path);
	if (!X509_check_private_key(cert->x509, cert->key))
		return cert_error(why, "the key is not that of the certificate", path);
	return true;
}

/* Reads one file and gives it to `part`. */
static bool
with_file(struct cert *cert, const char *path,
          bool (*part)(struct cert *cert, const char *path, BIO *pem, struct hm_error *why),
          struct hm_error *why)
{
	struct file f = { 0 };
	BIO *pem;
	bool ok;

	if (!file_read(&f, path, why))
		return false;
	if (part == read_key && (f.mode & S_IROTH))
		log_line(NULL, HM_WARN, "everybody on this machine can read a private key",
		         hm_kv("path", path));
	pem = BIO_new_mem_buf(f.data, (int)f.len);
	hm_assert(pem);
	ok = part(cert, path, pem, why);
	BIO_free(pem);
	file_free(&f);
	return ok;
}

/* --- The certificate ------------------------------------------------------- */

static int64_t
time_us(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) ? (int64_t)timegm(&tm) * 1000000 : 0;
}

/* Once x509 is there. */
static void
read_details(struct cert *cert)
{
	cert->not_before_us = time_us(X509_get0_notBefore(cert->x509));
	cert->not_after_us = time_us(X509_get0_notAfter(cert->x509));
	cert_read_names(cert);
}

struct cert *
cert_load(const char *chain_path, const char *key_path, struct hm_error *why)
{
	struct cert *cert = mem_new(struct cert);

	ERR_clear_error();
	if (!with_file(cert, chain_path, read_chain, why) ||
	    !with_file(cert, key_path, read_key, why)) {
		cert_free(&cert);
		return NULL;
	}
	read_details(cert);
	return cert;
}

struct cert *
cert_new_from_x509(struct x509_st *x509)
{
	struct cert *cert = mem_new(struct cert);

	X509_up_ref(x509);
	cert->x509 = x509;
	read_details(cert);
	return cert;
}

void
cert_free(struct cert **cert)
{
	struct cert *c = *cert;

	if (!c)
		return;
	for (size_t i = 0; i < c->chain_n; i++)
		X509_free(c->chain[i]);
	X509_free(c->x509);
	EVP_PKEY_free(c->key);
	arena_free(&c->arena);
	mem_free(c);
	*cert = NULL;
}

struct x509_st *
cert_x509(const struct cert *cert)
{
	return cert->x509;
}

struct evp_pkey_st *
cert_key(const struct cert *cert)
{
	return cert->key;
}

size_t
cert_chain_count(const struct cert *cert)
{
	return cert->chain_n;
}

struct x509_st *
cert_chain(const struct cert *cert, size_t i)
{
	hm_assert(i < cert->chain_n);
	return cert->chain[i];
}

int64_t
cert_not_before_us(const struct cert *cert)
{
	return cert->not_before_us;
}

int64_t
cert_not_after_us(const struct cert *cert)
{
	return cert->not_after_us;
}

bool
cert_end_point(struct x509_st *x509, unsigned char out[CERT_END_POINT_MAX], size_t *len)
{
	const EVP_MD *md = NULL;
	unsigned written = 0;
	int nid;

	if (X509_get_signature_info(x509, &nid, NULL, NULL, NULL) && nid != NID_undef)
		md = EVP_get_digestbynid(nid == NID_md5 || nid == NID_sha1 ? NID_sha256 : nid);
	if (!md || EVP_MD_get_size(md) > CERT_END_POINT_MAX ||
	    !X509_digest(x509, md, out, &written)) {
		ERR_clear_error();
		return false;
	}
	*len = written;
	return true;
}
