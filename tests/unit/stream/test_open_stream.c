/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* tests of src/stream: an authenticated client's stream, and its end */
#include "stream_test.h"

#include <string.h>
#include <sys/socket.h>

#include "stream/stream_state.h"

static void
session_closes(void)
{
	struct client *c = client_new(true);

	client_log_in(c);
	client_send(c, "<message id='kick'/>");
	client_expect(c, "<message to='juliet@a.example/balcony' id='last'/>" ERROR(
				 "conflict") "</stream:error></stream:stream>");
	client_expect_end(c);
	client_free(c);
	c = client_new(true);
	client_log_in(c);
	client_send(c, "<message id='bye'/>");
	client_expect(c, "</stream:stream>");
	/* RFC 6120 4.4: the connection stays until the client has closed its side. */
	client_send(c, "<message/></stream:stream>");
	client_expect_end(c);
	client_free(c);
	CHECK(atomic_load(&fake_seen[LINK_CLOSED]) == 0);
}

static void
a_session_closes_its_stream_behind_its_stanzas(void **state)
{
	stream_test_run(session_closes);
}

static void
faults(void)
{
	static const struct {
		const char *sent, *cond;
	} cases[] = {
		{ "<a>&foo;</a>", "not-well-formed" },
		{ "<message xmlns='jabber:server'/>", "invalid-namespace" },
		{ STARTTLS, "policy-violation" },
		{ AUTH("PLAIN") "AAAA</auth>", "policy-violation" },
	};

	for (unsigned i = 0; i < HM_COUNT(cases); i++) {
		struct client *c = client_new(true);

		client_log_in(c);
		client_send(c, cases[i].sent);
		client_expect_error(c, cases[i].cond);
		client_free(c);
	}
	CHECK(atomic_load(&fake_closed[LINK_CLOSED_FAULT]) == HM_COUNT(cases));
	CHECK(atomic_load(&fake_seen[LINK_CLOSED]) == HM_COUNT(cases));
}

static void
a_fault_ends_an_open_stream_and_its_session(void **state)
{
	stream_test_run(faults);
}

static void
their_error(void)
{
	struct client *c = client_new(true);

	client_log_in(c);
	client_send(c, ERROR("system-shutdown") "</stream:error></stream:stream>");
	client_expect(c, "</stream:stream>");
	client_expect_end(c);
	client_free(c);
	CHECK(atomic_load(&fake_closed[LINK_CLOSED_FAULT]) == 1);
}

static void
an_error_of_the_clients_ends_the_stream(void **state)
{
	stream_test_run(their_error);
}

static void
dropped(void)
{
	struct client *c = client_new(true);

	client_log_in(c);
	shutdown(c->fd, SHUT_RDWR);
	client_free(c);
	for (unsigned i = 0; i < 1000 && stream_count() > 0; i++)
		stream_test_drain();
	stream_test_drain();
	CHECK(atomic_load(&fake_closed[LINK_CLOSED_LOST]) == 1);
	CHECK(atomic_load(&fake_seen[LINK_CLOSED]) == 1);
}

static void
a_lost_connection_is_told_to_the_session(void **state)
{
	stream_test_run(dropped);
}

/* A client that has sent 100 stanzas, of which only so many are read as there is credit for. */
static struct client *
client_out_of_credit(void)
{
	struct client *c = client_new(true);

	client_log_in(c);
	atomic_store(&fake_no_credit, true);
	for (unsigned i = 0; i < 100; i++)
		client_send(c, PING("1"));
	for (unsigned i = 0; i < 64; i++)
		client_expect(c, PONG("1"));
	return c;
}

static void
without_credit(void)
{
	struct client *c = client_out_of_credit();

	for (unsigned i = 0; i < 10; i++)
		stream_test_drain();
	CHECK(atomic_load(&fake_seen[LINK_IN]) == 64);
	client_free(c);
}

static void
reading_pauses_for_stanzas_in_flight(void **state)
{
	stream_test_run(without_credit);
}

static struct stream *only;

static void
find_only(void)
{
	size_t pos = 0;
	void *value;

	only = table_next(&stream_here.streams, &pos, NULL, &value) ? value : NULL;
}

static void
give_credit(void)
{
	find_only();
	stream_give_credit(only, 64, 64 * 100);
}

static void
credit_comes_back(void)
{
	struct client *c = client_out_of_credit();

	stream_test_on(0, give_credit);
	for (unsigned i = 0; i < 36; i++)
		client_expect(c, PONG("1"));
	client_free(c);
}

static void
reading_goes_on_with_credit(void **state)
{
	stream_test_run(credit_comes_back);
}

static void
fast_sender(void)
{
	struct client *c = client_new(true);
	char body[8001];

	memset(body, 'x', 8000);
	body[8000] = '\0';
	client_log_in(c);
	for (unsigned i = 0; i < 4; i++) {
		client_send(c, "<message><body>");
		client_send(c, body);
		client_send(c, "</body></message>");
	}
	client_send(c, PING("1"));
	/* 32 KB at 1 KiB a second beyond a burst of 16 KiB. */
	for (unsigned i = 0; i < 100 && atomic_load(&fake_seen[LINK_IN]) < 2; i++)
		stream_test_drain();
	CHECK(atomic_load(&fake_seen[LINK_IN]) < 5);
	for (unsigned i = 0; i < 40 && atomic_load(&fake_seen[LINK_IN]) < 5; i++) {
		stream_test_advance(1000);
		stream_test_drain();
		stream_test_drain();
	}
	client_expect(c, PONG("1"));
	client_free(c);
}

static void
a_fast_sender_is_slowed_down(void **state)
{
	stream_test_settings.rate = 1024;
	stream_test_settings.burst = 16384;
	stream_test_run(fast_sender);
}

static void
slow_reader(void)
{
	struct client *c = client_new(true);

	client_log_in(c);
	client_send(c, "<message id='flood'/>");
	/* It does not read: 3 MB are too much to keep. */
	for (unsigned i = 0; i < 2000 && stream_count() > 0; i++)
		stream_test_drain();
	CHECK(stream_count() == 0);
	stream_test_drain();
	CHECK(atomic_load(&fake_closed[LINK_CLOSED_LOST]) == 1);
	client_free(c);
}

static void
a_client_that_does_not_read_is_cut(void **state)
{
	stream_test_run(slow_reader);
}

static void
reads_late(void)
{
	struct client *c = client_new(true);

	client_log_in(c);
	client_send(c, "<message id='flood'/>" PING("1"));
	for (unsigned i = 0; i < 3000; i++)
		client_until(c, "</message>");
	client_expect(c, PONG("1"));
	client_send(c, "</stream:stream>");
	client_expect(c, "</stream:stream>");
	client_expect_end(c);
	client_free(c);
}

static void
what_the_kernel_does_not_take_waits_as_stanzas(void **state)
{
	stream_test_settings.output_queue = 8 << 20;
	stream_test_run(reads_late);
}

static void
idle(void)
{
	struct client *c = client_new(true);

	client_log_in(c);
	stream_test_advance(400 * 1000);
	client_send(c, " " PING("1"));
	client_expect(c, PONG("1"));
	stream_test_advance(400 * 1000);
	stream_test_drain();
	stream_test_drain();
	CHECK(atomic_load(&fake_seen[LINK_IDLE]) == 0);
	stream_test_advance(201 * 1000);
	for (unsigned i = 0; i < 100 && atomic_load(&fake_seen[LINK_IDLE]) == 0; i++)
		stream_test_drain();
	CHECK(atomic_load(&fake_seen[LINK_IDLE]) == 1);
	client_send(c, PING("1"));
	client_expect(c, PONG("1"));
	client_free(c);
}

static void
the_session_is_told_of_a_silent_client(void **state)
{
	stream_test_run(idle);
}

static void
shut_down(void)
{
	struct client *a = client_new(true), *b = client_new(false);

	client_log_in(a);
	client_open(b);
	stream_test_on(0, stream_stop_here);
	client_expect_error(a, "system-shutdown");
	client_expect_error(b, "system-shutdown");
	client_free(a);
	client_free(b);
	a = client_new(false);
	client_expect_end(a);
	client_free(a);
	CHECK(atomic_load(&fake_seen[LINK_CLOSED]) == 1);
}

static void
a_worker_that_stops_says_so_to_all(void **state)
{
	stream_test_run(shut_down);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_closes_its_stream_behind_its_stanzas),
		cmocka_unit_test(a_fault_ends_an_open_stream_and_its_session),
		cmocka_unit_test(an_error_of_the_clients_ends_the_stream),
		cmocka_unit_test(a_lost_connection_is_told_to_the_session),
		cmocka_unit_test(reading_pauses_for_stanzas_in_flight),
		cmocka_unit_test(reading_goes_on_with_credit),
		cmocka_unit_test(a_fast_sender_is_slowed_down),
		cmocka_unit_test(a_client_that_does_not_read_is_cut),
		cmocka_unit_test(what_the_kernel_does_not_take_waits_as_stanzas),
		cmocka_unit_test(the_session_is_told_of_a_silent_client),
		cmocka_unit_test(a_worker_that_stops_says_so_to_all),
	};

	return cmocka_run_group_tests(tests, stream_test_begin, stream_test_end);
}
