/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Ids as clients see them, and times as XEP-0082 writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "modules/archive/ids.h"
#include "modules/archive/stamp.h"

#define ID INT64_C(1795255200000000)

static struct id_key
key_of(const char *hex)
{
	struct id_key key;

	assert_true(id_key_set(&key, hex));
	return key;
}

/* The round keys of the cipher's own example (Beaulieu and others, appendix C). */
static void
the_key_is_expanded_as_published(void **state)
{
	struct id_key key = key_of("1b1a1918131211100b0a090803020100");

	assert_int_equal(key.round[0], 0x03020100);
	assert_int_equal(key.round[1], 0x131d0309);
	assert_int_equal(key.round[2], 0xbbd80d53);
}

static void
a_key_is_32_small_hexadecimal_digits(void **state)
{
	struct id_key key;

	assert_false(id_key_set(&key, ""));
	assert_false(id_key_set(&key, "1b1a1918131211100b0a09080302010"));
	assert_false(id_key_set(&key, "1b1a1918131211100b0a09080302010X"));
}

static void
ids_come_back(void **state)
{
	struct id_key key = key_of("000102030405060708090a0b0c0d0e0f");
	char text[ID_TEXT_MAX];
	bool transient;
	int64_t id;

	for (int64_t i = 0; i < 1000; i++) {
		id_write(&key, i % 7, ID + i, i % 2 == 1, text);
		assert_int_equal(strlen(text), 16);
		assert_true(id_read(&key, i % 7, text, &id, &transient));
		assert_int_equal(id, ID + i);
		assert_int_equal(transient, i % 2 == 1);
	}
}

static void
ids_tell_nothing(void **state)
{
	struct id_key key = key_of("000102030405060708090a0b0c0d0e0f"),
		      other = key_of("000102030405060708090a0b0c0d0e10");
	char a[ID_TEXT_MAX], b[ID_TEXT_MAX];
	unsigned believed = 0;
	bool transient;
	int64_t id;

	id_write(&key, 1, ID, false, a);
	id_write(&key, 1, ID + 1, false, b);
	assert_int_not_equal(strncmp(a, b, 4), 0);
	id_write(&key, 2, ID, false, b);
	assert_string_not_equal(a, b);
	id_write(&other, 1, ID, false, b);
	assert_string_not_equal(a, b);
	/* Those of another account are mostly known to be none: 52 bits of 62 must be right. */
	for (int64_t i = 0; i < 1000; i++) {
		id_write(&key, 2, ID + i, false, a);
		believed += id_read(&key, 1, a, &id, &transient);
	}
	assert_in_range(believed, 0, 10);
}

static void
what_is_no_id_is_refused(void **state)
{
	static const char *const texts[] = { "",
		                             "x",
		                             "0123456789abcde",
		                             "0123456789abcdef0",
		                             "0123456789ABCDEF",
		                             "0x23456789abcdef",
		                             " 123456789abcdef" };
	struct id_key key = key_of("000102030405060708090a0b0c0d0e0f");
	bool transient;
	int64_t id;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(id_read(&key, 1, texts[i], &id, &transient));
}

static void
times_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} times[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01T00:00:00.000001Z", 1 },
		{ "1970-01-01T00:00:00.0000019Z", 1 },
		{ "1970-01-01T01:00:00+01:00", 0 },
		{ "1969-12-31T23:59:59.5Z", -500000 },
		{ "1969-07-21T02:56:15Z", -14159025000000 },
		{ "1969-07-20T21:56:15-05:00", -14159025000000 },
		{ "2000-02-29T12:00:00Z", 951825600000000 },
		{ "2026-11-21T10:18:00.25Z", 1795256280250000 },
		{ "9999-12-31T23:59:60Z", 253402300800000000 },
		{ "0000-03-01T00:00:00Z", -62162035200000000 },
	};
	int64_t us;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		assert_true(stamp_read(times[i].text, &us));
		assert_int_equal(us, times[i].us);
	}
}

static void
what_is_no_time_is_refused(void **state)
{
	static const char *const texts[] = { "",
		                             "2026-11-21",
		                             "2026-11-21T10:18:00",
		                             "2026-11-21 10:18:00Z",
		                             "2026-02-29T10:18:00Z",
		                             "1900-02-29T10:18:00Z",
		                             "2026-13-01T10:18:00Z",
		                             "2026-00-01T10:18:00Z",
		                             "2026-01-00T10:18:00Z",
		                             "2026-11-21T24:18:00Z",
		                             "2026-11-21T10:60:00Z",
		                             "2026-11-21T10:18:61Z",
		                             "2026-11-21T10:18:00.Z",
		                             "2026-11-21T10:18:00Zx",
		                             "2026-11-21T10:18:00+1:00",
		                             "2026-11-21T10:18:00+24:00",
		                             "+026-11-21T10:18:00Z" };
	int64_t us;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(stamp_read(texts[i], &us));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_key_is_expanded_as_published),
		cmocka_unit_test(a_key_is_32_small_hexadecimal_digits),
		cmocka_unit_test(ids_come_back),
		cmocka_unit_test(ids_tell_nothing),
		cmocka_unit_test(what_is_no_id_is_refused),
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(what_is_no_time_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
