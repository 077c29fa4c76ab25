/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * muc/commands.c - hermodctl room list, show, create, destroy, affiliation, kick.
 */
#include "muc.h"

#include <string.h>

static struct room *
existing(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct room *r = room_of(m, hm_cmd_entity(cmd));

	if (room_still_there(r))
		return r;
	hm_entity_gone(m, hm_cmd_entity(cmd));
	hm_cmd_fail(cmd, HM_E_NOT_FOUND, "There is no such room.");
	return NULL;
}

static void
listed(struct hm_cmd *cmd, struct hm_rows *rows)
{
	while (hm_next_row(rows))
		hm_cmd_row(cmd,
		           hm_kv("room", hm_tmp_printf("%s@%s", hm_col_text(rows, 0),
		                                       hm_col_text(rows, 1))),
		           hm_kv("name", hm_col_text(rows, 2)),
		           hm_kv("persistent", hm_col_int(rows, 3)),
		           hm_kv("listed", hm_col_int(rows, 4)));
	hm_cmd_done(cmd);
}

static void
list(struct hm_mod *m, struct hm_cmd *cmd)
{
	const char *after = hm_cmd_text(cmd, 1);

	hm_query(m, cmd, ROOMS_ALL, listed, hm_cmd_text(cmd, 0), after ? after : "",
	         hm_cmd_int(cmd, 2, 1000));
}

static void
show(struct hm_mod *m, struct hm_cmd *cmd)
{
	const struct room *r = existing(m, cmd);
	const struct options *o;
	size_t pos = 0;
	const char *jid;
	void *value;

	if (!r)
		return;
	o = &r->options;
	hm_cmd_row(cmd, hm_kv("room", hm_entity_jid(r->e)), hm_kv("name", o->title),
	           hm_kv("locked", r->locked), hm_kv("persistent", o->persistent),
	           hm_kv("listed", o->listed), hm_kv("members_only", o->members_only),
	           hm_kv("moderated", o->moderated), hm_kv("nonanonymous", o->nonanonymous),
	           hm_kv("protected", *o->password != '\0'), hm_kv("devices", r->n),
	           hm_kv("subject", r->subject));
	while (hm_table_next(r->affiliations, &pos, &jid, &value)) {
		const struct affiliated *a = value;

		hm_cmd_row(cmd, hm_kv("affiliation", affiliation_names[a->affiliation]),
		           hm_kv("jid", jid), hm_kv("nick", a->nick), hm_kv("reason", a->reason));
	}
	for (size_t i = 0; i < r->n; i++) {
		const struct occupant *who = r->devices[i]->occupant;

		hm_cmd_row(cmd, hm_kv("occupant", who->nick), hm_kv("jid", r->devices[i]->jid),
		           hm_kv("role", role_names[who->role]));
	}
	hm_cmd_done(cmd);
}

/* The answer comes when it is stored: a query waits for what its room stores. */
static void
ask_store(struct room *r, struct hm_cmd *cmd, unsigned statement, hm_cmd_rows_fn *done)
{
	hm_query(r->m, cmd, statement, done, hm_tmp_domain(hm_entity_jid(r->e)),
	         hm_entity_key(r->e));
}

static void
answer(struct hm_cmd *cmd, bool stored)
{
	if (stored)
		hm_cmd_done(cmd);
	else
		hm_cmd_fail(cmd, HM_E_DATABASE, "It could not be stored.");
}

static void
created(struct hm_cmd *cmd, struct hm_rows *rows)
{
	answer(cmd, hm_next_row(rows));
}

static void
destroyed(struct hm_cmd *cmd, struct hm_rows *rows)
{
	answer(cmd, !hm_next_row(rows));
}

static void
affiliated(struct hm_cmd *cmd, struct hm_rows *rows)
{
	const char *bare = hm_tmp_bare(hm_cmd_text(cmd, 1));
	int is = AFF_NONE;

	while (hm_next_row(rows)) {
		if (strcmp(hm_col_text(rows, 0), bare) == 0)
			is = (int)hm_col_int(rows, 1);
	}
	answer(cmd, is == affiliation_of_name(hm_cmd_text(cmd, 2)));
}

static void
create(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct room *r = room_of(m, hm_cmd_entity(cmd));
	const char *owner = hm_cmd_text(cmd, 1);

	if (r->exists) {
		hm_cmd_fail(cmd, HM_E_EXISTS, "There is such a room already.");
		return;
	}
	room_create(r, owner ? hm_tmp_bare(owner) : NULL, false);
	r->options.persistent = true; /* nobody is in it: else it would be gone at once */
	room_open(r);
	ask_store(r, cmd, ROOM_LOAD, created);
}

static void
destroy(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct room *r = existing(m, cmd);

	if (!r)
		return;
	room_destroy(r, NULL, NULL, hm_cmd_text(cmd, 1));
	ask_store(r, cmd, ROOM_LOAD, destroyed);
}

static void
affiliation(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct room *r = existing(m, cmd);
	int to = affiliation_of_name(hm_cmd_text(cmd, 2));
	const char *jid;

	if (!r)
		return;
	if (to < 0) {
		hm_cmd_fail(cmd, HM_E_INVALID,
		            "An affiliation is owner, admin, member, none or outcast.");
		return;
	}
	jid = hm_tmp_bare(hm_cmd_text(cmd, 1));
	if (!room_set_affiliation(r, jid, (enum affiliation)to, NULL, hm_cmd_text(cmd, 3))) {
		hm_cmd_fail(cmd, HM_E_LIMIT, "The list is full.");
		return;
	}
	tell_affiliation(r, jid, NULL, hm_cmd_text(cmd, 3));
	room_check_empty(r);
	if (r->stored)
		ask_store(r, cmd, AFFILIATIONS_LOAD, affiliated);
	else
		hm_cmd_done(cmd);
}

static void
kick(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct room *r = existing(m, cmd);
	struct occupant *o = r ? room_occupant(r, hm_cmd_text(cmd, 1)) : NULL;

	if (!r)
		return;
	if (!o) {
		hm_cmd_fail(cmd, HM_E_NOT_FOUND, "Nobody has this nick.");
		return;
	}
	change_role(r, o, ROLE_NONE, NULL, hm_cmd_text(cmd, 2));
	room_check_empty(r);
	hm_cmd_done(cmd);
}

const struct hm_command muc_commands[MUC_COMMANDS] = {
	{
		.name = "room list",
		.help = "List the rooms of a service, those after a name if one is given.",
		.args = { { "service", HM_ARG_TEXT },
	                  { "after", HM_ARG_TEXT, true },
	                  { "count", HM_ARG_INT, true } },
		.run = list,
	},
	{
		.name = "room show",
		.help = "Show a room, its affiliations and who is in it.",
		.args = { { "room", HM_ARG_ENTITY } },
		.run = show,
	},
	{
		.name = "room create",
		.help = "Create a persistent room with the service's defaults.",
		.args = { { "room", HM_ARG_ENTITY }, { "owner", HM_ARG_JID, true } },
		.run = create,
	},
	{
		.name = "room destroy",
		.help = "Destroy a room; who is in it is told why.",
		.args = { { "room", HM_ARG_ENTITY }, { "reason", HM_ARG_TEXT, true } },
		.run = destroy,
	},
	{
		.name = "room affiliation",
		.help = "Make somebody owner, admin, member, outcast of a room, or none of these.",
		.args = { { "room", HM_ARG_ENTITY },
	                  { "jid", HM_ARG_JID },
	                  { "affiliation", HM_ARG_TEXT },
	                  { "reason", HM_ARG_TEXT, true } },
		.run = affiliation,
	},
	{
		.name = "room kick",
		.help = "Remove an occupant from a room.",
		.args = { { "room", HM_ARG_ENTITY },
	                  { "nick", HM_ARG_TEXT },
	                  { "reason", HM_ARG_TEXT, true } },
		.run = kick,
	},
};
