/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/shown.c - message_confirmed and message_unconfirmed for clients without stream management.
 * The server pings lazily, behind many messages or a while after the first: one ping in half a minute, and none
 * for who gets nothing.
 */
#include "core/shown.h"

#include "base/clock.h"
#include "base/mem.h"
#include "core/chain.h"
#include "core/core.h"
#include "core/turn.h"
#include "core/user.h"

#define SIZE_MIN 8
#define SHOWN_MAX 20000 /* a client that answers no ping is cut long before */
/* A client that ends its stream has read what was written so long before. */
#define READ_MS 2000
#define NOT_NOW_MS 100 /* while the account is being loaded again */

struct shown_id {
	int64_t id, ms;
};

struct shown {
	uint64_t session;
	struct shown_id *ring;
	unsigned first, n, size; /* size: a power of two */
	bool asked;
	struct timer timer;
};

static struct shown_id *
at(const struct shown *l, unsigned i)
{
	return &l->ring[(l->first + i) & (l->size - 1)];
}

static void
grow(struct shown *l)
{
	unsigned size = l->size ? 2 * l->size : SIZE_MIN;
	struct shown_id *ring = mem_array(size, sizeof(*ring));

	for (unsigned i = 0; i < l->n; i++)
		ring[i] = *at(l, i);
	mem_free(l->ring);
	l->ring = ring;
	l->first = 0;
	l->size = size;
}

static struct shown_id
pop(struct shown *l)
{
	struct shown_id x = *at(l, 0);

	l->first = (l->first + 1) & (l->size - 1);
	l->n--;
	return x;
}

void
shown_free(struct hm_session *s)
{
	if (!s->shown)
		return;
	timer_stop(&s->shown->timer);
	mem_free(s->shown->ring);
	mem_free(s->shown);
	s->shown = NULL;
}

/* --- Asking --------------------------------------------------------------------------------------- */

static void ask_later(struct hm_session *s);

/* A ping of XEP-0199: the error of who does not know it is an answer, too. */
static void
answered(struct hm_mod *m, struct hm_session *s, const struct hm_stanza *reply, int64_t n)
{
	struct shown *l = s->shown;

	if (!l)
		return;
	l->asked = false;
	while (n-- > 0 && l->n > 0)
		notice_message_confirmed(s, pop(l).id);
	ask_later(s);
}

static void
ask(struct hm_session *s)
{
	if (s->shown->asked || !s->stream || s->closing)
		return;
	s->shown->asked = true;
	session_ping(s, answered, s->shown->n);
}

static void
time_to_ask(struct timer *t)
{
	struct hm_session *s = session_find(HM_CONTAINER(t, struct shown, timer)->session);

	if (s->shown->n == 0)
		return;
	if (s->user->entity.state != ENTITY_READY) {
		timer_start(t, NOT_NOW_MS, time_to_ask);
		return;
	}
	turn_begin(&s->user->entity, NULL);
	ask(s);
	turn_end();
}

static void
ask_later(struct hm_session *s)
{
	const struct core_limits *limits = host_limits(s->user->entity.host);
	struct shown *l = s->shown;

	if ((int64_t)l->n >= limits->confirm_messages)
		ask(s);
	else if (l->n > 0 && !timer_running(&l->timer))
		timer_start(&l->timer, limits->confirm_time, time_to_ask);
}

void
shown_add(struct hm_session *s, int64_t id)
{
	struct shown *l = s->shown;

	if (!l) {
		l = s->shown = mem_new(struct shown);
		l->session = s->id;
	}
	if (l->n == SHOWN_MAX) {
		session_close(s, STREAM_RESOURCE_CONSTRAINT, "Too much is not confirmed.",
		              HM_CLOSED_BY_SERVER);
		return;
	}
	if (l->n == l->size)
		grow(l);
	l->n++;
	*at(l, l->n - 1) = (struct shown_id){ id, clock_mono_ms() };
	ask_later(s);
}

void
shown_ask(struct hm_session *s)
{
	if (s->shown && s->shown->n > 0)
		ask(s);
}

/* --- The end ------------------------------------------------------------------------------------------ */

void
shown_lost(struct hm_session *s)
{
	struct shown *l = s->shown;

	while (l && l->n > 0)
		notice_message_unconfirmed(s, pop(l).id);
	shown_free(s);
}

void
shown_settle(struct hm_session *s)
{
	struct shown *l = s->shown;
	int64_t read_ms = clock_mono_ms() - READ_MS;

	while (l && s->ended_by == HM_CLOSED_BY_CLIENT && l->n > 0 && at(l, 0)->ms < read_ms)
		notice_message_confirmed(s, pop(l).id);
	shown_lost(s);
}
