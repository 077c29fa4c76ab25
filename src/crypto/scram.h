/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * crypto/scram.h - what a server keeps of a password for SCRAM (RFC 5802, RFC 7677):
 * StoredKey and ServerKey with hash, salt and rounds, called a verifier.  The exchange
 * itself is libsasl2's.  Pure functions; any thread; those that derive take
 * milliseconds and belong into loop/offload.h.
 *
 * Passwords come prepared (RFC 8265 4.2): crypto knows no Unicode.
 */
#ifndef CRYPTO_SCRAM_H
#define CRYPTO_SCRAM_H

#include <stdbool.h>
#include <stddef.h>

#include <hermod/values.h>

#include "crypto/hash.h"

#define SCRAM_ITERATIONS_MAX 10000000
#define SCRAM_SALT_LEN 16 /* of the salts that we make */
#define SCRAM_SALT_MAX 64 /* other servers' are longer */
#define SCRAM_TEXT_MAX 320
#define SCRAM_SECRET_LEN 32

struct scram_keys {
	enum crypto_hash hash;
	unsigned iterations;
	size_t salt_len;
	unsigned char salt[SCRAM_SALT_MAX];
	unsigned char stored_key[CRYPTO_HASH_MAX], server_key[CRYPTO_HASH_MAX];
};

/* Sets hash, iterations (1 to SCRAM_ITERATIONS_MAX) and a random salt: what scram_derive() starts from. */
void scram_choose(struct scram_keys *keys, enum crypto_hash hash, unsigned iterations);
/* Fills in both keys from the password and what is in keys already.  Long.  False: libcrypto refused the hash. */
bool scram_derive(struct scram_keys *keys, const char *password) HM_MUST_USE;
/* The same for n verifiers of one password, at most CRYPTO_HASHES: all in step, which takes less time than one after the other. */
bool scram_derive_all(struct scram_keys *keys, size_t n, const char *password) HM_MUST_USE;
/* Is it the password that keys were derived from?  Long. */
bool scram_check_plain(const struct scram_keys *keys, const char *password) HM_MUST_USE;

/*
 * The text form that Cyrus SASL takes as authPassword and that the store keeps:
 * SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>, in base64.  Returns the length.
 */
size_t scram_write(const struct scram_keys *keys, char out[SCRAM_TEXT_MAX]);
/* Strict: what is accepted is exactly what scram_write() would write. */
bool scram_parse(struct scram_keys *keys, const char *text) HM_MUST_USE;

/*
 * A verifier for a user who does not exist, always the same for the same secret, user
 * (a bare JID) and hash: whoever asks twice sees the same salt, as with a known user.  No password
 * fits it.  The secret is random, the installation's, and lives as long as its accounts.
 */
void scram_fake(struct scram_keys *keys, enum crypto_hash hash, unsigned iterations,
                const unsigned char secret[SCRAM_SECRET_LEN], const char *user);

#endif
