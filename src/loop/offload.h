/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * loop/offload.h - a small pool of threads for long sums (PBKDF2) that must not
 * hold up a worker.  The function is pure: it sees its job and nothing else.
 */
#ifndef LOOP_OFFLOAD_H
#define LOOP_OFFLOAD_H

#include <stdbool.h>

#include "loop/mailbox.h"

/* Embedded in the caller's job struct, which must live until done ran. */
struct offload {
	struct mail mail;
	struct offload *next;
	unsigned worker;
	void (*sum)(struct offload *job);  /* on a pool thread */
	void (*done)(struct offload *job); /* on the worker that called offload_run() */
};

bool offload_init(unsigned threads, unsigned queue_max); /* 0 threads: one per core, at least 1 */
/* On a worker.  false: the queue is full, nothing will run (answer: try later). */
bool offload_run(struct offload *job) __attribute__((warn_unused_result));
void offload_stop(void); /* running sums end, queued ones are dropped without done */

#endif
