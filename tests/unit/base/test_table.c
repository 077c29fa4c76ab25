/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* The hash table and its hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/table.h"

#define MANY 5000

static int numbers[MANY];

static const char *
name(int i)
{
	static char text[32];

	snprintf(text, sizeof(text), "user%d@a.example", i);
	return text;
}

static void
an_empty_table_holds_nothing(void **state)
{
	struct table t = { 0 };
	size_t pos = 0;

	assert_null(table_get(&t, "romeo"));
	assert_null(table_remove(&t, "romeo"));
	assert_false(table_next(&t, &pos, NULL, NULL));
	assert_int_equal(table_count(&t), 0);
	table_free(&t);
}

static void
a_second_value_replaces_the_first(void **state)
{
	struct table t = { 0 };

	assert_null(table_put(&t, "romeo", &numbers[1]));
	assert_ptr_equal(table_put(&t, "romeo", &numbers[2]), &numbers[1]);
	assert_ptr_equal(table_get(&t, "romeo"), &numbers[2]);
	assert_int_equal(table_count(&t), 1);
	assert_ptr_equal(table_remove(&t, "romeo"), &numbers[2]);
	assert_null(table_get(&t, "romeo"));
	table_free(&t);
}

static void
keys_are_bytes_of_any_kind(void **state)
{
	struct table t = { 0 };

	table_put_n(&t, "a\0b", 3, &numbers[1]);
	table_put_n(&t, "a\0c", 3, &numbers[2]);
	table_put_n(&t, "", 0, &numbers[3]);
	assert_ptr_equal(table_get_n(&t, "a\0b", 3), &numbers[1]);
	assert_ptr_equal(table_get_n(&t, "a\0c", 3), &numbers[2]);
	assert_ptr_equal(table_get(&t, ""), &numbers[3]);
	assert_null(table_get(&t, "a"));
	table_free(&t);
}

static void
thousands_come_and_go(void **state)
{
	struct table t = { 0 };

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++)
			assert_null(table_put(&t, name(i), &numbers[i]));
		assert_int_equal(table_count(&t), MANY);
		for (int i = 0; i < MANY; i += 2)
			assert_ptr_equal(table_remove(&t, name(i)), &numbers[i]);
		for (int i = 0; i < MANY; i++)
			assert_ptr_equal(table_get(&t, name(i)), i % 2 ? &numbers[i] : NULL);
		for (int i = 1; i < MANY; i += 2)
			assert_ptr_equal(table_remove(&t, name(i)), &numbers[i]);
		assert_int_equal(table_count(&t), 0);
	}
	table_free(&t);
}

static void
coming_and_going_does_not_make_it_grow(void **state)
{
	struct table t = { 0 };

	for (int i = 0; i < 20000; i++) {
		table_put(&t, name(i), &numbers[0]);
		if (i >= 10)
			assert_non_null(table_remove(&t, name(i - 10)));
	}
	assert_true(t.cap <= 64);
	table_free(&t);
}

static void
it_shrinks_after_a_crowd_has_left(void **state)
{
	struct table t = { 0 };
	size_t large;

	for (int i = 0; i < MANY; i++)
		table_put(&t, name(i), &numbers[i]);
	large = t.cap;
	for (int i = 0; i < MANY; i++)
		table_remove(&t, name(i));
	table_put(&t, "last", &numbers[0]);
	assert_true(t.cap < large / 16);
	assert_ptr_equal(table_get(&t, "last"), &numbers[0]);
	table_free(&t);
}

static void
a_walk_sees_each_entry_once_and_may_remove_it(void **state)
{
	struct table t = { 0 };
	int seen[500] = { 0 };
	const char *key;
	size_t pos = 0;
	void *value;

	for (int i = 0; i < 500; i++)
		table_put(&t, name(i), &numbers[i]);
	while (table_next(&t, &pos, &key, &value)) {
		ptrdiff_t i = (int *)value - numbers;

		assert_string_equal(key, name((int)i));
		seen[i]++;
		if (i % 3 == 0)
			table_remove(&t, key);
	}
	for (int i = 0; i < 500; i++)
		assert_int_equal(seen[i], 1);
	assert_int_equal(table_count(&t), 500 - 167);
	table_free(&t);
}

static void
equal_bytes_hash_alike(void **state)
{
	char copy[] = "xromeo@montague.example";

	assert_true(hash_bytes("romeo@montague.example", 22) == hash_bytes(copy + 1, 22));
	assert_true(hash_bytes("romeo", 5) != hash_bytes("romeo", 4));
	assert_true(hash_bytes("a\0", 2) != hash_bytes("a", 1));
}

/* Values that an installation may have on disk or in another process. */
static void
the_stable_hash_never_changes(void **state)
{
	assert_true(hash_stable("", 0) == UINT64_C(0xefd01f60ba992926));
	assert_true(hash_stable("romeo@montague.example", 22) == UINT64_C(0x56142b887ad33080));
}

static void
hashes_spread_over_slots(void **state)
{
	unsigned random_slots[64] = { 0 }, stable_slots[64] = { 0 };

	for (int i = 0; i < 6400; i++) {
		random_slots[hash_bytes(name(i), strlen(name(i))) % 64]++;
		stable_slots[hash_stable(name(i), strlen(name(i))) % 64]++;
	}
	for (int i = 0; i < 64; i++) {
		assert_in_range(random_slots[i], 40, 180);
		assert_in_range(stable_slots[i], 40, 180);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_table_holds_nothing),
		cmocka_unit_test(a_second_value_replaces_the_first),
		cmocka_unit_test(keys_are_bytes_of_any_kind),
		cmocka_unit_test(thousands_come_and_go),
		cmocka_unit_test(coming_and_going_does_not_make_it_grow),
		cmocka_unit_test(it_shrinks_after_a_crowd_has_left),
		cmocka_unit_test(a_walk_sees_each_entry_once_and_may_remove_it),
		cmocka_unit_test(equal_bytes_hash_alike),
		cmocka_unit_test(the_stable_hash_never_changes),
		cmocka_unit_test(hashes_spread_over_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
