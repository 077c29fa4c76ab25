/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/presence.c - a session's own presence: what the delivery rules and everybody else need to
 * know of it.  Who is told is the roster module's business (presence_changed), except for
 * directed presence, which the core remembers (RFC 6121 4.6).
 */
#include <stdlib.h>
#include <string.h>

#include "core/chain.h"
#include "core/core.h"
#include "core/session.h"
#include "core/turn.h"
#include "core/user.h"
#include "core/visible.h"
#include "loop/worker.h"

/* RFC 6121 4.7.2.3: -128 to 127; absent or unreadable: 0. */
static int
priority_of(const struct hm_stanza *presence)
{
	const struct hm_elem *e = elem_child(presence->root, NS_CLIENT, "priority");
	const char *text = e ? elem_text(e, worker_scratch()) : "";
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || n < -128 || n > 127)
		return 0;
	return (int)n;
}

/* Unavailable to those who were told directly (RFC 6121 4.6.3), and are not told as contacts anyway. */
static void
end_directed(struct hm_session *s, const struct hm_stanza *unavailable, bool was_broadcast)
{
	char bare[2 * JID_PART_MAX + 2];
	size_t pos = 0;
	const char *to;

	while (table_next(&s->directed, &pos, &to, NULL)) {
		if (was_broadcast && user_visible_to(s->user, bare_of(to, bare, sizeof(bare))))
			continue;
		turn_route(&s->user->entity, letter_to(stanza_ref(unavailable), to));
	}
	table_free(&s->directed);
}

void
session_keep_presence(struct hm_session *s, const struct hm_stanza *take)
{
	s->presence = take;
	s->priority = take ? priority_of(take) : 0;
}

void
session_sent_presence(struct hm_session *s, const struct hm_stanza *presence)
{
	const struct hm_stanza *before = s->presence;

	switch (presence->type) {
	case TYPE_NONE:
		s->presence = stanza_ref(presence);
		s->priority = priority_of(presence);
		notice_presence_changed(s, presence, before);
		break;
	case TYPE_UNAVAILABLE:
		s->presence = NULL;
		s->priority = 0;
		if (before)
			notice_presence_changed(s, presence, before);
		end_directed(s, presence, before != NULL);
		break;
	default:
		break; /* subscriptions and probes without "to" mean nothing (RFC 6121 4.7.1) */
	}
	stanza_unref(&before);
}

bool
session_sent_directed(struct hm_session *s, const struct hm_letter *l)
{
	size_t limit = (size_t)host_limits(s->user->entity.host)->directed;

	if (l->stanza->type == TYPE_UNAVAILABLE)
		table_remove(&s->directed, l->to);
	if (l->stanza->type != TYPE_NONE || table_get(&s->directed, l->to))
		return true;
	if (table_count(&s->directed) >= limit)
		return false;
	table_put(&s->directed, l->to, (void *)(uintptr_t)1);
	return true;
}

void
session_hide_directed(struct hm_session *s, bool (*covered)(const char *to, void *ctx), void *ctx)
{
	const char **hidden =
		arena_alloc(worker_scratch(), (table_count(&s->directed) + 1) * sizeof(char *));
	size_t pos = 0, n = 0;
	const char *to;

	while (table_next(&s->directed, &pos, &to, NULL)) {
		if (covered(to, ctx))
			hidden[n++] = arena_strdup(worker_scratch(), to);
	}
	for (size_t i = 0; i < n; i++) {
		struct stanza_build b;

		stanza_build_new(&b, STANZA_PRESENCE, "unavailable", NULL);
		turn_route(&s->user->entity, letter_to(stanza_build_done(&b, s->jid), hidden[i]));
		table_remove(&s->directed, hidden[i]);
	}
}

void
session_gone(struct hm_session *s)
{
	struct stanza_build b;
	const struct hm_stanza *unavailable, *before = s->presence;

	if (!before && table_count(&s->directed) == 0)
		return;
	stanza_build_new(&b, STANZA_PRESENCE, "unavailable", NULL);
	unavailable = stanza_build_done(&b, s->jid);
	s->presence = NULL;
	s->priority = 0;
	if (before)
		notice_presence_changed(s, unavailable, before);
	end_directed(s, unavailable, before != NULL);
	stanza_unref(&before);
	stanza_unref(&unavailable);
}
