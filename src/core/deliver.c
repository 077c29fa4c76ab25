/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/deliver.c - a letter at its account: the delivery rules of RFC 6121 8.5.
 *
 * Where the RFC leaves a choice: messages for nobody present are offered to HM_STORE handlers
 * and bounced when none keeps them; "most available" is every session of the highest
 * non-negative priority; an account that does not exist answers like one whose owner is away
 * and whom the sender may not see (8.5.1: messages that would be stored are ignored in silence).
 */
#include <string.h>

#include <hermod/iface/carbons.h>

#include "core/chain.h"
#include "core/here.h"
#include "core/iq.h"
#include "core/router.h"
#include "core/turn.h"
#include "core/user.h"
#include "core/visible.h"

/* --- Who gets it --------------------------------------------------------------------------- */

static struct hm_session *
resource_of(const struct hm_user *u, const char *resource)
{
	for (struct list *l = u->sessions.next; l != &u->sessions; l = l->next) {
		struct hm_session *s = list_entry(l, struct hm_session, link);

		/* Of a session that is about to end nothing would be delivered any more. */
		if (strcmp(s->resource, resource) == 0 && !s->closing)
			return s;
	}
	return NULL;
}

/* Has it said that it is there, and has not begun to go? */
static bool
is_there(const struct hm_session *s)
{
	return s->presence && !s->closing && !s->leaving;
}

/* The highest priority among available sessions; negative or no sessions: -1. */
static int
best_priority(const struct hm_user *u)
{
	int best = -1;

	for (struct list *l = u->sessions.next; l != &u->sessions; l = l->next) {
		const struct hm_session *s = list_entry(l, struct hm_session, link);

		if (is_there(s) && s->priority > best)
			best = s->priority;
	}
	return best;
}

/* A full JID that matches has been handled before. 8.5.2.1.1, 8.5.2.2.1, 8.5.3.2.1. u NULL: there is none. */
static enum hm_plan
plan_message(struct hm_user *u, const struct hm_letter *l)
{
	bool somebody = u && best_priority(u) >= 0;

	switch (l->stanza->type) {
	case TYPE_ERROR:
		return HM_PLAN_DROP;
	case TYPE_GROUPCHAT:
		return HM_PLAN_REFUSE;
	case TYPE_HEADLINE:
		if (!l->to_resource)
			return somebody ? HM_PLAN_SESSIONS : HM_PLAN_DROP;
		/* 8.1: who may know who is there is told that it is lost. */
		return u && user_visible_to(u, l->from_bare) ? HM_PLAN_REFUSE : HM_PLAN_DROP;
	case TYPE_CHAT:
		return somebody ? HM_PLAN_SESSIONS : HM_PLAN_STORE;
	default: /* normal, and what is not known is normal (5.2.2) */
		if (l->to_resource)
			return HM_PLAN_REFUSE;
		return somebody ? HM_PLAN_SESSIONS : HM_PLAN_STORE;
	}
}

/* Of the sessions for a message that no full JID matches. */
static bool
is_chosen(const struct hm_session *s, const struct hm_letter *l, int best)
{
	return is_there(s) &&
	       (l->stanza->type == TYPE_HEADLINE ? s->priority >= 0 : s->priority == best);
}

static void
deliver_best(struct hm_user *u, const struct hm_letter *l)
{
	int best = best_priority(u);

	list_for_each(link, next, &u->sessions)
	{
		struct hm_session *s = list_entry(link, struct hm_session, link);

		if (is_chosen(s, l, best) && s->id != l->withheld)
			turn_show(&u->entity, s, stanza_ref(l->stanza), l->to ? l->to : l->to_bare,
			          l->id);
	}
}

bool
user_letter_reaches(const struct hm_letter *l, const struct hm_session *s)
{
	const struct hm_session *match =
		l->to_resource ? resource_of(s->user, l->to_resource) : NULL;

	if (l->plan != HM_PLAN_SESSIONS)
		return false;
	return match ? match == s : is_chosen(s, l, best_priority(s->user));
}

/* --- By kind --------------------------------------------------------------------------------- */

static void
refuse(struct hm_user *u, struct hm_letter *l, enum hm_cond cond)
{
	const struct hm_stanza *error =
		l->stanza->from ? stanza_error_reply(l->stanza, l->to, cond, NULL) : NULL;

	l->refused = true;
	if (error)
		turn_route(&u->entity, letter_to(error, l->stanza->from));
}

static void
perform_message_plan(struct hm_user *u, struct hm_letter *l)
{
	if (l->plan == HM_PLAN_STORE && !l->stored)
		l->plan = HM_PLAN_REFUSE; /* as observers shall see it */
	if (l->plan == HM_PLAN_SESSIONS)
		deliver_best(u, l);
	else if (l->plan == HM_PLAN_REFUSE)
		refuse(u, l, HM_SERVICE_UNAVAILABLE);
}

static void
receive_message(struct hm_user *u, struct hm_letter *l)
{
	struct hm_session *match = l->to_resource ? resource_of(u, l->to_resource) : NULL;

	l->plan = match ? HM_PLAN_SESSIONS : plan_message(u, l);
	if (chain_account_received(u, l, HM_STORE, HM_HANDLE) == HM_STOP)
		return;
	if (!match)
		perform_message_plan(u, l);
	else if (match->id != l->withheld)
		turn_show(&u->entity, match, stanza_ref(l->stanza), l->to, l->id);
	chain_account_received(u, l, HM_OBSERVE, HM_OBSERVE);
}

/* RFC 6121 4.6.1: who goes need not be told any more that we go. */
static void
forget_directed(struct hm_user *u, const struct hm_letter *l)
{
	for (struct list *link = u->sessions.next; link != &u->sessions; link = link->next) {
		struct hm_session *s = list_entry(link, struct hm_session, link);

		if (!l->to_resource || strcmp(s->resource, l->to_resource) == 0)
			table_remove(&s->directed, l->stanza->from);
	}
}

static void
receive_presence(struct hm_user *u, struct hm_letter *l)
{
	struct hm_session *match = l->to_resource ? resource_of(u, l->to_resource) : NULL;
	enum stanza_type type = l->stanza->type;

	l->plan = HM_PLAN_SESSIONS;
	/* Subscriptions and probes are the roster's: nothing remains to be done here without it. */
	if (chain_account_received(u, l, HM_STORE, HM_HANDLE) == HM_STOP)
		return;
	if (type == TYPE_UNAVAILABLE && l->stanza->from)
		forget_directed(u, l);
	if (l->to_resource) {
		if (match && (type == TYPE_NONE || type == TYPE_UNAVAILABLE || type == TYPE_ERROR))
			turn_deliver(&u->entity, match, stanza_ref(l->stanza), l->to);
	} else if (type == TYPE_NONE || type == TYPE_UNAVAILABLE || type == TYPE_ERROR) {
		/* Errors, too: what goes out under the bare JID comes back to it (3.1.2). */
		list_for_each(link, next, &u->sessions)
		{
			struct hm_session *s = list_entry(link, struct hm_session, link);

			if (s->presence)
				turn_deliver(&u->entity, s, stanza_ref(l->stanza), l->to_bare);
		}
	}
	chain_account_received(u, l, HM_OBSERVE, HM_OBSERVE);
}

/* true: the letter was taken by a request. */
static bool
receive_iq(struct hm_user *u, struct hm_letter *l)
{
	bool request = l->stanza->type == TYPE_GET || l->stanza->type == TYPE_SET;
	struct hm_session *match;

	if (!l->to_resource) {
		if (!request)
			return false; /* an answer to nobody's question */
		iq_begin(HM_TO_ACCOUNT, u->entity.host, u, l);
		return true;
	}
	match = resource_of(u, l->to_resource);
	/* 8.5.3.1: who does not share presence can't tell this from a resource that is not there. */
	if (match && request && !session_visible_to(match, l->from_bare))
		match = NULL;
	l->plan = match ? HM_PLAN_SESSIONS : request ? HM_PLAN_REFUSE : HM_PLAN_DROP;
	if (chain_account_received(u, l, HM_STORE, HM_HANDLE) == HM_STOP)
		return false;
	if (match)
		turn_deliver(&u->entity, match, stanza_ref(l->stanza), l->to);
	else if (request)
		refuse(u, l, HM_SERVICE_UNAVAILABLE);
	return false;
}

void
user_receive(struct hm_user *u, struct hm_letter *take)
{
	bool taken = false;

	turn_begin(&u->entity, take);
	if (chain_account_received(u, take, HM_POLICY, HM_REWRITE) == HM_CONTINUE) {
		switch (take->stanza->kind) {
		case STANZA_MESSAGE:
			receive_message(u, take);
			break;
		case STANZA_PRESENCE:
			receive_presence(u, take);
			break;
		default:
			taken = receive_iq(u, take);
		}
	}
	/* In custody it goes home behind what this turn stores. */
	if (!taken)
		letter_free(&take);
	turn_end();
}

/* --- Once more -------------------------------------------------------------------------------- */

/* Who was there when it was sent to the bare JID has it, and who got a copy (XEP-0280). */
static bool
has_it(const struct hm_session *s, const struct hm_letter *l, int64_t sent_us)
{
	struct hm_mod **mods = mods_of(s->user->entity.host), *carbons;
	const struct hm_carbons_iface *iface =
		mods[0] ? hm_interface(mods[0], "carbons", HM_CARBONS_IFACE, &carbons) : NULL;

	return s->since_us < sent_us &&
	       (!l->to_resource || (iface && iface->copied(carbons, s, l)));
}

void
user_receive_again(struct hm_user *u, struct hm_letter *l, int64_t sent_us)
{
	int best = best_priority(u);

	l->plan = plan_message(u, l);
	if (l->plan == HM_PLAN_STORE)
		chain_account_received(u, l, HM_STORE, HM_STORE);
	if (l->plan == HM_PLAN_STORE && !l->stored)
		l->plan = HM_PLAN_REFUSE;
	if (l->plan == HM_PLAN_REFUSE && l->stanza->type != TYPE_GROUPCHAT)
		refuse(u, l, HM_SERVICE_UNAVAILABLE);
	for (struct list *link = u->sessions.next;
	     l->plan == HM_PLAN_SESSIONS && link != &u->sessions; link = link->next) {
		struct hm_session *s = list_entry(link, struct hm_session, link);

		if (is_chosen(s, l, best) && !has_it(s, l, sent_us))
			turn_deliver(&u->entity, s, stanza_ref(l->stanza),
			             l->to ? l->to : l->to_bare);
	}
	letter_free(&l);
}

/* --- Nobody of that name (8.5.1) ------------------------------------------------------------- */

static void
answer_unsubscribed(struct hm_letter *take)
{
	struct stanza_build b;

	stanza_build_new(&b, STANZA_PRESENCE, "unsubscribed", take->stanza->id);
	route(letter_to(stanza_build_done(&b, take->to_bare), take->from_bare));
	letter_free(&take);
}

/* What an account would do whose owner is away: without a module that stores, that shows. */
static enum hm_plan
as_if_away(const struct host *host, const struct hm_letter *l)
{
	enum hm_plan plan = plan_message(NULL, l);
	const struct host_chain *chain = &host->chains[HM_EV_account_received];

	if (plan != HM_PLAN_STORE)
		return plan;
	for (size_t i = 0; i < chain->n; i++) {
		if (chain->v[i].phase == HM_STORE)
			return HM_PLAN_STORE;
	}
	return HM_PLAN_REFUSE;
}

void
user_unknown(struct host *host, struct hm_letter *take)
{
	const struct hm_stanza *s = take->stanza;

	switch (s->kind) {
	case STANZA_IQ:
		if (s->type == TYPE_GET || s->type == TYPE_SET) {
			iq_refuse_unknown(host, take);
			return;
		}
		break;
	case STANZA_PRESENCE:
		/* As from an account that did not grant a subscription (RFC 6121 4.3.2). */
		if (s->type == TYPE_PROBE && s->from) {
			answer_unsubscribed(take);
			return;
		}
		break;
	default:
		if (as_if_away(host, take) == HM_PLAN_REFUSE) {
			letter_refuse(take, HM_SERVICE_UNAVAILABLE, NULL);
			return;
		}
	}
	letter_free(&take);
}
