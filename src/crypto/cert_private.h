/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* crypto/cert_private.h - what the files of crypto/cert.h share. */
#ifndef CRYPTO_CERT_PRIVATE_H
#define CRYPTO_CERT_PRIVATE_H

#include <openssl/x509.h>

#include "base/arena.h"
#include "crypto/cert.h"

struct cert {
	X509 *x509;
	EVP_PKEY *key; /* NULL: a peer's */
	size_t chain_n;
	X509 *chain[CERT_CHAIN_MAX];
	int64_t not_before_us, not_after_us;
	struct arena *arena; /* the names and their texts */
	size_t names_n;
	struct cert_name *names;
};

/* Fills in the names from the certificate. */
void cert_read_names(struct cert *cert);

/* "what: reason of OpenSSL's last error".  Always false; empties the error queue. */
bool cert_error(struct hm_error *why, const char *what, const char *path);

/* The bytes of the IP literal of a JID's domain ("192.0.2.1", "[2001:db8::1]"), or NULL; freed with ASN1_OCTET_STRING_free(). */
ASN1_OCTET_STRING *cert_address(const char *domain);

#endif
