/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Credit: the limit, the half below which its owner is told, and who frees it. */
#include <string.h>

#include "core/credit.h"
#include "core_test.h"

#define OWNER 7 /* at worker 0 */

static unsigned told;

static void
back(uint64_t owner)
{
	assert_int_equal(owner, OWNER);
	told++;
}

static struct credit *
fresh(void)
{
	told = 0;
	return credit_new(OWNER, back, 4, 64 * 64);
}

static void
stanzas_are_counted(void **state)
{
	struct credit *c = fresh();
	struct charge ch[5] = { { 0 } };

	for (unsigned i = 0; i < 4; i++) {
		assert_false(credit_is_used_up(c));
		charge_take(&ch[i], c, 1, 10);
	}
	assert_true(credit_is_used_up(c));
	charge_take(&ch[4], c, 1, 10); /* never fails */
	charge_return(&ch[0]);
	charge_return(&ch[1]);
	run();
	assert_int_equal(told, 0);
	assert_true(credit_is_used_up(c)); /* three are left: not half of it free */
	charge_return(&ch[2]);
	run();
	assert_int_equal(told, 1);
	assert_false(credit_is_used_up(c));
	charge_return(&ch[3]);
	charge_return(&ch[4]);
	run();
	assert_int_equal(told, 1);
	credit_leave(&c);
	assert_null(c);
}

static void
so_is_memory(void **state)
{
	struct credit *c = fresh();
	struct charge large = { 0 }, moved = { 0 };

	charge_take(&large, c, 1, 100 * 1000);
	assert_true(credit_is_used_up(c));
	charge_move(&moved, &large);
	charge_return(&large); /* empty: nothing */
	assert_true(credit_is_used_up(c));
	charge_return(&moved);
	run();
	assert_int_equal(told, 1);
	credit_leave(&c);
}

/* What was charged and given back before its owner asks for it. */
static void
returned_before_it_was_asked_for(void **state)
{
	struct credit *c = fresh();
	struct charge ch = { 0 };

	for (unsigned i = 0; i < 100; i++) {
		charge_take(&ch, c, 3, 5000);
		charge_return(&ch);
	}
	assert_false(credit_is_used_up(c));
	charge_take(&ch, c, 4, 1);
	assert_true(credit_is_used_up(c));
	charge_return(&ch);
	run();
	assert_int_equal(told, 1);
	credit_leave(&c);
}

/* The address sanitizer tells who frees too early, or never. */
static void
the_last_charge_frees_it(void **state)
{
	struct credit *c = fresh(), *gone;
	struct charge first = { 0 }, after = { 0 };

	charge_take(&first, c, 4, 1);
	assert_true(credit_is_used_up(c));
	gone = c;
	credit_leave(&c);
	charge_take(&after, gone, 1, 1); /* what follows from the first */
	charge_return(&first);
	charge_return(&after);
	run();
	assert_int_equal(told, 0); /* nobody is there to be told */
}

static void
look_ups_are_counted_once(void **state)
{
	struct credit *c = fresh();

	credit_looked_up(NULL);
	credit_looked_up(c);
	credit_looked_up(c);
	assert_int_equal(credit_take_looked_up(c), 2);
	assert_int_equal(credit_take_looked_up(c), 0);
	credit_leave(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stanzas_are_counted),
		cmocka_unit_test(so_is_memory),
		cmocka_unit_test(returned_before_it_was_asked_for),
		cmocka_unit_test(the_last_charge_frees_it),
		cmocka_unit_test(look_ups_are_counted_once),
	};

	return cmocka_run_group_tests(tests, core_test_start, NULL);
}
