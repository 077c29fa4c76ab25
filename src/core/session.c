/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/session.c - what comes from a client and what goes to it, and a session's beginning and
 * end.  The rules for what a client may send: RFC 6120 8.1, 8.2, 8.3, RFC 6121 8.
 */
#include "core/session.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/chain.h"
#include "core/core.h"
#include "core/here.h"
#include "core/iq.h"
#include "core/metrics.h"
#include "core/router.h"
#include "core/trace.h"
#include "core/turn.h"
#include "core/user.h"
#include "loop/worker.h"
#include "xmpp/jid.h"

#define CREDIT_EVERY 16 /* stanzas */

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
	s->lang = text_or_null(take->u.attach.lang);
	s->tls = text_or_null(take->u.attach.tls);
	s->mechanism = text_or_null(take->u.attach.mechanism);
	s->source = text_or_null(take->u.attach.source);
	list_init(&s->inbox);
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
	session_forget_asked(s);
	free_state(s);
	timer_stop(&s->last_answers);
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
	if (s && s->user->entity.state == ENTITY_READY)
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

/* Its last answers may wait for a commit: behind those. */
static void
leave_if_answered(struct hm_session *s)
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
	leave_if_answered(s);
}

/* --- To the client -------------------------------------------------------------------------------- */

void
session_deliver(struct hm_session *s, const struct hm_stanza *take, const char *to)
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

/* --- From the client -------------------------------------------------------------------------------- */

static void
refuse(struct hm_session *s, const struct hm_stanza *stanza, const char *from, enum hm_cond cond,
       const char *text)
{
	const struct hm_stanza *error = stanza_error_reply(stanza, from, cond, text);

	if (error)
		turn_deliver(&s->user->entity, s, error, s->jid);
}

/* RFC 6120 8.1.2.1: its own full or bare JID, or nothing. */
static bool
from_is_own(const struct hm_session *s, const struct hm_elem *root)
{
	const char *from = elem_attr(root, "from");
	struct jid jid;

	if (!from)
		return true;
	if (s->jid && strcmp(from, s->jid) == 0)
		return true;
	return jid_parse(&jid, from, worker_scratch()) &&
	       strcmp(jid.bare, s->user->entity.address) == 0 &&
	       (!jid.resource || (s->resource && strcmp(jid.resource, s->resource) == 0));
}

/* RFC 6120 8.2.3. 0: fine. */
static enum hm_cond
check_iq(const struct hm_stanza *iq)
{
	const struct hm_elem *payload = elem_first_child(iq->root);

	if (!iq->id || iq->type == TYPE_UNKNOWN || iq->type == TYPE_NONE)
		return HM_BAD_REQUEST;
	if (iq->type == TYPE_GET || iq->type == TYPE_SET)
		return payload && !elem_next(payload) ? 0 : HM_BAD_REQUEST;
	if (iq->type == TYPE_RESULT)
		return payload && elem_next(payload) ? HM_BAD_REQUEST : 0;
	return iq->type == TYPE_ERROR ? 0 : HM_BAD_REQUEST;
}

static bool
is_bind(const struct hm_stanza *s)
{
	const struct hm_elem *payload =
		s->kind == STANZA_IQ && s->type == TYPE_SET ? elem_first_child(s->root) : NULL;

	return payload && elem_is(payload, "urn:ietf:params:xml:ns:xmpp-bind", "bind");
}

/* RFC 3921's session establishment, kept for old clients: nothing is to be done. */
static bool
is_legacy_session(const struct hm_stanza *s)
{
	const struct hm_elem *payload =
		s->kind == STANZA_IQ && s->type == TYPE_SET ? elem_first_child(s->root) : NULL;

	return payload && elem_is(payload, "urn:ietf:params:xml:ns:xmpp-session", "session");
}

static void
unbound_sent(struct hm_session *s, const struct hm_stanza *stanza)
{
	if (!is_bind(stanza))
		session_close(s, STREAM_NOT_AUTHORIZED, "Bind a resource first.",
		              HM_CLOSED_BY_SERVER);
	else if (check_iq(stanza))
		refuse(s, stanza, NULL, HM_BAD_REQUEST, NULL);
	else
		session_bind(s, stanza);
}

/* Its own account's or host's to answer. */
static bool
is_own(const struct hm_user *u, const struct hm_letter *l)
{
	if (!l->to_local)
		return strcmp(l->to_domain, u->entity.host->domain) == 0;
	return !l->to_resource && strcmp(l->to_bare, u->entity.address) == 0;
}

/* The letter goes its way; a request to its own account or host is counted until it is over. */
static void
await(struct hm_session *s, struct hm_letter *l)
{
	const struct hm_stanza *stanza = l->stanza;

	l->awaited = stanza->kind == STANZA_IQ &&
	             (stanza->type == TYPE_GET || stanza->type == TYPE_SET) && is_own(s->user, l);
	s->open_requests += l->awaited;
	turn_route(&s->user->entity, l);
}

/* Past the modules; takes it. */
static void
send_off(struct hm_session *s, struct hm_letter *l)
{
	struct hm_user *u = s->user;
	const struct hm_stanza *stanza = l->stanza;

	if (chain_client_sent(s, l, HM_POLICY, HM_REWRITE) == HM_STOP) {
		letter_free(&l);
		return;
	}
	stanza = l->stanza;
	if (stanza->kind == STANZA_PRESENCE && !l->to) {
		session_sent_presence(s, stanza);
		letter_free(&l);
		return;
	}
	if (chain_client_sent(s, l, HM_STORE, HM_OBSERVE) == HM_STOP) {
		letter_free(&l);
		return;
	}
	if (stanza->kind == STANZA_PRESENCE && !session_sent_directed(s, l)) {
		refuse(s, stanza, l->to, HM_RESOURCE_CONSTRAINT,
		       "Directed presence has gone to too many addresses.");
		letter_free(&l);
		return;
	}
	if (stanza->kind == STANZA_IQ && iq_holds_stream(u->entity.host, s, l)) {
		l->holds_session = true;
		s->held = true;
		if (s->open_requests > 0) {
			s->parked = l;
			return;
		}
	}
	await(s, l);
}

static void
bound_sent(struct hm_session *s, const struct hm_stanza *stanza, const struct jid *to)
{
	struct hm_letter *l;
	enum hm_cond wrong = stanza->kind == STANZA_IQ ? check_iq(stanza) : 0;

	if (!wrong && stanza->kind == STANZA_PRESENCE && stanza->type == TYPE_UNKNOWN)
		wrong = HM_BAD_REQUEST; /* RFC 6121 4.7.1 */
	if (wrong) {
		refuse(s, stanza, to ? to->full : NULL, wrong, NULL);
	} else if (is_bind(stanza)) {
		refuse(s, stanza, NULL, HM_NOT_ALLOWED,
		       "A resource is bound already."); /* RFC 6120 7.1 */
	} else if (is_legacy_session(stanza)) {
		turn_deliver(&s->user->entity, s, stanza_result_reply(stanza, to ? to->full : NULL),
		             s->jid);
	} else if (stanza->kind == STANZA_IQ && session_answered(s, stanza)) {
		return;
	} else {
		l = letter_new(stanza_ref(stanza), to, s->user->entity.address);
		l->session = s->id;
		send_off(s, l);
	}
}

/* Inside a turn of the account. */
static void
process(struct hm_session *s, struct session_input *in)
{
	const char *to_text = elem_attr(in->root, "to");
	const struct hm_stanza *stanza;
	struct jid to;
	bool addressed = false;

	if (!from_is_own(s, in->root)) {
		session_close(s, STREAM_INVALID_FROM, NULL, HM_CLOSED_BY_SERVER);
		return;
	}
	if (to_text)
		addressed = jid_parse(&to, to_text, worker_scratch());
	stanza = stanza_take(&in->arena, in->root, s->jid ? s->jid : s->user->entity.address,
	                     s->lang);
	if (!stanza) {
		session_close(s, STREAM_UNSUPPORTED_STANZA_TYPE, NULL, HM_CLOSED_BY_SERVER);
		return;
	}
	trace_stanza(s, true, stanza, to_text);
	if (!s->jid)
		unbound_sent(s, stanza);
	else if (to_text && !addressed)
		refuse(s, stanza, NULL, HM_JID_MALFORMED, NULL);
	else if (stanza->kind == STANZA_PRESENCE &&
	         in->bytes > host_limits(s->user->entity.host)->presence_size)
		refuse(s, stanza, addressed ? to.full : NULL, HM_POLICY_VIOLATION,
		       "This presence is too large.");
	else
		bound_sent(s, stanza, addressed ? &to : NULL);
	stanza_unref(&stanza);
}

/* The stream may send more. */
static void
give_credit(struct hm_session *s, size_t bytes)
{
	struct link_msg *msg;

	s->processed++;
	s->processed_bytes += bytes;
	if (s->processed < CREDIT_EVERY && s->processed_bytes < 65536)
		return;
	msg = link_new(LINK_CREDIT, s->stream, s->id);
	msg->u.credit.stanzas = s->processed;
	msg->u.credit.bytes = s->processed_bytes;
	s->processed = 0;
	s->processed_bytes = 0;
	link_to_stream(msg);
}

static void
process_input(struct hm_session *s, struct session_input *in)
{
	struct entity *e = &s->user->entity;

	e->pins++;
	turn_begin(e, NULL);
	process(s, in);
	give_credit(s, in->bytes);
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

	while (may_go_on(s) && e->state == ENTITY_READY) {
		struct session_input *in = list_entry(s->inbox.next, struct session_input, link);

		list_remove(&in->link);
		process_input(s, in);
	}
	/* The last turn's end may have begun to load it again. */
	if (may_go_on(s) && !s->waiting)
		wait_for_account(s);
	leave_if_answered(s);
}

void
session_receive(struct link_msg *take)
{
	struct hm_session *s = session_find(take->session);
	struct session_input *in;

	if (!s || s->closing) {
		link_free(take);
		return;
	}
	metric_add(core_metric(CM_STANZAS_IN), 1);
	in = mem_new(struct session_input);
	in->arena = take->u.in.arena;
	in->root = take->u.in.root;
	in->bytes = take->u.in.bytes;
	take->u.in.arena = NULL;
	link_free(take);
	if (s->held && session_is_answer(s, in->root) && s->user->entity.state == ENTITY_READY) {
		process_input(s, in); /* DESIGN 2: these wait behind nothing */
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
		await(s, l);
	}
	drain_inbox(s);
}

void
session_request_over(const struct hm_letter *l)
{
	struct hm_session *s = session_find(l->session);
	struct going_on *g;

	if (!s)
		return;
	if (l->awaited)
		s->open_requests--;
	if (!l->holds_session && !s->parked && !s->leaving)
		return;
	g = mem_new(struct going_on);
	g->id = s->id;
	g->was_held = l->holds_session;
	g->mail.run = go_on;
	worker_post(here->worker, &g->mail);
}
