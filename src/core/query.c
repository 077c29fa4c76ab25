/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/query.c - hm_store() and hm_query(): statements of modules, their anchors, and their
 * rows.  A read for an entity waits for that entity's writes; a write runs in its lane's order and
 * its callback runs even when the client has gone.
 */
#include "core/query.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/command.h"
#include "core/here.h"
#include "core/iq.h"
#include "core/served.h"
#include "core/turn.h"
#include "core/user.h"
#include "loop/worker.h"

enum anchor { ANCHOR_IQ, ANCHOR_CMD, ANCHOR_SESSION, ANCHOR_USER, ANCHOR_ENTITY, ANCHOR_MOD };

struct query {
	struct read_waiting waiting;
	struct mail mail;
	struct hm_mod *mod;
	enum anchor anchor;
	union {
		struct hm_iq *iq;
		struct hm_cmd *cmd;
		uint64_t session;
		struct hm_user *user;
		struct hm_entity *entity;
	} on;
	struct entity *entity; /* pinned; NULL: none */
	union {
		hm_iq_rows_fn *iq;
		hm_cmd_rows_fn *cmd;
		hm_session_rows_fn *session;
		hm_user_rows_fn *user;
		hm_entity_rows_fn *entity;
		hm_mod_rows_fn *mod;
	} done;
	bool writes, slow;
	struct arena *arena;
	struct store_call call;
};

void
hm_store_(struct hm_mod *m, unsigned stmt, const struct hm_value *v, size_t n)
{
	hm_assert(stmt < m->slot->module->decl->sql.n);
	turn_store(m->slot->module->statements[stmt],
	           m->slot->module->decl->sql.v[stmt].append != NULL, v, n);
}

/* --- Back from the store ------------------------------------------------------------------------- */

struct back {
	struct query *q;
	struct hm_rows rows;
};

static void
iq_back(struct hm_iq *rq, void *arg)
{
	struct back *b = arg;

	if (b->q->done.iq)
		b->q->done.iq(rq, &b->rows);
}

static void
cmd_back(struct hm_cmd *cmd, void *arg)
{
	struct back *b = arg;

	b->q->done.cmd(cmd, &b->rows);
}

/* Anchors other than requests: a turn of their entity around the callback. */
static void
plain_back(struct back *b)
{
	struct query *q = b->q;
	struct hm_session *s;

	turn_begin(q->entity, NULL);
	doing(q->mod, "query", q->entity ? q->entity->address : NULL);
	switch (q->anchor) {
	case ANCHOR_SESSION:
		if ((s = session_find(q->on.session)) && q->done.session)
			q->done.session(q->mod, s, &b->rows);
		break;
	case ANCHOR_USER:
		if (q->done.user)
			q->done.user(q->mod, q->on.user, &b->rows);
		break;
	case ANCHOR_ENTITY:
		if (q->done.entity)
			q->done.entity(q->mod, q->on.entity, &b->rows);
		break;
	default:
		if (q->done.mod)
			q->done.mod(q->mod, &b->rows);
	}
	done_doing();
	turn_end();
}

static void
query_back(struct query *q, enum store_outcome outcome, struct store_rows *rows)
{
	struct back b = { q, { rows } };
	struct entity *e = q->entity;

	if (e && q->writes)
		e->writes--;
	if (q->anchor == ANCHOR_IQ)
		q->on.iq->no_room = outcome == STORE_NO_ROOM;
	if (outcome == STORE_FAILED && q->anchor > ANCHOR_CMD)
		log_line(&q->mod->log, HM_ERROR, "a statement failed");
	if (q->anchor == ANCHOR_IQ)
		iq_resume(q->on.iq, rows ? iq_back : NULL, &b);
	else if (q->anchor == ANCHOR_CMD)
		command_resume(q->on.cmd, rows ? cmd_back : NULL, &b);
	else if (rows)
		plain_back(&b);
	mem_free(q);
	if (e) {
		turn_reads(e);
		e->pins--;
		entity_settle(e);
	}
}

static void
query_done(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	query_back(ctx, outcome, outcome == STORE_OK ? rows[0] : NULL);
}

/* The lane is full: fails in a later turn, as everything that comes back does. */
static void
query_refused(struct mail *mail)
{
	query_back(HM_CONTAINER(mail, struct query, mail), STORE_NO_ROOM, NULL);
}

static void
query_go(struct read_waiting *r)
{
	struct query *q = HM_CONTAINER(r, struct query, waiting);

	if (!q->writes) {
		(q->slow ? store_read_long : store_read)(&q->call, 1, query_done, q);
	} else if (!store_write(&q->call, 1, query_done, q)) {
		q->mail.run = query_refused;
		worker_post(here->worker, &q->mail);
	}
	arena_free(&q->arena);
}

/* --- Off to it ----------------------------------------------------------------------------------------- */

static void
copy_args(struct query *q, const struct hm_value *v, size_t n)
{
	struct hm_value *copy = arena_alloc(q->arena, (n + 1) * sizeof(*copy));

	for (size_t i = 0; i < n; i++) {
		copy[i] = v[i];
		if (v[i].type == HM_V_TEXT) {
			copy[i].u.text = arena_strdup(q->arena, v[i].u.text);
		} else if (v[i].type == HM_V_BLOB) {
			void *data = arena_alloc(q->arena, v[i].u.blob.len + 1);

			memcpy(data, v[i].u.blob.data, v[i].u.blob.len);
			copy[i].u.blob.data = data;
		}
	}
	q->call.args = copy;
	q->call.n = n;
}

static struct query *
query_new(struct hm_mod *m, enum anchor anchor, struct entity *e, unsigned stmt,
          const struct hm_value *v, size_t n)
{
	struct query *q = mem_new(struct query);

	hm_assert(stmt < m->slot->module->decl->sql.n);
	q->mod = m;
	q->anchor = anchor;
	q->entity = e;
	q->writes = m->slot->module->writes[stmt];
	q->slow = m->slot->module->decl->sql.v[stmt].slow;
	q->waiting.go = query_go;
	q->arena = arena_new(256);
	q->call.statement = m->slot->module->statements[stmt];
	copy_args(q, v, n);
	if (e)
		e->pins++;
	return q;
}

static void
submit(struct query *q)
{
	if (q->writes) {
		if (turn_entity())
			turn_flush(); /* what was stored before it in this callback goes first */
		if (q->entity)
			q->entity->writes++; /* reads wait for it */
		query_go(&q->waiting);
	} else {
		turn_read(q->entity, &q->waiting);
	}
}

void
hm_query_iq(struct hm_mod *m, struct hm_iq *rq, unsigned stmt, hm_iq_rows_fn *done,
            const struct hm_value *v, size_t n)
{
	struct query *q = query_new(m, ANCHOR_IQ, iq_entity(rq), stmt, v, n);

	q->on.iq = rq;
	q->done.iq = done;
	iq_hold(rq);
	submit(q);
}

void
hm_query_cmd(struct hm_mod *m, struct hm_cmd *cmd, unsigned stmt, hm_cmd_rows_fn *done,
             const struct hm_value *v, size_t n)
{
	struct query *q = query_new(m, ANCHOR_CMD, command_entity(cmd), stmt, v, n);

	q->on.cmd = cmd;
	q->done.cmd = done;
	command_hold(cmd);
	submit(q);
}

void
hm_query_session(struct hm_mod *m, struct hm_session *s, unsigned stmt, hm_session_rows_fn *done,
                 const struct hm_value *v, size_t n)
{
	struct query *q = query_new(m, ANCHOR_SESSION, &s->user->entity, stmt, v, n);

	q->on.session = s->id;
	q->done.session = done;
	submit(q);
}

void
hm_query_user(struct hm_mod *m, struct hm_user *u, unsigned stmt, hm_user_rows_fn *done,
              const struct hm_value *v, size_t n)
{
	struct query *q = query_new(m, ANCHOR_USER, &u->entity, stmt, v, n);

	q->on.user = u;
	q->done.user = done;
	submit(q);
}

void
hm_query_entity(struct hm_mod *m, struct hm_entity *e, unsigned stmt, hm_entity_rows_fn *done,
                const struct hm_value *v, size_t n)
{
	struct query *q = query_new(m, ANCHOR_ENTITY, served_entity(e), stmt, v, n);

	q->on.entity = e;
	q->done.entity = done;
	submit(q);
}

void
hm_query_mod(struct hm_mod *m, struct hm_mod *anchor, unsigned stmt, hm_mod_rows_fn *done,
             const struct hm_value *v, size_t n)
{
	struct query *q = query_new(m, ANCHOR_MOD, NULL, stmt, v, n);

	q->done.mod = done;
	submit(q);
}

/* --- Rows ------------------------------------------------------------------------------------------------ */

bool
hm_next_row(struct hm_rows *rows)
{
	return store_next(rows->rows);
}

const char *
hm_col_text(const struct hm_rows *rows, unsigned col)
{
	return store_text(rows->rows, col);
}

int64_t
hm_col_int(const struct hm_rows *rows, unsigned col)
{
	return store_int(rows->rows, col);
}

bool
hm_col_null(const struct hm_rows *rows, unsigned col)
{
	return store_is_null(rows->rows, col);
}

int64_t
hm_rows_changed(const struct hm_rows *rows)
{
	return store_changed(rows->rows);
}

size_t
hm_rows_count(const struct hm_rows *rows)
{
	return store_count(rows->rows);
}
