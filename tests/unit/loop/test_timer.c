/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* tests of loop/timer.c: the wheel alone, told the time */
#include "loop/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these before it. */
#include <cmocka.h>

#include <stdlib.h>

#include "loop/wheel.h"

#define START 123457

static struct wheel wheel;
static int64_t now;
static int64_t fired_due[2048];
static unsigned fired_n;

static void
fired(struct timer *t)
{
	assert_false(timer_running(t));
	assert_true(t->due_ms <= now);
	fired_due[fired_n++] = t->due_ms;
}

static int
begin(void **state)
{
	now = START;
	fired_n = 0;
	wheel_init(&wheel, now);
	return 0;
}

static void
add(struct timer *t, int64_t ms)
{
	list_init(&t->link);
	t->due_ms = now + ms;
	wheel_add(&wheel, t);
}

static void
run_at(int64_t ms)
{
	now = ms;
	wheel_run(&wheel, now, fired);
}

static void
an_empty_wheel_never_wants_to_run(void **state)
{
	assert_true(wheel_next_ms(&wheel) == INT64_MAX);
	run_at(START + 1000000);
	assert_int_equal(fired_n, 0);
}

static void
a_timer_fires_not_early_and_within_two_ticks(void **state)
{
	static const int64_t waits[] = { 0, 1, 49, 50, 51, 3199, 3200, 3201, 204800, 1000001 };

	for (size_t i = 0; i < HM_COUNT(waits); i++) {
		struct timer t = { 0 };
		int64_t from = now;

		fired_n = 0;
		add(&t, waits[i]);
		/* As the loop does: sleep until the wheel says, look, and again. */
		while (fired_n == 0) {
			int64_t next = wheel_next_ms(&wheel);

			assert_true(next > now);
			run_at(next);
		}
		assert_true(now >= from + waits[i]);
		assert_true(now <= from + waits[i] + 2 * WHEEL_TICK_MS);
		run_at(now + 17);
	}
}

static void
a_stopped_timer_does_not_fire(void **state)
{
	struct timer a = { 0 }, b = { 0 };

	add(&a, 100);
	add(&b, 100);
	timer_stop(&a);
	timer_stop(&a);
	assert_false(timer_running(&a));
	assert_true(timer_running(&b));
	run_at(START + 200);
	assert_int_equal(fired_n, 1);
	timer_stop(&b);
	assert_true(wheel_next_ms(&wheel) == INT64_MAX);
}

static void
many_timers_fire_in_the_order_of_their_ticks_after_a_jump(void **state)
{
	static struct timer t[2000];
	int64_t last = 0;

	srand(7);
	for (unsigned i = 0; i < HM_COUNT(t); i++)
		add(&t[i], rand() % (1 << (rand() % 24)));
	run_at(START + (1 << 25));
	assert_int_equal(fired_n, HM_COUNT(t));
	for (unsigned i = 0; i < fired_n; i++) {
		int64_t tick = (fired_due[i] - START + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS;

		/* What is due at once waits for the first tick too. */
		tick = tick == 0 ? 1 : tick;
		assert_true(tick >= last);
		last = tick;
	}
}

static void
idle_hours_cost_few_wake_ups(void **state)
{
	struct timer t = { 0 };
	unsigned wakes = 0;

	add(&t, 5 * 3600 * 1000);
	while (fired_n == 0) {
		run_at(wheel_next_ms(&wheel));
		wakes++;
	}
	assert_in_range(wakes, 1, WHEEL_LEVELS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_wheel_never_wants_to_run, begin),
		cmocka_unit_test_setup(a_timer_fires_not_early_and_within_two_ticks, begin),
		cmocka_unit_test_setup(a_stopped_timer_does_not_fire, begin),
		cmocka_unit_test_setup(many_timers_fire_in_the_order_of_their_ticks_after_a_jump,
		                       begin),
		cmocka_unit_test_setup(idle_hours_cost_few_wake_ups, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
