/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Buffers, and the escapes of XML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

static void
an_empty_buffer_holds_no_memory(void **state)
{
	struct buf b = { 0 };

	buf_append(&b, NULL, 0);
	buf_puts(&b, "");
	buf_consume(&b, 0);
	buf_clear(&b);
	assert_null(b.data);
	buf_free(&b);
}

static void
what_is_appended_ends_in_nul(void **state)
{
	struct buf b = { 0 };

	buf_puts(&b, "but ");
	buf_append(&b, "softxxx", 4);
	buf_putc(&b, ',');
	buf_printf(&b, " what %s through %d", "light", 1);
	assert_string_equal(b.data, "but soft, what light through 1");
	assert_int_equal(b.len, strlen(b.data));
	buf_clear(&b);
	assert_string_equal(b.data, "");
	buf_free(&b);
	assert_null(b.data);
}

static void
it_grows_as_far_as_it_must(void **state)
{
	struct buf b = { 0 };

	for (int i = 0; i < 100000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	buf_printf(&b, "%0300000d", 5);
	assert_int_equal(b.len, 400000);
	assert_int_equal(b.data[25], 'z');
	assert_int_equal(b.data[399999], '5');
	assert_int_equal(b.data[400000], '\0');
	buf_reserve(&b, 1 << 20);
	assert_true(b.cap > (1 << 20) + 400000);
	buf_free(&b);
}

static void
bytes_are_consumed_from_the_front(void **state)
{
	struct buf b = { 0 };

	buf_puts(&b, "romeo and juliet");
	buf_consume(&b, 10);
	assert_string_equal(b.data, "juliet");
	buf_consume(&b, 6);
	assert_string_equal(b.data, "");
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_holds_no_memory),
		cmocka_unit_test(what_is_appended_ends_in_nul),
		cmocka_unit_test(it_grows_as_far_as_it_must),
		cmocka_unit_test(bytes_are_consumed_from_the_front),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
