/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * muc/message.c - messages to all (XEP-0045 7.4), the subject (8.1), private messages (7.5), and what
 * comes back from clients that are not there any more (14.1).
 */
#include "muc.h"

#include <string.h>

static bool
has(const struct hm_stanza *s, const char *name)
{
	return hm_child(hm_stanza_root(s), NULL, name) != NULL;
}

/* What only the room may say. */
static bool
is_senders_own(const struct hm_elem *child, void *ctx)
{
	const struct room *r = ctx;
	const char *ns = hm_elem_ns(child), *by;

	if (strcmp(ns, NS_MUC_USER) == 0 || strcmp(ns, NS_OCCUPANT_ID) == 0)
		return false;
	by = strcmp(ns, NS_STANZA_ID) == 0 ? hm_elem_attr(child, "by")
	     : strcmp(ns, NS_DELAY) == 0   ? hm_elem_attr(child, "from")
	                                   : NULL;
	return !by || strcmp(by, hm_entity_jid(r->e)) != 0;
}

/* --- To all ------------------------------------------------------------------------------- */

/* Rising, and near the clock, so that it does not repeat after a restart. */
static int64_t
new_id(struct room *r)
{
	int64_t now = hm_now_us();

	r->last_id = now > r->last_id ? now : r->last_id + 1;
	return r->last_id;
}

static const struct hm_stanza *
reflection(struct room *r, const struct occupant *o, const struct hm_stanza *s)
{
	struct hm_writer *w = hm_stanza_copy(s, is_senders_own, r);

	write_occupant_id(w, o);
	hm_open(w, NS_STANZA_ID, "stanza-id");
	hm_attr(w, "by", hm_entity_jid(r->e));
	hm_attr_int(w, "id", new_id(r));
	hm_close(w);
	return hm_stanza_done_ref(w, o->jid);
}

static bool
is_subject(const struct hm_stanza *s)
{
	return has(s, "subject") && !has(s, "body") && !has(s, "thread");
}

/* 0: he may. */
static enum hm_cond
set_subject(struct room *r, const struct occupant *o, const struct hm_stanza *s)
{
	const char *text = hm_tmp_text(hm_child(hm_stanza_root(s), NULL, "subject"));

	if (o->role != ROLE_MODERATOR && !r->options.change_subject)
		return HM_FORBIDDEN;
	if (strlen(text) > room_config(r)->max_subject)
		return HM_POLICY_VIOLATION;
	room_set_text(&r->subject, text);
	room_set_text(&r->subject_by, o->jid);
	r->subject_at = hm_now_us();
	room_save_subject(r);
	return 0;
}

static void
groupchat(struct room *r, struct device *d, struct hm_letter *l)
{
	const struct hm_stanza *s = hm_letter_stanza(l);
	enum hm_cond why = 0;

	if (d->occupant->role < ROLE_PARTICIPANT)
		why = HM_FORBIDDEN;
	else if (is_subject(s))
		why = set_subject(r, d->occupant, s);
	if (why) {
		hm_refuse(l, why, NULL);
		return;
	}
	s = reflection(r, d->occupant, s);
	hm_fanout(r->m, s, r->addresses, r->n);
	if (has(s, "body"))
		history_add(r, s, hm_now_us());
	hm_stanza_unref(&s);
}

/* --- To one --------------------------------------------------------------------------------- */

/* FNV-1a; 0: no id. */
static uint32_t
hash_of(const char *id)
{
	uint32_t hash = 2166136261u;

	if (!id)
		return 0;
	for (; *id; id++)
		hash = (hash ^ (unsigned char)*id) * 16777619u;
	return hash ? hash : 1;
}

static void
private_message(struct room *r, struct device *d, struct hm_letter *l)
{
	struct occupant *to = room_occupant(r, hm_letter_to_resource(l));
	const struct hm_stanza *s;
	struct hm_writer *w;

	if (!to) {
		hm_refuse(l, HM_ITEM_NOT_FOUND, NULL);
		return;
	}
	if (d->occupant->role < r->options.private_messages) {
		hm_refuse(l, HM_FORBIDDEN, NULL);
		return;
	}
	w = hm_stanza_copy(hm_letter_stanza(l), is_senders_own, r);
	write_occupant_id(w, d->occupant);
	hm_open(w, NS_MUC_USER, "x");
	hm_close(w);
	s = hm_stanza_done_ref(w, d->occupant->jid);
	for (struct device *there = to->devices; there; there = there->next) {
		there->told[there->n_told++ % HM_COUNT(there->told)] = hash_of(hm_stanza_id(s));
		hm_forward(r->m, s, NULL, there->jid);
	}
	hm_stanza_unref(&s);
}

/* --- What comes back --------------------------------------------------------------------------- */

/* The address does not exist, or cannot be reached (XEP-0045 14.1). */
static bool
is_deadly(const struct hm_stanza *s)
{
	static const char *const conditions[] = {
		"gone",
		"item-not-found",
		"jid-malformed",
		"recipient-unavailable",
		"redirect",
		"remote-server-not-found",
		"remote-server-timeout",
		"service-unavailable",
	};
	const struct hm_elem *error = hm_child(hm_stanza_root(s), NULL, "error");

	for (size_t i = 0; error && i < HM_COUNT(conditions); i++) {
		if (hm_child(error, NS_ERRORS, conditions[i]))
			return true;
	}
	return false;
}

/* The answer to a private message: its sender may be blocked, which says nothing about who is there. */
static bool
is_answer(const struct device *d, const struct hm_stanza *s)
{
	uint32_t hash = hash_of(hm_stanza_id(s));

	for (size_t i = 0; hash && i < HM_COUNT(d->told); i++) {
		if (d->told[i] == hash)
			return true;
	}
	return false;
}

static void
tell_sender(struct room *r, const struct device *d, struct hm_letter *l)
{
	const struct occupant *sender = room_occupant(r, hm_letter_to_resource(l));

	for (struct device *there = sender ? sender->devices : NULL; there; there = there->next)
		hm_forward(r->m, hm_letter_stanza(l), d->occupant->jid, there->jid);
}

static void
came_back(struct room *r, struct device *d, struct hm_letter *l)
{
	const struct hm_stanza *s = hm_letter_stanza(l);

	if (d && hm_letter_to_resource(l) && is_answer(d, s))
		tell_sender(r, d, l);
	else if (d && is_deadly(s))
		device_lost(r, d);
}

void
muc_message(struct room *r, struct hm_letter *l)
{
	const char *type = hm_stanza_type(hm_letter_stanza(l));
	struct device *d = room_device(r, hm_letter_from(l));
	bool to_all = strcmp(type, "groupchat") == 0;

	if (strcmp(type, "error") == 0)
		came_back(r, d, l);
	else if (!d && (to_all || hm_letter_to_resource(l)))
		hm_refuse(l, HM_NOT_ACCEPTABLE, "You are not in the room.");
	else if (to_all && hm_letter_to_resource(l))
		hm_refuse(l, HM_BAD_REQUEST, NULL);
	else if (to_all)
		groupchat(r, d, l);
	else if (hm_letter_to_resource(l))
		private_message(r, d, l);
	else
		muc_mediated(r, l);
}
