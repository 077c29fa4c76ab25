/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/sm_resume.c - a session without a connection, and how a new stream of its account gets it
 * (XEP-0198 5).
 *
 * A session that hibernates is there for everybody else: its presence counts, what it is sent waits in its
 * queue.  <resume/> comes on a stream that has an unbound session of its own; the old session takes over the
 * stream with all that has come on it, and the other one goes.  It happens in a mail of its own, since the
 * other one's input is being worked on when it is asked for.  First what is held of the client's is waited for, but not
 * long: it is sent once more otherwise, and has to be known again (repeats.h).
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/chain.h"
#include "core/custody.h"
#include "core/here.h"
#include "core/metrics.h"
#include "core/shown.h"
#include "core/sm.h"
#include "core/turn.h"
#include "core/user.h"
#include "loop/worker.h"

#define WAIT_MS 1000 /* for holds */
#define LOOK_MS 50

struct resuming {
	struct timer timer;
	uint64_t session; /* the unbound one */
	int64_t until_ms;
	uint32_t h;
	char id[SM_ID_CHARS + 1];
};

/* --- Without a connection --------------------------------------------------------------------------- */

static void
expired(struct timer *t)
{
	struct sm *sm = HM_CONTAINER(t, struct sm, timer);

	session_close(session_find(sm->session), 0, NULL, HM_CLOSED_LOST);
}

void
sm_sleep(struct hm_session *s, uint32_t ms)
{
	struct sm *sm = s->sm;

	sm->hibernates = true;
	sm->since_us = clock_wall_us();
	sm->asked = false;
	sm->answer = SM_ANSWERED;
	timer_stop(&sm->answers);
	timer_start(&sm->timer, ms, expired);
	metric_add(core_metric(CM_HIBERNATING), 1);
	log_line(&s->log, HM_INFO, "hibernates", hm_kv("unacknowledged", sm->queue.n),
	         hm_kv("ms", ms));
}

bool
sm_hibernate(struct hm_session *s)
{
	struct sm *sm = s->sm;

	if (!sm || !sm->max_ms || s->closing || s->leaving)
		return false;
	session_detach(s);
	if (!sm->hibernates)
		sm_sleep(s, sm->max_ms);
	return true;
}

static void
wake(struct hm_session *s)
{
	s->sm->hibernates = false;
	timer_stop(&s->sm->timer);
	metric_add(core_metric(CM_HIBERNATING), -1);
}

/* --- <resume/> ----------------------------------------------------------------------------------------- */

static struct hm_session *
find(const struct hm_user *u, const char *id)
{
	struct hm_session *found = NULL;

	for (struct list *l = u->sessions.next; l != &u->sessions; l = l->next) {
		struct hm_session *s = list_entry(l, struct hm_session, link);

		if (s->sm && s->sm->max_ms && !s->closing && !s->leaving &&
		    sm_same_id(s->sm->id, id))
			found = s;
	}
	return found;
}

static void
not_found(struct hm_session *s, const char *id)
{
	uint32_t h;
	bool known = sm_expired_find(s->user->entity.address, id, &h);

	metric_add(core_metric(CM_RESUMES_FAILED), 1);
	log_line(&s->log, HM_INFO, "nothing to resume", hm_kv("expired", known));
	sm_failed(s, HM_ITEM_NOT_FOUND, known ? &h : NULL);
}

void
sm_forget_resuming(struct hm_session *s)
{
	if (!s->resuming)
		return;
	timer_stop(&s->resuming->timer);
	mem_free(s->resuming);
	s->resuming = NULL;
}

/* Inside a turn. s is gone afterwards, unless its client has miscounted. */
static void
take_over(struct hm_session *s, struct hm_session *old)
{
	uint32_t h = s->resuming->h;

	if (!sm_acknowledged(old, h)) {
		sm_too_high(s, old->sm, h);
		return;
	}
	custody_resumed(old);
	/* What came before <enable/> was held still: nothing of it counts. */
	if ((int32_t)(custody_came(old) - old->sm->came_before) < 0)
		old->sm->came_before = custody_came(old);
	session_absorb(old, s);
	wake(old);
	metric_add(core_metric(CM_RESUMED), 1);
	log_line(&old->log, HM_INFO, "resumed", hm_kv("unacknowledged", old->sm->queue.n));
	sm_write(old, "<resumed xmlns='" NS_SM "' previd='%s' h='%u'/>", old->sm->id,
	         (unsigned)sm_handled(old));
	sm_resend(old);
	shown_lost(old);
	notice_session_resumed(old);
}

static void look_again(struct timer *t);

static void
try(struct hm_session *s)
{
	struct resuming *r = s->resuming;
	struct entity *e = &s->user->entity;
	struct hm_session *old = find(s->user, r->id);
	bool ready = e->state == ENTITY_READY;

	if (s->closing)
		return;
	if (old && old->stream)
		session_cut(old, STREAM_CONFLICT, "Resumed on another stream.", HM_CLOSED_REPLACED);
	if (!ready ||
	    (old && custody_handled(old) != custody_came(old) && clock_mono_ms() < r->until_ms)) {
		timer_start(&r->timer, LOOK_MS, look_again);
		return;
	}
	e->pins++;
	turn_begin(e, NULL);
	if (old) {
		take_over(s, old);
	} else {
		not_found(s, r->id);
		sm_forget_resuming(s);
		s->held = false;
		old = s;
	}
	e->pins--;
	turn_end();
	session_go_on(old);
}

static void
look_again(struct timer *t)
{
	try(session_find(HM_CONTAINER(t, struct resuming, timer)->session));
}

struct attempt {
	struct mail mail;
	uint64_t session;
};

static void
attempt(struct mail *mail)
{
	struct attempt *a = HM_CONTAINER(mail, struct attempt, mail);
	struct hm_session *s = session_find(a->session);

	mem_free(a);
	if (s)
		try(s);
}

static void
try_later(struct hm_session *s)
{
	struct attempt *a = mem_new(struct attempt);

	a->session = s->id;
	a->mail.run = attempt;
	worker_post(here->worker, &a->mail);
}

void
sm_resume(struct hm_session *s, const struct hm_elem *root)
{
	const char *id = elem_attr(root, "previd");
	struct hm_session *old = id ? find(s->user, id) : NULL;
	uint32_t h;

	if (s->bound) {
		sm_failed(s, HM_UNEXPECTED_REQUEST, NULL);
	} else if (!id || !sm_number(elem_attr(root, "h"), &h)) {
		sm_failed(s, HM_BAD_REQUEST, NULL);
	} else if (!old) {
		not_found(s, id);
	} else if (h - (old->sm->sent - old->sm->queue.n) > old->sm->queue.n) {
		sm_too_high(s, old->sm, h);
	} else {
		/* Its further input waits until it is the old session's. */
		s->held = true;
		s->resuming = mem_new(struct resuming);
		s->resuming->session = s->id;
		s->resuming->h = h;
		s->resuming->until_ms = clock_mono_ms() + WAIT_MS;
		memcpy(s->resuming->id, old->sm->id, sizeof(old->sm->id));
		try_later(s);
	}
}
