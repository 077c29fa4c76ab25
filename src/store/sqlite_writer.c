/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/sqlite_writer.c - the one thread that writes, for all lanes.
 *
 * A batch is what queued up while the previous one was committed, and is one
 * transaction without further ado.  Only when a batch has failed is it run again with a
 * savepoint for each group, and if that does not help either (the disk is full, a
 * constraint is checked at the commit) each group in a transaction of its own.
 *
 * The write-ahead log is brought into the database file here too: when nothing has
 * come for a moment, or when the log has become long.
 */
#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/failpoint.h"
#include "store/sqlite_threads.h"

/* Worth a checkpoint when nothing else is to do, after so many milliseconds. */
#define LOG_IDLE_PAGES 64
#define IDLE_MS 200
/* From here on (16 MiB) also when there is something to do; tried anew after so many more. */
#define LOG_LONG_PAGES 4096
#define LOG_AGAIN_PAGES 1024
/* From here on (64 MiB) readers that keep old pages in use are waited for. */
#define LOG_TOO_LONG_PAGES 16384
/* Between tries of a commit whose outcome is unknown. */
#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS 5000
/*
 * What was told is over when writing has worked for so long: on a full disk a small change may
 * find room where the next one does not.
 */
#define RECOVERED_MS 10000

/* --- Waiting ------------------------------------------------------------------------- */

/* ms 0: without end.  false: the time is over. */
static bool
wait_for_wake(struct sqlite_writer *w, int64_t ms)
{
	struct timespec until;
	int64_t ns;
	int failed;

	clock_gettime(CLOCK_MONOTONIC, &until);
	ns = until.tv_nsec + (ms % 1000) * 1000000;
	until.tv_sec += ms / 1000 + ns / 1000000000;
	until.tv_nsec = ns % 1000000000;
	do {
		failed = ms ? sem_clockwait(&w->wake, CLOCK_MONOTONIC, &until) : sem_wait(&w->wake);
	} while (failed && errno == EINTR);
	return !failed;
}

/* Before a failed commit is tried again; false: the store is being closed. */
static bool
pause_before_retry(struct sqlite_writer *w, int64_t *ms)
{
	bool ending;

	wait_for_wake(w, *ms);
	pthread_mutex_lock(&w->lock);
	ending = w->ending;
	pthread_mutex_unlock(&w->lock);
	*ms = *ms * 2 < RETRY_MAX_MS ? *ms * 2 : RETRY_MAX_MS;
	return !ending;
}

/* --- Checkpoints ---------------------------------------------------------------------- */

static int
log_grew(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct sqlite_writer *w = arg;

	/* The log starts again from its beginning once all of it is in the database. */
	if ((unsigned)pages < w->log_pages)
		w->log_tried = 0;
	w->log_pages = (unsigned)pages;
	return SQLITE_OK;
}

static void
checkpoint(struct sqlite_writer *w)
{
	int how = w->log_pages >= LOG_TOO_LONG_PAGES ? SQLITE_CHECKPOINT_RESTART
	                                             : SQLITE_CHECKPOINT_PASSIVE;
	int code = sqlite3_wal_checkpoint_v2(w->conn.db, NULL, how, NULL, NULL);

	w->log_tried = w->log_pages;
	if (code != SQLITE_OK && sqlite_primary(code) != SQLITE_BUSY)
		sqlite_tell(&w->conn, NULL, code);
}

static bool
checkpoint_if_long(struct sqlite_writer *w)
{
	return w->log_pages >= LOG_LONG_PAGES && w->log_pages - w->log_tried >= LOG_AGAIN_PAGES;
}

static bool
checkpoint_if_idle(const struct sqlite_writer *w)
{
	return w->log_pages - w->log_tried >= LOG_IDLE_PAGES;
}

/* --- Batches ---------------------------------------------------------------------------- */

/* NOT_BEGUN: no group is to blame, and none would fare better alone. */
enum fate { WRITTEN, NOT_WRITTEN, NOT_BEGUN, UNKNOWN };

/* A quota that is used up comes as a failed write. */
static bool
is_full(struct sqlite_writer *w, int code)
{
	int sys = sqlite3_system_errno(w->conn.db);

	return sqlite_primary(code) == SQLITE_FULL ||
	       (code == SQLITE_IOERR_WRITE && (sys == ENOSPC || sys == EDQUOT));
}

static void
tell(struct sqlite_writer *w, const struct store_statement *st, int code)
{
	bool full = is_full(w, code);

	w->disk_full = w->disk_full || full;
	w->outcome = full ? STORE_NO_ROOM : STORE_FAILED;
	if (sqlite_primary(code) != SQLITE_CONSTRAINT) {
		w->trouble = true;
		w->trouble_ms = clock_mono_ms();
	}
	sqlite_tell(&w->conn, st, code);
}

static void
worked(struct sqlite_writer *w)
{
	if (!w->trouble || clock_mono_ms() - w->trouble_ms < RECOVERED_MS)
		return;
	w->trouble = false;
	store_recovered();
}

static int
begin(struct sqlite_writer *w)
{
	int64_t ms = RETRY_FIRST_MS;
	int code;

	/* Somebody else has the file, against our lock on the directory: an administrator's tool. */
	while ((code = sqlite_conn_step(&w->conn, STEP_BEGIN_WRITE)) != SQLITE_OK &&
	       sqlite_primary(code) == SQLITE_BUSY) {
		tell(w, NULL, code);
		if (!pause_before_retry(w, &ms))
			break;
	}
	return code;
}

/*
 * The one place where rows become durable.  UNKNOWN: the log was written and could not be
 * synchronised, so that after a crash the rows might be there or not.
 */
static enum fate
commit(struct sqlite_writer *w)
{
	int64_t start = clock_mono_us(), us;
	int code;

	if (failpoint(FAILPOINT_BEFORE_COMMIT))
		code = SQLITE_FULL;
	else if (failpoint(FAILPOINT_SYNC))
		code = SQLITE_IOERR_FSYNC;
	else
		code = sqlite_conn_step(&w->conn, STEP_COMMIT);
	us = clock_mono_us() - start;
	if (code != SQLITE_OK) {
		tell(w, NULL, code);
		/* Where a frame of the log found no room, its end is not there either. */
		return sqlite_primary(code) == SQLITE_IOERR && !is_full(w, code) ? UNKNOWN
		                                                                 : NOT_WRITTEN;
	}
	failpoint(FAILPOINT_AFTER_COMMIT);
	atomic_fetch_add_explicit(&w->commits, 1, memory_order_relaxed);
	atomic_store_explicit(&w->last_commit_us, us, memory_order_relaxed);
	store_committed(us);
	worked(w);
	return WRITTEN;
}

static void
roll_back(struct sqlite_writer *w)
{
	/* Some errors end the transaction by themselves. */
	if (!sqlite3_get_autocommit(w->conn.db))
		sqlite_conn_step(&w->conn, STEP_ROLLBACK);
}

/* --- Lines -------------------------------------------------------------------------------- */

/* Has a group of its line failed for good? */
static bool
line_broken(const struct store_request *group)
{
	return group->line && atomic_load_explicit(&group->line->broken, memory_order_relaxed);
}

static void
group_failed(struct store_request *group, enum store_outcome outcome)
{
	group->outcome = outcome;
	if (group->line && !line_broken(group))
		atomic_store_explicit(&group->line->broken, (int)outcome, memory_order_relaxed);
}

/* Then it is not run. */
static bool
skip_broken(struct store_request *group)
{
	if (!line_broken(group))
		return false;
	group->outcome = (enum store_outcome)atomic_load(&group->line->broken);
	return true;
}

/* In this pass, which may not be the last. */
static bool
line_left_out(const struct sqlite_writer *w, const struct store_request *group)
{
	return group->line && group->line->left_out == w->pass;
}

/* --- Tries -------------------------------------------------------------------------------- */

static bool
run_group(struct sqlite_writer *w, struct store_request *group, bool tell_it)
{
	size_t failed;
	int code = sqlite_run_request(&w->conn, group, &failed);

	group->outcome = code == SQLITE_OK  ? STORE_OK
	                 : is_full(w, code) ? STORE_NO_ROOM
	                                    : STORE_FAILED;
	if (code == SQLITE_OK)
		return true;
	if (tell_it)
		tell(w, store_statement_by_id(group->calls[failed].statement), code);
	return false;
}

/* false: the transaction is lost. */
static bool
run_apart(struct sqlite_writer *w, struct store_request *group)
{
	if (line_left_out(w, group)) {
		group->outcome = w->outcome;
		return true;
	}
	if (sqlite_conn_step(&w->conn, STEP_SAVE) != SQLITE_OK)
		return false;
	if (!run_group(w, group, true)) {
		if (group->line)
			group->line->left_out = w->pass;
		if (sqlite3_get_autocommit(w->conn.db))
			return false;
		if (sqlite_conn_step(&w->conn, STEP_BACK) != SQLITE_OK)
			return false;
	}
	return sqlite_conn_step(&w->conn, STEP_RELEASE) == SQLITE_OK;
}

/* Up to `end`, as one transaction; apart: failed groups are left out of it. */
static enum fate
try_once(struct sqlite_writer *w, struct store_request *batch, struct store_request *end,
         bool apart)
{
	bool alone = batch->next == end;
	enum fate fate = NOT_WRITTEN;
	bool ok = true;
	int code;

	while (batch != end && skip_broken(batch))
		batch = batch->next;
	if (batch == end)
		return WRITTEN; /* nothing is left to write */
	code = begin(w);

	w->pass++;
	if (code != SQLITE_OK) {
		tell(w, NULL, code);
		return NOT_BEGUN;
	}
	for (struct store_request *g = batch; g != end && ok; g = g->next) {
		if (!skip_broken(g))
			ok = apart ? run_apart(w, g) : run_group(w, g, alone);
	}
	if (ok)
		fate = commit(w);
	if (fate != WRITTEN)
		roll_back(w);
	return fate;
}

/*
 * While it is unknown whether a batch will be there after a crash, nobody may be
 * told anything: it is tried until it is written.  Each try writes to the same
 * place of the log what the one before did, so nothing comes twice.
 */
static enum fate
try_batch(struct sqlite_writer *w, struct store_request *batch, struct store_request *end,
          bool apart)
{
	enum fate fate = try_once(w, batch, end, apart);
	bool unknown = fate == UNKNOWN;
	int64_t ms = RETRY_FIRST_MS;

	while (unknown && fate != WRITTEN && pause_before_retry(w, &ms))
		fate = try_once(w, batch, end, apart);
	return fate;
}

/* Nothing was certain together: each for itself. */
static void
write_one_by_one(struct sqlite_writer *w, struct store_request *batch)
{
	struct store_request *next;

	for (struct store_request *g = batch; g; g = next) {
		next = g->next;
		if (!skip_broken(g) && try_batch(w, g, next, false) != WRITTEN)
			group_failed(g, w->outcome);
	}
}

static void
write_batch(struct sqlite_writer *w, struct store_request *batch)
{
	bool alone = !batch->next;
	enum fate fate;

	failpoint(FAILPOINT_WRITER);
	fate = try_batch(w, batch, NULL, false);
	if (fate == NOT_WRITTEN && !alone) {
		fate = try_batch(w, batch, NULL, true);
		if (fate == NOT_WRITTEN) {
			write_one_by_one(w, batch);
			return;
		}
	}
	for (struct store_request *g = batch; g; g = g->next) {
		if (fate != WRITTEN && !skip_broken(g))
			group_failed(g, w->outcome);
		else if (g->outcome != STORE_OK)
			group_failed(g, g->outcome);
	}
}

static void
finish_batch(struct store_request *group)
{
	while (group) {
		struct store_request *next = group->next;

		failpoint(FAILPOINT_BEFORE_REPORT);
		store_request_finish(group, group->outcome);
		group = next;
	}
}

/* --- The thread ---------------------------------------------------------------------------- */

/* With the lock held, and on return again; it may have been for nothing. */
static void
sleep_until_woken(struct sqlite_writer *w)
{
	bool woken;

	w->sleeping = true;
	pthread_mutex_unlock(&w->lock);
	woken = wait_for_wake(w, checkpoint_if_idle(w) ? IDLE_MS : 0);
	if (!woken)
		checkpoint(w);
	pthread_mutex_lock(&w->lock);
	w->sleeping = false;
}

/* NULL: everything is written and the store is being closed. */
static struct store_request *
take_batch(struct sqlite_writer *w)
{
	struct store_request *batch, **end = &batch;

	pthread_mutex_lock(&w->lock);
	while (!w->first && !w->ending)
		sleep_until_woken(w);
	batch = w->first;
	for (unsigned i = 0; i < w->batch_max && *end; i++)
		end = &(*end)->next;
	w->first = *end;
	*end = NULL;
	if (!w->first)
		w->last = &w->first;
	pthread_mutex_unlock(&w->lock);
	return batch;
}

static void *
writer_run(void *arg)
{
	struct sqlite_writer *w = arg;
	struct store_request *batch;

	while ((batch = take_batch(w))) {
		write_batch(w, batch);
		finish_batch(batch);
		/* What is in the database file already makes room in the log. */
		if (w->disk_full || checkpoint_if_long(w))
			checkpoint(w);
		w->disk_full = false;
	}
	return NULL;
}

bool
sqlite_writer_start(struct sqlite_writer *w, struct hm_error *why)
{
	w->last = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	sem_init(&w->wake, 0, 0);
	sqlite3_wal_hook(w->conn.db, log_grew, w);
	w->started = sqlite_thread_start(&w->thread, "store-writer", writer_run, w, why);
	return w->started;
}

void
sqlite_writer_submit(struct sqlite_writer *w, struct store_request *chain)
{
	struct store_request **end = &chain->next;
	bool wake;

	while (*end)
		end = &(*end)->next;
	pthread_mutex_lock(&w->lock);
	*w->last = chain;
	w->last = end;
	wake = w->sleeping;
	w->sleeping = false; /* one signal is enough */
	pthread_mutex_unlock(&w->lock);
	if (wake)
		sem_post(&w->wake);
}

void
sqlite_writer_stop(struct sqlite_writer *w)
{
	if (!w->started)
		return;
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_mutex_unlock(&w->lock);
	sem_post(&w->wake);
	pthread_join(w->thread, NULL);
	sem_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	w->started = w->ending = false;
}
