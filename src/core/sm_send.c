/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/sm_send.c - what goes to a client with stream management (XEP-0198 4): kept until it is
 * acknowledged.  Acks are asked for seldom, behind stanzas that go out anyway: asking after each doubles
 * the cost of a delivery.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/chain.h"
#include "core/core.h"
#include "core/metrics.h"
#include "core/sm.h"
#include "core/turn.h"
#include "core/user.h"

void
sm_write(struct hm_session *s, const char *fmt, ...)
{
	struct link_msg *msg;
	char text[512]; /* numbers, conditions, our own ids */
	va_list args;
	int len;

	if (!s->stream)
		return;
	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	hm_assert(len >= 0 && (size_t)len < sizeof(text));
	msg = link_new(LINK_TEXT, s->stream, s->id);
	msg->u.text.xml = mem_strdup(text);
	link_to_stream(msg);
}

/* --- Asking ------------------------------------------------------------------------------------- */

static int64_t
oldest_ms(const struct sm *sm)
{
	return (clock_wall_us() - sm_at(&sm->queue, 0)->sent_us) / 1000;
}

static bool
is_time(const struct hm_session *s)
{
	const struct core_limits *limits = host_limits(s->user->entity.host);
	const struct sm *sm = s->sm;

	return (int64_t)sm->queue.n >= limits->ask_stanzas || sm->queue.bytes >= limits->ask_size ||
	       oldest_ms(sm) >= limits->ask_time;
}

void
sm_ask_now(struct hm_session *s)
{
	struct sm *sm = s->sm;

	if (sm->asked || !s->stream || sm->queue.n == 0)
		return;
	sm->asked = true;
	sm->asked_ms = clock_mono_ms();
	sm_write(s, "<r xmlns='" NS_SM "'/>");
}

void
sm_ask(struct hm_session *s)
{
	if (s->sm->queue.n > 0 && is_time(s))
		sm_ask_now(s);
}

static void look(struct timer *t);

static void
look_in(struct sm *sm, int64_t ms)
{
	timer_start(&sm->timer, ms > 0 ? (uint32_t)ms : 1, look);
}

/* One timer, which no stanza moves. */
static void
look(struct timer *t)
{
	struct sm *sm = HM_CONTAINER(t, struct sm, timer);
	struct hm_session *s = session_find(sm->session);
	const struct core_limits *limits = host_limits(s->user->entity.host);

	if (sm->queue.n == 0)
		return;
	sm_ask(s);
	if (!sm->asked)
		look_in(sm, limits->ask_time - oldest_ms(sm));
	else if (clock_mono_ms() - sm->asked_ms < limits->probe_timeout)
		look_in(sm, sm->asked_ms + limits->probe_timeout - clock_mono_ms());
	else
		session_cut(s, STREAM_CONNECTION_TIMEOUT, NULL, HM_CLOSED_TIMEOUT);
}

static void
look_later(struct hm_session *s)
{
	if (s->stream && s->sm->queue.n > 0 && !timer_running(&s->sm->timer))
		look_in(s->sm, host_limits(s->user->entity.host)->ask_time);
}

/* --- What was sent -------------------------------------------------------------------------------- */

static enum sm_to
kind_of(const struct hm_session *s, const char *to)
{
	if (!to)
		return SM_TO_NOBODY;
	if (to == s->jid || strcmp(to, s->jid) == 0)
		return SM_TO_FULL;
	return strcmp(to, s->user->entity.address) == 0 ? SM_TO_BARE : SM_TO_OTHER;
}

/* Without a connection twice as much: else one that was cut for it could hardly come back. */
static void
check_bounds(struct hm_session *s)
{
	const struct core_limits *limits = host_limits(s->user->entity.host);
	const struct sm_queue *q = &s->sm->queue;
	unsigned factor = s->sm->hibernates ? 2 : 1;

	if ((int64_t)q->n <= factor * limits->unacknowledged &&
	    q->bytes <= factor * limits->unacknowledged_size)
		return;
	log_line(&s->log, HM_INFO, "too much is not acknowledged", hm_kv("stanzas", q->n),
	         hm_kv("bytes", q->bytes));
	if (s->sm->hibernates)
		session_close(s, 0, NULL, HM_CLOSED_LOST);
	else
		session_cut(s, STREAM_RESOURCE_CONSTRAINT, "Too much is not acknowledged.",
		            HM_CLOSED_BY_SERVER);
}

void
sm_keep(struct hm_session *s, const struct hm_stanza *stanza, const char *to, int64_t id,
        int64_t sent_us)
{
	struct sm_stanza x = {
		.stanza = stanza_ref(stanza), .id = id, .sent_us = sent_us, .to = kind_of(s, to)
	};

	if (x.to == SM_TO_OTHER)
		x.other = mem_strdup(to);
	sm_push(&s->sm->queue, &x);
	s->sm->sent++;
	metric_add(core_metric(CM_UNACKNOWLEDGED), 1);
}

void
sm_sent(struct hm_session *s, const struct hm_stanza *stanza, const char *to, int64_t id)
{
	sm_keep(s, stanza, to, id, clock_wall_us());
	look_later(s);
	check_bounds(s);
}

bool
sm_acknowledged(struct hm_session *s, uint32_t h)
{
	struct sm *sm = s->sm;
	uint32_t n = h - (sm->sent - sm->queue.n);

	if (n > sm->queue.n)
		return false;
	sm->asked = false;
	metric_add(core_metric(CM_UNACKNOWLEDGED), -(int64_t)n);
	while (n-- > 0) {
		struct sm_stanza x = sm_pop(&sm->queue);

		if (x.id > 0)
			notice_message_confirmed(s, x.id);
		sm_stanza_free(&x);
	}
	if (sm->queue.n > 0 && !sm->hibernates) {
		timer_stop(&sm->timer);
		look_later(s);
	}
	return true;
}

void
sm_too_high(struct hm_session *s, const struct sm *of, uint32_t h)
{
	char *text = mem_printf("You acknowledged %u stanzas, but I only sent you %u so far.",
	                        (unsigned)h, (unsigned)of->sent);
	char *app = mem_printf("<handled-count-too-high xmlns='" NS_SM "' h='%u' send-count='%u'/>",
	                       (unsigned)h, (unsigned)of->sent);

	session_close_app(s, STREAM_UNDEFINED_CONDITION, text, app, HM_CLOSED_BY_SERVER);
	mem_free(text);
	mem_free(app);
}

void
sm_resend(struct hm_session *s)
{
	for (unsigned i = 0; i < s->sm->queue.n; i++) {
		const struct sm_stanza *x = sm_at(&s->sm->queue, i);

		session_write(s, stanza_ref(x->stanza), sm_to_text(s, x));
	}
	if (s->sm->queue.n == 0)
		return;
	s->sm->asked = true;
	s->sm->asked_ms = clock_mono_ms();
	sm_write(s, "<r xmlns='" NS_SM "'/>");
	look_later(s);
}

/* --- The end ---------------------------------------------------------------------------------------- */

/* XEP-0198 4: as for a resource that is not there; XEP-0203: when it was. */
static const struct hm_stanza *
stamped(const struct hm_session *s, const struct sm_stanza *x)
{
	char stamp[CLOCK_STAMP_MAX];
	struct stanza_build b;

	if (elem_child(x->stanza->root, "urn:xmpp:delay", "delay"))
		return stanza_ref(x->stanza);
	stanza_build_from(&b, x->stanza, NULL, NULL);
	writer_open(&b.w, "urn:xmpp:delay", "delay");
	writer_attr(&b.w, "from", s->user->entity.host->domain);
	writer_attr(&b.w, "stamp", clock_stamp(x->sent_us, 0, stamp));
	writer_close(&b.w);
	return stanza_build_done(&b, x->stanza->from);
}

/* A room's messages are the room's to keep, and headlines nobody's. */
static bool
is_worth_keeping(const struct hm_stanza *s)
{
	return s->kind == STANZA_MESSAGE && s->type != TYPE_ERROR && s->type != TYPE_GROUPCHAT &&
	       s->type != TYPE_HEADLINE;
}

static void
give_back(struct hm_session *s, const struct sm_stanza *x)
{
	struct entity *e = &s->user->entity;
	const struct hm_stanza *error;

	if (is_worth_keeping(x->stanza)) {
		user_receive_again(s->user, letter_to(stamped(s, x), sm_to_text(s, x)), x->sent_us);
	} else if (x->stanza->kind == STANZA_IQ && x->stanza->from) {
		error = stanza_error_reply(x->stanza, sm_to_text(s, x), HM_SERVICE_UNAVAILABLE,
		                           NULL);
		if (error)
			turn_route(e, letter_to(error, x->stanza->from));
	}
}

void
sm_settle(struct hm_session *s)
{
	if (s->sm->max_ms && s->ended_by != HM_CLOSED_BY_CLIENT)
		sm_expired_add(s);
	metric_add(core_metric(CM_UNACKNOWLEDGED), -(int64_t)s->sm->queue.n);
	while (s->sm->queue.n > 0) {
		struct sm_stanza x = sm_pop(&s->sm->queue);

		if (x.id > 0)
			notice_message_unconfirmed(s, x.id);
		else if (x.id == SESSION_LETTER && x.to != SM_TO_NOBODY)
			give_back(s, &x);
		sm_stanza_free(&x);
	}
}
