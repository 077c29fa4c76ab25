/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Memory first, output later (DESIGN 4): commits, failures, loading again, leaving memory. */
#include <string.h>

#include "core/core.h"
#include "core_test.h"

#define STORED "<message to='juliet@a.example' id='store' type='chat'><body>kept</body></message>"
#define PLAIN "<message to='juliet@a.example' id='next' type='chat'><body>plain</body></message>"

static void
output_waits_for_the_commit_in_order(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");
	uint64_t observer = client("observer@a.example", "z");
	const char *both;

	sends(romeo, STORED);
	sends(romeo, PLAIN);
	run();
	assert_string_equal(got(juliet), "");
	assert_string_equal(got(observer), "");
	commits();
	both = got(juliet);
	assert_true(strstr(both, "kept") < strstr(both, "plain"));
	assert_non_null(strstr(both, "kept"));
	assert_non_null(strstr(got(observer), "id='copy'"));
}

static void
what_a_failed_commit_would_have_shown_is_dropped(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");
	uint64_t observer = client("observer@a.example", "z");

	sends(romeo, STORED);
	sends(romeo, PLAIN);
	run();
	fake_reads = 0;
	commit_fails();
	assert_non_null(strstr(got(romeo), "internal-server-error"));
	assert_string_equal(got(observer), "");
	assert_null(strstr(got(juliet), "kept"));
	assert_int_equal(fake_reads, 1); /* loaded again */
}

static void
a_full_queue_is_a_failed_commit(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");

	fake_queue_full = true;
	sends(romeo, STORED);
	run();
	assert_non_null(strstr(got(romeo), "resource-constraint"));
	assert_string_equal(got(juliet), "");
}

/* What it would store now could hold the change that failed. */
static void
nothing_begins_between_a_failed_commit_and_the_load(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");
	const char *shown;

	sends(romeo, STORED);
	run();
	sends(romeo, STORED);
	run();
	commit_fails();
	assert_int_equal(writes_waiting(), 1);
	sends(romeo, STORED);
	sends(juliet, "<iq type='get' id='g'><any xmlns='test:x'/></iq>");
	run();
	assert_int_equal(writes_waiting(), 1);
	assert_string_equal(got(juliet), "");
	fake_reads = 0;
	commit_fails(); /* as the store does in its line */
	assert_int_equal(fake_reads, 1);
	assert_int_equal(writes_waiting(), 1);
	commits();
	shown = got(juliet);
	assert_non_null(strstr(shown, "kept"));
	assert_non_null(strstr(shown, "id='g'"));
}

static void
an_answer_does_not_show_what_is_not_stored(void **state)
{
	uint64_t one = client("juliet@a.example", "y"), two = client("romeo@a.example", "x");
	const char *shown;

	sends(one, "<iq type='set' id='s'><store xmlns='test:x'/></iq>");
	run();
	sends(two, "<iq type='get' id='g' to='juliet@a.example'><any xmlns='test:x'/></iq>");
	run();
	assert_string_equal(got(two), "");
	commit_fails();
	shown = got(two);
	assert_non_null(strstr(shown, "id='g'"));
	assert_non_null(strstr(shown, "type='error'"));
	assert_non_null(strstr(shown, "resource-constraint"));
}

static void
a_request_whose_commit_fails_is_answered_with_an_error(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");

	sends(romeo, "<iq type='set' id='s'><store xmlns='test:x'/></iq>");
	run();
	assert_string_equal(got(romeo), "");
	commit_fails();
	assert_non_null(strstr(got(romeo), "internal-server-error"));
}

/* Its own account is loaded again while its stanza waits: nothing else wakes it. */
static void
what_is_sent_while_the_account_is_loaded_again_is_not_forgotten(void **state)
{
	uint64_t juliet = client("juliet@a.example", "y");

	sends(juliet, "<iq type='set' id='s'><store xmlns='test:x'/></iq>");
	run();
	fake_reads_wait = true;
	commit_fails();
	got(juliet);
	sends(juliet, "<iq type='get' id='g'><any xmlns='test:x'/></iq>");
	run();
	assert_string_equal(got(juliet), "");
	reads_come_back();
	assert_non_null(strstr(got(juliet), "id='g'"));
}

static void
modules_see_the_end_of_a_session_with_the_account_in_memory(void **state)
{
	uint64_t juliet = client("juliet@a.example", "y");

	sends(juliet, "<iq type='set' id='s'><store xmlns='test:x'/></iq>");
	run();
	fake_reads_wait = true;
	commit_fails();
	is_lost(juliet);
	run();
	assert_string_equal(module_saw(), "");
	reads_come_back();
	assert_string_equal(module_saw(), "unavailable closed ");
}

static void
timers_of_modules_wait_for_the_account(void **state)
{
	uint64_t juliet = client("juliet@a.example", "y");

	sends(juliet, "<iq type='set' id='t'><timer xmlns='test:x'/></iq>");
	sends(juliet, "<iq type='set' id='s'><store xmlns='test:x'/></iq>");
	run();
	fake_reads_wait = true;
	commit_fails();
	pass_ms(150);
	assert_string_equal(module_saw(), "");
	reads_come_back();
	pass_ms(150);
	assert_string_equal(module_saw(), "timer ");
}

/* The database is away: sessions stay, and go on when it is back. */
static void
an_account_with_sessions_that_cannot_be_loaded_is_tried_again(void **state)
{
	uint64_t juliet = client("juliet@a.example", "y"), romeo = client("romeo@a.example", "x");

	sends(juliet, "<iq type='set' id='s'><store xmlns='test:x'/></iq>");
	run();
	fake_reads_fail = true;
	commit_fails();
	got(juliet);
	sends(juliet, "<iq type='get' id='g'><any xmlns='test:x'/></iq>");
	sends(romeo, PLAIN);
	run();
	pass_ms(1500);
	assert_string_equal(got(juliet), "");
	assert_non_null(strstr(got(romeo), "internal-server-error"));
	fake_reads_fail = false;
	pass_ms(1500);
	assert_non_null(strstr(got(juliet), "id='g'"));
	sends(romeo, PLAIN);
	run();
	assert_non_null(strstr(got(juliet), "plain"));
}

static void
nobody_is_loaded_twice_within_the_budget(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");

	sends(romeo, "<message to='away@a.example' type='chat'><body>1</body></message>");
	run();
	assert_int_equal(fake_reads, 4); /* two accounts: which id, then its rows */
	sends(romeo, "<message to='away@a.example' type='chat'><body>2</body></message>");
	run();
	assert_int_equal(fake_reads, 4);
	core_test_limits.idle_entities = 0;
	sends(romeo, "<message to='away@a.example' type='chat'><body>3</body></message>");
	run();
	sends(romeo, "<message to='away@a.example' type='chat'><body>4</body></message>");
	run();
	assert_int_equal(fake_reads, 6);
}

static void
an_account_with_a_write_in_flight_stays(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");

	core_test_limits.idle_entities = 0;
	sends(romeo,
	      "<message to='away@a.example' id='store' type='chat'><body>1</body></message>");
	run();
	assert_int_equal(fake_reads, 4);
	sends(romeo, "<message to='away@a.example' type='chat'><body>2</body></message>");
	run();
	assert_int_equal(fake_reads, 4);
	commits();
}

static void
who_does_not_exist_is_looked_up_once(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");

	fake_reads = 0;
	for (unsigned i = 0; i < 3; i++) {
		sends(romeo, "<message to='nobody@a.example' type='chat'><body>1</body></message>");
		run();
	}
	assert_int_equal(fake_reads, 1);
	pass_ms(60000);
	sends(romeo, "<message to='nobody@a.example' type='chat'><body>1</body></message>");
	run();
	assert_int_equal(fake_reads, 2);
}

#define TEST(f) cmocka_unit_test_setup(f, core_test_fresh)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(output_waits_for_the_commit_in_order),
		TEST(what_a_failed_commit_would_have_shown_is_dropped),
		TEST(a_full_queue_is_a_failed_commit),
		TEST(nothing_begins_between_a_failed_commit_and_the_load),
		TEST(an_answer_does_not_show_what_is_not_stored),
		TEST(a_request_whose_commit_fails_is_answered_with_an_error),
		TEST(what_is_sent_while_the_account_is_loaded_again_is_not_forgotten),
		TEST(modules_see_the_end_of_a_session_with_the_account_in_memory),
		TEST(timers_of_modules_wait_for_the_account),
		TEST(an_account_with_sessions_that_cannot_be_loaded_is_tried_again),
		TEST(nobody_is_loaded_twice_within_the_budget),
		TEST(an_account_with_a_write_in_flight_stays),
		TEST(who_does_not_exist_is_looked_up_once),
	};

	return cmocka_run_group_tests(tests, core_test_start, NULL);
}
