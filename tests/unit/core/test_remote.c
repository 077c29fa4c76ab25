/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Stanzas for other domains: in their order, kept until they are acknowledged, or given back. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/table.h"
#include "core/core.h"
#include "core/here.h"
#include "core/ids.h"
#include "core/remote_pair.h"
#include "core/turn.h"
#include "core/user.h"
#include "core_test.h"
#include "fake_remote.h"

#define TO " to='juliet@b.example'"
#define BODY "<body>o</body>"

static uint64_t romeo;

static void
says(const char *id)
{
	char xml[200];

	snprintf(xml, sizeof(xml), "<message type='chat' id='%s'" TO ">" BODY "</message>", id);
	sends(romeo, xml);
	run();
}

/* The ceiling of ids included, now and then. */
static void
all_commits(void)
{
	while (writes_waiting() > 0)
		commits();
}

static void
says_and_is_stored(const char *id)
{
	says(id);
	all_commits();
}

static unsigned
count(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

/* What went out: the ids of its stanzas, in their order. */
static const char *
ids_in(const char *text)
{
	static char ids[200];
	size_t n = 0;

	ids[0] = '\0';
	for (const char *at = strstr(text, " id='"); at; at = strstr(at + 1, " id='"))
		n += (size_t)snprintf(ids + n, sizeof(ids) - n, "%.*s ", (int)strcspn(at + 5, "'"),
		                      at + 5);
	return ids;
}

static int
fresh(void **state)
{
	remote_test_fresh(state);
	romeo = client("romeo@a.example", "x");
	ids_new();
	all_commits();
	return 0;
}

/* --- On disk first ----------------------------------------------------------------------- */

static void
a_message_leaves_behind_its_commit(void **state)
{
	says("1");
	assert_string_equal(remote_got(), "");
	all_commits();
	assert_string_equal(remote_got(), "[open a.example b.example]");
	assert_int_equal(remote_rows(), 1);
	is_up();
	assert_string_equal(ids_in(remote_got()), "1 ");
	assert_int_equal(remote_rows(), 1);
	acknowledges(1);
	all_commits();
	assert_int_equal(remote_rows(), 0);
	assert_int_equal(writes_waiting(), 0);
}

static void
what_cannot_be_stored_is_refused_and_does_not_leave(void **state)
{
	says("1");
	commit_fails();
	assert_string_equal(remote_got(), "");
	assert_non_null(strstr(got(romeo), "internal-server-error"));
	assert_int_equal(remote_rows(), 0);
}

static void
the_senders_archive_stores_in_the_same_group(void **state)
{
	module_archives = true;
	says("1");
	assert_non_null(strstr(module_saw(), "unstored"));
	assert_int_equal(writes_waiting(), 1);
	all_commits();
	assert_int_equal(writes_waiting(), 0);
	assert_string_equal(remote_got(), "[open a.example b.example]");
	assert_null(strstr(module_saw(), "unstored"));
}

static void
a_chat_state_is_not_kept(void **state)
{
	sends(romeo, "<message type='chat' id='c'" TO
	             "><composing xmlns='http://jabber.org/protocol/chatstates'/></message>");
	run();
	assert_int_equal(writes_waiting(), 0);
	is_up();
	assert_string_equal(ids_in(remote_got()), "c ");
}

static void
what_waits_holds_nobody_back(void **state)
{
	sends(romeo, "<enable xmlns='urn:xmpp:sm:3'/>");
	says("1");
	sends(romeo, "<message type='chat' id='c'" TO
	             "><composing xmlns='http://jabber.org/protocol/chatstates'/></message>");
	run();
	sends(romeo, "<r xmlns='urn:xmpp:sm:3'/>");
	run();
	assert_null(strstr(got(romeo), "h='2'"));
	all_commits();
	sends(romeo, "<r xmlns='urn:xmpp:sm:3'/>");
	run();
	assert_non_null(strstr(got(romeo), "h='2'"));
}

/* --- Order ---------------------------------------------------------------------------------- */

static void
everything_goes_in_its_order(void **state)
{
	says("1");
	sends(romeo, "<iq type='get' id='2'" TO "><x xmlns='test:x'/></iq>");
	run();
	assert_string_equal(remote_got(), "");
	all_commits();
	sends(romeo, "<presence id='3'" TO "/>");
	says_and_is_stored("4");
	is_up();
	assert_string_equal(ids_in(remote_got()), "1 2 3 4 ");
	says_and_is_stored("5");
	says_and_is_stored("6"); /* the sixth that is not acknowledged */
	assert_string_equal(ids_in(remote_got()), "5 ");
	acknowledges(2);
	assert_string_equal(ids_in(remote_got()), "6 ");
}

static void
what_has_no_room_waits_on_disk(void **state)
{
	core_test_limits.remote_memory = 1;
	for (unsigned i = 1; i <= 4; i++)
		says_and_is_stored((const char *[]){ "", "1", "2", "3", "4" }[i]);
	core_test_limits.remote_memory = 100000;
	assert_int_equal(remote_find("b.example", "a.example")->bytes, 0);
	is_up();
	assert_string_equal(ids_in(remote_got()), "1 2 3 4 ");
	acknowledges(4);
	all_commits();
	assert_int_equal(remote_rows(), 0);
}

static void
only_so_many_wait(void **state)
{
	for (unsigned i = 0; i < 11; i++)
		says_and_is_stored("1");
	assert_int_equal(count(got(romeo), "resource-constraint"), 1);
	all_commits();
	assert_int_equal(remote_rows(), 10);
}

/* --- Failures ------------------------------------------------------------------------------- */

static void
a_dead_domain_answers_at_once(void **state)
{
	sends(romeo, "<iq type='get' id='1'" TO "><x xmlns='test:x'/></iq>");
	says_and_is_stored("2");
	goes_down(HM_REMOTE_SERVER_TIMEOUT, 0);
	assert_non_null(strstr(got(romeo), "remote-server-timeout"));
	sends(romeo, "<iq type='get' id='3'" TO "><x xmlns='test:x'/></iq>");
	run();
	assert_non_null(strstr(got(romeo), "remote-server-timeout"));
	remote_got();
	says_and_is_stored("4");
	pass_ms(7000);
	assert_string_equal(remote_got(), "");
	pass_ms(6000); /* at 10 seconds, a quarter more or less */
	assert_string_equal(remote_got(), "[open a.example b.example]");
	goes_down(HM_REMOTE_SERVER_TIMEOUT, 0);
	pass_ms(14000);
	assert_string_equal(remote_got(), "");
	pass_ms(12000);
	assert_string_equal(remote_got(), "[open a.example b.example]");
	is_up();
	assert_string_equal(ids_in(remote_got()), "2 4 ");
	assert_string_equal(got(romeo), "");
}

static void
what_waits_too_long_goes_back(void **state)
{
	says_and_is_stored("1");
	goes_down(HM_REMOTE_SERVER_NOT_FOUND, 0);
	assert_string_equal(got(romeo), "");
	for (unsigned i = 0; i < 60; i++) {
		pass_ms(59000);
		if (strstr(remote_got(), "[open"))
			goes_down(HM_REMOTE_SERVER_NOT_FOUND, 0);
	}
	assert_string_equal(got(romeo), "");
	pass_ms(70000);
	assert_non_null(strstr(got(romeo), "remote-server-not-found"));
	all_commits();
	assert_int_equal(remote_rows(), 0);
}

static void
a_request_does_not_wait_that_long(void **state)
{
	sends(romeo, "<iq type='get' id='1'" TO "><x xmlns='test:x'/></iq>");
	run();
	pass_ms(50000);
	assert_string_equal(got(romeo), "");
	pass_ms(16000);
	pass_ms(16000);
	assert_non_null(strstr(got(romeo), "remote-server-timeout"));
}

static void
a_domain_that_does_not_exist_gives_everything_back(void **state)
{
	says_and_is_stored("1");
	is_down_for_good(HM_REMOTE_SERVER_NOT_FOUND);
	assert_non_null(strstr(got(romeo), "remote-server-not-found"));
	all_commits();
	assert_int_equal(remote_rows(), 0);
	says_and_is_stored("2");
	assert_non_null(strstr(got(romeo), "remote-server-not-found"));
	all_commits();
	assert_int_equal(remote_rows(), 0);
}

/* --- Streams that end --------------------------------------------------------------------------- */

static void
what_was_not_acknowledged_goes_again(void **state)
{
	says_and_is_stored("1");
	is_up();
	says_and_is_stored("2");
	sends(romeo, "<iq type='get' id='3'" TO "><x xmlns='test:x'/></iq>");
	says_and_is_stored("4");
	sends(romeo, "<iq type='get' id='5'" TO "><x xmlns='test:x'/></iq>");
	run();
	acknowledges(1);
	all_commits();
	remote_got();
	pass_ms(6000);
	goes_down(HM_REMOTE_SERVER_TIMEOUT, 1); /* of the last nothing was written */
	assert_int_equal(count(got(romeo), "remote-server-timeout"), 1);
	assert_string_equal(remote_got(), "[open a.example b.example]");
	is_up();
	assert_string_equal(ids_in(remote_got()), "2 4 5 ");
	acknowledges(3);
	all_commits();
	assert_int_equal(remote_rows(), 0);
}

static void
an_idle_stream_may_end(void **state)
{
	says_and_is_stored("1");
	is_up();
	acknowledges(1);
	all_commits();
	remote_got();
	goes_down(0, 0);
	pass_ms(1000);
	assert_string_equal(remote_got(), "");
	says_and_is_stored("2");
	assert_string_equal(remote_got(), "[open a.example b.example]");
}

static void
a_pair_that_nobody_uses_goes(void **state)
{
	says_and_is_stored("1");
	is_up();
	acknowledges(1);
	all_commits();
	goes_down(0, 0);
	pass_ms(601000);
	assert_null(remote_find("b.example", "a.example"));
}

static void
a_server_that_comes_by_itself_is_there(void **state)
{
	says_and_is_stored("1");
	goes_down(HM_REMOTE_SERVER_TIMEOUT, 0);
	remote_got();
	comes_in();
	assert_string_equal(remote_got(), "[open a.example b.example]");
	goes_out();
}

static void
presence_is_asked_for_again(void **state)
{
	uint64_t other = client("romeo@a.example", "y");

	says_and_is_stored("1");
	is_up();
	acknowledges(1);
	goes_down(0, 0);
	module_saw();
	pass_ms(10000);
	sends(romeo, "<presence id='2'" TO "/>");
	run();
	goes_down(HM_REMOTE_SERVER_TIMEOUT, 0);
	pass_ms(14000);
	assert_string_equal(module_saw(), "");
	sends(romeo, "<presence id='3'" TO "/>");
	run();
	is_up();
	assert_string_equal(module_saw(), "b.example ");
	acknowledges(1);
	goes_down(0, 0);
	pass_ms(20000);
	says_and_is_stored("4");
	is_up();
	assert_string_equal(module_saw(), "");
	leaves(other);
}

static void
it_ends_when_all_is_acknowledged(void **state)
{
	struct remote_pair *p;

	says_and_is_stored("1");
	is_up();
	p = remote_find("b.example", "a.example");
	remote_got();
	remote_close(p);
	says_and_is_stored("2");
	assert_string_equal(remote_got(), "");
	acknowledges(1);
	all_commits();
	assert_string_equal(remote_got(), "[close][open a.example b.example]");
	is_up();
	assert_string_equal(ids_in(remote_got()), "2 ");
	remote_close(p);
	run();
	assert_string_equal(remote_got(), "");
	pass_ms(5100); /* or is not */
	assert_string_equal(remote_got(), "[close][open a.example b.example]");
	is_up();
	assert_string_equal(ids_in(remote_got()), "2 ");
}

static void
what_is_too_large_goes_back(void **state)
{
	takes_bytes = 300;
	sends(romeo, "<message type='chat' id='1'" TO "><body>"
	             "0123456789012345678901234567890123456789012345678901234567890123456789"
	             "0123456789012345678901234567890123456789012345678901234567890123456789"
	             "0123456789012345678901234567890123456789012345678901234567890123456789"
	             "0123456789012345678901234567890123456789012345678901234567890123456789"
	             "</body></message>");
	says_and_is_stored("2");
	is_up();
	takes_bytes = 0;
	assert_string_equal(ids_in(remote_got()), "2 ");
	assert_non_null(strstr(got(romeo), "policy-violation"));
	all_commits();
	assert_int_equal(remote_rows(), 1);
}

static void
what_is_not_ours_is_not_kept(void **state)
{
	const struct hm_stanza *forged = stanza_parse("<message><body>o</body></message>", 33);
	struct hm_user *u = user_find("romeo@a.example");

	turn_begin(&u->entity, NULL);
	turn_route(&u->entity, letter_to(stanza_with_from(forged, "a@c.example"), "b@b.example"));
	turn_end();
	stanza_unref(&forged);
	run();
	assert_int_equal(writes_waiting(), 0);
	assert_string_equal(remote_got(), "");
}

static void
a_row_that_cannot_be_removed_is_tried_again(void **state)
{
	says_and_is_stored("1");
	is_up();
	acknowledges(1);
	commit_fails();
	assert_int_equal(remote_rows(), 1);
	pass_ms(1100);
	all_commits();
	assert_int_equal(remote_rows(), 0);
}

/* --- Restarts ------------------------------------------------------------------------------------- */

static void
what_the_former_process_left_goes_first(void **state)
{
	remote_row_was_left("b.example", clock_wall_us() - 2000000, "juliet@b.example",
	                    "<message from='romeo@a.example/x' id='1'>" BODY "</message>");
	remote_row_was_left("b.example", clock_wall_us() - 1000000, "juliet@b.example",
	                    "<message from='romeo@a.example/x' id='2'>" BODY "</message>");
	says_and_is_stored("3");
	is_up();
	assert_string_equal(ids_in(remote_got()), "1 2 3 ");
	acknowledges(3);
	all_commits();
	assert_int_equal(remote_rows(), 0);
}

static void
its_pairs_are_connected_at_start(void **state)
{
	remote_row_was_left("c.example", clock_wall_us() - 2000000, "nurse@c.example",
	                    "<message from='romeo@a.example/x' id='1'>" BODY "</message>");
	table_free(&here->remotes->by_name);
	table_free(&here->remotes->by_id);
	table_free(&here->remotes->seen);
	table_free(&here->remotes->sources);
	table_free(&here->remotes->sources_by_id);
	mem_free(here->remotes);
	remote_start_here();
	run();
	assert_string_equal(remote_got(), "[open a.example c.example]");
	is_up();
	assert_string_equal(ids_in(remote_got()), "1 ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_message_leaves_behind_its_commit, fresh),
		cmocka_unit_test_setup(what_cannot_be_stored_is_refused_and_does_not_leave, fresh),
		cmocka_unit_test_setup(the_senders_archive_stores_in_the_same_group, fresh),
		cmocka_unit_test_setup(a_chat_state_is_not_kept, fresh),
		cmocka_unit_test_setup(what_waits_holds_nobody_back, fresh),
		cmocka_unit_test_setup(everything_goes_in_its_order, fresh),
		cmocka_unit_test_setup(what_has_no_room_waits_on_disk, fresh),
		cmocka_unit_test_setup(only_so_many_wait, fresh),
		cmocka_unit_test_setup(a_dead_domain_answers_at_once, fresh),
		cmocka_unit_test_setup(what_waits_too_long_goes_back, fresh),
		cmocka_unit_test_setup(a_request_does_not_wait_that_long, fresh),
		cmocka_unit_test_setup(a_domain_that_does_not_exist_gives_everything_back, fresh),
		cmocka_unit_test_setup(what_was_not_acknowledged_goes_again, fresh),
		cmocka_unit_test_setup(an_idle_stream_may_end, fresh),
		cmocka_unit_test_setup(a_pair_that_nobody_uses_goes, fresh),
		cmocka_unit_test_setup(a_server_that_comes_by_itself_is_there, fresh),
		cmocka_unit_test_setup(presence_is_asked_for_again, fresh),
		cmocka_unit_test_setup(it_ends_when_all_is_acknowledged, fresh),
		cmocka_unit_test_setup(what_is_too_large_goes_back, fresh),
		cmocka_unit_test_setup(what_is_not_ours_is_not_kept, fresh),
		cmocka_unit_test_setup(a_row_that_cannot_be_removed_is_tried_again, fresh),
		cmocka_unit_test_setup(what_the_former_process_left_goes_first, fresh),
		cmocka_unit_test_setup(its_pairs_are_connected_at_start, fresh),
	};

	return cmocka_run_group_tests(tests, remote_test_start, NULL);
}
