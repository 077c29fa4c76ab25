/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* What came from a client and is not done yet: h, letters that come home, whatever happens meanwhile. */
#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "core/custody.h"
#include "core/user.h"
#include "core_test.h"

/* A message whose recipient is not in memory is away until reads come back. */
#define TO_AWAY "<message to='away@a.example' type='chat'><body>away</body></message>"
#define CHAT(to, text) "<message to='" to "@a.example' type='chat'><body>" text "</body></message>"
#define HEADLINE(to, text)                                                                         \
	"<message to='" to "@a.example' type='headline'><body>" text "</body></message>"

static uint32_t before;

static void
counts_from_here(uint64_t stream)
{
	before = custody_handled(session_at(stream));
	assert_int_equal(before, custody_came(session_at(stream)));
}

/* Since counts_from_here(). */
static unsigned
handled(uint64_t stream)
{
	return custody_handled(session_at(stream)) - before;
}

static unsigned
held(void)
{
	struct custody_view view;

	custody_view(&view);
	assert_int_equal(view.oldest_us != 0, view.held != 0);
	return (unsigned)view.held;
}

static void
all_commit(void)
{
	while (writes_waiting() > 0)
		commits();
}

static void
a_message_is_held_until_it_is_on_disk(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");

	client("juliet@a.example", "y");
	begin_to_archive();
	counts_from_here(romeo);
	sends(romeo, HEADLINE("juliet", "zero"));
	run();
	assert_int_equal(handled(romeo), 1);
	sends(romeo, CHAT("juliet", "one"));
	sends(romeo, HEADLINE("juliet", "two"));
	run();
	assert_int_equal(handled(romeo), 1);
	assert_int_equal(held(), 1);
	commits();
	assert_int_equal(handled(romeo), 3);
	assert_int_equal(held(), 0);
}

static void
an_earlier_one_keeps_h_back(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");

	client("juliet@a.example", "y");
	counts_from_here(romeo);
	fake_reads_wait = true;
	sends(romeo, TO_AWAY);
	sends(romeo, CHAT("juliet", "two"));
	run();
	assert_int_equal(handled(romeo), 0);
	assert_int_equal(held(), 1);
	reads_come_back();
	assert_int_equal(handled(romeo), 2);
}

/* Nobody took it: the row of the sender alone is written, and held until it is. */
static void
the_sender_keeps_what_nobody_stored(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");
	int64_t id;

	begin_to_archive();
	counts_from_here(romeo);
	sends(romeo, CHAT("nobody", "one"));
	run();
	assert_string_equal(module_saw(), "unstored ");
	assert_int_equal(writes_waiting(), 1);
	id = fake_wrote[1];
	assert_int_equal(handled(romeo), 0);
	sends(romeo, CHAT("nobody", "two"));
	run();
	assert_true(fake_wrote[1] > id);
	commits();
	assert_int_equal(handled(romeo), 1);
	commits();
	assert_int_equal(handled(romeo), 2);
}

static void
what_its_recipient_cannot_store_comes_back(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), other = client("romeo@a.example", "z");

	client("juliet@a.example", "y");
	begin_to_archive();
	counts_from_here(romeo);
	sends(romeo, CHAT("juliet", "one"));
	run();
	assert_string_equal(got(other), "");
	commit_fails();
	assert_string_equal(module_saw(), "failed ");
	assert_non_null(strstr(got(romeo), "internal-server-error"));
	assert_int_equal(handled(romeo), 1);
	assert_int_equal(writes_waiting(), 0);
	assert_string_equal(got(other), "");
}

static void
what_not_even_the_sender_can_store_is_shown_to_nobody(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), other = client("romeo@a.example", "z");

	begin_to_archive();
	counts_from_here(romeo);
	sends(romeo, CHAT("nobody", "one"));
	run();
	assert_string_equal(module_saw(), "unstored ");
	commit_fails();
	assert_int_equal(handled(romeo), 1);
	assert_string_equal(got(other), "");
}

static void
its_session_may_go(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");

	begin_to_archive();
	core_test_limits.idle_entities = 0;
	sends(romeo, CHAT("juliet", "one"));
	run();
	is_lost(romeo);
	run();
	assert_null(session_at(romeo));
	assert_int_equal(held(), 1);
	commits();
	assert_int_equal(held(), 0);
	assert_null(user_find("romeo@a.example"));
	assert_non_null(strstr(got(juliet), "one"));
}

static void
its_account_may_be_deleted(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");

	begin_to_archive();
	fake_reads_wait = true;
	sends(romeo, TO_AWAY);
	run();
	user_find("romeo@a.example")->entity.doomed = true;
	is_lost(romeo);
	run();
	assert_int_equal(held(), 1);
	assert_non_null(user_find("romeo@a.example"));
	reads_come_back();
	assert_int_equal(held(), 0);
	assert_null(user_find("romeo@a.example"));
	assert_null(strstr(module_saw(), "unstored"));
}

static void
its_account_may_be_loaded_again(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), other = client("romeo@a.example", "z");

	client("juliet@a.example", "y");
	begin_to_archive();
	counts_from_here(romeo);
	sends(romeo, CHAT("juliet", "one"));
	sends(other, "<iq type='set' id='s'><store xmlns='test:x'/></iq>");
	run();
	fake_reads_wait = true;
	if (fake_wrote[1] == 0) /* the account's own change, the later one, is what fails */
		commits();
	commit_fails();
	all_commit();
	assert_int_equal(held(), 0);
	reads_come_back();
	assert_int_equal(handled(romeo), 1);
	assert_non_null(strstr(got(other), "one"));
}

/* The message comes home while the account is being loaded, and its row is written after that. */
static void
the_own_row_waits_for_the_account(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");

	begin_to_archive();
	counts_from_here(romeo);
	sends(romeo, "<iq type='set' id='s'><store xmlns='test:x'/></iq>");
	run();
	fake_reads_wait = true;
	sends(romeo, TO_AWAY);
	run();
	commit_fails();
	run();
	assert_string_equal(module_saw(), "");
	reads_come_back();
	all_commit();
	assert_string_equal(module_saw(), "unstored ");
	assert_int_equal(handled(romeo), 2);
}

/* Its session is gone, its account was to be loaded again and cannot be. */
static void
an_account_is_kept_for_what_is_away(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");

	begin_to_archive();
	fake_reads_wait = true;
	sends(romeo, TO_AWAY);
	run();
	is_lost(romeo);
	run();
	module_archives = false;
	sends(juliet,
	      "<message to='romeo@a.example' id='store' type='chat'><body>1</body></message>");
	run();
	fake_reads_fail = true;
	fake_reads_wait = false;
	commit_fails();
	assert_int_equal(held(), 1);
	assert_non_null(user_find("romeo@a.example"));
	fake_reads_fail = false;
	pass_ms(2000);
	reads_come_back();
	all_commit();
	assert_int_equal(held(), 0);
}

/* What a module takes for itself is held until what it stored is on disk. */
static void
a_subscription_is_held_until_its_commit(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");

	counts_from_here(romeo);
	sends(romeo, "<presence type='subscribe' to='juliet@a.example'/>");
	run();
	assert_int_equal(writes_waiting(), 1);
	assert_int_equal(handled(romeo), 0);
	commits();
	assert_int_equal(handled(romeo), 1);
}

static void
a_read_behind_the_row_changes_nothing(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");

	client("juliet@a.example", "y");
	begin_to_archive();
	counts_from_here(romeo);
	sends(romeo,
	      "<message to='juliet@a.example' id='flush' type='chat'><body>1</body></message>");
	run();
	assert_int_equal(handled(romeo), 0);
	commits();
	assert_int_equal(handled(romeo), 1);
}

static void
a_change_is_held_until_it_is_answered(void **state)
{
	static const char *const kinds[] = { "store", "look" }; /* at once; after a read */
	uint64_t romeo = client("romeo@a.example", "x");
	char xml[200];

	for (size_t i = 0; i < 2; i++) {
		counts_from_here(romeo);
		snprintf(xml, sizeof(xml), "<iq type='set' id='s'><%s xmlns='test:x'/></iq>",
		         kinds[i]);
		sends(romeo, xml);
		run();
		assert_int_equal(writes_waiting(), 1);
		assert_int_equal(handled(romeo), 0);
		commits();
		assert_int_equal(handled(romeo), 1);
		assert_non_null(strstr(got(romeo), "id='s'"));
	}
}

/* A pong overtakes what waits; h counts stanzas in the order in which they came. */
static void
what_overtakes_does_not_count_for_what_waits(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");
	const char *ping;
	char xml[200];

	counts_from_here(romeo);
	is_idle(romeo);
	sends(romeo, "<iq type='set' id='one'><store xmlns='test:x'/></iq>");
	sends(romeo, "<iq type='set' id='two'><store xmlns='test:x'/></iq>");
	run();
	ping = strstr(got(romeo), " id='");
	assert_non_null(ping);
	snprintf(xml, sizeof(xml), "<iq type='result' id='%.*s'/>", (int)strcspn(ping + 5, "'"),
	         ping + 5);
	sends(romeo, xml);
	run();
	assert_int_equal(handled(romeo), 0);
	commits();
	assert_int_equal(handled(romeo), 1);
	commits();
	assert_int_equal(handled(romeo), 3);
}

#define TEST(f) cmocka_unit_test_setup(f, core_test_fresh)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_message_is_held_until_it_is_on_disk),
		TEST(an_earlier_one_keeps_h_back),
		TEST(the_sender_keeps_what_nobody_stored),
		TEST(what_its_recipient_cannot_store_comes_back),
		TEST(what_not_even_the_sender_can_store_is_shown_to_nobody),
		TEST(its_session_may_go),
		TEST(its_account_may_be_deleted),
		TEST(its_account_may_be_loaded_again),
		TEST(the_own_row_waits_for_the_account),
		TEST(an_account_is_kept_for_what_is_away),
		TEST(a_subscription_is_held_until_its_commit),
		TEST(a_read_behind_the_row_changes_nothing),
		TEST(a_change_is_held_until_it_is_answered),
		TEST(what_overtakes_does_not_count_for_what_waits),
	};

	return cmocka_run_group_tests(tests, core_test_start, NULL);
}
