/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Digests and HMAC, with the vectors of RFC 6234 8.5, RFC 2202 and RFC 4231. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hermod/values.h>

#include "base/codec.h"
#include "crypto/hash.h"

static const char *
hex(const unsigned char *bytes, size_t len)
{
	static char text[2 * CRYPTO_HASH_MAX + 1];

	hex_encode(text, bytes, len);
	return text;
}

static void
digests_are_those_of_the_standards(void **state)
{
	static const char *const abc[] = {
		[CRYPTO_SHA1] = "a9993e364706816aba3e25717850c26c9cd0d89d",
		[CRYPTO_SHA256] =
			"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		[CRYPTO_SHA512] =
			("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
		         "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"),
	};
	static const char *const empty[] = {
		[CRYPTO_SHA1] = "da39a3ee5e6b4b0d3255bfef95601890afd80709",
		[CRYPTO_SHA256] =
			"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		[CRYPTO_SHA512] =
			("cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
		         "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"),
	};

	for (enum crypto_hash hash = 0; hash < CRYPTO_HASHES; hash++) {
		unsigned char out[CRYPTO_HASH_MAX];

		crypto_digest(hash, "abc", 3, out);
		assert_string_equal(hex(out, crypto_hash_len(hash)), abc[hash]);
		crypto_digest(hash, "", 0, out);
		assert_string_equal(hex(out, crypto_hash_len(hash)), empty[hash]);
	}
	assert_string_equal(crypto_hash_name(CRYPTO_SHA1), "SHA-1");
	assert_string_equal(crypto_hash_name(CRYPTO_SHA256), "SHA-256");
	assert_string_equal(crypto_hash_name(CRYPTO_SHA512), "SHA-512");
}

struct vector {
	enum crypto_hash hash;
	struct crypto_bytes key, data;
	const char *expected;
};

static void
check_vectors(const struct vector *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char out[CRYPTO_HASH_MAX];

		crypto_hmac(v[i].hash, v[i].key, v[i].data, out);
		assert_string_equal(hex(out, crypto_hash_len(v[i].hash)), v[i].expected);
	}
}

static void
hmac_has_the_vectors_of_the_rfcs(void **state)
{
	struct crypto_bytes jefe = { "Jefe", 4 }, nothing = { "what do ya want for nothing?", 28 };
	struct crypto_bytes hi_there = { "Hi There", 8 };
	unsigned char key[20];
	struct crypto_bytes twenty = { key, sizeof(key) };
	const struct vector vectors[] = {
		/* RFC 2202 3, cases 1 and 2 */
		{ CRYPTO_SHA1, twenty, hi_there, "b617318655057264e28bc0b6fb378c8ef146be00" },
		{ CRYPTO_SHA1, jefe, nothing, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
		/* RFC 4231 4.2 and 4.3 */
		{ CRYPTO_SHA256, twenty, hi_there,
		  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ CRYPTO_SHA512, twenty, hi_there,
		  "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
		  "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854" },
		{ CRYPTO_SHA256, jefe, nothing,
		  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ CRYPTO_SHA512, jefe, nothing,
		  "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
		  "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
		/* no key, no text */
		{ CRYPTO_SHA256,
		  { NULL, 0 },
		  { "", 0 },
		  "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
	};

	memset(key, 0x0b, sizeof(key));
	check_vectors(vectors, HM_COUNT(vectors));
}

/* RFC 4231 4.7. */
static void
a_key_may_be_longer_than_a_block(void **state)
{
	struct crypto_bytes text = { "Test Using Larger Than Block-Size Key - Hash Key First", 54 };
	unsigned char key[131];
	struct crypto_bytes large = { key, sizeof(key) };
	const struct vector vectors[] = {
		{ CRYPTO_SHA256, large, text,
		  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
		{ CRYPTO_SHA512, large, text,
		  "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
		  "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598" },
	};

	memset(key, 0xaa, sizeof(key));
	check_vectors(vectors, HM_COUNT(vectors));
}

static void
secrets_are_compared_and_wiped(void **state)
{
	char secret[] = "open sesame";

	assert_true(crypto_equal(secret, "open sesame", 11));
	assert_false(crypto_equal(secret, "open sesamf", 11));
	assert_true(crypto_equal(secret, "x", 0));
	crypto_wipe(secret, sizeof(secret));
	assert_memory_equal(secret, (char[sizeof(secret)]){ 0 }, sizeof(secret));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_those_of_the_standards),
		cmocka_unit_test(hmac_has_the_vectors_of_the_rfcs),
		cmocka_unit_test(a_key_may_be_longer_than_a_block),
		cmocka_unit_test(secrets_are_compared_and_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
