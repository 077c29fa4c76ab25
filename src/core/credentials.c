/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/credentials.c - verifiers for SASL, and the limit on failed attempts of one address.
 *
 * Runs on the guard worker of the source address, so a limit is counted in one place however many
 * workers accept.  For an account that does not exist, and for a hash that an account has no verifier of,
 * a fake of the same cost is given: the exchange then fails as with a wrong password.
 */
#include "core/credentials.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/accounts.h"
#include "core/core.h"
#include "core/here.h"
#include "core/metrics.h"
#include "crypto/hash.h"
#include "crypto/scram.h"
#include "loop/worker.h"

#define SOURCES_MAX 65536

struct attempts {
	int64_t since_ms;
	int64_t failures;
};

/* --- Attempts ------------------------------------------------------------------------------------- */

static void
forget_old(int64_t now_ms)
{
	size_t pos = 0;
	const char *source;
	void *value;

	while (table_next(&here->sources, &pos, &source, &value)) {
		struct attempts *a = value;

		if (now_ms - a->since_ms > core_limits()->auth_window) {
			table_remove(&here->sources, source);
			mem_free(a);
		}
	}
}

static struct attempts *
attempts_of(const char *source, bool make)
{
	struct attempts *a = table_get(&here->sources, source);
	int64_t now_ms = worker_now_ms();

	if (a && now_ms - a->since_ms > core_limits()->auth_window) {
		a->since_ms = now_ms;
		a->failures = 0;
	}
	if (a || !make)
		return a;
	if (table_count(&here->sources) >= SOURCES_MAX)
		forget_old(now_ms);
	if (table_count(&here->sources) >= SOURCES_MAX)
		return NULL; /* bounded: an attacker with that many addresses is not stopped by this */
	a = mem_new(struct attempts);
	a->since_ms = now_ms;
	table_put(&here->sources, source, a);
	return a;
}

void
credentials_outcome(struct link_msg *take)
{
	const char *source = take->u.outcome.source;

	if (take->u.outcome.success) {
		mem_free(table_remove(&here->sources, source));
	} else {
		struct attempts *a = attempts_of(source, true);

		if (a)
			a->failures++;
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

	scram_fake(&keys, (enum crypto_hash)hash, iterations, accounts_secret(), bare);
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
	const struct attempts *a = attempts_of(take->u.look_up.source, false);

	if (a && a->failures >= core_limits()->auth_failures) {
		struct link_msg *answer = link_new(LINK_CREDENTIAL, take->stream, 0);

		answer->u.credential.result = LINK_CRED_LIMITED;
		metric_add(core_metric(CM_AUTH_LIMITED), 1);
		link_to_stream(answer);
		link_free(take);
		return;
	}
	accounts_read_credentials(take->u.look_up.host, take->u.look_up.local, found, take);
}
