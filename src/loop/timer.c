/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * loop/timer.c - the timer wheel.  Adding and stopping touch one list; between
 * two slots in use the wheel jumps, so a worker sleeps until the next one and a
 * clock that is moved by hours costs no more than the timers it makes due.
 */
#include "loop/timer.h"

#include <hermod/values.h>

#include "base/clock.h"
#include "loop/wheel.h"
#include "loop/worker_state.h"

void
wheel_init(struct wheel *w, int64_t now_ms)
{
	*w = (struct wheel){ .start_ms = now_ms };
	for (unsigned level = 0; level < WHEEL_LEVELS; level++)
		for (unsigned i = 0; i < WHEEL_SLOTS; i++)
			list_init(&w->slot[level][i]);
}

/* The first tick that is not before due_ms. */
static uint64_t
due_tick(const struct wheel *w, const struct timer *t)
{
	int64_t ms = t->due_ms - w->start_ms;

	return ms <= 0 ? 0 : ((uint64_t)ms + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS;
}

void
wheel_add(struct wheel *w, struct timer *t)
{
	uint64_t tick = due_tick(w, t);
	unsigned level, slot;

	if (tick <= w->tick)
		tick = w->tick + 1;
	level = (unsigned)(63 - __builtin_clzll(tick ^ w->tick)) / WHEEL_BITS;
	hm_assert(level < WHEEL_LEVELS); /* 6 digits of base 64 at 50 ms are a century */
	slot = tick >> (level * WHEEL_BITS) & (WHEEL_SLOTS - 1);
	list_push_back(&w->slot[level][slot], &t->link);
	w->used[level] |= UINT64_C(1) << slot;
}

/*
 * The next slot in use and the tick at which it begins.  Timers of a level
 * above 0 are spread over the lower ones then, so it may be before they are due.
 */
static struct list *
next_slot(struct wheel *w, uint64_t *tick)
{
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		unsigned shift = level * WHEEL_BITS;
		uint64_t now = w->tick >> shift;
		uint64_t later = ~UINT64_C(0) << (now & (WHEEL_SLOTS - 1)) << 1;

		while (w->used[level] & later) {
			unsigned slot = (unsigned)__builtin_ctzll(w->used[level] & later);

			if (!list_empty(&w->slot[level][slot])) {
				*tick = ((now & ~(uint64_t)(WHEEL_SLOTS - 1)) | slot) << shift;
				return &w->slot[level][slot];
			}
			w->used[level] &= ~(UINT64_C(1) << slot);
		}
	}
	return NULL;
}

int64_t
wheel_next_ms(struct wheel *w)
{
	uint64_t tick;

	if (!next_slot(w, &tick))
		return INT64_MAX;
	return w->start_ms + (int64_t)(tick * WHEEL_TICK_MS);
}

/* The wheel stands at the slot's first tick: fires what is due, moves the rest to lower levels. */
static void
open_slot(struct wheel *w, struct list *slot, void (*fired)(struct timer *t))
{
	struct list due;

	/* What runs below may stop or start any timer, also those of this slot. */
	list_init(&due);
	while (!list_empty(slot)) {
		struct timer *t = list_entry(slot->next, struct timer, link);

		list_remove(&t->link);
		if (due_tick(w, t) <= w->tick)
			list_push_back(&due, &t->link);
		else
			wheel_add(w, t);
	}
	while (!list_empty(&due)) {
		struct timer *t = list_entry(due.next, struct timer, link);

		list_remove(&t->link);
		fired(t);
	}
}

void
wheel_run(struct wheel *w, int64_t now_ms, void (*fired)(struct timer *t))
{
	uint64_t now, tick;
	struct list *slot;

	if (now_ms < w->start_ms)
		return;
	now = (uint64_t)(now_ms - w->start_ms) / WHEEL_TICK_MS;
	while ((slot = next_slot(w, &tick)) && tick <= now) {
		w->tick = tick;
		open_slot(w, slot, fired);
	}
	if (now > w->tick)
		w->tick = now;
}

void
timer_start(struct timer *t, uint32_t ms, void (*fire)(struct timer *t))
{
	struct worker *w = worker_here();

	timer_stop(t);
	list_init(&t->link);
	/* The clock and not the turn's time: a long turn would make the timer fire early. */
	t->due_ms = clock_mono_ms() + ms;
	t->fire = fire;
	wheel_add(&w->wheel, t);
}

void
timer_stop(struct timer *t)
{
	if (timer_running(t))
		list_remove(&t->link);
}

bool
timer_running(const struct timer *t)
{
	return t->link.next && !list_empty(&t->link);
}
