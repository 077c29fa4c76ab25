/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/listener.c - listening sockets: one per worker and listener, all on the
 * same port, among which the kernel spreads connections.  Each worker touches its
 * own seat only, and told_ms.
 */
#include "net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/timer.h"
#include "loop/worker.h"

#define ACCEPTS_PER_TURN 16
/* How long no connection is accepted when descriptors or memory have run out. */
#define PAUSE_MS 500
/* And how often that is said in the log: who closes one connection and opens two decides on the rest. */
#define TELL_MS 60000
/* Descriptors that connections leave for the control socket, certificates and the database. */
#define RESERVED_FDS 16

/* What one worker has of a listener. */
struct seat {
	struct listener *listener;
	int fd;
	struct event *event; /* NULL: not accepting here */
	struct timer pause;
};

struct listener {
	listener_accept_fn *accept;
	void *ctx;
	uint16_t port;
	int fd_end;              /* connections have descriptors below this */
	_Atomic int64_t told_ms; /* when it was last said that none can be accepted; 0: never */
	char name[INET6_ADDRSTRLEN + 10]; /* address and port */
	struct hm_logctx log;
	unsigned n;
	struct seat seat[];
};

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* --- Sockets ------------------------------------------------------------------------ */

static bool
read_address(const char *text, uint16_t port, union address *out)
{
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &out->in.sin_addr) == 1) {
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons(port);
		return true;
	}
	if (inet_pton(AF_INET6, text, &out->in6.sin6_addr) == 1) {
		out->in6.sin6_family = AF_INET6;
		out->in6.sin6_port = htons(port);
		return true;
	}
	return false;
}

static uint16_t
port_of(const union address *address)
{
	return ntohs(address->any.sa_family == AF_INET ? address->in.sin_port
	                                               : address->in6.sin6_port);
}

/* A bound socket, or -1 and errno. */
static int
bind_socket(const union address *address, bool shared)
{
	const int on = 1;
	bool ipv6 = address->any.sa_family == AF_INET6;
	socklen_t len = ipv6 ? sizeof(address->in6) : sizeof(address->in);
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int failed;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
	    (!ipv6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
	    bind(fd, &address->any, len) == 0)
		return fd;
	failed = errno;
	close(fd);
	errno = failed;
	return -1;
}

/*
 * A shared port would let a second server of the same user in.  So it is first
 * bound unshared, which fails when anybody listens on it.
 */
static bool
port_is_free(const union address *address)
{
	int fd = bind_socket(address, false);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool
open_seats(struct listener *l, union address *address)
{
	socklen_t len = sizeof(*address);

	if (port_of(address) != 0 && !port_is_free(address))
		return false;
	for (unsigned i = 0; i < l->n; i++) {
		l->seat[i].fd = bind_socket(address, true);
		if (l->seat[i].fd < 0 || listen(l->seat[i].fd, SOMAXCONN) != 0)
			return false;
		if (port_of(address) != 0)
			continue;
		/* The first seat got any port; the others take the same. */
		if (getsockname(l->seat[i].fd, &address->any, &len) != 0)
			return false;
	}
	l->port = port_of(address);
	return true;
}

/* --- Accepting ------------------------------------------------------------------------ */

static void
pause_over(struct timer *t)
{
	struct seat *seat = HM_CONTAINER(t, struct seat, pause);

	event_add(seat->event, NULL);
}

static void
pause_accepting(struct seat *seat, int why)
{
	struct listener *l = seat->listener;
	int64_t now_ms = worker_now_ms(), told_ms = atomic_load(&l->told_ms);

	if ((told_ms == 0 || now_ms - told_ms >= TELL_MS) &&
	    atomic_compare_exchange_strong(&l->told_ms, &told_ms, now_ms))
		log_line(&l->log, HM_WARN, "connections can't be accepted now",
		         hm_kv("error", strerror(why)));
	event_del(seat->event);
	timer_start(&seat->pause, PAUSE_MS, pause_over);
}

/* False when there is no more for now. */
static bool
accept_one(struct seat *seat)
{
	const int on = 1;
	int fd = accept4(seat->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	/* The kernel gives the lowest number that is free. */
	if (fd >= seat->listener->fd_end) {
		close(fd);
		pause_accepting(seat, EMFILE);
		return false;
	}
	if (fd >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		seat->listener->accept(seat->listener->ctx, fd);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		pause_accepting(seat, errno);
		return false;
	}
	/* Others are errors of that one connection, which has gone (accept(2)). */
	return errno != EAGAIN;
}

static void
connections_came(evutil_socket_t fd, short what, void *ctx)
{
	struct seat *seat = ctx;

	worker_enter();
	/* accept() may stop this listener here. */
	for (unsigned i = 0; i < ACCEPTS_PER_TURN && seat->event; i++)
		if (!accept_one(seat))
			break;
	worker_leave();
}

/* --- Life --------------------------------------------------------------------------------- */

int
listener_fd_end(void)
{
	long max = sysconf(_SC_OPEN_MAX);

	if (max < 0 || max > INT_MAX)
		return INT_MAX;
	return max >= 4 * RESERVED_FDS ? (int)max - RESERVED_FDS : (int)max;
}

struct listener *
listener_new(const char *address, uint16_t port, listener_accept_fn *accept, void *ctx,
             struct hm_error *why)
{
	union address at;
	unsigned n = workers_count();
	struct listener *l;

	hm_assert(n > 0);
	if (!read_address(address, port, &at)) {
		error_set(why, HM_E_INVALID, "\"%s\" is not an IP address", address);
		return NULL;
	}
	l = mem_zalloc(sizeof(*l) + n * sizeof(l->seat[0]));
	l->accept = accept;
	l->ctx = ctx;
	l->n = n;
	l->fd_end = listener_fd_end();
	for (unsigned i = 0; i < n; i++)
		l->seat[i] = (struct seat){ .listener = l, .fd = -1 };
	if (!open_seats(l, &at)) {
		error_errno(why, "listening on %s port %u", address, (unsigned)port);
		listener_free(&l);
		return NULL;
	}
	snprintf(l->name, sizeof(l->name), "%s port %u", address, (unsigned)l->port);
	l->log = (struct hm_logctx){ .subject = "net",
		                     .n = 1,
		                     .field = { hm_kv("listener", l->name) } };
	return l;
}

static struct seat *
my_seat(struct listener *l)
{
	hm_assert(worker_self() < l->n);
	return &l->seat[worker_self()];
}

void
listener_start_here(struct listener *l)
{
	struct seat *seat = my_seat(l);

	if (seat->event)
		return;
	seat->event =
		event_new(worker_base(), seat->fd, EV_READ | EV_PERSIST, connections_came, seat);
	hm_assert(seat->event && event_add(seat->event, NULL) == 0);
}

void
listener_stop_here(struct listener *l)
{
	struct seat *seat = my_seat(l);

	if (!seat->event)
		return;
	timer_stop(&seat->pause);
	event_free(seat->event);
	seat->event = NULL;
}

uint16_t
listener_port(const struct listener *l)
{
	return l->port;
}

void
listener_free(struct listener **lp)
{
	struct listener *l = *lp;

	if (!l)
		return;
	*lp = NULL;
	for (unsigned i = 0; i < l->n; i++) {
		hm_assert(!l->seat[i].event);
		if (l->seat[i].fd >= 0)
			close(l->seat[i].fd);
	}
	mem_free(l);
}
