/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * ids.c - Speck64/128 (Beaulieu and others, 2013) over a row's id: 64 bits in, 64 bits out, so an
 * id needs no column of its own, and none can be made up with any hope.
 */
#include "ids.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS 27
/* Ids are below 2^52 until the year 2112: what deciphers to more was not made here. */
#define PLACES (INT64_C(1) << 52)
#define TRANSIENT (UINT64_C(1) << 62)

static uint32_t
rotate_right(uint32_t x, unsigned n)
{
	return (x >> n) | (x << (32 - n));
}

static uint32_t
rotate_left(uint32_t x, unsigned n)
{
	return (x << n) | (x >> (32 - n));
}

static uint64_t
encipher(const struct id_key *key, uint64_t block)
{
	uint32_t x = (uint32_t)(block >> 32), y = (uint32_t)block;

	for (unsigned i = 0; i < ROUNDS; i++) {
		x = (rotate_right(x, 8) + y) ^ key->round[i];
		y = rotate_left(y, 3) ^ x;
	}
	return (uint64_t)x << 32 | y;
}

static uint64_t
decipher(const struct id_key *key, uint64_t block)
{
	uint32_t x = (uint32_t)(block >> 32), y = (uint32_t)block;

	for (unsigned i = ROUNDS; i-- > 0;) {
		y = rotate_right(y ^ x, 3);
		x = rotate_left((x ^ key->round[i]) - y, 8);
	}
	return (uint64_t)x << 32 | y;
}

bool
id_key_set(struct id_key *key, const char *hex)
{
	uint32_t k[4] = { 0 }, l[ROUNDS + 2];
	bool ok = strlen(hex) == 32 && strspn(hex, "0123456789abcdef") == 32;

	/* Written as in the cipher's paper: the word that comes last is the first round's. */
	if (ok)
		sscanf(hex, "%8" SCNx32 "%8" SCNx32 "%8" SCNx32 "%8" SCNx32, &k[3], &k[2], &k[1],
		       &k[0]);
	memcpy(l, k + 1, 3 * sizeof(*l));
	key->round[0] = k[0];
	for (uint32_t i = 0; i < ROUNDS - 1; i++) {
		l[i + 3] = (key->round[i] + rotate_right(l[i], 8)) ^ i;
		key->round[i + 1] = rotate_left(key->round[i], 3) ^ l[i + 3];
	}
	return ok;
}

/* Equal ids of two accounts look different. */
static uint64_t
of_account(const struct id_key *key, int64_t account)
{
	return encipher(key, (uint64_t)account | UINT64_C(1) << 63);
}

void
id_write(const struct id_key *key, int64_t account, int64_t id, bool transient,
         char out[ID_TEXT_MAX])
{
	uint64_t block = (uint64_t)id | (transient ? TRANSIENT : 0);

	snprintf(out, ID_TEXT_MAX, "%016" PRIx64, encipher(key, block ^ of_account(key, account)));
}

bool
id_read(const struct id_key *key, int64_t account, const char *text, int64_t *id, bool *transient)
{
	uint64_t block;

	if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16 ||
	    sscanf(text, "%16" SCNx64, &block) != 1)
		return false;
	block = decipher(key, block) ^ of_account(key, account);
	*transient = (block & TRANSIENT) != 0;
	*id = (int64_t)(block & ~TRANSIENT);
	return *id >= 0 && *id < PLACES;
}
