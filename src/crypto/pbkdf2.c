/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * crypto/pbkdf2.c - PBKDF2 down at the compression functions.  Each HMAC after the
 * first is two compressions: of the state behind the inner pad with the last digest, and
 * of the state behind the outer pad with what comes out.  Through EVP a round costs twice as
 * much, for its contexts are copied and finished anew each time; bench/crypto measures it.
 * Branches and addresses depend on hashes, lengths and rounds only, never on a secret.
 */
#include "crypto/pbkdf2.h"

#include <openssl/sha.h>
#include <stdint.h>
#include <string.h>

/*
 * OpenSSL 3 deprecates the functions below EVP, but nothing else in it shows a
 * compression function, and its own PBKDF2 is too slow to import accounts by the million.
 * They are used in this file only.
 */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define BLOCK_MAX SHA512_CBLOCK
#define VECTORS_MAX 4
/* Of a digest; that of SHA-1 is filled up with padding. */
#define VECTORS(hash) ((hash) == CRYPTO_SHA512 ? 4 : 2)

/* Whole vectors are written and read, since a narrow write makes the wider read that follows wait. */
union vector {
	unsigned char bytes[16];
	uint32_t words32 __attribute__((vector_size(16)));
	uint64_t words64 __attribute__((vector_size(16)));
};

/* Each begins with the words that a compression changes; those of SHA-1 fill one vector and a quarter. */
union state {
	union vector words[VECTORS_MAX];
	SHA_CTX sha1;
	SHA256_CTX sha256;
	SHA512_CTX sha512;
};
_Static_assert(offsetof(SHA_CTX, h0) == 0 && offsetof(SHA_CTX, h4) == 16 &&
                       offsetof(SHA_CTX, Nl) == 20 && offsetof(SHA_CTX, data) == 28 &&
                       offsetof(SHA256_CTX, h) == 0 && offsetof(SHA512_CTX, h) == 0,
               "the words come first");

struct chain {
	enum crypto_hash hash;
	unsigned iterations;
	size_t digest_len, block_len;
	union state inner, outer; /* behind the pads */
	union state state;
	union {
		unsigned char bytes[BLOCK_MAX];
		union vector vectors[BLOCK_MAX / 16];
	} block; /* the last digest, padded (RFC 6234 4) */
	union vector sum[VECTORS_MAX];
};

/* --- The three hashes ------------------------------------------------------ */

static bool
state_init(enum crypto_hash hash, union state *state)
{
	switch (hash) {
	case CRYPTO_SHA1:
		return SHA1_Init(&state->sha1) == 1;
	case CRYPTO_SHA256:
		return SHA256_Init(&state->sha256) == 1;
	case CRYPTO_SHA512:
		return SHA512_Init(&state->sha512) == 1;
	}
	return false;
}

static inline void
compress(enum crypto_hash hash, union state *state, const unsigned char *block)
{
	switch (hash) {
	case CRYPTO_SHA1:
		SHA1_Transform(&state->sha1, block);
		break;
	case CRYPTO_SHA256:
		SHA256_Transform(&state->sha256, block);
		break;
	case CRYPTO_SHA512:
		SHA512_Transform(&state->sha512, block);
		break;
	}
}

/* --- Rounds ---------------------------------------------------------------- */

/* From the machine's order of bytes to that of the network. */
static inline union vector
swapped(union vector v)
{
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		return v;
	v.words32 = v.words32 << 16 | v.words32 >> 16;
	v.words32 = (v.words32 & 0x00ff00ff) << 8 | (v.words32 >> 8 & 0x00ff00ff);
	return v;
}

static inline uint64_t
swapped_word(uint64_t word)
{
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? word : __builtin_bswap64(word);
}

/*
 * Part i of the digest that a compression left, as wide as that stored it: SHA-1's h4 and all words of
 * SHA-512 are stored one by one, and a vector read over them waits until they are in the cache.
 */
static inline union vector
digest_part(enum crypto_hash hash, const union state *state, size_t i)
{
	const uint64_t *wide = (const uint64_t *)state->sha512.h;

	if (hash == CRYPTO_SHA512)
		return (union vector){ .words64 = { swapped_word(wide[2 * i]),
			                            swapped_word(wide[2 * i + 1]) } };
	if (hash == CRYPTO_SHA1 && i == 1)
		return swapped((union vector){ .words32 = { state->sha1.h4, 0x80000000 } });
	return swapped(state->words[i]);
}

/* In the block, the digest of what led to `from` and of the block takes the place of the last digest. */
static inline __attribute__((always_inline)) void
half_round_of(enum crypto_hash hash, struct chain *c, bool outer)
{
	const union state *from = outer ? &c->outer : &c->inner;
	const size_t vectors = VECTORS(hash);

	for (size_t i = 0; i < vectors; i++)
		c->state.words[i] = from->words[i];
	compress(hash, &c->state, c->block.bytes);
	for (size_t i = 0; i < vectors; i++) {
		union vector part = digest_part(hash, &c->state, i);

		c->block.vectors[i] = part;
		if (outer)
			c->sum[i].words64 ^= part.words64;
	}
}

/* A copy for each hash, since loops of a known length need no loop. */
static void
half_round(struct chain *c, bool outer)
{
	switch (c->hash) {
	case CRYPTO_SHA1:
		half_round_of(CRYPTO_SHA1, c, outer);
		break;
	case CRYPTO_SHA256:
		half_round_of(CRYPTO_SHA256, c, outer);
		break;
	case CRYPTO_SHA512:
		half_round_of(CRYPTO_SHA512, c, outer);
		break;
	}
}

static void
run(struct chain *chains, size_t n)
{
	unsigned most = 0;

	for (size_t i = 0; i < n; i++)
		if (chains[i].iterations > most)
			most = chains[i].iterations;
	for (unsigned round = 1; round < most; round++) {
		for (size_t i = 0; i < n; i++)
			if (round < chains[i].iterations)
				half_round(&chains[i], false);
		for (size_t i = 0; i < n; i++)
			if (round < chains[i].iterations)
				half_round(&chains[i], true);
	}
}

/* --- Before the second round ----------------------------------------------- */

/* RFC 2104 2: the states behind the key's pads. */
static bool
set_key(struct chain *c, struct crypto_bytes password)
{
	unsigned char pad[BLOCK_MAX] = { 0 };

	if (!state_init(c->hash, &c->inner) || !state_init(c->hash, &c->outer))
		return false;
	if (password.len > c->block_len)
		crypto_digest(c->hash, password.data, password.len, pad);
	else if (password.len > 0)
		memcpy(pad, password.data, password.len);
	for (size_t i = 0; i < c->block_len; i++)
		pad[i] ^= 0x36;
	compress(c->hash, &c->inner, pad);
	for (size_t i = 0; i < c->block_len; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	compress(c->hash, &c->outer, pad);
	crypto_wipe(pad, sizeof(pad));
	return true;
}

/* The first HMAC, over the salt, has no fixed length and is left to OpenSSL. */
static void
first_round(struct chain *c, struct crypto_bytes password, struct crypto_bytes salt)
{
	unsigned char text[PBKDF2_SALT_MAX + 4] = { 0 };

	hm_assert(salt.len <= PBKDF2_SALT_MAX);
	if (salt.len > 0)
		memcpy(text, salt.data, salt.len);
	text[salt.len + 3] = 1;
	crypto_hmac(c->hash, password, (struct crypto_bytes){ text, salt.len + 4 }, c->block.bytes);
	memcpy(c->sum, c->block.bytes, c->digest_len);
}

/* What follows the digest in each further block is always the same. */
static void
set_padding(struct chain *c)
{
	size_t bits = 8 * (c->block_len + c->digest_len);

	c->block.bytes[c->digest_len] = 0x80;
	c->block.bytes[c->block_len - 2] = (unsigned char)(bits >> 8);
	c->block.bytes[c->block_len - 1] = (unsigned char)bits;
	if (c->hash != CRYPTO_SHA1)
		return;
	/* half_round() copies these with h4, and a compression leaves them alone. */
	c->inner.sha1.Nl = c->outer.sha1.Nl = 0x80000000;
	c->inner.sha1.Nh = c->outer.sha1.Nh = 0;
	c->inner.sha1.data[0] = c->outer.sha1.data[0] = 0;
}

static bool
start(struct chain *c, const struct pbkdf2 *d, struct crypto_bytes password)
{
	hm_assert(d->iterations >= 1);
	*c = (struct chain){ .hash = d->hash, .iterations = d->iterations };
	c->digest_len = crypto_hash_len(d->hash);
	c->block_len = d->hash == CRYPTO_SHA512 ? SHA512_CBLOCK : SHA256_CBLOCK;
	if (!set_key(c, password))
		return false;
	first_round(c, password, d->salt);
	set_padding(c);
	return true;
}

bool
pbkdf2_derive(struct pbkdf2 *derivations, size_t n, struct crypto_bytes password)
{
	struct chain chains[CRYPTO_HASHES];
	bool ok = true;

	hm_assert(n <= HM_COUNT(chains));
	for (size_t i = 0; i < n && ok; i++)
		ok = start(&chains[i], &derivations[i], password);
	if (ok)
		run(chains, n);
	for (size_t i = 0; i < n && ok; i++)
		memcpy(derivations[i].out, chains[i].sum, chains[i].digest_len);
	crypto_wipe(chains, sizeof(chains));
	return ok;
}
