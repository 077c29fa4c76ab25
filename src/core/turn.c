/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/turn.c - what a turn stores is one group, its hold.  What it sends goes through the outbox,
 * behind that hold.  When the commit failed, what the turn had sent is dropped, and its cause is
 * answered; so it goes with all later turns of that memory, whose rows the store does not write
 * either (struct store_line).  Answers that showed that memory become errors.
 */
#include "core/turn.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/custody.h"
#include "core/here.h"
#include "core/metrics.h"
#include "core/outbox.h"
#include "core/remote.h"
#include "core/router.h"
#include "loop/worker.h"
#include "store/store.h"

struct hold {
	struct outbox_mark mark;
	struct entity *entity;
	const struct hm_stanza *cause; /* NULL: nobody is told of a failure */
	char *cause_to;
	int64_t since_us;
	struct arena *arena; /* of the arguments, until they are submitted */
	struct store_call *calls;
	size_t n, size;
	struct mail *letters; /* in custody: they go home when it closes */
	void (*closed)(void *ctx, bool stored);
	void *closed_ctx;
};

void
turn_begin(struct entity *e, const struct hm_letter *cause)
{
	struct turn *t = &here->turn;

	hm_assert(!t->active);
	t->active = true;
	t->entity = e;
	t->cause = cause;
	t->payer = cause ? cause->charge.credit : NULL;
	t->hold = t->last_hold = NULL;
	t->serial++;
}

void
turn_cause(const struct hm_letter *cause)
{
	here->turn.cause = cause;
}

void
turn_shows_memory(bool shows)
{
	here->turn.shows_memory = shows;
}

/* --- Who pays ------------------------------------------------------------------------- */

void
turn_payer(struct credit *c)
{
	here->turn.payer = c;
}

static void
keep(struct charge *ch)
{
	struct charge *kept = &here->turn.kept;

	kept->credit = ch->credit;
	kept->stanzas += ch->stanzas;
	kept->units += ch->units;
	*ch = (struct charge){ 0 };
}

void
turn_return(struct charge *ch)
{
	if (!ch->credit || ch->credit != here->turn.payer)
		charge_return(ch);
	else
		keep(ch);
}

void
turn_lends(const struct charge *ch)
{
	struct charge small;

	if (!ch->credit || ch->credit != here->turn.payer)
		return;
	charge_take(&small, ch->credit, 0, 0);
	keep(&small);
}

struct entity *
turn_entity(void)
{
	return here->turn.active ? here->turn.entity : NULL;
}

/* --- Output --------------------------------------------------------------------------- */

void
turn_route(struct entity *e, struct hm_letter *take)
{
	letter_charge(take);
	if (e && remote_is_kept(e, take))
		take = remote_keep(e, take);
	if (e)
		outbox_route(e, take);
	else
		route(take);
}

void
turn_show(struct entity *e, struct hm_session *s, const struct hm_stanza *take, const char *to,
          int64_t id)
{
	if (e)
		outbox_deliver(e, s, take, to, id);
	else
		session_deliver(s, take, to, id);
}

void
turn_deliver(struct entity *e, struct hm_session *s, const struct hm_stanza *take, const char *to)
{
	turn_show(e, s, take, to, 0);
}

void
turn_close(struct entity *e, struct hm_session *s)
{
	outbox_close(e, s);
}

/* --- Holds ------------------------------------------------------------------------------ */

static void
letters_go_home(struct hold *h, bool stored)
{
	while (h->letters) {
		struct hm_letter *l = HM_CONTAINER(h->letters, struct hm_letter, mail);

		h->letters = l->mail.next;
		l->stored = l->stored && stored;
		l->refused = l->refused || !stored;
		l->failed = l->failed || !stored;
		custody_return(l);
	}
}

static void
hold_free(struct hold *h)
{
	here->n_holds--;
	stanza_unref(&h->cause);
	mem_free(h->cause_to);
	if (h->arena)
		arena_free(&h->arena);
	mem_free(h->calls);
	mem_free(h);
}

/* Certain that nothing was written: what the turn sent does not go out, its cause is answered. */
static void
hold_failed(struct hold *h, bool no_room)
{
	struct entity *e = h->entity;

	metric_add(core_metric(CM_HOLDS_FAILED), 1);
	/* The store tells of a full disk, once and not for every change. */
	log_line(&e->log, no_room ? HM_DEBUG : HM_WARN, "a change could not be stored");
	outbox_drop(e, h->mark.turn);
	if (h->cause && h->cause->from) {
		struct hm_letter *l =
			letter_to(stanza_ref(h->cause), h->cause_to ? h->cause_to : h->cause->from);

		if (!h->cause_to)
			l->to = NULL;
		/* RFC 6120 8.3.3.18: the server lacks the resources, now. */
		letter_refuse(l, no_room ? HM_RESOURCE_CONSTRAINT : HM_INTERNAL_SERVER_ERROR,
		              "It could not be stored.");
	}
}

void
turn_reads(struct entity *e)
{
	while (e->writes == 0 && !list_empty(&e->reads)) {
		struct read_waiting *r = list_entry(e->reads.next, struct read_waiting, link);

		list_remove(&r->link);
		r->go(r);
	}
}

static void
hold_close(struct hold *h, enum store_outcome outcome)
{
	struct entity *e = h->entity;

	e->reload = e->reload || outcome != STORE_OK;
	metric_observe(core_metric(CM_HOLD_TIME), clock_mono_us() - h->since_us);
	e->writes--;
	e->pins++;
	turn_begin(e, NULL); /* what is delivered passes the modules (client_deliver) */
	outbox_open(&h->mark);
	if (outcome != STORE_OK)
		hold_failed(h, outcome == STORE_NO_ROOM);
	if (h->closed)
		h->closed(h->closed_ctx, outcome == STORE_OK);
	outbox_flush(e);
	letters_go_home(h, outcome == STORE_OK);
	turn_reads(e);
	e->pins--;
	turn_end();
	hold_free(h);
}

static void
hold_committed(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	hold_close(ctx, outcome);
}

static struct hold *
hold_new(struct entity *e)
{
	struct hold *h = mem_new(struct hold);
	const struct hm_letter *cause = here->turn.cause;

	outbox_mark(e, &h->mark, true);
	if (here->turn.id)
		outbox_mark_id(&h->mark, here->turn.id);
	here->n_holds++;
	h->entity = e;
	h->since_us = clock_mono_us();
	h->arena = arena_new(0);
	if (cause) {
		h->cause = stanza_ref(cause->stanza);
		h->cause_to = cause->to ? mem_strdup(cause->to) : NULL;
	}
	e->writes++;
	return h;
}

static struct hm_value *
values_copied(struct arena *arena, const struct hm_value *v, size_t n)
{
	struct hm_value *copy = arena_alloc(arena, (n + 1) * sizeof(*copy));

	for (size_t i = 0; i < n; i++) {
		copy[i] = v[i];
		if (v[i].type == HM_V_TEXT) {
			copy[i].u.text = arena_strdup(arena, v[i].u.text);
		} else if (v[i].type == HM_V_BLOB) {
			void *data = arena_alloc(arena, v[i].u.blob.len + 1);

			memcpy(data, v[i].u.blob.data, v[i].u.blob.len);
			copy[i].u.blob.data = data;
		}
	}
	return copy;
}

void
turn_store(unsigned statement, bool append, const struct hm_value *v, size_t n)
{
	struct turn *t = &here->turn;
	struct hold *h;

	hm_assert(t->active && t->entity);
	if (t->entity->doomed)
		return; /* its rows are gone: there is nothing to store to */
	if (!t->hold)
		t->hold = t->last_hold = hold_new(t->entity);
	h = t->hold;
	if (!append)
		outbox_mark_state(&h->mark);
	if (h->n == h->size) {
		h->size = h->size ? 2 * h->size : 4;
		h->calls = mem_realloc(h->calls, h->size * sizeof(struct store_call));
	}
	h->calls[h->n++] = (struct store_call){ statement, values_copied(h->arena, v, n), n };
}

void
turn_makes_certain(int64_t id)
{
	struct turn *t = &here->turn;

	if (t->id == 0 || id < t->id)
		t->id = id;
	if (t->last_hold && t->last_hold->mark.id != t->id)
		outbox_mark_id(&t->last_hold->mark, t->id);
}

bool
turn_keep(struct hm_letter *take)
{
	struct hold *h = here->turn.active ? here->turn.last_hold : NULL;

	if (!h)
		return false;
	take->mail.next = h->letters;
	h->letters = &take->mail;
	return true;
}

bool
turn_when_stored(void (*closed)(void *ctx, bool stored), void *ctx)
{
	struct hold *h = here->turn.last_hold;

	if (!h)
		return false;
	hm_assert(!h->closed);
	h->closed = closed;
	h->closed_ctx = ctx;
	return true;
}

/*
 * The lane's queue is full, or a group before it failed, whose change its rows would hold.  Its
 * outcome is reported in a later turn, as always.
 */
struct refusal {
	struct mail mail;
	struct hold *hold;
};

static void
refused(struct mail *mail)
{
	struct refusal *r = HM_CONTAINER(mail, struct refusal, mail);

	hold_close(r->hold, STORE_NO_ROOM);
	mem_free(r);
}

static void
hold_submit(struct hold *h)
{
	struct entity *e = h->entity;

	if (e->reload || !store_write_in_line(&e->line, h->calls, h->n, hold_committed, h)) {
		struct refusal *r = mem_new(struct refusal);

		e->reload = true;
		r->hold = h;
		r->mail.run = refused;
		worker_post(here->worker, &r->mail);
	}
	arena_free(&h->arena);
	mem_free(h->calls);
	h->calls = NULL;
}

/*
 * What is sent later in this turn follows from what was stored before all the same: the marks stay
 * until the turn ends.
 */
void
turn_flush(void)
{
	struct turn *t = &here->turn;

	if (t->hold)
		hold_submit(t->hold);
	t->hold = NULL;
}

void
turn_end(void)
{
	struct turn *t = &here->turn;
	struct entity *e = t->entity;

	struct charge kept;

	hm_assert(t->active);
	turn_flush();
	t->active = false;
	t->last_hold = NULL;
	t->shows_memory = false;
	t->shows_behind = t->routes_behind = NULL;
	t->id = 0;
	t->entity = NULL;
	t->cause = NULL;
	t->payer = NULL;
	charge_move(&kept, &t->kept);
	charge_return(&kept);
	if (e)
		entity_settle(e);
}

void
turn_read(struct entity *e, struct read_waiting *r)
{
	if (e && here->turn.active && here->turn.entity == e)
		turn_flush();
	if (e && e->writes > 0)
		list_push_back(&e->reads, &r->link);
	else
		r->go(r);
}
