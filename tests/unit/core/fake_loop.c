/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * fake_loop.c - one worker without a thread: mails and timers wait until the test runs them; each
 * mail is a turn of its own.
 */
#include "core_test.h"

#include <hermod/values.h>

#include "base/clock.h"
#include "loop/offload.h"
#include "loop/timer.h"
#include "loop/worker.h"

static struct mail *first, **last = &first;
static struct list timers = { &timers, &timers };
static struct list turn_ends = { &turn_ends, &turn_ends };
static struct arena *scratch;

void
worker_post(unsigned worker, struct mail *mail)
{
	hm_assert(worker == 0);
	mail->next = NULL;
	*last = mail;
	last = &mail->next;
}

static void
end_turn(void)
{
	while (!list_empty(&turn_ends)) {
		struct turn_end *te = HM_CONTAINER(turn_ends.next, struct turn_end, link);

		list_remove(&te->link);
		te->run(te);
	}
	arena_free(&scratch);
}

bool
run_one(void)
{
	struct mail *mail = first;

	if (!mail)
		return false;
	first = mail->next;
	if (!first)
		last = &first;
	mail->run(mail);
	end_turn();
	return true;
}

void
pass_ms(int64_t ms)
{
	clock_advance(ms);
	for (struct list *l = timers.next; l != &timers;) {
		struct timer *t = HM_CONTAINER(l, struct timer, link);

		l = l->next;
		if (t->due_ms > clock_mono_ms())
			continue;
		timer_stop(t);
		t->fire(t);
		l = timers.next;
	}
	end_turn();
	run();
}

struct arena *
worker_scratch(void)
{
	if (!scratch)
		scratch = arena_new(0);
	return scratch;
}

unsigned
workers_count(void)
{
	return 1;
}

unsigned
worker_self(void)
{
	return 0;
}

int64_t
worker_now_ms(void)
{
	return clock_mono_ms();
}

void
workers_kick(void)
{
}

void
worker_doing(const char *module, const char *event, const char *address)
{
}

void
worker_view(unsigned worker, struct worker_view *out)
{
	*out = (struct worker_view){ 0 };
}

void
worker_at_turn_end(struct turn_end *te)
{
	if (!te->link.next)
		list_init(&te->link);
	if (list_empty(&te->link))
		list_push_back(&turn_ends, &te->link);
}

void
worker_cancel_turn_end(struct turn_end *te)
{
	if (te->link.next)
		list_remove(&te->link);
}

void
timer_start(struct timer *t, uint32_t ms, void (*fire)(struct timer *t))
{
	timer_stop(t);
	t->due_ms = clock_mono_ms() + ms;
	t->fire = fire;
	list_push_back(&timers, &t->link);
}

bool
timer_running(const struct timer *t)
{
	return t->link.next && !list_empty(&t->link);
}

void
timer_stop(struct timer *t)
{
	if (timer_running(t))
		list_remove(&t->link);
}

bool
offload_run(struct offload *job)
{
	return false;
}
