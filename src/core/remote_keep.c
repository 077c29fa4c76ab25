/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/remote_keep.c - what may not be lost on its way to another domain: it is written in the turn of its
 * sender, with what the sender's modules store of it (DESIGN 4), and leaves behind that commit.
 */
#include <string.h>

#include "core/chain.h"
#include "core/core.h"
#include "core/here.h"
#include "core/remote_pair.h"
#include "core/router.h"
#include "core/served.h"
#include "core/turn.h"
#include "core/user.h"
#include "loop/worker.h"

#define NS_CHAT_STATES "http://jabber.org/protocol/chatstates"
#define NS_HINTS "urn:xmpp:hints"

/* Nothing but chat states and what belongs to them (XEP-0085 5.1), or it says itself that it may be lost. */
static bool
is_fleeting(const struct hm_stanza *message)
{
	bool says_something = false;

	for (const struct hm_elem *c = elem_first_child(message->root); c; c = elem_next(c)) {
		if (elem_is(c, NS_HINTS, "no-store"))
			return true;
		if (strcmp(c->ns, NS_CHAT_STATES) != 0 && strcmp(c->ns, NS_HINTS) != 0 &&
		    !elem_is(c, NS_CLIENT, "thread"))
			says_something = true;
	}
	return !says_something;
}

/* What a room sends to all its occupants is not: they ask for its history when they come back. */
static bool
must_not_be_lost(const struct entity *e, const struct hm_stanza *s)
{
	if (s->kind == STANZA_PRESENCE)
		return s->type == TYPE_SUBSCRIBE || s->type == TYPE_SUBSCRIBED ||
		       s->type == TYPE_UNSUBSCRIBE || s->type == TYPE_UNSUBSCRIBED;
	if (s->kind != STANZA_MESSAGE || s->type == TYPE_ERROR || s->type == TYPE_HEADLINE)
		return false;
	if (s->type == TYPE_GROUPCHAT && served_of((struct entity *)(uintptr_t)e))
		return false;
	return !is_fleeting(s);
}

const char *
remote_domain_of(const char *jid)
{
	const char *bare = arena_strndup(worker_scratch(), jid, strcspn(jid, "/"));
	const char *at = strchr(bare, '@');

	return at ? at + 1 : bare;
}

bool
remote_is_kept(const struct entity *e, const struct hm_letter *l)
{
	return router_has_remote() && l->row == 0 && l->stanza->from && turn_entity() == e &&
	       !host_is_ours(l->to_domain) && must_not_be_lost(e, l->stanza) &&
	       host_is_ours(remote_domain_of(l->stanza->from));
}

struct hm_letter *
remote_keep(struct entity *e, struct hm_letter *take)
{
	struct hm_letter *l = take;

	if (take->custody) {
		l = letter_to(stanza_ref(take->stanza), take->to);
		l->session = take->session;
		l->trace = take->trace;
		charge_move(&l->charge, &take->charge);
	}
	remote_store_row(l, remote_domain_of(l->stanza->from));
	if (l == take)
		return l;
	take->stored = true;
	if (take->entry.id)
		notice_letter_unstored(user_of(e), take);
	letter_free(&take);
	return l;
}
