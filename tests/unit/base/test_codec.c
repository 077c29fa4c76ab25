/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* base64 with the vectors of RFC 4648 10, hexadecimal, UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hermod/values.h>

#include "base/codec.h"
#include "base/random.h"

static void
base64_has_the_vectors_of_the_rfc(void **state)
{
	static const char *const vectors[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};

	for (size_t i = 0; i < HM_COUNT(vectors); i++) {
		const char *plain = vectors[i][0], *text = vectors[i][1];
		char out[16];
		size_t len;

		assert_int_equal(base64_encode(out, plain, strlen(plain)), strlen(text));
		assert_string_equal(out, text);
		assert_int_equal(BASE64_LEN(strlen(plain)), strlen(text));
		assert_true(base64_decode(out, &len, text, strlen(text)));
		assert_int_equal(len, strlen(plain));
		assert_memory_equal(out, plain, len);
	}
}

static void
any_bytes_come_back(void **state)
{
	for (size_t len = 0; len < 200; len++) {
		unsigned char bytes[200], back[204];
		char text[BASE64_LEN(200) + 1], hex[401];
		size_t text_len, back_len;

		random_bytes(bytes, len);
		text_len = base64_encode(text, bytes, len);
		assert_true(base64_decode(back, &back_len, text, text_len));
		assert_int_equal(back_len, len);
		assert_memory_equal(back, bytes, len);
		hex_encode(hex, bytes, len);
		assert_int_equal(strlen(hex), 2 * len);
		assert_true(hex_decode(back, hex, 2 * len));
		assert_memory_equal(back, bytes, len);
	}
}

static void
base64_is_read_strictly(void **state)
{
	static const char *const wrong[] = {
		"Z",    "Zg",       "Zg=",      "Zm8",
		"=",    "==",       "===",      "====",
		"Z===", "Zg==Zg==", "Zm9v\n",   "Zm 9",
		"Zm9-", "Zm9_",     "Zh==", /* stray bits */
		"Zm9=", "Zg=v",     "Zm9vZ===", "\xc3\xa9\xc3\xa9",
	};

	for (size_t i = 0; i < HM_COUNT(wrong); i++) {
		char out[16];
		size_t len;

		assert_false(base64_decode(out, &len, wrong[i], strlen(wrong[i])));
	}
	assert_false(base64_decode((char[4]){ 0 }, &(size_t){ 0 }, "Zm\0v", 4));
}

static void
hexadecimal_is_lower_case_and_read_in_both(void **state)
{
	unsigned char out[4];
	char text[9];

	hex_encode(text, "\xde\xad\xbe\xef", 4);
	assert_string_equal(text, "deadbeef");
	assert_true(hex_decode(out, "DEADbeef", 8));
	assert_memory_equal(out, "\xde\xad\xbe\xef", 4);
	assert_false(hex_decode(out, "abc", 3));
	assert_false(hex_decode(out, "ag", 2));
	assert_false(hex_decode(out, "0x", 2));
}

static void
utf8_is_that_of_rfc_3629(void **state)
{
	static const char *const right[] = {
		"",
		"romeo",
		"\xc2\x80",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xef\xbf\xbf",
		"\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf",
		"twelve bytes\xe2\x82\xac and more behind them",
	};
	static const char *const wrong[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc2",
		"\xc2 ",
		"\xe0\x9f\xbf",
		"\xe2\x82",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xf0\x90\x80",
		"\xff",
		"eight by\xfe",
		"eight bytes \xe2\x82",
	};

	for (size_t i = 0; i < HM_COUNT(right); i++)
		assert_true(utf8_valid(right[i], strlen(right[i])));
	for (size_t i = 0; i < HM_COUNT(wrong); i++)
		assert_false(utf8_valid(wrong[i], strlen(wrong[i])));
	assert_true(utf8_valid("a\0b", 3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_has_the_vectors_of_the_rfc),
		cmocka_unit_test(any_bytes_come_back),
		cmocka_unit_test(base64_is_read_strictly),
		cmocka_unit_test(hexadecimal_is_lower_case_and_read_in_both),
		cmocka_unit_test(utf8_is_that_of_rfc_3629),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
