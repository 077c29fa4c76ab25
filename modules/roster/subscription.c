/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * subscription.c - the state machine of RFC 6121 3 and appendix A.  The nine states are a pair of
 * subscription and two pending flags; each row of tables 2 to 9 is a case here.
 *
 * Choices: a request to an account that does not exist looks to the asker like one that is
 * not answered; a pre-approval stays noted until it is cancelled (3.4.2); repeated
 * requests replace nothing and are not shown again (A.3.1).
 */
#include <string.h>

#include "roster.h"

static void
send(struct hm_mod *m, struct hm_user *u, const char *type, const char *to)
{
	hm_send(m, hm_stanza_new(HM_PRESENCE, type, hm_tmp_token(10)), hm_user_jid(u), to);
}

/* --- From the owner: A.2 -------------------------------------------------------------------------- */

/* What the owner sent goes on under the bare JID, to the bare JID (3.1.2). */
static void
route(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	hm_forward(m, hm_letter_stanza(l), hm_user_jid(u), hm_letter_to_bare(l));
}

/* true: no contact can be added, and the owner has been told so. */
static bool
is_refused(struct hm_mod *m, struct hm_user *u, struct hm_letter *l, const struct item *it)
{
	const char *contact = hm_letter_to_bare(l);
	struct hm_writer *w;

	if ((it && it->listed) || !roster_is_full(m, u, it, contact, NULL, NULL))
		return false;
	w = hm_stanza_new(HM_PRESENCE, "error", hm_stanza_id(hm_letter_stanza(l)));
	hm_open(w, NULL, "error");
	hm_attr(w, "type", "wait");
	hm_open(w, "urn:ietf:params:xml:ns:xmpp-stanzas", "resource-constraint");
	hm_close(w);
	hm_close(w);
	hm_send(m, w, contact, hm_letter_from(l));
	return true;
}

/* A.2.1 */
static void
sent_subscribe(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	const char *contact = hm_letter_to_bare(l);
	struct item *it = item_find(m, u, contact);

	if (is_refused(m, u, l, it))
		return;
	it = item_make(m, u, contact);
	if (!(it->sub & HM_SUB_TO) && !it->asked) {
		it->asked = it->listed = true;
		item_changed(m, u, it, true);
	}
	route(m, u, l);
}

/* A.2.2 */
static void
sent_unsubscribe(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	struct item *it = item_find(m, u, hm_letter_to_bare(l));

	if (it && (it->asked || (it->sub & HM_SUB_TO))) {
		it->asked = false;
		it->sub &= ~(unsigned)HM_SUB_TO;
		item_changed(m, u, it, true);
	}
	route(m, u, l);
}

/* A.2.3, 3.4.2 */
static void
sent_subscribed(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	const char *contact = hm_letter_to_bare(l);
	struct item *it = item_find(m, u, contact);

	if ((it && (it->sub & HM_SUB_FROM)) || is_refused(m, u, l, it))
		return;
	if (it && it->pending_in) {
		it->pending_in = false;
		item_set_text(&it->request, NULL);
		it->sub |= HM_SUB_FROM;
		it->listed = true;
		item_changed(m, u, it, true);
		route(m, u, l);
		presence_show_to(m, u, contact);
		return;
	}
	it = item_make(m, u, contact);
	if (!it->approved) {
		it->approved = it->listed = true;
		item_changed(m, u, it, true);
	}
}

/* A.2.4, 3.2.2 */
static void
sent_unsubscribed(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	const char *contact = hm_letter_to_bare(l);
	struct item *it = item_find(m, u, contact);
	bool was_approved = it && it->approved;

	if (!it)
		return;
	it->approved = false;
	if (it->sub & HM_SUB_FROM) {
		it->sub &= ~(unsigned)HM_SUB_FROM;
		item_changed(m, u, it, true);
		presence_hide_from(m, u, contact);
		route(m, u, l);
	} else if (it->pending_in) {
		it->pending_in = false;
		item_set_text(&it->request, NULL);
		item_changed(m, u, it, was_approved);
		route(m, u, l);
	} else if (was_approved) {
		item_changed(m, u, it, true);
	}
}

enum hm_next
subscription_sent(struct hm_mod *m, struct hm_session *from, struct hm_letter *l)
{
	const struct hm_stanza *s = hm_letter_stanza(l);
	struct hm_user *u = hm_session_user(from);
	const char *type = hm_stanza_type(s);

	if (hm_stanza_kind(s) != HM_PRESENCE || !hm_letter_to(l))
		return HM_CONTINUE;
	if (strcmp(hm_letter_to_bare(l), hm_user_jid(u)) == 0 && strstr(type, "subscribe"))
		return HM_STOP; /* with oneself: every account sees itself anyway */
	if (strcmp(type, "subscribe") == 0)
		sent_subscribe(m, u, l);
	else if (strcmp(type, "unsubscribe") == 0)
		sent_unsubscribe(m, u, l);
	else if (strcmp(type, "subscribed") == 0)
		sent_subscribed(m, u, l);
	else if (strcmp(type, "unsubscribed") == 0)
		sent_unsubscribed(m, u, l);
	else
		return HM_CONTINUE;
	return HM_STOP;
}

/* --- From the contact: A.3 --------------------------------------------------------------------------- */

/* A.3.1, 3.1.3 */
static void
got_subscribe(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	const struct roster_config *cfg = hm_config(m);
	const char *contact = hm_letter_from_bare(l);
	struct item *it = item_find(m, u, contact);

	if (it && (it->sub & HM_SUB_FROM)) {
		/* Its side has forgotten: an approval brings the presence (3.1.5). */
		send(m, u, "subscribed", contact);
		presence_show_to(m, u, contact);
		return;
	}
	if (it && it->approved) {
		it->sub |= HM_SUB_FROM;
		item_changed(m, u, it, true);
		send(m, u, "subscribed", contact);
		presence_show_to(m, u, contact);
		return;
	}
	if (it && it->pending_in)
		return;
	if (roster_of(m, u)->requests >= (size_t)cfg->max_requests) {
		hm_log(u, HM_INFO, "too many subscription requests wait", hm_kv("peer", contact));
		return;
	}
	it = item_make(m, u, contact);
	it->pending_in = true;
	item_set_text(&it->request, hm_tmp_stanza_xml(hm_letter_stanza(l)));
	item_changed(m, u, it, false);
	hm_for_each_session(s, u)
	{
		if (hm_session_presence(s))
			hm_forward_to_session(m, s, hm_letter_stanza(l), hm_user_jid(u));
	}
}

/* A.3.2, 3.3.3 */
static void
got_unsubscribe(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	const char *contact = hm_letter_from_bare(l);
	struct item *it = item_find(m, u, contact);
	bool had = it && (it->sub & HM_SUB_FROM), push;

	if (!it || (!had && !it->pending_in))
		return;
	it->sub &= ~(unsigned)HM_SUB_FROM;
	it->pending_in = false;
	item_set_text(&it->request, NULL);
	push = item_store(m, u, it, had);
	roster_tell_interested(m, u, hm_letter_stanza(l));
	if (had)
		presence_hide_from(m, u, contact);
	send(m, u, "unsubscribed", contact);
	if (push)
		item_tell(m, u, it);
}

/* A.3.3, 3.1.6 */
static void
got_subscribed(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	struct item *it = item_find(m, u, hm_letter_from_bare(l));

	if (!it || !it->asked || (it->sub & HM_SUB_TO))
		return;
	it->asked = false;
	it->sub |= HM_SUB_TO;
	item_store(m, u, it, true);
	roster_tell_interested(m, u, hm_letter_stanza(l));
	item_tell(m, u, it);
}

/* A.3.4, 3.2.3 */
static void
got_unsubscribed(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	struct item *it = item_find(m, u, hm_letter_from_bare(l));

	if (!it || (!it->asked && !(it->sub & HM_SUB_TO)))
		return;
	it->asked = false;
	it->sub &= ~(unsigned)HM_SUB_TO;
	item_store(m, u, it, true);
	roster_tell_interested(m, u, hm_letter_stanza(l));
	item_tell(m, u, it);
}

enum hm_next
subscription_received(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	const struct hm_stanza *s = hm_letter_stanza(l);
	const char *type = hm_stanza_type(s), *resource = hm_letter_to_resource(l);

	if (hm_stanza_kind(s) != HM_PRESENCE)
		return HM_CONTINUE;
	if (strcmp(type, "subscribe") == 0)
		got_subscribe(m, u, l);
	else if (strstr(type, "subscribe") && resource && !hm_find_session(u, resource))
		return HM_STOP; /* 8.5.3.2.2 */
	else if (strcmp(type, "unsubscribe") == 0)
		got_unsubscribe(m, u, l);
	else if (strcmp(type, "subscribed") == 0)
		got_subscribed(m, u, l);
	else if (strcmp(type, "unsubscribed") == 0)
		got_unsubscribed(m, u, l);
	else
		return HM_CONTINUE;
	return HM_STOP;
}

/* --- The end of an item, of an account ---------------------------------------------------------------- */

void
subscription_end(struct hm_mod *m, struct hm_user *u, struct item *it)
{
	if (it->asked || (it->sub & HM_SUB_TO))
		send(m, u, "unsubscribe", it->jid);
	if (it->sub & HM_SUB_FROM)
		presence_hide_from(m, u, it->jid);
	if ((it->sub & HM_SUB_FROM) || it->pending_in)
		send(m, u, "unsubscribed", it->jid);
}

void
subscription_deleting(struct hm_mod *m, struct hm_user *u)
{
	size_t pos = 0;
	void *value;

	while (hm_table_next(roster_of(m, u)->items, &pos, NULL, &value))
		subscription_end(m, u, value);
}
