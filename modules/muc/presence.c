/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * muc/presence.c - what an occupant's presence says, and to whom (XEP-0045 7.2.2 to 7.2.4, 7.7).
 *
 * Three of it: for those who see real JIDs, for the others, and for the occupant itself.  The first
 * two are made once and go to all of theirs.
 */
#include "muc.h"

#include <string.h>

void
write_occupant_id(struct hm_writer *w, const struct occupant *o)
{
	hm_open(w, NS_OCCUPANT_ID, "occupant-id");
	hm_attr(w, "id", o->id);
	hm_close(w);
}

void
write_codes(struct hm_writer *w, const unsigned *codes)
{
	for (; *codes; codes++) {
		hm_open(w, NULL, "status");
		hm_attr_int(w, "code", *codes);
		hm_close(w);
	}
}

/* What a client sends and nobody else may say for the room. */
static bool
is_clients_own(const struct hm_elem *child, void *ctx)
{
	const char *ns = hm_elem_ns(child);

	return strcmp(ns, NS_MUC) != 0 && strcmp(ns, NS_MUC_USER) != 0 &&
	       strcmp(ns, NS_OCCUPANT_ID) != 0;
}

static void
write_item(struct hm_writer *w, const struct occupant *o, const struct notice *n, const char *jid)
{
	bool stays = !n || !n->gone || n->nick;

	hm_open(w, NULL, "item");
	hm_attr(w, "affiliation", affiliation_names[n && n->destroyed ? AFF_NONE : o->affiliation]);
	hm_attr(w, "role", role_names[stays ? o->role : ROLE_NONE]);
	hm_attr(w, "jid", jid);
	if (n) {
		hm_attr(w, "nick", n->nick);
		if (n->actor) {
			hm_open(w, NULL, "actor");
			hm_attr(w, "nick", n->actor);
			hm_close(w);
		}
		if (n->reason && !n->destroyed)
			hm_leaf(w, "reason", n->reason);
	}
	hm_close(w);
}

static void
write_destroy(struct hm_writer *w, const struct notice *n)
{
	hm_open(w, NULL, "destroy");
	hm_attr(w, "jid", n->venue);
	if (n->password)
		hm_leaf(w, "password", n->password);
	if (n->reason)
		hm_leaf(w, "reason", n->reason);
	hm_close(w);
}

/* jid: the real one to be shown, or NULL; codes: further ones, ending in 0. */
static const struct hm_stanza *
make(struct room *r, struct occupant *o, const struct notice *n, const char *jid,
     const unsigned *codes)
{
	struct hm_writer *w;

	if (n && n->gone && !n->presence)
		w = hm_stanza_new(HM_PRESENCE, "unavailable", NULL);
	else
		w = hm_stanza_copy(n && n->gone ? n->presence : o->devices->presence,
		                   is_clients_own, NULL);
	write_occupant_id(w, o);
	hm_open(w, NS_MUC_USER, "x");
	write_item(w, o, n, jid);
	if (n && n->destroyed)
		write_destroy(w, n);
	if (n && n->code)
		write_codes(w, (const unsigned[]){ n->code, 0 });
	write_codes(w, codes);
	hm_close(w);
	return hm_stanza_done_ref(w, o->jid);
}

static const unsigned no_codes[] = { 0 };

const struct hm_stanza *
presence_of(struct room *r, struct occupant *o, bool with_jid)
{
	if (!o->shown[with_jid])
		o->shown[with_jid] = make(r, o, NULL, with_jid ? o->devices->jid : NULL, no_codes);
	return o->shown[with_jid];
}

static const struct hm_stanza *
about(struct room *r, struct occupant *o, const struct notice *n, bool with_jid)
{
	if (!n)
		return hm_stanza_ref(presence_of(r, o, with_jid));
	return make(r, o, n, with_jid ? o->devices->jid : NULL, no_codes);
}

/* To those who see JIDs, or to those who do not; not to its own. */
static void
tell_part(struct room *r, struct occupant *o, const struct notice *n, bool seeing)
{
	const char **to = hm_tmp_alloc((r->n + 1) * sizeof(char *));
	const struct hm_stanza *s;
	size_t count = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct occupant *other = r->devices[i]->occupant;

		if (other != o && occupant_sees_jids(r, other) == seeing)
			to[count++] = r->addresses[i];
	}
	if (count == 0)
		return;
	s = about(r, o, n, seeing);
	hm_fanout(r->m, s, to, count);
	hm_stanza_unref(&s);
}

void
presence_tell_others(struct room *r, struct occupant *o, const struct notice *n)
{
	bool shows = r->options.broadcast & 1u << o->role;
	bool gone = n && n->gone;
	/* Its role is one that is not shown any more. */
	const struct notice hides = { .gone = true };

	if (!shows && !o->visible)
		return;
	if (!shows && !gone)
		n = &hides;
	tell_part(r, o, n, true);
	tell_part(r, o, n, false);
	o->visible = shows && (!gone || n->nick);
}

void
presence_tell_self(struct room *r, struct device *d, const struct notice *n, const unsigned *codes)
{
	const struct hm_stanza *s = make(r, d->occupant, n, d->jid, codes);

	hm_forward(r->m, s, NULL, d->jid);
	hm_stanza_unref(&s);
}

void
presence_tell(struct room *r, struct occupant *o, const struct notice *n)
{
	static const unsigned self[] = { CODE_SELF, 0 };

	presence_tell_others(r, o, n);
	for (struct device *d = o->devices; d; d = d->next)
		presence_tell_self(r, d, n, self);
}

/* XEP-0045 7.2: the types that go with these conditions are those of RFC 6120 but for one. */
static const char *
type_of(enum hm_cond cond)
{
	switch (cond) {
	case HM_NOT_AUTHORIZED:
	case HM_FORBIDDEN:
	case HM_REGISTRATION_REQUIRED:
		return "auth";
	case HM_JID_MALFORMED:
		return "modify";
	case HM_SERVICE_UNAVAILABLE: /* the room is full */
		return "wait";
	default:
		return "cancel";
	}
}

static const char *
name_of(enum hm_cond cond)
{
	switch (cond) {
	case HM_NOT_AUTHORIZED:
		return "not-authorized";
	case HM_FORBIDDEN:
		return "forbidden";
	case HM_REGISTRATION_REQUIRED:
		return "registration-required";
	case HM_JID_MALFORMED:
		return "jid-malformed";
	case HM_SERVICE_UNAVAILABLE:
		return "service-unavailable";
	case HM_CONFLICT:
		return "conflict";
	case HM_NOT_ALLOWED:
		return "not-allowed";
	default:
		return "item-not-found";
	}
}

void
presence_error(struct room *r, struct hm_letter *l, enum hm_cond cond)
{
	struct hm_writer *w =
		hm_stanza_new(HM_PRESENCE, "error", hm_stanza_id(hm_letter_stanza(l)));

	hm_open(w, NS_MUC, "x");
	hm_close(w);
	hm_open(w, NULL, "error");
	hm_attr(w, "by", hm_entity_jid(r->e));
	hm_attr(w, "type", type_of(cond));
	hm_open(w, NS_ERRORS, name_of(cond));
	hm_close(w);
	hm_close(w);
	hm_send(r->m, w, hm_letter_to(l), hm_letter_from(l));
}
