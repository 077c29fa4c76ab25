/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xml/names.c - well-known namespaces, found by binary search.  The table is
 * sorted by length, then bytewise (a unit test looks after it).
 */
#include "xml/names.h"

#include <string.h>

#include <hermod/values.h>

#define KNOWN(ns)                                                                                  \
	{                                                                                          \
		sizeof(ns) - 1, ns                                                                 \
	}

static const struct known_ns {
	size_t len;
	const char *ns;
} known[] = {
	KNOWN("vcard-temp"),
	KNOWN("jabber:x:oob"),
	KNOWN("urn:xmpp:bob"),
	KNOWN("jabber:client"),
	KNOWN("jabber:server"),
	KNOWN("jabber:x:data"),
	KNOWN("urn:xmpp:caps"),
	KNOWN("urn:xmpp:ping"),
	KNOWN("urn:xmpp:sm:3"),
	KNOWN("urn:xmpp:time"),
	KNOWN("jabber:iq:auth"),
	KNOWN("jabber:iq:last"),
	KNOWN("jabber:x:delay"),
	KNOWN("jabber:x:event"),
	KNOWN("urn:xmpp:csi:0"),
	KNOWN("urn:xmpp:delay"),
	KNOWN("urn:xmpp:eme:0"),
	KNOWN("urn:xmpp:hints"),
	KNOWN("urn:xmpp:mam:2"),
	KNOWN("urn:xmpp:sfs:0"),
	KNOWN("urn:xmpp:sid:0"),
	KNOWN("jabber:x:signed"),
	KNOWN("urn:xmpp:bind:0"),
	KNOWN("urn:xmpp:idle:1"),
	KNOWN("urn:xmpp:push:0"),
	KNOWN("urn:xmpp:sasl:2"),
	KNOWN("jabber:iq:roster"),
	KNOWN("jabber:iq:search"),
	KNOWN("urn:xmpp:omemo:2"),
	KNOWN("urn:xmpp:reply:0"),
	KNOWN("jabber:iq:gateway"),
	KNOWN("jabber:iq:private"),
	KNOWN("jabber:iq:version"),
	KNOWN("storage:bookmarks"),
	KNOWN("urn:xmpp:blocking"),
	KNOWN("urn:xmpp:hashes:2"),
	KNOWN("urn:xmpp:jingle:1"),
	KNOWN("urn:xmpp:receipts"),
	KNOWN("jabber:iq:register"),
	KNOWN("jabber:x:encrypted"),
	KNOWN("urn:xmpp:carbons:2"),
	KNOWN("urn:xmpp:forward:0"),
	KNOWN("urn:xmpp:styling:0"),
	KNOWN("jabber:x:conference"),
	KNOWN("urn:xmpp:fallback:0"),
	KNOWN("vcard-temp:x:update"),
	KNOWN("urn:xmpp:attention:0"),
	KNOWN("urn:xmpp:avatar:data"),
	KNOWN("urn:xmpp:bookmarks:1"),
	KNOWN("urn:xmpp:reactions:0"),
	KNOWN("jabber:server:dialback"),
	KNOWN("urn:xmpp:http:upload:0"),
	KNOWN("urn:xmpp:occupant-id:0"),
	KNOWN("jabber:component:accept"),
	KNOWN("urn:xmpp:chat-markers:0"),
	KNOWN("urn:xmpp:avatar:metadata"),
	KNOWN("urn:xmpp:blocking:errors"),
	KNOWN("urn:xmpp:mds:displayed:0"),
	KNOWN("urn:xmpp:jingle-message:0"),
	KNOWN("urn:xmpp:message-correct:0"),
	KNOWN("urn:xmpp:message-retract:1"),
	KNOWN("urn:xmpp:features:rosterver"),
	KNOWN("http://www.w3.org/1999/xhtml"),
	KNOWN("http://jabber.org/protocol/si"),
	KNOWN("eu.siacs.conversations.axolotl"),
	KNOWN("http://jabber.org/protocol/ibb"),
	KNOWN("http://jabber.org/protocol/muc"),
	KNOWN("http://jabber.org/protocol/rsm"),
	KNOWN("http://jabber.org/protocol/caps"),
	KNOWN("http://jabber.org/protocol/mood"),
	KNOWN("http://jabber.org/protocol/nick"),
	KNOWN("http://jabber.org/protocol/tune"),
	KNOWN("urn:ietf:params:xml:ns:xmpp-tls"),
	KNOWN("http://etherx.jabber.org/streams"),
	KNOWN("urn:ietf:params:xml:ns:vcard-4.0"),
	KNOWN("urn:ietf:params:xml:ns:xmpp-bind"),
	KNOWN("urn:ietf:params:xml:ns:xmpp-sasl"),
	KNOWN("http://jabber.org/protocol/geoloc"),
	KNOWN("http://jabber.org/protocol/pubsub"),
	KNOWN("http://jabber.org/protocol/activity"),
	KNOWN("http://jabber.org/protocol/commands"),
	KNOWN("http://jabber.org/protocol/muc#user"),
	KNOWN("http://jabber.org/protocol/xhtml-im"),
	KNOWN("urn:ietf:params:xml:ns:xmpp-framing"),
	KNOWN("urn:ietf:params:xml:ns:xmpp-session"),
	KNOWN("urn:ietf:params:xml:ns:xmpp-stanzas"),
	KNOWN("urn:ietf:params:xml:ns:xmpp-streams"),
	KNOWN("http://jabber.org/protocol/muc#admin"),
	KNOWN("http://jabber.org/protocol/muc#owner"),
	KNOWN("http://www.w3.org/XML/1998/namespace"),
	KNOWN("http://jabber.org/protocol/chatstates"),
	KNOWN("http://jabber.org/protocol/disco#info"),
	KNOWN("http://jabber.org/protocol/bytestreams"),
	KNOWN("http://jabber.org/protocol/disco#items"),
	KNOWN("http://jabber.org/protocol/pubsub#event"),
	KNOWN("http://jabber.org/protocol/pubsub#owner"),
	KNOWN("http://jabber.org/protocol/pubsub#errors"),
};

const char *
xml_known_ns(const char *ns, size_t len)
{
	size_t low = 0, high = HM_COUNT(known);

	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = len < known[mid].len   ? -1
		            : len > known[mid].len ? 1
		                                   : memcmp(ns, known[mid].ns, len);

		if (order == 0)
			return known[mid].ns;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}
