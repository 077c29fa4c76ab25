/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/api_custody.c - what modules that keep messages may ask (hermod/custody.h). */
#include <hermod/custody.h>

#include "core/custody.h"
#include "core/here.h"
#include "core/ids.h"
#include "core/outbox.h"
#include "core/turn.h"
#include "core/user.h"

int64_t
hm_new_id(struct hm_mod *m, struct hm_user *u)
{
	hm_assert(turn_entity() == &u->entity);
	return ids_new();
}

int64_t
hm_settled_below(const struct hm_user *u)
{
	return outbox_lowest_id(&u->entity);
}

void
hm_letter_set_entry(struct hm_letter *l, const struct hm_entry *entry)
{
	struct hm_session *s = session_find(l->session);

	hm_assert(s && turn_entity() == &s->user->entity && l->entry.id == 0 && entry->id > 0);
	l->entry = *entry;
	custody_mark(s, l);
}

const struct hm_entry *
hm_letter_entry(const struct hm_letter *l)
{
	return l->entry.id ? &l->entry : NULL;
}

void
hm_letter_set_id(struct hm_letter *l, int64_t id)
{
	l->id = id;
	turn_makes_certain(id);
}

int64_t
hm_letter_id(const struct hm_letter *l)
{
	return l->id;
}

uint64_t
hm_letter_fingerprint(const struct hm_letter *l)
{
	return l->fingerprint;
}

int64_t
hm_first_id(void)
{
	return here->ids.first;
}

void
hm_letter_stored(struct hm_letter *l)
{
	hm_assert(l->plan == HM_PLAN_STORE || l->plan == HM_PLAN_SESSIONS);
	l->stored = true;
}

void
hm_show_to_session(struct hm_mod *m, struct hm_session *s, const struct hm_stanza *stanza,
                   const char *to, int64_t id)
{
	turn_show(turn_entity(), s, stanza_ref(stanza), to ? to : s->jid, id);
}
