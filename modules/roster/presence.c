/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * presence.c - who is told of an account's presence, and who is asked (RFC 6121 4).
 *
 * Contacts at other domains are probed from the bare JID (4.3).  Those of this server are asked
 * under the full JID, which nobody outside sees: the answers reach only the resource that does not
 * know them yet.  Blocked contacts (XEP-0191) are neither told nor asked.
 */
#include <string.h>

#include <hermod/iface/blocking.h>
#include <hermod/iface/last.h>

#include "roster.h"

/* A list of addresses, scratch. */
struct addresses {
	const char **jid;
	size_t n;
};

static struct addresses
no_addresses(struct roster *r)
{
	return (struct addresses){ hm_tmp_alloc((hm_table_count(r->items) + 1) * sizeof(char *)),
		                   0 };
}

static bool
sees_us(struct hm_mod *m, const struct item *it)
{
	return it->sub & HM_SUB_FROM;
}

static bool
is_seen(struct hm_mod *m, const struct item *it)
{
	return it->sub & HM_SUB_TO;
}

/* It may have been lost on its way to another server. */
static bool
is_asked_far_away(struct hm_mod *m, const struct item *it)
{
	return it->asked && !hm_is_local_account(m, it->jid);
}

/* All contacts for which `is` is true, but those that are blocked. */
static struct addresses
contacts(struct hm_mod *m, const struct hm_user *u,
         bool (*is)(struct hm_mod *m, const struct item *it))
{
	struct roster *r = roster_of(m, u);
	struct addresses list = no_addresses(r);
	struct hm_mod *provider;
	const struct hm_blocking_iface *blocking =
		hm_interface(m, "blocking", HM_BLOCKING_IFACE, &provider);
	size_t pos = 0;
	void *value;

	while (hm_table_next(r->items, &pos, NULL, &value)) {
		const struct item *it = value;

		if (is(m, it) && !(blocking && blocking->blocks(provider, u, it->jid)))
			list.jid[list.n++] = it->jid;
	}
	return list;
}

static void
broadcast(struct hm_mod *m, struct hm_user *u, const struct hm_stanza *presence)
{
	struct addresses to = contacts(m, u, sees_us);

	hm_fanout(m, presence, to.jid, to.n);
}

/* 4.2.2, 4.4.2, 4.5.2: also to all available resources of the account, itself included. */
static void
tell_own(struct hm_mod *m, struct hm_session *itself, const struct hm_stanza *presence)
{
	hm_for_each_session(s, hm_session_user(itself))
	{
		if (hm_session_presence(s) || s == itself)
			hm_forward_to_session(m, s, presence, NULL);
	}
}

/* One stanza without content under a new id to each of them. */
static void
send_to_all(struct hm_mod *m, const char *type, const char *from, const struct addresses *to)
{
	const struct hm_stanza *stanza;

	if (to->n == 0)
		return;
	stanza = hm_stanza_done_ref(hm_stanza_new(HM_PRESENCE, type, hm_tmp_token(10)), from);
	hm_fanout(m, stanza, to->jid, to->n);
	hm_stanza_unref(&stanza);
}

/* 4.3.1 */
static void
probe(struct hm_mod *m, struct hm_session *session)
{
	struct hm_user *u = hm_session_user(session);
	struct addresses all = contacts(m, u, is_seen), here = no_addresses(roster_of(m, u));
	size_t far = 0;

	for (size_t i = 0; i < all.n; i++) {
		if (hm_is_local_account(m, all.jid[i]))
			here.jid[here.n++] = all.jid[i];
		else
			all.jid[far++] = all.jid[i];
	}
	all.n = far;
	send_to_all(m, "probe", hm_session_jid(session), &here);
	send_to_all(m, "probe", hm_user_jid(u), &all);
}

/* 3.1.2: once for all resources, when the first one comes. */
static void
repeat_requests(struct hm_mod *m, struct hm_session *session)
{
	struct hm_user *u = hm_session_user(session);
	struct addresses unanswered;

	hm_for_each_session(s, u)
	{
		if (s != session && hm_session_presence(s))
			return;
	}
	unanswered = contacts(m, u, is_asked_far_away);
	send_to_all(m, "subscribe", hm_user_jid(u), &unanswered);
}

/* 3.1.3: requests that nobody has answered yet. */
static void
show_requests(struct hm_mod *m, struct hm_session *session)
{
	const struct hm_user *u = hm_session_user(session);
	struct roster *r = roster_of(m, u);
	size_t pos = 0;
	void *value;

	while (r->requests > 0 && hm_table_next(r->items, &pos, NULL, &value)) {
		const struct item *it = value;
		const struct hm_stanza *request =
			it->pending_in && it->request && !hm_blocks(m, u, it->jid)
				? hm_stanza_parse_ref(it->request)
				: NULL;

		if (request)
			hm_forward_to_session(m, session, request, hm_user_jid(u));
		hm_stanza_unref(&request);
	}
}

/* The account's other resources, which the new one does not know yet. */
static void
show_others(struct hm_mod *m, struct hm_session *session)
{
	hm_for_each_session(s, hm_session_user(session))
	{
		if (s != session && hm_session_presence(s))
			hm_forward_to_session(m, session, hm_session_presence(s), NULL);
	}
}

void
presence_changed(struct hm_mod *m, struct hm_session *session, const struct hm_stanza *now,
                 const struct hm_stanza *before)
{
	struct hm_user *u = hm_session_user(session);
	bool available = hm_stanza_type(now)[0] == '\0';

	broadcast(m, u, now);
	tell_own(m, session, now);
	if (available && !before) {
		show_others(m, session);
		probe(m, session);
		repeat_requests(m, session);
		show_requests(m, session);
	}
}

/* --- Another server is there again ------------------------------------------------------------------ */

static bool
is_at(const char *jid, const char *domain)
{
	const char *at = strchr(jid, '@');

	return strcmp(at ? at + 1 : jid, domain) == 0;
}

static struct addresses
those_at(struct addresses all, const char *domain)
{
	size_t n = 0;

	for (size_t i = 0; i < all.n; i++) {
		if (is_at(all.jid[i], domain))
			all.jid[n++] = all.jid[i];
	}
	all.n = n;
	return all;
}

/* What each side knows of the other is from before: 4.2.1 and 4.3.1 anew. */
void
remote_back(struct hm_mod *m, struct hm_user *u, const char *domain)
{
	struct addresses seen = those_at(contacts(m, u, is_seen), domain);
	struct addresses told = those_at(contacts(m, u, sees_us), domain);
	bool any = false;

	hm_for_each_session(s, u)
	{
		if (!hm_session_presence(s))
			continue;
		any = true;
		hm_fanout(m, hm_session_presence(s), told.jid, told.n);
	}
	if (any)
		send_to_all(m, "probe", hm_user_jid(u), &seen);
}

/* --- Answers to probes: 4.3.2 ---------------------------------------------------------------------------- */

/* 4.6.6: without a subscription, but with directed presence of that resource. */
static bool
was_told(struct hm_user *u, struct hm_letter *l)
{
	const char *resource = hm_letter_to_resource(l);
	struct hm_session *s = resource ? hm_find_session(u, resource) : NULL;

	return s && (hm_session_directed_to(s, hm_letter_from(l)) ||
	             hm_session_directed_to(s, hm_letter_from_bare(l)));
}

/* That it is there or not, and no more; it may have told so to the asker alone. */
static void
answer_full(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	const struct hm_session *s = hm_find_session(u, hm_letter_to_resource(l));
	const struct hm_stanza *presence = s ? hm_session_presence(s) : NULL;
	struct hm_writer *w;

	if (presence)
		w = hm_stanza_new(HM_PRESENCE, NULL, hm_stanza_id(presence)); /* 4.3.2.1 */
	else if (was_told(u, l))
		w = hm_stanza_new(HM_PRESENCE, NULL, NULL);
	else
		w = hm_stanza_new(HM_PRESENCE, "unavailable", hm_stanza_id(hm_letter_stanza(l)));
	hm_send(m, w, hm_letter_to(l), hm_letter_from(l));
}

/* Rule 3: nobody is there; since when, if that is known. */
static void
answer_gone(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	struct hm_writer *w =
		hm_stanza_new(HM_PRESENCE, "unavailable", hm_stanza_id(hm_letter_stanza(l)));
	int64_t gone_us = hm_last_gone_us(m, u);

	if (gone_us) {
		hm_open(w, NS_DELAY, "delay");
		hm_attr(w, "from", hm_user_jid(u));
		hm_attr(w, "stamp", hm_tmp_stamp(gone_us));
		hm_close(w);
	}
	hm_send(m, w, hm_user_jid(u), hm_letter_from(l));
}

static void
answer_bare(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	bool any = false;

	hm_for_each_session(s, u)
	{
		if (hm_session_presence(s)) {
			hm_forward(m, hm_session_presence(s), NULL, hm_letter_from(l));
			any = true;
		}
	}
	if (!any)
		answer_gone(m, u, l);
}

enum hm_next
presence_probed(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	const struct hm_stanza *s = hm_letter_stanza(l);
	const struct item *it;
	bool self;

	if (hm_stanza_kind(s) != HM_PRESENCE || strcmp(hm_stanza_type(s), "probe") != 0)
		return HM_CONTINUE;
	it = item_find(m, u, hm_letter_from_bare(l));
	self = strcmp(hm_letter_from_bare(l), hm_user_jid(u)) == 0;
	if (!self && (!it || !(it->sub & HM_SUB_FROM)) && !was_told(u, l))
		hm_send(m, hm_stanza_new(HM_PRESENCE, "unsubscribed", hm_stanza_id(s)),
		        hm_user_jid(u), hm_letter_from_bare(l));
	else if (hm_letter_to_resource(l))
		answer_full(m, u, l);
	else
		answer_bare(m, u, l);
	return HM_STOP;
}

void
presence_show_to(struct hm_mod *m, struct hm_user *u, const char *to)
{
	if (hm_blocks(m, u, to))
		return;
	hm_for_each_session(s, u)
	{
		if (hm_session_presence(s))
			hm_forward(m, hm_session_presence(s), NULL, to);
	}
}

void
presence_hide_from(struct hm_mod *m, struct hm_user *u, const char *to)
{
	if (hm_blocks(m, u, to))
		return; /* has seen it go */
	hm_for_each_session(s, u)
	{
		if (hm_session_presence(s))
			hm_send(m, hm_stanza_new(HM_PRESENCE, "unavailable", NULL),
			        hm_session_jid(s), to);
	}
}

void
presence_ask(struct hm_mod *m, struct hm_user *u, const char *to)
{
	if (!hm_blocks(m, u, to))
		hm_send(m, hm_stanza_new(HM_PRESENCE, "probe", hm_tmp_token(10)), hm_user_jid(u),
		        to);
}
