/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* The fake clock, and the date-times of XEP-0082. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <hermod/values.h>

#include "base/clock.h"

static void
tests_move_both_clocks(void **state)
{
	int64_t wall = clock_wall_us(), mono = clock_mono_ms();

	clock_advance(60 * 60 * 1000);
	assert_in_range(clock_wall_us() - wall, 3600000000, 3660000000);
	assert_in_range(clock_mono_ms() - mono, 3600000, 3660000);
	assert_in_range(clock_mono_us() / 1000 - mono, 3600000, 3660000);
}

static void
a_stamp_has_the_digits_asked_for(void **state)
{
	static const int64_t when = 1795244734123456; /* 2026-11-21 07:05:34.123456 */
	char out[CLOCK_STAMP_MAX];

	assert_string_equal(clock_stamp(when, 0, out), "2026-11-21T07:05:34Z");
	assert_string_equal(clock_stamp(when, 3, out), "2026-11-21T07:05:34.123Z");
	assert_string_equal(clock_stamp(when, 6, out), "2026-11-21T07:05:34.123456Z");
	assert_string_equal(clock_stamp(0, 0, out), "1970-01-01T00:00:00Z");
	assert_string_equal(clock_stamp(-1, 6, out), "1969-12-31T23:59:59.999999Z");
}

static void
what_has_no_four_digit_year_is_clamped(void **state)
{
	char out[CLOCK_STAMP_MAX];

	assert_string_equal(clock_stamp(INT64_MAX, 6, out), "9999-12-31T23:59:59.999999Z");
	assert_string_equal(clock_stamp(INT64_MIN, 6, out), "0001-01-01T00:00:00.000000Z");
}

/* Every day of eight centuries, against the C library. */
static void
every_date_is_that_of_the_calendar(void **state)
{
	for (int64_t day = -150000; day < 150000; day += 1) {
		time_t seconds = day * 86400 + 45296;
		char ours[CLOCK_STAMP_MAX], theirs[CLOCK_STAMP_MAX];
		struct tm tm;
		int64_t back;

		gmtime_r(&seconds, &tm);
		strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%SZ", &tm);
		clock_stamp(seconds * 1000000, 0, ours);
		assert_string_equal(ours, theirs);
		assert_true(clock_parse_stamp(ours, &back));
		assert_true(back == seconds * 1000000);
	}
}

static void
any_zone_and_fraction_is_read(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} stamps[] = {
		{ "1969-07-21T02:56:15Z", -14159025000000 }, /* XEP-0082 4 */
		{ "1969-07-20T21:56:15-05:00", -14159025000000 },
		{ "1970-01-01T05:30:00+05:30", 0 },
		{ "1970-01-01T00:00:00.5Z", 500000 },
		{ "1970-01-01T00:00:00.123456789Z", 123456 },
		{ "2000-02-29T00:00:00Z", 951782400000000 },
	};

	for (size_t i = 0; i < HM_COUNT(stamps); i++) {
		int64_t us = 1;

		assert_true(clock_parse_stamp(stamps[i].text, &us));
		assert_true(us == stamps[i].us);
	}
}

static void
what_is_no_date_time_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"2026-11-21",
		"20261121T07:05:34", /* the legacy form of XEP-0091 */
		"2026-11-21T07:05:34",
		"2026-11-21 07:05:34Z",
		"2026-11-21T07:05:34.Z",
		"2026-11-21T07:05:34z",
		"2026-11-21T07:05:34ZZ",
		"2026-11-21T07:05:34+0100",
		"2026-11-21T07:05:34+15:00",
		"2026-11-21T24:00:00Z",
		"2026-11-21T07:60:00Z",
		"2026-11-21T07:05:60Z",
		"2026-13-21T07:05:34Z",
		"2026-00-21T07:05:34Z",
		"2026-11-31T07:05:34Z",
		"2025-02-29T07:05:34Z",
		"1900-02-29T07:05:34Z",
		"0000-01-01T00:00:00Z",
		"-026-11-21T07:05:34Z",
		"12026-11-21T07:05:34Z",
	};

	for (size_t i = 0; i < HM_COUNT(wrong); i++) {
		int64_t us;

		assert_false(clock_parse_stamp(wrong[i], &us));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tests_move_both_clocks),
		cmocka_unit_test(a_stamp_has_the_digits_asked_for),
		cmocka_unit_test(what_has_no_four_digit_year_is_clamped),
		cmocka_unit_test(every_date_is_that_of_the_calendar),
		cmocka_unit_test(any_zone_and_fraction_is_read),
		cmocka_unit_test(what_is_no_date_time_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
