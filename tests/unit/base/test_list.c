/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* The intrusive ring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
	int number;
	struct list link;
};

static void
entries_stay_in_order(void **state)
{
	struct item items[3] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };
	struct list head;
	int expected = 1;

	list_init(&head);
	assert_true(list_empty(&head));
	list_push_back(&head, &items[1].link);
	list_push_back(&head, &items[2].link);
	list_push_front(&head, &items[0].link);
	list_for_each(l, next, &head)
		assert_int_equal(list_entry(l, struct item, link)->number, expected++);
	assert_int_equal(expected, 4);
}

static void
the_current_entry_may_be_removed(void **state)
{
	struct item items[4] = {
		{ .number = 1 }, { .number = 2 }, { .number = 3 }, { .number = 4 }
	};
	struct list head;
	int seen = 0;

	list_init(&head);
	for (int i = 0; i < 4; i++)
		list_push_back(&head, &items[i].link);
	list_for_each(l, next, &head)
	{
		seen++;
		if (list_entry(l, struct item, link)->number % 2)
			list_remove(l);
	}
	assert_int_equal(seen, 4);
	assert_ptr_equal(head.next, &items[1].link);
	assert_ptr_equal(head.prev, &items[3].link);
	assert_true(list_empty(&items[0].link));
	list_remove(&items[0].link); /* in no list: nothing happens */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_stay_in_order),
		cmocka_unit_test(the_current_entry_may_be_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
