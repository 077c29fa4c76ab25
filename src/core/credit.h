/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/credit.h - what one sender has under way (DESIGN 4: credit, not blocking).
 *
 * Whatever is kept or posted because of a sender's stanza is charged to its account, on any thread,
 * and given back when it has been handled.  Charging never fails: the owner of the account asks
 * whether it has passed its limit, and takes no more from its client until it is told.
 *
 * A charge is a part of what it pays for: of a letter, of an output that waits for a commit.  What
 * is to stay charged longer moves its charge to where it goes on (charge_move).
 */
#ifndef CORE_CREDIT_H
#define CORE_CREDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct credit;

/* Zeroed: nobody's. */
struct charge {
	struct credit *credit;
	uint32_t stanzas;
	uint32_t units; /* of 64 bytes */
};

/*
 * owner: an id whose upper bits name its worker (link_worker()).  back runs there, in a later turn,
 * each time that credit_is_used_up() has said so and half of both limits is free again.
 */
struct credit *
credit_new(uint64_t owner, void (*back)(uint64_t owner), uint32_t stanzas, size_t bytes);
/* The owner goes; the account does with the last charge.  Clears the pointer. */
void credit_leave(struct credit **c);
/* Owner only.  true: at the limit, and back() will come. */
bool credit_is_used_up(struct credit *c);

/* Any thread that holds a charge or is the owner's.  ch is empty before. */
void charge_take(struct charge *ch, struct credit *c, uint32_t stanzas, size_t bytes);
/* Empties it; nothing if it is. */
void charge_return(struct charge *ch);
void charge_move(struct charge *to, struct charge *from); /* to is empty before */

/* An account had to be looked up for a stanza of this sender; c may be NULL. */
void credit_looked_up(struct credit *c);
/* Owner only: how many since the last call. */
unsigned credit_take_looked_up(struct credit *c);

#endif
