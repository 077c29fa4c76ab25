/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Ids of archives: they only rise, also after a restart with another clock (core/ids.h). */
#include "core/ids.h"

#include "base/clock.h"
#include "core/core.h"
#include "core/here.h"
#include "core_test.h"

#define SECOND INT64_C(1000000)

static void
restart(int64_t ceiling)
{
	while (writes_waiting() > 0)
		commits();
	here->ids = (struct ids){ 0 };
	fake_number = ceiling;
	ids_start_here();
	run();
	fake_number = 1;
}

static void
they_rise_with_the_clock(void **state)
{
	int64_t first = ids_new(), last = first, now;

	assert_true(first >= clock_wall_us() - SECOND);
	for (unsigned i = 0; i < 10000; i++) {
		int64_t id = ids_new();

		assert_true(id > last);
		last = id;
	}
	pass_ms(10000);
	now = clock_wall_us();
	assert_in_range(ids_new(), now, now + SECOND);
	restart(1);
}

static void
the_ceiling_is_written_ahead(void **state)
{
	int64_t id;

	restart(1);
	assert_int_equal(writes_waiting(), 0);
	id = ids_new();
	assert_int_equal(writes_waiting(), 1);
	assert_int_equal(fake_wrote[0], here->worker);
	assert_true(fake_wrote[1] >= id + 10 * SECOND);
	ids_new();
	pass_ms(15000);
	ids_new(); /* nearer than that, but it is being written */
	assert_int_equal(writes_waiting(), 1);
	commits();
	id = ids_new();
	assert_int_equal(writes_waiting(), 1);
	assert_true(fake_wrote[1] >= id + 10 * SECOND);
	commits();
	pass_ms(5000);
	ids_new();
	assert_int_equal(writes_waiting(), 0);
}

/* A server that dies and is started again and again gives ids that stay near the clock. */
static void
restarts_do_not_run_away(void **state)
{
	int64_t ceiling = 1;

	for (unsigned i = 0; i < 100; i++) {
		restart(ceiling);
		ids_new();
		ceiling = fake_wrote[1];
		pass_ms(20000);
	}
	assert_in_range(ids_new(), clock_wall_us(), clock_wall_us() + 40 * SECOND);
	restart(1);
}

static void
what_could_not_be_written_is_written_with_the_next(void **state)
{
	restart(1);
	fake_queue_full = true;
	ids_new();
	assert_int_equal(writes_waiting(), 0);
	fake_queue_full = false;
	ids_new();
	assert_int_equal(writes_waiting(), 1);
	commit_fails();
	ids_new();
	assert_int_equal(writes_waiting(), 1);
	commits();
}

static void
a_clock_that_went_back_gives_none_again(void **state)
{
	int64_t ceiling = clock_wall_us() + 3600 * SECOND;

	restart(ceiling);
	assert_true(ids_new() > ceiling);
	assert_int_equal(hm_first_id(), ceiling);
	assert_true(fake_wrote[1] > ceiling + 10 * SECOND);
	restart(1);
}

/* Nobody is loaded until it is known what was given. */
static void
a_read_that_fails_at_start_is_tried_again(void **state)
{
	uint64_t romeo;

	restart(1);
	here->ids = (struct ids){ 0 };
	fake_reads_fail = true;
	ids_start_here();
	run();
	assert_false(here->ids.ready);
	pass_ms(2000);
	assert_false(here->ids.ready);
	fake_reads = 0;
	romeo = client("romeo@a.example", "x");
	assert_int_equal(fake_reads, 0);
	assert_null(session_at(romeo));
	fake_reads_fail = false;
	pass_ms(2000);
	assert_true(here->ids.ready);
	assert_non_null(session_at(romeo));
}

#define TEST(f) cmocka_unit_test_setup(f, core_test_fresh)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(they_rise_with_the_clock),
		TEST(the_ceiling_is_written_ahead),
		TEST(restarts_do_not_run_away),
		TEST(what_could_not_be_written_is_written_with_the_next),
		TEST(a_clock_that_went_back_gives_none_again),
		TEST(a_read_that_fails_at_start_is_tried_again),
	};

	return cmocka_run_group_tests(tests, core_test_start, NULL);
}
