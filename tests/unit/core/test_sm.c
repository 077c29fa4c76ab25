/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Stream management (XEP-0198) where scripts cannot hold a commit in their hand; what clients without it have got. */
#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "core/session.h"
#include "core/sm.h"
#include "core_test.h"

#define SM "xmlns='urn:xmpp:sm:3'"
#define STORED "<message to='juliet@a.example' id='store' type='chat'><body>x</body></message>"
#define SHOWN "<message to='romeo@a.example' id='shown' type='chat'><body>x</body></message>"

/* --- h and holds: 4 -------------------------------------------------------------------------- */

static uint64_t
enabled(const char *bare, const char *attributes)
{
	uint64_t stream = client(bare, "x");
	char xml[100];

	snprintf(xml, sizeof(xml), "<enable " SM "%s/>", attributes);
	sends(stream, xml);
	run();
	return stream;
}

static void
an_answer_waits_for_the_commit(void **state)
{
	uint64_t romeo = enabled("romeo@a.example", "");

	client("juliet@a.example", "y");
	got(romeo);
	sends(romeo, STORED);
	sends(romeo, "<r " SM "/>");
	run();
	pass_ms(100);
	assert_string_equal(got(romeo), "");
	commits();
	assert_string_equal(got(romeo), "<a " SM " h='1'/>");
	pass_ms(1000);
	assert_string_equal(got(romeo), "");
}

static void
an_answer_waits_no_longer_than_200_ms(void **state)
{
	uint64_t romeo = enabled("romeo@a.example", "");

	client("juliet@a.example", "y");
	got(romeo);
	sends(romeo, "<presence><show>away</show></presence>");
	sends(romeo, STORED);
	sends(romeo, "<r " SM "/>");
	run();
	pass_ms(100);
	assert_null(strstr(got(romeo), "<a "));
	pass_ms(200);
	assert_string_equal(got(romeo), "<a " SM " h='1'/>");
	/* The rest follows when it is done, though nobody asks. */
	commits();
	assert_string_equal(got(romeo), "<a " SM " h='2'/>");
}

static void
several_requests_are_answered_by_one(void **state)
{
	uint64_t romeo = enabled("romeo@a.example", "");

	client("juliet@a.example", "y");
	got(romeo);
	sends(romeo, STORED);
	sends(romeo, "<r " SM "/>");
	sends(romeo, "<r " SM "/>");
	run();
	assert_string_equal(got(romeo), "");
	commits();
	assert_string_equal(got(romeo), "<a " SM " h='1'/>");
}

static void
what_came_before_enable_does_not_count(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x");

	client("juliet@a.example", "y");
	sends(romeo, STORED);
	sends(romeo, "<enable " SM "/>");
	sends(romeo, "<r " SM "/>");
	run();
	assert_string_equal(got(romeo), "<enabled " SM "/>");
	commits();
	assert_string_equal(got(romeo), "<a " SM " h='0'/>");
	sends(romeo, "<presence to='friend@a.example'/>");
	sends(romeo, "<r " SM "/>");
	run();
	assert_string_equal(got(romeo), "<a " SM " h='1'/>");
}

/* --- A new stream while something is held: 5 ------------------------------------------------------- */

/* What <enabled/> said; asks for that session on another stream. */
static uint64_t
resumes(uint64_t old, const char *h)
{
	uint64_t stream;
	char xml[200];
	const char *id = strstr(got(old), " id='");

	assert_non_null(id);
	snprintf(xml, sizeof(xml), "<resume " SM " previd='%.*s' h='%s'/>", SM_ID_CHARS, id + 5, h);
	stream = unbound("romeo@a.example");
	sends(stream, xml);
	return stream;
}

static void
a_resumption_waits_for_the_commit(void **state)
{
	uint64_t romeo = enabled("romeo@a.example", " resume='1'"), again;

	client("juliet@a.example", "y");
	sends(romeo, STORED);
	run();
	again = resumes(romeo, "0");
	run();
	pass_ms(500);
	assert_string_equal(got(again), "");
	assert_string_equal(got(romeo), "[conflict]");
	commits();
	pass_ms(100);
	assert_non_null(strstr(got(again), " h='1'/>"));
	sends(again, "<r " SM "/>");
	run();
	assert_string_equal(got(again), "<a " SM " h='1'/>");
}

static void
a_resumption_does_not_wait_for_ever_nor_double_anything(void **state)
{
	uint64_t romeo = enabled("romeo@a.example", " resume='1'"), again;

	client("juliet@a.example", "y");
	sends(romeo, STORED);
	run();
	again = resumes(romeo, "0");
	run();
	pass_ms(1200);
	assert_non_null(strstr(got(again), " h='0'/>"));
	sends(again, STORED);
	sends(again, "<presence/>");
	sends(again, "<r " SM "/>");
	run();
	assert_int_equal(writes_waiting(), 1);
	got(again);
	commits();
	assert_non_null(strstr(got(again), "<a " SM " h='2'/>"));
	assert_int_equal(writes_waiting(), 0);
}

/* The old session goes on with what it had got, as long as it is waited for. */
static void
what_waited_behind_a_request_is_done_before(void **state)
{
	uint64_t romeo = enabled("romeo@a.example", " resume='1'"), again;

	fake_reads_wait = true;
	sends(romeo, "<iq type='set' id='one'><later xmlns='test:x'/></iq>");
	sends(romeo, "<message to='juliet@a.example' type='chat'><body>x</body></message>");
	run();
	again = resumes(romeo, "0");
	sends(again, "<iq type='get' id='two'><any xmlns='test:x'/></iq>");
	run();
	pass_ms(200);
	reads_come_back();
	pass_ms(200);
	assert_non_null(strstr(got(again), " h='2'/>"));
	sends(again, "<r " SM "/>");
	run();
	assert_non_null(strstr(got(again), "<a " SM " h='3'/>"));
}

/* --- Numbers ------------------------------------------------------------------------------------ */

static void
a_number_is_an_unsigned_int(void **state)
{
	uint32_t n = 1;

	assert_true(sm_number("0", &n));
	assert_int_equal(n, 0);
	assert_true(sm_number("4294967295", &n));
	assert_int_equal(n, UINT32_MAX);
	assert_true(sm_number("0000000007", &n));
	assert_int_equal(n, 7);
	assert_false(sm_number(NULL, &n));
	assert_false(sm_number("", &n));
	assert_false(sm_number("4294967296", &n));
	assert_false(sm_number("99999999999", &n));
	assert_false(sm_number("-1", &n));
	assert_false(sm_number(" 1", &n));
}

static void
counters_wrap(void **state)
{
	uint64_t romeo = enabled("romeo@a.example", ""), juliet = client("juliet@a.example", "y");
	struct hm_session *s = session_find(session_of(romeo));

	got(romeo);
	s->came = s->sm->came_before = UINT32_MAX - 5;
	s->came += UINT32_MAX; /* so that h is one below 0 */
	s->sm->counts = true;
	s->sm->sent = UINT32_MAX - 1;
	sends(romeo, "<presence to='friend@a.example'/>");
	sends(romeo, "<r " SM "/>");
	run();
	assert_string_equal(got(romeo), "<a " SM " h='0'/>");
	for (unsigned i = 0; i < 3; i++)
		sends(juliet, "<message to='romeo@a.example'><body>x</body></message>");
	run();
	got(romeo);
	assert_int_equal(s->sm->queue.n, 3);
	sends(romeo, "<a " SM " h='4294967295'/>");
	run();
	assert_int_equal(s->sm->queue.n, 2);
	sends(romeo, "<a " SM " h='1'/>");
	run();
	assert_int_equal(s->sm->queue.n, 0);
	assert_string_equal(got(romeo), "");
	sends(romeo, "<a " SM " h='2'/>");
	run();
	assert_non_null(strstr(got(romeo), "[undefined-condition]"));
}

static void
a_queue_keeps_its_order(void **state)
{
	struct sm_queue q = { 0 };
	const char *xml = "<message xmlns='jabber:client'/>";

	for (unsigned round = 0, in = 0, out = 0; round < 50; round++) {
		for (unsigned i = 0; i < 7; i++) {
			struct sm_stanza x = { .stanza = stanza_parse(xml, strlen(xml)),
				               .id = ++in };

			sm_push(&q, &x);
		}
		for (unsigned i = 0; i < (round % 2 ? 9 : 5); i++) {
			struct sm_stanza x = sm_pop(&q);

			assert_int_equal(x.id, ++out);
			sm_stanza_free(&x);
		}
		assert_int_equal(q.n, in - out);
	}
	assert_int_equal(q.n, 0);
	assert_int_equal(q.bytes, 0);
	sm_queue_free(&q);
}

/* --- Whether a message was got ------------------------------------------------------------------- */

static void
an_acknowledged_message_is_confirmed(void **state)
{
	uint64_t romeo = enabled("romeo@a.example", ""), juliet = client("juliet@a.example", "y");

	sends(juliet, SHOWN);
	sends(juliet, SHOWN);
	run();
	module_saw();
	sends(romeo, "<a " SM " h='1'/>");
	run();
	assert_string_equal(module_saw(), "confirmed ");
	is_lost(romeo);
	run();
	assert_string_equal(module_saw(), "unavailable unconfirmed closed ");
}

static void
a_hibernating_session_has_lost_nothing_yet(void **state)
{
	uint64_t romeo = enabled("romeo@a.example", " resume='1'"),
		 juliet = client("juliet@a.example", "y");

	sends(juliet, SHOWN);
	run();
	module_saw();
	is_lost(romeo);
	run();
	sends(juliet, SHOWN);
	run();
	assert_string_equal(module_saw(), "");
	pass_ms(core_test_limits.resume_time + 100);
	assert_string_equal(module_saw(), "unavailable unconfirmed unconfirmed closed ");
}

static void
answer_ping(uint64_t stream)
{
	char xml[200];
	const char *text = got(stream), *id = strstr(text, "<ping");

	assert_non_null(id);
	while (id > text && strncmp(id, " id='", 5) != 0)
		id--;
	snprintf(xml, sizeof(xml), "<iq type='result'%.*s'/>", (int)strcspn(id + 5, "'") + 5, id);
	sends(stream, xml);
	run();
}

static void
without_it_a_ping_confirms(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");

	sends(juliet, SHOWN);
	sends(juliet, SHOWN);
	run();
	assert_null(strstr(got(romeo), "<ping"));
	pass_ms(core_test_limits.confirm_time + 100);
	sends(juliet, SHOWN); /* behind the ping */
	run();
	module_saw();
	answer_ping(romeo);
	assert_string_equal(module_saw(), "confirmed confirmed ");
	is_lost(romeo);
	run();
	assert_string_equal(module_saw(), "unavailable unconfirmed closed ");
}

static void
many_are_asked_for_at_once(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");

	for (int64_t i = 0; i < core_test_limits.confirm_messages; i++)
		sends(juliet, SHOWN);
	run();
	module_saw();
	answer_ping(romeo);
	assert_string_equal(module_saw(), "confirmed confirmed confirmed ");
}

static void
a_clean_end_confirms_what_is_older_than_two_seconds(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "y");

	sends(juliet, SHOWN);
	run();
	pass_ms(2100);
	sends(juliet, SHOWN);
	run();
	module_saw();
	leaves(romeo);
	run();
	assert_string_equal(module_saw(), "unavailable confirmed unconfirmed closed ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_answer_waits_for_the_commit, core_test_fresh),
		cmocka_unit_test_setup(an_answer_waits_no_longer_than_200_ms, core_test_fresh),
		cmocka_unit_test_setup(several_requests_are_answered_by_one, core_test_fresh),
		cmocka_unit_test_setup(what_came_before_enable_does_not_count, core_test_fresh),
		cmocka_unit_test_setup(a_resumption_waits_for_the_commit, core_test_fresh),
		cmocka_unit_test_setup(a_resumption_does_not_wait_for_ever_nor_double_anything,
		                       core_test_fresh),
		cmocka_unit_test_setup(what_waited_behind_a_request_is_done_before,
		                       core_test_fresh),
		cmocka_unit_test(a_number_is_an_unsigned_int),
		cmocka_unit_test_setup(counters_wrap, core_test_fresh),
		cmocka_unit_test(a_queue_keeps_its_order),
		cmocka_unit_test_setup(an_acknowledged_message_is_confirmed, core_test_fresh),
		cmocka_unit_test_setup(a_hibernating_session_has_lost_nothing_yet, core_test_fresh),
		cmocka_unit_test_setup(without_it_a_ping_confirms, core_test_fresh),
		cmocka_unit_test_setup(many_are_asked_for_at_once, core_test_fresh),
		cmocka_unit_test_setup(a_clean_end_confirms_what_is_older_than_two_seconds,
		                       core_test_fresh),
	};

	return cmocka_run_group_tests(tests, core_test_start, NULL);
}
