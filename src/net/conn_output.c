/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/conn_output.c - output: collected during the turn, sent once at its end.
 * While the kernel takes everything, nothing but one send() happens; only when it
 * does not, an event waits for it and the rest stays in a buffer.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/conn_state.h"

/* More than this in records that the owner did not write (answers to key updates) is an attack. */
#define WIRE_MAX (256 * 1024)

static void conn_writable(evutil_socket_t fd, short what, void *ctx);

void
conn_push_events_stop(struct conn *c)
{
	c->blocked = false;
	if (c->writable)
		event_free(c->writable);
	c->writable = NULL;
}

/* The kernel is full: go on when it says so. */
static void
wait_for_kernel(struct conn *c)
{
	if (c->detached || c->state == CONN_OVER)
		return;
	c->tell_drained = true;
	if (c->blocked)
		return;
	c->blocked = true;
	c->moved_ms = worker_now_ms();
	if (!c->writable) {
		c->writable =
			event_new(worker_base(), c->fd, EV_WRITE | EV_PERSIST, conn_writable, c);
		if (!c->writable || event_add(c->writable, NULL) != 0) {
			conn_over(c, CONN_WRITE_STUCK);
			return;
		}
	}
	conn_arm_timer(c);
}

/* How much the kernel took; less than len means that it is full or the connection over. */
static size_t
to_kernel(struct conn *c, const char *data, size_t len)
{
	ssize_t n;

	do
		n = send(c->fd, data, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		/* Out of the kernel's memory is for now, as a full socket is. */
		if (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM)
			conn_over(c, CONN_TRUNCATED);
		return 0;
	}
	c->bytes_out += (uint64_t)n;
	if (n > 0)
		c->moved_ms = worker_now_ms();
	net_count(M_BYTES_OUT, n);
	return (size_t)n;
}

void
conn_push_wire(struct conn *c, const char *data, size_t len)
{
	size_t sent = 0;

	if (c->fd < 0)
		return;
	if (c->wire.len == 0 && !c->blocked)
		sent = to_kernel(c, data, len);
	if (sent == len)
		return;
	buf_append(&c->wire, data + sent, len - sent);
	wait_for_kernel(c);
	if (c->wire.len > WIRE_MAX)
		conn_over(c, CONN_WRITE_STUCK);
}

bool
conn_is_drained(const struct conn *c)
{
	/* What waits for a handshake that has not been done will never go. */
	return c->wire.len == 0 && (c->out.len == 0 || (c->ssl && !c->secured));
}

void
conn_push(struct conn *c)
{
	if (c->fd < 0 || c->detached || c->blocked || (c->state == CONN_OVER && c->why != CONN_EOF))
		return;
	if (c->wire.len > 0) {
		buf_consume(&c->wire, to_kernel(c, c->wire.data, c->wire.len));
		if (c->wire.len > 0) {
			wait_for_kernel(c);
			return;
		}
		buf_free(&c->wire);
	}
	if (c->out.len == 0 || (c->ssl && !c->secured))
		return;
	if (c->ssl)
		buf_consume(&c->out, conn_tls_encrypt(c, c->out.data, c->out.len));
	else
		buf_consume(&c->out, to_kernel(c, c->out.data, c->out.len));
	if (c->out.len > 0)
		wait_for_kernel(c);
	else
		buf_free(&c->out);
}

static void
conn_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *c = ctx;

	worker_enter();
	conn_begin(c);
	c->blocked = false;
	conn_push(c);
	if (!c->blocked) {
		conn_push_events_stop(c);
		/* `drained`, or the next step of closing. */
		conn_wake(c);
	}
	conn_finish(c);
	worker_leave();
}

bool
conn_write(struct conn *c, const void *data, size_t len)
{
	if (c->state != CONN_OPEN)
		return true;
	buf_append(&c->out, data, len);
	if (!c->blocked)
		conn_wake(c);
	return c->output_limit == 0 || conn_pending(c) <= c->output_limit;
}

void
conn_flush(struct conn *c)
{
	if (!atomic_load_explicit(&c->busy, memory_order_relaxed))
		conn_push(c);
}

size_t
conn_pending(const struct conn *c)
{
	return c->out.len + c->wire.len;
}

size_t
conn_unconfirmed(const struct conn *c)
{
	int queued = 0;

	if (c->fd >= 0 && ioctl(c->fd, SIOCOUTQ, &queued) != 0)
		queued = 0;
	return conn_pending(c) + (size_t)queued;
}

void
conn_set_output_limit(struct conn *c, size_t bytes, uint32_t stuck_ms)
{
	c->output_limit = bytes;
	c->stuck_ms = stuck_ms;
	conn_arm_timer(c);
}

void
conn_close(struct conn *c, uint32_t linger_ms)
{
	if (c->state != CONN_OPEN)
		return;
	c->state = CONN_CLOSING;
	c->held = false;
	buf_free(&c->kept);
	c->deadline_ms = clock_mono_ms() + linger_ms;
	conn_arm_timer(c);
	/* At the end of the turn: input is looked at again, output goes. */
	conn_wake(c);
}
