/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/listeners.c - a set is a list of sockets, each known by kind, address and port.  A
 * reload makes a second set, into which the sockets that stay are moved.
 */
#include "daemon/listeners.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/round.h"
#include "net/listener.h"
#include "stream/s2s.h"
#include "stream/stream.h"

struct listening {
	struct listener *listener; /* NULL: moved to another set */
	enum listen_type type;
	uint16_t port;
	char *address;
	bool fresh;     /* not accepting yet */
	size_t kept_as; /* while a change is prepared: its place in the next set, counted from 1 */
};

struct listeners {
	size_t n;
	struct listening *v;
};

/* "::" is a default; a kernel without IPv6 must not need a configuration of its own. */
static bool
has_ipv6(void)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool works = fd >= 0 && bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0;

	if (fd >= 0)
		close(fd);
	return works;
}

static struct listening *
find(struct listeners *set, const struct settings_listen *l, const char *address)
{
	for (size_t i = 0; set && i < set->n; i++) {
		struct listening *one = &set->v[i];

		if (one->type == (enum listen_type)l->type && one->port == l->port &&
		    strcmp(one->address, address) == 0)
			return one;
	}
	return NULL;
}

static struct listening *
append(struct listeners *set, const struct settings_listen *l, const char *address)
{
	struct listening *one;

	set->v = mem_realloc(set->v, (set->n + 1) * sizeof(*set->v));
	one = &set->v[set->n++];
	*one = (struct listening){ .type = (enum listen_type)l->type,
		                   .port = (uint16_t)l->port,
		                   .address = mem_strdup(address) };
	return one;
}

static listener_accept_fn *
accept_of(enum listen_type type)
{
	switch (type) {
	case LISTEN_C2S:
		return stream_accept_c2s;
	case LISTEN_C2S_TLS:
		return stream_accept_c2s_tls;
	case LISTEN_S2S:
		return s2s_accept;
	case LISTEN_S2S_TLS:
		return s2s_accept_tls;
	}
	return NULL;
}

static bool
prepare_one(struct listeners *old, const struct settings_listen *l, const char *address,
            struct listeners_change *change, struct hm_error *why)
{
	struct listening *same = find(old, l, address);
	struct listening *one = append(change->next, l, address);
	struct hm_error inner;

	if (same) {
		one->fresh = same->fresh;
		same->kept_as = change->next->n;
		return true;
	}
	one->fresh = true;
	one->listener = listener_new(address, one->port, accept_of(one->type), NULL, &inner);
	change->opened++;
	if (!one->listener && l->at.file)
		return error_set(why, inner.code, "%s:%u: %s", l->at.file, l->at.line, inner.text);
	return one->listener || error_set(why, inner.code, "%s", inner.text);
}

static void
set_free(struct listeners *set)
{
	for (size_t i = 0; i < set->n; i++) {
		if (set->v[i].listener)
			listener_free(&set->v[i].listener);
		mem_free(set->v[i].address);
	}
	mem_free(set->v);
	mem_free(set);
}

bool
listeners_prepare(struct listeners *old, const struct settings *s, struct listeners_change *change,
                  struct hm_error *why)
{
	bool ipv6 = has_ipv6();

	*change = (struct listeners_change){ .next = mem_new(struct listeners) };
	for (size_t i = 0; i < s->n_listen; i++) {
		const struct settings_listen *l = &s->listen[i];

		for (size_t k = 0; k < l->addresses.n; k++) {
			if (l->any_address && !ipv6 && strchr(l->addresses.v[k], ':'))
				continue;
			if (!prepare_one(old, l, l->addresses.v[k], change, why)) {
				listeners_discard(old, change);
				return false;
			}
		}
	}
	for (size_t i = 0; old && i < old->n; i++)
		change->closed += old->v[i].kept_as == 0;
	return true;
}

void
listeners_discard(struct listeners *old, struct listeners_change *change)
{
	for (size_t i = 0; old && i < old->n; i++)
		old->v[i].kept_as = 0;
	set_free(change->next);
	change->next = NULL;
}

struct listeners *
listeners_commit(struct listeners *old, struct listeners_change *change)
{
	for (size_t i = 0; old && i < old->n; i++) {
		struct listening *one = &old->v[i];

		if (one->kept_as > 0) {
			change->next->v[one->kept_as - 1].listener = one->listener;
			one->listener = NULL;
		}
	}
	return change->next;
}

/* --- On the workers ----------------------------------------------------------------- */

static void
start_here(void *ctx)
{
	struct listeners *set = ctx;

	for (size_t i = 0; i < set->n; i++) {
		if (set->v[i].fresh)
			listener_start_here(set->v[i].listener);
	}
}

static void
started(void *ctx)
{
	struct listeners *set = ctx;

	for (size_t i = 0; i < set->n; i++)
		set->v[i].fresh = false;
}

void
listeners_start(struct listeners *l)
{
	round_run(start_here, started, l);
}

static void
stop_here(void *ctx)
{
	struct listeners *set = ctx;

	for (size_t i = 0; i < set->n; i++) {
		if (set->v[i].listener)
			listener_stop_here(set->v[i].listener);
	}
}

static void
stopped(void *ctx)
{
	set_free(ctx);
}

void
listeners_stop(struct listeners **l)
{
	if (*l)
		round_run(stop_here, stopped, *l);
	*l = NULL;
}
