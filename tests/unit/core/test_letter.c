/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Letters: the parts of the address, and of whom they come from. */
#include <string.h>

#include "base/arena.h"
#include "core/here.h"
#include "core/letter.h"
#include "core_test.h"

static const struct hm_stanza *
message(const char *from)
{
	struct stanza_build b;

	stanza_build_new(&b, STANZA_MESSAGE, NULL, "m");
	return stanza_build_done(&b, from);
}

static const char *
or_dash(const char *s)
{
	return s ? s : "-";
}

static void
addresses_come_apart(void **state)
{
	static const struct {
		const char *to, *bare, *local, *domain, *resource;
	} row[] = {
		{ "romeo@a.example/orchard", "romeo@a.example", "romeo", "a.example", "orchard" },
		{ "romeo@a.example", "romeo@a.example", "romeo", "a.example", "-" },
		{ "a.example", "a.example", "-", "a.example", "-" },
		{ "a.example/x", "a.example", "-", "a.example", "x" },
		/* RFC 7622 3.1: the separators mean nothing behind the first slash. */
		{ "a.example/x@y/z", "a.example", "-", "a.example", "x@y/z" },
		{ "romeo@a.example/x@y/z", "romeo@a.example", "romeo", "a.example", "x@y/z" },
		{ "romeo@[::1]/x", "romeo@[::1]", "romeo", "[::1]", "x" },
	};

	for (size_t i = 0; i < HM_COUNT(row); i++) {
		struct hm_letter *l = letter_to(message("juliet@b.example/y@z"), row[i].to);

		assert_string_equal(l->to, row[i].to);
		assert_string_equal(l->to_bare, row[i].bare);
		assert_string_equal(or_dash(l->to_local), row[i].local);
		assert_string_equal(l->to_domain, row[i].domain);
		assert_string_equal(or_dash(l->to_resource), row[i].resource);
		assert_string_equal(l->from_bare, "juliet@b.example");
		letter_free(&l);
		assert_null(l);
	}
}

static void
without_an_address_the_own_account_is_meant(void **state)
{
	struct hm_letter *l = letter_new(message("romeo@a.example/x"), NULL, "romeo@a.example");

	assert_null(l->to);
	assert_string_equal(l->to_bare, "romeo@a.example");
	assert_string_equal(l->to_local, "romeo");
	letter_free(&l);
}

static void
no_sender_is_an_empty_one(void **state)
{
	struct hm_letter *l = letter_to(message(NULL), "a.example");

	assert_string_equal(l->from_bare, "");
	letter_refuse(l, HM_SERVICE_UNAVAILABLE, NULL); /* nobody is told */
	assert_false(run_one());
}

static void
each_letter_has_a_number_of_its_own(void **state)
{
	struct hm_letter *a = letter_to(message(NULL), "a.example"),
			 *b = letter_to(message(NULL), "a.example");

	assert_true(b->trace > a->trace);
	letter_free(&a);
	letter_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_come_apart),
		cmocka_unit_test(without_an_address_the_own_account_is_meant),
		cmocka_unit_test(no_sender_is_an_empty_one),
		cmocka_unit_test(each_letter_has_a_number_of_its_own),
	};

	return cmocka_run_group_tests(tests, core_test_start, NULL);
}
