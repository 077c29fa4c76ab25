/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Four real workers at once: each sees its own writes, in order, whatever the others do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop/worker.h"
#include "store/store.h"

#define WORKERS 4
#define ROUNDS 60
#define GROUPS 12 /* in each round */

enum { INSERT, COUNT, PEERS, STATEMENTS };
static const char *const sql[STATEMENTS] = {
	[INSERT] = "INSERT INTO t (worker, n) VALUES ($1, $2)",
	[COUNT] = "SELECT count(*), max(n) FROM t WHERE worker = $1",
	[PEERS] = "SELECT worker, count(*) FROM t GROUP BY worker",
};
static unsigned id[STATEMENTS];
static const struct store_migration migrations[] = {
	{ "0001-create", "CREATE TABLE t (worker BIGINT, n BIGINT, PRIMARY KEY (worker, n))" },
	{ NULL, NULL },
};

/* What one worker does: a round of writes, then two reads, then the next round. */
struct task {
	struct mail begin;
	unsigned worker, round;
	unsigned written, answered; /* groups */
	unsigned pending;           /* answers of this round */
	int64_t rows;
};
static struct task tasks[WORKERS];
static _Atomic unsigned running;

static void next_round(struct task *t);

static void
group_written(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct task *t = ctx;
	/* The last of each round repeats a key. */
	bool bad = t->answered % GROUPS == GROUPS - 1;

	hm_assert(worker_self() == t->worker);
	hm_assert(outcome == (bad ? STORE_FAILED : STORE_OK));
	t->answered++;
	t->rows += bad ? 0 : 2;
	if (--t->pending == 0)
		next_round(t);
}

static void
rows_counted(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct task *t = ctx;

	hm_assert(outcome == STORE_OK && n == 2);
	hm_assert(store_next(rows[0]) && store_int(rows[0], 0) == t->rows);
	while (store_next(rows[1]))
		hm_assert(store_int(rows[1], 1) > 0);
	if (--t->pending == 0)
		next_round(t);
}

static void
write_round(struct task *t)
{
	for (unsigned i = 0; i < GROUPS; i++) {
		unsigned key = i == GROUPS - 1 ? t->written - 2 : t->written;
		struct store_call calls[] = {
			{ id[INSERT], HM_VALUES(t->worker, 2 * t->written) },
			{ id[INSERT], HM_VALUES(t->worker, 2 * key + 1) },
		};

		t->pending++;
		hm_assert(store_write(calls, 2, group_written, t));
		t->written++;
	}
}

static void
read_round(struct task *t)
{
	struct store_call calls[] = {
		{ id[COUNT], HM_VALUES(t->worker) },
		{ id[PEERS], HM_VALUES() },
	};

	t->pending += 2;
	store_read(calls, 2, rows_counted, t);
	store_read_long(calls, 2, rows_counted, t);
}

static void
next_round(struct task *t)
{
	if (t->round++ == 2 * ROUNDS) {
		if (atomic_fetch_sub(&running, 1) == 1)
			workers_stop();
	} else if (t->round % 2) {
		write_round(t);
	} else {
		read_round(t);
	}
}

static void
task_begins(struct mail *mail)
{
	next_round(HM_CONTAINER(mail, struct task, begin));
}

static void
lanes_do_not_disturb_each_other(void **state)
{
	char directory[] = "/tmp/hermod-test-XXXXXX", path[64], lock[64];
	struct store_config cfg = {
		.driver = "sqlite", .path = path, .readers = 2, .batch_max = 16
	};
	struct hm_error why = { 0 };
	struct store_view view;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/hermod.sqlite", directory);
	assert_true(workers_init(WORKERS, &why));
	assert_true(store_open(&cfg, &why) && store_migrate("core", migrations, &why));
	for (unsigned i = 0; i < STATEMENTS; i++)
		id[i] = store_statement("core", i, sql[i], sql[i]);
	assert_true(store_start(&why));
	atomic_store(&running, WORKERS);
	for (unsigned i = 0; i < WORKERS; i++) {
		tasks[i].begin.run = task_begins;
		tasks[i].worker = i;
		worker_post(i, &tasks[i].begin);
	}
	workers_run();
	store_view(&view);
	assert_true(store_idle());
	assert_int_equal(view.groups, WORKERS * ROUNDS * GROUPS);
	assert_int_equal(view.failed, WORKERS * ROUNDS);
	assert_int_equal(view.reads, WORKERS * ROUNDS * 2);
	assert_int_equal(view.queued_bytes, 0);
	store_close();
	workers_free();
	snprintf(lock, sizeof(lock), "%s/hermod.lock", directory);
	assert_int_equal(unlink(path) | unlink(lock) | rmdir(directory), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lanes_do_not_disturb_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
