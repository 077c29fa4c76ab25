/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* The table of well-known namespaces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Its table is looked at here, so the file is part of this program. */
#include "xml/names.c"

static void
the_table_is_sorted(void **state)
{
	for (size_t i = 1; i < HM_COUNT(known); i++) {
		assert_true(known[i - 1].len <= known[i].len);
		if (known[i - 1].len == known[i].len)
			assert_true(strcmp(known[i - 1].ns, known[i].ns) < 0);
	}
}

static void
each_entry_is_found(void **state)
{
	for (size_t i = 0; i < HM_COUNT(known); i++)
		assert_ptr_equal(xml_known_ns(known[i].ns, known[i].len), known[i].ns);
}

static void
only_the_whole_name_counts(void **state)
{
	assert_null(xml_known_ns("", 0));
	assert_null(xml_known_ns("jabber:client", 12));
	assert_null(xml_known_ns("jabber:clienT", 13));
	assert_null(xml_known_ns("jabber:client2", 14));
	assert_non_null(xml_known_ns("jabber:client2", 13));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_sorted),
		cmocka_unit_test(each_entry_is_found),
		cmocka_unit_test(only_the_whole_name_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
