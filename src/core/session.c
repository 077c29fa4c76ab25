/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/session.c - a session's beginning and end, and what goes to its client.
 */
#include "core/session.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/chain.h"
#include "core/custody.h"
#include "core/here.h"
#include "core/metrics.h"
#include "core/nonza.h"
#include "core/repeats.h"
#include "core/shown.h"
#include "core/sm.h"
#include "core/trace.h"
#include "core/turn.h"
#include "core/user.h"
#include "loop/worker.h"
#include "store/failpoint.h"

struct hm_session *
session_find(uint64_t id)
{
	return table_get_n(&here->sessions, &id, sizeof(id));
}

/* --- Beginning and end ------------------------------------------------------------------------ */

struct hm_session *
session_new(struct hm_user *u)
{
	struct hm_session *s = mem_new(struct hm_session);

	s->id = link_new_id();
	s->user = u;
	s->credit = session_credit(s);
	list_init(&s->inbox);
	list_init(&s->custody);
	list_init(&s->asked);
	list_init(&s->timers);
	list_push_back(&u->unbound, &s->link);
	s->log = (struct hm_logctx){ .subject = "session",
		                     .n = 2,
		                     .field = { { "conn", hm_value_text(s->conn_text) },
		                                { "jid", hm_value_text(u->entity.address) } } };
	table_put_n(&here->sessions, &s->id, sizeof(s->id), s);
	metric_add(core_metric(CM_SESSIONS), 1);
	return s;
}

static const char *
text_or_null(const char *s)
{
	return s ? mem_strdup(s) : NULL;
}

void
session_describe(struct hm_session *s, const char *lang, const char *source, const char *tls,
                 const char *mechanism)
{
	s->lang = text_or_null(lang);
	s->source = text_or_null(source);
	s->tls = text_or_null(tls);
	s->mechanism = text_or_null(mechanism);
}

void
session_attach(struct hm_user *u, struct link_msg *take)
{
	struct hm_session *s = session_new(u);

	s->stream = take->stream;
	session_describe(s, NULL, take->u.attach.source, take->u.attach.tls,
	                 take->u.attach.mechanism);
	snprintf(s->conn_text, sizeof(s->conn_text), "%llu",
	         (unsigned long long)take->u.attach.conn);
	metric_add(core_metric(CM_LOGINS), 1);
	log_line(&s->log, HM_INFO, "logged in", hm_kv("mechanism", s->mechanism),
	         hm_kv("tls", s->tls));
	link_to_stream(link_new(LINK_ATTACHED, s->stream, s->id));
	link_free(take);
}

static void
free_inbox(struct hm_session *s)
{
	while (!list_empty(&s->inbox)) {
		struct session_input *in = list_entry(s->inbox.next, struct session_input, link);

		list_remove(&in->link);
		arena_free(&in->arena);
		mem_free(in);
	}
}

static void
free_state(struct hm_session *s)
{
	struct host *h = s->user->entity.host;
	struct hm_mod **mods = mods_of(h);

	for (unsigned i = 0; s->state && i < h->n_modules; i++) {
		if (mods[i]->slot->module->decl->session_free)
			mods[i]->slot->module->decl->session_free(mods[i], s);
	}
	mem_free(s->state);
}

static void
forget_alias(struct hm_session *s)
{
	if (s->alias)
		table_remove_n(&here->sessions, &s->alias, sizeof(s->alias));
	s->alias = 0;
}

static void
session_free(struct hm_session *s)
{
	free_inbox(s);
	letter_free(&s->parked);
	custody_forget_session(s);
	repeats_session_over(s);
	session_forget_asked(s);
	free_state(s);
	sm_free(s);
	shown_free(s);
	sm_forget_resuming(s);
	timer_stop(&s->last_answers);
	timer_stop(&s->slower);
	credit_leave(&s->credit);
	stanza_unref(&s->presence);
	table_free(&s->directed);
	table_remove_n(&here->sessions, &s->id, sizeof(s->id));
	forget_alias(s);
	metric_add(core_metric(CM_SESSIONS), -1);
	mem_free((char *)(uintptr_t)s->resource);
	mem_free((char *)(uintptr_t)s->jid);
	mem_free((char *)(uintptr_t)s->lang);
	mem_free((char *)(uintptr_t)s->tls);
	mem_free((char *)(uintptr_t)s->mechanism);
	mem_free((char *)(uintptr_t)s->source);
	mem_free(s);
}

struct ending {
	struct mail mail;
	uint64_t id;
};

static void
end_now(struct hm_session *s)
{
	static const char *const reasons[] = { [HM_CLOSED_BY_CLIENT] = "by the client",
		                               [HM_CLOSED_LOST] = "connection lost",
		                               [HM_CLOSED_TIMEOUT] = "no answer in time",
		                               [HM_CLOSED_REPLACED] = "replaced",
		                               [HM_CLOSED_BY_SERVER] = "by the server" };
	struct hm_user *u = s->user;

	turn_begin(&u->entity, NULL);
	if (s->bound) {
		session_gone(s);
		u->n_sessions--;
	}
	list_remove(&s->link);
	if (s->jid)
		notice_session_ending(s);
	shown_settle(s);
	if (s->sm)
		sm_settle(s);
	if (s->jid)
		notice_session_closed(s, s->ended_by);
	log_line(&s->log, HM_INFO, "session ended", hm_kv("reason", reasons[s->ended_by]));
	session_free(s);
	turn_end();
}

static void
ending_mail(struct mail *mail)
{
	struct ending *e = HM_CONTAINER(mail, struct ending, mail);
	struct hm_session *s = session_find(e->id);

	mem_free(e);
	if (s && entity_is_open(&s->user->entity))
		end_now(s);
	else if (s)
		s->end_waits = true; /* until modules know again who must be told */
}

static void
post_ending(struct hm_session *s)
{
	struct ending *e = mem_new(struct ending);

	e->id = s->id;
	e->mail.run = ending_mail;
	worker_post(here->worker, &e->mail);
}

/* In a later turn: the caller may stand in the middle of a callback about this very session. */
static void
end_later(struct hm_session *s, enum hm_close_reason why)
{
	s->closing = true;
	s->ended_by = why;
	post_ending(s);
}

static void
end_those_that_wait(struct list *sessions)
{
	for (struct list *l = sessions->next; l != sessions; l = l->next) {
		struct hm_session *s = list_entry(l, struct hm_session, link);

		if (s->end_waits)
			post_ending(s);
		s->end_waits = false;
	}
}

void
sessions_loaded_again(struct hm_user *u)
{
	end_those_that_wait(&u->sessions);
	end_those_that_wait(&u->unbound);
}

void
session_lost(struct hm_session *s, enum hm_close_reason why)
{
	if (!s->closing && !sm_hibernate(s))
		end_later(s, why);
}

static void
close_stream(struct hm_session *s, enum stream_cond cond, const char *text, const char *app)
{
	struct link_msg *msg;

	if (!s->stream)
		return;
	msg = link_new(LINK_CLOSE, s->stream, s->id);
	msg->u.close.cond = cond;
	msg->u.close.text = text ? mem_strdup(text) : NULL;
	msg->u.close.app = app ? mem_strdup(app) : NULL;
	link_to_stream(msg);
}

void
session_close_app(struct hm_session *s, enum stream_cond cond, const char *text, const char *app,
                  enum hm_close_reason why)
{
	if (s->closing)
		return;
	close_stream(s, cond, text, app);
	end_later(s, why);
}

void
session_close(struct hm_session *s, enum stream_cond cond, const char *text,
              enum hm_close_reason why)
{
	session_close_app(s, cond, text, NULL, why);
}

void
session_cut(struct hm_session *s, enum stream_cond cond, const char *text, enum hm_close_reason why)
{
	if (s->closing)
		return;
	close_stream(s, cond, text, NULL);
	if (!sm_hibernate(s))
		end_later(s, why);
}

/* --- Another stream (XEP-0198 5) -------------------------------------------------------------- */

void
session_detach(struct hm_session *s)
{
	s->stream = 0;
	forget_alias(s);
	session_forget_pings(s);
}

/* What its client sent and nobody has looked at was not counted: it comes again. */
static void
take_inbox(struct hm_session *s, struct hm_session *other)
{
	free_inbox(s);
	while (!list_empty(&other->inbox)) {
		struct list *l = other->inbox.next;
		struct session_input *in;

		list_remove(l);
		list_push_back(&s->inbox, l);
		in = list_entry(l, struct session_input, link);
		s->came += !nonza_is(in->root);
		in->number = s->came;
	}
	s->processed = other->processed;
	s->processed_bytes = other->processed_bytes;
}

static void
swap_text(const char **a, const char **b)
{
	const char *was = *a;

	*a = *b;
	*b = was;
}

void
session_absorb(struct hm_session *s, struct hm_session *other)
{
	uint64_t alias = other->id;

	forget_alias(s);
	s->stream = other->stream;
	take_inbox(s, other);
	swap_text(&s->lang, &other->lang);
	swap_text(&s->tls, &other->tls);
	swap_text(&s->mechanism, &other->mechanism);
	swap_text(&s->source, &other->source);
	memcpy(s->conn_text, other->conn_text, sizeof(s->conn_text));
	list_remove(&other->link);
	session_free(other);
	s->alias = alias;
	table_put_n(&here->sessions, &s->alias, sizeof(s->alias), s);
}

/* --- The client says goodbye: RFC 6120 4.4 ------------------------------------------------ */

#define LAST_ANSWERS_MS 1000

static void
leave_now(struct timer *t)
{
	session_close(HM_CONTAINER(t, struct hm_session, last_answers), 0, NULL,
	              HM_CLOSED_BY_CLIENT);
}

void
session_leave_if_answered(struct hm_session *s)
{
	if (s->leaving && s->open_requests == 0 && !s->held && list_empty(&s->inbox))
		turn_close(&s->user->entity, s);
}

void
session_leaves(struct hm_session *s)
{
	if (s->closing || s->leaving)
		return;
	s->leaving = true;
	timer_start(&s->last_answers, LAST_ANSWERS_MS, leave_now);
	session_leave_if_answered(s);
}

/* --- To the client -------------------------------------------------------------------------------- */

void
session_write(struct hm_session *s, const struct hm_stanza *take, const char *to)
{
	struct link_msg *msg = link_new(LINK_OUT, s->stream, s->id);

	msg->u.out.stanza = take;
	msg->u.out.to = to ? mem_strdup(to) : NULL;
	link_to_stream(msg);
}

/* Too late: it is undelivered like what was written and is not confirmed. */
static void
miss_out(struct hm_session *s, const struct hm_stanza *take, const char *to, int64_t id)
{
	if (s->sm)
		sm_sent(s, take, to, id);
	else if (id > 0)
		shown_add(s, id);
	stanza_unref(&take);
}

void
session_send(struct hm_session *s, const struct hm_stanza *take, const char *to, int64_t id)
{
	if (s->closing) {
		miss_out(s, take, to, id);
		return;
	}
	if (id > 0)
		failpoint(FAILPOINT_BEFORE_DELIVERY);
	trace_stanza(s, false, take, to);
	metric_add(core_metric(CM_STANZAS_OUT), 1);
	if (s->sm)
		sm_sent(s, take, to, id);
	if (!s->stream) {
		stanza_unref(&take);
		return;
	}
	session_write(s, take, to);
	if (s->sm)
		sm_ask(s);
	else if (id > 0)
		shown_add(s, id);
}

void
session_deliver(struct hm_session *s, const struct hm_stanza *take, const char *to, int64_t id)
{
	if (s->closing) {
		stanza_unref(&take);
		return;
	}
	if (s->inactive) {
		struct hm_letter *l = letter_to(take, to ? to : s->jid);
		bool stopped;

		l->id = id;
		stopped = chain_client_deliver(s, l) == HM_STOP;
		take = stanza_ref(l->stanza);
		letter_free(&l);
		if (stopped) {
			stanza_unref(&take);
			return;
		}
	}
	session_send(s, take, to, id);
}
