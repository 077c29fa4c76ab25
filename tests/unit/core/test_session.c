/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* A session: its order of requests, what holds it, its end. */
#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "core_test.h"

#define TO_ROMEO "<message to='romeo@a.example' type='chat'><body>hello</body></message>"

static void
request(uint64_t stream, const char *type, const char *id, const char *what)
{
	char xml[200];

	snprintf(xml, sizeof(xml), "<iq type='%s' id='%s'><%s xmlns='test:x'/></iq>", type, id,
	         what);
	sends(stream, xml);
}

static bool
in_order(const char *text, const char *first, const char *second)
{
	const char *a = strstr(text, first), *b = strstr(text, second);

	return a && b && a < b;
}

static void
a_change_holds_what_the_client_sends_behind_it(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");

	fake_reads_wait = true;
	request(romeo, "set", "one", "later");
	request(romeo, "get", "two", "any");
	run();
	assert_string_equal(got(romeo), "");
	reads_come_back();
	assert_true(in_order(got(romeo), "id='one'", "id='two'"));
}

static void
a_change_waits_for_what_the_client_asked_before(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");

	fake_reads_wait = true;
	request(romeo, "get", "one", "later");
	request(romeo, "set", "two", "any");
	run();
	assert_string_equal(got(romeo), "");
	reads_come_back();
	assert_true(in_order(got(romeo), "id='one'", "id='two'"));
}

/* Whatever a module does with a change, its sender goes on. */
static void
a_change_that_is_refused_or_lost_holds_nobody_for_ever(void **state)
{
	static const char *const ways[] = { "refuse", "stop" };
	uint64_t romeo = client("romeo@a.example", "x");

	for (unsigned i = 0; i < 2; i++) {
		request(romeo, "get", "before", ways[i]);
		request(romeo, "set", "change", ways[i]);
		request(romeo, "get", "behind", "any");
		run();
		assert_non_null(strstr(got(romeo), "id='behind'"));
	}
}

/* DESIGN 2: answers to the server's questions never wait behind a held inbox. */
static void
a_held_client_can_show_that_it_lives(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");
	char pong[100];
	const char *ping;

	fake_reads_wait = true;
	request(romeo, "set", "one", "later");
	run();
	is_idle(romeo);
	run();
	ping = strstr(got(romeo), "id='");
	assert_non_null(ping);
	snprintf(pong, sizeof(pong), "<iq type='result' %.21s/>", ping);
	sends(romeo, pong);
	run();
	pass_ms(70000);
	assert_string_equal(got(romeo), "");
}

static void
a_silent_client_is_cut_off(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");

	is_idle(romeo);
	run();
	got(romeo);
	pass_ms(70000);
	assert_string_equal(got(romeo), "[connection-timeout]");
}

static void
who_leaves_gets_its_answers_first(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");

	request(romeo, "set", "one", "store");
	leaves(romeo);
	run();
	assert_string_equal(got(romeo), "");
	commits();
	assert_true(in_order(got(romeo), "id='one'", "[closed]"));
}

static void
who_leaves_does_not_wait_long(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");

	fake_reads_wait = true;
	request(romeo, "get", "one", "later");
	leaves(romeo);
	run();
	pass_ms(1100);
	assert_string_equal(got(romeo), "[closed]");
	reads_come_back();
	assert_string_equal(got(romeo), "");
}

/* XEP-0352: only to an inactive client through the chain; what is kept from it until the end is undelivered. */
static void
what_is_kept_from_a_client_is_not_confirmed(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");

	sends(juliet, "<message to='romeo@a.example/x' id='one'/>");
	run();
	assert_non_null(strstr(got(romeo), "id='one'"));
	assert_string_equal(module_saw(), "");
	request(romeo, "set", "i", "inactive");
	run();
	assert_non_null(strstr(got(romeo), "id='i'"));
	assert_string_equal(module_saw(), "deliver ");
	sends(juliet, "<message to='romeo@a.example/x' id='shown'/>");
	run();
	assert_string_equal(got(romeo), "");
	assert_string_equal(module_saw(), "deliver ");
	is_lost(romeo);
	run();
	assert_string_equal(module_saw(), "unavailable unconfirmed closed ");
}

/* It would be lost: its connection is gone. */
static void
a_message_is_not_given_to_a_session_that_ends(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");

	sends(juliet, TO_ROMEO);
	is_lost(romeo); /* read before the letter arrives; the session's end is posted behind it */
	run();
	assert_non_null(strstr(got(juliet), "service-unavailable"));
}

static void
an_unknown_account_answers_as_one_that_is_away(void **state)
{
	uint64_t juliet = client("juliet@a.example", "y");

	sends(juliet, "<iq to='nobody@a.example' type='set' id='u'><any xmlns='test:z'/></iq>");
	sends(juliet, "<iq to='away@a.example' type='set' id='u'><any xmlns='test:z'/></iq>");
	run();
	assert_true(in_order(got(juliet), "service-unavailable", "away@a.example"));
}

/* RFC 6121 4.6.3 rule 2: who was told must be told of the end. */
static void
directed_presence_goes_to_no_more_than_can_be_told_of_the_end(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");

	sends(romeo, "<presence to='one@a.example'/>");
	sends(romeo, "<presence to='two@a.example'/>");
	sends(romeo, "<presence to='juliet@a.example'/>");
	run();
	assert_string_equal(got(romeo), "");
	got(juliet);
	sends(romeo, "<presence to='four@a.example'/>");
	sends(romeo, "<presence to='juliet@a.example'><show>away</show></presence>");
	run();
	assert_non_null(strstr(got(romeo), "resource-constraint"));
	assert_non_null(strstr(got(juliet), "away"));
	sends(romeo, "<presence type='unavailable' to='one@a.example'/>");
	sends(romeo, "<presence to='four@a.example'/>");
	run();
	assert_string_equal(got(romeo), "");
	is_lost(romeo);
	run();
	assert_non_null(strstr(got(juliet), "unavailable"));
}

static void
strangers_may_ask_what_is_open_to_them_and_nothing_else(void **state)
{
	static const char *const closed[] = {
		"<iq type='get' id='i'><any xmlns='test:x'/></iq>",
		"<iq type='set' id='i'><any xmlns='test:open'/></iq>",
		"<iq type='result' id='i'><any xmlns='test:open'/></iq>",
		"<iq type='get' id='i'/>",
		"<message id='i'><any xmlns='test:open'/></message>",
	};

	assert_non_null(strstr(got(stranger("<iq type='get' id='i'><any xmlns='test:open'/></iq>")),
	                       "result"));
	for (unsigned i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		assert_string_equal(got(stranger(closed[i])), "[not-authorized]");
}

#define TEST(f) cmocka_unit_test_setup(f, core_test_fresh)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_change_holds_what_the_client_sends_behind_it),
		TEST(a_change_waits_for_what_the_client_asked_before),
		TEST(a_change_that_is_refused_or_lost_holds_nobody_for_ever),
		TEST(a_held_client_can_show_that_it_lives),
		TEST(a_silent_client_is_cut_off),
		TEST(who_leaves_gets_its_answers_first),
		TEST(who_leaves_does_not_wait_long),
		TEST(what_is_kept_from_a_client_is_not_confirmed),
		TEST(a_message_is_not_given_to_a_session_that_ends),
		TEST(an_unknown_account_answers_as_one_that_is_away),
		TEST(directed_presence_goes_to_no_more_than_can_be_told_of_the_end),
		TEST(strangers_may_ask_what_is_open_to_them_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, core_test_start, NULL);
}
