/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* crypto/hash.h - digests, HMAC (RFC 2104), comparing and wiping secrets.  Any thread. */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include <stdbool.h>
#include <stddef.h>

enum crypto_hash { CRYPTO_SHA1, CRYPTO_SHA256, CRYPTO_SHA512 };
#define CRYPTO_HASHES 3
#define CRYPTO_HASH_MAX 64 /* bytes of the longest digest */

size_t crypto_hash_len(enum crypto_hash hash);
/* As the IANA registry and SASL mechanisms spell it: "SHA-1", "SHA-256", "SHA-512". */
const char *crypto_hash_name(enum crypto_hash hash);

/* out holds crypto_hash_len(hash) bytes. */
void crypto_digest(enum crypto_hash hash, const void *data, size_t len, unsigned char *out);

struct crypto_bytes {
	const void *data;
	size_t len;
};
/* out may be the data itself. */
void crypto_hmac(enum crypto_hash hash, struct crypto_bytes key, struct crypto_bytes data,
                 unsigned char *out);

/* In a time that depends on len only. */
bool crypto_equal(const void *a, const void *b, size_t len);
/* Overwrites a secret, and is not optimised away. */
void crypto_wipe(void *secret, size_t len);

#endif
