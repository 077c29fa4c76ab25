/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * What can wait while nobody looks. Only what is known to can: a message with any part that is not
 * in the table is urgent, so that nothing new (calls, invitations, ways to encrypt) comes late.
 */
#include <string.h>

#include "csi.h"

#define NS_CHAT_STATES "http://jabber.org/protocol/chatstates"
#define NS_EVENT "http://jabber.org/protocol/pubsub#event"
#define NS_HINTS "urn:xmpp:hints"
#define NS_MARKERS "urn:xmpp:chat-markers:0"
#define NS_MUC_USER "http://jabber.org/protocol/muc#user"
#define NS_RECEIPTS "urn:xmpp:receipts"
#define NS_REFERENCE "urn:xmpp:reference:0"

struct part {
	const char *ns, *name; /* name NULL: any */
	enum csi_kind kind;
};

static const struct part parts[] = {
	{ NS_CHAT_STATES, NULL, CSI_CHAT_STATE },
	{ NS_RECEIPTS, "received", CSI_RECEIPT },
	{ NS_RECEIPTS, "request", CSI_NOTHING },
	{ NS_MARKERS, "markable", CSI_NOTHING },
	{ NS_MARKERS, NULL, CSI_RECEIPT },
	{ "urn:xmpp:reactions:0", "reactions", CSI_REACTION },
	{ NS_EVENT, "event", CSI_PEP },
	{ NS_CLIENT, "thread", CSI_NOTHING },
	{ NS_HINTS, NULL, CSI_NOTHING },
	{ NS_DELAY, NULL, CSI_NOTHING },
	{ "urn:xmpp:sid:0", NULL, CSI_NOTHING },
	{ "urn:xmpp:occupant-id:0", NULL, CSI_NOTHING },
	{ "http://jabber.org/protocol/shim", NULL, CSI_NOTHING },
	{ "http://jabber.org/protocol/address", NULL, CSI_NOTHING },
};

/* Ways to encrypt; what stands beside them as text says nothing. */
static const char *const encrypted[] = { "eu.siacs.conversations.axolotl",
	                                 "urn:xmpp:omemo:1",
	                                 "urn:xmpp:omemo:2",
	                                 "urn:xmpp:openpgp:0",
	                                 "jabber:x:encrypted",
	                                 "urn:xmpp:eme:0",
	                                 "urn:ietf:params:xml:ns:xmpp-e2e" };

/* Nodes with one item, whatever its id is: the newest says it all. */
static const char *const single[] = { "eu.siacs.conversations.axolotl.devicelist",
	                              "http://jabber.org/protocol/activity",
	                              "http://jabber.org/protocol/geoloc",
	                              "http://jabber.org/protocol/mood",
	                              "http://jabber.org/protocol/nick",
	                              "http://jabber.org/protocol/tune",
	                              "urn:xmpp:avatar:metadata",
	                              "urn:xmpp:omemo:2:devices",
	                              "urn:xmpp:vcard4" };

static bool
is_in(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(text, list[i]) == 0)
			return true;
	}
	return false;
}

static enum csi_kind
kind_of_part(const struct hm_elem *e)
{
	/* Of an occupant's private message: it says no more than that it is one. */
	if (hm_elem_is(e, NS_MUC_USER, "x") && !hm_first_child(e))
		return CSI_NOTHING;
	for (size_t i = 0; i < HM_COUNT(parts); i++) {
		if (hm_elem_is(e, parts[i].ns, parts[i].name))
			return parts[i].kind;
	}
	return CSI_URGENT;
}

static const char *
text_or_none(const char *s)
{
	return s ? s : "";
}

/* --- Copies: XEP-0280 ---------------------------------------------------------------------------- */

const struct hm_elem *
csi_carbon(const struct hm_session *s, const struct hm_stanza *stanza)
{
	const struct hm_elem *root = hm_stanza_root(stanza), *carbon;
	const char *from = hm_stanza_from(stanza);

	if (hm_stanza_kind(stanza) != HM_MESSAGE ||
	    (from && strcmp(from, hm_user_jid(hm_session_user(s))) != 0))
		return NULL;
	carbon = hm_child(root, NS_CARBONS, "received");
	return carbon ? carbon : hm_child(root, NS_CARBONS, "sent");
}

const struct hm_elem *
csi_carbon_message(const struct hm_elem *carbon)
{
	const struct hm_elem *forwarded = hm_child(carbon, NS_FORWARD, "forwarded");

	return forwarded ? hm_child(forwarded, NS_CLIENT, "message") : NULL;
}

/* --- Messages --------------------------------------------------------------------------------------- */

struct message {
	const struct hm_elem *root;
	const char *type, *from, *to; /* to: only of a copy */
};

static bool
is_encrypted(const struct hm_elem *root)
{
	hm_for_each_child (e, root) {
		if (is_in(hm_elem_ns(e), encrypted, HM_COUNT(encrypted)))
			return true;
	}
	return false;
}

/* XEP-0372 3.2, 3.3: by the own address, or by the name in the room. */
static bool
is_reference_to(const struct hm_elem *e, const char *own, const char *in_room)
{
	const char *uri = hm_elem_attr(e, "uri");

	return hm_elem_is(e, NS_REFERENCE, "reference") && uri &&
	       (strstr(uri, own) || strstr(uri, in_room));
}

/* A text for a whole room. What the own name there is, the presence tells that went to it. */
static bool
is_mention(const struct hm_session *s, const struct message *msg)
{
	const char *room = hm_tmp_bare(msg->from);
	const char *in_room = hm_tmp_session_directed(s, room);
	const char *nick = in_room ? hm_tmp_resource(in_room) : NULL;

	if (!nick)
		return true; /* who knows? */
	hm_for_each_child (e, msg->root) {
		if (hm_elem_is(e, NS_CLIENT, "body") && strcasestr(hm_tmp_text(e), nick))
			return true;
		if (is_reference_to(e, hm_user_jid(hm_session_user(s)), in_room))
			return true;
	}
	return false;
}

static bool
is_room_talk(const struct hm_session *s, const struct message *msg)
{
	return strcmp(msg->type, "groupchat") == 0 && msg->from &&
	       hm_child(msg->root, NS_CLIENT, "body") && !is_encrypted(msg->root) &&
	       !is_mention(s, msg);
}

/* One item: of it; a node that has but one: of the node. Of several each counts. */
static const char *
pep_key(const struct message *msg)
{
	const struct hm_elem *event = hm_child(msg->root, NS_EVENT, "event"),
			     *items = event ? hm_child(event, NS_EVENT, "items") : NULL,
			     *item = items ? hm_first_child(items) : NULL;
	const char *node = items ? text_or_none(hm_elem_attr(items, "node")) : NULL;
	const char *id;

	if (!item || hm_next_sibling(items) || hm_next_sibling(item))
		return NULL;
	id = is_in(node, single, HM_COUNT(single)) ? "" : hm_elem_attr(item, "id");
	return id ? hm_tmp_printf("e|%s|%zu|%s|%s", text_or_none(msg->from), strlen(node), node, id)
	          : NULL;
}

static const char *
state_key(const struct message *msg)
{
	return hm_tmp_printf("c|%s|%s", text_or_none(msg->from), text_or_none(msg->to));
}

static struct csi_verdict
judge_message(const struct hm_session *s, const struct message *msg)
{
	struct csi_verdict v = { .kind = CSI_NOTHING };

	if (hm_child(msg->root, NS_CHAT_STATES, NULL))
		v.replaces = state_key(msg);
	if (is_room_talk(s, msg)) {
		v.kind = CSI_GROUPCHAT;
		return v;
	}
	hm_for_each_child (e, msg->root) {
		enum csi_kind kind = kind_of_part(e);

		if (kind > v.kind)
			v.kind = kind;
	}
	if (v.kind == CSI_NOTHING || strcmp(msg->type, "error") == 0)
		v.kind = CSI_URGENT;
	if (v.kind == CSI_CHAT_STATE) {
		v.key = v.replaces;
		v.composing = hm_child(msg->root, NS_CHAT_STATES, "composing");
	} else if (v.kind == CSI_PEP) {
		v.key = pep_key(msg);
	}
	return v;
}

/* --- Presence --------------------------------------------------------------------------------------- */

/* What happens to oneself in a room, and who is thrown out or renamed (XEP-0045). */
static bool
is_news_of_room(const struct hm_elem *root)
{
	const struct hm_elem *x = hm_child(root, NS_MUC_USER, "x");

	return x && (hm_child(x, NS_MUC_USER, "status") || hm_child(x, NS_MUC_USER, "destroy"));
}

/* Subscriptions and errors are urgent, and the session's own: it has just sent it. */
static struct csi_verdict
judge_presence(const struct hm_session *s, const struct hm_stanza *stanza)
{
	const char *type = hm_stanza_type(stanza), *from = hm_stanza_from(stanza);
	struct csi_verdict v = { .kind = CSI_URGENT };

	if ((*type && strcmp(type, "unavailable") != 0) || !from ||
	    is_news_of_room(hm_stanza_root(stanza)) || strcmp(from, hm_session_jid(s)) == 0)
		return v;
	v.kind = CSI_PRESENCE;
	v.key = hm_tmp_printf("p|%s", from);
	return v;
}

struct csi_verdict
csi_judge(const struct hm_session *s, const struct hm_stanza *stanza)
{
	struct message msg = { .root = hm_stanza_root(stanza), .from = hm_stanza_from(stanza) };
	const struct hm_elem *carbon;

	if (hm_stanza_kind(stanza) == HM_IQ)
		return (struct csi_verdict){ .kind = CSI_URGENT };
	if (hm_stanza_kind(stanza) == HM_PRESENCE)
		return judge_presence(s, stanza);
	carbon = csi_carbon(s, stanza);
	if (carbon && csi_carbon_message(carbon)) {
		msg.root = csi_carbon_message(carbon);
		msg.from = hm_elem_attr(msg.root, "from");
		msg.to = hm_elem_attr(msg.root, "to");
	}
	msg.type = text_or_none(hm_elem_attr(msg.root, "type"));
	return judge_message(s, &msg);
}
