/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * loop/offload.c - the pool for long sums: a bounded queue under a lock, and as
 * many threads as cores.  A sum takes milliseconds, so the lock costs nothing.
 * The result goes back as a mail.
 */
#include "loop/offload.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>

#include <hermod/values.h>

#include "base/mem.h"
#include "loop/worker.h"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct offload *first, **last;
	unsigned queued, queue_max;
	bool stopping;
	unsigned n;
	pthread_t *thread;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER };

static void
sum_done(struct mail *mail)
{
	struct offload *job = HM_CONTAINER(mail, struct offload, mail);

	job->done(job);
}

/* The next job, or NULL when the pool stops. */
static struct offload *
take_job(void)
{
	struct offload *job = NULL;

	pthread_mutex_lock(&pool.lock);
	while (!pool.first && !pool.stopping)
		pthread_cond_wait(&pool.work, &pool.lock);
	if (!pool.stopping) {
		job = pool.first;
		pool.first = job->next;
		if (!pool.first)
			pool.last = &pool.first;
		pool.queued--;
	}
	pthread_mutex_unlock(&pool.lock);
	return job;
}

static void *
do_sums(void *ctx)
{
	struct offload *job;

	pthread_setname_np(pthread_self(), "offload");
	while ((job = take_job())) {
		job->sum(job);
		job->mail.run = sum_done;
		worker_post(job->worker, &job->mail);
	}
	return NULL;
}

static unsigned
count_cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : (unsigned)n;
}

bool
offload_init(unsigned threads, unsigned queue_max)
{
	sigset_t every, before;

	hm_assert(!pool.thread);
	if (threads == 0)
		threads = count_cores();
	pool.first = NULL;
	pool.last = &pool.first;
	pool.queued = 0;
	pool.queue_max = queue_max;
	pool.stopping = false;
	pool.thread = mem_array(threads, sizeof(*pool.thread));
	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	for (pool.n = 0; pool.n < threads; pool.n++)
		if (pthread_create(&pool.thread[pool.n], NULL, do_sums, NULL) != 0)
			break;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pool.n == 0)
		offload_stop();
	return pool.n > 0;
}

bool
offload_run(struct offload *job)
{
	bool taken;

	job->worker = worker_self();
	hm_assert(job->worker != WORKER_NONE);
	job->next = NULL;
	pthread_mutex_lock(&pool.lock);
	taken = pool.thread && !pool.stopping && pool.queued < pool.queue_max;
	if (taken) {
		*pool.last = job;
		pool.last = &job->next;
		pool.queued++;
		pthread_cond_signal(&pool.work);
	}
	pthread_mutex_unlock(&pool.lock);
	return taken;
}

void
offload_stop(void)
{
	pthread_mutex_lock(&pool.lock);
	pool.stopping = true;
	pthread_cond_broadcast(&pool.work);
	pthread_mutex_unlock(&pool.lock);
	for (unsigned i = 0; i < pool.n; i++)
		pthread_join(pool.thread[i], NULL);
	pool.n = 0;
	mem_free(pool.thread);
	pool.thread = NULL;
}
