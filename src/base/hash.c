/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/hash.c - the two hashes of base/table.h: SipHash-1-3 under a random key
 * of the process, and FNV-1a with a final mix for what must be the same everywhere.
 */
#include <pthread.h>
#include <string.h>

#include "base/random.h"
#include "base/table.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

static struct {
	pthread_once_t once;
	uint64_t key[2];
} hash = { .once = PTHREAD_ONCE_INIT };

static void
draw_key(void)
{
	random_bytes(hash.key, sizeof(hash.key));
}

static inline uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 = rotate(s->v2, 32);
}

static inline void
sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

/* Byte order does not matter: the value never leaves the process. */
uint64_t
hash_bytes(const void *data, size_t len)
{
	const unsigned char *at = data;
	size_t left = len;
	uint64_t word;
	struct sip s;

	pthread_once(&hash.once, draw_key);
	s.v0 = hash.key[0] ^ 0x736f6d6570736575;
	s.v1 = hash.key[1] ^ 0x646f72616e646f6d;
	s.v2 = hash.key[0] ^ 0x6c7967656e657261;
	s.v3 = hash.key[1] ^ 0x7465646279746573;
	for (; left >= 8; left -= 8, at += 8) {
		memcpy(&word, at, 8);
		sip_word(&s, word);
	}
	word = 0;
	if (left)
		memcpy(&word, at, left);
	sip_word(&s, word ^ (uint64_t)len << 56);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t
hash_stable(const void *data, size_t len)
{
	const unsigned char *at = data;
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		h = (h ^ at[i]) * 0x100000001b3;
	/* FNV leaves its upper bits poor for short keys; slots take any bits. */
	h = (h ^ h >> 33) * 0xff51afd7ed558ccd;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53;
	return h ^ h >> 33;
}
