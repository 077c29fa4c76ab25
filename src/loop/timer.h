/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * loop/timer.h - coarse timers on the worker's wheel (tick 50 ms).  Starting and
 * stopping are O(1); a timer fires on the worker that started it, never early, at most
 * two ticks late.  Follows clock_advance().
 */
#ifndef LOOP_TIMER_H
#define LOOP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct timer { /* zeroed is stopped */
	struct list link;
	int64_t due_ms;
	void (*fire)(struct timer *t); /* may start, stop or free the timer */
};

/* Restarts when running. */
void timer_start(struct timer *t, uint32_t ms, void (*fire)(struct timer *t));
void timer_stop(struct timer *t);
bool timer_running(const struct timer *t);

#endif
