/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/sqlite_threads.h - the threads of the SQLite driver: one that writes and
 * pools that read.  Started and stopped by sqlite.c.
 */
#ifndef STORE_SQLITE_THREADS_H
#define STORE_SQLITE_THREADS_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/sqlite_conn.h"
#include "store/store_driver.h"

/* --- The writer (sqlite_writer.c) --------------------------------------------- */

struct sqlite_writer {
	struct sqlite_conn conn; /* opened and closed by sqlite.c */
	unsigned batch_max;
	pthread_t thread;
	bool started;
	sem_t wake;
	pthread_mutex_t lock; /* for the next three lines */
	struct store_request *first, **last;
	bool sleeping; /* asks to be woken */
	bool ending;
	/* The thread's own, in pages of the write-ahead log. */
	unsigned log_pages, log_tried;
	bool disk_full;             /* seen in this batch */
	enum store_outcome outcome; /* of a group that fails with what was told last */
	unsigned pass;              /* over a batch, group by group */
	bool trouble;               /* told, and not over yet */
	int64_t trouble_ms;         /* the last time */
	_Atomic uint64_t commits;
	_Atomic int64_t last_commit_us;
};

/* conn is open and batch_max set. */
bool sqlite_writer_start(struct sqlite_writer *w, struct hm_error *why) HM_MUST_USE;
void sqlite_writer_submit(struct sqlite_writer *w, struct store_request *chain); /* any thread */
void sqlite_writer_stop(struct sqlite_writer *w); /* everything submitted is committed first */

/* --- Readers (sqlite_reader.c) -------------------------------------------------- */

struct sqlite_pool;
/* n threads; each opens its connection when it first has something to do. */
struct sqlite_pool *
sqlite_pool_start(const char *path, const char *name, unsigned n, struct hm_error *why) HM_MUST_USE;
void sqlite_pool_submit(struct sqlite_pool *pool, struct store_request *chain); /* any thread */
/* What runs ends, what waits is forgotten; *pool is NULL after. */
void sqlite_pool_stop(struct sqlite_pool **pool);

/* --- For both (sqlite.c) ---------------------------------------------------------- */

/* With a small stack and all signals blocked. */
bool sqlite_thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg,
                         struct hm_error *why) HM_MUST_USE;
/* Runs the calls of a request; *failed is the call that did not work. */
int sqlite_run_request(struct sqlite_conn *conn, struct store_request *req, size_t *failed);
/* One line of log about it.  What data alone can cause (constraints) is for debugging only. */
void sqlite_tell(struct sqlite_conn *conn, const struct store_statement *st, int code);

#endif
