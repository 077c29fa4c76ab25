/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Arenas: alignment, growth, reset, large objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void
objects_are_aligned_and_apart(void **state)
{
	struct arena *a = arena_new(64);
	unsigned char *objects[200];

	for (size_t i = 0; i < 200; i++) {
		objects[i] = arena_alloc(a, i);
		assert_int_equal((uintptr_t)objects[i] % 8, 0);
		memset(objects[i], (int)i, i);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t k = 0; k < i; k++)
			assert_int_equal(objects[i][k], i);
	arena_free(&a);
	assert_null(a);
	arena_free(&a);
}

static void
an_object_may_be_larger_than_any_block(void **state)
{
	struct arena *a = arena_new(0);
	char *large = arena_zalloc(a, 1000 * 1000);
	char *small = arena_strdup(a, "small");

	large[999999] = 'x';
	assert_string_equal(small, "small");
	assert_true(arena_bytes(a) >= 1000 * 1000);
	arena_free(&a);
}

static void
reset_gives_all_back_but_the_first_block(void **state)
{
	struct arena *a = arena_new(0);
	size_t before = arena_bytes(a);

	for (int i = 0; i < 100; i++)
		arena_alloc(a, 5000);
	assert_true(arena_bytes(a) >= 500 * 1000);
	arena_reset(a);
	assert_int_equal(arena_bytes(a), before);
	assert_string_equal(arena_strndup(a, "romeo", 3), "rom");
	arena_free(&a);
}

static void
many_small_objects_cost_few_bytes_more(void **state)
{
	struct arena *a = arena_new(0);

	for (int i = 0; i < 10000; i++)
		arena_alloc(a, 16);
	assert_in_range(arena_bytes(a), 160000, 200000);
	arena_free(&a);
}

static void
printing_fits_short_and_long_texts(void **state)
{
	struct arena *a = arena_new(0);

	assert_string_equal(arena_printf(a, "%s@%s", "romeo", "a.example"), "romeo@a.example");
	assert_int_equal(strlen(arena_printf(a, "%0255d", 1)), 255);
	assert_int_equal(strlen(arena_printf(a, "%0256d", 1)), 256);
	assert_int_equal(strlen(arena_printf(a, "%05000d", 1)), 5000);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_aligned_and_apart),
		cmocka_unit_test(an_object_may_be_larger_than_any_block),
		cmocka_unit_test(reset_gives_all_back_but_the_first_block),
		cmocka_unit_test(many_small_objects_cost_few_bytes_more),
		cmocka_unit_test(printing_fits_short_and_long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
