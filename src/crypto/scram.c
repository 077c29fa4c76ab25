/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * crypto/scram.c - verifiers: derived (RFC 5802 3), written, parsed, faked.
 * What is between a password and its verifier is wiped before it goes out of scope:
 * the SaltedPassword and the ClientKey are as good as the password.
 */
#include "crypto/scram.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/random.h"
#include "crypto/pbkdf2.h"

void
scram_choose(struct scram_keys *keys, enum crypto_hash hash, unsigned iterations)
{
	hm_assert(iterations >= 1 && iterations <= SCRAM_ITERATIONS_MAX);
	*keys = (struct scram_keys){ .hash = hash,
		                     .iterations = iterations,
		                     .salt_len = SCRAM_SALT_LEN };
	random_bytes(keys->salt, keys->salt_len);
}

static void
set_keys(struct scram_keys *keys, const unsigned char *salted)
{
	size_t len = crypto_hash_len(keys->hash);
	struct crypto_bytes key = { salted, len };
	unsigned char client_key[CRYPTO_HASH_MAX];

	crypto_hmac(keys->hash, key, (struct crypto_bytes){ "Client Key", 10 }, client_key);
	crypto_digest(keys->hash, client_key, len, keys->stored_key);
	crypto_hmac(keys->hash, key, (struct crypto_bytes){ "Server Key", 10 }, keys->server_key);
	crypto_wipe(client_key, sizeof(client_key));
}

bool
scram_derive_all(struct scram_keys *keys, size_t n, const char *password)
{
	struct pbkdf2 salted[CRYPTO_HASHES]; /* RFC 5802 3: Hi() is PBKDF2 with HMAC */
	bool ok;

	hm_assert(n <= HM_COUNT(salted));
	for (size_t i = 0; i < n; i++) {
		hm_assert(keys[i].salt_len <= SCRAM_SALT_MAX &&
		          keys[i].iterations <= SCRAM_ITERATIONS_MAX);
		salted[i] = (struct pbkdf2){ .hash = keys[i].hash,
			                     .iterations = keys[i].iterations,
			                     .salt = { keys[i].salt, keys[i].salt_len } };
	}
	ok = pbkdf2_derive(salted, n, (struct crypto_bytes){ password, strlen(password) });
	for (size_t i = 0; i < n && ok; i++)
		set_keys(&keys[i], salted[i].out);
	crypto_wipe(salted, sizeof(salted));
	return ok;
}

bool
scram_derive(struct scram_keys *keys, const char *password)
{
	return scram_derive_all(keys, 1, password);
}

bool
scram_check_plain(const struct scram_keys *keys, const char *password)
{
	struct scram_keys derived = *keys;
	bool ok = scram_derive(&derived, password) &&
	          crypto_equal(derived.stored_key, keys->stored_key, crypto_hash_len(keys->hash));

	crypto_wipe(&derived, sizeof(derived));
	return ok;
}

/* --- Text ------------------------------------------------------------------ */

size_t
scram_write(const struct scram_keys *keys, char out[SCRAM_TEXT_MAX])
{
	char salt[BASE64_LEN(SCRAM_SALT_MAX) + 1];
	char stored_key[BASE64_LEN(CRYPTO_HASH_MAX) + 1],
		server_key[BASE64_LEN(CRYPTO_HASH_MAX) + 1];
	size_t len = crypto_hash_len(keys->hash);
	int written;

	hm_assert(keys->salt_len <= SCRAM_SALT_MAX && keys->iterations <= SCRAM_ITERATIONS_MAX);
	base64_encode(salt, keys->salt, keys->salt_len);
	base64_encode(stored_key, keys->stored_key, len);
	base64_encode(server_key, keys->server_key, len);
	written =
		snprintf(out, SCRAM_TEXT_MAX, "SCRAM-%s$%u:%s$%s:%s", crypto_hash_name(keys->hash),
	                 keys->iterations, salt, stored_key, server_key);
	hm_assert(written > 0 && written < SCRAM_TEXT_MAX);
	return (size_t)written;
}

static bool
take_text(const char **at, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*at, text, len) != 0)
		return false;
	*at += len;
	return true;
}

static bool
take_hash(const char **at, enum crypto_hash *hash)
{
	if (!take_text(at, "SCRAM-"))
		return false;
	for (*hash = CRYPTO_SHA1; *hash < CRYPTO_HASHES; (*hash)++)
		if (take_text(at, crypto_hash_name(*hash)))
			return take_text(at, "$");
	return false;
}

/* Decimal, without leading zeros. */
static bool
take_iterations(const char **at, unsigned *iterations)
{
	*iterations = 0;
	if (**at == '0')
		return false;
	for (; **at >= '0' && **at <= '9'; (*at)++) {
		*iterations = *iterations * 10 + (unsigned)(**at - '0');
		if (*iterations > SCRAM_ITERATIONS_MAX)
			return false;
	}
	return *iterations > 0 && take_text(at, ":");
}

/* base64 up to `end`, of 1 to max bytes. */
static bool
take_bytes(const char **at, const char *end, unsigned char *out, size_t max, size_t *len)
{
	/* A last group has room for up to two bytes more than max. */
	unsigned char decoded[BASE64_LEN(CRYPTO_HASH_MAX)];
	size_t text_len = *end ? strcspn(*at, end) : strlen(*at);

	if (text_len > BASE64_LEN(max) || !base64_decode(decoded, len, *at, text_len) ||
	    *len == 0 || *len > max)
		return false;
	memcpy(out, decoded, *len);
	*at += text_len;
	return take_text(at, end);
}

bool
scram_parse(struct scram_keys *keys, const char *text)
{
	size_t stored_len, server_len, len;

	*keys = (struct scram_keys){ 0 };
	if (strnlen(text, SCRAM_TEXT_MAX) >= SCRAM_TEXT_MAX || !take_hash(&text, &keys->hash))
		return false;
	len = crypto_hash_len(keys->hash);
	return take_iterations(&text, &keys->iterations) &&
	       take_bytes(&text, "$", keys->salt, sizeof(keys->salt), &keys->salt_len) &&
	       take_bytes(&text, ":", keys->stored_key, sizeof(keys->stored_key), &stored_len) &&
	       take_bytes(&text, "", keys->server_key, sizeof(keys->server_key), &server_len) &&
	       *text == '\0' && stored_len == len && server_len == len;
}

/* --- Fakes ----------------------------------------------------------------- */

/* HMAC over what it is for, the hash and the user: each value is its own and tells nothing about the others. */
static void
fake_value(const unsigned char secret[SCRAM_SECRET_LEN], const char *what, enum crypto_hash hash,
           const char *user, unsigned char out[CRYPTO_HASH_MAX])
{
	struct buf label = { 0 };

	buf_printf(&label, "%s %s %s", what, crypto_hash_name(hash), user);
	crypto_hmac(CRYPTO_SHA512, (struct crypto_bytes){ secret, SCRAM_SECRET_LEN },
	            (struct crypto_bytes){ label.data, label.len }, out);
	buf_free(&label);
}

void
scram_fake(struct scram_keys *keys, enum crypto_hash hash, unsigned iterations,
           const unsigned char secret[SCRAM_SECRET_LEN], const char *user)
{
	unsigned char salt[CRYPTO_HASH_MAX];

	hm_assert(iterations >= 1 && iterations <= SCRAM_ITERATIONS_MAX);
	*keys = (struct scram_keys){ .hash = hash,
		                     .iterations = iterations,
		                     .salt_len = SCRAM_SALT_LEN };
	fake_value(secret, "salt", hash, user, salt);
	memcpy(keys->salt, salt, SCRAM_SALT_LEN);
	fake_value(secret, "stored-key", hash, user, keys->stored_key);
	fake_value(secret, "server-key", hash, user, keys->server_key);
}
