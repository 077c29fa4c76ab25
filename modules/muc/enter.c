/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * muc/enter.c - presence that comes to a room: entering (XEP-0045 7.2), changing the nick (7.6) and
 * the availability (7.7), leaving (7.14); and how a room ends (10.9).
 */
#include "muc.h"

#include <string.h>

/* Owners and admins enter a full room, too, within reason (XEP-0045 7.2.9). */
#define MORE_FOR_ADMINS 10

static const unsigned self_codes[] = { CODE_SELF, 0 };

/* --- Entering ---------------------------------------------------------------------------- */

static bool
may_create(const struct room *r, const char *bare)
{
	if (hm_is_admin(r->m, bare))
		return true;
	switch ((enum who)room_config(r)->create) {
	case WHO_EVERYBODY:
		return true;
	case WHO_LOCAL:
		return hm_is_local_account(r->m, bare);
	default:
		return false;
	}
}

static bool
is_full(const struct room *r, enum affiliation affiliation)
{
	int64_t most = room_max_users(r) + (affiliation >= AFF_ADMIN ? MORE_FOR_ADMINS : 0);

	return (int64_t)r->n >= most;
}

static bool
password_fits(const struct room *r, const struct hm_elem *x)
{
	const struct hm_elem *given = hm_child(x, NS_MUC, "password");

	return !*r->options.password ||
	       (given && strcmp(hm_tmp_text(given), r->options.password) == 0);
}

static bool
nick_is_taken(const struct room *r, const char *nick, const char *bare)
{
	const struct occupant *o = room_occupant(r, nick);

	return (o && strcmp(o->bare, bare) != 0) || room_nick_is_reserved(r, nick, bare);
}

/* 0: he may enter. */
static enum hm_cond
why_not(const struct room *r, struct hm_letter *l, const struct hm_elem *x)
{
	const char *bare = hm_letter_from_bare(l);
	enum affiliation affiliation = room_affiliation(r, bare);

	if (affiliation == AFF_OUTCAST)
		return HM_FORBIDDEN;
	if (r->locked && affiliation != AFF_OWNER)
		return HM_ITEM_NOT_FOUND;
	if (r->options.members_only && affiliation < AFF_MEMBER)
		return HM_REGISTRATION_REQUIRED;
	if (!password_fits(r, x))
		return HM_NOT_AUTHORIZED;
	if (nick_is_taken(r, hm_letter_to_resource(l), bare))
		return HM_CONFLICT;
	return is_full(r, affiliation) ? HM_SERVICE_UNAVAILABLE : 0;
}

static void
send_others(struct room *r, struct device *to)
{
	bool seeing = occupant_sees_jids(r, to->occupant);

	for (size_t i = 0; i < r->n; i++) {
		struct occupant *o = r->devices[i]->occupant;

		if (o->devices == r->devices[i] && o != to->occupant &&
		    r->options.broadcast & 1u << o->role)
			hm_forward(r->m, presence_of(r, o, seeing), NULL, to->jid);
	}
}

/* What somebody gets who has entered, in its order (XEP-0045 7.1). */
static void
welcome(struct room *r, struct device *d, const struct hm_elem *x, bool created)
{
	unsigned codes[4], n = 0;

	codes[n++] = CODE_SELF;
	if (r->options.nonanonymous)
		codes[n++] = CODE_NONANONYMOUS;
	if (created)
		codes[n++] = CODE_CREATED;
	codes[n] = 0;
	presence_tell_self(r, d, NULL, codes);
	history_send(r, d, x);
	subject_send(r, d);
}

static void
enter(struct room *r, struct hm_letter *l, const struct hm_elem *x)
{
	const char *bare = hm_letter_from_bare(l);
	bool created = !r->exists;
	enum hm_cond why;
	struct device *d;

	if (created && !may_create(r, bare)) {
		presence_error(r, l, HM_NOT_ALLOWED);
		return;
	}
	if (created) {
		room_create(r, bare, true);
		hm_log(r->e, HM_INFO, "room created", hm_kv("from", bare));
	} else if ((why = why_not(r, l, x))) {
		presence_error(r, l, why);
		return;
	}
	d = device_add(r, occupant_get(r, hm_letter_to_resource(l), bare), hm_letter_from(l),
	               hm_letter_stanza(l));
	if (created && !room_config(r)->lock_new)
		room_open(r);
	send_others(r, d);
	presence_tell_others(r, d->occupant, NULL);
	for (struct device *same = d->next; same; same = same->next)
		presence_tell_self(r, same, NULL, self_codes);
	welcome(r, d, x, created);
}

/* It has lost what it knew: all again (XEP-0045 7.2.1). */
static void
enter_again(struct room *r, struct device *d, struct hm_letter *l, const struct hm_elem *x)
{
	device_present(d, hm_letter_stanza(l));
	send_others(r, d);
	presence_tell_others(r, d->occupant, NULL);
	welcome(r, d, x, false);
}

/* Presence of somebody who believes to be in the room (XEP-0045 7.2.17). */
static void
not_in_room(struct room *r, struct hm_letter *l)
{
	struct hm_writer *w = hm_stanza_new(HM_PRESENCE, "unavailable", NULL);

	hm_open(w, NS_MUC_USER, "x");
	hm_open(w, NULL, "item");
	hm_attr(w, "affiliation", "none");
	hm_attr(w, "role", "none");
	hm_leaf(w, "reason", "You are not in the room.");
	hm_close(w);
	write_codes(w, (const unsigned[]){ CODE_SELF, CODE_KICKED, CODE_ERROR, 0 });
	hm_close(w);
	hm_send(r->m, w, hm_letter_to(l), hm_letter_from(l));
}

/* --- Another nick ----------------------------------------------------------------------------- */

/* All of it goes there: the others see one become the other. */
static void
rename_all(struct room *r, struct occupant *o, const char *nick)
{
	const struct notice renamed = { .gone = true, .code = CODE_NICK_CHANGED, .nick = nick };

	presence_tell(r, o, &renamed);
	occupant_rename(r, o, nick);
	presence_tell(r, o, NULL);
}

/*
 * One of several devices goes, or joins another device that has this nick already: the nick that it leaves
 * stays if somebody is left under it.
 */
static void
rename_one(struct room *r, struct device *d, const char *nick)
{
	const struct notice renamed = { .gone = true, .code = CODE_NICK_CHANGED, .nick = nick };
	struct occupant *from = d->occupant, *to = occupant_get(r, nick, from->bare);
	bool alone = !from->devices->next;

	presence_tell_self(r, d, &renamed, self_codes);
	if (alone)
		presence_tell_others(r, from, &renamed);
	if (!to->devices) {
		to->role = from->role;
		to->affiliation = from->affiliation;
	}
	device_move(r, d, to);
	if (!alone)
		presence_tell(r, from, NULL);
	presence_tell(r, to, NULL);
}

static void
change_nick(struct room *r, struct device *d, struct hm_letter *l)
{
	struct occupant *o = d->occupant;
	const char *nick = hm_tmp_dup(hm_letter_to_resource(l));

	if (nick_is_taken(r, nick, o->bare)) {
		presence_error(r, l, HM_CONFLICT);
		return;
	}
	device_present(d, hm_letter_stanza(l));
	if (!o->devices->next && !room_occupant(r, nick))
		rename_all(r, o, nick);
	else
		rename_one(r, d, nick);
}

/* --- Leaving --------------------------------------------------------------------------------------- */

void
room_check_empty(struct room *r)
{
	if (!r->exists || r->n > 0 || (r->options.persistent && !r->locked))
		return;
	hm_log(r->e, HM_INFO, "room ended");
	room_end(r);
}

void
occupant_remove(struct room *r, struct occupant *o, const struct notice *n)
{
	presence_tell(r, o, n);
	for (struct device *d = o->devices, *next; d; d = next) {
		next = d->next;
		device_remove(r, d);
	}
}

/* n: what is told of it if it was the last. */
static void
device_leave(struct room *r, struct device *d, const struct notice *n, bool tell_it)
{
	struct occupant *o = d->occupant;
	bool last = !o->devices->next, was_shown = o->devices == d;

	if (tell_it)
		presence_tell_self(r, d, n, self_codes);
	if (last)
		presence_tell_others(r, o, n);
	device_remove(r, d);
	if (!last && was_shown)
		presence_tell(r, o, NULL);
	room_check_empty(r);
}

void
device_lost(struct room *r, struct device *d)
{
	const struct notice lost = { .gone = true, .code = CODE_ERROR };

	hm_log(r->e, HM_DEBUG, "ghost removed", hm_kv("occupant", d->jid));
	/* Should it be there after all, it learns that it must enter again. */
	device_leave(r, d, &lost, true);
}

void
room_destroy(struct room *r, const char *venue, const char *password, const char *reason)
{
	const struct notice n = {
		.gone = true,
		.destroyed = true,
		.venue = venue,
		.password = password,
		.reason = reason,
	};

	room_delete(r);
	/* XEP-0045 10.9: to each, of itself. */
	for (size_t i = 0; i < r->n; i++)
		presence_tell_self(r, r->devices[i], &n, self_codes);
	hm_log(r->e, HM_INFO, "room destroyed");
	room_end(r);
}

/* --- All presence --------------------------------------------------------------------------------------- */

static void
available(struct room *r, struct device *d, struct hm_letter *l)
{
	const struct hm_elem *x = hm_child(hm_stanza_root(hm_letter_stanza(l)), NS_MUC, "x");

	if (!hm_letter_to_resource(l)) {
		if (x || d)
			presence_error(r, l, HM_JID_MALFORMED);
	} else if (!d && x) {
		enter(r, l, x);
	} else if (!d) {
		not_in_room(r, l);
	} else if (strcmp(d->occupant->nick, hm_letter_to_resource(l)) != 0) {
		change_nick(r, d, l);
	} else if (x) {
		enter_again(r, d, l, x);
	} else {
		device_present(d, hm_letter_stanza(l));
		presence_tell(r, d->occupant, NULL);
	}
}

void
muc_presence(struct room *r, struct hm_letter *l)
{
	const char *type = hm_stanza_type(hm_letter_stanza(l));
	struct device *d = room_device(r, hm_letter_from(l));

	if (!hm_tmp_resource(hm_letter_from(l)))
		return; /* only a full JID can be in a room (XEP-0045 7.2) */
	if (*type == '\0') {
		available(r, d, l);
	} else if (d && strcmp(type, "unavailable") == 0) {
		const struct notice n = { .gone = true, .presence = hm_letter_stanza(l) };

		device_leave(r, d, &n, true);
	} else if (d && strcmp(type, "error") == 0) {
		device_lost(r, d);
	}
}
