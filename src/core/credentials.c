/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/credentials.c - verifiers for SASL, and the limits on failed and on unfinished attempts of
 * one address.
 *
 * Runs on the guard worker of the source address, so a limit is counted in one place however many
 * workers accept.  For an account that does not exist, and for a hash that an account has no verifier of,
 * a fake of the same cost is given: the exchange then fails as with a wrong password.
 */
#include "core/credentials.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/accounts.h"
#include "core/core.h"
#include "core/here.h"
#include "core/metrics.h"
#include "core/secret.h"
#include "crypto/hash.h"
#include "crypto/scram.h"
#include "loop/worker.h"

#define SOURCES_MAX 65536
#define FORGET_AT_ONCE 16
#define TRACKED_MAX 64 /* accounts of one address; failures beyond count for the address only */

/* Of one address in auth_window. */
struct attempts {
	struct list link; /* in here->attempts, the one that began first in front */
	int64_t since_ms;
	int64_t failures;   /* of all accounts */
	int64_t unfinished; /* begun, and neither failed nor succeeded */
	unsigned n, size;
	struct attempts_at {
		uint64_t account; /* keyed hash of the bare JID */
		int64_t failures;
	} * at;
	char source[];
};

/* --- Attempts ------------------------------------------------------------------------------------- */

static void
forget(struct attempts *a)
{
	list_remove(&a->link);
	table_remove(&here->sources, a->source);
	mem_free(a->at);
	mem_free(a);
}

static struct attempts *
oldest(void)
{
	return list_empty(&here->attempts) ? NULL
	                                   : list_entry(here->attempts.next, struct attempts, link);
}

static bool
has_passed(const struct attempts *a)
{
	return worker_now_ms() - a->since_ms > core_limits()->auth_window;
}

/* All have the same window, so what has passed is in front; a few at a time. */
static void
forget_passed(void)
{
	for (unsigned i = 0; i < FORGET_AT_ONCE && oldest() && has_passed(oldest()); i++)
		forget(oldest());
}

static struct attempts *
attempts_of(const char *source)
{
	size_t len = strlen(source);
	struct attempts *a;

	forget_passed();
	a = table_get(&here->sources, source);
	if (a && !has_passed(a))
		return a;
	if (a)
		forget(a);
	/* Bounded: an attacker with that many addresses is not stopped by this. */
	if (table_count(&here->sources) >= SOURCES_MAX)
		forget(oldest());
	a = mem_zalloc(sizeof(*a) + len + 1);
	memcpy(a->source, source, len + 1);
	a->since_ms = worker_now_ms();
	list_push_back(&here->attempts, &a->link);
	table_put(&here->sources, a->source, a);
	return a;
}

/* make: one more is tracked, while there is room.  NULL: this one is not. */
static struct attempts_at *
attempts_at(struct attempts *a, const char *host, const char *local, bool make)
{
	char *bare = mem_printf("%s@%s", local, host);
	uint64_t account = hash_bytes(bare, strlen(bare));

	mem_free(bare);
	for (unsigned i = 0; i < a->n; i++) {
		if (a->at[i].account == account)
			return &a->at[i];
	}
	if (!make || a->n == TRACKED_MAX)
		return NULL;
	if (a->n == a->size) {
		a->size = a->size ? 2 * a->size : 1;
		a->at = mem_realloc(a->at, a->size * sizeof(*a->at));
	}
	a->at[a->n] = (struct attempts_at){ .account = account };
	return &a->at[a->n++];
}

/* Who owns one account must not be able to wipe out guesses at others. */
static void
succeeded(struct attempts *a, const char *host, const char *local)
{
	struct attempts_at *at = attempts_at(a, host, local, false);

	if (at) {
		a->failures -= at->failures;
		*at = a->at[--a->n];
	}
	if (a->failures == 0 && a->unfinished == 0)
		forget(a);
}

void
credentials_outcome(struct link_msg *take)
{
	struct attempts *a = attempts_of(take->u.outcome.source);
	const char *host = take->u.outcome.host, *local = take->u.outcome.local;

	/* 0: it was begun in a window that has passed. */
	if (a->unfinished > 0)
		a->unfinished--;
	if (take->u.outcome.unavailable) {
		/* Nobody's fault out there. */
	} else if (take->u.outcome.success) {
		succeeded(a, host, local);
	} else {
		struct attempts_at *at = attempts_at(a, host, local, true);

		a->failures++;
		if (at)
			at->failures++;
		metric_add(core_metric(CM_AUTH_FAILED), 1);
	}
	link_free(take);
}

/* --- Look-up ---------------------------------------------------------------------------------------- */

static void
give_fake(struct link_msg *answer, unsigned hash, const struct link_msg *question)
{
	struct scram_keys keys;
	char text[SCRAM_TEXT_MAX];
	const struct host *h = host_find(question->u.look_up.host);
	unsigned iterations = (unsigned)(h ? host_limits(h) : core_limits())->scram_iterations;
	char *bare = mem_printf("%s@%s", question->u.look_up.local, question->u.look_up.host);

	scram_fake(&keys, (enum crypto_hash)hash, iterations, secret_bytes(), bare);
	scram_write(&keys, text);
	answer->u.credential.verifier[hash] = mem_strdup(text);
	mem_free(bare);
}

static void
found(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct link_msg *question = ctx;
	struct link_msg *answer = link_new(LINK_CREDENTIAL, question->stream, 0);
	bool exists = outcome == STORE_OK && store_next(rows[0]);

	answer->u.credential.result = outcome == STORE_OK ? LINK_CRED_READY : LINK_CRED_UNAVAILABLE;
	answer->u.credential.real = exists;
	answer->u.credential.at_us = question->u.look_up.at_us;
	for (unsigned i = 0; outcome == STORE_OK && i < LINK_HASHES; i++) {
		const char *text = exists ? store_text(rows[0], 1 + i) : NULL;

		if (text)
			answer->u.credential.verifier[i] = mem_strdup(text);
		else
			give_fake(answer, i, question);
	}
	link_to_stream(answer);
	link_free(question);
}

void
credentials_look_up(struct link_msg *take)
{
	struct attempts *a = attempts_of(take->u.look_up.source);

	/* Known and unknown accounts alike: what is counted tells nobody which exist. */
	if (a->failures >= core_limits()->auth_failures ||
	    a->unfinished >= core_limits()->auth_unfinished) {
		struct link_msg *answer = link_new(LINK_CREDENTIAL, take->stream, 0);

		answer->u.credential.result = LINK_CRED_LIMITED;
		metric_add(core_metric(CM_AUTH_LIMITED), 1);
		link_to_stream(answer);
		link_free(take);
		return;
	}
	a->unfinished++;
	take->u.look_up.at_us = clock_mono_us();
	accounts_read_credentials(take->u.look_up.host, take->u.look_up.local, found, take);
}
