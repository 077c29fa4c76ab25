/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/sqlite_reader.c - threads that read.
 *
 * The thread that fell asleep last is woken first: under light load one reader
 * does everything and the others never open their connections.  A reader takes a
 * small portion of what waits and runs it in one transaction, which saves locks;
 * as all of the portion was asked before, it sees every commit that it must see.
 */
#include <semaphore.h>

#include "base/mem.h"
#include "store/sqlite_threads.h"

/* Small, since what stands behind a slow one in its portion waits although others are free. */
#define PORTION 8

struct reader {
	struct sqlite_pool *pool;
	pthread_t thread;
	sem_t wake; /* posted by whoever takes it off the stack, and at the end */
	struct reader *next_asleep;
	struct sqlite_conn conn; /* the thread's own */
};

struct sqlite_pool {
	char *path;
	pthread_mutex_t lock; /* for all but path and n */
	struct store_request *first, **last;
	struct reader *asleep; /* a stack */
	bool ending;
	unsigned n;
	struct reader reader[];
};

/* --- One reader -------------------------------------------------------------------- */

/* With the lock held.  The caller posts its semaphore after letting go of it. */
static struct reader *
pop_asleep(struct sqlite_pool *pool)
{
	struct reader *r = pool->asleep;

	if (r)
		pool->asleep = r->next_asleep;
	return r;
}

/* With the lock held, and on return again; it may have been for nothing. */
static void
sleep_until_woken(struct reader *r)
{
	struct sqlite_pool *pool = r->pool;

	r->next_asleep = pool->asleep;
	pool->asleep = r;
	pthread_mutex_unlock(&pool->lock);
	while (sem_wait(&r->wake) != 0)
		continue;
	pthread_mutex_lock(&pool->lock);
}

/* Waits for a portion; NULL: the pool ends. */
static struct store_request *
take_portion(struct reader *r)
{
	struct sqlite_pool *pool = r->pool;
	struct store_request *portion = NULL, **end = &pool->first;
	struct reader *other = NULL;

	pthread_mutex_lock(&pool->lock);
	while (!pool->first && !pool->ending)
		sleep_until_woken(r);
	if (!pool->ending) {
		for (unsigned i = 0; i < PORTION && *end; i++)
			end = &(*end)->next;
		portion = pool->first;
		pool->first = *end;
		*end = NULL;
		if (pool->first)
			other = pop_asleep(pool);
		else
			pool->last = &pool->first;
	}
	pthread_mutex_unlock(&pool->lock);
	if (other)
		sem_post(&other->wake);
	return portion;
}

static bool
open_late(struct reader *r)
{
	struct hm_error why;

	if (r->conn.db || sqlite_conn_open(&r->conn, r->pool->path, SQLITE_READER, &why))
		return true;
	store_report(NULL, why.text);
	return false;
}

static enum store_outcome
run_request(struct reader *r, struct store_request *req)
{
	size_t failed;
	int code = sqlite_run_request(&r->conn, req, &failed);

	if (code == SQLITE_OK)
		return STORE_OK;
	sqlite_tell(&r->conn, store_statement_by_id(req->calls[failed].statement), code);
	return STORE_FAILED;
}

static void
run_portion(struct reader *r, struct store_request *req)
{
	bool ready = open_late(r);
	bool one = req->n == 1 && !req->next; /* a statement is a transaction anyway */

	/* Should it fail, each statement is a transaction of its own: as good, only slower. */
	if (ready && !one)
		sqlite_conn_step(&r->conn, STEP_BEGIN);
	while (req) {
		struct store_request *next = req->next; /* finished, it belongs to the worker */

		store_request_finish(req, ready ? run_request(r, req) : STORE_FAILED);
		req = next;
	}
	if (ready && !sqlite3_get_autocommit(r->conn.db))
		sqlite_conn_step(&r->conn, STEP_COMMIT);
}

static void *
reader_run(void *arg)
{
	struct reader *r = arg;
	struct store_request *portion;

	while ((portion = take_portion(r)))
		run_portion(r, portion);
	sqlite_conn_close(&r->conn);
	return NULL;
}

/* --- The pool ----------------------------------------------------------------------- */

struct sqlite_pool *
sqlite_pool_start(const char *path, const char *name, unsigned n, struct hm_error *why)
{
	struct sqlite_pool *pool = mem_zalloc(sizeof(*pool) + n * sizeof(pool->reader[0]));

	pool->path = mem_strdup(path);
	pool->last = &pool->first;
	pthread_mutex_init(&pool->lock, NULL);
	for (; pool->n < n; pool->n++) {
		struct reader *r = &pool->reader[pool->n];

		r->pool = pool;
		sem_init(&r->wake, 0, 0);
		if (!sqlite_thread_start(&r->thread, name, reader_run, r, why)) {
			sem_destroy(&r->wake);
			sqlite_pool_stop(&pool);
			return NULL;
		}
	}
	return pool;
}

void
sqlite_pool_submit(struct sqlite_pool *pool, struct store_request *chain)
{
	struct store_request **end = &chain->next;
	struct reader *r;

	while (*end)
		end = &(*end)->next;
	pthread_mutex_lock(&pool->lock);
	*pool->last = chain;
	pool->last = end;
	r = pop_asleep(pool);
	pthread_mutex_unlock(&pool->lock);
	if (r)
		sem_post(&r->wake);
}

void
sqlite_pool_stop(struct sqlite_pool **pool)
{
	struct sqlite_pool *p = *pool;

	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->ending = true;
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n; i++) {
		sem_post(&p->reader[i].wake);
		pthread_join(p->reader[i].thread, NULL);
		sem_destroy(&p->reader[i].wake);
	}
	pthread_mutex_destroy(&p->lock);
	mem_free(p->path);
	mem_free(p);
	*pool = NULL;
}
