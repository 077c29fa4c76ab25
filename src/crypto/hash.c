/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * crypto/hash.c - digests and HMAC through EVP.  Looking up an algorithm costs
 * OpenSSL 3 more than hashing a short text, so each is fetched once, at the
 * first use, and kept for the life of the process.
 */
#include "crypto/hash.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>

#include <hermod/values.h>

static const struct {
	const char *name, *of_openssl;
	size_t len;
} hashes[CRYPTO_HASHES] = {
	[CRYPTO_SHA1] = { "SHA-1", "SHA1", 20 },
	[CRYPTO_SHA256] = { "SHA-256", "SHA256", 32 },
	[CRYPTO_SHA512] = { "SHA-512", "SHA512", 64 },
};

static struct {
	pthread_once_t once;
	EVP_MD *digest[CRYPTO_HASHES];
	EVP_MAC_CTX *hmac[CRYPTO_HASHES]; /* without a key; copied for each use */
} fetched = { .once = PTHREAD_ONCE_INIT };

static void
fetch(void)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
	int ok = mac != NULL;

	for (size_t i = 0; i < CRYPTO_HASHES; i++) {
		/* The parameter is read only, but its type does not say so. */
		char name[16];
		OSSL_PARAM params[2];

		OPENSSL_strlcpy(name, hashes[i].of_openssl, sizeof(name));
		params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
		params[1] = OSSL_PARAM_construct_end();
		fetched.digest[i] = EVP_MD_fetch(NULL, name, NULL);
		fetched.hmac[i] = mac ? EVP_MAC_CTX_new(mac) : NULL;
		ok = ok && fetched.digest[i] && fetched.hmac[i] &&
		     EVP_MAC_CTX_set_params(fetched.hmac[i], params);
	}
	hm_assert(ok);
	EVP_MAC_free(mac);
}

size_t
crypto_hash_len(enum crypto_hash hash)
{
	return hashes[hash].len;
}

const char *
crypto_hash_name(enum crypto_hash hash)
{
	return hashes[hash].name;
}

void
crypto_digest(enum crypto_hash hash, const void *data, size_t len, unsigned char *out)
{
	int ok;

	pthread_once(&fetched.once, fetch);
	ok = EVP_Digest(data, len, out, NULL, fetched.digest[hash], NULL);
	hm_assert(ok);
}

void
crypto_hmac(enum crypto_hash hash, struct crypto_bytes key, struct crypto_bytes data,
            unsigned char *out)
{
	static const unsigned char nothing[1];
	EVP_MAC_CTX *ctx;
	int ok;

	pthread_once(&fetched.once, fetch);
	ctx = EVP_MAC_CTX_dup(fetched.hmac[hash]);
	/* A NULL key would mean "the key as before". */
	ok = ctx && EVP_MAC_init(ctx, key.len ? key.data : nothing, key.len, NULL) &&
	     EVP_MAC_update(ctx, data.data, data.len) &&
	     EVP_MAC_final(ctx, out, NULL, hashes[hash].len);
	hm_assert(ok);
	EVP_MAC_CTX_free(ctx);
}

bool
crypto_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void
crypto_wipe(void *secret, size_t len)
{
	OPENSSL_cleanse(secret, len);
}
