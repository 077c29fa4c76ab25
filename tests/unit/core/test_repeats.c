/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* What a client sends again, and what only looks like it (core/repeats.h). */
#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "core/custody.h"
#include "core/here.h"
#include "core/letter.h"
#include "core/repeats.h"
#include "core/user.h"
#include "core_test.h"
#include "xml/parser.h"

#define MESSAGE "<message to='juliet@a.example' id='1' type='chat'><body>hello</body></message>"
#define HOUR_MS 3600000

static uint64_t juliet;

static bool
arrives(uint64_t stream, const char *xml)
{
	sends(stream, xml);
	run();
	return strstr(got(juliet), "<body") != NULL;
}

/* Its stream breaks, and it comes back. */
static uint64_t
again(uint64_t stream)
{
	is_lost(stream);
	run();
	return client("romeo@a.example", "x");
}

static uint64_t
romeo_has_sent(const char *xml)
{
	uint64_t romeo = client("romeo@a.example", "x");

	juliet = client("juliet@a.example", "y");
	assert_true(arrives(romeo, xml));
	return romeo;
}

static void
the_same_on_a_new_stream_is_a_repeat(void **state)
{
	uint64_t romeo = again(romeo_has_sent(MESSAGE));

	assert_false(arrives(romeo, MESSAGE));
	assert_int_equal(custody_handled(session_at(romeo)), custody_came(session_at(romeo)));
	romeo = again(romeo);
	assert_false(arrives(romeo, MESSAGE));
}

static void
other_content_with_the_same_id_is_not(void **state)
{
	static const char *const others[] = {
		"<message to='juliet@a.example' id='1' type='chat'><body>hello!</body></message>",
		"<message to='juliet@a.example' id='1' type='normal'><body>hello</body></message>",
		"<message to='juliet@a.example/y' id='1' type='chat'><body>hello</body></message>",
		"<message to='juliet@a.example' id='2' type='chat'><body>hello</body></message>",
		"<message to='juliet@a.example' id='1' type='chat'><body>hello</body><x xmlns='y'/></message>",
		"<message to='juliet@a.example' id='1' type='chat'><body>hello</body><origin-id xmlns='urn:xmpp:sid:0' id='1'/></message>",
	};
	uint64_t romeo = again(romeo_has_sent(MESSAGE));

	for (size_t i = 0; i < HM_COUNT(others); i++)
		assert_true(arrives(romeo, others[i]));
}

static void
on_the_same_stream_it_is_another_message(void **state)
{
	uint64_t romeo = romeo_has_sent(MESSAGE);

	assert_true(arrives(romeo, MESSAGE));
}

static void
a_stream_that_ended_cleanly_leaves_nothing_behind(void **state)
{
	uint64_t romeo = romeo_has_sent(MESSAGE);

	leaves(romeo);
	run();
	romeo = client("romeo@a.example", "x");
	assert_true(arrives(romeo, MESSAGE));
}

static void
a_replaced_one_did_not_end_cleanly(void **state)
{
	uint64_t romeo;

	romeo_has_sent(MESSAGE);
	romeo = client("romeo@a.example", "x");
	assert_false(arrives(romeo, MESSAGE));
}

/* Its session is there still, without a stream (XEP-0198 5). */
static void
a_session_that_hibernates_is_looked_at(void **state)
{
	uint64_t romeo = romeo_has_sent(MESSAGE), other = client("romeo@a.example", "z");
	struct hm_session *s = session_at(romeo);
	uint64_t stream = s->stream;
	bool came;

	assert_true(arrives(other, MESSAGE)); /* two devices that say the same */
	other = client("romeo@a.example", "zz");
	s->stream = 0;
	came = arrives(other, MESSAGE);
	s->stream = stream;
	assert_false(came);
}

static void
nobody_knows_others_messages(void **state)
{
	uint64_t nurse;

	is_lost(romeo_has_sent(MESSAGE));
	run();
	nurse = client("nurse@a.example", "z");
	assert_true(arrives(nurse, MESSAGE));
}

static void
what_was_refused_may_be_tried_again(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");
	static const char refused[] =
		"<message to='juliet@a.example' id='refuse' type='chat'><body>hello</body></message>";

	client("juliet@a.example", "y");
	sends(romeo, refused);
	run();
	assert_non_null(strstr(got(romeo), "policy-violation"));
	romeo = again(romeo);
	sends(romeo, refused);
	run();
	assert_non_null(strstr(got(romeo), "policy-violation"));
}

static void
what_could_not_be_stored_may_be_tried_again(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");

	juliet = client("juliet@a.example", "y");
	begin_to_archive();
	sends(romeo, MESSAGE);
	run();
	commit_fails();
	while (writes_waiting() > 0)
		commits();
	module_archives = false;
	romeo = again(romeo);
	assert_true(arrives(romeo, MESSAGE));
}

/* The sender's own account: it never left. */
static void
what_was_never_sent_on_may_be_tried_again(void **state)
{
	static const char own[] =
		"<message to='juliet@a.example' id='own' type='chat'><body>hello</body></message>";
	uint64_t romeo = client("romeo@a.example", "x");

	juliet = client("juliet@a.example", "y");
	assert_false(arrives(romeo, own));
	commit_fails();
	assert_non_null(strstr(got(romeo), "internal-server-error"));
	romeo = again(romeo);
	assert_false(arrives(romeo, own));
	commits();
	assert_non_null(strstr(got(juliet), "hello"));
}

static void
without_an_id_it_cannot_be_known(void **state)
{
	static const char anonymous[] =
		"<message to='juliet@a.example' type='chat'><body>hello</body></message>";
	static const char original[] =
		"<message to='juliet@a.example' type='chat'><body>hello</body>"
		"<origin-id xmlns='urn:xmpp:sid:0' id='o'/></message>";
	uint64_t romeo = again(romeo_has_sent(anonymous));

	assert_true(arrives(romeo, anonymous));
	assert_true(arrives(romeo, original));
	romeo = again(romeo);
	assert_false(arrives(romeo, original));
}

/* Clients stamp what they send late (XEP-0203). */
static void
a_delay_stamp_does_not_matter(void **state)
{
	uint64_t romeo = again(romeo_has_sent(MESSAGE));

	assert_false(arrives(
		romeo, "<message to='juliet@a.example' id='1' type='chat'><body>hello</body>"
		       "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/></message>"));
}

static void
attributes_have_no_order(void **state)
{
	uint64_t romeo = again(romeo_has_sent(
		"<message to='juliet@a.example' id='1' type='chat'><body a='1' b='2'>hello</body></message>"));

	assert_false(arrives(romeo, "<message type='chat' id='1' to='juliet@a.example'>"
	                            "<body b='2' a='1'>hello</body></message>"));
	assert_true(arrives(romeo, "<message type='chat' id='1' to='juliet@a.example'>"
	                           "<body b='1' a='2'>hello</body></message>"));
}

static void
after_an_hour_it_is_forgotten(void **state)
{
	uint64_t romeo = romeo_has_sent(MESSAGE);

	is_lost(romeo);
	run();
	pass_ms(HOUR_MS + 1000);
	romeo = client("romeo@a.example", "x");
	assert_true(arrives(romeo, MESSAGE));
}

/* The archive tells what was sent before the process started. */
static void
a_restart_forgets_nothing_that_the_archive_knows(void **state)
{
	static const struct xml_limits limits = { 10000, 20, 500 };
	uint64_t romeo = client("romeo@a.example", "x");
	struct arena *arena = arena_new(0);
	struct hm_elem *root = xml_parse(arena, MESSAGE, strlen(MESSAGE), NS_CLIENT, &limits);
	const struct hm_stanza *s = stanza_take(&arena, root, "romeo@a.example/other", NULL);
	struct hm_user *u = user_find("romeo@a.example");

	juliet = client("juliet@a.example", "y");
	hm_sent_before(u, 0);
	hm_sent_before(u, repeats_fingerprint(s, "juliet@a.example"));
	stanza_unref(&s);
	assert_false(arrives(romeo, MESSAGE));
}

/* Of one session so many are remembered, the oldest give way. */
static void
the_ring_is_full(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");
	char xml[200];

	juliet = client("juliet@a.example", "y");
	for (unsigned i = 0; i < 300; i++) {
		snprintf(
			xml, sizeof(xml),
			"<message to='juliet@a.example' id='%u' type='chat'><body>1</body></message>",
			i);
		assert_true(arrives(romeo, xml));
	}
	romeo = again(romeo);
	assert_false(arrives(romeo, xml));
	assert_true(arrives(
		romeo,
		"<message to='juliet@a.example' id='0' type='chat'><body>1</body></message>"));
	assert_false(arrives(
		romeo,
		"<message to='juliet@a.example' id='50' type='chat'><body>1</body></message>"));
}

/* Acknowledged with the first copy, and paid for, however often it comes. */
static void
a_repeat_is_held_with_its_first_copy(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");
	struct hm_session *s;
	uint32_t before;

	juliet = client("juliet@a.example", "y");
	begin_to_archive();
	sends(romeo, MESSAGE);
	run();
	romeo = again(romeo);
	s = session_at(romeo);
	before = custody_handled(s);
	for (unsigned i = 0; i < 300; i++)
		sends(romeo, MESSAGE);
	run();
	assert_int_equal(custody_handled(s), before);
	assert_true(credit_is_used_up(s->credit));
	assert_int_equal(writes_waiting(), 1);
	commits();
	assert_int_equal(custody_handled(s), before + 300);
	assert_false(credit_is_used_up(s->credit));
}

#define TEST(f) cmocka_unit_test_setup(f, core_test_fresh)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_same_on_a_new_stream_is_a_repeat),
		TEST(other_content_with_the_same_id_is_not),
		TEST(on_the_same_stream_it_is_another_message),
		TEST(a_stream_that_ended_cleanly_leaves_nothing_behind),
		TEST(a_replaced_one_did_not_end_cleanly),
		TEST(a_session_that_hibernates_is_looked_at),
		TEST(nobody_knows_others_messages),
		TEST(what_was_refused_may_be_tried_again),
		TEST(what_could_not_be_stored_may_be_tried_again),
		TEST(what_was_never_sent_on_may_be_tried_again),
		TEST(without_an_id_it_cannot_be_known),
		TEST(a_delay_stamp_does_not_matter),
		TEST(attributes_have_no_order),
		TEST(after_an_hour_it_is_forgotten),
		TEST(a_restart_forgets_nothing_that_the_archive_knows),
		TEST(the_ring_is_full),
		TEST(a_repeat_is_held_with_its_first_copy),
	};

	return cmocka_run_group_tests(tests, core_test_start, NULL);
}
