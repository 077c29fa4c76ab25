/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/turn.c - the outbox of an entity.  It is a queue of holds (groups of writes in flight) and
 * of outputs behind them.  When a hold's commit is reported, everything up to the next open
 * hold goes out.  When it failed, what its turn had sent is dropped, and its cause is answered;
 * so it goes with all later turns of that memory, whose rows the store does not write either
 * (struct store_line).  Answers that showed that memory become errors.
 */
#include "core/turn.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/here.h"
#include "core/metrics.h"
#include "core/router.h"
#include "loop/worker.h"
#include "store/store.h"

enum output_kind { OUTPUT_HOLD, OUTPUT_ROUTE, OUTPUT_DELIVER, OUTPUT_CLOSE };

struct output {
	struct list link;
	enum output_kind kind;
	uint64_t turn; /* the turn that made it */
	bool shows_memory;
	/* OUTPUT_ROUTE */
	struct hm_letter *letter;
	/* OUTPUT_DELIVER, OUTPUT_CLOSE */
	uint64_t session;
	const struct hm_stanza *stanza;
	char *to;
	struct charge charge; /* OUTPUT_DELIVER; a letter has its own */
};

struct hold {
	struct output output; /* first; kind OUTPUT_HOLD */
	struct entity *entity;
	bool closed;
	enum store_outcome outcome;    /* closed */
	const struct hm_stanza *cause; /* NULL: nobody is told of a failure */
	char *cause_to;
	int64_t since_us;
	struct arena *arena; /* of the arguments, until they are submitted */
	struct store_call *calls;
	size_t n, size;
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
	t->hold = NULL;
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

void
turn_payer(struct credit *c)
{
	here->turn.payer = c;
}

void
turn_return(struct charge *ch)
{
	struct charge *kept = &here->turn.kept;

	if (!ch->credit || ch->credit != here->turn.payer) {
		charge_return(ch);
		return;
	}
	kept->credit = ch->credit;
	kept->stanzas += ch->stanzas;
	kept->units += ch->units;
	*ch = (struct charge){ 0 };
}

struct entity *
turn_entity(void)
{
	return here->turn.active ? here->turn.entity : NULL;
}

/* --- Output --------------------------------------------------------------------------- */

static void
output_free(struct output *o)
{
	list_remove(&o->link);
	letter_free(&o->letter);
	stanza_unref(&o->stanza);
	turn_return(&o->charge);
	mem_free(o->to);
	mem_free(o);
}

static void
output_perform(struct output *o)
{
	struct hm_session *s;

	if (o->kind == OUTPUT_ROUTE) {
		struct hm_letter *l = o->letter;

		o->letter = NULL;
		route(l);
	} else if (!(s = session_find(o->session))) {
		/* It has ended meanwhile. */
	} else if (o->kind == OUTPUT_CLOSE) {
		session_close(s, 0, NULL, HM_CLOSED_BY_CLIENT);
	} else {
		const struct hm_stanza *stanza = o->stanza;

		o->stanza = NULL;
		session_deliver(s, stanza, o->to);
	}
	output_free(o);
}

static struct output *
output_behind_holds(struct entity *e, enum output_kind kind)
{
	struct output *o = mem_new(struct output);

	o->kind = kind;
	o->turn = here->turn.serial;
	o->shows_memory = here->turn.shows_memory;
	list_push_back(&e->outbox, &o->link);
	return o;
}

void
turn_route(struct entity *e, struct hm_letter *take)
{
	letter_charge(take);
	if (e && !list_empty(&e->outbox))
		output_behind_holds(e, OUTPUT_ROUTE)->letter = take;
	else
		route(take);
}

void
turn_deliver(struct entity *e, struct hm_session *s, const struct hm_stanza *take, const char *to)
{
	if (e && !list_empty(&e->outbox)) {
		struct output *o = output_behind_holds(e, OUTPUT_DELIVER);

		o->session = s->id;
		o->stanza = take;
		o->to = to ? mem_strdup(to) : NULL;
		if (here->turn.payer)
			charge_take(&o->charge, here->turn.payer, 1,
			            sizeof(*o) + stanza_weight(take));
	} else {
		session_deliver(s, take, to);
	}
}

void
turn_close(struct entity *e, struct hm_session *s)
{
	if (list_empty(&e->outbox))
		session_close(s, 0, NULL, HM_CLOSED_BY_CLIENT);
	else
		output_behind_holds(e, OUTPUT_CLOSE)->session = s->id;
}

/* --- Holds ------------------------------------------------------------------------------ */

static void
hold_free(struct hold *h)
{
	list_remove(&h->output.link);
	stanza_unref(&h->cause);
	mem_free(h->cause_to);
	if (h->arena)
		arena_free(&h->arena);
	mem_free(h->calls);
	mem_free(h);
}

/* Its answer shows a change that is not stored: an error in its place, so that it is asked again. */
static void
refuse_to_show(struct output *o)
{
	const struct hm_stanza **answer = o->letter ? &o->letter->stanza : &o->stanza;
	const struct hm_stanza *was = *answer;
	struct stanza_build b;

	stanza_build_new(&b, STANZA_IQ, "error", was->id);
	writer_open(&b.w, NULL, "error");
	writer_attr(&b.w, "type", cond_type(HM_RESOURCE_CONSTRAINT));
	writer_open(&b.w, NS_STANZA_ERRORS, cond_name(HM_RESOURCE_CONSTRAINT));
	writer_close(&b.w);
	writer_close(&b.w);
	*answer = stanza_build_done(&b, was->from);
	stanza_unref(&was);
	o->shows_memory = false;
}

/* Certain that nothing was written: what the turn sent does not go out, its cause is answered. */
static void
hold_failed(struct hold *h)
{
	struct entity *e = h->entity;
	bool no_room = h->outcome == STORE_NO_ROOM;

	metric_add(core_metric(CM_HOLDS_FAILED), 1);
	/* The store tells of a full disk, once and not for every change. */
	log_line(&e->log, no_room ? HM_DEBUG : HM_WARN, "a change could not be stored");
	list_for_each(l, next, &e->outbox)
	{
		struct output *o = list_entry(l, struct output, link);

		if ((o->kind == OUTPUT_ROUTE || o->kind == OUTPUT_DELIVER) &&
		    o->turn == h->output.turn)
			output_free(o);
		else if (o->shows_memory)
			refuse_to_show(o);
	}
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

static void
outbox_flush(struct entity *e)
{
	while (!list_empty(&e->outbox)) {
		struct output *o = list_entry(e->outbox.next, struct output, link);

		if (o->kind == OUTPUT_HOLD) {
			struct hold *h = (struct hold *)o;

			if (!h->closed)
				return;
			if (h->outcome != STORE_OK)
				hold_failed(h);
			hold_free(h);
		} else {
			output_perform(o);
		}
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

	h->closed = true;
	h->outcome = outcome;
	/* From here on, though others may stand before it in the outbox. */
	e->reload = e->reload || outcome != STORE_OK;
	metric_observe(core_metric(CM_HOLD_TIME), clock_mono_us() - h->since_us);
	e->writes--;
	e->pins++;
	turn_begin(e, NULL); /* what is delivered passes the modules (client_deliver) */
	outbox_flush(e);
	turn_reads(e);
	e->pins--;
	turn_end();
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

	h->output.kind = OUTPUT_HOLD;
	h->output.turn = here->turn.serial;
	h->entity = e;
	h->since_us = clock_mono_us();
	h->arena = arena_new(0);
	if (cause) {
		h->cause = stanza_ref(cause->stanza);
		h->cause_to = cause->to ? mem_strdup(cause->to) : NULL;
	}
	list_push_back(&e->outbox, &h->output.link);
	e->writes++;
	return h;
}

void
turn_store(unsigned statement, const struct hm_value *v, size_t n)
{
	struct turn *t = &here->turn;
	struct hm_value *copy;

	hm_assert(t->active && t->entity);
	if (t->entity->doomed)
		return; /* its rows are gone: there is nothing to store to */
	if (!t->hold)
		t->hold = hold_new(t->entity);
	if (t->hold->n == t->hold->size) {
		t->hold->size = t->hold->size ? 2 * t->hold->size : 4;
		t->hold->calls =
			mem_realloc(t->hold->calls, t->hold->size * sizeof(struct store_call));
	}
	copy = arena_alloc(t->hold->arena, (n + 1) * sizeof(*copy));
	for (size_t i = 0; i < n; i++) {
		copy[i] = v[i];
		if (v[i].type == HM_V_TEXT) {
			copy[i].u.text = arena_strdup(t->hold->arena, v[i].u.text);
		} else if (v[i].type == HM_V_BLOB) {
			void *data = arena_alloc(t->hold->arena, v[i].u.blob.len + 1);

			memcpy(data, v[i].u.blob.data, v[i].u.blob.len);
			copy[i].u.blob.data = data;
		}
	}
	t->hold->calls[t->hold->n++] = (struct store_call){ statement, copy, n };
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
	t->shows_memory = false;
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
