/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * limits.c - how many accounts one address, and all addresses together, may register.
 *
 * All requests of one address come to one worker, its guard: what that worker counts is all there is. The
 * host's own limit is counted in the database, which is one for all workers.
 */
#include <string.h>

#include "register.h"

#define SOURCES_MAX 65536

struct source {
	int64_t since_s; /* uptime */
	int64_t attempts;
};

static void
refuse(struct hm_mod *m, struct hm_iq *rq)
{
	hm_count(m, LIMITED, 1);
	hm_log(rq, HM_INFO, "registration refused: too many", hm_kv("source", hm_iq_source(rq)));
	hm_iq_fail(rq, HM_RESOURCE_CONSTRAINT, "Too many registrations. Try again later.");
}

/* --- One address --------------------------------------------------------------------------------- */

static bool
is_over(const struct hm_mod *m, const struct source *s)
{
	const struct register_config *cfg = hm_config(m);

	return hm_uptime_s() - s->since_s >= cfg->window / 1000;
}

/* Looks at all of them, so not for each stranger who comes in vain. */
static void
forget_old(struct hm_mod *m, struct register_state *state)
{
	struct hm_table *sources = state->sources;
	const char **old, *key;
	size_t pos = 0, n = 0;
	void *value;

	if (state->searched_s == hm_uptime_s())
		return;
	state->searched_s = hm_uptime_s();
	old = hm_tmp_alloc(hm_table_count(sources) * sizeof(char *));
	while (hm_table_next(sources, &pos, &key, &value)) {
		if (is_over(m, value))
			old[n++] = hm_tmp_dup(key);
	}
	while (n > 0)
		hm_free(hm_table_remove(sources, old[--n]));
}

/* NULL: there are too many to count another one. */
static struct source *
source_of(struct hm_mod *m, const char *address)
{
	struct register_state *state = hm_state(m);
	struct source *s;

	if (!state->sources)
		state->sources = hm_table_new();
	s = hm_table_get(state->sources, address);
	if (!s) {
		if (hm_table_count(state->sources) >= SOURCES_MAX)
			forget_old(m, state);
		if (hm_table_count(state->sources) >= SOURCES_MAX)
			return NULL;
		s = hm_alloc(sizeof(*s));
		s->since_s = hm_uptime_s();
		hm_table_put(state->sources, address, s);
	} else if (is_over(m, s)) {
		*s = (struct source){ .since_s = hm_uptime_s() };
	}
	return s;
}

static bool
address_may(struct hm_mod *m, const struct hm_iq *rq)
{
	const struct register_config *cfg = hm_config(m);
	struct source *s;

	if (cfg->per_address == HM_UNLIMITED_INT)
		return true;
	s = source_of(m, hm_iq_source(rq));
	return s && s->attempts++ < cfg->per_address;
}

void
register_stop(struct hm_mod *m)
{
	struct register_state *state = hm_state(m);
	size_t pos = 0;
	void *value;

	while (state->sources && hm_table_next(state->sources, &pos, NULL, &value))
		hm_free(value);
	hm_table_free(&state->sources);
}

/* --- The host --------------------------------------------------------------------------------------- */

static void
counted(struct hm_iq *rq, struct hm_rows *rows)
{
	struct hm_mod *m = hm_iq_mod(rq);
	const struct register_config *cfg = hm_config(m);

	if (hm_next_row(rows) && hm_col_int(rows, 0) <= cfg->per_host)
		register_create(m, rq);
	else
		refuse(m, rq);
}

void
register_within_limits(struct hm_mod *m, struct hm_iq *rq)
{
	const struct register_config *cfg = hm_config(m);
	int64_t now_us = hm_now_us();

	if (!address_may(m, rq))
		refuse(m, rq);
	else if (cfg->per_host == HM_UNLIMITED_INT)
		register_create(m, rq);
	else
		hm_query(m, rq, REGISTER_COUNT, counted, hm_host(m), now_us,
		         now_us - (int64_t)cfg->window * 1000);
}
