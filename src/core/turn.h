/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/turn.h - one callback's doings at one entity: what it stores, and what it sends, which
 * waits for the commit (DESIGN 4: memory first, output later).
 *
 * turn_begin(entity, cause) ... module callbacks ... turn_end().  Turns don't nest.
 */
#ifndef CORE_TURN_H
#define CORE_TURN_H

#include "core/entity.h"
#include "core/letter.h"
#include "core/session.h"

/*
 * cause: what is answered with an error if the commit fails; borrowed during the turn; NULL:
 * nothing.
 */
void turn_begin(struct entity *e, const struct hm_letter *cause);
void turn_end(void);
/* Another cause from here on, or NULL; borrowed until it is changed. */
void turn_cause(const struct hm_letter *cause);
/* What is sent until `false` shows the entity's memory and changes nothing: the answer to a get. */
void turn_shows_memory(bool shows);
struct entity *turn_entity(void); /* NULL: none */
/*
 * Whom the turn's output is charged to: the sender of its cause, unless said otherwise.  Borrowed:
 * it must hold a charge or its owner until the end of the turn.
 */
void turn_payer(struct credit *c);
/* As charge_return(), but the present turn's payer stays alive until its end. */
void turn_return(struct charge *ch);

/* Adds a statement to this turn's group. */
void turn_store(unsigned statement, const struct hm_value *v, size_t n);
/* Sends what was added so far, so that later statements on this lane see it. */
void turn_flush(void);

/*
 * Output: at once, or behind the holds of e (the turn's entity, or NULL: at once). Both take what
 * they are given.
 */
void turn_route(struct entity *e, struct hm_letter *take);
void
turn_deliver(struct entity *e, struct hm_session *s, const struct hm_stanza *take, const char *to);

/* The client has left: its session is closed when what was delivered to it before is out. */
void turn_close(struct entity *e, struct hm_session *s);

/* A read for e: now, or when its writes are done. ctx as in store_read(). */
struct read_waiting {
	struct list link;
	void (*go)(struct read_waiting *r);
};
void turn_read(struct entity *e, struct read_waiting *r);
/* A write for e has come back: what waited for it may go. */
void turn_reads(struct entity *e);

#endif
