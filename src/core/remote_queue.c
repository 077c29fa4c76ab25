/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/remote_queue.c - what waits in a pair.  Each letter is an item; one with a row may be on disk
 * only: when there is no memory for it, or when the former process has left it.  Items stay in
 * memory, so that the order is theirs and nothing is read twice.
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/core.h"
#include "core/here.h"
#include "core/ids.h"
#include "core/metrics.h"
#include "core/remote_pair.h"
#include "core/turn.h"
#include "loop/worker.h"
#include "store/store.h"

#define READ_AT_ONCE 16
#define REMOVE_AT_ONCE 16
#define ROWS_MAX 100000 /* of a pair, and pairs, at start */
#define AGAIN_MS 1000
#define PAIRS_AT_ONCE 20 /* begin to connect, at start */
#define PAIRS_MS 200

enum { APPEND, PAIRS, LIST, READ, REMOVE, STATEMENTS };

static const char *const sql[STATEMENTS] = {
	[PAIRS] = "SELECT DISTINCT remote, local FROM remote_queue WHERE run <> $1 LIMIT $2",
	[LIST] = "SELECT id, worker, LENGTH(stanza) FROM remote_queue"
		 " WHERE remote = $1 AND local = $2 AND run <> $3 ORDER BY id, worker LIMIT $4",
	[READ] = "SELECT recipient, stanza FROM remote_queue"
		 " WHERE remote = $1 AND local = $2 AND id = $3 AND worker = $4",
	[REMOVE] = "DELETE FROM remote_queue"
		   " WHERE remote = $1 AND local = $2 AND id = $3 AND worker = $4",
};
static const struct store_column columns[] = {
	{ "remote", HM_V_TEXT }, { "local", HM_V_TEXT }, { "id", HM_V_INT },
	{ "worker", HM_V_INT },  { "run", HM_V_INT },    { "recipient", HM_V_TEXT },
	{ "stanza", HM_V_TEXT },
};
static const struct store_table table = { "remote_queue", NULL, columns, HM_COUNT(columns) };
static unsigned statement[STATEMENTS];
/* Names this process; written before the workers start. */
static int64_t run;

void
remote_register_statements(void)
{
	run = clock_wall_us();
	statement[APPEND] = store_append("remote", APPEND, &table);
	for (unsigned i = PAIRS; i < STATEMENTS; i++)
		statement[i] = store_statement("remote", i, sql[i], sql[i]);
}

/* --- Rows ---------------------------------------------------------------------------- */

void
remote_store_row(struct hm_letter *l, const char *local)
{
	struct buf xml = { 0 };

	stanza_write(l->stanza, NULL, &xml);
	buf_append(&xml, "", 1);
	l->row = ids_new();
	l->row_worker = here->worker;
	turn_store(statement[APPEND], true,
	           (struct hm_value[]){ hm_value_text(l->to_domain), hm_value_text(local),
	                                hm_value_int(l->row), hm_value_int(l->row_worker),
	                                hm_value_int(run), hm_value_text(l->to),
	                                hm_value_text(xml.data) },
	           HM_COUNT(columns));
	buf_free(&xml);
}

struct removal {
	struct list link;
	char *remote, *local;
	int64_t row;
	unsigned worker;
};

/* On their way to the store. */
struct removing {
	struct removal *v[REMOVE_AT_ONCE];
	size_t n;
};

static void
removal_free(struct removal *r)
{
	mem_free(r->remote);
	mem_free(r->local);
	mem_free(r);
}

static void
remove_again(struct timer *t)
{
	worker_at_turn_end(&here->remotes->remove);
}

static void
come_again(struct removing *group)
{
	struct remotes *rs = here->remotes;

	for (size_t i = group->n; i > 0; i--)
		list_push_front(&rs->removals, &group->v[i - 1]->link);
	mem_free(group);
	timer_start(&rs->remove_again, AGAIN_MS, remove_again);
}

static void
removed(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct removing *group = ctx;

	if (outcome != STORE_OK) {
		come_again(group);
		return;
	}
	for (size_t i = 0; i < group->n; i++)
		removal_free(group->v[i]);
	mem_free(group);
}

static bool
remove_group(struct remotes *rs)
{
	struct removing *group = mem_new(struct removing);
	struct hm_value args[REMOVE_AT_ONCE][4];
	struct store_call calls[REMOVE_AT_ONCE];

	while (!list_empty(&rs->removals) && group->n < REMOVE_AT_ONCE) {
		struct removal *r = list_entry(rs->removals.next, struct removal, link);
		size_t i = group->n++;

		list_remove(&r->link);
		group->v[i] = r;
		args[i][0] = hm_value_text(r->remote);
		args[i][1] = hm_value_text(r->local);
		args[i][2] = hm_value_int(r->row);
		args[i][3] = hm_value_int(r->worker);
		calls[i] = (struct store_call){ statement[REMOVE], args[i], 4 };
	}
	if (store_write(calls, group->n, removed, group))
		return true;
	come_again(group);
	return false;
}

void
remote_remove_rows(struct turn_end *te)
{
	struct remotes *rs = HM_CONTAINER(te, struct remotes, remove);

	while (!list_empty(&rs->removals) && !timer_running(&rs->remove_again)) {
		if (!remove_group(rs))
			return;
	}
}

void
remote_remove_row(const struct remote_pair *p, int64_t row, unsigned worker)
{
	struct removal *r = mem_new(struct removal);

	r->remote = mem_strdup(p->remote);
	r->local = mem_strdup(p->local);
	r->row = row;
	r->worker = worker;
	list_push_back(&here->remotes->removals, &r->link);
	worker_at_turn_end(&here->remotes->remove);
}

/* --- Items --------------------------------------------------------------------------- */

static void
weigh(struct remote_pair *p, const struct remote_item *item, bool in)
{
	size_t bytes = item->letter ? item->bytes : 0;

	p->bytes += in ? bytes : -bytes;
	here->remotes->bytes += in ? bytes : -bytes;
}

static void
item_joins(struct remote_pair *p, struct remote_item *item)
{
	p->n_items++;
	p->n_fleeting += item->row == 0;
	weigh(p, item, true);
}

static void
item_leaves(struct remote_pair *p, struct remote_item *item)
{
	p->n_items--;
	p->n_fleeting -= item->row == 0;
	weigh(p, item, false);
}

bool
remote_add(struct remote_pair *p, struct hm_letter *take)
{
	const struct core_limits *limits = core_limits();
	size_t bytes = stanza_weight(take->stanza) + sizeof(*take) + sizeof(struct remote_item);
	bool room = p->bytes + bytes <= limits->remote_memory &&
	            here->remotes->bytes + bytes <= limits->remote_memory_total;
	struct remote_item *item;

	if (p->n_items >= (size_t)limits->remote_letters || (!room && take->row == 0))
		return false;
	item = mem_new(struct remote_item);
	item->row = take->row;
	item->worker = take->row_worker;
	item->since_us = clock_wall_us();
	item->bytes = bytes;
	if (room)
		item->letter = take;
	else
		letter_free(&take);
	list_push_back(&p->items, &item->link);
	item_joins(p, item);
	metric_add(core_metric(CM_REMOTE_WAITING), 1);
	return true;
}

static struct hm_letter *
take_letter(struct remote_item *item)
{
	struct hm_letter *l = item->letter;

	list_remove(&item->link);
	metric_add(core_metric(CM_REMOTE_WAITING), -1);
	mem_free(item);
	return l;
}

struct hm_letter *
remote_item_letter(struct remote_pair *p, struct remote_item *item)
{
	item_leaves(p, item);
	return take_letter(item);
}

struct hm_letter *
remote_sent_letter(struct remote_pair *p, struct remote_item *item)
{
	p->n_sent--;
	p->sent_bytes -= item->bytes;
	return take_letter(item);
}

void
remote_item_to_sent(struct remote_pair *p, struct remote_item *item)
{
	list_remove(&item->link);
	item_leaves(p, item);
	list_push_back(&p->sent, &item->link);
	p->n_sent++;
	p->sent_bytes += item->bytes;
}

void
remote_item_back(struct remote_pair *p, struct remote_item *item)
{
	list_remove(&item->link);
	p->n_sent--;
	p->sent_bytes -= item->bytes;
	list_push_front(&p->items, &item->link);
	item_joins(p, item);
}

/* --- Reading ------------------------------------------------------------------------- */

struct reading {
	struct remote_pair *pair;
	struct remote_item *item[READ_AT_ONCE];
	size_t n;
};

static void
read_one(struct remote_pair *p, struct remote_item *item, struct store_rows *row)
{
	const char *to, *xml;
	const struct hm_stanza *stanza = NULL;

	if (store_next(row)) {
		to = store_text(row, 0);
		xml = store_text(row, 1);
		stanza = to && xml ? stanza_parse(xml, strlen(xml)) : NULL;
	}
	if (!stanza) {
		log_line(&p->log, HM_ERROR, "a stanza for another server is not in the database");
		remote_item_letter(p, item);
		return;
	}
	item->letter = letter_to(stanza, to);
	item->letter->row = item->row;
	item->letter->row_worker = item->worker;
	item->bytes = stanza_weight(stanza) + sizeof(*item->letter) + sizeof(*item);
	weigh(p, item, true);
}

static void
look_again(struct timer *t)
{
	remote_look(HM_CONTAINER(t, struct remote_pair, timer));
}

static void
were_read(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct reading *r = ctx;
	struct remote_pair *p = r->pair;

	p->reading--;
	for (size_t i = 0; i < r->n; i++) {
		r->item[i]->reading = false;
		if (outcome == STORE_OK)
			read_one(p, r->item[i], rows[i]);
	}
	mem_free(r);
	if (outcome == STORE_OK)
		remote_look(p);
	else
		timer_start(&p->timer, AGAIN_MS, look_again);
}

void
remote_read(struct remote_pair *p)
{
	struct reading *r;
	struct hm_value args[READ_AT_ONCE][4];
	struct store_call calls[READ_AT_ONCE];

	if (p->reading > 0)
		return;
	r = mem_new(struct reading);
	r->pair = p;
	for (struct list *l = p->items.next; l != &p->items && r->n < READ_AT_ONCE; l = l->next) {
		struct remote_item *item = list_entry(l, struct remote_item, link);

		if (item->letter)
			break;
		item->reading = true;
		args[r->n][0] = hm_value_text(p->remote);
		args[r->n][1] = hm_value_text(p->local);
		args[r->n][2] = hm_value_int(item->row);
		args[r->n][3] = hm_value_int(item->worker);
		calls[r->n] = (struct store_call){ statement[READ], args[r->n], 4 };
		r->item[r->n++] = item;
	}
	p->reading++;
	store_read(calls, r->n, were_read, r);
}

/* --- What the former process has left --------------------------------------------------- */

static void
load_again(struct timer *t)
{
	remote_load(HM_CONTAINER(t, struct remote_pair, timer));
}

static void
listed(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct remote_pair *p = ctx;
	struct list *place = p->items.next; /* before what has come since */

	p->reading--;
	if (outcome != STORE_OK) {
		timer_start(&p->timer, AGAIN_MS, load_again);
		return;
	}
	while (store_next(rows[0])) {
		struct remote_item *item = mem_new(struct remote_item);

		item->row = item->since_us = store_int(rows[0], 0);
		item->worker = (unsigned)store_int(rows[0], 1);
		item->bytes = (size_t)store_int(rows[0], 2);
		list_push_back(place, &item->link);
		item_joins(p, item);
		metric_add(core_metric(CM_REMOTE_WAITING), 1);
	}
	p->state = REMOTE_IDLE;
	p->starting = false;
	remote_look(p);
}

void
remote_load(struct remote_pair *p)
{
	struct hm_value args[4] = { hm_value_text(p->remote), hm_value_text(p->local),
		                    hm_value_int(run), hm_value_int(ROWS_MAX) };
	struct store_call call = { statement[LIST], args, 4 };

	p->reading++;
	store_read(&call, 1, listed, p);
}

struct starting {
	struct timer timer;
	void (*found)(const char *remote, const char *local);
	char **remote, **local;
	size_t n, next;
};

static void
start_some(struct timer *t)
{
	struct starting *s = HM_CONTAINER(t, struct starting, timer);

	for (unsigned i = 0; i < PAIRS_AT_ONCE && s->next < s->n; i++, s->next++) {
		s->found(s->remote[s->next], s->local[s->next]);
		mem_free(s->remote[s->next]);
		mem_free(s->local[s->next]);
	}
	if (s->next < s->n) {
		timer_start(&s->timer, PAIRS_MS, start_some);
		return;
	}
	mem_free(s->remote);
	mem_free(s->local);
	mem_free(s);
}

static void pairs_read(struct starting *s);

static void
read_pairs_again(struct timer *t)
{
	pairs_read(HM_CONTAINER(t, struct starting, timer));
}

static void
pairs_known(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct starting *s = ctx;
	size_t most;

	if (outcome != STORE_OK) {
		timer_start(&s->timer, AGAIN_MS, read_pairs_again);
		return;
	}
	most = store_count(rows[0]);
	s->remote = mem_array(most + 1, sizeof(char *));
	s->local = mem_array(most + 1, sizeof(char *));
	while (store_next(rows[0])) {
		const char *remote = store_text(rows[0], 0), *local = store_text(rows[0], 1);

		if (!remote || !local || link_home(remote) != here->worker)
			continue;
		s->remote[s->n] = mem_strdup(remote);
		s->local[s->n++] = mem_strdup(local);
	}
	start_some(&s->timer);
}

static void
pairs_read(struct starting *s)
{
	struct hm_value args[2] = { hm_value_int(run), hm_value_int(ROWS_MAX) };
	struct store_call call = { statement[PAIRS], args, 2 };

	store_read(&call, 1, pairs_known, s);
}

void
remote_load_pairs(void (*found)(const char *remote, const char *local))
{
	struct starting *s = mem_new(struct starting);

	s->found = found;
	pairs_read(s);
}
