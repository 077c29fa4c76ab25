/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * loop/worker.h - the worker threads: an event base, a mailbox, timers, scratch
 * memory and a watchdog record each.  They share nothing.
 *
 * A turn: poll, run the events, drain the mailbox (in bounded portions), fire
 * timers, run what asked for the end of the turn (connections flush there), reset
 * the scratch arena.
 */
#ifndef LOOP_WORKER_H
#define LOOP_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/list.h"
#include "loop/mailbox.h"

#define WORKERS_MAX 64

struct event_base;

/* What is embedded to be called once at the end of the current turn; zeroed before first use. */
struct turn_end {
	struct list link;
	void (*run)(struct turn_end *te);
};

/* By workers_init() itself; alone for who wants to list them. */
void workers_metrics_register(void);
/* Before anything else of loop.  n workers, 0: one per core.  They start running in workers_run(). */
bool workers_init(unsigned n, struct hm_error *why) HM_MUST_USE;
/* Runs worker 0 on the calling thread and starts threads for the others; returns after workers_stop(). */
void workers_run(void);
/* Any thread, also a signal handler: every worker ends after its present turn. */
void workers_stop(void);
void workers_free(void);

unsigned workers_count(void);
/* The number of the worker that this thread is; WORKER_NONE elsewhere. */
#define WORKER_NONE UINT32_MAX
unsigned worker_self(void);
/* Posting to oneself is also posting: never a direct call. Any thread. */
void worker_post(unsigned worker, struct mail *mail);

/* Any thread: every worker runs one turn, so that it looks at the clock (tests, after clock_advance()). */
void workers_kick(void);

/* The rest: on a worker's thread only, and about that worker. */
struct event_base *worker_base(void);
struct arena *
worker_scratch(void); /* dies with the callback: reset after each mail and each event */
/* 64 KiB shared by all of this worker for one read or write at a time. */
char *worker_buffer(size_t *size);
/* Idempotent while queued; te must stay alive or be cancelled. */
void worker_at_turn_end(struct turn_end *te);
void worker_cancel_turn_end(struct turn_end *te);
int64_t worker_now_ms(void); /* the monotonic clock as of this turn's start */

/*
 * Every libevent callback of the server begins and ends with these two: the scratch memory
 * is reset, the watchdog sees a new callback.  Mails, timers and ends of turns have them already.
 */
void worker_enter(void);
void worker_leave(void);

/*
 * What the worker is doing, for the watchdog, crash reports and `show workers`: set around
 * each callback into a module and cleared after (NULLs).  module and event must live as
 * long as the process (literals, names of modules); address is copied.
 */
void worker_doing(const char *module, const char *event, const char *address);
struct worker_view {
	/* Copies, may be torn while running: for people. */
	char module[32], event[48], address[128];
	int64_t busy_ms; /* how long the watchdog has seen the present callback run */
	uint64_t turns, mails;
	uint64_t cpu_us; /* of the thread */
};
void worker_view(unsigned worker, struct worker_view *out); /* any thread */
/* A callback that runs longer is logged with a backtrace of that thread; 0: off. */
void workers_watchdog(uint32_t limit_ms);

#endif
