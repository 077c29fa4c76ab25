/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * bench_scram - what a password's verifiers cost: the CPU time of PBKDF2 for each hash
 * and for the three of an account, by ours and by three ways through OpenSSL, beside
 * what the compressions alone would cost.  Median and least of some runs.
 *
 *     bench_scram [ITERATIONS [RUNS]]    default 4096 and 31
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/pbkdf2.h"
#include "crypto/scram.h"

#define RUNS_MAX 1000
#define BULK (1024 * 1024)
#define PASSWORD "correct horse battery staple"
#define SALT "0123456789abcdef"
#define SALT_LEN 16

static unsigned iterations = 4096, runs = 31;

static const EVP_MD *
digest_of(enum crypto_hash hash)
{
	return hash == CRYPTO_SHA1     ? EVP_sha1()
	       : hash == CRYPTO_SHA256 ? EVP_sha256()
	                               : EVP_sha512();
}

/* --- The ways -------------------------------------------------------------- */

/* Derives for the hashes from `first` on, each into the next CRYPTO_HASH_MAX bytes. */
typedef void way_fn(enum crypto_hash first, size_t n, unsigned char *out);

static void
by_openssl(enum crypto_hash first, size_t n, unsigned char *out)
{
	for (enum crypto_hash hash = first; hash < first + n; hash++, out += CRYPTO_HASH_MAX) {
		const EVP_MD *md = digest_of(hash);
		int ok = PKCS5_PBKDF2_HMAC(PASSWORD, strlen(PASSWORD), (const unsigned char *)SALT,
		                           SALT_LEN, (int)iterations, md, EVP_MD_get_size(md), out);

		hm_assert(ok);
	}
}

/* --- EVP contexts that stand behind the pads, copied for each HMAC --- */

static EVP_MD_CTX *
behind_pad(const EVP_MD *md, unsigned char byte)
{
	unsigned char pad[128];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	memset(pad, byte, sizeof(pad));
	for (size_t i = 0; i < strlen(PASSWORD); i++)
		pad[i] ^= (unsigned char)PASSWORD[i];
	ok = ctx && EVP_DigestInit_ex(ctx, md, NULL) &&
	     EVP_DigestUpdate(ctx, pad, (size_t)EVP_MD_get_block_size(md));
	hm_assert(ok);
	return ctx;
}

static void
finish(EVP_MD_CTX *work, const EVP_MD_CTX *from, unsigned char *data, size_t len)
{
	int ok = EVP_MD_CTX_copy_ex(work, from) && EVP_DigestUpdate(work, data, len) &&
	         EVP_DigestFinal_ex(work, data, NULL);

	hm_assert(ok);
}

static void
by_contexts(enum crypto_hash first, size_t n, unsigned char *out)
{
	for (enum crypto_hash hash = first; hash < first + n; hash++, out += CRYPTO_HASH_MAX) {
		EVP_MD *md = EVP_MD_fetch(NULL, crypto_hash_name(hash), NULL);
		size_t len = crypto_hash_len(hash), text_len = SALT_LEN + 4;
		EVP_MD_CTX *inner = behind_pad(md, 0x36), *outer = behind_pad(md, 0x5c);
		EVP_MD_CTX *work = EVP_MD_CTX_new();
		unsigned char text[CRYPTO_HASH_MAX] = SALT "\0\0\0\1";

		memset(out, 0, len);
		for (unsigned round = 0; round < iterations; round++, text_len = len) {
			finish(work, inner, text, text_len);
			finish(work, outer, text, len);
			for (size_t i = 0; i < len; i++)
				out[i] ^= text[i];
		}
		EVP_MD_CTX_free(inner);
		EVP_MD_CTX_free(outer);
		EVP_MD_CTX_free(work);
		EVP_MD_free(md);
	}
}

/* --- Ours, one hash after the other or in step --- */

static void
by_ours(enum crypto_hash first, size_t n, unsigned char *out)
{
	struct pbkdf2 d[CRYPTO_HASHES];
	bool ok;

	for (size_t i = 0; i < n; i++)
		d[i] = (struct pbkdf2){ first + (enum crypto_hash)i,
			                iterations,
			                { SALT, SALT_LEN } };
	ok = pbkdf2_derive(d, n, (struct crypto_bytes){ PASSWORD, strlen(PASSWORD) });
	hm_assert(ok);
	for (size_t i = 0; i < n; i++, out += CRYPTO_HASH_MAX)
		memcpy(out, d[i].out, crypto_hash_len(d[i].hash));
}

static void
by_ours_in_turn(enum crypto_hash first, size_t n, unsigned char *out)
{
	for (size_t i = 0; i < n; i++)
		by_ours(first + (enum crypto_hash)i, 1, out + i * CRYPTO_HASH_MAX);
}

/* --- The floor: as many blocks, in one long text --- */

static void
only_blocks(enum crypto_hash first, size_t n, unsigned char *out)
{
	static unsigned char text[BULK];

	for (enum crypto_hash hash = first; hash < first + n; hash++, out += CRYPTO_HASH_MAX) {
		size_t left = 2 * (size_t)iterations * (hash == CRYPTO_SHA512 ? 128 : 64);

		for (size_t len; left > 0; left -= len) {
			len = left < BULK ? left : BULK;
			crypto_digest(hash, text, len, out);
		}
	}
}

/* --- Measuring ------------------------------------------------------------- */

static double
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int
by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
measure(way_fn *way, enum crypto_hash first, size_t n)
{
	double ms[RUNS_MAX];
	unsigned char out[CRYPTO_HASHES * CRYPTO_HASH_MAX];

	for (unsigned i = 0; i < runs; i++) {
		double before = cpu_ms();

		way(first, n, out);
		ms[i] = cpu_ms() - before;
	}
	qsort(ms, runs, sizeof(ms[0]), by_size);
	printf("  %6.3f (%.3f)", ms[runs / 2], ms[0]);
}

static void
check(way_fn *way)
{
	unsigned char right[CRYPTO_HASHES * CRYPTO_HASH_MAX] = { 0 };
	unsigned char out[CRYPTO_HASHES * CRYPTO_HASH_MAX] = { 0 };

	by_openssl(CRYPTO_SHA1, CRYPTO_HASHES, right);
	way(CRYPTO_SHA1, CRYPTO_HASHES, out);
	hm_assert(memcmp(out, right, sizeof(out)) == 0);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		way_fn *way;
	} ways[] = {
		{ "PKCS5_PBKDF2_HMAC", by_openssl },  { "copied EVP contexts", by_contexts },
		{ "ours, in turn", by_ours_in_turn }, { "ours, in step", by_ours },
		{ "(only the blocks)", only_blocks },
	};

	if (argc > 1)
		iterations = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		runs = (unsigned)strtoul(argv[2], NULL, 10);
	if (iterations < 1 || iterations > SCRAM_ITERATIONS_MAX || runs < 1 || runs > RUNS_MAX) {
		fprintf(stderr, "usage: bench_scram [ITERATIONS [RUNS]]\n");
		return 1;
	}
	printf("ms CPU, median (least) of %u runs, %u iterations\n", runs, iterations);
	printf("%-20s  %-15s  %-15s  %-15s  %s\n", "", " SHA-1", " SHA-256", " SHA-512",
	       " all three");
	for (size_t i = 0; i < HM_COUNT(ways); i++) {
		if (ways[i].way != only_blocks)
			check(ways[i].way);
		printf("%-20s", ways[i].name);
		for (enum crypto_hash hash = 0; hash < CRYPTO_HASHES; hash++)
			measure(ways[i].way, hash, 1);
		measure(ways[i].way, CRYPTO_SHA1, CRYPTO_HASHES);
		printf("\n");
	}
	return 0;
}
