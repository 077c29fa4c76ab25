/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/inbox.c - what comes from a client, in its order: it waits while a change of its own is
 * answered (RFC 6120 10.1) and while its account is loaded again, and the stream gets credit for
 * what is done.  What it caused at others counts as done when they have handled it (credit.h).
 */
#include "base/mem.h"
#include "base/metrics.h"
#include "core/core.h"
#include "core/here.h"
#include "core/metrics.h"
#include "core/nonza.h"
#include "core/session.h"
#include "core/sm.h"
#include "core/turn.h"
#include "core/user.h"
#include "loop/worker.h"

#define CREDIT_EVERY 16 /* stanzas */
#define LOOK_UPS_BURST_S 25

static void return_credit(struct hm_session *s);

/* --- Credit: for what is processed, unless too much of it is still under way ----------------------- */

static void
look_ups_again(struct timer *t)
{
	return_credit(HM_CONTAINER(t, struct hm_session, slower));
}

/*
 * Accounts that its stanzas had to wake are counted whether they exist or not, else the pause would
 * tell which do; one that is in memory, or known to be none, costs nothing.
 */
static bool
looks_up_too_much(struct hm_session *s)
{
	struct hm_user *u = s->user;
	int64_t rate = host_limits(u->entity.host)->look_ups, most = rate * 1000 * LOOK_UPS_BURST_S;
	int64_t now_ms = worker_now_ms();
	int64_t passed_ms = now_ms - u->look_ups_ms;

	if (passed_ms >= LOOK_UPS_BURST_S * 1000 || u->look_ups + passed_ms * rate > most)
		u->look_ups = most;
	else
		u->look_ups += passed_ms * rate;
	u->look_ups_ms = now_ms;
	u->look_ups -= (int64_t)credit_take_looked_up(s->credit) * 1000;
	if (u->look_ups >= 0)
		return false;
	if (!timer_running(&s->slower))
		timer_start(&s->slower, (uint32_t)(-u->look_ups / rate + 1), look_ups_again);
	return true;
}

static void
return_credit(struct hm_session *s)
{
	struct link_msg *msg;

	if (!s->stream || s->processed == 0 || credit_is_used_up(s->credit) || looks_up_too_much(s))
		return;
	msg = link_new(LINK_CREDIT, s->stream, s->id);
	msg->u.credit.stanzas = s->processed;
	msg->u.credit.bytes = s->processed_bytes;
	s->processed = 0;
	s->processed_bytes = 0;
	link_to_stream(msg);
}

/* The stream may send more. */
static void
give_credit(struct hm_session *s, size_t bytes)
{
	s->processed++;
	s->processed_bytes += bytes;
	if (s->processed >= CREDIT_EVERY || s->processed_bytes >= 65536)
		return_credit(s);
}

static void
credit_back(uint64_t id)
{
	struct hm_session *s = session_find(id);

	if (s)
		return_credit(s);
}

struct credit *
session_credit(const struct hm_session *s)
{
	const struct core_limits *limits = host_limits(s->user->entity.host);

	return credit_new(s->id, credit_back, (uint32_t)limits->unhandled_stanzas,
	                  limits->unhandled_bytes);
}

/* --- Input --------------------------------------------------------------------------------------------- */

static void
process_input(struct hm_session *s, struct session_input *in)
{
	struct entity *e = &s->user->entity;

	e->pins++;
	s->now = in->number;
	turn_begin(e, NULL);
	turn_payer(s->credit);
	if (nonza_is(in->root))
		nonza_received(s, in->root);
	else
		session_process(s, in);
	give_credit(s, in->bytes);
	if (s->sm)
		sm_handled_moved(s);
	e->pins--;
	turn_end();
	if (in->arena)
		arena_free(&in->arena);
	mem_free(in);
}

struct session_waiter {
	struct waiter waiter;
	uint64_t id;
};

static void drain_inbox(struct hm_session *s);
static void wait_for_account(struct hm_session *s);

static void
account_back(struct waiter *w, struct entity *e, enum hm_cond why)
{
	struct session_waiter *sw = HM_CONTAINER(w, struct session_waiter, waiter);
	struct hm_session *s = session_find(sw->id);

	mem_free(sw);
	if (!s)
		return;
	s->waiting = false;
	if (e)
		drain_inbox(s);
	else
		wait_for_account(s); /* it could not be loaded, and will be tried again */
}

/* Its account is being loaded again: what the client sends waits. */
static void
wait_for_account(struct hm_session *s)
{
	struct session_waiter *sw = mem_new(struct session_waiter);

	s->waiting = true;
	list_init(&sw->waiter.link);
	sw->id = s->id;
	sw->waiter.go = account_back;
	entity_wait(&s->user->entity, &sw->waiter);
}

static bool
may_go_on(const struct hm_session *s)
{
	return !s->held && !s->closing && !list_empty(&s->inbox);
}

static void
drain_inbox(struct hm_session *s)
{
	struct entity *e = &s->user->entity;

	while (may_go_on(s) && entity_is_open(e)) {
		struct session_input *in = list_entry(s->inbox.next, struct session_input, link);

		list_remove(&in->link);
		process_input(s, in);
	}
	/* The last turn's end may have begun to load it again. */
	if (may_go_on(s) && !s->waiting)
		wait_for_account(s);
	session_leave_if_answered(s);
}

void
session_go_on(struct hm_session *s)
{
	drain_inbox(s);
}

void
session_receive(struct link_msg *take)
{
	struct hm_session *s = session_find(take->session);
	struct session_input *in;

	/* Of a stream that it has no longer it takes nothing: none of that is counted as handled. */
	if (!s || s->closing || s->stream != take->stream) {
		link_free(take);
		return;
	}
	s->came += !nonza_is(take->u.in.root);
	metric_add(core_metric(CM_STANZAS_IN), !nonza_is(take->u.in.root));
	in = mem_new(struct session_input);
	in->arena = take->u.in.arena;
	in->root = take->u.in.root;
	in->bytes = take->u.in.bytes;
	in->number = s->came;
	take->u.in.arena = NULL;
	link_free(take);
	/* DESIGN 2: these wait behind nothing. */
	if (s->user->entity.state == ENTITY_READY &&
	    (sm_overtakes(s, in->root) || (s->held && session_is_answer(s, in->root)))) {
		process_input(s, in);
		return;
	}
	list_push_back(&s->inbox, &in->link);
	drain_inbox(s);
}

/* --- A request of its own is over --------------------------------------------------------------------- */

struct going_on {
	struct mail mail;
	uint64_t id;
	bool was_held;
};

static void
go_on(struct mail *mail)
{
	struct going_on *g = HM_CONTAINER(mail, struct going_on, mail);
	struct hm_session *s = session_find(g->id);
	bool was_held = g->was_held;

	mem_free(g);
	if (!s)
		return;
	if (was_held)
		s->held = false;
	if (s->parked && s->open_requests == 0) {
		struct hm_letter *l = s->parked;

		s->parked = NULL;
		session_route(s, l);
	}
	drain_inbox(s);
}

static void
go_on_later(const struct hm_session *s, bool was_held)
{
	struct going_on *g = mem_new(struct going_on);

	g->id = s->id;
	g->was_held = was_held;
	g->mail.run = go_on;
	worker_post(here->worker, &g->mail);
}

void
session_request_over(const struct hm_letter *l)
{
	struct hm_session *s = session_find(l->session);

	if (!s)
		return;
	if (l->awaited)
		s->open_requests--;
	if (l->holds_session || s->parked || s->leaving)
		go_on_later(s, l->holds_session);
}
