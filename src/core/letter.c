/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/letter.c - letters: one heap block each, address strings included. */
#include "core/letter.h"

#include <string.h>

#include "base/mem.h"
#include "core/custody.h"
#include "core/here.h"
#include "core/router.h"
#include "core/session.h"
#include "core/turn.h"

const char *
bare_of(const char *jid, char *out, size_t max)
{
	size_t len = strcspn(jid, "/");

	hm_assert(len < max);
	memcpy(out, jid, len);
	out[len] = '\0';
	return out;
}

static char *
put(char **at, const char *s, size_t len)
{
	char *start = *at;

	memcpy(start, s, len);
	start[len] = '\0';
	*at += len + 1;
	return start;
}

/* text is "local@domain/resource", normalised. */
static struct hm_letter *
make(const struct hm_stanza *stanza, const char *text, bool addressed)
{
	const char *from = stanza->from ? stanza->from : "";
	size_t len = strlen(text), bare = strcspn(text, "/"), local = strcspn(text, "@/"),
	       from_bare = strcspn(from, "/");
	struct hm_letter *l;
	char *at;

	if (text[local] != '@')
		local = 0;
	l = mem_alloc(sizeof(*l) + len + 1 + bare + 1 + local + 1 + from_bare + 1);
	memset(l, 0, sizeof(*l));
	list_init(&l->waiter.link);
	l->stanza = stanza;
	l->trace = ++here->traces;
	at = l->text;
	l->to = put(&at, text, len);
	l->to_bare = put(&at, text, bare);
	l->to_domain = local ? l->to_bare + local + 1 : l->to_bare;
	l->to_resource = len > bare ? l->to + bare + 1 : NULL;
	if (local)
		l->to_local = put(&at, text, local);
	l->from_bare = put(&at, from, from_bare);
	if (!addressed)
		l->to = NULL;
	return l;
}

struct hm_letter *
letter_new(const struct hm_stanza *take, const struct jid *to, const char *own_bare)
{
	return to ? make(take, to->full, true) : make(take, own_bare, false);
}

struct hm_letter *
letter_to(const struct hm_stanza *take, const char *to)
{
	return make(take, to, true);
}

void
letter_free(struct hm_letter **l)
{
	if (!*l)
		return;
	if ((*l)->awaited || (*l)->holds_session)
		session_request_over(*l);
	(*l)->awaited = (*l)->holds_session = false;
	if (letter_is_held(*l)) {
		turn_lends(&(*l)->charge);
		if (!turn_keep(*l))
			custody_return(*l);
	} else {
		stanza_unref(&(*l)->stanza);
		turn_return(&(*l)->charge);
		mem_free(*l);
	}
	*l = NULL;
}

void
letter_charge(struct hm_letter *l)
{
	if (!l->charge.credit && here->turn.payer)
		charge_take(&l->charge, here->turn.payer, 1, sizeof(*l) + stanza_weight(l->stanza));
}

void
letter_change(struct hm_letter *l, const struct hm_stanza *take)
{
	stanza_unref(&l->stanza);
	l->stanza = take;
}

void
letter_refuse(struct hm_letter *take, enum hm_cond cond, const char *text)
{
	const struct hm_stanza *s = take->stanza;
	const struct hm_stanza *error =
		s->from ? stanza_error_reply(s, take->to, cond, text) : NULL;

	if (error) {
		struct hm_letter *answer = letter_to(error, s->from);

		if (!letter_is_held(take))
			charge_move(&answer->charge, &take->charge);
		else if (take->charge.credit)
			charge_take(&answer->charge, take->charge.credit, 1, sizeof(*answer));
		route(answer);
	}
	take->refused = true;
	letter_free(&take);
}
