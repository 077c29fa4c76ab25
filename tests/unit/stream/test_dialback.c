/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* tests of stream/dialback.c and of the lists in stream/s2s_settings.c */
#include "stream/dialback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka wants these before it. */
#include <cmocka.h>

#include <string.h>

#include <hermod/values.h>

#include "stream/s2s_settings.h"

#define SECRET "s3cr3tf0rd14lb4ck"
#define KEY "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643"

static const struct dialback_stream stream = { "xmpp.example.com", "example.org", "D60000229F" };

/* XEP-0185 3 */
static void
the_key_of_the_example_comes_out(void **state)
{
	struct dialback_secret secret;
	char key[DIALBACK_KEY_CHARS + 1];

	dialback_secret(&secret, SECRET, strlen(SECRET));
	assert_string_equal(secret.hash,
	                    "a7136eb1f46c9ef18c5e78c36ca257067c69b3d518285f0b18a96c33beae9acc");
	dialback_key(key, &secret, &stream);
	assert_string_equal(key, KEY);
}

static void
only_the_right_key_is_taken(void **state)
{
	const struct dialback_stream other = { "xmpp.example.com", "example.org", "D60000229E" };
	const struct dialback_stream turned = { "example.org", "xmpp.example.com", "D60000229F" };
	struct dialback_secret secret, another;

	dialback_secret(&secret, SECRET, strlen(SECRET));
	dialback_secret(&another, "x", 1);
	assert_true(dialback_key_is(KEY, &secret, &stream));
	assert_true(dialback_key_is("\n  " KEY "\t\n", &secret, &stream));
	assert_false(dialback_key_is("", &secret, &stream));
	assert_false(dialback_key_is(KEY "0", &secret, &stream));
	assert_false(dialback_key_is(KEY " 0", &secret, &stream));
	assert_false(dialback_key_is(KEY, &secret, &other));
	assert_false(dialback_key_is(KEY, &secret, &turned));
	assert_false(dialback_key_is(KEY, &another, &stream));
}

static void
lists_name_domains(void **state)
{
	static const char *const entries[] = { "a.example", "*.b.example" };
	static const char *const all[] = { "*" };
	const struct hm_conf_list list = { entries, HM_COUNT(entries) }, everybody = { all, 1 };
	const struct hm_conf_list none = { 0 };

	assert_true(s2s_list_names(&list, "a.example"));
	assert_false(s2s_list_names(&list, "x.a.example"));
	assert_true(s2s_list_names(&list, "x.b.example"));
	assert_true(s2s_list_names(&list, "y.x.b.example"));
	assert_false(s2s_list_names(&list, "b.example"));
	assert_false(s2s_list_names(&list, "xb.example"));
	assert_true(s2s_list_names(&everybody, "c.example"));
	assert_false(s2s_list_names(&none, "c.example"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_key_of_the_example_comes_out),
		cmocka_unit_test(only_the_right_key_is_taken),
		cmocka_unit_test(lists_name_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
