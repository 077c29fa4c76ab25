/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * crypto/cert_make.c - a self-signed ECDSA P-256 certificate, so that a first
 * start has one (RFC 5280 profile; names as in RFC 6120 13.7.1.2).  Each file is
 * written beside its place and moved there, so it is never seen half-written; the key
 * first, because a certificate without its key is the worse half.
 */
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"
#include "crypto/cert_private.h"

#define DAYS_MAX 36500
#define COMMON_NAME_MAX 64 /* RFC 5280 A.1, ub-common-name */

/* --- The certificate ------------------------------------------------------- */

static bool
set_serial(X509 *x509)
{
	unsigned char bytes[16];
	BIGNUM *number;
	bool ok;

	random_bytes(bytes, sizeof(bytes));
	bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and never short (RFC 5280 4.1.2.2) */
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
	BN_free(number);
	return ok;
}

static bool
set_validity(X509 *x509, unsigned days)
{
	time_t now = (time_t)(clock_wall_us() / 1000000);

	/* From yesterday on: the clocks of clients are not exact. */
	return X509_time_adj_ex(X509_getm_notBefore(x509), -1, 0, &now) &&
	       X509_time_adj_ex(X509_getm_notAfter(x509), (int)days, 0, &now);
}

static bool
set_subject(X509 *x509, const char *domain)
{
	X509_NAME *name = X509_get_subject_name(x509);

	/* Nobody should look at the Common Name; a domain that is too long for it needs none. */
	if (strlen(domain) <= COMMON_NAME_MAX &&
	    !X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
	                                (const unsigned char *)domain, -1, -1, 0))
		return false;
	return X509_set_issuer_name(x509, name);
}

static bool
add_name(GENERAL_NAMES *names, const char *domain)
{
	ASN1_OCTET_STRING *address = cert_address(domain);
	ASN1_STRING *value = address ? address : ASN1_IA5STRING_new();
	GENERAL_NAME *name = GENERAL_NAME_new();

	if (!value || !name || (!address && !ASN1_STRING_set(value, domain, -1))) {
		ASN1_STRING_free(value);
		GENERAL_NAME_free(name);
		return false;
	}
	GENERAL_NAME_set0_value(name, address ? GEN_IPADD : GEN_DNS, value);
	if (sk_GENERAL_NAME_push(names, name) > 0)
		return true;
	GENERAL_NAME_free(name);
	return false;
}

static bool
set_names(X509 *x509, const struct cert_order *order)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	bool ok = names;

	for (size_t i = 0; ok && i < order->n; i++)
		ok = add_name(names, order->domains[i]);
	ok = ok && X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
	GENERAL_NAMES_free(names);
	return ok;
}

static bool
set_extensions(X509 *x509)
{
	static const struct {
		int nid;
		const char *value;
	} extensions[] = {
		{ NID_basic_constraints, "critical,CA:FALSE" },
		{ NID_key_usage, "critical,digitalSignature" },
		{ NID_ext_key_usage,
		  "serverAuth,clientAuth" }, /* both ends of a server-to-server stream */
		{ NID_subject_key_identifier, "hash" },
	};
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x509, x509, NULL, NULL, 0);
	for (size_t i = 0; i < HM_COUNT(extensions); i++) {
		X509_EXTENSION *e =
			X509V3_EXT_conf_nid(NULL, &ctx, extensions[i].nid, extensions[i].value);
		bool ok = e && X509_add_ext(x509, e, -1);

		X509_EXTENSION_free(e);
		if (!ok)
			return false;
	}
	return true;
}

static X509 *
sign(const struct cert_order *order, EVP_PKEY *key)
{
	X509 *x509 = X509_new();

	if (x509 && X509_set_version(x509, X509_VERSION_3) && set_serial(x509) &&
	    set_validity(x509, order->days) && X509_set_pubkey(x509, key) &&
	    set_subject(x509, order->domains[0]) && set_extensions(x509) &&
	    set_names(x509, order) && X509_sign(x509, key, EVP_sha256()))
		return x509;
	X509_free(x509);
	return NULL;
}

/* --- Files ----------------------------------------------------------------- */

struct contents {
	const X509 *x509;    /* NULL: not in this file */
	const EVP_PKEY *key; /* likewise */
};

static bool
write_pem(FILE *f, struct contents c)
{
	return (!c.x509 || PEM_write_X509(f, c.x509)) &&
	       (!c.key || PEM_write_PKCS8PrivateKey(f, c.key, NULL, NULL, 0, NULL, NULL)) &&
	       fflush(f) == 0 && fsync(fileno(f)) == 0;
}

static bool
write_file(const char *path, struct contents c, struct hm_error *why)
{
	char *beside = mem_printf("%s.XXXXXX", path);
	int fd = mkostemp(beside, O_CLOEXEC); /* mode 0600 */
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	bool ok = false;

	if (!f) {
		error_errno(why, "%s", path);
		if (fd >= 0)
			close(fd);
		goto out;
	}
	ok = (c.key || fchmod(fd, 0644) == 0) && write_pem(f, c);
	if (!ok)
		error_errno(why, "%s", path);
	if (fclose(f) != 0 && ok)
		ok = error_errno(why, "%s", path);
	if (ok && rename(beside, path) < 0)
		ok = error_errno(why, "%s", path);
out:
	if (fd >= 0 && !ok)
		unlink(beside);
	mem_free(beside);
	return ok;
}

static bool
write_both(const struct cert_order *order, X509 *x509, EVP_PKEY *key, struct hm_error *why)
{
	if (strcmp(order->chain_path, order->key_path) == 0)
		return write_file(order->key_path, (struct contents){ x509, key }, why);
	return write_file(order->key_path, (struct contents){ .key = key }, why) &&
	       write_file(order->chain_path, (struct contents){ .x509 = x509 }, why);
}

/* --- Orders ---------------------------------------------------------------- */

/* A host name in ASCII, perhaps with "*." before it, or an IP literal. */
static bool
is_domain(const char *domain)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
	ASN1_OCTET_STRING *address = cert_address(domain);
	size_t len;

	ASN1_OCTET_STRING_free(address);
	if (address)
		return true;
	if (strncmp(domain, "*.", 2) == 0)
		domain += 2;
	len = strlen(domain);
	return len > 0 && len <= 253 && strspn(domain, allowed) == len && domain[0] != '.' &&
	       domain[len - 1] != '.' && !strstr(domain, "..");
}

static bool
check_order(const struct cert_order *order, struct hm_error *why)
{
	if (order->n < 1 || order->n > CERT_DOMAINS_MAX)
		return error_set(why, HM_E_INVALID, "a certificate needs 1 to %d domains",
		                 CERT_DOMAINS_MAX);
	if (order->days < 1 || order->days > DAYS_MAX)
		return error_set(why, HM_E_INVALID, "a certificate is valid for 1 to %d days",
		                 DAYS_MAX);
	for (size_t i = 0; i < order->n; i++)
		if (!is_domain(order->domains[i]))
			return error_set(why, HM_E_INVALID, "not a domain in ASCII form: \"%s\"",
			                 order->domains[i]);
	return true;
}

bool
cert_make(const struct cert_order *order, struct hm_error *why)
{
	EVP_PKEY *key;
	X509 *x509;
	bool ok;

	if (!check_order(order, why))
		return false;
	ERR_clear_error();
	key = EVP_EC_gen("P-256");
	x509 = key ? sign(order, key) : NULL;
	ok = x509 ? write_both(order, x509, key, why)
	          : cert_error(why, "no certificate could be made", order->chain_path);
	X509_free(x509);
	EVP_PKEY_free(key);
	return ok;
}
