/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/visible.c - asks the roster, through the interface that its module provides. */
#include "core/visible.h"

#include <string.h>

#include <hermod/iface/roster.h>

#include "core/here.h"

bool
user_visible_to(struct hm_user *u, const char *from_bare)
{
	struct hm_mod **mods = mods_of(u->entity.host), *roster;
	const struct hm_roster_iface *iface;

	if (strcmp(u->entity.address, from_bare) == 0)
		return true;
	iface = mods[0] ? hm_interface(mods[0], "roster", HM_ROSTER_IFACE, &roster) : NULL;
	return iface && (iface->subscription(roster, u, from_bare) & HM_SUB_FROM);
}

/* An occupant of a room where this session is, under a nick of its own, is one address with it. */
static bool
directed_to_bare(const struct hm_session *s, const char *bare)
{
	size_t pos = 0, len = strlen(bare);
	const char *to;

	while (table_next(&s->directed, &pos, &to, NULL)) {
		if (strncmp(to, bare, len) == 0 && (to[len] == '/' || to[len] == '\0'))
			return true;
	}
	return false;
}

bool
session_visible_to(const struct hm_session *s, const char *from_bare)
{
	return user_visible_to(s->user, from_bare) || directed_to_bare(s, from_bare);
}
