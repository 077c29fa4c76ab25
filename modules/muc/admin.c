/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * muc/admin.c - lists of roles and affiliations, and their changes (XEP-0045 8.2 to 8.5, 9, 10.3 to
 * 10.8).  A request with several items is checked whole before anything changes.
 */
#include "muc.h"

#include <string.h>

#define ITEMS_MAX 500 /* of one request */

/* --- Changes and what follows from them ----------------------------------------------------- */

void
change_role(struct room *r, struct occupant *o, enum role to, const char *actor, const char *reason)
{
	struct notice n = { .actor = actor, .reason = reason };

	if (to == ROLE_NONE) {
		n.gone = true;
		n.code = CODE_KICKED;
		occupant_remove(r, o, &n);
	} else if (to != o->role) {
		o->role = to;
		occupant_changed(o);
		presence_tell(r, o, &n);
	}
}

/* XEP-0045 5.1.3: what is won with an affiliation is certain. */
static enum role
role_after(const struct room *r, const struct occupant *o, enum affiliation to)
{
	if (to >= AFF_ADMIN)
		return ROLE_MODERATOR;
	if (o->affiliation >= AFF_ADMIN)
		return room_default_role(r, to);
	return to == AFF_MEMBER && o->role < ROLE_PARTICIPANT ? ROLE_PARTICIPANT : o->role;
}

/* Its affiliation is another one than it was: lost: what a member gets who may not stay. */
static void
occupant_affiliated(struct room *r, struct occupant *o, struct notice *n, unsigned lost)
{
	enum affiliation to = room_affiliation(r, o->bare);

	if (to == AFF_OUTCAST || (r->options.members_only && to < AFF_MEMBER)) {
		o->affiliation = to;
		n->gone = true;
		n->code = to == AFF_OUTCAST ? CODE_BANNED : lost;
		occupant_remove(r, o, n);
	} else if (to != o->affiliation) {
		o->role = role_after(r, o, to);
		o->affiliation = to;
		occupant_changed(o);
		presence_tell(r, o, n);
	}
}

/* Scratch: each once, those of a bare JID or of a domain, or all (jid NULL). */
static size_t
occupants_of(const struct room *r, const char *jid, struct occupant ***list)
{
	size_t n = 0;

	*list = hm_tmp_alloc((r->n + 1) * sizeof(struct occupant *));
	for (size_t i = 0; i < r->n; i++) {
		struct occupant *o = r->devices[i]->occupant;

		if (o->devices == r->devices[i] &&
		    (!jid || strcmp(o->bare, jid) == 0 ||
		     (!hm_tmp_local(jid) && strcmp(hm_tmp_domain(o->bare), jid) == 0)))
			(*list)[n++] = o;
	}
	return n;
}

void
room_enforce(struct room *r, unsigned code)
{
	struct occupant **list;
	size_t n = occupants_of(r, NULL, &list);

	for (size_t i = 0; i < n; i++) {
		struct notice notice = { 0 };

		occupant_affiliated(r, list[i], &notice, code);
	}
	room_check_empty(r);
}

void
tell_affiliation(struct room *r, const char *jid, const char *actor, const char *reason)
{
	struct occupant **list;
	size_t n = occupants_of(r, jid, &list);

	for (size_t i = 0; i < n; i++) {
		struct notice notice = { .actor = actor, .reason = reason };

		occupant_affiliated(r, list[i], &notice, CODE_AFFILIATION_LOST);
	}
}

/* --- Lists ------------------------------------------------------------------------------------ */

struct asker {
	const char *bare;
	enum affiliation affiliation;
	enum role role;   /* of its device that asks */
	const char *nick; /* NULL: not in the room */
};

static struct asker
asker_of(const struct room *r, const struct hm_iq *rq)
{
	const struct device *d = room_device(r, hm_iq_from(rq));

	return (struct asker){
		.bare = hm_iq_from_bare(rq),
		.affiliation = room_affiliation(r, hm_iq_from_bare(rq)),
		.role = d ? d->occupant->role : ROLE_NONE,
		.nick = d ? d->occupant->nick : NULL,
	};
}

static bool
may_list(const struct room *r, const struct asker *a, int affiliation)
{
	if (a->affiliation >= AFF_ADMIN)
		return true;
	if (affiliation < 0)
		return a->role == ROLE_MODERATOR;
	if (affiliation < AFF_MEMBER)
		return false;
	/* Who can see them anyway may have the list (roomconfig_getmemberlist). */
	return (a->role > ROLE_NONE && r->options.member_list & 1u << a->role) ||
	       (r->options.nonanonymous && a->affiliation >= AFF_MEMBER);
}

static void
list_affiliation(const struct room *r, struct hm_writer *w, enum affiliation which)
{
	size_t pos = 0;
	const char *jid;
	void *value;

	while (hm_table_next(r->affiliations, &pos, &jid, &value)) {
		const struct affiliated *a = value;

		if (a->affiliation != which)
			continue;
		hm_open(w, NULL, "item");
		hm_attr(w, "affiliation", affiliation_names[which]);
		hm_attr(w, "jid", jid);
		hm_attr(w, "nick", a->nick);
		if (a->reason)
			hm_leaf(w, "reason", a->reason);
		hm_close(w);
	}
}

static void
list_role(const struct room *r, struct hm_writer *w, enum role which)
{
	struct occupant **list;
	size_t n = occupants_of(r, NULL, &list);

	for (size_t i = 0; i < n; i++) {
		if (list[i]->role != which)
			continue;
		hm_open(w, NULL, "item");
		hm_attr(w, "affiliation", affiliation_names[list[i]->affiliation]);
		hm_attr(w, "jid", list[i]->devices->jid);
		hm_attr(w, "nick", list[i]->nick);
		hm_attr(w, "role", role_names[which]);
		hm_close(w);
	}
}

void
admin_get(struct hm_mod *m, struct hm_iq *rq)
{
	const struct room *r = room_of(m, hm_iq_entity(rq));
	const struct hm_elem *item = hm_child(hm_iq_payload(rq), NS_MUC_ADMIN, "item");
	int affiliation = affiliation_of_name(item ? hm_elem_attr(item, "affiliation") : NULL);
	int role = role_of_name(item ? hm_elem_attr(item, "role") : NULL);
	struct asker asker;
	struct hm_writer *w;

	if (!r->exists) {
		hm_iq_fail(rq, HM_ITEM_NOT_FOUND, NULL);
		return;
	}
	if (affiliation < 0 && role < 0) {
		hm_iq_fail(rq, HM_BAD_REQUEST, NULL);
		return;
	}
	asker = asker_of(r, rq);
	if (!may_list(r, &asker, affiliation)) {
		hm_iq_fail(rq, HM_FORBIDDEN, NULL);
		return;
	}
	w = hm_iq_result(rq);
	hm_open(w, NS_MUC_ADMIN, "query");
	if (affiliation >= 0)
		list_affiliation(r, w, (enum affiliation)affiliation);
	else
		list_role(r, w, (enum role)role);
	hm_close(w);
	hm_iq_done(rq);
}

/* --- May it be changed? ------------------------------------------------------------------------- */

struct change {
	bool of_role;
	enum role role;
	enum affiliation affiliation;
	const char *jid, *nick, *reason;
};

/* XEP-0045 8.2 to 8.4, 9.6, 9.7 */
static enum hm_cond
check_role(const struct room *r, const struct asker *a, const struct change *c)
{
	const struct occupant *o = c->nick ? room_occupant(r, c->nick) : NULL;

	if (a->role != ROLE_MODERATOR && a->affiliation < AFF_ADMIN)
		return HM_FORBIDDEN;
	if (!o)
		return c->nick ? HM_ITEM_NOT_FOUND : HM_BAD_REQUEST;
	if (o->affiliation > a->affiliation)
		return HM_NOT_ALLOWED;
	if (c->role == ROLE_NONE)
		return 0;
	/* An owner's or admin's role goes with its affiliation. */
	if (o->affiliation >= AFF_ADMIN && c->role != ROLE_MODERATOR)
		return HM_NOT_ALLOWED;
	if ((c->role == ROLE_MODERATOR || o->role == ROLE_MODERATOR) && c->role != o->role &&
	    a->affiliation < AFF_ADMIN)
		return HM_NOT_ALLOWED;
	return 0;
}

/* XEP-0045 5.2.2, 9.1 to 9.5, 10.3 to 10.8 */
static enum hm_cond
check_affiliation(const struct room *r, const struct asker *a, const struct change *c)
{
	enum affiliation was;

	if (!c->jid)
		return HM_JID_MALFORMED;
	was = room_affiliation(r, c->jid);
	if (a->affiliation < AFF_ADMIN)
		return HM_FORBIDDEN;
	if (strcmp(a->bare, c->jid) == 0 && c->affiliation == AFF_OUTCAST)
		return HM_CONFLICT;
	if (a->affiliation < AFF_OWNER && (was >= AFF_ADMIN || c->affiliation >= AFF_ADMIN) &&
	    was != c->affiliation)
		return HM_NOT_ALLOWED;
	if (c->nick && c->affiliation >= AFF_MEMBER && room_nick_is_reserved(r, c->nick, c->jid))
		return HM_CONFLICT;
	return 0;
}

/* A bare JID; of somebody who is in the room his nick will do. */
static const char *
jid_of_item(const struct room *r, const struct hm_elem *item)
{
	const char *jid = hm_elem_attr(item, "jid"), *nick = hm_elem_attr(item, "nick");
	const struct occupant *o = nick ? room_occupant(r, nick) : NULL;

	if (!jid)
		return o ? hm_tmp_dup(o->bare) : NULL;
	jid = hm_tmp_jid(jid);
	return jid ? hm_tmp_bare(jid) : NULL;
}

static enum hm_cond
read_item(const struct room *r, const struct asker *a, const struct hm_elem *item, struct change *c)
{
	const struct hm_elem *reason = hm_child(item, NS_MUC_ADMIN, "reason");
	int affiliation = affiliation_of_name(hm_elem_attr(item, "affiliation"));
	int role = role_of_name(hm_elem_attr(item, "role"));

	c->reason = reason ? hm_tmp_text(reason) : NULL;
	c->nick = hm_elem_attr(item, "nick");
	c->jid = jid_of_item(r, item);
	if (affiliation >= 0) {
		c->affiliation = (enum affiliation)affiliation;
		return check_affiliation(r, a, c);
	}
	if (role < 0)
		return HM_BAD_REQUEST;
	c->of_role = true;
	c->role = (enum role)role;
	return check_role(r, a, c);
}

static void
tell(struct room *r, const struct asker *a, const struct change *c)
{
	struct occupant *o = c->of_role ? room_occupant(r, c->nick) : NULL;

	if (!c->of_role)
		tell_affiliation(r, c->jid, a->nick, c->reason);
	else if (o) /* an item before may have removed it */
		change_role(r, o, c->role, a->nick, c->reason);
}

static bool
they_fit(const struct room *r, const struct change *changes, size_t n)
{
	size_t count = hm_table_count(r->affiliations);

	for (size_t i = 0; i < n; i++)
		count += !changes[i].of_role && changes[i].affiliation != AFF_NONE &&
		         !room_affiliated(r, changes[i].jid);
	return count <= (size_t)room_config(r)->max_affiliations;
}

static int
count_owners(const struct room *r)
{
	size_t pos = 0;
	const char *jid;
	void *value;
	int n = 0;

	while (hm_table_next(r->affiliations, &pos, &jid, &value))
		n += ((struct affiliated *)value)->affiliation == AFF_OWNER;
	return n;
}

/* A room without owner could not be configured any more. */
static bool
owners_go(const struct room *r, const struct change *changes, size_t n)
{
	int owners = count_owners(r);
	bool goes = false;

	for (size_t i = 0; i < n; i++) {
		const struct affiliated *was =
			changes[i].of_role ? NULL : room_affiliated(r, changes[i].jid);
		bool is = was && was->affiliation == AFF_OWNER;
		bool will_be = !changes[i].of_role && changes[i].affiliation == AFF_OWNER;

		if (changes[i].of_role)
			continue;
		owners += will_be - is;
		goes = goes || (is && !will_be);
	}
	return goes && owners < 1;
}

/* 0: all of them may be made. */
static enum hm_cond
read_items(const struct room *r, const struct asker *a, const struct hm_elem *query,
           struct change *changes, size_t *n)
{
	*n = 0;
	hm_for_each_child (item, query) {
		enum hm_cond why;

		if (!hm_elem_is(item, NS_MUC_ADMIN, "item"))
			continue;
		if (*n == ITEMS_MAX)
			return HM_POLICY_VIOLATION;
		changes[*n] = (struct change){ 0 };
		why = read_item(r, a, item, &changes[(*n)++]);
		if (why)
			return why;
	}
	if (*n == 0)
		return HM_BAD_REQUEST;
	if (owners_go(r, changes, *n))
		return HM_CONFLICT;
	return they_fit(r, changes, *n) ? 0 : HM_RESOURCE_CONSTRAINT;
}

void
admin_set(struct hm_mod *m, struct hm_iq *rq)
{
	struct room *r = room_of(m, hm_iq_entity(rq));
	struct change *changes = hm_tmp_alloc(ITEMS_MAX * sizeof(*changes));
	struct asker asker;
	enum hm_cond why;
	size_t n;

	if (!r->exists) {
		hm_iq_fail(rq, HM_ITEM_NOT_FOUND, NULL);
		return;
	}
	asker = asker_of(r, rq);
	asker.nick = asker.nick ? hm_tmp_dup(asker.nick) : NULL;
	why = read_items(r, &asker, hm_iq_payload(rq), changes, &n);
	if (why) {
		hm_iq_fail(rq, why, NULL);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct change *c = &changes[i];

		if (!c->of_role)
			room_set_affiliation(r, c->jid, c->affiliation,
			                     c->affiliation >= AFF_MEMBER ? c->nick : NULL,
			                     c->reason);
	}
	/* XEP-0045 8.2, 9.1: before the others are told; and behind what is stored. */
	hm_iq_done(rq);
	for (size_t i = 0; i < n; i++)
		tell(r, &asker, &changes[i]);
	room_check_empty(r);
}
