/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/here.h - what the core keeps per worker.  One thread-local pointer; nothing else of the
 * core can be written by two threads.
 */
#ifndef CORE_HERE_H
#define CORE_HERE_H

#include "base/arena.h"
#include "base/list.h"
#include "base/table.h"
#include "core/host.h"
#include "core/ids.h"
#include "core/letter.h"

/* This module, on one host, on one worker. */
struct hm_mod {
	struct host *host;
	const struct host_module *slot;
	unsigned index; /* in host->modules */
	unsigned worker;
	void *state;
	struct list timers; /* struct mod_timer (ask.c) */
	struct hm_logctx log;
};

struct turn {
	struct entity *entity;
	const struct hm_letter *cause;
	struct hold *hold;      /* not submitted yet */
	struct hold *last_hold; /* submitted or not */
	/* What this turn sends waits for these (outbox.c); NULL: for nothing of its own. */
	struct outbox_mark *shows_behind, *routes_behind;
	int64_t id; /* of the archive, that its hold makes certain; 0: none */
	uint64_t serial;
	bool active;
	struct credit *payer; /* of what it sends; NULL: nobody */
	struct charge kept;   /* returned to the payer when the turn ends */
	bool shows_memory;
};

struct here {
	unsigned worker;
	struct hm_mod **mods[HOSTS_MAX]; /* by host index: its modules; made on first use */
	struct table entities;           /* address -> struct entity */
	struct table sessions;           /* id -> struct hm_session */
	struct list idle; /* entities that nothing needs, least recently used first */
	size_t n_idle;
	struct list to_load; /* entities whose load waits for its place */
	unsigned loading;
	struct turn turn;
	struct list custody; /* what is held, oldest first */
	size_t n_custody;
	size_t n_holds; /* of turn.c, open */
	struct ids ids;
	struct table left_of;       /* repeats.c: by bare JID */
	struct list left_behind;    /* the same, oldest first */
	struct table absent;        /* bare JIDs without an account, each with a time to live */
	struct table sources;       /* failed logins by address prefix (credentials.c) */
	struct list attempts;       /* the same, oldest first */
	struct table changed;       /* accounts whose password has changed lately (changed.c) */
	struct list changes;        /* the same, oldest first */
	int64_t changes_since_us;   /* what was before is not known */
	struct table outstanding;   /* requests of the server by id (outstanding.c) */
	struct list expired;        /* sessions that are over, by id; sm_expired.c */
	struct table expired_by_id; /* public part -> struct expired */
	struct remotes *remotes;    /* pairs with other domains (remote_pair.h) */
	uint64_t traces;
};

extern _Thread_local struct here *here;

/* One that has not been started, with a state of its own; mod_free() clears the pointer. */
struct hm_mod *mod_new(struct host *h, unsigned index);
void mod_free(struct hm_mod **m);
void mod_timers_free(struct hm_mod *m); /* hm_after(), ask.c */
/* Makes that of the calling worker; once. */
void here_new(void);
/* The modules of a host on this worker. */
struct hm_mod **mods_of(struct host *h);
/* Around each callback into a module: for the watchdog. */
void doing(const struct hm_mod *m, const char *event, const char *address);
void done_doing(void);

#endif
