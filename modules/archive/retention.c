/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * retention.c - what is too old goes, and what exceeds an account's quota.
 *
 * By age: PostgreSQL drops partitions; SQLite deletes a class's oldest rows, some at a time.
 * Each worker of each host wakes now and then; the first to note its turn in the database sweeps, for all.
 */
#include "archive.h"

#define WAKE_MS (10 * 60 * 1000)
#define FIRST_MS 1000
#define TURN_US (3600 * SECOND_US) /* between sweeps */
#define STEP_MS 100                /* between batches: others want to write, too */
#define STEP_ROWS 500
/* The quota is looked at after so many new entries, and when an account was loaded. */
#define QUOTA_STEP 256

static const int64_t class_days[] = { 7, 31, 366 };

/* --- By age, and what deleted accounts have left ------------------------------------------------------ */

static void sweep(struct hm_mod *m);
static void wake(struct hm_mod *m);

/* At once, if there was nothing to write. */
static void
go_on(struct hm_mod *m, int64_t changed)
{
	if (changed > 0)
		hm_after(m, STEP_MS, sweep);
	else
		sweep(m);
}

static void
step_done(struct hm_mod *m, struct hm_rows *rows)
{
	struct archive_state *as = hm_state(m);
	int64_t changed = hm_rows_changed(rows);

	hm_count(m, EXPIRED, changed);
	if (changed < STEP_ROWS)
		as->step++;
	go_on(m, changed);
}

static void
gone_account_done(struct hm_mod *m, struct hm_rows *rows)
{
	struct archive_state *as = hm_state(m);

	as->gone = 0;
	go_on(m, 1);
}

/* The statements by which all of an account's rows go, in this order, each until nothing is left. */
static const enum statement erasing[] = { ERASE_OWN, ERASE_HAND_OVER, ERASE_SENT_TRANSIENT,
	                                  ERASE_SENT };

static void
gone_step_done(struct hm_mod *m, struct hm_rows *rows)
{
	struct archive_state *as = hm_state(m);

	if (hm_rows_changed(rows) < STEP_ROWS)
		as->gone_step++;
	go_on(m, hm_rows_changed(rows));
}

static void
gone_found(struct hm_mod *m, struct hm_rows *rows)
{
	struct archive_state *as = hm_state(m);

	if (!hm_next_row(rows)) {
		hm_after(m, WAKE_MS, wake);
		return;
	}
	as->gone = hm_col_int(rows, 0);
	as->gone_step = 0;
	sweep(m);
}

static void
sweep(struct hm_mod *m)
{
	struct archive_state *as = hm_state(m);

	if (as->step < HM_COUNT(class_days))
		hm_query(m, m, EXPIRE, step_done, as->step + 1,
		         hm_now_us() - class_days[as->step] * DAY_US, STEP_ROWS);
	else if (!as->gone)
		hm_query(m, m, NEXT_GONE, gone_found);
	else if (as->gone_step < HM_COUNT(erasing))
		hm_query(m, m, erasing[as->gone_step], gone_step_done, as->gone, INT64_MAX,
		         STEP_ROWS);
	else
		hm_query(m, m, GONE_DONE, gone_account_done, as->gone);
}

/* A partition was made or dropped: perhaps there is another. */
static bool
did_something(struct hm_rows *rows)
{
	return hm_next_row(rows) && hm_col_int(rows, 0) > 0;
}

static void
maintained(struct hm_mod *m, struct hm_rows *rows)
{
	if (did_something(rows))
		hm_query(m, m, MAINTAIN, maintained, hm_now_us());
	else
		sweep(m);
}

static void
turn_taken(struct hm_mod *m, struct hm_rows *rows)
{
	struct archive_state *as = hm_state(m);

	if (hm_rows_changed(rows) == 0) {
		hm_after(m, WAKE_MS, wake);
		return;
	}
	as->step = 0;
	as->gone = 0;
	hm_query(m, m, MAINTAIN, maintained, hm_now_us());
}

static void
wake(struct hm_mod *m)
{
	int64_t now = hm_now_us();

	hm_query(m, m, TAKE_TURN, turn_taken, now, now + TURN_US);
}

bool
archive_start(struct hm_mod *m)
{
	const struct archive_config *cfg = hm_config(m);
	struct archive_state *as = hm_state(m);

	as->rings.max_bytes = cfg->ring_memory;
	as->rings.max_entries = (unsigned)cfg->ring_messages;
	return true;
}

void
archive_wake(struct hm_mod *m)
{
	struct archive_state *as = hm_state(m);

	if (!as->awake)
		hm_after(m, FIRST_MS, wake);
	as->awake = true;
}

/* At once, for an administrator. */
static void purge_class(struct hm_cmd *cmd, unsigned step);

/* clang-format off */
#define PURGED(step) \
	static void purged_##step(struct hm_cmd *cmd, struct hm_rows *rows) \
	{ purge_class(cmd, hm_rows_changed(rows) < STEP_ROWS ? step + 1 : step); }
/* clang-format on */
PURGED(0)
PURGED(1)
PURGED(2)

static void
purge_class(struct hm_cmd *cmd, unsigned step)
{
	static hm_cmd_rows_fn *const purged[] = { purged_0, purged_1, purged_2 };

	if (step == HM_COUNT(class_days))
		hm_cmd_done(cmd);
	else
		hm_query(hm_cmd_mod(cmd), cmd, EXPIRE, purged[step], step + 1,
		         hm_now_us() - class_days[step] * DAY_US, STEP_ROWS);
}

static void
purge_maintained(struct hm_cmd *cmd, struct hm_rows *rows)
{
	if (did_something(rows))
		hm_query(hm_cmd_mod(cmd), cmd, MAINTAIN, purge_maintained, hm_now_us());
	else
		purge_class(cmd, 0);
}

void
archive_purge(struct hm_mod *m, struct hm_cmd *cmd)
{
	hm_query(m, cmd, MAINTAIN, purge_maintained, hm_now_us());
}

/* --- Of one account ---------------------------------------------------------------------------------- */

static void
trimmed(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows)
{
	struct archive *a = hm_user_state(m, u);

	if (hm_rows_changed(rows) < STEP_ROWS)
		a->trim_step++;
	if (a->trim_step < HM_COUNT(erasing))
		hm_query(m, u, erasing[a->trim_step], trimmed, hm_user_account(u), a->floor,
		         STEP_ROWS);
	else
		a->trimming = false;
}

void
archive_raise_floor(struct hm_mod *m, struct hm_user *u, int64_t floor)
{
	struct archive *a = hm_user_state(m, u);

	a->floor = floor;
	a->trim_step = 0;
	hm_query(m, u, PUT_FLOOR, NULL, hm_user_account(u), floor);
	if (!a->trimming)
		hm_query(m, u, erasing[0], trimmed, hm_user_account(u), floor, STEP_ROWS);
	a->trimming = true;
}

static void
oldest_found(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows)
{
	struct archive *a = hm_user_state(m, u);

	a->trimming = false;
	if (hm_next_row(rows) && hm_col_int(rows, 0) >= a->floor)
		archive_raise_floor(m, u, hm_col_int(rows, 0) + 1);
}

void
archive_added(struct hm_mod *m, struct hm_user *u)
{
	const struct archive_config *cfg = hm_config(m);
	struct archive *a = hm_user_state(m, u);

	if (cfg->max_messages == HM_UNLIMITED_INT || a->added++ % QUOTA_STEP != 0 || a->trimming)
		return;
	a->trimming = true;
	hm_query(m, u, NTH_NEWEST, oldest_found, hm_user_account(u), cfg->max_messages,
	         archive_floor(m, u));
}
