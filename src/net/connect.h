/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/connect.h - a TCP connection to the server of a domain: the addresses of all targets are tried in their
 * order, the next one beginning before the last has failed (RFC 8305 5), and the first that
 * answers is taken.
 */
#ifndef NET_CONNECT_H
#define NET_CONNECT_H

#include <stddef.h>
#include <stdint.h>

#include "net/resolver.h"
#include "net/targets.h"

#define CONNECT_STAGGER_MS 250 /* RFC 8305 8, "Connection Attempt Delay" */
#define CONNECT_ATTEMPT_MS 10000
#define CONNECT_IN_FLIGHT 6

enum connect_outcome {
	CONNECT_DONE,
	CONNECT_NOT_FOUND,   /* the lookup failed: targets->found says how */
	CONNECT_UNREACHABLE, /* no route, network or host unreachable */
	CONNECT_REFUSED,
	CONNECT_TIMED_OUT,
	CONNECT_NO_MORE, /* all addresses were tried before (first) */
	CONNECT_LOCAL    /* this machine's fault, such as no descriptors */
};

struct connect_result {
	enum connect_outcome outcome;
	int fd; /* of CONNECT_DONE: non-blocking, close-on-exec, TCP_NODELAY; the receiver's, for conn_take_fd() */
	const struct target *target; /* of CONNECT_DONE: in targets */
	const union target_address *address;
	size_t next;             /* of CONNECT_DONE: as `first`, it goes on behind this address */
	struct targets *targets; /* the receiver's; never NULL */
	char text[512];          /* unless CONNECT_DONE: a sentence for an administrator */
};

struct connecting;
/* On the worker that asked, never from inside; the attempt is gone.  The result lives as long as the call. */
typedef void connect_done_fn(void *ctx, const struct connect_result *result);

/* Looks the domain up and connects; the request's time-out is for both together. */
struct connecting *
connect_domain(const struct resolver_request *request, connect_done_fn *done, void *ctx);
/*
 * Connects to what was found before, from address number `first` on (counted through all targets): for who got a
 * connection that was of no use, because TLS failed on it.
 */
struct connecting *connect_targets(struct targets *take, size_t first, uint32_t timeout_ms,
                                   connect_done_fn *done, void *ctx);
/* On that worker, any time before done; *c NULL: nothing happens. */
void connect_cancel(struct connecting **c);

#endif
