/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * crypto/pbkdf2.h - PBKDF2 with HMAC (RFC 8018 5.2), of which SCRAM needs the first
 * block.  Several derivations go on in step: a processor that waits for a step of one
 * works on the next.  Takes milliseconds; any thread.
 */
#ifndef CRYPTO_PBKDF2_H
#define CRYPTO_PBKDF2_H

#include <stdbool.h>
#include <stddef.h>

#include <hermod/values.h>

#include "crypto/hash.h"

#define PBKDF2_SALT_MAX 64

struct pbkdf2 {
	enum crypto_hash hash;
	unsigned iterations; /* 1 or more */
	struct crypto_bytes salt;
	unsigned char out[CRYPTO_HASH_MAX]; /* crypto_hash_len(hash) bytes; the caller wipes it */
};

/* Sets out in each of n, at most CRYPTO_HASHES.  False: libcrypto refused a hash. */
bool pbkdf2_derive(struct pbkdf2 *derivations, size_t n, struct crypto_bytes password) HM_MUST_USE;

#endif
