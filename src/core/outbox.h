/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/outbox.h - what an entity sends, behind what is not certain yet (DESIGN 4: memory first,
 * output later).
 *
 * Two queues: what is shown to the account's own clients, and what is routed to others.  In both
 * stand marks of holds: groups of writes on their way to the disk, and messages in custody of
 * another home.  An output goes when all marks before it are gone.  Not everything has to queue:
 *
 *   A hold that changes state (hm_store()) stops everything that comes after it.
 *   A hold that only appends rows, or a message in custody, stops what its own turn sends, what
 *   shows an id of the account's archive, and what comes from the same sender as something that
 *   waits for the same client (the account itself is one, too).  Everything else passes.
 *
 * What shows ids goes in their order, also where nothing waits for the disk (`delivery immediate`).
 */
#ifndef CORE_OUTBOX_H
#define CORE_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct entity;
struct hm_letter;
struct hm_session;
struct hm_stanza;

struct outbox {
	struct list shown, routed;
	unsigned states; /* open holds that change state */
};

struct outbox_item {
	struct list link;
	enum { ITEM_MARK, ITEM_ROUTE, ITEM_POST, ITEM_DELIVER, ITEM_CLOSE, ITEM_CALL } kind;
};

/* Its place in both queues. */
struct outbox_mark {
	struct outbox_item shown, routed; /* routed: linked only where it stops something */
	struct entity *entity;
	uint64_t turn; /* whose output it stops in any case */
	int64_t id;    /* of the archive, that it makes certain; 0: none */
	bool state;
};

/* Something else that waits among what is shown. */
struct outbox_call {
	struct outbox_item item;
	void (*run)(struct outbox_call *c);
};

/* Something that is routed as one, to one worker: a bundle of letters (hm_fanout()). */
struct outbox_post {
	struct outbox_item item;
	uint64_t turn; /* the turn that made it */
	void (*go)(struct outbox_post *take);
	void (*drop)(struct outbox_post *take); /* instead: what it follows from is not stored */
};

void outbox_init(struct outbox *o);
bool outbox_empty(const struct outbox *o);
/*
 * Puts a mark at the end of what is shown, for what this turn of e shows.  stops_routes: and for what it
 * routes.
 */
void outbox_mark(struct entity *e, struct outbox_mark *m, bool stops_routes);
/* It makes this id certain: its place is before those of higher ids. */
void outbox_mark_id(struct outbox_mark *m, int64_t id);
/* It changes state: everything behind it waits. */
void outbox_mark_state(struct outbox_mark *m);
/*
 * It stops nothing any more.  What follows goes with outbox_flush(); the mark itself is out of both
 * queues at once.
 */
void outbox_open(struct outbox_mark *m);
/*
 * What this turn wanted to store is not stored: its output is dropped, and answers of others that show
 * its change become errors.
 */
void outbox_drop(struct entity *e, uint64_t turn);
/* Its id is given up: what its turn would have shown is dropped. Before outbox_open(). */
void outbox_take_back(struct outbox_mark *m);
/* Everything up to the first open mark goes.  Inside a turn of e, when e is READY. */
void outbox_flush(struct entity *e);

/* Would a letter routed now wait? */
bool outbox_stops_routes(const struct entity *e);
/* These take what they are given.  id: of the archive, that the stanza shows; 0: none. */
void outbox_route(struct entity *e, struct hm_letter *take);
void outbox_deliver(struct entity *e, struct hm_session *s, const struct hm_stanza *take,
                    const char *to, int64_t id);
/* In its order among what is routed; at once where nothing is waited for. */
void outbox_post(struct entity *e, struct outbox_post *take);
void outbox_close(struct entity *e, struct hm_session *s);
/*
 * c->run() once all that e shows so far is certain, in any turn of e; at once when that is so. c
 * stays the caller's.
 */
void outbox_call(struct entity *e, struct outbox_call *c);

/* The lowest id that is not certain yet; INT64_MAX: none. */
int64_t outbox_lowest_id(const struct entity *e);

#endif
