/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * loop/worker_state.h - what a worker consists of; for the files of loop only.
 * The fields that other threads read are atomics; all others are its own.
 */
#ifndef LOOP_WORKER_STATE_H
#define LOOP_WORKER_STATE_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "loop/mailbox.h"
#include "loop/wheel.h"
#include "loop/worker.h"

struct event;

#define ADDRESS_WORDS (sizeof(((struct worker_view *)0)->address) / sizeof(uint64_t))
#define STACK_MAX 48
/* Makes a worker write its stack down for the watchdog. */
#define WATCHDOG_SIGNAL (SIGRTMIN + 3)

/* Read by the watchdog and by signal handlers at any time, so without locks and pointers that die. */
struct doing {
	/* Goes up when a callback begins and when it ends: odd inside one. */
	_Atomic uint64_t callbacks;
	_Atomic(const char *) module;
	_Atomic(const char *) event;
	_Atomic uint64_t address[ADDRESS_WORDS]; /* the bytes of a string */
};

/* A stack that the worker's own thread writes down in a signal handler, for the watchdog. */
struct stack_request {
	_Atomic bool wanted;
	_Atomic bool taken;
	int n;
	void *address[STACK_MAX];
};

struct worker {
	struct mailbox box; /* the one part that all threads write to ... */
	char apart[64];     /* ... on a cache line of its own */
	unsigned number;
	struct event_base *base;
	struct event *woken; /* the mailbox's eventfd */
	struct event *alarm; /* the next time the wheel wants to be looked at */
	int64_t alarm_ms;
	struct wheel wheel;
	struct mail *mails; /* taken from the mailbox, not yet run */
	struct list turn_ends;
	struct arena *scratch;
	bool scratch_used;
	bool asleep; /* since the last poll began, as far as other threads know */
	char *buffer;
	bool now_known; /* now_ms is of this turn */
	int64_t now_ms;
	pthread_t thread;
	_Atomic bool running;
	_Atomic uint64_t turns, mails_run;
	_Atomic int64_t busy_ms; /* how long the watchdog has seen the present callback run */
	struct doing doing;
	struct stack_request stack;
};

extern _Thread_local struct worker *worker_current; /* NULL on other threads */
struct worker *worker_here(void);                   /* asserts that this is a worker */
struct worker *worker_by_number(unsigned number);   /* NULL: there is none */

/* What `who` is doing, in words; async-signal-safe. */
void doing_read(const struct worker *who, struct worker_view *out);

/* watchdog.c: begins and ends with the worker threads. */
void watchdog_start(void);
void watchdog_stop(void);

/* crash.c: the calling thread can report a crash by overflow of its stack. */
void crash_thread_begin(void);
void crash_thread_end(void);

#endif
