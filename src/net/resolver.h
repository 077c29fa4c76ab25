/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/resolver.h - where the server of a domain is: SRV records (RFC 2782) of both services of XEP-0368 as
 * one, or the domain's own address, or what the caller says; with addresses, and TLSA records where
 * DNSSEC allows to trust them (RFC 7673).
 */
#ifndef NET_RESOLVER_H
#define NET_RESOLVER_H

#include <stdint.h>

#include "net/targets.h"

/* An address to take instead of asking for SRV records (RFC 6120 3.2.3). */
struct resolver_fixed {
	const char *host; /* a name, or a numeric address */
	uint16_t port;
	bool direct_tls;
};

struct resolver_request {
	const char *domain; /* in A-labels, or an address: "192.0.2.1", "[2001:db8::1]" */
	const struct resolver_fixed *fixed; /* in the order in which they are tried */
	size_t n_fixed;                     /* 0: ask; more than TARGETS_MAX are left off */
	uint32_t timeout_ms;
};

struct lookup;
/* On the worker that asked, never from inside resolver_find(); the lookup is gone. Whoever takes them frees them. */
typedef void resolver_done_fn(void *ctx, struct targets *take);
/*
 * On a worker; what the request points to is copied.  Always ends in one call of done, at most timeout_ms later
 * (coarse), unless it is cancelled.  Slow addresses of one target do not hold up the others for more than a
 * second: that target then has fewer, or trouble.
 */
struct lookup *
resolver_find(const struct resolver_request *request, resolver_done_fn *done, void *ctx);
/* On that worker, any time before done; *l NULL: nothing happens. */
void resolver_cancel(struct lookup **l);

#endif
