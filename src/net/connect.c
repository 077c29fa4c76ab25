/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/connect.c - the race.  One attempt begins every 250 ms, and at once when one has failed; a slot is free again
 * after ten seconds without answer, so that addresses that swallow everything do not keep those behind them from
 * being tried.
 */
#include "net/connect.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "loop/timer.h"
#include "loop/worker.h"
#include "net/listener.h"

struct attempt {
	struct connecting *owner;
	int fd; /* -1: the slot is free */
	struct event *writable;
	struct timer limit;
	size_t position;
};

struct connecting {
	struct targets *targets;
	struct lookup *lookup;
	connect_done_fn *done;
	void *ctx;
	int64_t until_ms;
	struct timer deadline, stagger;
	struct turn_end finish;
	size_t next;   /* address that begins next, counted through all targets */
	unsigned open; /* attempts */
	unsigned failures[CONNECT_LOCAL + 1];
	struct buf told; /* the first failures in words */
	struct connect_result result;
	struct attempt attempt[CONNECT_IN_FLIGHT];
};

/* --- Targets as one row of addresses ----------------------------------------------------- */

static const struct target *
target_at(const struct targets *t, size_t position, const union target_address **address)
{
	for (size_t i = 0; i < t->n; i++) {
		if (position < t->v[i].n_addresses) {
			*address = &t->v[i].address[position];
			return &t->v[i];
		}
		position -= t->v[i].n_addresses;
	}
	return NULL;
}

/* --- The end --------------------------------------------------------------------------------- */

static void
attempt_end(struct attempt *a, bool keep_fd)
{
	if (a->fd < 0)
		return;
	if (!keep_fd)
		close(a->fd);
	a->fd = -1;
	if (a->writable)
		event_free(a->writable);
	a->writable = NULL;
	timer_stop(&a->limit);
	a->owner->open--;
}

static void
stop_all(struct connecting *c)
{
	for (size_t i = 0; i < CONNECT_IN_FLIGHT; i++)
		attempt_end(&c->attempt[i], false);
	timer_stop(&c->deadline);
	timer_stop(&c->stagger);
	resolver_cancel(&c->lookup);
}

static void
connecting_free(struct connecting **pc)
{
	struct connecting *c = *pc;

	*pc = NULL;
	stop_all(c);
	worker_cancel_turn_end(&c->finish);
	if (c->result.fd >= 0)
		close(c->result.fd);
	targets_free(&c->targets);
	buf_free(&c->told);
	mem_free(c);
}

static void
finish(struct turn_end *te)
{
	struct connecting *c = HM_CONTAINER(te, struct connecting, finish);
	struct connect_result result = c->result;
	connect_done_fn *done = c->done;
	void *ctx = c->ctx;

	result.targets = c->targets;
	c->targets = NULL;
	c->result.fd = -1;
	connecting_free(&c);
	done(ctx, &result);
}

static void
end(struct connecting *c, enum connect_outcome outcome)
{
	stop_all(c);
	c->result.outcome = outcome;
	c->finish.run = finish;
	worker_at_turn_end(&c->finish);
}

/* All have failed, or the time is over. */
static void
give_up(struct connecting *c, enum connect_outcome outcome)
{
	snprintf(c->result.text, sizeof(c->result.text),
	         outcome == CONNECT_NO_MORE
	                 ? "The server of %s has no further address that could be tried%s."
	                 : "The server of %s cannot be reached: %s.",
	         c->targets->domain, c->told.data ? c->told.data : "");
	end(c, outcome);
}

/* --- Attempts ------------------------------------------------------------------------------------ */

static enum connect_outcome
outcome_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ECONNRESET:
		return CONNECT_REFUSED;
	case ETIMEDOUT:
		return CONNECT_TIMED_OUT;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case EADDRNOTAVAIL:
		return CONNECT_LOCAL;
	default:
		return CONNECT_UNREACHABLE;
	}
}

#define TELL_MAX 400

static void
note_failure(struct connecting *c, size_t position, int error)
{
	const union target_address *address = NULL;
	const struct target *t = target_at(c->targets, position, &address);
	char text[TARGET_ADDRESS_TEXT_MAX];

	hm_assert(t);
	c->failures[outcome_of(error)]++;
	if (c->told.len > TELL_MAX)
		return;
	buf_printf(&c->told, "%s%s (%s) port %u: %s", c->told.len > 0 ? "; " : "", t->host,
	           target_address_text(address, text), t->port, strerror(error));
	if (c->told.len > TELL_MAX)
		buf_puts(&c->told, "; and so on");
}

/* Nothing is under way and nothing is left: the failure that says most about the other side. */
static void
all_failed(struct connecting *c)
{
	static const enum connect_outcome order[] = { CONNECT_REFUSED, CONNECT_TIMED_OUT,
		                                      CONNECT_UNREACHABLE, CONNECT_LOCAL };

	for (size_t i = 0; i < HM_COUNT(order); i++) {
		if (c->failures[order[i]] > 0) {
			give_up(c, order[i]);
			return;
		}
	}
	give_up(c, CONNECT_NO_MORE);
}

static void begin_next(struct connecting *c);

static void
stagger_passed(struct timer *timer)
{
	begin_next(HM_CONTAINER(timer, struct connecting, stagger));
}

static void
attempt_failed(struct attempt *a, int error)
{
	struct connecting *c = a->owner;

	note_failure(c, a->position, error);
	attempt_end(a, false);
	begin_next(c);
}

static void
attempt_too_long(struct timer *timer)
{
	attempt_failed(HM_CONTAINER(timer, struct attempt, limit), ETIMEDOUT);
}

static void
attempt_won(struct attempt *a)
{
	struct connecting *c = a->owner;
	struct connect_result *r = &c->result;

	r->fd = a->fd;
	r->next = a->position + 1;
	r->target = target_at(c->targets, a->position, &r->address);
	attempt_end(a, true);
	end(c, CONNECT_DONE);
}

static void
answered(evutil_socket_t fd, short what, void *ctx)
{
	struct attempt *a = ctx;
	int error = 0;
	socklen_t len = sizeof(error);

	worker_enter();
	if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error)
		attempt_failed(a, error);
	else
		attempt_won(a);
	worker_leave();
}

/* 0, or errno.  A connection that is there at once is told by the event too. */
static int
attempt_begin(struct attempt *a, const union target_address *address)
{
	int on = 1;

	a->fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->fd < 0)
		return errno;
	a->owner->open++;
	if (a->fd >= listener_fd_end())
		return EMFILE;
	setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(a->fd, &address->any, target_address_len(address)) != 0 && errno != EINPROGRESS)
		return errno;
	a->writable = event_new(worker_base(), a->fd, EV_WRITE, answered, a);
	if (!a->writable || event_add(a->writable, NULL) != 0)
		return ENOMEM;
	timer_start(&a->limit, CONNECT_ATTEMPT_MS, attempt_too_long);
	return 0;
}

static struct attempt *
free_slot(struct connecting *c)
{
	for (size_t i = 0; i < CONNECT_IN_FLIGHT; i++) {
		if (c->attempt[i].fd < 0)
			return &c->attempt[i];
	}
	return NULL;
}

static void
begin_next(struct connecting *c)
{
	const union target_address *address;
	struct attempt *a;
	int error = 1;

	timer_stop(&c->stagger);
	while (error && (a = free_slot(c)) && target_at(c->targets, c->next, &address)) {
		a->owner = c;
		a->position = c->next++;
		error = attempt_begin(a, address);
		if (error) {
			note_failure(c, a->position, error);
			attempt_end(a, false);
		}
	}
	if (c->open == 0)
		all_failed(c);
	else if (target_at(c->targets, c->next, &address) && free_slot(c))
		timer_start(&c->stagger, CONNECT_STAGGER_MS, stagger_passed);
}

/* --- Begin and cancel ---------------------------------------------------------------------------- */

static void
time_is_over(struct timer *timer)
{
	struct connecting *c = HM_CONTAINER(timer, struct connecting, deadline);

	for (size_t i = 0; i < CONNECT_IN_FLIGHT; i++) {
		if (c->attempt[i].fd >= 0)
			note_failure(c, c->attempt[i].position, ETIMEDOUT);
	}
	give_up(c, CONNECT_TIMED_OUT);
}

static void
found(void *ctx, struct targets *take)
{
	struct connecting *c = ctx;
	int64_t left = c->until_ms - worker_now_ms();

	c->lookup = NULL;
	c->targets = take;
	if (take->found != TARGETS_FOUND) {
		memcpy(c->result.text, take->text, sizeof(c->result.text));
		end(c, CONNECT_NOT_FOUND);
		return;
	}
	timer_start(&c->deadline, left > 1 ? (uint32_t)left : 1, time_is_over);
	begin_next(c);
}

static struct connecting *
connecting_new(uint32_t timeout_ms, connect_done_fn *done, void *ctx)
{
	struct connecting *c = mem_new(struct connecting);

	c->done = done;
	c->ctx = ctx;
	c->until_ms = worker_now_ms() + timeout_ms;
	c->result.fd = -1;
	for (size_t i = 0; i < CONNECT_IN_FLIGHT; i++)
		c->attempt[i].fd = -1;
	return c;
}

struct connecting *
connect_domain(const struct resolver_request *request, connect_done_fn *done, void *ctx)
{
	struct connecting *c = connecting_new(request->timeout_ms, done, ctx);

	c->lookup = resolver_find(request, found, c);
	return c;
}

struct connecting *
connect_targets(struct targets *take, size_t first, uint32_t timeout_ms, connect_done_fn *done,
                void *ctx)
{
	struct connecting *c = connecting_new(timeout_ms, done, ctx);

	c->next = first;
	found(c, take);
	return c;
}

void
connect_cancel(struct connecting **c)
{
	if (*c)
		connecting_free(c);
}
