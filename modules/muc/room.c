/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * muc/room.c - a room's life: made, loaded, stored, gone; its affiliations.
 *
 * A room is in the store from the moment it is opened.  A temporary one has a row for the lists
 * only: found by another process, it is none.
 */
#include "muc.h"

#include <string.h>

/* Bits of muc_room.flags. */
enum {
	FLAG_MEMBERS_ONLY = 1,
	FLAG_MODERATED = 2,
	FLAG_NONANONYMOUS = 4,
	FLAG_CHANGE_SUBJECT = 8,
	FLAG_INVITES = 16
};

const char *const role_names[ROLES] = { "none", "visitor", "participant", "moderator" };
const char *const affiliation_names[AFFILIATIONS] = { "outcast", "none", "member", "admin",
	                                              "owner" };

static int
index_of(const char *const *names, int n, const char *name)
{
	for (int i = 0; name && i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

int
role_of_name(const char *name)
{
	return index_of(role_names, ROLES, name);
}

int
affiliation_of_name(const char *name)
{
	return index_of(affiliation_names, AFFILIATIONS, name);
}

struct room *
room_of(struct hm_mod *m, struct hm_entity *e)
{
	struct room *r = hm_entity_state(m, e);

	r->m = m;
	r->e = e;
	if (!r->affiliations) {
		r->affiliations = hm_table_new();
		r->by_nick = hm_table_new();
		r->by_jid = hm_table_new();
	}
	return r;
}

const struct muc_config *
room_config(const struct room *r)
{
	return hm_config(r->m);
}

void
room_set_text(char **field, const char *text)
{
	hm_free(*field);
	*field = text ? hm_dup(text) : NULL;
}

void
options_free(struct options *o)
{
	hm_free(o->title);
	hm_free(o->description);
	hm_free(o->lang);
	hm_free(o->password);
	memset(o, 0, sizeof(*o));
}

int64_t
room_max_users(const struct room *r)
{
	int64_t most = room_config(r)->max_users_limit, own = r->options.max_users;

	return own > 0 && own < most ? own : most;
}

static void
set_defaults(struct room *r)
{
	const struct muc_config *c = room_config(r);
	struct options *o = &r->options;

	options_free(o);
	*o = (struct options){
		.persistent = c->persistent,
		.listed = c->listed,
		.members_only = c->members_only,
		.moderated = c->moderated,
		.nonanonymous = c->nonanonymous,
		.change_subject = c->change_subject,
		.invites = c->invites,
		.broadcast = 1u << ROLE_VISITOR | 1u << ROLE_PARTICIPANT | 1u << ROLE_MODERATOR,
		.member_list = 1u << ROLE_PARTICIPANT | 1u << ROLE_MODERATOR,
		.private_messages = ROLE_VISITOR,
		.max_users = c->max_users,
		.history = c->history,
		.title = hm_dup(""),
		.description = hm_dup(""),
		.lang = hm_dup(""),
		.password = hm_dup(""),
	};
}

/* --- Affiliations ------------------------------------------------------------------------ */

static void
affiliated_free(struct affiliated *a)
{
	if (!a)
		return;
	hm_free(a->nick);
	hm_free(a->reason);
	hm_free(a);
}

static void
remember(struct room *r, const char *jid, enum affiliation affiliation, const char *nick,
         const char *reason)
{
	struct affiliated *a;

	if (affiliation == AFF_NONE) {
		affiliated_free(hm_table_remove(r->affiliations, jid));
		return;
	}
	a = hm_alloc(sizeof(*a));
	a->affiliation = affiliation;
	a->nick = nick ? hm_dup(nick) : NULL;
	a->reason = reason ? hm_dup(reason) : NULL;
	affiliated_free(hm_table_put(r->affiliations, jid, a));
}

const struct affiliated *
room_affiliated(const struct room *r, const char *jid)
{
	return hm_table_get(r->affiliations, jid);
}

enum affiliation
room_affiliation(const struct room *r, const char *bare)
{
	const struct affiliated *a = hm_table_get(r->affiliations, bare);

	/* XEP-0045 5.2 and 9.2: a domain stands for all of its users that are not named themselves. */
	if (!a)
		a = hm_table_get(r->affiliations, hm_tmp_domain(bare));
	return a ? a->affiliation : AFF_NONE;
}

static void
store_affiliation(struct room *r, const char *jid)
{
	const char *domain = hm_tmp_domain(hm_entity_jid(r->e)), *name = hm_entity_key(r->e);
	const struct affiliated *a = room_affiliated(r, jid);

	if (!r->stored)
		return;
	if (a)
		hm_store(r->m, AFFILIATION_PUT, domain, name, jid, a->affiliation, a->nick,
		         a->reason);
	else
		hm_store(r->m, AFFILIATION_DELETE, domain, name, jid);
}

bool
room_set_affiliation(struct room *r, const char *jid, enum affiliation affiliation,
                     const char *nick, const char *reason)
{
	const struct affiliated *was = room_affiliated(r, jid);

	if (!was && affiliation == AFF_NONE)
		return true;
	if (!was && hm_table_count(r->affiliations) >= (size_t)room_config(r)->max_affiliations)
		return false;
	if (!nick && was && was->nick && affiliation >= AFF_MEMBER)
		nick = hm_tmp_dup(was->nick);
	remember(r, jid, affiliation, nick, reason);
	store_affiliation(r, jid);
	return true;
}

bool
room_nick_is_reserved(const struct room *r, const char *nick, const char *bare)
{
	size_t pos = 0;
	const char *jid;
	void *value;

	while (hm_table_next(r->affiliations, &pos, &jid, &value)) {
		const struct affiliated *a = value;

		if (a->nick && strcmp(a->nick, nick) == 0 && strcmp(jid, bare) != 0)
			return true;
	}
	return false;
}

/* --- Made, stored, gone ---------------------------------------------------------------------- */

void
room_create(struct room *r, const char *owner, bool locked)
{
	set_defaults(r);
	r->exists = true;
	r->locked = locked;
	r->created = hm_now_us();
	room_set_text(&r->secret, hm_tmp_token(24));
	if (owner)
		remember(r, owner, AFF_OWNER, NULL, NULL);
}

void
room_delete(struct room *r)
{
	if (r->stored)
		hm_store(r->m, ROOM_DELETE, hm_tmp_domain(hm_entity_jid(r->e)),
		         hm_entity_key(r->e));
	r->stored = false;
}

void
room_open(struct room *r)
{
	size_t pos = 0;
	const char *jid;
	void *value;

	r->locked = false;
	/* What an earlier room of this name has left, a temporary one of a process that died. */
	room_delete(r);
	room_save(r);
	while (hm_table_next(r->affiliations, &pos, &jid, &value))
		store_affiliation(r, jid);
}

void
room_save(struct room *r)
{
	const struct options *o = &r->options;
	int64_t flags =
		(o->members_only ? FLAG_MEMBERS_ONLY : 0) | (o->moderated ? FLAG_MODERATED : 0) |
		(o->nonanonymous ? FLAG_NONANONYMOUS : 0) |
		(o->change_subject ? FLAG_CHANGE_SUBJECT : 0) | (o->invites ? FLAG_INVITES : 0);
	int64_t roles = o->broadcast | o->member_list << 8 | (unsigned)o->private_messages << 16;
	const struct hm_value v[] = {
		HM_VALUE(hm_tmp_domain(hm_entity_jid(r->e))),
		HM_VALUE(hm_entity_key(r->e)),
		HM_VALUE(o->persistent),
		HM_VALUE(o->listed),
		HM_VALUE(flags),
		HM_VALUE(roles),
		HM_VALUE(o->max_users),
		HM_VALUE(o->history),
		HM_VALUE(o->title),
		HM_VALUE(o->description),
		HM_VALUE(o->lang),
		HM_VALUE(o->password),
		HM_VALUE(r->secret),
		HM_VALUE(r->created),
	};

	hm_store_(r->m, ROOM_PUT, v, HM_COUNT(v));
	r->stored = true;
}

void
room_save_subject(struct room *r)
{
	if (r->stored)
		hm_store(r->m, SUBJECT_PUT, hm_tmp_domain(hm_entity_jid(r->e)), hm_entity_key(r->e),
		         r->subject, r->subject_by, r->subject_at);
}

/* What was loaded. */
static void
forget_room(struct room *r)
{
	size_t pos = 0;
	const char *jid;
	void *value;

	options_free(&r->options);
	room_set_text(&r->secret, NULL);
	room_set_text(&r->subject, NULL);
	room_set_text(&r->subject_by, NULL);
	while (hm_table_next(r->affiliations, &pos, &jid, &value))
		affiliated_free(value);
	hm_table_free(&r->affiliations);
	r->affiliations = hm_table_new();
	r->exists = r->locked = r->stored = false;
}

void
room_end(struct room *r)
{
	room_delete(r);
	occupants_clear(r);
	history_clear(r);
	forget_room(r);
	hm_entity_gone(r->m, r->e);
}

/* --- Loading --------------------------------------------------------------------------------- */

static void
read_options(struct room *r, struct hm_rows *rows)
{
	struct options *o = &r->options;
	int64_t flags = hm_col_int(rows, 2), roles = hm_col_int(rows, 3);

	options_free(o);
	o->persistent = hm_col_int(rows, 0) != 0;
	o->listed = hm_col_int(rows, 1) != 0;
	o->members_only = flags & FLAG_MEMBERS_ONLY;
	o->moderated = flags & FLAG_MODERATED;
	o->nonanonymous = flags & FLAG_NONANONYMOUS;
	o->change_subject = flags & FLAG_CHANGE_SUBJECT;
	o->invites = flags & FLAG_INVITES;
	o->broadcast = roles & 0xff;
	o->member_list = roles >> 8 & 0xff;
	o->private_messages = (enum role)(roles >> 16 & 0xff);
	o->max_users = hm_col_int(rows, 4);
	o->history = hm_col_int(rows, 5);
	o->title = hm_dup(hm_col_text(rows, 6));
	o->description = hm_dup(hm_col_text(rows, 7));
	o->lang = hm_dup(hm_col_text(rows, 8));
	o->password = hm_dup(hm_col_text(rows, 9));
}

void
room_rows(struct hm_mod *m, struct hm_entity *e, struct hm_rows *rows)
{
	struct room *r = room_of(m, e);

	if (!hm_next_row(rows))
		return;
	r->stored = true;
	/* Its occupants have gone with the process that knew them. */
	if (hm_col_int(rows, 0) == 0 && r->n == 0)
		return;
	r->exists = true;
	read_options(r, rows);
	room_set_text(&r->secret, hm_col_text(rows, 10));
	r->created = hm_col_int(rows, 11);
	room_set_text(&r->subject, hm_col_text(rows, 12));
	room_set_text(&r->subject_by, hm_col_text(rows, 13));
	r->subject_at = hm_col_int(rows, 14);
}

/*
 * What was told to the occupants was certain; what they are comes from what is loaded.  Who should not be
 * there by that goes; all, if there is no such room.
 */
bool
room_still_there(struct room *r)
{
	if (!r->exists && r->n > 0)
		room_destroy(r, NULL, NULL, NULL);
	return r->exists;
}

static void
loaded_again(struct hm_mod *m, struct hm_entity *e)
{
	if (room_still_there(room_of(m, e)))
		room_enforce(room_of(m, e), CODE_ERROR);
}

void
affiliation_rows(struct hm_mod *m, struct hm_entity *e, struct hm_rows *rows)
{
	struct room *r = room_of(m, e);

	while (r->exists && hm_next_row(rows))
		remember(r, hm_col_text(rows, 0), (enum affiliation)hm_col_int(rows, 1),
		         hm_col_text(rows, 2), hm_col_text(rows, 3));
	if (r->n > 0)
		hm_after_entity(m, e, 0, loaded_again);
}

/* Does this presence ask to enter (XEP-0045 7.2.1)? */
static bool
is_entering(const struct hm_stanza *s)
{
	return hm_stanza_kind(s) == HM_PRESENCE && hm_stanza_type(s)[0] == '\0' &&
	       hm_child(hm_stanza_root(s), NS_MUC, "x");
}

/* A command decides itself; so does enter.c what it makes of presence. */
bool
room_loaded(struct hm_mod *m, struct hm_entity *e, struct hm_letter *first)
{
	return room_of(m, e)->exists || !first ||
	       hm_stanza_kind(hm_letter_stanza(first)) == HM_PRESENCE ||
	       is_entering(hm_letter_stanza(first));
}

bool
room_idle(struct hm_mod *m, struct hm_entity *e)
{
	return room_of(m, e)->n == 0;
}

void
room_free(struct hm_mod *m, struct hm_entity *e)
{
	struct room *r = room_of(m, e);

	occupants_clear(r);
	history_clear(r);
	forget_room(r);
	hm_table_free(&r->affiliations);
	hm_table_free(&r->by_nick);
	hm_table_free(&r->by_jid);
	hm_free(r->devices);
	hm_free(r->addresses);
}

void
room_unload(struct hm_mod *m, struct hm_entity *e)
{
	forget_room(room_of(m, e));
}
