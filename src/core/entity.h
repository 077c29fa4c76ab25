/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/entity.h - what stands behind an address and is in memory: activation, the inbox that
 * waits for it, the outbox that waits for commits, and leaving memory again.
 *
 * All of it on the entity's home worker.
 */
#ifndef CORE_ENTITY_H
#define CORE_ENTITY_H

#include <hermod/module.h>

#include "base/list.h"
#include "core/host.h"
#include "core/outbox.h"
#include "store/store.h"

enum entity_state { ENTITY_LOADING, ENTITY_READY };

struct entity;
/* Something that waits until an entity is there. */
struct waiter {
	struct list link;
	size_t bytes;
	struct credit *payer; /* of what is looked up for it, or NULL */
	bool login;           /* loaded before those that only have mail (DESIGN 2) */
	/* Once: e READY, or NULL: there is none (or it cannot be loaded now: *why). */
	void (*go)(struct waiter *w, struct entity *e, enum hm_cond why);
};

struct entity_class {
	/* Begins loading; ends in entity_ready(), entity_absent() or entity_load_failed(). */
	void (*load)(struct entity *e);
	/* May it go now? Nothing of its own (sessions, occupants) needs it. */
	bool (*idle)(const struct entity *e);
	/* Forgets what was loaded, keeping sessions, before it is loaded again. */
	void (*unload)(struct entity *e);
	void (*free)(struct entity *e);
};

struct entity {
	const struct entity_class *class;
	struct host *host;
	const char *address; /* bare JID, the key of the worker's table */
	enum entity_state state;
	/*
	 * Its memory differs from the store: it is loaded again as soon as nothing of it is in flight,
	 * nothing new begins until then, and what it would store is refused.
	 */
	bool reload;
	struct store_line line; /* of the groups of its turns */
	/* Its account was deleted: goes as soon as nothing needs it, and nothing new begins. */
	bool doomed;
	unsigned writes;   /* groups in flight */
	unsigned pins;     /* queries, questions: it may not go */
	unsigned away;     /* letters of its sessions in custody of others: it may not go either */
	struct list inbox; /* waiters */
	size_t inbox_bytes;
	struct outbox outbox;
	struct list reads; /* queries that wait for writes */
	struct list idle;  /* in the worker's list while nothing needs it */
	struct hm_logctx log;
};

struct entity *entity_find(const char *address);
/* Its memory is there, and is what the store holds or will hold. */
static inline bool
entity_is_open(const struct entity *e)
{
	return e->state == ENTITY_READY && !e->reload;
}
/*
 * Puts a new one into the table, in state LOADING, and begins to load it as soon as the worker's
 * limit allows.
 */
void entity_add(struct entity *e, const struct entity_class *class, struct host *host,
                const char *address, const char *subject);
/*
 * Runs w->go now when e is open, else when it is. Refuses (go with NULL) when the inbox is full.
 */
void entity_wait(struct entity *e, struct waiter *w);
void entity_ready(struct entity *e);
/* At most so many at once; also when the worker has learned what it must know first (ids.h). */
void entity_begin_loads(void);
/* There is no such thing: its inbox is told and it is freed. */
void entity_absent(struct entity *e);
/*
 * The store failed: its inbox is told.  It is freed, or loaded again a little later when something
 * of its own (sessions) needs it.
 */
void entity_load_failed(struct entity *e);
/*
 * Something changed: it may have become idle, or must be loaded again.  It may be gone afterwards.
 */
void entity_settle(struct entity *e);

#endif
