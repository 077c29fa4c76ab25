/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/pg_send.c - writes a batch of requests to its connection, as a pipeline with one
 * synchronisation at the end.
 *
 * What several groups append to one table is joined.  Such rows wait until a statement comes
 * that names their table, or until the end of the batch, so that whoever looks for them finds
 * them.
 */
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "store/failpoint.h"
#include "store/pg.h"

/*
 * Whether a batch was committed stands in the database, by lane and number, unless it does no harm
 * to send it twice.  Somebody else with the same lane changes its fence, and then this fails, and the
 * batch with it.
 */
const char pg_mark_sql[] =
	"UPDATE store_lanes SET sequence = $3 / (fence = $2)::int WHERE lane = $1";
static const Oid mark_types[] = { PG_OID_TEXT, PG_OID_INT8, PG_OID_INT8 };
static const char mark_name[] = "store_mark";

static void
add_step(struct pg_batch *b, enum pg_step_kind kind, unsigned statement, struct store_request *req,
         size_t call)
{
	if (b->steps == b->size) {
		b->size = b->size ? 2 * b->size : 32;
		b->step = mem_realloc(b->step, b->size * sizeof(*b->step));
	}
	b->step[b->steps++] = (struct pg_step){ kind, statement, req, call };
}

/* Names of statements are known to one connection, and made there when first used. */
static bool
prepare(struct pg_conn *c, struct pg_batch *b, unsigned id, struct store_request *req)
{
	const struct pg_statement *st = &pg_driver.statement[id];

	if (c->prepared[id] || pg_driver.server.unnamed)
		return true;
	c->prepared[id] = PG_ASKED;
	add_step(b, PG_PREPARE, id, req, 0);
	return PQsendPrepare(c->pg, st->name, st->sql, (int)st->n, st->types);
}

static bool
send_params(struct pg_conn *c, unsigned id, const struct pg_params *p)
{
	const struct pg_statement *st = &pg_driver.statement[id];

	if (pg_driver.server.unnamed)
		return PQsendQueryParams(c->pg, st->sql, (int)st->n, st->types, p->value, p->len,
		                         p->format, 1);
	return PQsendQueryPrepared(c->pg, st->name, (int)st->n, p->value, p->len, p->format, 1);
}

static bool
send_call(struct pg_conn *c, struct pg_batch *b, struct store_request *req, size_t i)
{
	const struct store_call *call = &req->calls[i];
	struct pg_params p;
	bool ok;

	if (!prepare(c, b, call->statement, req))
		return false;
	add_step(b, PG_CALL, call->statement, req, i);
	pg_params_row(&p, &pg_driver.statement[call->statement], call);
	ok = send_params(c, call->statement, &p);
	buf_free(&p.bytes);
	return ok;
}

/* --- Appends ------------------------------------------------------------------------- */

static bool
send_pending(struct pg_conn *c, struct pg_batch *b, struct pg_pending *p)
{
	struct pg_params params;
	bool ok;

	if (p->n == 0)
		return true;
	if (!prepare(c, b, p->statement, p->req))
		return false;
	add_step(b, PG_APPEND, p->statement, p->req, 0);
	pg_params_rows(&params, store_statement_by_id(p->statement)->table, p->calls, p->n);
	ok = send_params(c, p->statement, &params);
	buf_free(&params.bytes);
	p->n = 0;
	return ok;
}

/* Before a statement that might look at them. */
static bool
send_touched(struct pg_conn *c, struct pg_batch *b, unsigned id)
{
	for (size_t i = 0; i < c->n_pending; i++) {
		struct pg_pending *p = &c->pending[i];

		if (p->statement != id && pg_driver.statement[id].touches[p->statement] &&
		    !send_pending(c, b, p))
			return false;
	}
	return true;
}

/* In the order in which they came first: rows that refer to others come after those. */
static struct pg_pending *
find_pending(struct pg_conn *c, unsigned id)
{
	struct pg_pending *p;
	size_t i = 0;

	while (i < c->n_pending && c->pending[i].statement != id)
		i++;
	if (i == c->n_pending) {
		c->pending = mem_realloc(c->pending, (i + 1) * sizeof(*c->pending));
		c->pending[c->n_pending++] = (struct pg_pending){ .statement = id };
	} else if (c->pending[i].n == 0) {
		struct pg_pending again = c->pending[i];

		memmove(&c->pending[i], &c->pending[i + 1],
		        (c->n_pending - i - 1) * sizeof(*c->pending));
		i = c->n_pending - 1;
		c->pending[i] = again;
	}
	p = &c->pending[i];
	return p;
}

static bool
append(struct pg_conn *c, struct pg_batch *b, struct store_request *req, size_t i)
{
	struct pg_pending *p = find_pending(c, req->calls[i].statement);

	if (p->n == p->size) {
		p->size = p->size ? 2 * p->size : 64;
		p->calls = mem_realloc(p->calls, p->size * sizeof(*p->calls));
	}
	p->req = p->n == 0 || p->req == req ? req : NULL;
	p->calls[p->n++] = &req->calls[i];
	return !b->apart || send_pending(c, b, p);
}

/* --- Batches ---------------------------------------------------------------------------- */

static bool
send_request(struct pg_conn *c, struct pg_batch *b, struct store_request *req)
{
	for (size_t i = 0; i < req->n; i++) {
		unsigned id = req->calls[i].statement;

		if (!send_touched(c, b, id))
			return false;
		if (!(store_statement_by_id(id)->table ? append(c, b, req, i)
		                                       : send_call(c, b, req, i)))
			return false;
	}
	return true;
}

static bool
send_mark(struct pg_conn *c, struct pg_batch *b)
{
	struct hm_value args[] = { hm_value_text(c->lane), hm_value_int((int64_t)c->fence),
		                   hm_value_int((int64_t)b->sequence) };
	struct pg_statement mark = { .n = 3 };
	struct store_call call = { .args = args, .n = 3 };
	struct pg_params p;
	bool ok = true;

	memcpy(mark.types, mark_types, sizeof(mark_types));
	pg_params_row(&p, &mark, &call);
	if (pg_driver.server.unnamed) {
		ok = PQsendQueryParams(c->pg, pg_mark_sql, 3, mark_types, p.value, p.len, p.format,
		                       1);
	} else {
		if (!c->mark_prepared) {
			c->mark_prepared = PG_ASKED;
			add_step(b, PG_PREPARE, PG_NO_STATEMENT, NULL, 0);
			ok = PQsendPrepare(c->pg, mark_name, pg_mark_sql, 3, mark_types);
		}
		ok = ok && PQsendQueryPrepared(c->pg, mark_name, 3, p.value, p.len, p.format, 1);
	}
	add_step(b, PG_MARK, PG_NO_STATEMENT, NULL, 0);
	buf_free(&p.bytes);
	return ok;
}

/* For tests: the database says that its disk is full. */
static bool
send_failure(struct pg_conn *c, struct pg_batch *b)
{
	add_step(b, PG_CALL, PG_NO_STATEMENT, NULL, 0);
	return PQsendQueryParams(c->pg,
	                         "DO 'BEGIN RAISE ''no space left on device'' USING ERRCODE ="
	                         " ''disk_full''; END'",
	                         0, NULL, NULL, NULL, NULL, 1);
}

bool
pg_send_sync(struct pg_conn *c, struct pg_batch *b)
{
	bool write = c->way == STORE_WRITE_GROUP;

	if (write && failpoint(FAILPOINT_BEFORE_COMMIT) && !send_failure(c, b))
		return false;
	b->synced = true;
	return PQpipelineSync(c->pg) && !(write && failpoint(FAILPOINT_SYNC));
}

/* Only rows with keys: those that are there already are left out. */
static bool
may_be_repeated(const struct pg_batch *b)
{
	for (const struct store_request *req = b->first; req; req = req->next) {
		for (size_t i = 0; i < req->n; i++) {
			const struct store_table *table =
				store_statement_by_id(req->calls[i].statement)->table;

			if (!table || !table->key)
				return false;
		}
	}
	return true;
}

bool
pg_send_batch(struct pg_conn *c, struct pg_batch *b)
{
	bool ok = true;

	b->steps = b->at = 0;
	b->failed = SIZE_MAX;
	b->synced = b->wants_rows = false;
	b->state[0] = b->text[0] = '\0';
	b->sent_us = clock_mono_us();
	for (size_t i = 0; i < c->n_pending; i++)
		c->pending[i].n = 0;
	b->sequence = c->sequence;
	b->marked = c->way == STORE_WRITE_GROUP && !may_be_repeated(b);
	if (b->marked) {
		b->sequence++;
		ok = send_mark(c, b);
	}
	for (struct store_request *req = b->first; req && ok; req = req->next) {
		if (req->outcome != STORE_OK)
			continue; /* left out: its line is broken */
		b->wants_rows = b->wants_rows || !req->line;
		ok = send_request(c, b, req);
	}
	for (size_t i = 0; i < c->n_pending && ok; i++)
		ok = send_pending(c, b, &c->pending[i]);
	if (!ok)
		return false;
	/* Rows that somebody waits for must not get lost with a connection after the commit. */
	if (c->way == STORE_WRITE_GROUP && b->wants_rows)
		return PQsendFlushRequest(c->pg);
	return pg_send_sync(c, b);
}
