/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/host.h - the virtual hosts: their modules and, made from those modules' tables, the
 * dispatch of events and requests.  Built before it is published, immutable afterwards except
 * for the configuration structs, which a reload exchanges.  Shared by all workers.
 */
#ifndef CORE_HOST_H
#define CORE_HOST_H

#include <stdatomic.h>

#include "base/table.h"
#include "core/module.h"

#define HOSTS_MAX 4096

struct core_limits;

struct host_hook {
	unsigned mod; /* index into host->modules */
	enum hm_phase phase;
	const struct hm_hook *hook;
};
struct host_chain {
	size_t n;
	struct host_hook *v; /* by phase; inside a phase in the order of the shuffle */
};
struct host_route {
	unsigned mod;
	const struct hm_iq_route *route;
};
struct host_module {
	const struct module *module;
	size_t user_offset, session_offset; /* of its state in the blocks of a user and a session */
	_Atomic(const void *) config;
};
struct host_service {
	struct host *host;
	unsigned mod;
	const struct hm_service *service;
	const char *domain;
};

struct host_admins {
	size_t n;
	const char *const *v; /* normalised bare JIDs */
};

struct host {
	unsigned index;
	const char *domain;
	_Atomic(const struct host_admins *) admins;
	_Atomic(const struct core_limits *) limits; /* NULL: the server's */
	_Atomic(const struct host_caps *) caps;     /* core/caps.c */
	struct host_module *modules;
	size_t n_modules;
	size_t user_bytes, session_bytes;
	struct host_chain chains[HM_EVENTS];
	struct table routes; /* "type side ns\nname" -> struct host_route */
	struct host_service *services;
	size_t n_services;
};

/* What the daemon has read from the configuration for one host. */
struct host_setup {
	const char *domain;
	const struct host_admins *admins; /* lives as a module's config does */
	const struct core_limits *limits; /* likewise; NULL: the server's */
	struct host_setup_module {
		const char *name;
		/* filled struct, lives as long as the process or until exchanged */
		const void *config;
		/* overrides the first service's domain; NULL: default */
		const char *service_domain;
	} * modules;
	size_t n_modules;
};

/* Seed of the order of hooks inside a phase; tests vary it. */
void hosts_set_seed(uint64_t seed);
/*
 * Resolves needs, orders modules, builds the dispatch. The host is not yet found. NULL: why.
 * Strings are copied.
 */
struct host *host_new(const struct host_setup *setup, struct hm_error *why);
/* Of one that was never published; clears the pointer. */
void host_free(struct host **h);
/*
 * Runs start and stop of all its modules once, on the calling thread, before it is published.
 * false: why.
 */
bool host_try(struct host *h, struct hm_error *why) HM_MUST_USE;
/*
 * From now on letters reach them; n may be 0. Also refreshes what the stream side knows. Any
 * thread, one at a time.
 */
void hosts_publish(struct host *const *hosts, size_t n);

struct host *host_find(const char *domain); /* any thread; NULL: not local */
const struct host_service *service_find(const char *domain);
bool host_is_ours(const char *domain); /* a host, or a service */
size_t hosts_count(void);
struct host *host_at(size_t i);

const struct host_route *host_find_route(const struct host *h, enum hm_iq_type type,
                                         enum hm_side side, const char *ns, const char *name);
bool host_is_admin(const struct host *h, const char *bare);
/* Any thread; the old set may go once every worker has ended its present turn. */
void host_set_admins(struct host *h, const struct host_admins *admins);
void host_set_limits(struct host *h, const struct core_limits *limits);
/* Those of its own block, or the server's. Any thread. */
const struct core_limits *host_limits(const struct host *h);

#endif
