/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/entity.c - activation and its limits, inboxes, and the entities that nothing needs any
 * more, which stay in memory within a budget.
 */
#include "core/entity.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/core.h"
#include "core/here.h"
#include "core/metrics.h"
#include "core/turn.h"
#include "loop/timer.h"

#define INBOX_BYTES_MAX (1024 * 1024)
#define LOADS_AT_ONCE 64
#define LOAD_AGAIN_MS 1000

struct entity *
entity_find(const char *address)
{
	return table_get(&here->entities, address);
}

static bool
in_list(const struct list *l)
{
	return !list_empty(l);
}

static void
begin_load(struct entity *e)
{
	here->loading++;
	metric_add(core_metric(CM_LOADS), 1);
	e->pins++;
	e->class->load(e);
}

void
entity_begin_loads(void)
{
	while (here->loading < LOADS_AT_ONCE && !list_empty(&here->to_load)) {
		struct entity *next = list_entry(here->to_load.next, struct entity, idle);

		list_remove(&next->idle);
		begin_load(next);
	}
}

/* A place has become free. */
static void
load_ended(struct entity *e)
{
	e->pins--;
	here->loading--;
	entity_begin_loads();
}

static void
load_when_possible(struct entity *e)
{
	e->state = ENTITY_LOADING;
	if (here->ids.ready && here->loading < LOADS_AT_ONCE)
		begin_load(e);
	else
		list_push_back(&here->to_load, &e->idle);
}

void
entity_add(struct entity *e, const struct entity_class *class, struct host *host,
           const char *address, const char *subject)
{
	e->class = class;
	e->host = host;
	e->address = mem_strdup(address);
	list_init(&e->inbox);
	outbox_init(&e->outbox);
	list_init(&e->reads);
	list_init(&e->idle);
	e->log = (struct hm_logctx){ .subject = subject,
		                     .n = 1,
		                     .field = { { "jid", hm_value_text(e->address) } } };
	table_put(&here->entities, e->address, e);
	metric_add(core_metric(CM_ENTITIES), 1);
	load_when_possible(e);
}

void
entity_wait(struct entity *e, struct waiter *w)
{
	if (entity_is_open(e)) {
		w->go(w, e, 0);
	} else if (e->inbox_bytes + w->bytes > INBOX_BYTES_MAX) {
		w->go(w, NULL, HM_RESOURCE_CONSTRAINT);
	} else {
		e->inbox_bytes += w->bytes;
		list_push_back(&e->inbox, &w->link);
		if (w->login && in_list(&e->idle)) { /* LOADING: in here->to_load */
			list_remove(&e->idle);
			list_push_front(&here->to_load, &e->idle);
		}
	}
}

static void
free_entity(struct entity *e)
{
	hm_assert(outbox_empty(&e->outbox) && e->away == 0 && list_empty(&e->reads) &&
	          list_empty(&e->inbox));
	if (in_list(&e->idle)) {
		list_remove(&e->idle);
		here->n_idle--;
	}
	table_remove(&here->entities, e->address);
	metric_add(core_metric(CM_ENTITIES), -1);
	mem_free((char *)(uintptr_t)e->address);
	e->class->free(e);
}

static void
refuse_inbox(struct entity *e, enum hm_cond why)
{
	struct list waiting;

	/* What is refused may begin to wait anew: not in this round. */
	list_init(&waiting);
	while (!list_empty(&e->inbox)) {
		struct list *l = e->inbox.next;

		list_remove(l);
		list_push_back(&waiting, l);
	}
	e->inbox_bytes = 0;
	while (!list_empty(&waiting)) {
		struct waiter *w = list_entry(waiting.next, struct waiter, link);

		list_remove(&w->link);
		w->go(w, NULL, why);
	}
}

void
entity_ready(struct entity *e)
{
	load_ended(e);
	e->state = ENTITY_READY;
	e->pins++; /* those that waited may be done with it at once */
	if (!outbox_empty(&e->outbox)) {
		turn_begin(e, NULL);
		outbox_flush(e);
		turn_end();
	}
	if (e->doomed)
		refuse_inbox(e, HM_ITEM_NOT_FOUND);
	while (!list_empty(&e->inbox) && entity_is_open(e)) {
		struct waiter *w = list_entry(e->inbox.next, struct waiter, link);

		list_remove(&w->link);
		e->inbox_bytes -= w->bytes;
		w->go(w, e, 0);
	}
	e->pins--;
	entity_settle(e);
}

void
entity_absent(struct entity *e)
{
	load_ended(e);
	refuse_inbox(e, HM_ITEM_NOT_FOUND);
	free_entity(e);
}

/* Of what goes on without its modules' memory. */
static bool
something_is_left(const struct entity *e)
{
	return e->writes > 0 || e->pins > 0 || e->away > 0 || !outbox_empty(&e->outbox) ||
	       in_list(&e->reads) || in_list(&e->inbox);
}

struct load_again {
	struct timer timer;
	struct entity *entity;
};

static void
load_again(struct timer *timer)
{
	struct load_again *l = HM_CONTAINER(timer, struct load_again, timer);

	load_when_possible(l->entity);
	mem_free(l);
}

void
entity_load_failed(struct entity *e)
{
	struct load_again *l;

	load_ended(e);
	refuse_inbox(e, HM_INTERNAL_SERVER_ERROR);
	if (!something_is_left(e) && e->class->idle(e)) {
		free_entity(e);
		return;
	}
	/* Its sessions stay, and what they send waits; so does what letters away hold back. */
	l = mem_new(struct load_again);
	l->entity = e;
	timer_start(&l->timer, LOAD_AGAIN_MS, load_again);
}

/* Is anything of the machinery still busy with it? */
static bool
entity_busy(const struct entity *e)
{
	return e->state != ENTITY_READY || e->reload || something_is_left(e);
}

static void
evict_beyond_budget(void)
{
	while (here->n_idle > (size_t)core_limits()->idle_entities) {
		free_entity(list_entry(here->idle.next, struct entity, idle));
	}
}

void
entity_settle(struct entity *e)
{
	if (e->state != ENTITY_READY)
		return;
	if (in_list(&e->idle)) {
		list_remove(&e->idle);
		here->n_idle--;
	}
	/* What waits for others (away) goes on waiting meanwhile. */
	if (e->reload && e->writes == 0 && e->pins == 0) {
		e->reload = false;
		store_line_mend(&e->line);
		log_line(&e->log, HM_DEBUG, "loading again after a failed write");
		e->class->unload(e);
		load_when_possible(e);
	} else if (!entity_busy(e) && e->class->idle(e)) {
		if (e->doomed) {
			free_entity(e);
			return;
		}
		list_push_back(&here->idle, &e->idle);
		here->n_idle++;
		evict_beyond_budget();
	}
}
