/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* tests of src/stream: headers, features, STARTTLS, and who does not get further */
#include "stream_test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

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
		client_expect_error(c, cases[i].cond);
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
		client_expect_error(c, cases[i].cond);
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
	client_expect_error(c, "policy-violation");
	client_free(c);
	memset(spaces, 'x', 20000);
	memcpy(spaces, "<a>", 3);
	spaces[20000] = '\0';
	c = client_new(false);
	client_open(c);
	client_send(c, spaces);
	client_expect_error(c, "policy-violation");
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
	client_expect_error(c, "not-authorized");
	client_free(c);
	c = client_new(true);
	client_send(c, HEADER("b.example"));
	client_until(c, "</stream:features>");
	client_send(c, "<iq type='get' id='r'><query xmlns='jabber:iq:register'/></iq>");
	client_expect_error(c, "not-authorized");
	client_free(c);
	CHECK(atomic_load(&fake_seen[LINK_STRANGER_IQ]) == 4);
}

static void
strangers_may_ask_where_the_host_lets_them(void **state)
{
	stream_test_run(strangers);
}

static void
too_slow(void)
{
	struct client *c = client_new(false);

	client_send(c, "<?xml version='1.0'?>");
	stream_test_drain();
	stream_test_advance(31000);
	client_expect_error(c, "connection-timeout");
	client_free(c);
	/* Bytes now and then don't help. */
	c = client_new(false);
	client_open(c);
	stream_test_advance(29000);
	client_send(c, " ");
	stream_test_drain();
	stream_test_advance(2000);
	client_expect_error(c, "connection-timeout");
	client_free(c);
	/* A handshake that is never finished. */
	c = client_new(false);
	client_open(c);
	client_send(c, STARTTLS);
	client_expect(c, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	client_send(c, "\x16\x03\x01");
	stream_test_drain();
	stream_test_advance(31000);
	client_expect_end(c);
	client_free(c);
}

static void
who_does_not_log_in_in_time_is_closed(void **state)
{
	stream_test_run(too_slow);
}

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
		stream_test_drain();
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
	stream_reload(&settings, NULL, 0, &tls);
	stream_test_drain();
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(features_come_in_order),
		cmocka_unit_test(a_wrong_header_is_answered_with_a_header_and_an_error),
		cmocka_unit_test(before_authentication_nearly_nothing_is_accepted),
		cmocka_unit_test(who_sends_too_much_before_logging_in_is_refused),
		cmocka_unit_test(starttls_under_tls_fails),
		cmocka_unit_test(strangers_may_ask_where_the_host_lets_them),
		cmocka_unit_test(who_does_not_log_in_in_time_is_closed),
		cmocka_unit_test(one_address_has_few_unauthenticated_connections),
		cmocka_unit_test(new_settings_are_for_new_connections),
	};

	return cmocka_run_group_tests(tests, stream_test_begin, stream_test_end);
}
