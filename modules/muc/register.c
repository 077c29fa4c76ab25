/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * muc/register.c - registration with a room (XEP-0045 7.10): a reserved nick for who is affiliated, and
 * membership for everybody else where the service allows it.
 */
#include "muc.h"

#include <string.h>

#define NS_MUC_REGISTER "http://jabber.org/protocol/muc#register"

/* 0: he may.  A members-only room decides itself who becomes one. */
static enum hm_cond
why_not(const struct room *r, const char *bare)
{
	enum affiliation affiliation = room_affiliation(r, bare);

	if (!r->exists || r->locked)
		return HM_ITEM_NOT_FOUND;
	if (affiliation == AFF_OUTCAST)
		return HM_NOT_ALLOWED;
	if (affiliation == AFF_NONE && (!room_config(r)->registration || r->options.members_only))
		return HM_NOT_ALLOWED;
	return 0;
}

static void
write_form(struct hm_writer *w)
{
	hm_leaf(w, "instructions", "Choose the nick that is yours in this room.");
	hm_open(w, NS_DATA, "x");
	hm_attr(w, "type", "form");
	hm_leaf(w, "title", "Registration with the room");
	hm_open(w, NULL, "field");
	hm_attr(w, "var", "FORM_TYPE");
	hm_attr(w, "type", "hidden");
	hm_leaf(w, "value", NS_MUC_REGISTER);
	hm_close(w);
	hm_open(w, NULL, "field");
	hm_attr(w, "var", "muc#register_roomnick");
	hm_attr(w, "type", "text-single");
	hm_attr(w, "label", "Nick");
	hm_leaf(w, "required", NULL);
	hm_close(w);
	hm_close(w);
}

void
register_get(struct hm_mod *m, struct hm_iq *rq)
{
	const struct room *r = room_of(m, hm_iq_entity(rq));
	enum hm_cond why = why_not(r, hm_iq_from_bare(rq));
	const struct affiliated *a = room_affiliated(r, hm_iq_from_bare(rq));
	struct hm_writer *w;

	if (why) {
		hm_iq_fail(rq, why, NULL);
		return;
	}
	w = hm_iq_result(rq);
	hm_open(w, NS_REGISTER, "query");
	if (a && a->nick) {
		hm_leaf(w, "registered", NULL);
		hm_leaf(w, "username", a->nick);
	} else {
		write_form(w);
	}
	hm_close(w);
	hm_iq_done(rq);
}

/* As the resource of an address; NULL: it cannot be one. */
static const char *
nick_of(const struct room *r, const struct hm_elem *query)
{
	const struct hm_elem *x = hm_child(query, NS_DATA, "x");
	const char *type = x ? hm_elem_attr(x, "type") : NULL;
	const char *nick =
		type && strcmp(type, "submit") == 0 ? form_value(x, "muc#register_roomnick") : NULL;
	const char *jid =
		nick ? hm_tmp_jid(hm_tmp_printf("%s/%s", hm_entity_jid(r->e), nick)) : NULL;

	return jid ? hm_tmp_resource(jid) : NULL;
}

/* XEP-0077 3.2: a membership that is given up. */
static void
give_up(struct room *r, struct hm_iq *rq)
{
	const char *bare = hm_iq_from_bare(rq);
	const struct affiliated *a = room_affiliated(r, bare);

	if (!a || a->affiliation != AFF_MEMBER) {
		hm_iq_fail(rq, HM_NOT_ALLOWED, NULL);
		return;
	}
	room_set_affiliation(r, bare, AFF_NONE, NULL, NULL);
	hm_iq_done(rq);
	tell_affiliation(r, bare, NULL, NULL);
	room_check_empty(r);
}

static void
reserve(struct room *r, struct hm_iq *rq, const char *nick)
{
	const char *bare = hm_iq_from_bare(rq);
	enum affiliation affiliation = room_affiliation(r, bare);
	const struct occupant *o = room_occupant(r, nick);

	if (affiliation == AFF_NONE)
		affiliation = AFF_MEMBER;
	if (room_nick_is_reserved(r, nick, bare) || (o && strcmp(o->bare, bare) != 0)) {
		hm_iq_fail(rq, HM_CONFLICT, NULL);
	} else if (!room_set_affiliation(r, bare, affiliation, nick, NULL)) {
		hm_iq_fail(rq, HM_RESOURCE_CONSTRAINT, "The list is full.");
	} else {
		hm_iq_done(rq);
		tell_affiliation(r, bare, NULL, NULL);
	}
}

void
register_set(struct hm_mod *m, struct hm_iq *rq)
{
	struct room *r = room_of(m, hm_iq_entity(rq));
	enum hm_cond why = why_not(r, hm_iq_from_bare(rq));
	const char *nick;

	if (why) {
		hm_iq_fail(rq, why, NULL);
	} else if (hm_child(hm_iq_payload(rq), NS_REGISTER, "remove")) {
		give_up(r, rq);
	} else if (!(nick = nick_of(r, hm_iq_payload(rq)))) {
		hm_iq_fail(rq, HM_BAD_REQUEST, NULL);
	} else {
		reserve(r, rq, nick);
	}
}
