/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Verifiers, with the exchanges of RFC 5802 5 and RFC 7677 3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/codec.h"
#include "crypto/scram.h"

static void
choose_with_salt(struct scram_keys *keys, enum crypto_hash hash, const char *salt)
{
	scram_choose(keys, hash, 4096);
	assert_true(base64_decode(keys->salt, &keys->salt_len, salt, strlen(salt)));
}

/* The verifier accepts the client's proof and makes the server's signature (RFC 5802 3). */
static void
check_exchange(const struct scram_keys *keys, const char *auth_message, const char *proof,
               const char *signature)
{
	size_t len = crypto_hash_len(keys->hash), proof_len;
	struct crypto_bytes message = { auth_message, strlen(auth_message) };
	unsigned char client_key[CRYPTO_HASH_MAX], sum[CRYPTO_HASH_MAX];
	char text[BASE64_LEN(CRYPTO_HASH_MAX) + 1];

	assert_true(base64_decode(client_key, &proof_len, proof, strlen(proof)));
	assert_int_equal(proof_len, len);
	crypto_hmac(keys->hash, (struct crypto_bytes){ keys->stored_key, len }, message, sum);
	for (size_t i = 0; i < len; i++)
		client_key[i] ^= sum[i];
	crypto_digest(keys->hash, client_key, len, sum);
	assert_memory_equal(sum, keys->stored_key, len);
	crypto_hmac(keys->hash, (struct crypto_bytes){ keys->server_key, len }, message, sum);
	base64_encode(text, sum, len);
	assert_string_equal(text, signature);
}

static void
the_exchange_of_rfc_5802_succeeds(void **state)
{
	struct scram_keys keys;

	choose_with_salt(&keys, CRYPTO_SHA1, "QSXCR+Q6sek8bf92");
	assert_true(scram_derive(&keys, "pencil"));
	check_exchange(&keys,
	               "n=user,r=fyko+d2lbbFgONRv9qkxdawL,"
	               "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,"
	               "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
	               "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ=");
}

static void
the_exchange_of_rfc_7677_succeeds(void **state)
{
	struct scram_keys keys;

	choose_with_salt(&keys, CRYPTO_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==");
	assert_true(scram_derive(&keys, "pencil"));
	check_exchange(&keys,
	               "n=user,r=rOprNGfwEbeRWgbNEkqO,"
	               "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	               "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
	               "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	               "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	               "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

static void
only_the_right_password_fits(void **state)
{
	for (enum crypto_hash hash = 0; hash < CRYPTO_HASHES; hash++) {
		struct scram_keys keys;

		scram_choose(&keys, hash, 100);
		assert_true(scram_derive(&keys, "p\xc3\xa4ssword"));
		assert_true(scram_check_plain(&keys, "p\xc3\xa4ssword"));
		assert_false(scram_check_plain(&keys, "password"));
		assert_false(scram_check_plain(&keys, "p\xc3\xa4sswor"));
		assert_false(scram_check_plain(&keys, ""));
	}
}

static void
verifiers_derived_together_are_those_derived_alone(void **state)
{
	struct scram_keys together[CRYPTO_HASHES], alone[CRYPTO_HASHES];

	for (enum crypto_hash hash = 0; hash < CRYPTO_HASHES; hash++)
		scram_choose(&together[hash], hash, 50 + 10 * (unsigned)hash);
	memcpy(alone, together, sizeof(alone));
	assert_true(scram_derive_all(together, CRYPTO_HASHES, "pencil"));
	for (enum crypto_hash hash = 0; hash < CRYPTO_HASHES; hash++)
		assert_true(scram_derive(&alone[hash], "pencil"));
	assert_memory_equal(together, alone, sizeof(alone));
}

static void
each_salt_is_another(void **state)
{
	struct scram_keys one, other;

	scram_choose(&one, CRYPTO_SHA256, 4096);
	scram_choose(&other, CRYPTO_SHA256, 4096);
	assert_int_equal(one.salt_len, SCRAM_SALT_LEN);
	assert_memory_not_equal(one.salt, other.salt, SCRAM_SALT_LEN);
}

/* --- Text ------------------------------------------------------------------ */

#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="
#define STORED_KEY "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
#define SERVER_KEY "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
#define KEYS STORED_KEY ":" SERVER_KEY
#define GOOD "SCRAM-SHA-256$4096:" SALT "$" KEYS

static void
the_text_is_that_of_cyrus_sasl(void **state)
{
	struct scram_keys keys;
	char text[SCRAM_TEXT_MAX];

	choose_with_salt(&keys, CRYPTO_SHA256, SALT);
	assert_true(scram_derive(&keys, "pencil"));
	assert_int_equal(scram_write(&keys, text), strlen(GOOD));
	assert_string_equal(text, GOOD);
}

static void
check_round_trip(enum crypto_hash hash, unsigned iterations, size_t salt_len)
{
	size_t len = crypto_hash_len(hash);
	struct scram_keys keys, back;
	char text[SCRAM_TEXT_MAX], again[SCRAM_TEXT_MAX];

	scram_choose(&keys, hash, iterations);
	keys.salt_len = salt_len;
	memset(keys.salt, (int)salt_len, salt_len);
	memset(keys.stored_key, 0xa5, len);
	memset(keys.server_key, 0xff, len);
	scram_write(&keys, text);
	assert_true(scram_parse(&back, text));
	assert_int_equal(back.hash, hash);
	assert_int_equal(back.iterations, iterations);
	assert_int_equal(back.salt_len, salt_len);
	assert_memory_equal(back.salt, keys.salt, salt_len);
	assert_memory_equal(back.stored_key, keys.stored_key, len);
	assert_memory_equal(back.server_key, keys.server_key, len);
	scram_write(&back, again);
	assert_string_equal(again, text);
}

static void
what_was_written_is_read_back(void **state)
{
	for (enum crypto_hash hash = 0; hash < CRYPTO_HASHES; hash++) {
		check_round_trip(hash, 1, 1);
		for (size_t salt_len = 1; salt_len <= SCRAM_SALT_MAX; salt_len++)
			check_round_trip(hash, SCRAM_ITERATIONS_MAX, salt_len);
	}
}

static void
what_is_no_verifier_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"SCRAM-SHA-256",
		"SCRAM-SHA-256$",
		"SCRAM-SHA-256$4096",
		"SCRAM-SHA-256$4096:" SALT,
		"SCRAM-SHA-256$4096:" SALT "$" STORED_KEY,
		"SCRAM-SHA-256$4096:" SALT "$" STORED_KEY ":",
		"SCRAM-SHA-256$4096:$" KEYS,
		"SCRAM-SHA-256$4096:" SALT "$:" SERVER_KEY,
		GOOD "=",
		GOOD " ",
		GOOD ":",
		" " GOOD,
		/* the hash */
		"scram-sha-256$4096:" SALT "$" KEYS,
		"SCRAM-SHA-1$4096:" SALT "$" KEYS,
		"SCRAM-SHA-512$4096:" SALT "$" KEYS,
		"SCRAM-SHA-224$4096:" SALT "$" KEYS,
		"SCRAM-SHA-256-PLUS$4096:" SALT "$" KEYS,
		/* the rounds */
		"SCRAM-SHA-256$:" SALT "$" KEYS,
		"SCRAM-SHA-256$0:" SALT "$" KEYS,
		"SCRAM-SHA-256$04096:" SALT "$" KEYS,
		"SCRAM-SHA-256$-4096:" SALT "$" KEYS,
		"SCRAM-SHA-256$+4096:" SALT "$" KEYS,
		"SCRAM-SHA-256$10000001:" SALT "$" KEYS,
		"SCRAM-SHA-256$4294971392:" SALT "$" KEYS,
		/* base64 */
		"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6g===$" KEYS,
		"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gR==$" KEYS,
		"SCRAM-SHA-256$4096:" SALT "$" STORED_KEY
		":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU",
		"SCRAM-SHA-256$4096:" SALT "$" STORED_KEY
		":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl",
	};
	struct scram_keys keys;

	assert_true(scram_parse(&keys, GOOD));
	for (size_t i = 0; i < HM_COUNT(wrong); i++)
		assert_false(scram_parse(&keys, wrong[i]));
}

static void
a_salt_has_a_longest_length(void **state)
{
	char salt[100], text[600];
	struct scram_keys keys;

	/* 66 bytes make no more text than 64 do. */
	for (size_t len = 65; len < 70; len++) {
		base64_encode(salt, (char[70]){ 0 }, len);
		snprintf(text, sizeof(text), "SCRAM-SHA-256$4096:%s$" KEYS, salt);
		assert_false(scram_parse(&keys, text));
	}
	memset(text, 'A', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "SCRAM-SHA-256$4096:", 19);
	assert_false(scram_parse(&keys, text));
}

/* --- Fakes ----------------------------------------------------------------- */

static void
a_fake_is_always_the_same_for_the_same_user(void **state)
{
	unsigned char secret[SCRAM_SECRET_LEN] = "the secret of this installation";
	struct scram_keys one, again;

	scram_fake(&one, CRYPTO_SHA256, 10000, secret, "nobody@a.example");
	scram_fake(&again, CRYPTO_SHA256, 10000, secret, "nobody@a.example");
	assert_memory_equal(&one, &again, sizeof(one));
	assert_int_equal(one.iterations, 10000);
	assert_int_equal(one.salt_len, SCRAM_SALT_LEN);
}

static void
fakes_differ_by_user_hash_and_secret(void **state)
{
	unsigned char secret[SCRAM_SECRET_LEN] = "the secret of this installation";
	struct scram_keys fakes[4];

	scram_fake(&fakes[0], CRYPTO_SHA256, 10000, secret, "nobody@a.example");
	scram_fake(&fakes[1], CRYPTO_SHA256, 10000, secret, "nobody@b.example");
	scram_fake(&fakes[2], CRYPTO_SHA512, 10000, secret, "nobody@a.example");
	secret[0] ^= 1;
	scram_fake(&fakes[3], CRYPTO_SHA256, 10000, secret, "nobody@a.example");
	for (size_t i = 0; i < HM_COUNT(fakes); i++) {
		assert_memory_not_equal(fakes[i].stored_key, fakes[i].server_key, 20);
		assert_memory_not_equal(fakes[i].stored_key, fakes[i].salt, SCRAM_SALT_LEN);
		for (size_t k = 0; k < i; k++) {
			assert_memory_not_equal(fakes[i].salt, fakes[k].salt, SCRAM_SALT_LEN);
			assert_memory_not_equal(fakes[i].stored_key, fakes[k].stored_key, 20);
			assert_memory_not_equal(fakes[i].server_key, fakes[k].server_key, 20);
		}
	}
}

static void
a_fake_is_written_like_any_verifier(void **state)
{
	unsigned char secret[SCRAM_SECRET_LEN] = { 0 };

	for (enum crypto_hash hash = 0; hash < CRYPTO_HASHES; hash++) {
		char fake_text[SCRAM_TEXT_MAX], real_text[SCRAM_TEXT_MAX];
		struct scram_keys fake, back, real;

		scram_fake(&fake, hash, 4096, secret, "nobody@a.example");
		scram_choose(&real, hash, 4096);
		assert_int_equal(scram_write(&fake, fake_text), scram_write(&real, real_text));
		assert_true(scram_parse(&back, fake_text));
		assert_false(scram_check_plain(&back, ""));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_exchange_of_rfc_5802_succeeds),
		cmocka_unit_test(the_exchange_of_rfc_7677_succeeds),
		cmocka_unit_test(only_the_right_password_fits),
		cmocka_unit_test(verifiers_derived_together_are_those_derived_alone),
		cmocka_unit_test(each_salt_is_another),
		cmocka_unit_test(the_text_is_that_of_cyrus_sasl),
		cmocka_unit_test(what_was_written_is_read_back),
		cmocka_unit_test(what_is_no_verifier_is_refused),
		cmocka_unit_test(a_salt_has_a_longest_length),
		cmocka_unit_test(a_fake_is_always_the_same_for_the_same_user),
		cmocka_unit_test(fakes_differ_by_user_hash_and_secret),
		cmocka_unit_test(a_fake_is_written_like_any_verifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
