/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/ids.c - one counter per worker, since an account is at home on one. */
#include "core/ids.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/entity.h"
#include "core/here.h"
#include "loop/timer.h"
#include "store/store.h"

/*
 * The ceiling lies so far ahead when it is written, and a restart begins there: short, or restarts in a row
 * would take ids days ahead of the clock.
 */
#define AHEAD_US INT64_C(20000000)
#define RENEW_US INT64_C(10000000) /* it is written again when it is nearer than this */
#define AGAIN_MS 1000

enum { READ_CEILING, WRITE_CEILING, STATEMENTS };

static const char *const sql[STATEMENTS] = {
	[READ_CEILING] = "SELECT COALESCE(MAX(ceiling), 0) FROM id_ceilings",
	[WRITE_CEILING] = "INSERT INTO id_ceilings (worker, ceiling) VALUES ($1, $2)"
			  " ON CONFLICT (worker) DO UPDATE SET ceiling = excluded.ceiling",
};
static unsigned statement[STATEMENTS];

void
ids_register_statements(void)
{
	for (unsigned i = 0; i < STATEMENTS; i++)
		statement[i] = store_statement("ids", i, sql[i], sql[i]);
}

/* --- At start ------------------------------------------------------------------------ */

static void ask(void);

static void
again(struct timer *t)
{
	mem_free(t);
	ask();
}

static void
known(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct timer *t;

	if (outcome == STORE_OK && store_next(rows[0])) {
		int64_t before = store_int(rows[0], 0), now = clock_wall_us();

		here->ids.first = here->ids.last = before > now ? before : now;
		here->ids.ready = true;
		entity_begin_loads();
		return;
	}
	t = mem_new(struct timer);
	timer_start(t, AGAIN_MS, again);
}

static void
ask(void)
{
	struct store_call call = { statement[READ_CEILING], NULL, 0 };

	store_read(&call, 1, known, NULL);
}

void
ids_start_here(void)
{
	ask();
}

/* --- Giving -------------------------------------------------------------------------- */

static void
written(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	here->ids.writing = false;
	if (outcome != STORE_OK)
		here->ids.ceiling = 0; /* with the next id */
}

/* The lane keeps its order: what is stored with these ids is committed after their ceiling. */
static void
raise_ceiling(int64_t ceiling)
{
	struct hm_value args[2] = { hm_value_int(here->worker), hm_value_int(ceiling) };
	struct store_call call = { statement[WRITE_CEILING], args, 2 };

	if (!store_write(&call, 1, written, NULL))
		return;
	here->ids.writing = true;
	here->ids.ceiling = ceiling;
}

int64_t
ids_new(void)
{
	struct ids *ids = &here->ids;
	int64_t now = clock_wall_us();

	hm_assert(ids->ready);
	ids->last = now > ids->last ? now : ids->last + 1;
	if (ids->last + RENEW_US > ids->ceiling && !ids->writing)
		raise_ceiling(ids->last + AHEAD_US);
	return ids->last;
}
