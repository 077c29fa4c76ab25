/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* What the heap promises: zeroed arrays, copies, checked products. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void
an_array_is_zeroed(void **state)
{
	int *numbers = mem_array(100, sizeof(*numbers));

	for (int i = 0; i < 100; i++)
		assert_int_equal(numbers[i], 0);
	mem_free(numbers);
}

static void
nothing_at_all_is_an_object_too(void **state)
{
	void *p = mem_alloc(0);

	assert_non_null(p);
	p = mem_realloc(p, 0);
	assert_non_null(p);
	mem_free(p);
	mem_free(NULL);
	mem_free_secret(mem_strdup("secret"));
	mem_free_secret(NULL);
}

static void
copies_end_in_nul(void **state)
{
	char *whole = mem_strdup("romeo"), *part = mem_strndup("romeo", 2),
	     *none = mem_strndup(NULL, 0);

	assert_string_equal(whole, "romeo");
	assert_string_equal(part, "ro");
	assert_string_equal(none, "");
	mem_free(whole);
	mem_free(part);
	mem_free(none);
}

static void
printing_makes_room_for_the_whole_text(void **state)
{
	char *text = mem_printf("%0500d", 7);

	assert_int_equal(strlen(text), 500);
	assert_int_equal(text[499], '7');
	mem_free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_array_is_zeroed),
		cmocka_unit_test(nothing_at_all_is_an_object_too),
		cmocka_unit_test(copies_end_in_nul),
		cmocka_unit_test(printing_makes_room_for_the_whole_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
