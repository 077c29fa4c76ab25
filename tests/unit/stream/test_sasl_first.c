/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* tests of stream/sasl_first.c and stream/mechanism.c */
#include "stream/sasl_first.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka wants these before it. */
#include <cmocka.h>

#include <string.h>

#include <hermod/values.h>

#include "stream/mechanism.h"

static struct arena *a;

static int
begin(void **state)
{
	a = arena_new(0);
	return 0;
}

static int
end(void **state)
{
	arena_free(&a);
	return 0;
}

static void
plain_has_three_parts(void **state)
{
	static const char message[] = "juliet@a.example\0juliet\0r0m30";
	static const char bare[] = "\0ju,li=et\0 ";
	struct sasl_first first;

	assert_true(sasl_first_plain(&first, message, sizeof(message) - 1, a));
	assert_string_equal(first.authzid, "juliet@a.example");
	assert_string_equal(first.user, "juliet");
	assert_ptr_equal(first.password, message + 24);
	assert_true(sasl_first_plain(&first, bare, sizeof(bare) - 1, a));
	assert_string_equal(first.authzid, "");
	assert_string_equal(first.user, "ju,li=et");
	assert_string_equal(first.password, " ");
}

#define BYTES(s) s, sizeof(s) - 1

static void
malformed_plain_is_refused(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} cases[] = {
		{ BYTES("") },
		{ BYTES("\0") },
		{ BYTES("\0\0") },
		{ BYTES("\0\0password") },
		{ BYTES("\0juliet") },
		{ BYTES("\0juliet\0") },
		{ BYTES("juliet\0password") },
		{ BYTES("\0juliet\0pass\0word") },
		{ BYTES("\0juliet\0password\0") },
		{ BYTES("\0juli\xff\0password") },
		{ BYTES("\0juliet\0\xc0\x80") },
	};
	struct sasl_first first;

	for (unsigned i = 0; i < HM_COUNT(cases); i++)
		assert_false(sasl_first_plain(&first, cases[i].data, cases[i].len, a));
}

static bool
scram(struct sasl_first *first, const char *message)
{
	return sasl_first_scram(first, message, strlen(message), a);
}

static void
scram_names_user_and_binding(void **state)
{
	struct sasl_first first;

	assert_true(scram(&first, "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"));
	assert_int_equal(first.flag, 'n');
	assert_string_equal(first.authzid, "");
	assert_string_equal(first.user, "user");
	assert_true(scram(&first, "y,a=juliet@a.example,n=juliet,r=x,extension=1"));
	assert_int_equal(first.flag, 'y');
	assert_string_equal(first.authzid, "juliet@a.example");
	assert_true(scram(&first, "p=tls-server-end-point,,n=ju=2Cli=3Det,r=abc"));
	assert_int_equal(first.flag, 'p');
	assert_string_equal(first.binding, "tls-server-end-point");
	assert_string_equal(first.user, "ju,li=et");
	assert_true(scram(&first, "n,,n=j\xc3\xbcrgen,r=abc"));
	assert_string_equal(first.user, "j\xc3\xbcrgen");
}

static void
malformed_scram_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"n",
		"n,",
		"n,,",
		"x,,n=user,r=abc",
		"n,n=user,r=abc",
		"n,,n=,r=abc",
		"n,,n=user",
		"n,,n=user,",
		"n,,n=user,r=",
		"n,,n=user,r=,x=1",
		"n,,n=user,r=a b",
		"n,,n=user,r=\xc3\xbc",
		"n,,m=mandatory,n=user,r=abc",
		"n,,n=us=er,r=abc",
		"n,,n=us=2cer,r=abc",
		"n,,n=us=2,r=abc",
		"n,,n=user=,r=abc",
		"n,,n=us\xff,r=abc",
		"n,a=,n=user,r=abc",
		"n,a=a=b,n=user,r=abc",
		"p,,n=user,r=abc",
		"p=,,n=user,r=abc",
		"p=tls exporter,,n=user,r=abc",
		"n=user,r=abc",
	};
	static const char nul[] = "n,,n=us\0er,r=abc";
	struct sasl_first first;

	for (unsigned i = 0; i < HM_COUNT(cases); i++)
		assert_false(scram(&first, cases[i]));
	assert_false(sasl_first_scram(&first, nul, sizeof(nul) - 1, a));
}

static void
long_messages_are_refused(void **state)
{
	static char message[SASL_MESSAGE_MAX + 2];
	struct sasl_first first;

	memset(message, 'x', SASL_MESSAGE_MAX + 1);
	memcpy(message, "n,,n=user,r=", 12);
	assert_false(sasl_first_scram(&first, message, SASL_MESSAGE_MAX + 1, a));
	message[SASL_MESSAGE_MAX] = '\0';
	assert_true(sasl_first_scram(&first, message, SASL_MESSAGE_MAX, a));
	memcpy(message, "\0user\0", 6);
	assert_true(sasl_first_plain(&first, message, SASL_MESSAGE_MAX, a));
	message[SASL_MESSAGE_MAX] = 'x';
	assert_false(sasl_first_plain(&first, message, SASL_MESSAGE_MAX + 1, a));
}

static void
a_configured_mechanism_brings_its_plus(void **state)
{
	static const char *const names[] = { "SCRAM-SHA-256", "PLAIN" };
	const struct hm_conf_list list = { names, 2 };
	unsigned bits = mechanisms_named(&list);

	for (unsigned i = 0; i < MECHANISMS; i++) {
		bool wanted = mechanisms[i].plain ||
		              strncmp(mechanisms[i].name, "SCRAM-SHA-256", 13) == 0;

		assert_int_equal((bits >> i) & 1, wanted);
		assert_ptr_equal(mechanism_find(mechanisms[i].name), &mechanisms[i]);
	}
	assert_null(mechanism_find("scram-sha-256"));
	assert_null(mechanism_find(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_has_three_parts),
		cmocka_unit_test(malformed_plain_is_refused),
		cmocka_unit_test(scram_names_user_and_binding),
		cmocka_unit_test(malformed_scram_is_refused),
		cmocka_unit_test(long_messages_are_refused),
		cmocka_unit_test(a_configured_mechanism_brings_its_plus),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
