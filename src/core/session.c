/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/session.c - a session's beginning and end, and what goes to its client.
 */
#include "core/session.h"

#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/chain.h"
#include "core/custody.h"
#include "core/here.h"
#include "core/metrics.h"
#include "core/repeats.h"
#include "core/trace.h"
#include "core/turn.h"
#include "core/user.h"
#include "loop/worker.h"

struct hm_session *
session_find(uint64_t id)
{
	return table_get_n(&here->sessions, &id, sizeof(id));
}

/* --- Beginning and end ------------------------------------------------------------------------ */

static const char *
text_or_null(const char *s)
{
	return s ? mem_strdup(s) : NULL;
}

void
session_attach(struct hm_user *u, struct link_msg *take)
{
	struct hm_session *s = mem_new(struct hm_session);

	s->id = link_new_id();
	s->stream = take->stream;
	s->user = u;
	s->tls = text_or_null(take->u.attach.tls);
	s->mechanism = text_or_null(take->u.attach.mechanism);
	s->source = text_or_null(take->u.attach.source);
	s->credit = session_credit(s);
	list_init(&s->inbox);
	list_init(&s->custody);
	list_init(&s->asked);
	list_init(&s->timers);
	list_push_back(&u->unbound, &s->link);
	snprintf(s->conn_text, sizeof(s->conn_text), "%llu",
	         (unsigned long long)take->u.attach.conn);
	s->log = (struct hm_logctx){ .subject = "session",
		                     .n = 2,
		                     .field = { { "conn", hm_value_text(s->conn_text) },
		                                { "jid", hm_value_text(u->entity.address) } } };
	table_put_n(&here->sessions, &s->id, sizeof(s->id), s);
	metric_add(core_metric(CM_SESSIONS), 1);
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
session_free(struct hm_session *s)
{
	free_inbox(s);
	letter_free(&s->parked);
	custody_forget_session(s);
	repeats_session_over(s, s->ended_by == HM_CLOSED_BY_CLIENT);
	session_forget_asked(s);
	free_state(s);
	timer_stop(&s->last_answers);
	timer_stop(&s->slower);
	credit_leave(&s->credit);
	stanza_unref(&s->presence);
	table_free(&s->directed);
	table_remove_n(&here->sessions, &s->id, sizeof(s->id));
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
	if (!s->closing)
		end_later(s, why);
}

void
session_close(struct hm_session *s, enum stream_cond cond, const char *text,
              enum hm_close_reason why)
{
	struct link_msg *msg;

	if (s->closing)
		return;
	msg = link_new(LINK_CLOSE, s->stream, s->id);
	msg->u.close.cond = cond;
	msg->u.close.text = text ? mem_strdup(text) : NULL;
	link_to_stream(msg);
	end_later(s, why);
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
session_deliver(struct hm_session *s, const struct hm_stanza *take, const char *to, int64_t id)
{
	struct link_msg *msg;

	if (s->closing) {
		stanza_unref(&take);
		return;
	}
	if (chain_has(s->user->entity.host, HM_EV_client_deliver)) {
		struct hm_letter *l = letter_to(take, to       ? to
		                                      : s->jid ? s->jid
		                                               : s->user->entity.address);
		bool stopped = chain_client_deliver(s, l) == HM_STOP;

		take = stanza_ref(l->stanza);
		letter_free(&l);
		if (stopped) {
			stanza_unref(&take);
			return;
		}
	}
	trace_stanza(s, false, take, to);
	metric_add(core_metric(CM_STANZAS_OUT), 1);
	msg = link_new(LINK_OUT, s->stream, s->id);
	msg->u.out.stanza = take;
	msg->u.out.to = to ? mem_strdup(to) : NULL;
	link_to_stream(msg);
}
