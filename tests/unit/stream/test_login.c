/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* tests of src/stream: logging in, by SASL over real connections, to a fake core */
#include "stream_test.h"

#include <stdio.h>
#include <string.h>

#include "link/link.h"

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
	client_expect_error(c, "policy-violation");
	client_free(c);
	CHECK(atomic_load(&fake_seen[LINK_LOOK_UP]) == 4);
	c = client_new(true);
	client_open(c);
	client_plain(c, "limited", "x");
	client_expect(c, FAILURE("temporary-auth-failure"));
	client_expect_error(c, "policy-violation");
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
	client_expect_error(c, "not-authorized");
	client_free(c);
	/* ... behind one that succeeds it does not count as authenticated. */
	c = client_new(true);
	client_open(c);
	client_send(c, AUTH("PLAIN") "AGp1bGlldABzZWNyZXQ=</auth>" HEADER("a.example"));
	client_expect_error(c, "policy-violation");
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
		client_expect_error(c, cases[i].cond);
		client_free(c);
	}
	CHECK(atomic_load(&fake_closed[LINK_CLOSED_FAULT]) == HM_COUNT(cases));
}

static void
after_authentication_the_header_must_be_of_that_account(void **state)
{
	stream_test_run(wrong_identity);
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
		cmocka_unit_test(without_tls_there_is_scram_only),
		cmocka_unit_test(each_fault_of_sasl_has_its_condition),
		cmocka_unit_test(a_mechanism_that_is_not_configured_is_too_weak),
		cmocka_unit_test(an_exchange_can_be_aborted_and_replaced),
		cmocka_unit_test(attempts_are_limited),
		cmocka_unit_test(nothing_sent_before_success_counts_as_sent_after_it),
		cmocka_unit_test(after_authentication_the_header_must_be_of_that_account),
	};

	return cmocka_run_group_tests(tests, stream_test_begin, stream_test_end);
}
