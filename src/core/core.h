/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/core.h - what the daemon sets up and starts.
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <hermod/conf.h>

#include "core/host.h"
#include "link/link.h"

/* The keys of the configuration that the core reads, and their values. */
struct core_limits {
	/* A host may have its own (host_limits() in host.h). */
	int64_t resources; /* bound sessions of one account */
	int conflict;      /* enum core_conflict */
	int64_t directed;  /* addresses that one session sent directed presence to */
	/* a client that is asked whether it lives must answer in this time */
	uint32_t probe_timeout;
	int64_t scram_iterations; /* of new passwords */
	int64_t max_account_name; /* bytes; RFC 7622 allows 1023 */
	size_t presence_size;     /* it is kept: for each session, and with requests to subscribe */
	/* of one session, each addressee counted, until they are handled */
	int64_t unhandled_stanzas;
	size_t unhandled_bytes;
	int64_t look_ups; /* a second, that one account causes */
	int delivery;     /* enum core_delivery */
	/* stream management (XEP-0198) */
	uint32_t resume_time;
	int64_t unacknowledged;
	size_t unacknowledged_size;
	int64_t ask_stanzas;
	size_t ask_size;
	uint32_t ask_time;
	/* without it */
	int64_t confirm_messages;
	uint32_t confirm_time;
	/* The server's. */
	int64_t idle_entities;   /* per worker, kept in memory though nothing needs them */
	int64_t auth_failures;   /* of one address in auth_window before it must wait */
	int64_t auth_unfinished; /* likewise */
	uint32_t auth_window;
	/* other domains */
	uint32_t remote_keep; /* what must not be lost waits so long for them */
	uint32_t remote_wait; /* and the rest */
	uint32_t remote_retry, remote_retry_most;
	int64_t remote_letters; /* that wait for one pair */
	size_t remote_memory, remote_memory_total;
	int64_t remote_unacknowledged;
	size_t remote_unacknowledged_size;
	int64_t remote_unhandled; /* of another server, as unhandled_stanzas */
	size_t remote_unhandled_bytes;
	int64_t remote_look_ups;
};
/* RFC 6120 7.7.2.2: what happens when a resource is taken. */
enum core_conflict { CONFLICT_REPLACE, CONFLICT_RENAME, CONFLICT_REFUSE };
/* DESIGN 4: when a message goes to its recipient's clients. */
enum core_delivery { DELIVERY_COMMITTED, DELIVERY_IMMEDIATE };

extern const struct hm_conf_key core_keys[];
extern const size_t core_keys_n;
extern const size_t core_host_keys_n; /* the first so many may stand in a host's block */

/* What the core speaks, for --describe. */
extern const struct hm_spec core_specs[];
extern const size_t core_specs_n;

/*
 * Registers tables, statements and metrics of the core; after store_open(), before store_start().
 */
bool core_install(struct hm_error *why) HM_MUST_USE;
/* Stanzas for other domains go to the stream side (link.h); before the workers run. Else there is no such domain. */
void core_federate(void);
void core_register_statements(void); /* of core_install(), alone for who wants to list them */
/* Exchanged at a reload; limits must outlive the process or be exchanged first. */
void core_set_limits(const struct core_limits *limits);
const struct core_limits *core_limits(void);
/* On each worker, first of all. */
void core_start_here(void);
/*
 * On each worker: sessions are told system-shutdown; entities with writes in flight finish. Those that can be resumed
 * (XEP-0198 5) hibernate.
 */
void core_stop_here(void);
/* On each worker, last of all, when nothing moves any more: keeps those for the next start. */
void core_save_here(void);
bool core_saving(void); /* any thread */
/* On worker 0, before clients are accepted: they are there again, each at its home; then done(). */
void core_restore(void (*done)(void));
/* A module's configuration has been exchanged: tells its instance on this worker. */
void core_config_changed(struct host *h, unsigned mod, const void *old);
/* What link_set_receivers() takes. */
void core_receive(struct link_msg *take);

#endif
