/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* stream/dialback.c - XEP-0185 2: HMAC-SHA256(SHA256(secret), "receiving originating id"). */
#include "stream/dialback.h"

#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "crypto/hash.h"

#define WHITE " \t\r\n"

void
dialback_secret(struct dialback_secret *out, const void *secret, size_t len)
{
	unsigned char digest[CRYPTO_HASH_MAX];

	crypto_digest(CRYPTO_SHA256, secret, len, digest);
	hex_encode(out->hash, digest, crypto_hash_len(CRYPTO_SHA256));
}

void
dialback_key(char out[DIALBACK_KEY_CHARS + 1], const struct dialback_secret *secret,
             const struct dialback_stream *stream)
{
	unsigned char sum[CRYPTO_HASH_MAX];
	struct buf text = { 0 };

	buf_printf(&text, "%s %s %s", stream->receiving, stream->originating, stream->id);
	crypto_hmac(CRYPTO_SHA256, (struct crypto_bytes){ secret->hash, DIALBACK_KEY_CHARS },
	            (struct crypto_bytes){ text.data, text.len }, sum);
	hex_encode(out, sum, crypto_hash_len(CRYPTO_SHA256));
	buf_free(&text);
}

bool
dialback_key_is(const char *key, const struct dialback_secret *secret,
                const struct dialback_stream *stream)
{
	char right[DIALBACK_KEY_CHARS + 1];
	size_t len;

	key += strspn(key, WHITE);
	len = strcspn(key, WHITE);
	if (len != DIALBACK_KEY_CHARS || key[len + strspn(key + len, WHITE)] != '\0')
		return false;
	dialback_key(right, secret, stream);
	return crypto_equal(key, right, DIALBACK_KEY_CHARS);
}
