/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Multi-User Chat: rooms at conference.HOST.  XEP-0045 1.35.5, XEP-0359 0.7.0, XEP-0410 1.1.0,
 * XEP-0421 1.0.1.
 *
 * Here is the declaration, and what service and room say of themselves (XEP-0045 6).
 */
#include "muc.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 200 /* rooms that a list shows unless asked for fewer */
#define PAGE_MAX 1000

/* --- Configuration ------------------------------------------------------------------------ */

static const char *const who_names[] = { "everybody", "local", "admins", NULL };

/* clang-format off */
static const struct hm_conf_key muc_keys[] = {
	HM_KEY(struct muc_config, create, CHOICE, "local", .choices = who_names,
	       .doc = "Who may create rooms: everybody, the server's own users, or administrators of the host."),
	HM_KEY(struct muc_config, lock_new, BOOL, "yes",
	       .doc = "A new room can be entered by others once its owner has configured it (XEP-0045 10.1)."),
	HM_KEY(struct muc_config, registration, BOOL, "no",
	       .doc = "Everybody may make himself a member of a room that is not members-only, with a nick of his own."),
	HM_KEY(struct muc_config, persistent, BOOL, "no",
	       .doc = "New rooms stay when nobody is in them."),
	HM_KEY(struct muc_config, listed, BOOL, "yes", .doc = "New rooms are listed."),
	HM_KEY(struct muc_config, members_only, BOOL, "no", .doc = "Only members may enter new rooms."),
	HM_KEY(struct muc_config, moderated, BOOL, "no",
	       .doc = "In new rooms only those may speak who have been given voice."),
	HM_KEY(struct muc_config, nonanonymous, BOOL, "no",
	       .doc = "In new rooms everybody sees the others' addresses, not only moderators."),
	HM_KEY(struct muc_config, change_subject, BOOL, "no",
	       .doc = "In new rooms participants may change the subject."),
	HM_KEY(struct muc_config, invites, BOOL, "no",
	       .doc = "In new members-only rooms members may invite others, who become members."),
	HM_KEY(struct muc_config, max_users, INT, "0", .min = "0",
	       .doc = "Occupants of a new room, each device counted; 0: as many as max_users_limit."),
	HM_KEY(struct muc_config, max_users_limit, INT, "10000", .min = "1", .max = "unlimited",
	       .doc = "The most occupants that a room may have, each device counted."),
	HM_KEY(struct muc_config, history, INT, "20", .min = "0",
	       .doc = "Messages that a new room keeps in memory for those who enter."),
	HM_KEY(struct muc_config, max_history, INT, "100", .min = "0", .max = "10000",
	       .doc = "The most that a room may keep so."),
	HM_KEY(struct muc_config, max_affiliations, INT, "20000", .min = "10",
	       .doc = "Owners, admins, members and outcasts of a room."),
	HM_KEY(struct muc_config, max_subject, SIZE, "4 KiB", .min = "100", .max = "64 KiB",
	       .doc = "The longest subject."),
};
/* clang-format on */

/* --- Statements ------------------------------------------------------------------------------ */

#define ROOM "domain = $1 AND name = $2"

static const struct hm_sql muc_sql[STATEMENTS] = {
	[ROOM_LOAD] = { "SELECT persistent, listed, flags, roles, max_users, history, title,"
	                " description, lang, password, secret, created, subject, subject_by,"
	                " subject_at FROM muc_room WHERE " ROOM,
	                NULL },
	[AFFILIATIONS_LOAD] = { "SELECT jid, affiliation, nick, reason FROM muc_affiliation"
	                        " WHERE domain = $1 AND room = $2",
	                        NULL },
	[ROOM_PUT] = { "INSERT INTO muc_room (domain, name, persistent, listed, flags, roles,"
	               " max_users, history, title, description, lang, password, secret, created)"
	               " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
	               " ON CONFLICT (domain, name) DO UPDATE SET"
	               " persistent = excluded.persistent, listed = excluded.listed,"
	               " flags = excluded.flags, roles = excluded.roles,"
	               " max_users = excluded.max_users, history = excluded.history,"
	               " title = excluded.title, description = excluded.description,"
	               " lang = excluded.lang, password = excluded.password,"
	               " secret = excluded.secret, created = excluded.created",
	               NULL },
	[SUBJECT_PUT] = { "UPDATE muc_room SET subject = $3, subject_by = $4, subject_at = $5"
	                  " WHERE " ROOM,
	                  NULL },
	[ROOM_DELETE] = { "DELETE FROM muc_room WHERE " ROOM, NULL },
	[AFFILIATION_PUT] = { "INSERT INTO muc_affiliation (domain, room, jid, affiliation, nick,"
	                      " reason) VALUES ($1, $2, $3, $4, $5, $6)"
	                      " ON CONFLICT (domain, room, jid) DO UPDATE SET"
	                      " affiliation = excluded.affiliation, nick = excluded.nick,"
	                      " reason = excluded.reason",
	                      NULL },
	[AFFILIATION_DELETE] = { "DELETE FROM muc_affiliation"
	                         " WHERE domain = $1 AND room = $2 AND jid = $3",
	                         NULL },
	[ROOMS_LISTED] = { "SELECT name, title FROM muc_room WHERE domain = $1 AND name > $2"
	                   " AND listed = 1 AND (persistent = 1 OR created >= $3)"
	                   " ORDER BY name LIMIT $4",
	                   NULL },
	[ROOMS_ALL] = { "SELECT name, domain, title, persistent, listed FROM muc_room"
	                " WHERE domain = $1 AND name > $2 ORDER BY name LIMIT $3",
	                NULL },
};

/* --- The service: its rooms (XEP-0045 6.3) -------------------------------------------------------- */

static const struct hm_elem *
rsm_of(const struct hm_iq *rq, const char *name)
{
	const struct hm_elem *set = hm_child(hm_iq_payload(rq), NS_RSM, "set");

	return set ? hm_child(set, NS_RSM, name) : NULL;
}

static int64_t
page_of(const struct hm_iq *rq)
{
	const struct hm_elem *max = rsm_of(rq, "max");
	long n = max ? strtol(hm_tmp_text(max), NULL, 10) : PAGE;

	return n < 0 ? 0 : n > PAGE_MAX ? PAGE_MAX : n;
}

static void
rooms_found(struct hm_iq *rq, struct hm_rows *rows)
{
	struct hm_writer *w = hm_iq_result(rq);
	const char *first = NULL, *last = NULL;
	int64_t n = 0, page = page_of(rq);

	hm_open(w, NS_DISCO_ITEMS, "query");
	while (n < page && hm_next_row(rows)) {
		const char *title = hm_col_text(rows, 1);

		last = hm_tmp_printf("%s@%s", hm_col_text(rows, 0), hm_iq_to(rq));
		first = first ? first : last;
		hm_open(w, NULL, "item");
		hm_attr(w, "jid", last);
		hm_attr(w, "name", *title ? title : hm_col_text(rows, 0));
		hm_close(w);
		n++;
	}
	if (last && (rsm_of(rq, "max") || hm_rows_count(rows) > (size_t)page)) {
		hm_open(w, NS_RSM, "set");
		hm_leaf(w, "first", first);
		hm_leaf(w, "last", last);
		hm_close(w);
	}
	hm_close(w);
	hm_iq_done(rq);
}

/* A temporary room of a process before this one has ended with it. */
static void
rooms_get(struct hm_mod *m, struct hm_iq *rq)
{
	const struct hm_elem *after = rsm_of(rq, "after");
	const char *jid = after ? hm_tmp_jid(hm_tmp_text(after)) : NULL;
	const char *name = jid ? hm_tmp_local(jid) : NULL;

	if (hm_elem_attr(hm_iq_payload(rq), "node"))
		hm_iq_fail(rq, HM_ITEM_NOT_FOUND, NULL);
	else
		hm_query(m, rq, ROOMS_LISTED, rooms_found, hm_tmp_domain(hm_iq_to(rq)),
		         name ? name : "", hm_now_us() - (hm_uptime_s() + 1) * 1000000,
		         page_of(rq) + 1);
}

/* --- A room (XEP-0045 6.4, 6.5, 7.12) --------------------------------------------------------------- */

static void
info_flags(const struct room *r, struct hm_info *info)
{
	const struct options *o = &r->options;

	hm_info_feature(info, *o->password ? "muc_passwordprotected" : "muc_unsecured");
	hm_info_feature(info, o->listed ? "muc_public" : "muc_hidden");
	hm_info_feature(info, o->persistent ? "muc_persistent" : "muc_temporary");
	hm_info_feature(info, o->members_only ? "muc_membersonly" : "muc_open");
	hm_info_feature(info, o->moderated ? "muc_moderated" : "muc_unmoderated");
	hm_info_feature(info, o->nonanonymous ? "muc_nonanonymous" : "muc_semianonymous");
}

static void
field(struct hm_info *info, const char *var, const char *value)
{
	hm_info_field(info, var, NULL, &value, 1);
}

static void
room_info(struct hm_mod *m, struct hm_entity *e, struct hm_info *info)
{
	const struct room *r = room_of(m, e);
	const struct options *o = &r->options;

	hm_info_identity(info, "conference", "text", *o->title ? o->title : hm_entity_key(e));
	info_flags(r, info);
	hm_info_form(info, NS_MUC_INFO);
	field(info, "muc#roominfo_description", o->description);
	field(info, "muc#roominfo_occupants", hm_tmp_printf("%zu", hm_table_count(r->by_nick)));
	if (!o->members_only && !*o->password && r->subject)
		field(info, "muc#roominfo_subject", r->subject);
	field(info, "muc#roominfo_subjectmod", o->change_subject ? "1" : "0");
	field(info, "muc#roomconfig_changesubject", o->change_subject ? "1" : "0");
	field(info, "muc#maxhistoryfetch", hm_tmp_printf("%lld", (long long)o->history));
	if (*o->lang)
		field(info, "muc#roominfo_lang", o->lang);
}

static void
reserved_nick(const struct room *r, struct hm_iq *rq)
{
	const struct affiliated *a = room_affiliated(r, hm_iq_from_bare(rq));
	struct hm_writer *w = hm_iq_result(rq);

	hm_open(w, NS_DISCO_INFO, "query");
	hm_attr(w, "node", "x-roomuser-item");
	if (a && a->nick) {
		hm_open(w, NULL, "identity");
		hm_attr(w, "category", "conference");
		hm_attr(w, "name", a->nick);
		hm_attr(w, "type", "text");
		hm_close(w);
	}
	hm_close(w);
	hm_iq_done(rq);
}

static void
room_info_get(struct hm_mod *m, struct hm_iq *rq)
{
	const char *node = hm_elem_attr(hm_iq_payload(rq), "node");
	const struct room *r = room_of(m, hm_iq_entity(rq));
	struct hm_writer *w;

	if (!r->exists || r->locked) {
		hm_iq_fail(rq, HM_ITEM_NOT_FOUND, NULL);
	} else if (node && strcmp(node, "x-roomuser-item") == 0) {
		reserved_nick(r, rq);
	} else if (node) {
		hm_iq_fail(rq, HM_ITEM_NOT_FOUND, NULL);
	} else {
		w = hm_iq_result(rq);
		hm_open(w, NS_DISCO_INFO, "query");
		hm_write_info(m, rq, w, NULL);
		hm_close(w);
		hm_iq_done(rq);
	}
}

/* Who is in it is told to those who are: "advised to turn off such information sharing" (6.5). */
static void
room_items_get(struct hm_mod *m, struct hm_iq *rq)
{
	const struct room *r = room_of(m, hm_iq_entity(rq));
	struct hm_writer *w = hm_iq_result(rq);

	hm_open(w, NS_DISCO_ITEMS, "query");
	for (size_t i = 0; room_device(r, hm_iq_from(rq)) && i < r->n; i++) {
		if (r->devices[i]->occupant->devices != r->devices[i])
			continue;
		hm_open(w, NULL, "item");
		hm_attr(w, "jid", r->devices[i]->occupant->jid);
		hm_close(w);
	}
	hm_close(w);
	hm_iq_done(rq);
}

/* --- What comes to a room ---------------------------------------------------------------------------- */

static bool
is_request(const struct hm_stanza *s)
{
	return strcmp(hm_stanza_type(s), "get") == 0 || strcmp(hm_stanza_type(s), "set") == 0;
}

static enum hm_next
room_received(struct hm_mod *m, struct hm_entity *e, struct hm_letter *l)
{
	struct room *r = room_of(m, e);
	const struct hm_stanza *s = hm_letter_stanza(l);

	room_still_there(r);
	if (hm_stanza_kind(s) == HM_PRESENCE)
		muc_presence(r, l);
	else if (hm_stanza_kind(s) == HM_MESSAGE)
		muc_message(r, l);
	else if (is_request(s) && hm_letter_to_resource(l))
		muc_relay(r, l);
	else if (is_request(s))
		return HM_CONTINUE;
	if (!r->exists)
		hm_entity_gone(m, e);
	return HM_STOP;
}

/* --- Declaration --------------------------------------------------------------------------------------- */

static const struct hm_iq_route muc_iq[] = {
	{ HM_GET, HM_TO_SERVICE, HM_ANYONE, NS_DISCO_ITEMS, "query", rooms_get },
	{ HM_GET, HM_TO_ENTITY, HM_ANYONE, NS_DISCO_INFO, "query", room_info_get },
	{ HM_GET, HM_TO_ENTITY, HM_ANYONE, NS_DISCO_ITEMS, "query", room_items_get },
	{ HM_GET, HM_TO_ENTITY, HM_ANYONE, NS_REGISTER, "query", register_get },
	{ HM_SET, HM_TO_ENTITY, HM_ANYONE, NS_REGISTER, "query", register_set },
	{ HM_GET, HM_TO_ENTITY, HM_ANYONE, NS_MUC_OWNER, "query", owner_get },
	{ HM_SET, HM_TO_ENTITY, HM_ANYONE, NS_MUC_OWNER, "query", owner_set },
	{ HM_GET, HM_TO_ENTITY, HM_ANYONE, NS_MUC_ADMIN, "query", admin_get },
	{ HM_SET, HM_TO_ENTITY, HM_ANYONE, NS_MUC_ADMIN, "query", admin_set },
};
static const struct hm_feature muc_features[] = {
	{ HM_TO_SERVICE | HM_TO_ENTITY, NS_MUC },
	{ HM_TO_SERVICE | HM_TO_ENTITY, NS_MUC_STABLE_ID },
	{ HM_TO_SERVICE | HM_TO_ENTITY, NS_OCCUPANT_ID },
	{ HM_TO_ENTITY, NS_STANZA_ID },
	{ HM_TO_ENTITY, NS_SELF_PING },
	{ HM_TO_ENTITY, NS_REGISTER },
	{ HM_TO_ENTITY, NS_MUC_REQUEST },
	{ HM_TO_SERVICE, NS_RSM },
};
static const struct hm_entity_load room_load[] = {
	{ ROOM_LOAD, room_rows },
	{ AFFILIATIONS_LOAD, affiliation_rows },
};
static const struct hm_entity_kind muc_kinds[] = {
	{
		.name = "room",
		.load = HM_TABLE(room_load),
		.state_size = sizeof(struct room),
		.loaded = room_loaded,
		.received = room_received,
		.idle = room_idle,
		.free = room_free,
		.unload = room_unload,
		.info = room_info,
	},
};
static const struct hm_service muc_services[] = {
	{
		.name = "conference",
		.category = "conference",
		.type = "text",
		.title = "Chatrooms",
		.kind = 0,
	},
};
static const struct hm_spec muc_specs[] = {
	{ "XEP-0045", "1.35.5",
	  "Approval of registrations (9.9), logging, notice of a shutdown (14.2); occupants do not"
	  " survive a restart." },
	{ "XEP-0359", "0.7.0", "Ids of messages in rooms find nothing yet: there is no archive." },
	{ "XEP-0410", "1.1.0", NULL },
	{ "XEP-0421", "1.0.1", NULL },
};
extern const struct hm_migration muc_schema[];

HM_MODULE(muc) = {
	.summary = "Multi-User Chat",
	.on_request = true,
	.specs = HM_TABLE(muc_specs),
	.iq = HM_TABLE(muc_iq),
	.features = HM_TABLE(muc_features),
	.commands = { muc_commands, MUC_COMMANDS },
	.config = HM_TABLE(muc_keys),
	.config_size = sizeof(struct muc_config),
	.services = HM_TABLE(muc_services),
	.entities = HM_TABLE(muc_kinds),
	.sql = HM_TABLE(muc_sql),
	.schema = muc_schema,
};
