/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* tests of src/stream as a whole: real connections, real TLS, a fake core */
#include "stream_test.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "link/link.h"
#include "loop/worker.h"
#include "stream/stream_state.h"

#define PING(id) "<iq type='get' id='" id "'><ping xmlns='urn:xmpp:ping'/></iq>"
#define PONG(id) "<iq to='juliet@a.example/balcony' type='result' id='" id "'/>"
#define ERROR(cond) "<stream:error><" cond " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
#define SUCCESS "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'></success>"

/* The client is told why, and that is the end. */
static void
expect_error(struct client *c, const char *cond)
{
	char wanted[128];

	snprintf(wanted, sizeof(wanted), ERROR("%s"), cond);
	client_until(c, wanted);
	client_until(c, "</stream:stream>");
	client_expect_end(c);
}

static void
advance(uint32_t ms)
{
	clock_advance(ms);
	workers_kick();
}

static void
nothing(void)
{
}

/* --- Logging in ------------------------------------------------------------------- */

static void
log_in_and_ask(void)
{
	struct client *c = client_new(false);

	client_log_in(c);
	client_send(c, PING("1"));
	client_expect(c, PONG("1"));
	client_send(c, "</stream:stream>");
	client_expect(c, "</stream:stream>");
	client_expect_end(c);
	client_free(c);
	CHECK(atomic_load(&fake_closed[LINK_CLOSED_CLEANLY]) == 1);
	CHECK(atomic_load(&fake_seen[LINK_CLOSED]) == 1);
	CHECK(atomic_load(&fake_succeeded) == 1);
}

static void
a_client_logs_in_over_starttls(void **state)
{
	stream_test_run(log_in_and_ask);
}

static void
log_in_on_direct_tls(void)
{
	struct client *c = client_new(true);

	client_log_in(c);
	client_send(c, PING("1"));
	client_expect(c, PONG("1"));
	client_free(c);
}

static void
a_client_logs_in_on_the_port_with_tls_at_once(void **state)
{
	stream_test_run(log_in_on_direct_tls);
}

static void
every_mechanism(void)
{
	static const char *const names[] = { "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512" };
	static const char *const bindings[] = { NULL, "tls-exporter", "tls-server-end-point" };

	for (unsigned i = 0; i < 9; i++) {
		struct client *c = client_new(true);
		char name[32];

		snprintf(name, sizeof(name), "%s%s", names[i / 3], i % 3 ? "-PLUS" : "");
		client_open(c);
		CHECK(!client_scram(c, name, "juliet", "wrong", bindings[i % 3]));
		CHECK(!client_scram(c, name, "nobody", FAKE_PASSWORD, bindings[i % 3]));
		CHECK(client_scram(c, name, "JULIET", FAKE_PASSWORD, bindings[i % 3]));
		client_open(c);
		client_free(c);
	}
	CHECK(atomic_load(&fake_succeeded) == 9);
	CHECK(atomic_load(&fake_seen[LINK_AUTH_OUTCOME]) == 27);
}

static void
each_scram_mechanism_works_with_each_channel_binding(void **state)
{
	stream_test_run(every_mechanism);
}

static void
plain(void)
{
	struct client *c = client_new(true);

	client_open(c);
	client_plain(c, "juliet", "wrong");
	client_expect(c, FAILURE("not-authorized"));
	client_plain(c, "nobody", FAKE_PASSWORD);
	client_expect(c, FAILURE("not-authorized"));
	client_plain(c, "juliet", FAKE_PASSWORD);
	client_expect(c, SUCCESS);
	client_open(c);
	client_send(c, PING("1"));
	client_expect(c, PONG("1"));
	client_free(c);
}

static void
plain_checks_the_password_in_the_pool(void **state)
{
	stream_test_run(plain);
}

static void
plain_without_initial_response(void)
{
	struct client *c = client_new(true);

	client_open(c);
	client_send(c, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>");
	client_expect(c, "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
	/* \0juliet\0secret */
	client_send(
		c,
		"<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>AGp1bGlldABzZWNyZXQ=</response>");
	client_expect(c, SUCCESS);
	client_free(c);
}

static void
an_exchange_may_begin_with_an_empty_challenge(void **state)
{
	stream_test_run(plain_without_initial_response);
}

static void
log_in_far_away(void)
{
	struct client *c;

	link_place("juliet@a.example", 2);
	c = client_new(false);
	client_log_in(c);
	CHECK(atomic_load(&fake_attach_worker) == 2);
	for (unsigned i = 0; i < 50; i++)
		client_send(c, PING("1"));
	for (unsigned i = 0; i < 50; i++)
		client_expect(c, PONG("1"));
	client_send(c, PING("2") "</stream:stream>");
	client_expect(c, PONG("2") "</stream:stream>");
	client_expect_end(c);
	client_free(c);
}

static void
a_connection_moves_to_the_home_of_its_account(void **state)
{
	stream_test_workers = 4;
	stream_test_run(log_in_far_away);
}

/* --- What is offered ------------------------------------------------------------------ */

static void
features(void)
{
	struct client *c = client_new(false);
	const char *got;

	client_send(c, HEADER("a.example"));
	got = client_until(c, "</stream:features>");
	CHECK(strstr(got,
	             "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
	             "xmlns:stream='http://etherx.jabber.org/streams' from='a.example' id='") ==
	      got);
	/* RFC 6120 5.3.1: nothing beside it while it is mandatory. */
	CHECK(strstr(got, " version='1.0' xml:lang='en'><stream:features><starttls "
	                  "xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
	                  "</stream:features>"));
	client_send(c, STARTTLS);
	client_expect(c, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	client_shake_hands(c);
	client_send(c, HEADER("a.example"));
	got = client_until(c, "</stream:features>");
	CHECK(strstr(
		got,
		"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
		"<mechanism>SCRAM-SHA-512-PLUS</mechanism>"
		"<mechanism>SCRAM-SHA-256-PLUS</mechanism>"
		"<mechanism>SCRAM-SHA-1-PLUS</mechanism>"
		"<mechanism>SCRAM-SHA-512</mechanism>"
		"<mechanism>SCRAM-SHA-256</mechanism>"
		"<mechanism>SCRAM-SHA-1</mechanism>"
		"<mechanism>PLAIN</mechanism></mechanisms>"
		"<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
		"<channel-binding type='tls-exporter'/>"
		"<channel-binding type='tls-server-end-point'/></sasl-channel-binding>"
		"<register xmlns='http://jabber.org/features/iq-register'/>"
		"<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>16384</max-bytes></limits>"
		"</stream:features>"));
	CHECK(client_scram(c, "SCRAM-SHA-256", "juliet", FAKE_PASSWORD, NULL));
	client_send(c, HEADER("a.example"));
	got = client_until(c, "</stream:features>");
	CHECK(strstr(got, "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
	                  "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>524288</max-bytes>"
	                  "<idle-seconds>600</idle-seconds></limits></stream:features>"));
	client_free(c);
}

static void
features_come_in_order(void **state)
{
	stream_test_run(features);
}

static void
tls_is_optional(void)
{
	struct client *c = client_new(false);
	const char *got;

	client_send(c, HEADER("a.example"));
	got = client_until(c, "</stream:features>");
	CHECK(strstr(got, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'></starttls>"));
	CHECK(strstr(got, "<mechanism>SCRAM-SHA-1</mechanism>"));
	CHECK(!strstr(got, "PLUS") && !strstr(got, "PLAIN"));
	client_plain(c, "juliet", FAKE_PASSWORD);
	client_expect(c, FAILURE("encryption-required"));
	CHECK(client_scram(c, "SCRAM-SHA-256", "juliet", FAKE_PASSWORD, NULL));
	client_open(c);
	client_send(c, PING("1"));
	client_expect(c, PONG("1"));
	client_free(c);
}

static void
without_tls_there_is_scram_only(void **state)
{
	stream_test_settings.require_tls = false;
	stream_test_run(tls_is_optional);
}

/* --- What is refused ------------------------------------------------------------------- */

static void
bad_headers(void)
{
	static const struct {
		const char *sent, *cond;
	} cases[] = {
		{ HEADER("nowhere.example"), "host-unknown" },
		{ HEADER("a..example"), "host-unknown" },
		{ HEADER(""), "improper-addressing" },
		{ "<stream:stream to='a.example' version='0.9' xmlns='jabber:client' "
		  "xmlns:stream='http://etherx.jabber.org/streams'>",
		  "unsupported-version" },
		{ "<stream:stream to='a.example' version='1.0' xmlns='jabber:server' "
		  "xmlns:stream='http://etherx.jabber.org/streams'>",
		  "invalid-namespace" },
		{ "<stream:stream to='a.example' version='1.0' xmlns='jabber:client' "
		  "xmlns:stream='http://wrong.example/'>",
		  "invalid-namespace" },
		{ "<stream:string to='a.example' version='1.0' xmlns='jabber:client' "
		  "xmlns:stream='http://etherx.jabber.org/streams'>",
		  "bad-format" },
		{ "GET / HTTP/1.1\r\n", "not-well-formed" },
		{ "<!DOCTYPE s>", "restricted-xml" },
		{ "<?xml version='1.0' encoding='ISO-8859-1'?>", "unsupported-encoding" },
	};

	for (unsigned i = 0; i < HM_COUNT(cases); i++) {
		struct client *c = client_new(false);

		client_send(c, cases[i].sent);
		/* Always inside a stream of a host that exists. */
		client_until(c, "from='a.example'");
		expect_error(c, cases[i].cond);
		client_free(c);
	}
}

static void
a_wrong_header_is_answered_with_a_header_and_an_error(void **state)
{
	stream_test_run(bad_headers);
}

static void
bad_elements(void)
{
	static const struct {
		const char *sent, *cond;
	} cases[] = {
		{ "<message to='juliet@a.example'><body>hi</body></message>", "not-authorized" },
		{ "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
		  "not-authorized" },
		{ "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>AAAA</response>",
		  "not-authorized" },
		{ "<a><b></a>", "not-well-formed" },
		{ "hello<a/>", "bad-format" },
		{ "<!-- c -->", "restricted-xml" },
		{ STARTTLS " ", "policy-violation" },
		{ STARTTLS "<message/>", "policy-violation" },
	};

	for (unsigned i = 0; i < HM_COUNT(cases); i++) {
		struct client *c = client_new(false);

		client_open(c);
		client_send(c, cases[i].sent);
		expect_error(c, cases[i].cond);
		client_free(c);
	}
}

static void
before_authentication_nearly_nothing_is_accepted(void **state)
{
	stream_test_run(bad_elements);
}

static void
too_much(void)
{
	struct client *c = client_new(false);
	char *spaces = mem_alloc(200001);

	memset(spaces, ' ', 200000);
	spaces[200000] = '\0';
	client_send(c, spaces);
	expect_error(c, "policy-violation");
	client_free(c);
	memset(spaces, 'x', 20000);
	memcpy(spaces, "<a>", 3);
	spaces[20000] = '\0';
	c = client_new(false);
	client_open(c);
	client_send(c, spaces);
	expect_error(c, "policy-violation");
	client_free(c);
	mem_free(spaces);
}

static void
who_sends_too_much_before_logging_in_is_refused(void **state)
{
	stream_test_run(too_much);
}

static void
starttls_twice(void)
{
	struct client *c = client_new(true);

	client_open(c);
	client_send(c, STARTTLS);
	client_expect(c, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
	client_expect_end(c);
	client_free(c);
}

static void
starttls_under_tls_fails(void **state)
{
	stream_test_run(starttls_twice);
}

static void
bad_sasl(void)
{
	static const struct {
		const char *sent, *cond;
	} cases[] = {
		{ AUTH("X-NONE") "AAAA</auth>", "invalid-mechanism" },
		{ AUTH("plain") "AGEAYg==</auth>", "invalid-mechanism" },
		{ "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>AAAA</auth>",
		  "invalid-mechanism" },
		{ AUTH("PLAIN") "!!!</auth>", "incorrect-encoding" },
		{ AUTH("PLAIN") "AGEA Yg==</auth>", "incorrect-encoding" },
		{ AUTH("PLAIN") "=</auth>", "malformed-request" },
		/* juliet@a.example as somebody else: romeo@a.example\0juliet\0secret */
		{ AUTH("PLAIN") "cm9tZW9AYS5leGFtcGxlAGp1bGlldABzZWNyZXQ=</auth>",
		  "invalid-authzid" },
		/* \0a@b\0secret */
		{ AUTH("PLAIN") "AGFAYgBzZWNyZXQ=</auth>", "not-authorized" },
		/* n,,n=juliet,r=abcdefgh where -PLUS demands a binding, and p= where nothing is bound */
		{ AUTH("SCRAM-SHA-256-PLUS") "biwsbj1qdWxpZXQscj1hYmNkZWZnaA==</auth>",
		  "malformed-request" },
		{ AUTH("SCRAM-SHA-256") "cD10bHMtZXhwb3J0ZXIsLG49anVsaWV0LHI9YWJjZGVmZ2g=</auth>",
		  "malformed-request" },
		/* p=tls-unknown,,n=juliet,r=abcdefgh */
		{ AUTH("SCRAM-SHA-256-PLUS") "cD10bHMtdW5rbm93biwsbj1qdWxpZXQscj1hYmNkZWZnaA==</auth>",
		  "not-authorized" },
		/* y,,n=juliet,r=abcdefgh: somebody has removed -PLUS from the offer */
		{ AUTH("SCRAM-SHA-256") "eSwsbj1qdWxpZXQscj1hYmNkZWZnaA==</auth>",
		  "not-authorized" },
		/* \0unavailable\0x */
		{ AUTH("PLAIN") "AHVuYXZhaWxhYmxlAHg=</auth>", "temporary-auth-failure" },
		{ "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "aborted" },
	};

	for (unsigned i = 0; i < HM_COUNT(cases); i++) {
		struct client *c = client_new(true);
		char wanted[128];

		client_open(c);
		client_send(c, cases[i].sent);
		snprintf(wanted, sizeof(wanted), FAILURE("%s"), cases[i].cond);
		client_expect(c, wanted);
		/* Another try is possible. */
		CHECK(client_scram(c, "SCRAM-SHA-512", "juliet", FAKE_PASSWORD, NULL));
		client_free(c);
	}
}

static void
each_fault_of_sasl_has_its_condition(void **state)
{
	stream_test_run(bad_sasl);
}

static void
weak_mechanism(void)
{
	struct client *c = client_new(true);

	client_open(c);
	client_plain(c, "juliet", FAKE_PASSWORD);
	client_expect(c, FAILURE("mechanism-too-weak"));
	CHECK(client_scram(c, "SCRAM-SHA-256-PLUS", "juliet", FAKE_PASSWORD, "tls-exporter"));
	client_free(c);
}

static void
a_mechanism_that_is_not_configured_is_too_weak(void **state)
{
	static const char *const only[] = { "SCRAM-SHA-256" };

	stream_test_settings.mechanisms = (struct hm_conf_list){ only, 1 };
	stream_test_run(weak_mechanism);
}

static void
abort_and_replace(void)
{
	struct client *c = client_new(true);

	client_open(c);
	client_send(c, AUTH("SCRAM-SHA-1") "biwsbj1qdWxpZXQscj1hYmNkZWZnaA==</auth>"
	                                   "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
	client_until(c, "</challenge>");
	client_expect(c, FAILURE("aborted"));
	client_send(c, AUTH("SCRAM-SHA-1") "biwsbj1qdWxpZXQscj1hYmNkZWZnaA==</auth>");
	client_until(c, "</challenge>");
	CHECK(client_scram(c, "SCRAM-SHA-1", "juliet", FAKE_PASSWORD, NULL));
	client_free(c);
}

static void
an_exchange_can_be_aborted_and_replaced(void **state)
{
	stream_test_run(abort_and_replace);
}

static void
many_attempts(void)
{
	struct client *c = client_new(true);

	client_open(c);
	for (unsigned i = 0; i < 5; i++)
		client_plain(c, "juliet", "wrong");
	for (unsigned i = 0; i < 4; i++)
		client_expect(c, FAILURE("not-authorized"));
	expect_error(c, "policy-violation");
	client_free(c);
	CHECK(atomic_load(&fake_seen[LINK_LOOK_UP]) == 4);
	c = client_new(true);
	client_open(c);
	client_plain(c, "limited", "x");
	client_expect(c, FAILURE("temporary-auth-failure"));
	expect_error(c, "policy-violation");
	client_free(c);
}

static void
attempts_are_limited(void **state)
{
	stream_test_run(many_attempts);
}

static void
pipelined(void)
{
	struct client *c = client_new(true);

	/* Behind a login that fails it is read in its turn ... */
	client_open(c);
	client_send(c, AUTH("PLAIN") "AGp1bGlldAB3cm9uZw==</auth><message/>");
	client_expect(c, FAILURE("not-authorized"));
	expect_error(c, "not-authorized");
	client_free(c);
	/* ... behind one that succeeds it does not count as authenticated. */
	c = client_new(true);
	client_open(c);
	client_send(c, AUTH("PLAIN") "AGp1bGlldABzZWNyZXQ=</auth>" HEADER("a.example"));
	expect_error(c, "policy-violation");
	client_free(c);
	CHECK(atomic_load(&fake_seen[LINK_IN]) == 0);
	/* White space is no data. */
	c = client_new(true);
	client_open(c);
	client_send(c, AUTH("PLAIN") "AGp1bGlldABzZWNyZXQ=</auth>\n ");
	client_expect(c, SUCCESS);
	client_free(c);
}

static void
nothing_sent_before_success_counts_as_sent_after_it(void **state)
{
	stream_test_run(pipelined);
}

static void
wrong_identity(void)
{
	static const struct {
		const char *header, *cond;
	} cases[] = {
		{ HEADER("b.example"), "host-unknown" },
		{ "<stream:stream to='a.example' from='romeo@a.example' version='1.0' "
		  "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
		  "invalid-from" },
	};

	for (unsigned i = 0; i < HM_COUNT(cases); i++) {
		struct client *c = client_new(true);

		client_open(c);
		CHECK(client_scram(c, "SCRAM-SHA-256", "juliet", FAKE_PASSWORD, NULL));
		client_send(c, cases[i].header);
		expect_error(c, cases[i].cond);
		client_free(c);
	}
	CHECK(atomic_load(&fake_closed[LINK_CLOSED_FAULT]) == HM_COUNT(cases));
}

static void
after_authentication_the_header_must_be_of_that_account(void **state)
{
	stream_test_run(wrong_identity);
}

/* --- Strangers ------------------------------------------------------------------------------- */

static void
strangers(void)
{
	struct client *c = client_new(true);

	client_open(c);
	for (unsigned i = 0; i < 3; i++) {
		client_send(c, "<iq type='get' id='r'><query xmlns='jabber:iq:register'/></iq>");
		client_expect(c, PONG("r"));
	}
	CHECK(!client_scram(c, "SCRAM-SHA-256", "juliet", "wrong", NULL));
	client_send(c, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
	expect_error(c, "not-authorized");
	client_free(c);
	c = client_new(true);
	client_send(c, HEADER("b.example"));
	client_until(c, "</stream:features>");
	client_send(c, "<iq type='get' id='r'><query xmlns='jabber:iq:register'/></iq>");
	expect_error(c, "not-authorized");
	client_free(c);
	CHECK(atomic_load(&fake_seen[LINK_STRANGER_IQ]) == 4);
}

static void
strangers_may_ask_where_the_host_lets_them(void **state)
{
	stream_test_run(strangers);
}

/* --- An open stream ---------------------------------------------------------------------------- */

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
		expect_error(c, cases[i].cond);
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
		stream_test_on(0, nothing);
	stream_test_on(0, nothing);
	CHECK(atomic_load(&fake_closed[LINK_CLOSED_LOST]) == 1);
	CHECK(atomic_load(&fake_seen[LINK_CLOSED]) == 1);
}

static void
a_lost_connection_is_told_to_the_session(void **state)
{
	stream_test_run(dropped);
}

static void
without_credit(void)
{
	struct client *c = client_new(true);

	client_log_in(c);
	atomic_store(&fake_no_credit, true);
	for (unsigned i = 0; i < 100; i++)
		client_send(c, PING("1"));
	/* Only so many are read ... */
	for (unsigned i = 0; i < 64; i++)
		client_expect(c, PONG("1"));
	for (unsigned i = 0; i < 10; i++)
		stream_test_on(0, nothing);
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
	struct client *c = client_new(true);

	client_log_in(c);
	atomic_store(&fake_no_credit, true);
	for (unsigned i = 0; i < 100; i++)
		client_send(c, PING("1"));
	for (unsigned i = 0; i < 64; i++)
		client_expect(c, PONG("1"));
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
		stream_test_on(0, nothing);
	CHECK(atomic_load(&fake_seen[LINK_IN]) < 5);
	for (unsigned i = 0; i < 40 && atomic_load(&fake_seen[LINK_IN]) < 5; i++) {
		advance(1000);
		stream_test_on(0, nothing);
		stream_test_on(0, nothing);
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
		stream_test_on(0, nothing);
	CHECK(stream_count() == 0);
	stream_test_on(0, nothing);
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

/* --- Time --------------------------------------------------------------------------------------- */

static void
idle(void)
{
	struct client *c = client_new(true);

	client_log_in(c);
	advance(400 * 1000);
	client_send(c, " " PING("1"));
	client_expect(c, PONG("1"));
	advance(400 * 1000);
	stream_test_on(0, nothing);
	stream_test_on(0, nothing);
	CHECK(atomic_load(&fake_seen[LINK_IDLE]) == 0);
	advance(201 * 1000);
	for (unsigned i = 0; i < 100 && atomic_load(&fake_seen[LINK_IDLE]) == 0; i++)
		stream_test_on(0, nothing);
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
too_slow(void)
{
	struct client *c = client_new(false);

	client_send(c, "<?xml version='1.0'?>");
	stream_test_on(0, nothing);
	advance(31000);
	expect_error(c, "connection-timeout");
	client_free(c);
	/* Bytes now and then don't help. */
	c = client_new(false);
	client_open(c);
	advance(29000);
	client_send(c, " ");
	stream_test_on(0, nothing);
	advance(2000);
	expect_error(c, "connection-timeout");
	client_free(c);
	/* A handshake that is never finished. */
	c = client_new(false);
	client_open(c);
	client_send(c, STARTTLS);
	client_expect(c, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	client_send(c, "\x16\x03\x01");
	stream_test_on(0, nothing);
	advance(31000);
	client_expect_end(c);
	client_free(c);
}

static void
who_does_not_log_in_in_time_is_closed(void **state)
{
	stream_test_run(too_slow);
}

/* --- Limits, reload, the end ---------------------------------------------------------------------- */

static void
many_connections(void)
{
	struct client *a = client_new(false), *b = client_new(false), *c;

	client_open(a);
	client_open(b);
	c = client_new(false);
	client_expect_end(c);
	client_free(c);
	/* Who has logged in does not count. */
	client_free(b);
	for (unsigned i = 0; i < 1000 && stream_count() > 1; i++)
		stream_test_on(0, nothing);
	b = client_new(true);
	client_log_in(b);
	c = client_new(false);
	client_open(c);
	client_free(a);
	client_free(b);
	client_free(c);
}

static void
one_address_has_few_unauthenticated_connections(void **state)
{
	stream_test_settings.max_unauthenticated_per_address = 2;
	stream_test_run(many_connections);
}

static void
reload(void)
{
	struct client *old = client_new(true), *c;
	struct stream_settings settings;
	struct stream_tls tls = { 0 };

	client_log_in(old);
	fake_settings(&settings);
	settings.require_tls = false;
	stream_reload(&settings, &tls);
	stream_test_on(0, nothing);
	c = client_new(false);
	client_send(c, HEADER("a.example"));
	CHECK(strstr(client_until(c, "</stream:features>"), "<stream:features><mechanisms"));
	client_send(old, PING("1"));
	client_expect(old, PONG("1"));
	client_free(c);
	client_free(old);
}

static void
new_settings_are_for_new_connections(void **state)
{
	stream_test_run(reload);
}

static void
shut_down(void)
{
	struct client *a = client_new(true), *b = client_new(false);

	client_log_in(a);
	client_open(b);
	stream_test_on(0, stream_stop_here);
	expect_error(a, "system-shutdown");
	expect_error(b, "system-shutdown");
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
		cmocka_unit_test(a_client_logs_in_over_starttls),
		cmocka_unit_test(a_client_logs_in_on_the_port_with_tls_at_once),
		cmocka_unit_test(each_scram_mechanism_works_with_each_channel_binding),
		cmocka_unit_test(plain_checks_the_password_in_the_pool),
		cmocka_unit_test(an_exchange_may_begin_with_an_empty_challenge),
		cmocka_unit_test(a_connection_moves_to_the_home_of_its_account),
		cmocka_unit_test(features_come_in_order),
		cmocka_unit_test(without_tls_there_is_scram_only),
		cmocka_unit_test(a_wrong_header_is_answered_with_a_header_and_an_error),
		cmocka_unit_test(before_authentication_nearly_nothing_is_accepted),
		cmocka_unit_test(who_sends_too_much_before_logging_in_is_refused),
		cmocka_unit_test(starttls_under_tls_fails),
		cmocka_unit_test(each_fault_of_sasl_has_its_condition),
		cmocka_unit_test(a_mechanism_that_is_not_configured_is_too_weak),
		cmocka_unit_test(an_exchange_can_be_aborted_and_replaced),
		cmocka_unit_test(attempts_are_limited),
		cmocka_unit_test(nothing_sent_before_success_counts_as_sent_after_it),
		cmocka_unit_test(after_authentication_the_header_must_be_of_that_account),
		cmocka_unit_test(strangers_may_ask_where_the_host_lets_them),
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
		cmocka_unit_test(who_does_not_log_in_in_time_is_closed),
		cmocka_unit_test(one_address_has_few_unauthenticated_connections),
		cmocka_unit_test(new_settings_are_for_new_connections),
		cmocka_unit_test(a_worker_that_stops_says_so_to_all),
	};

	return cmocka_run_group_tests(tests, stream_test_begin, stream_test_end);
}
