/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/turn.h - one callback's doings at one entity: what it stores, and what it sends, which
 * waits for the commit (DESIGN 4: memory first, output later; outbox.h).
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
/* ch goes to another worker: likewise. */
void turn_lends(const struct charge *ch);

/*
 * Adds a statement to this turn's group.  append: a row on which nothing in memory depends, so that
 * other turns' output need not wait for it.
 */
void turn_store(unsigned statement, bool append, const struct hm_value *v, size_t n);
/* Sends what was added so far, so that later statements on this lane see it. */
void turn_flush(void);
/* This turn stores what makes an id of the account's archive certain. */
void turn_makes_certain(int64_t id);
/*
 * The letter goes home (custody.h) when this turn's last group so far is stored, or is not; false: there
 * is none.
 */
bool turn_keep(struct hm_letter *take);
/* Likewise runs closed(), once; not stored: it has failed. */
bool turn_when_stored(void (*closed)(void *ctx, bool stored), void *ctx);

/*
 * Output of e (the turn's entity, or NULL: nobody's), through its outbox. All take what they are
 * given.  id: of the account's archive, that the stanza shows.
 */
void turn_route(struct entity *e, struct hm_letter *take);
void
turn_deliver(struct entity *e, struct hm_session *s, const struct hm_stanza *take, const char *to);
void turn_show(struct entity *e, struct hm_session *s, const struct hm_stanza *take, const char *to,
               int64_t id);

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
