/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Domains looked up with a DNS server of our own: what is tried, in which order, and what is said when nothing is. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "dns_server.h"
#include "loop/worker.h"
#include "net/resolver.h"
#include "net_test.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define S DNS_SERVER_SIGNED

static const struct dns_server_record table[] = {
	/* Both services, mixed by priority. */
	{ "_xmpp-server._tcp.both.example", "SRV", "20 0 5269 b.both.example" },
	{ "_xmpp-server._tcp.both.example", "SRV", "5 0 15269 a.both.example" },
	{ "_xmpps-server._tcp.both.example", "SRV", "10 0 5270 a.both.example" },
	{ "a.both.example", "A", "192.0.2.1" },
	{ "a.both.example", "A", "192.0.2.2" },
	{ "a.both.example", "AAAA", "2001:db8::1" },
	{ "b.both.example", "CNAME", "a.both.example" },
	/* No SRV records. */
	{ "plain.example", "A", "192.0.2.3" },
	{ "plain.example", "A", "0.0.0.0" },
	{ "plain.example", "A", "224.0.0.1" },
	{ "plain.example", "AAAA", "fe80::1" },
	{ "empty.example", "SRV", "0 0 1 nobody.example" },
	/* Not offered. */
	{ "_xmpp-server._tcp.none.example", "SRV", "0 0 0 ." },
	{ "none.example", "A", "192.0.2.4" },
	{ "_xmpps-server._tcp.nodirect.example", "SRV", "0 0 0 ." },
	{ "nodirect.example", "A", "192.0.2.4" },
	{ "_xmpps-server._tcp.starttls.example", "SRV", "0 0 0 ." },
	{ "_xmpp-server._tcp.starttls.example", "SRV", "0 0 5269 plain.example" },
	/* Broken. */
	{ "_xmpp-server._tcp.fail.example", "SRV", NULL, WAY_FAIL },
	{ "fail.example", "A", "192.0.2.5" },
	{ "_xmpps-server._tcp.half.example", "SRV", NULL, WAY_FAIL },
	{ "_xmpp-server._tcp.half.example", "SRV", "0 0 5269 plain.example" },
	{ "_xmpp-server._tcp.lost.example", "SRV", "1 0 5269 nowhere.example" },
	{ "_xmpp-server._tcp.silent.example", "SRV", NULL, WAY_ADVANCE },
	{ "_xmpp-server._tcp.slow.example", "SRV", "1 0 5269 slow.host.example" },
	{ "_xmpp-server._tcp.slow.example", "SRV", "2 0 5269 plain.example" },
	{ "slow.host.example", "A", NULL, WAY_SILENT },
	{ "slow.host.example", "AAAA", NULL, WAY_SILENT },
	/* Signed. */
	{ "_xmpp-server._tcp.good." S, "SRV", "1 0 5269 host." S },
	{ "_xmpp-server._tcp.good." S, "SRV", "2 0 5269 plain.example" },
	{ "host." S, "A", "192.0.2.6" },
	{ "_5269._tcp.host." S, "TLSA", "3 1 1 " HASH },
	{ "_5269._tcp.plain.example", "TLSA", "3 1 1 " HASH },
	{ "_xmpp-server._tcp.spoiled." S, "SRV", "1 0 5269 host." S, WAY_SPOIL },
	{ "_xmpp-server._tcp.bare." S, "SRV", "1 0 5269 host." S, WAY_UNSIGNED },
	{ "_xmpp-server._tcp.badhost." S, "SRV", "1 0 5269 spoiledhost." S },
	{ "_xmpp-server._tcp.badhost." S, "SRV", "2 0 5269 host." S },
	{ "spoiledhost." S, "A", "192.0.2.7", WAY_SPOIL },
	{ "_xmpp-server._tcp.badtlsa." S, "SRV", "1 0 5222 host." S },
	{ "_5222._tcp.host." S, "TLSA", "3 1 1 " HASH, WAY_SPOIL },
	{ "nosrv." S, "A", "192.0.2.8" },
	{ 0 }
};

/* --- Lookups, one after the other, on the last of the workers -------------------------------- */

#define DOMAINS_MAX 8

static struct {
	unsigned workers;
	const struct resolver_request *requests;
	size_t n, at;
	struct targets *targets[DOMAINS_MAX];
	struct mail mail;
	unsigned asked_before; /* questions before the third lookup */
} run;

static unsigned
asked_in_all(void)
{
	return dns_server_asked("plain.example") +
	       dns_server_asked("_xmpp-server._tcp.plain.example") +
	       dns_server_asked("missing.example") +
	       dns_server_asked("_xmpps-server._tcp.missing.example");
}

static void find_next(void);

static void
found(void *ctx, struct targets *take)
{
	CHECK(worker_self() == run.workers - 1);
	CHECK(ctx == &run);
	run.targets[run.at++] = take;
	find_next();
}

static void
find_next(void)
{
	if (run.at == run.n) {
		workers_stop();
		return;
	}
	if (run.at == 2)
		run.asked_before = asked_in_all();
	resolver_find(&run.requests[run.at], found, &run);
}

static void
begin(struct mail *mail)
{
	find_next();
}

static void
configure(const char *server)
{
	const struct dns_config config = { .servers = &server,
		                           .n_servers = 1,
		                           .trust_anchor = dns_server_anchor() };

	dns_configure(&config);
}

static void
find_all(unsigned workers, const struct resolver_request *requests, size_t n)
{
	struct hm_error why;

	run.workers = workers;
	run.requests = requests;
	run.n = n;
	run.at = 0;
	run.mail.run = begin;
	assert_true(workers_init(workers, &why));
	configure(dns_server_start(table));
	worker_post(workers - 1, &run.mail);
	workers_run();
	dns_server_stop(); /* it moves the clock and wakes the workers */
	dns_free();
	workers_free();
}

static void
end(void)
{
	for (size_t i = 0; i < run.n; i++)
		targets_free(&run.targets[i]);
}

static void
find(const char *domain)
{
	const struct resolver_request request = { .domain = domain, .timeout_ms = 30000 };

	find_all(2, &request, 1);
}

/* "a.example:5269 tls 192.0.2.1 192.0.2.2; ..." */
static const char *
shown(const struct targets *t)
{
	static char out[1024];
	struct buf b = { 0 };
	char text[TARGET_ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < t->n; i++) {
		const struct target *v = &t->v[i];

		buf_printf(&b, "%s%s:%u%s%s", i > 0 ? "; " : "", v->host, v->port,
		           v->direct_tls ? " tls" : "", v->secure ? " secure" : "");
		for (size_t k = 0; k < v->n_addresses; k++)
			buf_printf(&b, " %s", target_address_text(&v->address[k], text));
		if (v->n_tlsa > 0)
			buf_printf(&b, " tlsa=%zu", v->n_tlsa);
		if (v->trouble)
			buf_puts(&b, " TROUBLE");
	}
	snprintf(out, sizeof(out), "%s", b.data ? b.data : "");
	buf_free(&b);
	return out;
}

static void
expect_found(const char *domain, const char *what)
{
	find(domain);
	assert_string_equal(run.targets[0]->text, "");
	assert_string_equal(shown(run.targets[0]), what);
	assert_int_equal(run.targets[0]->found, TARGETS_FOUND);
	end();
}

static void
expect_failure(const char *domain, enum targets_found how, const char *text)
{
	find(domain);
	if (!strstr(run.targets[0]->text, text))
		assert_string_equal(run.targets[0]->text, text);
	assert_int_equal(run.targets[0]->found, how);
	end();
}

/* --- Tests ------------------------------------------------------------------------------------- */

static void
both_services_are_one_list(void **state)
{
	find("both.example");
	/* Records of one name come in any order. */
	assert_int_equal(run.targets[0]->n, 3);
	assert_int_equal(run.targets[0]->v[0].port, 15269);
	assert_false(run.targets[0]->v[0].direct_tls);
	assert_int_equal(run.targets[0]->v[1].port, 5270);
	assert_true(run.targets[0]->v[1].direct_tls);
	assert_int_equal(run.targets[0]->v[2].port, 5269);
	assert_string_equal(run.targets[0]->v[2].host, "b.both.example");
	for (size_t i = 0; i < 3; i++) {
		const struct target *t = &run.targets[0]->v[i];

		/* The alias has been followed; IPv6 first; the port is in the address. */
		assert_int_equal(t->n_addresses, 3);
		assert_int_equal(t->address[0].any.sa_family, AF_INET6);
		assert_int_equal(ntohs(t->address[0].in6.sin6_port), t->port);
		assert_int_equal(t->address[1].any.sa_family, AF_INET);
	}
	end();
}

static void
without_srv_the_domain_itself(void **state)
{
	expect_found("plain.example", "plain.example:5269 192.0.2.3");
	expect_found("PLAIN.example.", "plain.example:5269 192.0.2.3");
	expect_failure("empty.example", TARGETS_NO_ADDRESS, "has no address in the DNS");
	expect_failure("missing.example", TARGETS_NO_DOMAIN, "There is no domain missing.example");
}

static void
a_dot_means_no_service(void **state)
{
	expect_failure("none.example", TARGETS_NOT_OFFERED, "none.example says");
	expect_failure("nodirect.example", TARGETS_NOT_OFFERED, "nodirect.example says");
	expect_found("starttls.example", "plain.example:5269 192.0.2.3");
}

static void
faults_of_the_dns_are_no_answers(void **state)
{
	expect_failure("fail.example", TARGETS_DNS_FAILED,
	               "The SRV records of fail.example could not be had");
	expect_found("half.example", "plain.example:5269 192.0.2.3");
	expect_failure("lost.example", TARGETS_NO_ADDRESS, "there is no such name in the DNS");
	expect_failure("silent.example", TARGETS_TIMED_OUT, "did not tell in time");
}

static void
a_slow_target_holds_nobody_up(void **state)
{
	expect_found("slow.example",
	             "slow.host.example:5269 TROUBLE; plain.example:5269 192.0.2.3");
}

static void
signed_answers_are_told_apart(void **state)
{
	/* TLSA records count with a signed address only. */
	expect_found("good." S, "host." S ":5269 secure 192.0.2.6 tlsa=1; "
	                        "plain.example:5269 secure 192.0.2.3");
	expect_found("nosrv." S, "nosrv." S ":5269 192.0.2.8");
	expect_failure("spoiled." S, TARGETS_BOGUS, "fail DNSSEC validation");
	expect_failure("bare." S, TARGETS_BOGUS, "fail DNSSEC validation");
	expect_found("badhost." S, "spoiledhost." S ":5269 secure TROUBLE; "
	                           "host." S ":5269 secure 192.0.2.6 tlsa=1");
	expect_failure("badtlsa." S, TARGETS_BOGUS, "its TLSA records could not be had");
}

static void
tlsa_records_are_read(void **state)
{
	const struct target_tlsa *tlsa;

	find("good." S);
	tlsa = &run.targets[0]->v[0].tlsa[0];
	assert_int_equal(tlsa->usage, 3);
	assert_int_equal(tlsa->selector, 1);
	assert_int_equal(tlsa->matching, 1);
	assert_int_equal(tlsa->data.len, 32);
	assert_memory_equal(tlsa->data.data, "\x01\x23\x45\x67", 4);
	end();
}

static void
addresses_need_no_dns(void **state)
{
	expect_found("192.0.2.77", "192.0.2.77:5269 192.0.2.77");
	expect_found("[2001:db8::77]", "[2001:db8::77]:5269 2001:db8::77");
	expect_failure("b\\097d.example", TARGETS_BAD_DOMAIN, "is no name");
	expect_failure("..", TARGETS_BAD_DOMAIN, "is no name");
}

static void
what_the_caller_says_goes_first(void **state)
{
	const struct resolver_fixed fixed[] = { { "127.0.0.9", 7, true },
		                                { "plain.example", 8, false } };
	const struct resolver_request request = {
		.domain = "both.example", .fixed = fixed, .n_fixed = 2, .timeout_ms = 30000
	};

	find_all(1, &request, 1);
	assert_string_equal(shown(run.targets[0]),
	                    "127.0.0.9:7 tls 127.0.0.9; plain.example:8 192.0.2.3");
	assert_int_equal(dns_server_asked("_xmpp-server._tcp.both.example"), 0);
	end();
}

static void
answers_are_kept(void **state)
{
	const struct resolver_request requests[] = {
		{ .domain = "plain.example", .timeout_ms = 30000 },
		{ .domain = "missing.example", .timeout_ms = 30000 },
		{ .domain = "plain.example", .timeout_ms = 30000 },
		{ .domain = "missing.example", .timeout_ms = 30000 },
	};

	find_all(4, requests, 4);
	assert_int_equal(run.targets[2]->found, TARGETS_FOUND);
	assert_int_equal(run.targets[3]->found, TARGETS_NO_DOMAIN);
	assert_true(run.asked_before >= 5);
	assert_int_equal(asked_in_all(), run.asked_before);
	end();
}

static struct lookup *to_cancel[3];

static void
must_not_come(void *ctx, struct targets *take)
{
	CHECK(false);
}

/* At once, at the end of the turn with the questions under way, and with the answer waiting for its turn. */
static void
begin_and_cancel(struct mail *mail)
{
	static const char *const domains[] = { "both.example", "silent.example", "192.0.2.1" };

	for (size_t i = 0; i < HM_COUNT(domains); i++) {
		const struct resolver_request request = { domains[i], NULL, 0, 1000 };

		to_cancel[i] = resolver_find(&request, must_not_come, NULL);
		resolver_cancel(&to_cancel[i]);
		assert_null(to_cancel[i]);
	}
	find_next();
}

/* Nobody takes it: the workers end with the question under way. */
static void
begin_and_leave(struct mail *mail)
{
	static struct lookup *l;
	const struct resolver_request request = { "both.example", NULL, 0, 1000 };

	l = resolver_find(&request, must_not_come, NULL);
	resolver_cancel(&l);
	workers_stop();
}

static void
run_with(void (*first)(struct mail *mail), const struct resolver_request *requests, size_t n)
{
	struct hm_error why;

	run.workers = 2;
	run.requests = requests;
	run.n = n;
	run.at = 0;
	run.mail.run = first;
	assert_true(workers_init(2, &why));
	configure(dns_server_start(table));
	worker_post(1, &run.mail);
	workers_run();
	dns_server_stop(); /* it moves the clock and wakes the workers */
	dns_free();
	workers_free();
	end();
}

static void
a_lookup_can_be_left(void **state)
{
	const struct resolver_request request = { .domain = "plain.example", .timeout_ms = 30000 };

	run_with(begin_and_cancel, &request, 1);
	run_with(begin_and_leave, NULL, 0);
}

/* More at a time than libunbound is given, and more than one worker looks up. */
#define MANY 500

static unsigned many_found, many_busy;

static void
one_of_many(void *ctx, struct targets *take)
{
	if (take->found == TARGETS_BUSY)
		many_busy++;
	else
		many_found += CHECK(take->found == TARGETS_NO_DOMAIN);
	targets_free(&take);
	if (many_found + many_busy == MANY + 1)
		workers_stop();
}

static void
begin_many(struct mail *mail)
{
	for (unsigned i = 0; i <= MANY; i++) {
		char domain[32];
		const struct resolver_request request = { domain, NULL, 0, 30000 };

		snprintf(domain, sizeof(domain), "n%u.example", i);
		resolver_find(&request, one_of_many, NULL);
	}
}

static void
many_wait_in_line(void **state)
{
	many_found = many_busy = 0;
	run_with(begin_many, NULL, 0);
	assert_int_equal(many_busy, 1);
	assert_int_equal(many_found, MANY);
}

static unsigned reconfigured;

static void
first_found(void *ctx, struct targets *take)
{
	CHECK(take->found == TARGETS_FOUND);
	targets_free(&take);
	if (reconfigured++ == 0)
		configure(ctx);
	if (reconfigured == 3)
		workers_stop();
	else
		resolver_find(&run.requests[0], first_found, ctx);
}

static void
begin_reconfigured(struct mail *mail)
{
	resolver_find(&run.requests[0], first_found, mail + 1);
}

/* A reload forgets what was cached, and questions under way are answered all the same. */
static void
a_reload_asks_anew(void **state)
{
	static struct {
		struct mail mail;
		char server[32];
	} start;
	const struct resolver_request request = { .domain = "plain.example", .timeout_ms = 30000 };
	struct hm_error why;

	run.requests = &request;
	run.n = 0;
	reconfigured = 0;
	assert_true(workers_init(1, &why));
	snprintf(start.server, sizeof(start.server), "%s", dns_server_start(table));
	configure(start.server);
	start.mail.run = begin_reconfigured;
	worker_post(0, &start.mail);
	workers_run();
	dns_server_stop(); /* it moves the clock and wakes the workers */
	dns_free();
	workers_free();
	assert_true(dns_server_asked("_xmpp-server._tcp.plain.example") >= 2);
	end();
}

static void
servers_are_addresses(void **state)
{
	assert_true(dns_server_valid("192.0.2.1"));
	assert_true(dns_server_valid("2001:db8::1@5353"));
	assert_false(dns_server_valid("ns.example"));
	assert_false(dns_server_valid("192.0.2.1@"));
	assert_false(dns_server_valid("192.0.2.1@70000"));
	assert_false(dns_server_valid("192.0.2.1:53"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_services_are_one_list),
		cmocka_unit_test(without_srv_the_domain_itself),
		cmocka_unit_test(a_dot_means_no_service),
		cmocka_unit_test(faults_of_the_dns_are_no_answers),
		cmocka_unit_test(a_slow_target_holds_nobody_up),
		cmocka_unit_test(signed_answers_are_told_apart),
		cmocka_unit_test(tlsa_records_are_read),
		cmocka_unit_test(addresses_need_no_dns),
		cmocka_unit_test(what_the_caller_says_goes_first),
		cmocka_unit_test(answers_are_kept),
		cmocka_unit_test(a_lookup_can_be_left),
		cmocka_unit_test(many_wait_in_line),
		cmocka_unit_test(a_reload_asks_anew),
		cmocka_unit_test(servers_are_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
