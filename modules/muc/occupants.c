/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * muc/occupants.c - who is in a room: occupants by nick, devices by full JID, and all devices in
 * one array beside the array of their addresses, which a message to all goes to as it is.
 */
#include "muc.h"

#include <string.h>

#define FIRST_SIZE 8

struct device *
room_device(const struct room *r, const char *jid)
{
	return hm_table_get(r->by_jid, jid);
}

struct occupant *
room_occupant(const struct room *r, const char *nick)
{
	return hm_table_get(r->by_nick, nick);
}

enum role
room_default_role(const struct room *r, enum affiliation affiliation)
{
	if (affiliation >= AFF_ADMIN)
		return ROLE_MODERATOR;
	return affiliation == AFF_NONE && r->options.moderated ? ROLE_VISITOR : ROLE_PARTICIPANT;
}

bool
occupant_sees_jids(const struct room *r, const struct occupant *o)
{
	return r->options.nonanonymous || o->role == ROLE_MODERATOR;
}

void
occupant_changed(struct occupant *o)
{
	hm_stanza_unref(&o->shown[0]);
	hm_stanza_unref(&o->shown[1]);
}

static void
set_nick(struct room *r, struct occupant *o, const char *nick)
{
	room_set_text(&o->nick, nick);
	room_set_text(&o->jid, hm_tmp_printf("%s/%s", hm_entity_jid(r->e), nick));
	hm_table_put(r->by_nick, nick, o);
}

struct occupant *
occupant_get(struct room *r, const char *nick, const char *bare)
{
	struct occupant *o = room_occupant(r, nick);

	if (o)
		return o;
	o = hm_alloc(sizeof(*o));
	set_nick(r, o, nick);
	o->bare = hm_dup(bare);
	o->id = hm_dup(hm_tmp_keyed_name(r->secret, bare));
	o->affiliation = room_affiliation(r, bare);
	o->role = room_default_role(r, o->affiliation);
	return o;
}

static void
occupant_free(struct room *r, struct occupant *o)
{
	if (room_occupant(r, o->nick) == o)
		hm_table_remove(r->by_nick, o->nick);
	occupant_changed(o);
	hm_free(o->nick);
	hm_free(o->jid);
	hm_free(o->bare);
	hm_free((char *)(uintptr_t)o->id);
	hm_free(o);
}

void
occupant_rename(struct room *r, struct occupant *o, const char *nick)
{
	const char *now = hm_tmp_dup(nick);

	hm_table_remove(r->by_nick, o->nick);
	set_nick(r, o, now);
	occupant_changed(o);
}

/* --- Devices ------------------------------------------------------------------------------- */

static void
put_first(struct occupant *o, struct device *d)
{
	d->occupant = o;
	d->next = o->devices;
	o->devices = d;
	occupant_changed(o);
}

static void
take_out(struct device *d)
{
	struct device **at = &d->occupant->devices;

	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	occupant_changed(d->occupant);
}

struct device *
device_add(struct room *r, struct occupant *o, const char *jid, const struct hm_stanza *presence)
{
	struct device *d = hm_alloc(sizeof(*d));

	if (r->n == r->size) {
		r->size = r->size ? 2 * r->size : FIRST_SIZE;
		r->devices = hm_resize(r->devices, r->size * sizeof(struct device *));
		r->addresses = hm_resize((void *)(uintptr_t)r->addresses, r->size * sizeof(char *));
	}
	d->jid = hm_dup(jid);
	d->presence = hm_stanza_ref(presence);
	d->index = r->n++;
	r->devices[d->index] = d;
	r->addresses[d->index] = d->jid;
	hm_table_put(r->by_jid, jid, d);
	put_first(o, d);
	return d;
}

void
device_present(struct device *d, const struct hm_stanza *presence)
{
	hm_stanza_unref(&d->presence);
	d->presence = hm_stanza_ref(presence);
	take_out(d);
	put_first(d->occupant, d);
}

void
device_move(struct room *r, struct device *d, struct occupant *to)
{
	struct occupant *from = d->occupant;

	take_out(d);
	put_first(to, d);
	if (!from->devices)
		occupant_free(r, from);
}

void
device_remove(struct room *r, struct device *d)
{
	struct device *last = r->devices[--r->n];

	r->devices[d->index] = last;
	r->addresses[d->index] = last->jid;
	last->index = d->index;
	hm_table_remove(r->by_jid, d->jid);
	take_out(d);
	if (!d->occupant->devices)
		occupant_free(r, d->occupant);
	hm_stanza_unref(&d->presence);
	hm_free(d->jid);
	hm_free(d);
}

void
occupants_clear(struct room *r)
{
	while (r->n > 0)
		device_remove(r, r->devices[r->n - 1]);
}
