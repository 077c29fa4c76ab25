/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/credit.c - an account is one word, so that a charge is one atomic addition and whoever takes
 * the word to 0 frees it:
 *
 *   bit 0: the owner is there   1: it waits for credit   2..37: units of 64 bytes   38..63: stanzas
 *
 * What its owner charges, on its own thread, it sums up by itself and adds to the word when it asks
 * for it: two workers that pass the word's cache line to and fro would pay more for that than for the
 * message.  Until then the word may be below zero; nobody looks at it then but for the flags, which
 * no borrow reaches.  While the owner waits it adds at once, and the word is exact.
 *
 * The sums cannot overflow: what is charged is in memory somewhere, and 2^26 letters are 10 GiB.
 */
#include "core/credit.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "link/link.h"
#include "loop/worker.h"

#define OWNED UINT64_C(1)
#define WAITING UINT64_C(2)
#define UNITS_SHIFT 2
#define STANZAS_SHIFT 38
#define UNIT 64 /* bytes */
#define LINE 64 /* of the processor's caches */

struct credit {
	/* The owner's. */
	uint64_t unpublished;
	unsigned worker;
	bool at_once; /* waiting, or gone: it sums up nothing */
	char own_line[LINE];
	/* Everybody's. */
	_Atomic uint64_t word;
	atomic_uint looked_up;
	uint64_t owner;
	void (*back)(uint64_t owner);
	uint64_t stanzas, units; /* limits */
};

struct news {
	struct mail mail;
	uint64_t owner;
	void (*back)(uint64_t owner);
};

static uint64_t
stanzas_of(uint64_t word)
{
	return word >> STANZAS_SHIFT;
}

static uint64_t
units_of(uint64_t word)
{
	return (word & ((UINT64_C(1) << STANZAS_SHIFT) - 1)) >> UNITS_SHIFT;
}

static uint64_t
sum_of(const struct charge *ch)
{
	return ((uint64_t)ch->stanzas << STANZAS_SHIFT) + ((uint64_t)ch->units << UNITS_SHIFT);
}

static bool
is_used_up(const struct credit *c, uint64_t word)
{
	return stanzas_of(word) >= c->stanzas || units_of(word) >= c->units;
}

static bool
is_half_free(const struct credit *c, uint64_t word)
{
	return stanzas_of(word) <= c->stanzas / 2 && units_of(word) <= c->units / 2;
}

struct credit *
credit_new(uint64_t owner, void (*back)(uint64_t owner), uint32_t stanzas, size_t bytes)
{
	struct credit *c = mem_new(struct credit);

	atomic_init(&c->word, OWNED);
	c->owner = owner;
	c->worker = link_worker(owner);
	c->back = back;
	c->stanzas = stanzas;
	c->units = bytes / UNIT;
	return c;
}

void
credit_leave(struct credit **cp)
{
	struct credit *c = *cp;
	uint64_t word, left;

	*cp = NULL;
	if (!c)
		return;
	/* Turns on this thread may go on to charge what follows from its stanzas. */
	c->at_once = true;
	word = atomic_load_explicit(&c->word, memory_order_relaxed);
	do {
		left = (word + c->unpublished) & ~(OWNED | WAITING);
	} while (!atomic_compare_exchange_weak_explicit(&c->word, &word, left, memory_order_acq_rel,
	                                                memory_order_relaxed));
	if (left == 0)
		mem_free(c);
}

bool
credit_is_used_up(struct credit *c)
{
	uint64_t word = atomic_fetch_add_explicit(&c->word, c->unpublished, memory_order_relaxed) +
	                c->unpublished;

	c->unpublished = 0;
	while (is_used_up(c, word) && !(word & WAITING)) {
		if (atomic_compare_exchange_weak_explicit(&c->word, &word, word | WAITING,
		                                          memory_order_relaxed,
		                                          memory_order_relaxed))
			word |= WAITING;
	}
	/* Between the limit and half of it, a wait that has begun goes on. */
	c->at_once = word & WAITING;
	return c->at_once;
}

void
charge_take(struct charge *ch, struct credit *c, uint32_t stanzas, size_t bytes)
{
	ch->credit = c;
	ch->stanzas = stanzas;
	ch->units = (uint32_t)(bytes / UNIT + 1);
	if (worker_self() == c->worker && !c->at_once)
		c->unpublished += sum_of(ch);
	else
		atomic_fetch_add_explicit(&c->word, sum_of(ch), memory_order_relaxed);
}

static void
run_back(struct mail *mail)
{
	struct news *n = HM_CONTAINER(mail, struct news, mail);

	n->back(n->owner);
	mem_free(n);
}

void
charge_return(struct charge *ch)
{
	struct credit *c = ch->credit;
	uint64_t sum = sum_of(ch), word, left, owner;
	void (*back)(uint64_t);
	struct news *n;

	*ch = (struct charge){ 0 };
	if (!c)
		return;
	/* After the exchange it may be gone. */
	owner = c->owner;
	back = c->back;
	word = atomic_load_explicit(&c->word, memory_order_relaxed);
	do {
		left = word - sum;
		if (left & WAITING && is_half_free(c, left))
			left &= ~WAITING;
	} while (!atomic_compare_exchange_weak_explicit(&c->word, &word, left, memory_order_acq_rel,
	                                                memory_order_relaxed));
	if (left == 0)
		mem_free(c);
	if (!(word & WAITING) || left & WAITING)
		return;
	n = mem_new(struct news);
	n->owner = owner;
	n->back = back;
	n->mail.run = run_back;
	worker_post(link_worker(owner), &n->mail);
}

void
charge_move(struct charge *to, struct charge *from)
{
	*to = *from;
	*from = (struct charge){ 0 };
}

void
credit_looked_up(struct credit *c)
{
	if (c)
		atomic_fetch_add_explicit(&c->looked_up, 1, memory_order_relaxed);
}

unsigned
credit_take_looked_up(struct credit *c)
{
	if (atomic_load_explicit(&c->looked_up, memory_order_relaxed) == 0)
		return 0;
	return atomic_exchange_explicit(&c->looked_up, 0, memory_order_relaxed);
}
