/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/sm.c - what a client says about stream management: <enable/>, <r/>, <a/> (XEP-0198 3, 4, 6).
 *
 * h counts what is done: what is still held (core/custody.h) has not been handled.  <r/> is answered
 * at once when nothing is, else when the holds close, and after ANSWER_MS with what h is then; the
 * rest follows unasked (DESIGN 4: section 4 lets nothing but a time-out withhold an answer).
 */
#include "core/sm.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/random.h"
#include "core/core.h"
#include "core/custody.h"
#include "core/metrics.h"
#include "core/nonza.h"
#include "core/user.h"
#include "store/failpoint.h"

#define ANSWER_MS 200

bool
sm_number(const char *text, uint32_t *n)
{
	uint64_t value = 0;

	if (!text || !*text || strlen(text) > 10)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
	}
	*n = (uint32_t)value;
	return value <= UINT32_MAX;
}

void
sm_failed(struct hm_session *s, enum hm_cond cond, const uint32_t *h)
{
	if (h)
		sm_write(s,
		         "<failed xmlns='" NS_SM "' h='%u'><%s xmlns='" NS_STANZA_ERRORS
		         "'/></failed>",
		         (unsigned)*h, cond_name(cond));
	else
		sm_write(s, "<failed xmlns='" NS_SM "'><%s xmlns='" NS_STANZA_ERRORS "'/></failed>",
		         cond_name(cond));
}

void
sm_free(struct hm_session *s)
{
	if (!s->sm)
		return;
	if (s->sm->hibernates)
		metric_add(core_metric(CM_HIBERNATING), -1);
	metric_add(core_metric(CM_UNACKNOWLEDGED), -(int64_t)s->sm->queue.n);
	timer_stop(&s->sm->timer);
	timer_stop(&s->sm->answers);
	sm_queue_free(&s->sm->queue);
	mem_free(s->sm);
	s->sm = NULL;
}

/* --- <enable/> ------------------------------------------------------------------------------- */

static bool
is_true(const char *text)
{
	return text && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0);
}

/* For how long, in ms; 0: it can't be resumed. */
static uint32_t
resume_time(const struct hm_session *s, const struct hm_elem *enable)
{
	uint32_t ours = host_limits(s->user->entity.host)->resume_time, theirs;

	if (!is_true(elem_attr(enable, "resume")))
		return 0;
	/* A wish to wait longer than we do is none that we could grant. */
	if (sm_number(elem_attr(enable, "max"), &theirs) && theirs > 0 && theirs < ours / 1000)
		return theirs * 1000;
	return ours;
}

struct sm *
sm_new(struct hm_session *s, const char *id, uint32_t max_ms)
{
	struct sm *sm = s->sm = mem_new(struct sm);

	sm->session = s->id;
	sm->came_before = s->now;
	sm->max_ms = max_ms;
	if (id)
		snprintf(sm->id, sizeof(sm->id), "%s", id);
	else
		random_token(sm->id, SM_ID_CHARS);
	return sm;
}

static void
enable(struct hm_session *s, const struct hm_elem *root)
{
	struct sm *sm;

	if (!s->bound || s->sm) {
		sm_failed(s, HM_UNEXPECTED_REQUEST, NULL);
		return;
	}
	sm = sm_new(s, NULL, resume_time(s, root));
	log_line(&s->log, HM_DEBUG, "stream management", hm_kv("resume_ms", sm->max_ms));
	if (sm->max_ms)
		sm_write(s, "<enabled xmlns='" NS_SM "' id='%s' resume='true' max='%u'/>", sm->id,
		         (unsigned)(sm->max_ms / 1000));
	else
		sm_write(s, "<enabled xmlns='" NS_SM "'/>");
}

/* --- <r/> -------------------------------------------------------------------------------------- */

uint32_t
sm_handled(const struct hm_session *s)
{
	uint32_t h = custody_handled(s) - s->sm->came_before;

	/* What came before <enable/> may be held still. */
	if (!s->sm->counts && (int32_t)h < 0)
		return 0;
	s->sm->counts = true;
	return h;
}

static bool
is_done(const struct hm_session *s, uint32_t up_to)
{
	return (int32_t)(custody_handled(s) - up_to) >= 0;
}

static void answer_anyway(struct timer *t);

static void
wait_for(struct hm_session *s, uint32_t up_to)
{
	s->sm->answer = SM_WAITS;
	s->sm->answer_at = up_to;
	timer_start(&s->sm->answers, ANSWER_MS, answer_anyway);
}

/* All that were asked for up to here. */
static void
answer(struct hm_session *s, enum sm_answer then)
{
	struct sm *sm = s->sm;

	sm->answer = then;
	timer_stop(&sm->answers);
	failpoint(FAILPOINT_BEFORE_ACK);
	sm_write(s, "<a xmlns='" NS_SM "' h='%u'/>", (unsigned)sm_handled(s));
	if (then == SM_ANSWERED && !is_done(s, sm->asked_at))
		wait_for(s, sm->asked_at);
}

static void
answer_anyway(struct timer *t)
{
	struct sm *sm = HM_CONTAINER(t, struct sm, answers);

	sm->answer_at = sm->asked_at;
	answer(session_find(sm->session), SM_OWES);
}

void
sm_handled_moved(struct hm_session *s)
{
	if (s->sm && s->sm->answer != SM_ANSWERED && is_done(s, s->sm->answer_at))
		answer(s, SM_ANSWERED);
}

static void
requested(struct hm_session *s)
{
	struct sm *sm = s->sm;

	sm->asked_at = s->now; /* what came before it, done or not */
	if (is_done(s, sm->asked_at))
		answer(s, SM_ANSWERED);
	else if (sm->answer != SM_WAITS)
		wait_for(s, sm->asked_at);
}

/* --- All elements -------------------------------------------------------------------------------- */

static void
acknowledged(struct hm_session *s, const struct hm_elem *root)
{
	uint32_t h;

	if (!sm_number(elem_attr(root, "h"), &h))
		sm_failed(s, HM_BAD_REQUEST, NULL);
	else if (!sm_acknowledged(s, h))
		sm_too_high(s, s->sm, h);
}

bool
sm_overtakes(const struct hm_session *s, const struct hm_elem *root)
{
	return s->sm && (elem_is(root, NS_SM, "a") || elem_is(root, NS_SM, "r"));
}

void
sm_received(struct hm_session *s, const struct hm_elem *root)
{
	bool r = strcmp(root->name, "r") == 0, a = strcmp(root->name, "a") == 0;

	if (strcmp(root->name, "enable") == 0)
		enable(s, root);
	else if (strcmp(root->name, "resume") == 0)
		sm_resume(s, root);
	else if (!r && !a)
		session_close(s, STREAM_UNSUPPORTED_STANZA_TYPE, NULL, HM_CLOSED_BY_SERVER);
	else if (!s->sm)
		sm_failed(s, HM_UNEXPECTED_REQUEST, NULL);
	else if (r)
		requested(s);
	else
		acknowledged(s, root);
}
