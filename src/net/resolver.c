/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/resolver.c - a lookup has two rounds of questions: for SRV records, both services at once; then for the
 * addresses and TLSA records of all targets at once.
 */
#include "net/resolver.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "loop/timer.h"
#include "loop/worker.h"

/* What one worker looks up at a time; beyond it the answer is "busy". */
#define LOOKUPS_MAX 500
/* How long the rest is waited for once something can be tried. */
#define REST_MS 1000

enum { SRV_DIRECT, SRV_STARTTLS, SRV_SERVICES };
enum { ASK_AAAA, ASK_A, ASK_TLSA, ASKS_OF_TARGET };

/* One question. */
struct ask {
	struct lookup *lookup;
	struct dns_query *query; /* NULL: answered, or never asked */
	enum dns_outcome outcome;
	bool asked, secure;
	const char *text; /* why it failed; in the arena */
};

struct lookup {
	struct targets *t;
	resolver_done_fn *done;
	void *ctx;
	struct timer deadline, rest;
	struct turn_end finish;
	unsigned open; /* questions */
	bool refused;  /* a record says that the service is not offered */
	size_t n_found;
	struct target *found[SRV_SERVICES * DNS_RECORDS_MAX]; /* in the arena */
	struct ask srv[SRV_SERVICES];
	struct ask of_target[TARGETS_MAX][ASKS_OF_TARGET];
};

static _Thread_local unsigned lookups;

static void
drop_questions(struct lookup *l)
{
	for (size_t i = 0; i < SRV_SERVICES; i++)
		dns_cancel(&l->srv[i].query);
	for (size_t i = 0; i < TARGETS_MAX; i++) {
		for (size_t k = 0; k < ASKS_OF_TARGET; k++)
			dns_cancel(&l->of_target[i][k].query);
	}
}

static void
lookup_free(struct lookup **pl)
{
	struct lookup *l = *pl;

	*pl = NULL;
	drop_questions(l);
	timer_stop(&l->deadline);
	timer_stop(&l->rest);
	worker_cancel_turn_end(&l->finish);
	targets_free(&l->t);
	mem_free(l);
	lookups--;
}

/* --- The end ------------------------------------------------------------------------------- */

static void
finish(struct turn_end *te)
{
	struct lookup *l = HM_CONTAINER(te, struct lookup, finish);
	struct targets *t = l->t;
	resolver_done_fn *done = l->done;
	void *ctx = l->ctx;

	l->t = NULL;
	lookup_free(&l);
	done(ctx, t);
}

/* Never calls back from inside. */
static void
end(struct lookup *l, enum targets_found found)
{
	drop_questions(l);
	timer_stop(&l->deadline);
	timer_stop(&l->rest);
	l->t->found = found;
	l->finish.run = finish;
	worker_at_turn_end(&l->finish);
}

__attribute__((format(printf, 3, 4))) static void
fail(struct lookup *l, enum targets_found found, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(l->t->text, sizeof(l->t->text), fmt, args);
	va_end(args);
	end(l, found);
}

static void
deadline_passed(struct timer *timer)
{
	struct lookup *l = HM_CONTAINER(timer, struct lookup, deadline);

	fail(l, TARGETS_TIMED_OUT, "The servers of the DNS did not tell in time where %s is.",
	     l->t->domain);
}

/* --- Questions -------------------------------------------------------------------------------- */

static void
ask(struct lookup *l, struct ask *a, const char *name, enum dns_type type, dns_done_fn *done)
{
	a->lookup = l;
	a->asked = true;
	a->outcome = DNS_FAILED;
	a->text = "no answer in time";
	a->query = dns_ask(name, type, done, a);
	l->open++;
}

static struct lookup *
take_answer(struct ask *a, const struct dns_answer *answer)
{
	struct lookup *l = a->lookup;

	a->query = NULL;
	a->outcome = answer->outcome;
	a->secure = answer->secure;
	a->text = answer->text ? arena_strdup(l->t->arena, answer->text) : NULL;
	l->open--;
	return l;
}

static bool
failed(const struct ask *a)
{
	return a->asked && (a->outcome == DNS_FAILED || a->outcome == DNS_BOGUS);
}

/* --- Second round: addresses -------------------------------------------------------------------- */

/* RFC 7673 3.2, 3.4: a target whose answers were tampered with, or whose TLSA records are kept from us, is left out. */
static const char *
trouble_of(const struct ask a[ASKS_OF_TARGET], const struct target *t, struct arena *arena)
{
	bool secure = a[ASK_A].secure || a[ASK_AAAA].secure;

	for (size_t i = ASK_AAAA; i <= ASK_A; i++) {
		if (a[i].asked && a[i].outcome == DNS_BOGUS)
			return arena_printf(arena, "its addresses fail DNSSEC validation: %s",
			                    a[i].text);
	}
	if (t->n_addresses > 0)
		return secure && failed(&a[ASK_TLSA])
		               ? arena_printf(arena, "its TLSA records could not be had: %s",
		                              a[ASK_TLSA].text)
		               : NULL;
	for (size_t i = ASK_AAAA; i <= ASK_A; i++) {
		if (failed(&a[i]))
			return arena_printf(arena, "its addresses could not be had: %s", a[i].text);
	}
	return a[ASK_A].outcome == DNS_NO_NAME ? "there is no such name in the DNS"
	                                       : "it has no address in the DNS";
}

static enum targets_found
worst(const struct lookup *l)
{
	enum targets_found found = TARGETS_NO_ADDRESS;

	for (size_t i = 0; i < l->t->n; i++) {
		for (size_t k = 0; k < ASKS_OF_TARGET; k++) {
			const struct ask *a = &l->of_target[i][k];

			if (a->asked && a->outcome == DNS_BOGUS)
				return TARGETS_BOGUS;
			if (failed(a))
				found = TARGETS_DNS_FAILED;
		}
	}
	return found;
}

static void
nothing_found(struct lookup *l)
{
	const struct target *t = &l->t->v[0];
	enum targets_found found = worst(l);

	if (found == TARGETS_NO_ADDRESS && t->source == TARGET_DOMAIN &&
	    l->of_target[0][ASK_A].outcome == DNS_NO_NAME)
		fail(l, TARGETS_NO_DOMAIN, "There is no domain %s in the DNS.", l->t->domain);
	else if (t->source == TARGET_DOMAIN)
		fail(l, found,
		     "The domain %s has no SRV records for servers; as for the domain itself, %s.",
		     l->t->domain, t->trouble);
	else
		fail(l, found, "The server of %s cannot be reached; as for %s%s, %s.", l->t->domain,
		     t->host, l->t->n > 1 ? ", the first of several" : "", t->trouble);
}

static void
settle(struct lookup *l)
{
	bool some = false;

	drop_questions(l);
	for (size_t i = 0; i < l->t->n; i++) {
		struct target *t = &l->t->v[i];
		const struct ask *a = l->of_target[i];

		if (!a[ASK_A].asked) {
			some = true;
			continue;
		}
		t->trouble = trouble_of(a, t, l->t->arena);
		if (t->trouble)
			t->n_addresses = 0;
		if (!(a[ASK_A].secure || a[ASK_AAAA].secure))
			t->n_tlsa = 0;
		target_interleave(t);
		some = some || t->n_addresses > 0;
	}
	if (some)
		end(l, TARGETS_FOUND);
	else
		nothing_found(l);
}

static void
rest_passed(struct timer *timer)
{
	settle(HM_CONTAINER(timer, struct lookup, rest));
}

static struct target *
target_of(struct ask *a, size_t *which)
{
	size_t i = (size_t)(a - &a->lookup->of_target[0][0]);

	*which = i % ASKS_OF_TARGET;
	return &a->lookup->t->v[i / ASKS_OF_TARGET];
}

static void
of_target_came(void *ctx, const struct dns_answer *answer)
{
	struct ask *a = ctx;
	struct lookup *l = take_answer(a, answer);
	size_t which;
	struct target *t = target_of(a, &which);

	for (size_t i = 0; answer->outcome == DNS_RECORDS && i < answer->n; i++) {
		if (which != ASK_TLSA)
			target_add_address(t, which == ASK_A ? DNS_A : DNS_AAAA,
			                   &answer->record[i]);
		else if (answer->secure && t->n_tlsa < TARGET_TLSA_MAX &&
		         target_read_tlsa(&answer->record[i], l->t->arena, &t->tlsa[t->n_tlsa]))
			t->n_tlsa++;
	}
	if (l->open == 0)
		settle(l);
	else if (t->n_addresses > 0 && !timer_running(&l->rest))
		timer_start(&l->rest, REST_MS, rest_passed);
}

static void
ask_of_target(struct lookup *l, size_t i)
{
	const struct target *t = &l->t->v[i];
	struct ask *a = l->of_target[i];
	char name[sizeof("_65535._tcp.") + DNS_NAME_MAX];

	ask(l, &a[ASK_AAAA], t->host, DNS_AAAA, of_target_came);
	ask(l, &a[ASK_A], t->host, DNS_A, of_target_came);
	if (!t->secure)
		return;
	snprintf(name, sizeof(name), "_%u._tcp.%s", t->port, t->host);
	if (strlen(name) <= DNS_NAME_MAX)
		ask(l, &a[ASK_TLSA], name, DNS_TLSA, of_target_came);
}

/* What is no address already is asked for. */
static void
find_addresses(struct lookup *l)
{
	for (size_t i = 0; i < l->t->n; i++) {
		if (l->t->v[i].n_addresses == 0)
			ask_of_target(l, i);
	}
	if (l->open == 0)
		settle(l);
}

static struct target *
add_target(struct lookup *l, enum targets_source source, const char *host, uint16_t port)
{
	struct target *t = &l->t->v[l->t->n++];

	t->source = source;
	t->port = port;
	snprintf(t->host, sizeof(t->host), "%s", host);
	return t;
}

/* --- First round: SRV records ------------------------------------------------------------------ */

static void
take_srv(struct lookup *l, const struct dns_answer *answer, bool direct_tls)
{
	for (size_t i = 0; i < answer->n; i++) {
		struct target *t = arena_new_of(l->t->arena, struct target);

		if (!target_read_srv(&answer->record[i], t))
			continue;
		if (!t->host[0]) {
			l->refused = true;
			continue;
		}
		t->direct_tls = direct_tls;
		t->secure = answer->secure;
		l->found[l->n_found++] = t;
	}
}

/* Both services are answered. */
static void
srv_complete(struct lookup *l)
{
	const struct ask *direct = &l->srv[SRV_DIRECT], *starttls = &l->srv[SRV_STARTTLS];
	const struct ask *bad = direct->outcome == DNS_BOGUS ? direct : starttls;

	if (bad->outcome == DNS_BOGUS) {
		fail(l, TARGETS_BOGUS, "The SRV records of %s fail DNSSEC validation: %s.",
		     l->t->domain, bad->text);
		return;
	}
	if (l->n_found > 0) {
		targets_sort(l->found, l->n_found);
		for (size_t i = 0; i < l->n_found && i < TARGETS_MAX; i++)
			l->t->v[l->t->n++] = *l->found[i];
	} else if (l->refused) {
		/* XEP-0368 3: also when that was said of direct TLS alone, no address is looked for. */
		fail(l, TARGETS_NOT_OFFERED,
		     "The domain %s says in its SRV records that it has no XMPP server for others.",
		     l->t->domain);
		return;
	} else if (failed(direct) || failed(starttls)) {
		bad = failed(starttls) ? starttls : direct;
		fail(l, TARGETS_DNS_FAILED, "The SRV records of %s could not be had: %s.",
		     l->t->domain, bad->text);
		return;
	} else {
		add_target(l, TARGET_DOMAIN, l->t->domain, TARGETS_SERVER_PORT);
	}
	find_addresses(l);
}

static void
srv_came(void *ctx, const struct dns_answer *answer)
{
	struct ask *a = ctx;
	struct lookup *l = take_answer(a, answer);

	if (answer->outcome == DNS_RECORDS)
		take_srv(l, answer, a == &l->srv[SRV_DIRECT]);
	if (l->open == 0)
		srv_complete(l);
}

static void
ask_srv(struct lookup *l)
{
	static const char *const service[SRV_SERVICES] = {
		[SRV_DIRECT] = "_xmpps-server._tcp.", [SRV_STARTTLS] = "_xmpp-server._tcp."
	};
	char name[DNS_NAME_MAX + sizeof("_xmpps-server._tcp.")];

	for (size_t i = 0; i < SRV_SERVICES; i++) {
		snprintf(name, sizeof(name), "%s%s", service[i], l->t->domain);
		if (strlen(name) <= DNS_NAME_MAX)
			ask(l, &l->srv[i], name, DNS_SRV, srv_came);
		else
			l->srv[i].outcome = DNS_NO_NAME;
	}
	if (l->open == 0)
		srv_complete(l);
}

/* --- Begin and cancel ------------------------------------------------------------------------------ */

static void
add_fixed(struct lookup *l, const struct resolver_fixed *f)
{
	char name[DNS_NAME_MAX + 1];
	union target_address address;
	struct target *t;

	if (target_address_read(f->host, f->port, &address)) {
		t = add_target(l, TARGET_FIXED, f->host, f->port);
		t->address[t->n_addresses++] = address;
	} else if (target_name_read(f->host, name)) {
		t = add_target(l, TARGET_FIXED, name, f->port);
	} else {
		return;
	}
	t->direct_tls = f->direct_tls;
}

static void
start(struct lookup *l, const struct resolver_request *request)
{
	char name[DNS_NAME_MAX + 1];
	union target_address address;
	struct target *t;

	for (size_t i = 0; i < request->n_fixed && i < TARGETS_MAX; i++)
		add_fixed(l, &request->fixed[i]);
	if (l->t->n > 0) {
		find_addresses(l);
	} else if (target_address_read(l->t->domain, TARGETS_SERVER_PORT, &address)) {
		t = add_target(l, TARGET_LITERAL, l->t->domain, TARGETS_SERVER_PORT);
		t->address[t->n_addresses++] = address;
		find_addresses(l);
	} else if (request->n_fixed > 0 || !target_name_read(l->t->domain, name)) {
		fail(l, TARGETS_BAD_DOMAIN, "%.255s is no name that the DNS could be asked for.",
		     request->n_fixed > 0 ? request->fixed[0].host : l->t->domain);
	} else {
		l->t->domain = arena_strdup(l->t->arena, name);
		ask_srv(l);
	}
}

struct lookup *
resolver_find(const struct resolver_request *request, resolver_done_fn *done, void *ctx)
{
	struct lookup *l = mem_new(struct lookup);

	l->t = targets_new(request->domain);
	l->done = done;
	l->ctx = ctx;
	if (lookups++ >= LOOKUPS_MAX) {
		fail(l, TARGETS_BUSY, "Too many domains are being looked up; %s has to wait.",
		     l->t->domain);
		return l;
	}
	timer_start(&l->deadline, request->timeout_ms, deadline_passed);
	start(l, request);
	return l;
}

void
resolver_cancel(struct lookup **l)
{
	if (*l)
		lookup_free(l);
}
