/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * crypto/cert.h - certificates: read with their key, asked for whom they speak
 * (RFC 6125, RFC 6120 13.7) and until when, hashed for channel binding (RFC 5929), and
 * made for a first start.  A struct cert does not change; any thread may read it.
 *
 * struct x509_st and struct evp_pkey_st are OpenSSL's X509 and EVP_PKEY: for src/net,
 * which hands them to libssl.  No call leaves anything in OpenSSL's queue of errors.
 */
#ifndef CRYPTO_CERT_H
#define CRYPTO_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hermod/values.h>

struct x509_st;
struct evp_pkey_st;
struct cert;

#define CERT_CHAIN_MAX 16
#define CERT_END_POINT_MAX 64

/*
 * Reads PEM: the certificate, then those between it and a root; and its key, which may stand
 * in the same file (key_path may equal chain_path).  Refused with a sentence: unreadable, too large, not
 * PEM, encrypted, key of another certificate.  An expired one is not refused.
 */
struct cert *
cert_load(const char *chain_path, const char *key_path, struct hm_error *why) HM_MUST_USE;
/* One that a peer showed; takes a reference of its own.  It has no key and no chain. */
struct cert *cert_new_from_x509(struct x509_st *x509);
void cert_free(struct cert **cert);

/* Borrowed; they live as long as cert, or longer for who takes a reference. */
struct x509_st *cert_x509(const struct cert *cert);
struct evp_pkey_st *cert_key(const struct cert *cert); /* NULL: none */
size_t cert_chain_count(const struct cert *cert);      /* without the certificate itself */
struct x509_st *cert_chain(const struct cert *cert, size_t i);

int64_t cert_not_before_us(const struct cert *cert); /* as clock_wall_us() */
int64_t cert_not_after_us(const struct cert *cert);

/* --- Names ----------------------------------------------------------------- */

enum cert_name_type { CERT_DNS, CERT_SRV, CERT_XMPP_ADDR, CERT_ADDRESS };
struct cert_name {
	enum cert_name_type type;
	const char *text; /* "*.a.example", "_xmpp-server.a.example", a JID, "192.0.2.1" */
};
/* The subjectAltNames of the kinds above, as they stand there: not normalised. */
size_t cert_names(const struct cert *cert, const struct cert_name **names);

enum cert_service { CERT_XMPP_CLIENT, CERT_XMPP_SERVER }; /* of an SRV-ID */
struct cert_domain {
	const char *ascii;   /* A-labels, or an IP literal as in a JID */
	const char *unicode; /* U-labels, as in a JID; NULL: as ascii */
};
/*
 * May it speak for the domain?  By DNS-ID or SRV-ID, with "*" as the whole left-most label of
 * a name of at least three (RFC 6125 6.4.3), by XmppAddr, or by address.  The Common Name never counts.
 */
bool cert_fits(const struct cert *cert, struct cert_domain domain, enum cert_service service);

/* --- Channel binding --------------------------------------------------------- */

/* tls-server-end-point (RFC 5929 4).  False: undefined for this kind of signature (Ed25519). */
bool cert_end_point(struct x509_st *x509, unsigned char out[CERT_END_POINT_MAX],
                    size_t *len) HM_MUST_USE;

/* --- Making one ------------------------------------------------------------ */

#define CERT_DOMAINS_MAX 100

struct cert_order {
	/* A-labels, "*.a.example" or addresses; the first becomes the Common Name too. */
	const char *const *domains;
	size_t n;               /* 1 to CERT_DOMAINS_MAX */
	unsigned days;          /* valid from yesterday on for so many; 1 to 36500 */
	const char *chain_path; /* mode 0644 */
	const char *key_path;   /* mode 0600; may equal chain_path */
};
/* A new self-signed ECDSA P-256 certificate.  Both files are complete or as before. */
bool cert_make(const struct cert_order *order, struct hm_error *why) HM_MUST_USE;

#endif
