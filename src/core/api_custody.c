/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/api_custody.c - what modules that keep messages may ask (hermod/custody.h). */
#include <hermod/custody.h>

#include "base/mem.h"
#include "core/custody.h"
#include "core/here.h"
#include "core/ids.h"
#include "core/iq.h"
#include "core/outbox.h"
#include "core/shown.h"
#include "core/sm.h"
#include "core/turn.h"
#include "core/user.h"
#include "loop/worker.h"

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

int64_t
hm_ids_below(const struct hm_user *u)
{
	return here->ids.last + 1; /* its home's counter serves all accounts there */
}

/* --- Waiting until that is certain --------------------------------------------------------- */

struct settling {
	struct outbox_call call;
	struct mail mail;
	struct hm_iq *rq;
	hm_iq_settled_fn *go;
};

static void
go_on(struct hm_iq *rq, void *arg)
{
	((struct settling *)arg)->go(rq);
}

static void
settled_mail(struct mail *mail)
{
	struct settling *s = HM_CONTAINER(mail, struct settling, mail);

	iq_resume(s->rq, go_on, s);
	mem_free(s);
}

/* What comes next in the queue belongs to this turn; the request goes on in one of its own. */
static void
settled(struct outbox_call *call)
{
	worker_post(here->worker, &HM_CONTAINER(call, struct settling, call)->mail);
}

void
hm_iq_when_settled(struct hm_iq *rq, hm_iq_settled_fn *go)
{
	struct entity *e = iq_entity(rq);
	struct settling *s;

	if (outbox_lowest_id(e) == INT64_MAX) {
		go(rq);
		return;
	}
	s = mem_new(struct settling);
	s->call.run = settled;
	s->mail.run = settled_mail;
	s->rq = rq;
	s->go = go;
	iq_hold(rq);
	outbox_call(e, &s->call);
}

/* --- Letters ------------------------------------------------------------------------------------ */

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
hm_ask_confirmation(struct hm_mod *m, struct hm_session *s)
{
	if (s->sm)
		sm_ask_now(s);
	else
		shown_ask(s);
}

void
hm_show_to_session(struct hm_mod *m, struct hm_session *s, const struct hm_stanza *stanza,
                   const char *to, int64_t id)
{
	turn_show(turn_entity(), s, stanza_ref(stanza), to ? to : s->jid, id);
}
