/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * muc/relay.c - requests between occupants (XEP-0045 15.1.3, 16.6), and of oneself whether one is
 * in the room (XEP-0410).
 *
 * The one who is asked sees an id of the server's: the answer finds its way by that, whatever the
 * nick is by then.
 */
#include "muc.h"

#include <string.h>

#define RELAYS_MAX 1000 /* of a room, under way */
#define TIMEOUT_MS 60000

struct relay {
	char *id, *asker, *asked; /* asked: the occupant's JID */
};

static void
relay_free(struct relay *q)
{
	hm_free(q->id);
	hm_free(q->asker);
	hm_free(q->asked);
	hm_free(q);
}

static void
answered(struct hm_mod *m, struct hm_user *u, struct hm_entity *e, const struct hm_stanza *reply,
         int64_t token)
{
	struct relay *q = (struct relay *)(intptr_t)token;
	struct hm_writer *w;

	room_of(m, e)->relays--;
	if (reply) {
		w = hm_stanza_new(HM_IQ, hm_stanza_type(reply), q->id);
		hm_for_each_child (c, hm_stanza_root(reply))
			hm_put_elem(w, c);
	} else {
		w = hm_stanza_new(HM_IQ, "error", q->id);
		hm_open(w, NULL, "error");
		hm_attr(w, "type", "wait");
		hm_open(w, NS_ERRORS, "remote-server-timeout");
		hm_close(w);
		hm_close(w);
	}
	hm_send(m, w, q->asked, q->asker);
	relay_free(q);
}

static void
pass_on(struct room *r, const struct device *from, const struct occupant *to, struct hm_letter *l)
{
	const struct hm_stanza *s = hm_letter_stanza(l);
	const struct hm_elem *payload = hm_first_child(hm_stanza_root(s));
	struct hm_writer *w = hm_iq_new(hm_stanza_type(s));
	struct relay *q = hm_alloc(sizeof(*q));

	q->id = hm_dup(hm_stanza_id(s));
	q->asker = hm_dup(hm_letter_from(l));
	q->asked = hm_dup(hm_letter_to(l));
	hm_put_elem(w, payload);
	r->relays++;
	/* The card is the account's. */
	hm_iq_send(r->m, w, from->occupant->jid,
	           hm_elem_is(payload, NS_VCARD, "vCard") ? to->bare : to->devices->jid, TIMEOUT_MS,
	           answered, (int64_t)(intptr_t)q);
}

static void
pong(struct room *r, struct hm_letter *l)
{
	struct hm_writer *w = hm_stanza_new(HM_IQ, "result", hm_stanza_id(hm_letter_stanza(l)));

	hm_send(r->m, w, hm_letter_to(l), hm_letter_from(l));
}

void
muc_relay(struct room *r, struct hm_letter *l)
{
	const struct hm_elem *payload = hm_first_child(hm_stanza_root(hm_letter_stanza(l)));
	struct device *from = room_device(r, hm_letter_from(l));
	struct occupant *to = room_occupant(r, hm_letter_to_resource(l));

	if (!from)
		/* XEP-0045 6.6 for disco; 17.4 */
		hm_refuse(l,
		          payload && (strcmp(hm_elem_ns(payload), NS_DISCO_INFO) == 0 ||
		                      strcmp(hm_elem_ns(payload), NS_DISCO_ITEMS) == 0)
		                  ? HM_BAD_REQUEST
		                  : HM_NOT_ACCEPTABLE,
		          "You are not in the room.");
	else if (!to || !payload)
		hm_refuse(l, to ? HM_BAD_REQUEST : HM_ITEM_NOT_FOUND, NULL);
	else if (to == from->occupant && hm_elem_is(payload, NS_PING, "ping"))
		pong(r, l);
	else if (r->relays >= RELAYS_MAX)
		hm_refuse(l, HM_RESOURCE_CONSTRAINT, NULL);
	else
		pass_on(r, from, to, l);
}
