/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* The tables of RFC 6120 8.3.3 and 4.9.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xmpp/stanza_error.h"

static void
each_condition_has_a_name_and_a_type(void **state)
{
	static const char *const types[] = { "auth", "cancel", "continue", "modify", "wait" };

	for (enum hm_cond c = 1; c < HM_CONDS; c++) {
		bool known = false;

		assert_int_equal(cond_by_name(cond_name(c)), c);
		for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
			known |= strcmp(cond_type(c), types[i]) == 0;
		assert_true(known);
	}
	assert_int_equal(cond_by_name(""), 0);
	assert_int_equal(cond_by_name("Conflict"), 0);
}

static void
the_types_are_those_of_the_specification(void **state)
{
	assert_string_equal(cond_type(HM_BAD_REQUEST), "modify");
	assert_string_equal(cond_type(HM_FORBIDDEN), "auth");
	assert_string_equal(cond_type(HM_ITEM_NOT_FOUND), "cancel");
	assert_string_equal(cond_type(HM_RESOURCE_CONSTRAINT), "wait");
	assert_string_equal(cond_type(HM_UNEXPECTED_REQUEST), "wait");
	assert_string_equal(cond_type(HM_JID_MALFORMED), "modify");
}

static void
each_stream_condition_has_a_name_of_its_own(void **state)
{
	for (enum stream_cond c = 1; c < STREAM_CONDS; c++)
		for (enum stream_cond d = 1; d < c; d++)
			assert_string_not_equal(stream_cond_name(c), stream_cond_name(d));
	assert_string_equal(stream_cond_name(STREAM_UNSUPPORTED_VERSION), "unsupported-version");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_condition_has_a_name_and_a_type),
		cmocka_unit_test(the_types_are_those_of_the_specification),
		cmocka_unit_test(each_stream_condition_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
