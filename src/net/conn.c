/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/conn.c - a connection's life, and its input.  Runs on the worker that the
 * connection is attached to.
 *
 * The loop calls conn_readable() (and conn_output.c's writable) when the kernel
 * has something, and conn_turn_ends() at the end of each turn in which something
 * changed: there kept input is given again, output leaves, and `ended` is called.
 */
#include "net/conn.h"

#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "net/conn_state.h"
#include "net/tls.h"

static _Atomic size_t open_connections;
static _Atomic uint64_t last_id;

static const struct metric metrics[NET_METRICS] = {
	[M_CONNECTIONS] = { "hermod_net_connections", "Open connections.", METRIC_GAUGE },
	[M_BYTES_IN] = { "hermod_net_received_bytes", "Bytes read from sockets.", METRIC_COUNTER },
	[M_BYTES_OUT] = { "hermod_net_sent_bytes", "Bytes written to sockets.", METRIC_COUNTER },
	[M_HANDSHAKES] = { "hermod_tls_handshakes", "TLS handshakes done.", METRIC_COUNTER },
	[M_HANDSHAKES_FAILED] = { "hermod_tls_handshakes_failed", "TLS handshakes that failed.",
	                          METRIC_COUNTER },
};
static unsigned first_metric;
static _Atomic bool registered;

void
net_init(void)
{
	if (!atomic_exchange(&registered, true))
		metrics_register(metrics, NET_METRICS, &first_metric);
}

void
net_count(unsigned metric, int64_t n)
{
	if (atomic_load_explicit(&registered, memory_order_relaxed))
		metric_add(first_metric + metric, n);
}

/* --- Callbacks ----------------------------------------------------------------- */

void
conn_begin(struct conn *c)
{
	atomic_store_explicit(&c->busy, true, memory_order_relaxed);
}

static void
destroy(struct conn *c)
{
	buf_free(&c->out);
	buf_free(&c->wire);
	buf_free(&c->kept);
	conn_tls_free(c);
	mem_free(c->tls_error);
	mem_free(c);
}

/* After this c may be gone, or be another worker's. */
void
conn_finish(struct conn *c)
{
	if (c->freed)
		destroy(c);
	else
		atomic_store_explicit(&c->busy, false, memory_order_release);
}

/* A connection that was detached inside a callback is ours when that has returned. */
static void
wait_until_free(struct conn *c)
{
	while (atomic_load_explicit(&c->busy, memory_order_acquire))
		sched_yield();
}

void
conn_wake(struct conn *c)
{
	if (!c->detached)
		worker_at_turn_end(&c->turn_end);
}

/* --- Reading --------------------------------------------------------------------- */

static bool
wants_input(const struct conn *c)
{
	if (c->detached || c->eof || c->fd < 0)
		return false;
	return c->state == CONN_CLOSING || (c->state == CONN_OPEN && !c->held && c->kept.len == 0);
}

static void
poll_input(struct conn *c)
{
	bool wanted = wants_input(c);

	if (wanted == c->polled)
		return;
	c->polled = wanted;
	if (wanted)
		event_add(&c->readable, NULL);
	else
		event_del(&c->readable);
}

void
conn_over(struct conn *c, enum conn_end why)
{
	if (c->state == CONN_OVER)
		return;
	c->state = CONN_OVER;
	c->why = (uint8_t)why;
	poll_input(c);
	conn_push_events_stop(c);
	timer_stop(&c->timer);
	conn_wake(c);
}

void
conn_eof(struct conn *c, enum conn_end why)
{
	if (c->eof)
		return;
	c->eof = true;
	c->why = (uint8_t)why;
	poll_input(c);
	conn_wake(c);
}

void
conn_deliver(struct conn *c, const char *data, size_t len)
{
	size_t used;

	if (c->freed || c->state != CONN_OPEN)
		return;
	if (c->held || c->detached || c->kept.len > 0) {
		buf_append(&c->kept, data, len);
		return;
	}
	c->in_readable = true;
	c->tls_began = false;
	used = c->ops->readable(c, data, len);
	c->in_readable = false;
	hm_assert(used <= len);
	if (used == len || c->freed || c->state != CONN_OPEN)
		return;
	if (c->tls_began) {
		c->tls_error = mem_strdup("clear text was sent behind <starttls/>");
		conn_over(c, CONN_TLS_FAILED);
		return;
	}
	buf_append(&c->kept, data + used, len - used);
	if (!c->detached)
		c->held = true;
}

static void
read_once(struct conn *c)
{
	size_t size;
	char *data = worker_buffer(&size);
	ssize_t n = recv(c->fd, data, READ_BYTES, 0);

	if (n < 0) {
		/* Out of the kernel's memory is for now, and it will say "readable" again. */
		if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS && errno != ENOMEM)
			conn_over(c, CONN_TRUNCATED);
		return;
	}
	if (n == 0) {
		conn_eof(c, c->ssl ? CONN_TRUNCATED : CONN_EOF);
		return;
	}
	c->bytes_in += (uint64_t)n;
	net_count(M_BYTES_IN, n);
	if (c->state != CONN_OPEN)
		return;
	if (!c->ssl || c->secured)
		c->heard_ms = worker_now_ms();
	if (c->ssl)
		conn_tls_input(c, data, (size_t)n);
	else
		conn_deliver(c, data, (size_t)n);
}

static void
conn_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *c = ctx;

	worker_enter();
	conn_begin(c);
	read_once(c);
	if (!c->freed)
		poll_input(c);
	conn_finish(c);
	worker_leave();
}

static void
deliver_kept(struct conn *c)
{
	struct buf kept = c->kept;

	c->kept = (struct buf){ 0 };
	conn_deliver(c, kept.data, kept.len);
	buf_free(&kept);
}

/* --- The end of the turn ----------------------------------------------------------- */

static void
turn_input(struct conn *c)
{
	if (c->state == CONN_OPEN && !c->held && c->kept.len > 0)
		deliver_kept(c);
	if (c->freed || c->detached)
		return;
	if (c->eof && c->state == CONN_OPEN && !c->held && c->kept.len == 0)
		conn_over(c, c->why);
	poll_input(c);
}

static void
turn_output(struct conn *c)
{
	conn_push(c);
	if (c->state == CONN_CLOSING && !c->shut && conn_is_drained(c)) {
		conn_tls_shutdown(c);
		shutdown(c->fd, SHUT_WR);
		c->shut = true;
		/* A close_notify that did not fit is no reason to wait. */
		buf_free(&c->wire);
		conn_push_events_stop(c);
	}
	if (c->state == CONN_CLOSING && c->shut && c->eof)
		conn_over(c, CONN_EOF);
	/* A peer that has said all may still listen. */
	if (c->state == CONN_OVER && c->why == CONN_EOF && !c->shut && conn_is_drained(c))
		conn_tls_shutdown(c);
}

static void
conn_turn_ends(struct turn_end *te)
{
	struct conn *c = HM_CONTAINER(te, struct conn, turn_end);

	conn_begin(c);
	turn_input(c);
	if (!c->freed && !c->detached)
		turn_output(c);
	if (!c->freed && !c->detached && c->tell_drained && c->state == CONN_OPEN &&
	    conn_pending(c) == 0) {
		c->tell_drained = false;
		if (c->ops->drained)
			c->ops->drained(c);
	}
	if (!c->freed && !c->detached && c->state == CONN_OVER && !c->told) {
		c->told = true;
		c->ops->ended(c, c->why);
	}
	conn_finish(c);
}

/* --- Life ---------------------------------------------------------------------------- */

static void
assign_to_worker(struct conn *c)
{
	c->home = worker_self();
	event_assign(&c->readable, worker_base(), c->fd, EV_READ | EV_PERSIST, conn_readable, c);
}

struct conn *
conn_take_fd(int fd, const struct conn_ops *ops, void *owner)
{
	struct conn *c = mem_new(struct conn);

	c->ops = ops;
	c->owner = owner;
	c->fd = fd;
	c->turn_end.run = conn_turn_ends;
	c->heard_ms = worker_now_ms();
	peer_of_socket(fd, &c->peer);
	c->log = (struct hm_logctx){
		.subject = "conn",
		.n = 2,
		.field = { hm_kv("conn", atomic_fetch_add(&last_id, 1) + 1),
		           hm_kv("peer", c->peer.address) },
	};
	atomic_fetch_add_explicit(&open_connections, 1, memory_order_relaxed);
	net_count(M_CONNECTIONS, 1);
	assign_to_worker(c);
	poll_input(c);
	return c;
}

/* No event and no timer of c will come on this worker. */
static void
stop_events(struct conn *c)
{
	if (c->polled)
		event_del(&c->readable);
	c->polled = false;
	conn_push_events_stop(c);
	timer_stop(&c->timer);
	worker_cancel_turn_end(&c->turn_end);
}

void
conn_free(struct conn **cp)
{
	struct conn *c = *cp;

	if (!c)
		return;
	*cp = NULL;
	if (c->home != worker_self())
		wait_until_free(c);
	/* Off the workers: after they have ended. */
	hm_assert(c->detached || c->home == worker_self() || worker_self() == WORKER_NONE);
	if (!c->detached)
		stop_events(c);
	close(c->fd);
	c->fd = -1;
	atomic_fetch_sub_explicit(&open_connections, 1, memory_order_relaxed);
	net_count(M_CONNECTIONS, -1);
	c->freed = true;
	if (!atomic_load_explicit(&c->busy, memory_order_relaxed))
		destroy(c);
}

void
conn_detach(struct conn *c)
{
	hm_assert(!c->detached && c->home == worker_self());
	stop_events(c);
	c->detached = true;
}

void
conn_attach(struct conn *c, void *owner)
{
	/* Given back to the worker it came from: no other thread is in a callback of it. */
	if (c->home != worker_self())
		wait_until_free(c);
	hm_assert(c->detached);
	c->detached = false;
	c->owner = owner;
	assign_to_worker(c);
	poll_input(c);
	if (c->state != CONN_OVER)
		conn_arm_timer(c);
	/* What is kept, pending or to be told. */
	conn_wake(c);
}

void
conn_hold_reading(struct conn *c)
{
	c->held = true;
	poll_input(c);
	conn_arm_timer(c);
}

void
conn_resume_reading(struct conn *c)
{
	if (!c->held)
		return;
	c->held = false;
	c->heard_ms = worker_now_ms();
	conn_arm_timer(c);
	poll_input(c);
	if (c->kept.len > 0 || c->eof)
		conn_wake(c);
}

/* --- Questions -------------------------------------------------------------------------- */

void *
conn_owner(const struct conn *c)
{
	return c->owner;
}

uint64_t
conn_id(const struct conn *c)
{
	return (uint64_t)c->log.field[0].value.u.num;
}

const struct conn_peer *
conn_peer(const struct conn *c)
{
	return &c->peer;
}

uint64_t
conn_bytes_in(const struct conn *c)
{
	return c->bytes_in;
}

uint64_t
conn_bytes_out(const struct conn *c)
{
	return c->bytes_out;
}

const struct hm_logctx *
conn_log(const struct conn *c)
{
	return &c->log;
}

size_t
conn_count(void)
{
	return atomic_load_explicit(&open_connections, memory_order_relaxed);
}
