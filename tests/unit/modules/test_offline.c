/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* The ledger of what was delivered: by hand, and against a plain list by chance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hermod/act.h>

#include "base/mem.h"
#include "modules/offline/ledger.h"

void *
hm_resize(void *p, size_t size)
{
	return mem_realloc(p, size);
}

void
hm_free(void *p)
{
	mem_free(p);
}

static void
what_waits_is_shown_and_got(void **state)
{
	struct ledger l = { 0 };

	ledger_add_old(&l, 10, 30, 3, 300);
	ledger_add_waiting(&l, 40, 100);
	assert_int_equal(l.count, 4);
	assert_int_equal(ledger_waiting(&l)->first, 10);
	assert_int_equal(ledger_waiting(&l)->last, 40);
	ledger_show(&l, 10, 100, 1);
	ledger_show(&l, 20, 100, 1);
	assert_int_equal(ledger_waiting(&l)->first, 21);
	assert_int_equal(ledger_cursor(&l), INT64_MIN);
	assert_true(ledger_got(&l, 20));
	assert_false(ledger_got(&l, 20));
	assert_int_equal(ledger_cursor(&l), INT64_MIN);
	assert_true(ledger_got(&l, 10));
	assert_int_equal(ledger_cursor(&l), 20);
	assert_int_equal(l.count, 2);
	assert_int_equal(l.bytes, 200);
	ledger_show(&l, 30, 100, 1);
	ledger_show(&l, 40, 100, 1);
	assert_null(ledger_waiting(&l));
	assert_true(ledger_got(&l, 30));
	assert_true(ledger_got(&l, 40));
	assert_int_equal(ledger_cursor(&l), 40);
	assert_int_equal(l.count, 0);
	assert_int_equal(l.bytes, 0);
	ledger_free(&l);
}

static void
what_is_lost_waits_unless_another_has_it(void **state)
{
	struct ledger l = { 0 };

	ledger_add_shown(&l, 1, 10, 1 | 2);
	ledger_add_shown(&l, 2, 10, 1);
	assert_int_equal(l.count, 0);
	assert_false(ledger_lost(&l, 1, 1));
	assert_false(ledger_lost(&l, 1, 4));
	assert_true(ledger_lost(&l, 2, 1));
	assert_int_equal(l.count, 1);
	assert_true(ledger_lost(&l, 1, 2));
	assert_int_equal(ledger_waiting(&l)->count, 2);
	assert_int_equal(ledger_waiting(&l)->last, 2);
	ledger_add_shown(&l, 3, 10, 4);
	ledger_only(&l, 1 | 2);
	assert_int_equal(ledger_waiting(&l)->last, 3);
	assert_int_equal(l.bytes, 30);
	ledger_free(&l);
}

static void
what_has_gone_is_passed(void **state)
{
	struct ledger l = { 0 };

	ledger_add_old(&l, 1, 100, 10, 1000);
	ledger_show(&l, 50, 100, 1);
	assert_int_equal(ledger_waiting(&l)->count, 9);
	ledger_add_waiting(&l, 200, 100);
	/* A page up to 100 had one message instead of ten: nine are not there. */
	ledger_pass(&l, 100, 9, 900);
	assert_int_equal(ledger_waiting(&l)->first, 101);
	assert_int_equal(ledger_waiting(&l)->count, 1);
	assert_int_equal(l.count, 2);
	ledger_pass(&l, 200, 1, 100);
	assert_null(ledger_waiting(&l));
	assert_true(ledger_got(&l, 50));
	assert_int_equal(ledger_cursor(&l), 200);
	ledger_free(&l);
}

/* One message to oneself has an id that was given before others came. */
static void
an_older_one_finds_its_place(void **state)
{
	struct ledger l = { 0 };

	ledger_add_shown(&l, 10, 1, 1);
	ledger_add_shown(&l, 30, 1, 1);
	ledger_add_shown(&l, 20, 1, 1);
	assert_true(ledger_got(&l, 10));
	assert_true(ledger_got(&l, 30));
	assert_int_equal(ledger_cursor(&l), 10);
	assert_true(ledger_got(&l, 20));
	assert_int_equal(ledger_cursor(&l), 30);
	ledger_free(&l);
}

#define MESSAGES 200

/* Nobody's message is lost, none is counted twice: a thousand lives of two hundred messages. */
static void
by_chance(void **state)
{
	srandom(1);
	for (int life = 0; life < 1000; life++) {
		enum { NOT_YET, IS_WAITING, IS_SHOWN, IS_GOT } is[MESSAGES] = { NOT_YET };
		struct ledger l = { 0 };
		int made = 0;

		for (int step = 0; step < 1000; step++) {
			const struct stretch *w = ledger_waiting(&l);
			int i = made ? (int)(random() % made) : 0;

			switch (random() % 5) {
			case 0:
				if (made == MESSAGES)
					break;
				is[made] = random() % 2 ? IS_WAITING : IS_SHOWN;
				if (is[made] == IS_WAITING)
					ledger_add_waiting(&l, made + 1, 1);
				else
					ledger_add_shown(&l, made + 1, 1, 1);
				made++;
				break;
			case 1:
				if (w) {
					assert_int_equal(is[w->first - 1], IS_WAITING);
					is[w->first - 1] = IS_SHOWN;
					ledger_show(&l, w->first, 1, 1);
				}
				break;
			case 2:
			case 3:
				assert_int_equal(ledger_got(&l, i + 1), is[i] == IS_SHOWN);
				if (is[i] == IS_SHOWN)
					is[i] = IS_GOT;
				break;
			default:
				assert_int_equal(ledger_lost(&l, i + 1, 1), is[i] == IS_SHOWN);
				if (is[i] == IS_SHOWN)
					is[i] = IS_WAITING;
			}
			if (random() % 8 == 0) {
				int64_t cursor = ledger_cursor(&l);

				for (int k = 0; k < cursor; k++)
					assert_int_equal(is[k], IS_GOT);
			}
		}
		for (int i = 0; i < made; i++)
			ledger_got(&l, i + 1);
		for (const struct stretch *w; (w = ledger_waiting(&l));) {
			int64_t id = w->first;

			ledger_show(&l, id, 1, 1);
			ledger_got(&l, id);
		}
		assert_int_equal(ledger_cursor(&l), made);
		assert_int_equal(l.count, 0);
		ledger_free(&l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_waits_is_shown_and_got),
		cmocka_unit_test(what_is_lost_waits_unless_another_has_it),
		cmocka_unit_test(what_has_gone_is_passed),
		cmocka_unit_test(an_older_one_finds_its_place),
		cmocka_unit_test(by_chance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
