/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* What waits in an account's outbox, what passes, and in which order it goes (core/outbox.h). */
#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "core_test.h"

/* A message whose recipient is not in memory is away until reads come back. */
#define TO_AWAY "<message to='away@a.example' type='chat'><body>away</body></message>"
#define CHAT(to, text) "<message to='" to "@a.example' type='chat'><body>" text "</body></message>"
#define HEADLINE(to, text)                                                                         \
	"<message to='" to "@a.example' type='headline'><body>" text "</body></message>"

static bool
in_order(const char *text, const char *first, const char *second)
{
	const char *a = strstr(text, first), *b = strstr(text, second);

	return a && b && a < b;
}

static void
a_row_holds_its_message_and_what_its_sender_sends_behind_it(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");
	uint64_t nurse = client("nurse@a.example", "z");
	const char *shown;

	begin_to_archive();
	sends(romeo, CHAT("juliet", "one"));
	sends(romeo, HEADLINE("juliet", "two"));
	sends(romeo, "<presence to='juliet@a.example'><status>three</status></presence>");
	sends(nurse, HEADLINE("juliet", "other"));
	run();
	shown = got(juliet);
	assert_non_null(strstr(shown, "other"));
	assert_null(strstr(shown, "one"));
	assert_null(strstr(shown, "two"));
	assert_null(strstr(shown, "three"));
	commits();
	shown = got(juliet);
	assert_true(in_order(shown, "one", "two"));
	assert_true(in_order(shown, "two", "three"));
}

static void
a_row_holds_no_routes_of_others(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");
	uint64_t nurse = client("nurse@a.example", "z");

	begin_to_archive();
	sends(romeo, CHAT("juliet", "one"));
	run();
	sends(juliet, HEADLINE("nurse", "hello"));
	run();
	assert_non_null(strstr(got(nurse), "hello"));
	commits();
}

static void
a_change_of_state_holds_everything(void **state)
{
	uint64_t juliet = client("juliet@a.example", "y"), nurse = client("nurse@a.example", "z");
	uint64_t romeo = client("romeo@a.example", "x");
	const char *shown;

	sends(juliet, "<iq type='set' id='s'><store xmlns='test:x'/></iq>");
	run();
	sends(nurse, HEADLINE("juliet", "other"));
	run();
	sends(romeo, "<iq type='get' id='g' to='juliet@a.example'><any xmlns='test:x'/></iq>");
	run();
	assert_string_equal(got(juliet), "");
	assert_string_equal(got(romeo), "");
	commits();
	shown = got(juliet);
	assert_true(in_order(shown, "id='s'", "other"));
	assert_non_null(strstr(got(romeo), "id='g'"));
}

/* What has an id waits for lower ids, that are in custody elsewhere; the rest does not. */
static void
what_is_away_holds_higher_ids(void **state)
{
	uint64_t juliet = client("juliet@a.example", "y"), romeo = client("romeo@a.example", "x");
	uint64_t other = client("juliet@a.example", "z");
	const char *shown;

	begin_to_archive();
	fake_reads_wait = true;
	sends(juliet, TO_AWAY);
	sends(romeo, CHAT("juliet", "one"));
	sends(romeo, HEADLINE("juliet", "two"));
	sends(juliet, "<iq type='get' id='g'><any xmlns='test:x'/></iq>");
	run();
	commits();
	shown = got(juliet);
	assert_non_null(strstr(shown, "id='g'"));
	assert_null(strstr(shown, "one"));
	assert_null(strstr(shown, "two"));
	assert_string_equal(got(other), "");
	reads_come_back();
	while (writes_waiting() > 0) /* nobody was there to take it: a row of hers alone */
		commits();
	assert_true(in_order(got(juliet), "one", "two"));
	shown = got(other);
	assert_true(in_order(shown, "away", "one"));
}

/* The other device sees ids in their order, though the first message comes back by mail. */
static void
a_message_to_oneself_comes_before_what_was_sent_behind_it(void **state)
{
	uint64_t juliet = client("juliet@a.example", "y"), other = client("juliet@a.example", "z");
	const char *shown;

	client("romeo@a.example", "x");
	begin_to_archive();
	sends(juliet, CHAT("juliet", "myself"));
	sends(juliet, CHAT("romeo", "behind it"));
	run();
	assert_string_equal(got(other), "");
	while (writes_waiting() > 0)
		commits();
	shown = got(other);
	assert_true(in_order(shown, "myself", "behind it"));
}

static void
delivery_may_be_immediate(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");

	core_test_limits.delivery = DELIVERY_IMMEDIATE;
	begin_to_archive();
	sends(romeo, CHAT("juliet", "one"));
	run();
	assert_int_equal(writes_waiting(), 1);
	assert_non_null(strstr(got(juliet), "one"));
	commits();
}

static void
ids_have_their_order_also_when_delivery_is_immediate(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");
	uint64_t nurse = client("nurse@a.example", "z");

	core_test_limits.delivery = DELIVERY_IMMEDIATE;
	begin_to_archive();
	sends(juliet, "<iq type='set' id='s'><store xmlns='test:x'/></iq>");
	run();
	sends(romeo, CHAT("juliet", "one")); /* waits for the change, and then for its row */
	run();
	commits();
	assert_null(strstr(got(juliet), "one"));
	sends(nurse, CHAT("juliet", "two"));
	run();
	assert_string_equal(got(juliet), "");
	commits();
	commits();
	assert_true(in_order(got(juliet), "one", "two"));
}

/* An answer of the account does not overtake one that is older. */
static void
the_account_itself_is_a_sender(void **state)
{
	uint64_t juliet = client("juliet@a.example", "y");
	const char *shown;

	begin_to_archive();
	fake_reads_wait = true;
	sends(juliet, TO_AWAY);
	sends(juliet, "<iq type='set' id='s'><store xmlns='test:x'/></iq>");
	run();
	commits();
	sends(juliet, "<iq type='get' id='g' to='juliet@a.example'><any xmlns='test:x'/></iq>");
	run();
	assert_string_equal(got(juliet), "");
	reads_come_back();
	while (writes_waiting() > 0)
		commits();
	shown = got(juliet);
	assert_true(in_order(shown, "id='s'", "id='g'"));
}

static void
who_finds_much_waiting_waits(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");
	uint64_t nurse = client("nurse@a.example", "z");
	const char *shown;

	begin_to_archive();
	for (unsigned i = 0; i < 100; i++)
		sends(romeo, CHAT("juliet", "m"));
	sends(romeo, CHAT("juliet", "last"));
	run();
	sends(nurse, HEADLINE("juliet", "behind them"));
	run();
	assert_string_equal(got(juliet), "");
	while (writes_waiting() > 0)
		commits();
	shown = got(juliet);
	assert_true(in_order(shown, "last", "behind them"));
}

static void
who_leaves_gets_what_waits(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");

	begin_to_archive();
	sends(romeo, CHAT("juliet", "one"));
	run();
	leaves(juliet);
	run();
	assert_string_equal(got(juliet), "");
	commits();
	assert_true(in_order(got(juliet), "one", "[closed]"));
}

static void
what_was_not_stored_is_not_shown(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");
	uint64_t nurse = client("nurse@a.example", "z");

	begin_to_archive();
	sends(romeo, CHAT("juliet", "one"));
	sends(romeo, HEADLINE("juliet", "two"));
	run();
	commit_fails();
	assert_null(strstr(got(juliet), "one"));
	sends(nurse, HEADLINE("juliet", "three"));
	run();
	assert_non_null(strstr(got(juliet), "three"));
	assert_non_null(strstr(got(romeo), "internal-server-error"));
	while (writes_waiting() > 0)
		commits();
}

#define TEST(f) cmocka_unit_test_setup(f, core_test_fresh)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_row_holds_its_message_and_what_its_sender_sends_behind_it),
		TEST(a_row_holds_no_routes_of_others),
		TEST(a_change_of_state_holds_everything),
		TEST(what_is_away_holds_higher_ids),
		TEST(a_message_to_oneself_comes_before_what_was_sent_behind_it),
		TEST(delivery_may_be_immediate),
		TEST(ids_have_their_order_also_when_delivery_is_immediate),
		TEST(the_account_itself_is_a_sender),
		TEST(who_finds_much_waiting_waits),
		TEST(who_leaves_gets_what_waits),
		TEST(what_was_not_stored_is_not_shown),
	};

	return cmocka_run_group_tests(tests, core_test_start, NULL);
}
