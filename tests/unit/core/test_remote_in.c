/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Stanzas from other servers: from whom and for whom they may be, and when they count as received. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "core_test.h"
#include "fake_remote.h"

#define FROM " from='juliet@b.example/y'"
#define TO " to='romeo@a.example'"

static uint64_t romeo;

static int
fresh(void **state)
{
	goes_out();
	remote_test_fresh(state);
	romeo = client("romeo@a.example", "x");
	comes_in();
	return 0;
}

static void
far_says(const char *xml)
{
	far_sends(xml);
	run();
}

static unsigned
credits_in(const char *text)
{
	unsigned n = 0;

	for (const char *at = strstr(text, "[credit "); at; at = strstr(at + 1, "[credit "))
		n += (unsigned)atoi(at + strlen("[credit "));
	return n;
}

static void
a_message_arrives(void **state)
{
	far_says("<message id='1'" FROM TO "><body>o</body></message>");
	assert_non_null(strstr(got(romeo), "juliet@b.example/y"));
	assert_string_equal(remote_got(), "[credit 1]");
}

static void
it_counts_when_it_is_stored(void **state)
{
	begin_to_archive();
	far_sends("<message id='1'" FROM TO "><body>o</body></message>");
	far_sends("<message id='2' type='headline'" FROM TO "><body>o</body></message>");
	run();
	assert_string_equal(remote_got(), "");
	commits();
	assert_string_equal(remote_got(), "[credit 2]");
}

static void
so_does_what_is_refused(void **state)
{
	far_says("<message id='refuse'" FROM TO "><body>o</body></message>");
	assert_non_null(strstr(remote_got(), "[credit 1]"));
	is_up();
	assert_non_null(strstr(remote_got(), "policy-violation"));
}

static void
a_server_that_has_gone_is_owed_nothing(void **state)
{
	begin_to_archive();
	far_says("<message id='1'" FROM TO "><body>o</body></message>");
	goes_out();
	commits();
	assert_string_equal(remote_got(), "");
}

static void
addresses_are_checked(void **state)
{
	static const struct {
		const char *xml, *close;
	} row[] = {
		{ "<message" TO "/>", "[close improper-addressing]" },
		{ "<message" FROM "/>", "[close improper-addressing]" },
		{ "<message from='a@c.example'" TO "/>", "[close invalid-from]" },
		{ "<message from='@b.example'" TO "/>", "[close invalid-from]" },
		{ "<message from='romeo@a.example'" TO "/>", "[close invalid-from]" },
		{ "<message to='romeo@c.example'" FROM "/>", "[close improper-addressing]" },
		{ "<x" FROM TO "/>", "[close unsupported-stanza-type]" },
	};

	for (size_t i = 0; i < HM_COUNT(row); i++) {
		far_says(row[i].xml);
		assert_string_equal(remote_got(), row[i].close);
		assert_string_equal(got(romeo), "");
		comes_in();
	}
}

static void
wrong_stanzas_are_answered(void **state)
{
	static const struct {
		const char *xml, *error;
	} row[] = {
		{ "<iq type='get' id='1'" FROM TO "/>", "bad-request" },
		{ "<presence type='odd' id='1'" FROM TO "/>", "bad-request" },
		{ "<iq type='get' id='1'" FROM " to='@a.example'><x xmlns='x'/></iq>",
		  "jid-malformed" },
	};

	for (size_t i = 0; i < HM_COUNT(row); i++) {
		far_says(row[i].xml);
		is_up();
		assert_non_null(strstr(remote_got(), row[i].error));
		goes_down(0, 0);
		pass_ms(20000);
	}
}

/* What they cause here is theirs until somebody has dealt with it. */
static void
a_flood_is_not_read_on(void **state)
{
	unsigned credits;

	begin_to_archive();
	for (unsigned i = 0; i < 25; i++)
		far_sends("<message type='headline'" FROM TO "/>");
	far_sends("<message id='1'" FROM TO "><body>o</body></message>");
	for (unsigned i = 0; i < 25; i++)
		far_sends("<message id='store'" FROM TO "><body>o</body></message>");
	run();
	credits = credits_in(remote_got());
	assert_true(credits > 0 && credits <= 25);
	assert_true(writes_waiting() > 0);
	while (writes_waiting() > 0)
		commits();
	assert_int_equal(credits + credits_in(remote_got()), 51);
}

static bool
arrives(const char *xml)
{
	far_says(xml);
	return strstr(got(romeo), "<message") != NULL;
}

static void
what_comes_again_after_a_loss_is_known(void **state)
{
	static const char a[] = "<message id='1'" FROM TO "><body>a</body></message>",
			  b[] = "<message id='1'" FROM TO "><body>b</body></message>",
			  other[] = "<message id='1' from='nurse@b.example'" TO
				    "><body>a</body></message>";

	assert_true(arrives(a));
	assert_true(arrives(a)); /* on the same stream it is another one */
	is_cut();
	comes_in();
	remote_got();
	assert_true(arrives(b));
	assert_true(arrives(other));
	assert_false(arrives(a));
	assert_false(arrives(a));
	assert_true(arrives(a)); /* it had come twice */
	assert_int_equal(credits_in(remote_got()), 5);
	goes_out();
	comes_in();
	assert_true(arrives(b));
	is_cut();
	pass_ms(3700000);
	comes_in();
	assert_true(arrives(b));
}

static void
it_may_come_before_the_loss_is_noticed(void **state)
{
	static const char a[] = "<message id='1'" FROM TO "><body>a</body></message>";

	assert_true(arrives(a));
	comes_in();
	assert_false(arrives(a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_message_arrives, fresh),
		cmocka_unit_test_setup(it_counts_when_it_is_stored, fresh),
		cmocka_unit_test_setup(so_does_what_is_refused, fresh),
		cmocka_unit_test_setup(a_server_that_has_gone_is_owed_nothing, fresh),
		cmocka_unit_test_setup(addresses_are_checked, fresh),
		cmocka_unit_test_setup(wrong_stanzas_are_answered, fresh),
		cmocka_unit_test_setup(a_flood_is_not_read_on, fresh),
		cmocka_unit_test_setup(what_comes_again_after_a_loss_is_known, fresh),
		cmocka_unit_test_setup(it_may_come_before_the_loss_is_noticed, fresh),
	};

	return cmocka_run_group_tests(tests, remote_test_start, NULL);
}
