/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/sent.c - what a client may send, and where that goes: RFC 6120 8.1, 8.2, 8.3, RFC 6121 8.
 * Everything here runs inside a turn of the account.
 */
#include <string.h>

#include "base/log.h"
#include "core/chain.h"
#include "core/core.h"
#include "core/custody.h"
#include "core/iq.h"
#include "core/repeats.h"
#include "core/session.h"
#include "core/trace.h"
#include "core/turn.h"
#include "core/user.h"
#include "loop/worker.h"
#include "xmpp/jid.h"

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

enum hm_cond
session_check_iq(const struct hm_stanza *iq)
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

/* No "to", its own account or its host. */
static bool
is_for_server(const struct hm_user *u, const struct jid *to)
{
	return !to || (!to->resource && (strcmp(to->full, u->entity.address) == 0 ||
	                                 strcmp(to->full, u->entity.host->domain) == 0));
}

static void
unbound_sent(struct hm_session *s, const struct hm_stanza *stanza)
{
	if (!is_bind(stanza))
		session_close(s, STREAM_NOT_AUTHORIZED, "Bind a resource first.",
		              HM_CLOSED_BY_SERVER);
	else if (session_check_iq(stanza))
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

void
session_route(struct hm_session *s, struct hm_letter *l)
{
	const struct hm_stanza *stanza = l->stanza;

	l->awaited = stanza->kind == STANZA_IQ &&
	             (stanza->type == TYPE_GET || stanza->type == TYPE_SET) && is_own(s->user, l);
	s->open_requests += l->awaited;
	if (custody_is_due(l))
		custody_begin(s, l);
	turn_route(&s->user->entity, l);
}

/* Past the modules; takes it. */
static void
past_modules(struct hm_session *s, struct hm_letter *l)
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
		custody_begin(s, l);
		if (s->open_requests > 0) {
			s->parked = l;
			return;
		}
	}
	session_route(s, l);
}

/* What a module stores because of it, and cannot, is answered to the client. */
static void
send_off(struct hm_session *s, struct hm_letter *take)
{
	turn_cause(take->to ? take : NULL);
	past_modules(s, take);
	turn_cause(NULL);
}

/* It came before, on a stream that broke: acknowledged with the first copy. */
static bool
is_repeat(struct hm_session *s, const struct hm_stanza *message, uint64_t fingerprint)
{
	uint64_t custody;

	if (!fingerprint || !repeats_known(s, fingerprint, &custody))
		return false;
	log_line(&s->log, HM_DEBUG, "a message came again", hm_kv("id", message->id));
	custody_follow(s, custody);
	return true;
}

static void
bound_sent(struct hm_session *s, const struct hm_stanza *stanza, const struct jid *to)
{
	struct hm_letter *l;
	enum hm_cond wrong = stanza->kind == STANZA_IQ ? session_check_iq(stanza) : 0;

	if (!wrong && stanza->kind == STANZA_PRESENCE && stanza->type == TYPE_UNKNOWN)
		wrong = HM_BAD_REQUEST; /* RFC 6121 4.7.1 */
	if (wrong) {
		refuse(s, stanza, to ? to->full : NULL, wrong, NULL);
	} else if (is_bind(stanza)) {
		refuse(s, stanza, NULL, HM_NOT_ALLOWED,
		       "A resource is bound already."); /* RFC 6120 7.1 */
	} else if (is_legacy_session(stanza) && is_for_server(s->user, to)) {
		turn_deliver(&s->user->entity, s, stanza_result_reply(stanza, to ? to->full : NULL),
		             s->jid);
	} else if (stanza->kind == STANZA_IQ && session_answered(s, stanza)) {
		return;
	} else {
		uint64_t fingerprint = repeats_fingerprint(stanza, to ? to->full : NULL);

		if (is_repeat(s, stanza, fingerprint))
			return;
		l = letter_new(stanza_ref(stanza), to, s->user->entity.address);
		l->session = s->id;
		l->fingerprint = fingerprint;
		/* Now: modules may take it for themselves and store what follows from it. */
		if (custody_is_due(l)) {
			uint64_t custody = custody_begin(s, l);

			if (fingerprint)
				repeats_remember(s, fingerprint, custody);
		}
		send_off(s, l);
	}
}

void
session_process(struct hm_session *s, struct session_input *in)
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
