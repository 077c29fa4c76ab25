/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/pg_conn.c - one connection on its worker: a queue, what flies, and results.
 *
 * A connection that writes has one batch on its way; the next is what queued up meanwhile.  When
 * a connection is lost, what was not committed for certain is asked of the database once there is
 * one again (pg_connect.c brings the last mark of the lane along), and then reported or run again.
 */
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/worker.h"
#include "store/failpoint.h"
#include "store/pg.h"

#define READS_PER_BATCH 64
#define BATCH_BYTES ((size_t)4 * 1024 * 1024)
/* Deadlocks and the like: so often, then the batch is taken apart. */
#define TRIES_MAX 20
#define PATIENCE_DEFAULT_MS 30000

static void send_more(struct pg_conn *c);

/* --- The queue ---------------------------------------------------------------------- */

static void
queue_back(struct pg_conn *c, struct store_request *chain)
{
	*c->last = chain;
	while (*c->last)
		c->last = &(*c->last)->next;
}

/* All of a batch again before what waits. */
static void
queue_front(struct pg_conn *c, struct pg_batch *b)
{
	if (!b->first)
		return;
	*b->last = c->first;
	if (!c->first)
		c->last = b->last;
	c->first = b->first;
	b->first = NULL;
	b->n = 0;
}

static bool
line_broken(struct store_request *req)
{
	int broken = req->line ? atomic_load_explicit(&req->line->broken, memory_order_relaxed)
	                       : STORE_OK;

	if (broken != STORE_OK)
		req->outcome = (enum store_outcome)broken;
	return broken != STORE_OK;
}

/* How many the next batch may take. */
static unsigned
batch_limit(struct pg_conn *c, bool *apart)
{
	unsigned limit;

	*apart = false;
	if (c->way != STORE_WRITE_GROUP)
		return c->way == STORE_LONG_READ ? 1 : READS_PER_BATCH;
	if (c->single) {
		c->single--;
		return 1;
	}
	if (c->narrow) {
		limit = c->narrow;
		c->narrow = c->then_one;
		c->then_one = false;
		return limit;
	}
	if (c->apart) {
		limit = c->apart;
		c->apart = 0;
		*apart = true;
		return limit;
	}
	return pg_driver.config.batch_max;
}

/* false: all that it took is left out, and answered. */
static bool
take_batch(struct pg_conn *c, struct pg_batch *b)
{
	unsigned limit = batch_limit(c, &b->apart);
	size_t bytes = 0;
	bool some = false;

	b->first = c->first;
	b->last = &c->first;
	b->n = 0;
	while (*b->last && b->n < limit && (b->n == 0 || bytes < BATCH_BYTES)) {
		struct store_request *req = *b->last;

		bytes += req->bytes;
		some |= !line_broken(req);
		b->last = &req->next;
		b->n++;
	}
	c->first = *b->last;
	if (!c->first)
		c->last = &c->first;
	*b->last = NULL;
	return some;
}

/* --- Answers --------------------------------------------------------------------------- */

static void
answer(struct store_request *req)
{
	if (req->way == STORE_WRITE_GROUP)
		failpoint(FAILPOINT_BEFORE_REPORT);
	store_request_finish(req, req->outcome);
}

/* Each with the outcome that it has. */
static void
answer_all(struct pg_batch *b)
{
	struct store_request *req = b->first, *next;

	b->first = NULL;
	b->n = 0;
	for (; req; req = next) {
		next = req->next;
		answer(req);
	}
}

/* Results that got lost, or of which nobody is told. */
static void
fill_rows(struct pg_batch *b, int64_t changed)
{
	for (struct store_request *req = b->first; req; req = req->next) {
		for (size_t i = 0; i < req->n && req->outcome == STORE_OK; i++) {
			if (req->rows[i])
				continue;
			req->rows[i] = store_rows_new(req->arena, req->calls[i].statement, 0);
			store_set_changed(req->rows[i], changed);
		}
	}
}

static void
committed(struct pg_conn *c, struct pg_batch *b)
{
	int64_t us = clock_mono_us() - b->sent_us;

	failpoint(FAILPOINT_AFTER_COMMIT);
	c->sequence = b->sequence;
	c->tries = 0;
	c->useful = true;
	atomic_fetch_add_explicit(&c->commits, 1, memory_order_relaxed);
	atomic_store_explicit(&c->last_commit_us, us, memory_order_relaxed);
	store_committed(us);
	store_recovered();
	fill_rows(b, 1);
	answer_all(b);
}

static void
fail(struct pg_conn *c, struct pg_batch *b, struct store_request *req)
{
	const struct store_statement *st = NULL;
	bool full = strcmp(b->state, "53100") == 0;

	if (b->failed < b->steps)
		st = store_statement_by_id(b->step[b->failed].statement);
	req->outcome = full && c->way == STORE_WRITE_GROUP ? STORE_NO_ROOM : STORE_FAILED;
	if (req->line)
		atomic_store_explicit(&req->line->broken, (int)req->outcome, memory_order_relaxed);
	/* Constraints, values of the wrong kind or size: of the data alone. */
	if (strncmp(b->state, "23", 2) == 0 || strncmp(b->state, "22", 2) == 0 ||
	    strncmp(b->state, "54", 2) == 0)
		log_line(&store_log, HM_DEBUG, "write refused", hm_kv("error", b->text),
		         hm_kv("owner", st ? st->owner : "store"),
		         hm_kv("statement", st ? st->number : 0));
	else
		store_report(st, b->text);
}

/* --- Connected or not ------------------------------------------------------------------- */

static void
free_events(struct pg_conn *c)
{
	if (c->readable)
		event_free(c->readable);
	if (c->writable)
		event_free(c->writable);
	c->readable = c->writable = NULL;
}

static void
wish_again(struct pg_conn *c)
{
	if (c->wishing || pg_driver.draining)
		return;
	c->wishing = true;
	pg_connect_wish(&c->wish);
}

static struct pg_batch *
flying(struct pg_conn *c, unsigned i)
{
	return &c->batch[(c->head + i) % PG_FLIGHT_MAX];
}

/* What flew: asked for later when it may have been committed, else sent again. */
static void
disconnected(struct pg_conn *c)
{
	free_events(c);
	PQfinish(c->pg);
	c->pg = NULL;
	atomic_store_explicit(&c->connected, false, memory_order_relaxed);
	c->wish.pause = !c->useful;
	for (unsigned i = c->flying; i-- > 0;) {
		struct pg_batch *b = flying(c, i);

		if (c->way == STORE_WRITE_GROUP && b->synced && b->marked &&
		    (b->failed == SIZE_MAX || b->failed == b->steps)) {
			hm_assert(c->unknown.n == 0);
			c->unknown.first = b->first;
			c->unknown.last = b->last;
			c->unknown.n = b->n;
			c->unknown.sequence = b->sequence;
			c->unknown.sent_us = b->sent_us;
			b->first = NULL;
		} else {
			queue_front(c, b);
		}
	}
	c->flying = 0;
	wish_again(c);
}

static void
lost(struct pg_conn *c)
{
	char text[200];

	store_connection_lost();
	pg_say(text, sizeof(text), PQerrorMessage(c->pg));
	if (text[0] && !pg_driver.draining) /* else it is us who give it up, and said why */
		log_line(&store_log, HM_WARN, "a connection to the database is lost",
		         hm_kv("error", text), hm_kv("worker", c->worker));
	disconnected(c);
}

/* --- Results ------------------------------------------------------------------------------ */

static void
note_failure(struct pg_batch *b, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (b->failed != SIZE_MAX)
		return;
	b->failed = b->at < b->steps ? b->at : b->steps;
	snprintf(b->state, sizeof(b->state), "%s", state ? state : "");
	pg_say(b->text, sizeof(b->text), text ? text : PQresultErrorMessage(result));
}

static void
step_worked(struct pg_conn *c, struct pg_batch *b, const PGresult *result)
{
	struct pg_step *step;

	if (b->at >= b->steps)
		return;
	step = &b->step[b->at];
	if (step->kind == PG_PREPARE && step->statement == PG_NO_STATEMENT) {
		c->mark_prepared = PG_PREPARED;
	} else if (step->kind == PG_PREPARE) {
		c->prepared[step->statement] = PG_PREPARED;
	} else if (step->kind == PG_CALL) {
		struct store_rows *rows = pg_rows(result, step->statement, step->req->arena);

		step->req->rows[step->call] = rows;
		if (!rows && b->failed == SIZE_MAX) {
			b->failed = b->at;
			snprintf(b->state, sizeof(b->state), "54000");
			snprintf(b->text, sizeof(b->text),
			         "the result is too large, or has a column of another type");
		}
	}
}

/* What was asked of a name and not granted may be asked again. */
static void
forget_asked(struct pg_conn *c, const struct pg_batch *b)
{
	for (size_t i = 0; i < b->steps; i++) {
		const struct pg_step *step = &b->step[i];

		if (step->kind != PG_PREPARE)
			continue;
		if (step->statement == PG_NO_STATEMENT)
			c->mark_prepared &= PG_PREPARED;
		else
			c->prepared[step->statement] &= PG_PREPARED;
	}
}

/* --- A batch has ended ---------------------------------------------------------------------- */

static bool
state_is(const struct pg_batch *b, const char *states)
{
	return b->state[0] && strstr(states, b->state);
}

/*
 * The database, not the data: a standby that was left behind, a server that ends, a pooler that
 * does not keep names.
 */
static bool
server_to_blame(const struct pg_conn *c, const struct pg_batch *b)
{
	/* Connections that read were told not to write. */
	if (c->way == STORE_WRITE_GROUP && state_is(b, "25006"))
		return true;
	return state_is(b, "57P01 57P02 57P03 57P05 08000 08003 08006 26000 42P05");
}

static bool
only_bad_luck(const struct pg_batch *b)
{
	return state_is(b, "40001 40P01 55P03");
}

/* Of those of the batch that count: its number, or n when it is not known. */
static unsigned
find_culprit(const struct pg_batch *b)
{
	const struct store_request *culprit = b->failed < b->steps ? b->step[b->failed].req : NULL;
	unsigned i = 0;

	for (const struct store_request *req = b->first; req && req != culprit; req = req->next)
		i++;
	return i;
}

/*
 * Nothing of it was written.  One group that fails alone has failed; of several, those before
 * the culprit are written first, then it comes alone, and then all others.
 */
static void
take_apart(struct pg_conn *c, struct pg_batch *b)
{
	unsigned culprit = find_culprit(b);
	unsigned live = 0;
	struct store_request *last_live = NULL;

	for (struct store_request *req = b->first; req; req = req->next) {
		if (req->outcome == STORE_OK) {
			live++;
			last_live = req;
		}
	}
	c->tries = 0;
	if (live == 1) {
		fail(c, b, last_live);
		answer_all(b);
		return;
	}
	if (culprit < b->n) {
		c->narrow = culprit ? culprit : 1;
		c->then_one = culprit > 0;
	} else if (b->failed < b->steps && !b->apart) {
		c->apart = b->n; /* joined rows of several groups */
	} else {
		c->single = b->n; /* only the commit failed */
	}
	queue_front(c, b);
}

/* false: the connection is of no use any more. */
static bool
write_failed(struct pg_conn *c, struct pg_batch *b)
{
	if (b->failed < b->steps &&
	    (b->step[b->failed].kind == PG_MARK ||
	     (b->step[b->failed].kind == PG_PREPARE && !b->step[b->failed].req &&
	      b->step[b->failed].statement == PG_NO_STATEMENT))) {
		c->wish.suspicious = true;
		store_report(NULL, b->text);
		queue_front(c, b);
		return false;
	}
	if (server_to_blame(c, b)) {
		store_report(NULL, b->text);
		queue_front(c, b);
		return false;
	}
	if (only_bad_luck(b) && ++c->tries < TRIES_MAX)
		queue_front(c, b);
	else
		take_apart(c, b);
	return true;
}

static bool
reads_ended(struct pg_conn *c, struct pg_batch *b)
{
	struct store_request *culprit = b->failed < b->steps ? b->step[b->failed].req : NULL;
	bool again = server_to_blame(c, b) || only_bad_luck(b);

	c->useful |= b->failed == SIZE_MAX;
	/* Those before it have their rows. */
	while (b->first && (b->failed == SIZE_MAX || b->first != culprit)) {
		struct store_request *req = b->first;

		b->first = req->next;
		answer(req);
	}
	if (b->first && !again) {
		struct store_request *req = b->first;

		b->first = req->next;
		fail(c, b, req);
		answer(req);
	}
	if (!b->first)
		b->last = &b->first;
	queue_front(c, b);
	return !server_to_blame(c, b);
}

static bool
batch_ended(struct pg_conn *c)
{
	struct pg_batch *b = flying(c, 0);

	if (b->failed != SIZE_MAX)
		forget_asked(c, b);
	c->head = (c->head + 1) % PG_FLIGHT_MAX;
	c->flying--;
	if (c->way != STORE_WRITE_GROUP)
		return reads_ended(c, b);
	if (b->failed != SIZE_MAX)
		return write_failed(c, b);
	committed(c, b);
	return true;
}

/* --- The wire ---------------------------------------------------------------------------------- */

static bool
flush(struct pg_conn *c)
{
	int left = PQflush(c->pg);

	if (left < 0)
		return false;
	if (left > 0 && c->writable)
		event_add(c->writable, NULL);
	return true;
}

/* All results are there: now the commit. */
static bool
results_complete(struct pg_conn *c, struct pg_batch *b)
{
	return b->synced || (pg_send_sync(c, b) && flush(c));
}

/* false: the connection is lost. */
static bool
take_result(struct pg_conn *c, PGresult *result)
{
	struct pg_batch *b = flying(c, 0);

	switch (PQresultStatus(result)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
		step_worked(c, b, result);
		return true;
	case PGRES_PIPELINE_ABORTED:
		return true;
	case PGRES_PIPELINE_SYNC:
		return batch_ended(c);
	default:
		/* Without a state it is libpq's own word. */
		if (!PQresultErrorField(result, PG_DIAG_SQLSTATE))
			return false;
		note_failure(b, result);
		return PQstatus(c->pg) != CONNECTION_BAD;
	}
}

/* false: the connection is lost. */
static bool
take_results(struct pg_conn *c)
{
	unsigned nothing = 0; /* a NULL may stand between an error of the commit and its end */

	while (c->flying > 0 && !PQisBusy(c->pg)) {
		struct pg_batch *b = flying(c, 0);
		PGresult *result = PQgetResult(c->pg);
		bool ok;

		if (result) {
			ok = take_result(c, result);
			PQclear(result);
			if (!ok)
				return false;
		} else if (b->at < b->steps) {
			b->at++; /* between two commands */
			if (b->at == b->steps && !results_complete(c, b))
				return false;
		} else if (PQstatus(c->pg) == CONNECTION_BAD) {
			return false;
		} else if (++nothing > 2) {
			break;
		}
	}
	return PQstatus(c->pg) != CONNECTION_BAD;
}

static void
read_some(struct pg_conn *c)
{
	bool alive = PQconsumeInput(c->pg);

	if (!take_results(c) || !alive || !flush(c))
		lost(c);
	else
		send_more(c);
}

static void
send_more(struct pg_conn *c)
{
	unsigned max = c->way == STORE_SHORT_READ ? PG_FLIGHT_MAX : 1;

	while (c->pg && c->first && c->flying < max && c->unknown.n == 0) {
		struct pg_batch *b = flying(c, c->flying);

		if (!take_batch(c, b)) {
			answer_all(b);
			continue;
		}
		c->flying++;
		if (!pg_send_batch(c, b) || !flush(c))
			lost(c);
	}
}

static void
readable(evutil_socket_t fd, short what, void *arg)
{
	worker_enter();
	read_some(arg);
	worker_leave();
}

static void
writable(evutil_socket_t fd, short what, void *arg)
{
	struct pg_conn *c = arg;

	worker_enter();
	if (!flush(c))
		lost(c);
	worker_leave();
}

/* --- Coming and going ------------------------------------------------------------------------------ */

/* The lane says how far it came. */
static void
settle_unknown(struct pg_conn *c)
{
	struct pg_batch *b = &c->unknown;

	if (b->n == 0)
		return;
	if (c->sequence >= b->sequence) {
		log_line(&store_log, HM_INFO, "a commit was found done after a lost connection",
		         hm_kv("groups", b->n), hm_kv("worker", c->worker));
		fill_rows(b, -1);
		answer_all(b);
	} else {
		queue_front(c, b);
	}
}

static void
adopt(struct pg_conn *c)
{
	struct event_base *base;
	int fd;

	c->pg = c->wish.fresh;
	c->wish.fresh = NULL;
	c->fence = c->wish.fence;
	c->sequence = c->wish.sequence;
	if (!c->prepared)
		c->prepared = mem_alloc(pg_driver.n + 1);
	memset(c->prepared, 0, pg_driver.n + 1);
	c->mark_prepared = 0;
	c->useful = false;
	atomic_store_explicit(&c->connected, true, memory_order_relaxed);
	if (!pg_driver.draining) {
		base = worker_base();
		fd = PQsocket(c->pg);
		c->readable = event_new(base, fd, EV_READ | EV_PERSIST, readable, c);
		c->writable = event_new(base, fd, EV_WRITE, writable, c);
		event_add(c->readable, NULL);
	}
	settle_unknown(c);
	send_more(c);
}

/* The database is away: reads are answered some day. */
static void
lose_patience(struct pg_conn *c)
{
	uint32_t ms =
		pg_driver.server.patience_ms ? pg_driver.server.patience_ms : PATIENCE_DEFAULT_MS;
	int64_t oldest = clock_mono_us() - (int64_t)ms * 1000;

	while (c->way != STORE_WRITE_GROUP && c->first && c->first->asked_us < oldest) {
		struct store_request *req = c->first;

		c->first = req->next;
		if (!c->first)
			c->last = &c->first;
		store_request_finish(req, STORE_FAILED);
	}
}

void
pg_conn_wished(struct mail *mail)
{
	struct pg_conn *c =
		HM_CONTAINER(HM_CONTAINER(mail, struct pg_wish, mail), struct pg_conn, wish);

	c->wishing = false;
	if (c->wish.fresh) {
		adopt(c);
	} else {
		lose_patience(c);
		if (c->first || c->unknown.n)
			wish_again(c);
	}
}

void
pg_conn_open(struct pg_conn *c)
{
	wish_again(c);
}

void
pg_conn_submit(struct pg_conn *c, struct store_request *chain)
{
	queue_back(c, chain);
	if (c->pg)
		send_more(c);
	else
		wish_again(c);
}

bool
pg_conn_idle(const struct pg_conn *c)
{
	return !c->first && !c->flying && !c->unknown.n;
}

unsigned
pg_conn_load(const struct pg_conn *c)
{
	return c->flying + (c->first ? PG_FLIGHT_MAX : 0) + (c->pg ? 0 : 2 * PG_FLIGHT_MAX);
}

void
pg_conn_step(struct pg_conn *c)
{
	struct pollfd p;

	if (!c->pg && c->wish.fresh) {
		adopt(c);
	} else if (!c->pg && !pg_connect_now(c)) {
		poll(NULL, 0, 100);
	} else if (!c->pg) {
		adopt(c);
	} else {
		send_more(c);
		if (!c->pg)
			return;
		p = (struct pollfd){ .fd = PQsocket(c->pg), .events = POLLIN };
		if (PQflush(c->pg) > 0)
			p.events |= POLLOUT;
		poll(&p, 1, 100);
		read_some(c);
	}
}

void
pg_conn_free(struct pg_conn *c)
{
	free_events(c);
	PQfinish(c->pg);
	PQfinish(c->wish.fresh);
	for (size_t i = 0; i < PG_FLIGHT_MAX; i++)
		mem_free(c->batch[i].step);
	for (size_t i = 0; i < c->n_pending; i++)
		mem_free(c->pending[i].calls);
	mem_free(c->pending);
	mem_free(c->prepared);
	mem_free(c);
}
