/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* PBKDF2: the vectors of RFC 6070 and RFC 7914 11, and the same sums by OpenSSL's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/random.h"
#include "crypto/pbkdf2.h"

#define BYTES(literal) ((struct crypto_bytes){ literal, sizeof(literal) - 1 })

/* Both RFCs print other lengths than that of the digest: as many bytes as in `expected` count. */
static void
check_vector(struct pbkdf2 derivation, struct crypto_bytes password, struct crypto_bytes expected)
{
	assert_true(pbkdf2_derive(&derivation, 1, password));
	assert_true(expected.len <= crypto_hash_len(derivation.hash));
	assert_memory_equal(derivation.out, expected.data, expected.len);
}

static void
the_vectors_of_rfc_6070_come_out(void **state)
{
	check_vector((struct pbkdf2){ CRYPTO_SHA1, 1, BYTES("salt") }, BYTES("password"),
	             BYTES("\x0c\x60\xc8\x0f\x96\x1f\x0e\x71\xf3\xa9"
	                   "\xb5\x24\xaf\x60\x12\x06\x2f\xe0\x37\xa6"));
	check_vector((struct pbkdf2){ CRYPTO_SHA1, 2, BYTES("salt") }, BYTES("password"),
	             BYTES("\xea\x6c\x01\x4d\xc7\x2d\x6f\x8c\xcd\x1e"
	                   "\xd9\x2a\xce\x1d\x41\xf0\xd8\xde\x89\x57"));
	check_vector((struct pbkdf2){ CRYPTO_SHA1, 4096, BYTES("salt") }, BYTES("password"),
	             BYTES("\x4b\x00\x79\x01\xb7\x65\x48\x9a\xbe\xad"
	                   "\x49\xd9\x26\xf7\x21\xd0\x65\xa4\x29\xc1"));
	check_vector(
		(struct pbkdf2){ CRYPTO_SHA1, 4096, BYTES("saltSALTsaltSALTsaltSALTsaltSALTsalt") },
		BYTES("passwordPASSWORDpassword"),
		BYTES("\x3d\x2e\xec\x4f\xe4\x1c\x84\x9b\x80\xc8"
	              "\xd8\x36\x62\xc0\xe4\x4a\x8b\x29\x1a\x96"));
	check_vector((struct pbkdf2){ CRYPTO_SHA1, 4096, BYTES("sa\0lt") }, BYTES("pass\0word"),
	             BYTES("\x56\xfa\x6a\xa7\x55\x48\x09\x9d\xcc\x37\xd7\xf0\x34\x25\xe0\xc3"));
}

static void
the_vectors_of_rfc_7914_come_out(void **state)
{
	check_vector((struct pbkdf2){ CRYPTO_SHA256, 1, BYTES("salt") }, BYTES("passwd"),
	             BYTES("\x55\xac\x04\x6e\x56\xe3\x08\x9f\xec\x16\x91\xc2\x25\x44\xb6\x05"
	                   "\xf9\x41\x85\x21\x6d\xde\x04\x65\xe6\x8b\x9d\x57\xc2\x0d\xac\xbc"));
	check_vector((struct pbkdf2){ CRYPTO_SHA256, 80000, BYTES("NaCl") }, BYTES("Password"),
	             BYTES("\x4d\xdc\xd8\xf6\x0b\x98\xbe\x21\x83\x0c\xee\x5e\xf2\x27\x01\xf9"
	                   "\x64\x1a\x44\x18\xd0\x4c\x04\x14\xae\xff\x08\x87\x6b\x34\xab\x56"));
}

/* --- Beside OpenSSL's ------------------------------------------------------ */

static void
check_against_openssl(const struct pbkdf2 *derivation, struct crypto_bytes password)
{
	static const char *const names[CRYPTO_HASHES] = { "SHA1", "SHA256", "SHA512" };
	size_t len = crypto_hash_len(derivation->hash);
	unsigned char expected[CRYPTO_HASH_MAX];

	assert_true(PKCS5_PBKDF2_HMAC(password.data, (int)password.len, derivation->salt.data,
	                              (int)derivation->salt.len, (int)derivation->iterations,
	                              EVP_get_digestbyname(names[derivation->hash]), (int)len,
	                              expected));
	assert_memory_equal(derivation->out, expected, len);
}

static void
any_password_and_salt_give_what_openssl_gives(void **state)
{
	unsigned char random[300 + PBKDF2_SALT_MAX];

	/* Shorter than a block, as long, longer. */
	for (size_t len = 0; len <= 300; len++) {
		struct crypto_bytes password = { random, len };
		struct crypto_bytes salt = { random + 300, len % (PBKDF2_SALT_MAX + 1) };

		random_bytes(random, sizeof(random));
		for (enum crypto_hash hash = 0; hash < CRYPTO_HASHES; hash++) {
			struct pbkdf2 d = { hash, 1 + (unsigned)len % 7, salt };

			assert_true(pbkdf2_derive(&d, 1, password));
			check_against_openssl(&d, password);
		}
	}
}

static void
those_in_step_may_have_other_rounds_and_salts_and_the_same_hash(void **state)
{
	static const unsigned rounds[][3] = { { 1, 2, 3 }, { 100, 1, 30 }, { 5, 64, 64 } };

	for (size_t i = 0; i < HM_COUNT(rounds); i++) {
		for (unsigned hashes = 0; hashes < 27; hashes++) {
			struct pbkdf2 d[] = {
				{ (enum crypto_hash)(hashes % 3), rounds[i][0], BYTES("salt") },
				{ (enum crypto_hash)(hashes / 3 % 3), rounds[i][1], BYTES("") },
				{ (enum crypto_hash)(hashes / 9), rounds[i][2], BYTES("pepper") },
			};

			assert_true(pbkdf2_derive(d, 3, BYTES("password")));
			for (size_t k = 0; k < 3; k++)
				check_against_openssl(&d[k], BYTES("password"));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_rfc_6070_come_out),
		cmocka_unit_test(the_vectors_of_rfc_7914_come_out),
		cmocka_unit_test(any_password_and_salt_give_what_openssl_gives),
		cmocka_unit_test(those_in_step_may_have_other_rounds_and_salts_and_the_same_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
