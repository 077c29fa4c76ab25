/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * rules.c - which messages are kept (XEP-0313 6.1.1, XEP-0160 3, XEP-0334), for the archive and for
 * those who are away alike.  Pure: from the stanza alone.
 */
#include <string.h>

#include "archive.h"

#define NS_CHAT_STATES "http://jabber.org/protocol/chatstates"
#define NS_MUC_USER "http://jabber.org/protocol/muc#user"
#define NS_PUBSUB_EVENT "http://jabber.org/protocol/pubsub#event"

/* It tells nothing once its moment is over (XEP-0160 3: chat states), or serves what does. */
static bool
is_passing(const struct hm_elem *child)
{
	static const char *const namespaces[] = { NS_CHAT_STATES, NS_HINTS, NS_SID, NS_DELAY,
		                                  "jabber:x:event" };

	for (size_t i = 0; i < HM_COUNT(namespaces); i++) {
		if (hm_elem_is(child, namespaces[i], NULL))
			return true;
	}
	return hm_elem_is(child, NS_CLIENT, "thread");
}

/* Other types are normal (RFC 6121 5.2.2). */
static bool
is_of_a_kept_type(const struct hm_stanza *s)
{
	static const char *const types[] = { "error", "groupchat", "headline" };

	for (size_t i = 0; i < HM_COUNT(types); i++) {
		if (strcmp(hm_stanza_type(s), types[i]) == 0)
			return false;
	}
	return true;
}

enum hm_worth
archive_worth(const struct hm_stanza *s)
{
	const struct hm_elem *root = hm_stanza_root(s);
	enum hm_worth worth = HM_WORTH_NOTHING;

	if (hm_stanza_kind(s) != HM_MESSAGE || !is_of_a_kept_type(s) ||
	    hm_child(root, NS_HINTS, "no-store"))
		return HM_WORTH_NOTHING;
	if (hm_child(root, NS_HINTS, "store")) {
		worth = HM_WORTH_KEEPING;
	} else {
		hm_for_each_child (child, root) {
			/* News of a node are in the node; whoever was away wants to hear of them. */
			if (worth == HM_WORTH_NOTHING && hm_elem_is(child, NS_PUBSUB_EVENT, NULL))
				worth = HM_WORTH_DELIVERY;
			else if (!is_passing(child))
				worth = HM_WORTH_KEEPING;
		}
	}
	if (worth == HM_WORTH_KEEPING && hm_child(root, NS_HINTS, "no-permanent-store"))
		return HM_WORTH_DELIVERY;
	return worth;
}

bool
archive_worth_to_sender(const struct hm_stanza *s)
{
	const struct hm_elem *root = hm_stanza_root(s), *x = hm_child(root, NS_MUC_USER, "x");

	if (archive_worth(s) != HM_WORTH_KEEPING)
		return false;
	if (!x || hm_child(root, NS_CLIENT, "body"))
		return true;
	/* XEP-0045 7.8.2: clients take an archived one for an invitation to themselves. */
	hm_for_each_child (child, x) {
		if ((hm_elem_is(child, NS_MUC_USER, "invite") ||
		     hm_elem_is(child, NS_MUC_USER, "decline")) &&
		    hm_elem_attr(child, "to"))
			return false;
	}
	return true;
}

bool
archive_is_forged(const struct hm_elem *child, const char *host, const char *bare)
{
	const char *said_by = NULL, *mine = NULL;

	if (hm_elem_is(child, NS_SID, "stanza-id")) {
		said_by = hm_elem_attr(child, "by");
		mine = bare;
	} else if (hm_elem_is(child, NS_DELAY, "delay")) {
		said_by = hm_elem_attr(child, "from");
		mine = host;
	}
	said_by = said_by ? hm_tmp_jid(said_by) : NULL;
	return said_by && mine && strcmp(said_by, mine) == 0;
}
