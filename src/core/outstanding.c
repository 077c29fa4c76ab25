/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/outstanding.c - requests of the server to any address, with a time-out.  Their ids name
 * the worker that asked, since an answer to a host arrives anywhere.
 */
#include "core/outstanding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "core/here.h"
#include "core/served.h"
#include "core/turn.h"
#include "core/user.h"
#include "loop/timer.h"
#include "loop/worker.h"

#define ID_PREFIX "hm"
#define ID_CHARS 16
#define ID_MAX (sizeof(ID_PREFIX) + 12 + ID_CHARS)

struct outstanding {
	struct timer timer;
	char id[ID_MAX];
	char *to; /* who was asked: nobody else may answer */
	struct hm_mod *mod;
	struct entity *entity; /* pinned; NULL: the host asked */
	hm_iq_answered_fn *answered;
	int64_t token;
};

/* --- The answer, or none ------------------------------------------------------------------- */

static void
finish(struct outstanding *o, const struct hm_stanza *reply)
{
	struct entity *e = o->entity;
	struct hm_entity *served = e ? served_of(e) : NULL;

	table_remove(&here->outstanding, o->id);
	timer_stop(&o->timer);
	turn_begin(e, NULL);
	doing(o->mod, "answered", o->to);
	o->answered(o->mod, e && !served ? user_of(e) : NULL, served, reply, o->token);
	done_doing();
	if (e)
		e->pins--;
	turn_end();
	mem_free(o->to);
	mem_free(o);
}

static void
timed_out(struct timer *t)
{
	finish(HM_CONTAINER(t, struct outstanding, timer), NULL);
}

static void
answer_mail(struct mail *mail)
{
	struct hm_letter *l = HM_CONTAINER(mail, struct hm_letter, mail);
	struct outstanding *o = table_get(&here->outstanding, l->stanza->id);

	if (o && l->stanza->from && strcmp(o->to, l->stanza->from) == 0)
		finish(o, l->stanza);
	letter_free(&l);
}

bool
outstanding_answered(struct hm_letter *take)
{
	const struct hm_stanza *s = take->stanza;
	unsigned worker;

	if (s->kind != STANZA_IQ || (s->type != TYPE_RESULT && s->type != TYPE_ERROR) || !s->id)
		return false;
	if (sscanf(s->id, ID_PREFIX "%u-", &worker) != 1 || worker >= workers_count())
		return false;
	take->mail.run = answer_mail;
	worker_post(worker, &take->mail);
	return true;
}

/* --- The question ------------------------------------------------------------------------------ */

struct hm_writer *
hm_iq_new(const char *type)
{
	char token[ID_CHARS + 1], id[ID_MAX];

	snprintf(id, sizeof(id), ID_PREFIX "%u-%s", here->worker, random_token(token, ID_CHARS));
	return hm_stanza_new(HM_IQ, type, id);
}

void
hm_iq_send(struct hm_mod *m, struct hm_writer *take, const char *from, const char *to,
           uint32_t timeout_ms, hm_iq_answered_fn *answered, int64_t token)
{
	const struct hm_stanza *iq = hm_stanza_done_ref(take, from);
	struct outstanding *o = mem_new(struct outstanding);

	hm_assert(iq->id && strlen(iq->id) < sizeof(o->id));
	memcpy(o->id, iq->id, strlen(iq->id) + 1);
	o->to = mem_strdup(to);
	o->mod = m;
	o->entity = turn_entity();
	if (o->entity)
		o->entity->pins++;
	o->answered = answered;
	o->token = token;
	table_put(&here->outstanding, o->id, o);
	timer_start(&o->timer, timeout_ms, timed_out);
	turn_route(o->entity, letter_to(iq, to));
}
