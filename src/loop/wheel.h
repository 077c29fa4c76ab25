/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * loop/wheel.h - the hierarchical timer wheel of one worker, without a clock of
 * its own: it is told the time.  Six levels of 64 slots; a timer lies on
 * the level of the highest digit (base 64) in which its tick differs from the present
 * one, so every slot of a level comes after the present one, and before all of the next level.
 */
#ifndef LOOP_WHEEL_H
#define LOOP_WHEEL_H

#include <stdint.h>

#include "base/list.h"
#include "loop/timer.h"

#define WHEEL_TICK_MS 50
#define WHEEL_BITS 6
#define WHEEL_SLOTS 64
#define WHEEL_LEVELS 6

struct wheel {
	int64_t start_ms;
	uint64_t tick;               /* since start_ms; all timers up to it have fired */
	uint64_t used[WHEEL_LEVELS]; /* a bit per slot; may be stale after a stop */
	struct list slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, int64_t now_ms);
void wheel_add(struct wheel *w, struct timer *t); /* stopped, due_ms is set */
/* When wheel_run() should be called next, INT64_MAX for never; that need not be a timer's time. */
int64_t wheel_next_ms(struct wheel *w);
/* Calls fired for each timer that is due, earliest tick first; it is stopped by then. */
void wheel_run(struct wheel *w, int64_t now_ms, void (*fired)(struct timer *t));

#endif
