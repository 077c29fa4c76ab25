/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/outbox.c - two queues of marks and outputs; see the header for who may pass. */
#include "core/outbox.h"

#include <string.h>

#include "base/mem.h"
#include "core/core.h"
#include "core/here.h"
#include "core/router.h"
#include "core/session.h"
#include "core/turn.h"
#include "xmpp/stanza_error.h"

/* Items of a queue. */
#define LOOKED_THROUGH 64

struct output {
	struct outbox_item item;
	uint64_t turn; /* the turn that made it */
	/* ITEM_ROUTE */
	struct hm_letter *letter;
	/* ITEM_DELIVER, ITEM_CLOSE */
	uint64_t session;
	const struct hm_stanza *stanza;
	char *to;
	int64_t id;
	bool shows_memory;    /* turn_shows_memory() */
	struct charge charge; /* a letter has its own */
};

void
outbox_init(struct outbox *o)
{
	list_init(&o->shown);
	list_init(&o->routed);
	o->states = 0;
}

bool
outbox_empty(const struct outbox *o)
{
	return list_empty(&o->shown) && list_empty(&o->routed);
}

/* --- Marks ------------------------------------------------------------------------------ */

void
outbox_mark(struct entity *e, struct outbox_mark *m, bool stops_routes)
{
	m->entity = e;
	m->turn = here->turn.serial;
	m->shown.kind = m->routed.kind = ITEM_MARK;
	list_push_back(&e->outbox.shown, &m->shown.link);
	list_init(&m->routed.link);
	here->turn.shows_behind = m;
	if (stops_routes)
		here->turn.routes_behind = m;
}

/* The first mark that makes a higher id certain; the end of the queue: there is none. */
static struct list *
place_of(struct entity *e, int64_t id)
{
	struct list *head = &e->outbox.shown, *place = head;

	for (struct list *l = head->prev; l != head; l = l->prev) {
		struct outbox_item *item = list_entry(l, struct outbox_item, link);
		int64_t its = item->kind == ITEM_MARK
		                      ? HM_CONTAINER(item, struct outbox_mark, shown)->id
		                      : 0;

		if (its > id)
			place = l;
		else if (its != 0)
			break;
	}
	return place;
}

void
outbox_mark_id(struct outbox_mark *m, int64_t id)
{
	m->id = id;
	list_remove(&m->shown.link);
	list_push_back(place_of(m->entity, id), &m->shown.link);
}

static void
stop_routes(struct outbox_mark *m)
{
	if (list_empty(&m->routed.link))
		list_push_back(&m->entity->outbox.routed, &m->routed.link);
}

void
outbox_mark_state(struct outbox_mark *m)
{
	if (m->state)
		return;
	m->state = true;
	m->entity->outbox.states++;
	stop_routes(m);
}

void
outbox_open(struct outbox_mark *m)
{
	if (m->state)
		m->entity->outbox.states--;
	list_remove(&m->shown.link);
	list_remove(&m->routed.link);
	if (here->turn.shows_behind == m)
		here->turn.shows_behind = NULL;
	if (here->turn.routes_behind == m)
		here->turn.routes_behind = NULL;
}

int64_t
outbox_lowest_id(const struct entity *e)
{
	const struct list *head = &e->outbox.shown;

	/* outbox_mark_id() keeps them in order. */
	for (struct list *l = head->next; l != head; l = l->next) {
		struct outbox_item *item = list_entry(l, struct outbox_item, link);

		if (item->kind == ITEM_MARK &&
		    HM_CONTAINER(item, struct outbox_mark, shown)->id != 0)
			return HM_CONTAINER(item, struct outbox_mark, shown)->id;
	}
	return INT64_MAX;
}

/* --- Outputs ------------------------------------------------------------------------------- */

/* Before this place of a queue. */
static struct output *
output_new(struct list *place, int kind)
{
	struct output *o = mem_new(struct output);

	o->item.kind = kind;
	o->turn = here->turn.serial;
	o->shows_memory = here->turn.shows_memory;
	list_push_back(place, &o->item.link);
	return o;
}

static void
output_free(struct output *o)
{
	list_remove(&o->item.link);
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

	list_remove(&o->item.link);
	if (o->item.kind == ITEM_ROUTE) {
		struct hm_letter *l = o->letter;

		o->letter = NULL;
		route(l);
	} else if (!(s = session_find(o->session))) {
		/* It has ended meanwhile. */
	} else if (o->item.kind == ITEM_CLOSE) {
		session_close(s, 0, NULL, HM_CLOSED_BY_CLIENT);
	} else {
		const struct hm_stanza *stanza = o->stanza;

		o->stanza = NULL;
		session_deliver(s, stanza, o->to, o->id);
	}
	output_free(o);
}

static void
flush_queue(struct list *queue)
{
	while (!list_empty(queue)) {
		struct outbox_item *item = list_entry(queue->next, struct outbox_item, link);

		if (item->kind == ITEM_MARK)
			return;
		if (item->kind == ITEM_CALL) {
			list_remove(&item->link);
			((struct outbox_call *)item)->run((struct outbox_call *)item);
		} else if (item->kind == ITEM_POST) {
			list_remove(&item->link);
			((struct outbox_post *)item)->go((struct outbox_post *)item);
		} else {
			output_perform((struct output *)item);
		}
	}
}

void
outbox_flush(struct entity *e)
{
	if (e->state != ENTITY_READY)
		return;
	flush_queue(&e->outbox.shown);
	flush_queue(&e->outbox.routed);
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

static void
drop_from(struct list *queue, uint64_t turn)
{
	list_for_each(l, next, queue)
	{
		struct outbox_item *item = list_entry(l, struct outbox_item, link);
		struct output *o = (struct output *)item;

		if (item->kind == ITEM_POST) {
			struct outbox_post *p = (struct outbox_post *)item;

			if (p->turn == turn) {
				list_remove(&item->link);
				p->drop(p);
			}
			continue;
		}
		if (item->kind != ITEM_ROUTE && item->kind != ITEM_DELIVER)
			continue;
		if (o->turn == turn) {
			if (o->letter) /* what caused it is refused; sent again, it is a new attempt */
				o->letter->refused = o->letter->failed = true;
			output_free(o);
		} else if (o->shows_memory) {
			refuse_to_show(o);
		}
	}
}

void
outbox_take_back(struct outbox_mark *m)
{
	list_for_each(l, next, &m->entity->outbox.shown)
	{
		struct outbox_item *item = list_entry(l, struct outbox_item, link);

		if (item->kind == ITEM_DELIVER && ((struct output *)item)->turn == m->turn)
			output_free((struct output *)item);
	}
}

void
outbox_drop(struct entity *e, uint64_t turn)
{
	drop_from(&e->outbox.shown, turn);
	drop_from(&e->outbox.routed, turn);
}

/* --- Who may pass ------------------------------------------------------------------------------ */

/* This turn has a mark itself: what it sends follows from that. */
static bool
is_of(const struct outbox_mark *m, const struct entity *e)
{
	return m && m->entity == e;
}

bool
outbox_stops_routes(const struct entity *e)
{
	return is_of(here->turn.routes_behind, e) || !list_empty(&e->outbox.routed);
}

void
outbox_route(struct entity *e, struct hm_letter *take)
{
	if (!outbox_stops_routes(e)) {
		route(take);
		return;
	}
	if (is_of(here->turn.routes_behind, e))
		stop_routes(here->turn.routes_behind);
	output_new(&e->outbox.routed, ITEM_ROUTE)->letter = take;
}

void
outbox_post(struct entity *e, struct outbox_post *take)
{
	take->item.kind = ITEM_POST;
	take->turn = here->turn.serial;
	if (!outbox_stops_routes(e)) {
		take->go(take);
		return;
	}
	if (is_of(here->turn.routes_behind, e))
		stop_routes(here->turn.routes_behind);
	list_push_back(&e->outbox.routed, &take->item.link);
}

/* Addresses of one account, whatever the resource. */
static bool
same_bare(const char *a, const char *b)
{
	size_t n = strcspn(a, "/");

	return strncmp(a, b, n) == 0 && (b[n] == '\0' || b[n] == '/');
}

/* What has no sender is the account's own. */
static const char *
sender_of(const struct entity *e, const struct hm_stanza *stanza)
{
	return stanza->from ? stanza->from : e->address;
}

/*
 * Something of the same sender waits for this session (RFC 6120 10.1), or, when this shows an id, something
 * that shows one; or so much that it is not looked through: to wait is never wrong.
 */
static bool
would_overtake(const struct entity *e, const struct hm_session *s, const struct hm_stanza *stanza,
               int64_t id)
{
	const struct list *head = &e->outbox.shown;
	const char *from = sender_of(e, stanza);
	unsigned seen = 0;

	for (struct list *l = head->next; l != head; l = l->next) {
		struct outbox_item *item = list_entry(l, struct outbox_item, link);
		const struct output *o = (const struct output *)item;

		if (++seen > LOOKED_THROUGH)
			return true;
		if (item->kind != ITEM_DELIVER || o->session != s->id)
			continue;
		if ((id != 0 && o->id > 0) || same_bare(sender_of(e, o->stanza), from))
			return true;
	}
	return false;
}

static bool
must_wait(const struct entity *e, const struct hm_session *s, const struct hm_stanza *stanza,
          int64_t id)
{
	if (list_empty(&e->outbox.shown))
		return false;
	if (e->outbox.states > 0)
		return true;
	if ((id != 0 || is_of(here->turn.shows_behind, e)) &&
	    host_limits(e->host)->delivery == DELIVERY_COMMITTED)
		return true;
	return would_overtake(e, s, stanza, id);
}

/* The very letter that this turn is about, or something that a module pushes. */
static int64_t
known_as(const struct hm_stanza *stanza, int64_t id)
{
	const struct hm_letter *cause = here->turn.cause;

	if (id != 0)
		return id;
	return cause && cause->stanza == stanza ? SESSION_LETTER : SESSION_PUSHED;
}

void
outbox_deliver(struct entity *e, struct hm_session *s, const struct hm_stanza *take, const char *to,
               int64_t id)
{
	struct output *o;

	if (!must_wait(e, s, take, id)) {
		session_deliver(s, take, to, known_as(take, id));
		return;
	}
	/* A message to oneself has an id that was given before those of others that wait already. */
	o = output_new(id && id == here->turn.id ? place_of(e, id) : &e->outbox.shown,
	               ITEM_DELIVER);
	o->session = s->id;
	o->stanza = take;
	o->to = to ? mem_strdup(to) : NULL;
	o->id = known_as(take, id);
	if (here->turn.payer)
		charge_take(&o->charge, here->turn.payer, 1, sizeof(*o) + stanza_weight(take));
}

void
outbox_close(struct entity *e, struct hm_session *s)
{
	if (list_empty(&e->outbox.shown))
		session_close(s, 0, NULL, HM_CLOSED_BY_CLIENT);
	else
		output_new(&e->outbox.shown, ITEM_CLOSE)->session = s->id;
}

void
outbox_call(struct entity *e, struct outbox_call *c)
{
	c->item.kind = ITEM_CALL;
	if (list_empty(&e->outbox.shown))
		c->run(c);
	else
		list_push_back(&e->outbox.shown, &c->item.link);
}
