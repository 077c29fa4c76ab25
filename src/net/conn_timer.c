/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/conn_timer.c - the time-outs of a connection, on one timer.  What pushes a
 * time-out back (a byte came, the kernel took some) only notes the time; the timer
 * finds out when it fires and goes on waiting.  So input costs no timer.
 */
#include "base/clock.h"
#include "net/conn_state.h"

#define NEVER INT64_MAX

static int64_t
idle_until(const struct conn *c)
{
	/* Who is not read can't be blamed for his silence. */
	if (c->idle_ms == 0 || c->held || c->state != CONN_OPEN)
		return NEVER;
	return c->heard_ms + c->idle_ms;
}

static int64_t
stuck_until(const struct conn *c)
{
	if (c->stuck_ms == 0 || !c->blocked)
		return NEVER;
	return c->moved_ms + c->stuck_ms;
}

static int64_t
earliest(const struct conn *c)
{
	int64_t due = c->deadline_ms ? c->deadline_ms : NEVER;

	if (idle_until(c) < due)
		due = idle_until(c);
	if (stuck_until(c) < due)
		due = stuck_until(c);
	return due;
}

static void
time_is_out(struct timer *t)
{
	struct conn *c = HM_CONTAINER(t, struct conn, timer);
	int64_t now = clock_mono_ms();

	if (stuck_until(c) <= now && c->state == CONN_OPEN)
		conn_over(c, CONN_WRITE_STUCK);
	else if (earliest(c) <= now)
		conn_over(c, CONN_TIMEOUT);
	else
		conn_arm_timer(c);
}

void
conn_arm_timer(struct conn *c)
{
	int64_t due = earliest(c);
	int64_t wait;

	if (c->detached || c->state == CONN_OVER)
		return;
	if (due == NEVER) {
		timer_stop(&c->timer);
		return;
	}
	/* One that fires too early finds out then. */
	if (timer_running(&c->timer) && c->timer.due_ms <= due)
		return;
	wait = due - clock_mono_ms();
	timer_start(&c->timer,
	            wait < 0            ? 0
	            : wait > UINT32_MAX ? UINT32_MAX
	                                : (uint32_t)wait,
	            time_is_out);
}

void
conn_set_timeout(struct conn *c, uint32_t ms)
{
	c->idle_ms = ms;
	conn_arm_timer(c);
}

void
conn_set_deadline(struct conn *c, uint32_t ms)
{
	if (c->state != CONN_OPEN)
		return;
	c->deadline_ms = ms ? clock_mono_ms() + ms : 0;
	conn_arm_timer(c);
}
