/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * presence.c - who is told of an account's presence, and who is asked (RFC 6121 4).
 *
 * Probes go out under the full JID, so that the answers reach only the resource that does not
 * know them yet; the other resources have been told before.  Blocked contacts (XEP-0191) are
 * neither told nor asked.
 */
#include <string.h>

#include <hermod/iface/blocking.h>

#include "roster.h"

/* Addresses of all contacts with a subscription in that direction, scratch. */
static const char *const *
contacts(struct hm_mod *m, const struct hm_user *u, enum hm_subscription direction, size_t *n)
{
	struct roster *r = roster_of(m, u);
	const char **list = hm_tmp_alloc((hm_table_count(r->items) + 1) * sizeof(char *));
	struct hm_mod *provider;
	const struct hm_blocking_iface *blocking =
		hm_interface(m, "blocking", HM_BLOCKING_IFACE, &provider);
	size_t pos = 0;
	void *value;

	*n = 0;
	while (hm_table_next(r->items, &pos, NULL, &value)) {
		const struct item *it = value;

		if ((it->sub & direction) && !(blocking && blocking->blocks(provider, u, it->jid)))
			list[(*n)++] = it->jid;
	}
	return list;
}

static void
broadcast(struct hm_mod *m, struct hm_user *u, const struct hm_stanza *presence)
{
	size_t n;
	const char *const *to = contacts(m, u, HM_SUB_FROM, &n);

	hm_fanout(m, presence, to, n);
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

/* 4.3.1 */
static void
probe(struct hm_mod *m, struct hm_session *session)
{
	struct hm_user *u = hm_session_user(session);
	struct hm_writer *w;
	size_t n;
	const char *const *to = contacts(m, u, HM_SUB_TO, &n);
	const struct hm_stanza *stanza;

	if (n == 0)
		return;
	w = hm_stanza_new(HM_PRESENCE, "probe", hm_tmp_token(10));
	stanza = hm_stanza_done_ref(w, hm_session_jid(session));
	hm_fanout(m, stanza, to, n);
	hm_stanza_unref(&stanza);
}

/* 3.1.3: requests that nobody has answered yet. */
static void
show_requests(struct hm_mod *m, struct hm_session *session)
{
	struct roster *r = roster_of(m, hm_session_user(session));
	size_t pos = 0;
	void *value;

	while (r->requests > 0 && hm_table_next(r->items, &pos, NULL, &value)) {
		const struct item *it = value;
		const struct hm_stanza *request =
			it->pending_in && it->request ? hm_stanza_parse_ref(it->request) : NULL;

		if (request)
			hm_forward_to_session(m, session, request,
			                      hm_user_jid(hm_session_user(session)));
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
		show_requests(m, session);
	}
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

/* That it is there, and no more; it may have told so to the asker alone. */
static void
answer_full(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	struct hm_session *s = hm_find_session(u, hm_letter_to_resource(l));

	if (s && (hm_session_presence(s) || was_told(u, l)))
		hm_send(m, hm_stanza_new(HM_PRESENCE, NULL, NULL), hm_session_jid(s),
		        hm_letter_from(l));
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
	if (!any) {
		struct hm_writer *w = hm_stanza_new(HM_PRESENCE, "unavailable",
		                                    hm_stanza_id(hm_letter_stanza(l)));

		hm_send(m, w, hm_user_jid(u), hm_letter_from(l));
	}
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
