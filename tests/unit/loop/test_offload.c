/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* tests of loop/offload.c */
#include "loop/offload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these before it. */
#include <cmocka.h>

#include <semaphore.h>

#include "loop/worker.h"

#define JOBS 64
#define QUEUE 8

struct job {
	struct offload offload;
	unsigned from, n, result, done_on;
	bool sum_on_worker;
};

static struct mail start;
static struct job jobs[JOBS];
static unsigned accepted, finished;
static sem_t gate;

static void
sum(struct offload *o)
{
	struct job *job = HM_CONTAINER(o, struct job, offload);

	job->sum_on_worker = worker_self() != WORKER_NONE;
	job->result = job->n * job->n;
}

static void
sum_behind_gate(struct offload *o)
{
	sem_wait(&gate);
	sum(o);
}

static void
done(struct offload *o)
{
	HM_CONTAINER(o, struct job, offload)->done_on = worker_self();
	if (++finished == accepted)
		workers_stop();
}

static void
run_jobs(void (*which)(struct offload *))
{
	accepted = finished = 0;
	for (unsigned i = 0; i < JOBS; i++) {
		jobs[i] = (struct job){ .n = i, .offload = { .sum = which, .done = done } };
		if (offload_run(&jobs[i].offload))
			accepted++;
	}
}

static void
start_all(struct mail *mail)
{
	run_jobs(sum);
}

static void
start_behind_gate(struct mail *mail)
{
	run_jobs(sum_behind_gate);
	for (unsigned i = 0; i < accepted; i++)
		sem_post(&gate);
}

static void
start_and_stop(struct mail *mail)
{
	run_jobs(sum_behind_gate);
	for (unsigned i = 0; i < JOBS; i++)
		sem_post(&gate);
	workers_stop();
}

static void
run(unsigned queue, void (*first)(struct mail *))
{
	struct hm_error why;

	assert_true(workers_init(2, &why));
	assert_true(offload_init(2, queue));
	sem_init(&gate, 0, 0);
	start.run = first;
	worker_post(1, &start);
	workers_run();
	offload_stop();
	workers_free();
	sem_destroy(&gate);
}

static void
sums_run_off_the_workers_and_report_to_who_asked(void **state)
{
	run(JOBS, start_all);
	assert_int_equal(accepted, JOBS);
	for (unsigned i = 0; i < JOBS; i++) {
		assert_int_equal(jobs[i].result, i * i);
		assert_int_equal(jobs[i].done_on, 1);
		assert_false(jobs[i].sum_on_worker);
	}
}

static void
a_full_queue_refuses(void **state)
{
	run(QUEUE, start_behind_gate);
	assert_in_range(accepted, QUEUE, QUEUE + 2);
	assert_int_equal(finished, accepted);
}

static void
stopping_drops_what_is_queued(void **state)
{
	run(JOBS, start_and_stop);
	assert_in_range(finished, 0, JOBS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_run_off_the_workers_and_report_to_who_asked),
		cmocka_unit_test(a_full_queue_refuses),
		cmocka_unit_test(stopping_drops_what_is_queued),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
