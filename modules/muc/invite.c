/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * muc/invite.c - what a room passes on for somebody: invitations and their refusals (XEP-0045 7.8.2),
 * requests for voice (7.13, 8.6).
 */
#include "muc.h"

#include <string.h>

#define INVITATIONS_MAX 20

/* --- Invitations ------------------------------------------------------------------------------ */

/* 0: he may. */
static enum hm_cond
may_invite(const struct room *r, const struct occupant *o)
{
	if (o->affiliation >= AFF_ADMIN)
		return 0;
	if (r->options.members_only && !r->options.invites)
		return HM_FORBIDDEN;
	return o->role >= ROLE_PARTICIPANT ? 0 : HM_FORBIDDEN;
}

static void
invite(struct room *r, const struct device *by, const struct hm_stanza *s,
       const struct hm_elem *invitation, const char *to)
{
	struct hm_writer *w = hm_stanza_new(HM_MESSAGE, NULL, hm_stanza_id(s));

	hm_open(w, NS_MUC_USER, "x");
	hm_open(w, NULL, "invite");
	hm_attr(w, "from", by->occupant->bare);
	hm_for_each_child (c, invitation) {
		if (hm_elem_is(c, NS_MUC_USER, "reason") || hm_elem_is(c, NS_MUC_USER, "continue"))
			hm_put_elem(w, c);
	}
	hm_close(w);
	if (*r->options.password)
		hm_leaf(w, "password", r->options.password);
	hm_close(w);
	hm_send(r->m, w, hm_entity_jid(r->e), to);
}

/* XEP-0045 9.3: who is invited into a members-only room becomes a member. */
static bool
make_member(struct room *r, const char *bare)
{
	if (!r->options.members_only || room_affiliation(r, bare) != AFF_NONE)
		return true;
	return room_set_affiliation(r, bare, AFF_MEMBER, NULL, NULL);
}

static void
invitations(struct room *r, struct device *by, struct hm_letter *l, const struct hm_elem *x)
{
	enum hm_cond why = may_invite(r, by->occupant);
	unsigned n = 0;

	hm_for_each_child (c, x) {
		const char *text = hm_elem_attr(c, "to"), *to;

		if (why || !hm_elem_is(c, NS_MUC_USER, "invite"))
			continue;
		to = text ? hm_tmp_jid(text) : NULL;
		if (!to || ++n > INVITATIONS_MAX)
			why = to ? HM_POLICY_VIOLATION : HM_JID_MALFORMED;
		else if (!make_member(r, hm_tmp_bare(to)))
			why = HM_RESOURCE_CONSTRAINT;
		else
			invite(r, by, hm_letter_stanza(l), c, to);
	}
	if (why)
		hm_refuse(l, why, NULL);
}

/*
 * Only to somebody who is in the room, under the address that the invitation gave: nobody has the room
 * write to others.
 */
static void
decline(struct room *r, struct hm_letter *l, const struct hm_elem *refusal)
{
	const char *text = hm_elem_attr(refusal, "to"), *to = text ? hm_tmp_jid(text) : NULL;
	const char *bare = to ? hm_tmp_bare(to) : NULL;

	for (size_t i = 0; bare && i < r->n; i++) {
		struct hm_writer *w;

		if (strcmp(r->devices[i]->occupant->bare, bare) != 0)
			continue;
		w = hm_stanza_new(HM_MESSAGE, NULL, hm_stanza_id(hm_letter_stanza(l)));
		hm_open(w, NS_MUC_USER, "x");
		hm_open(w, NULL, "decline");
		hm_attr(w, "from", hm_letter_from_bare(l));
		if (hm_child(refusal, NS_MUC_USER, "reason"))
			hm_put_elem(w, hm_child(refusal, NS_MUC_USER, "reason"));
		hm_close(w);
		hm_close(w);
		hm_send(r->m, w, hm_entity_jid(r->e), r->devices[i]->jid);
	}
}

/* --- Voice --------------------------------------------------------------------------------------- */

static void
write_field(struct hm_writer *w, const char *var, const char *type, const char *label,
            const char *value)
{
	hm_open(w, NULL, "field");
	hm_attr(w, "var", var);
	hm_attr(w, "type", type);
	hm_attr(w, "label", label);
	hm_leaf(w, "value", value);
	hm_close(w);
}

static void
ask_moderators(struct room *r, const struct device *d)
{
	struct hm_writer *w = hm_stanza_new(HM_MESSAGE, NULL, hm_tmp_token(16));
	const char **to = hm_tmp_alloc((r->n + 1) * sizeof(char *));
	const struct hm_stanza *s;
	size_t n = 0;

	hm_open(w, NS_DATA, "x");
	hm_attr(w, "type", "form");
	hm_leaf(w, "title", "Voice request");
	hm_leaf(w, "instructions", "May this occupant speak to everybody in the room?");
	write_field(w, "FORM_TYPE", "hidden", NULL, NS_MUC_REQUEST);
	write_field(w, "muc#role", "list-single", "Requested role", "participant");
	write_field(w, "muc#jid", "jid-single", "User ID", d->jid);
	write_field(w, "muc#roomnick", "text-single", "Room Nickname", d->occupant->nick);
	write_field(w, "muc#request_allow", "boolean", "Grant voice to this person?", "false");
	hm_close(w);
	s = hm_stanza_done_ref(w, hm_entity_jid(r->e));
	for (size_t i = 0; i < r->n; i++) {
		if (r->devices[i]->occupant->role == ROLE_MODERATOR)
			to[n++] = r->addresses[i];
	}
	hm_fanout(r->m, s, to, n);
	hm_stanza_unref(&s);
}

static void
voice(struct room *r, struct device *d, struct hm_letter *l, const struct hm_elem *x)
{
	const char *role = form_value(x, "muc#role"), *nick = form_value(x, "muc#roomnick");
	const char *allow = form_value(x, "muc#request_allow");
	struct occupant *who;

	if (!role || strcmp(role, "participant") != 0) {
		hm_refuse(l, HM_BAD_REQUEST, NULL);
	} else if (!allow) {
		if (d->occupant->role == ROLE_VISITOR)
			ask_moderators(r, d);
	} else if (d->occupant->role != ROLE_MODERATOR) {
		hm_refuse(l, HM_FORBIDDEN, NULL);
	} else if (form_true(allow)) {
		who = nick ? room_occupant(r, nick) : NULL;
		if (!who)
			hm_refuse(l, HM_ITEM_NOT_FOUND, NULL);
		else if (who->role == ROLE_VISITOR)
			change_role(r, who, ROLE_PARTICIPANT, d->occupant->nick, NULL);
	}
}

void
muc_mediated(struct room *r, struct hm_letter *l)
{
	const struct hm_elem *root = hm_stanza_root(hm_letter_stanza(l));
	const struct hm_elem *x = hm_child(root, NS_MUC_USER, "x");
	const struct hm_elem *form = hm_child(root, NS_DATA, "x");
	const struct hm_elem *refusal = x ? hm_child(x, NS_MUC_USER, "decline") : NULL;
	struct device *d = room_device(r, hm_letter_from(l));
	const char *form_type = form ? form_value(form, "FORM_TYPE") : NULL;

	if (refusal)
		decline(r, l, refusal);
	else if (!d)
		hm_refuse(l, HM_NOT_ACCEPTABLE, "You are not in the room.");
	else if (x && hm_child(x, NS_MUC_USER, "invite"))
		invitations(r, d, l, x);
	else if (form_type && strcmp(form_type, NS_MUC_REQUEST) == 0)
		voice(r, d, l, form);
	else
		hm_refuse(l, HM_BAD_REQUEST, "A message to everybody has the type \"groupchat\".");
}
