/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/credit.c - all of an account's state in one word, so that a charge is one atomic addition
 * and whoever takes the word to 0 frees it:
 *
 *   bit 63: the owner is there   62: it waits for credit   61..36: stanzas   35..0: units of 64 bytes
 *
 * Neither sum can overflow: each stanza and unit that is charged is kept in memory somewhere, but
 * for what many share, which is counted for each.  2^26 letters are 10 GiB.
 */
#include "core/credit.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "link/link.h"
#include "loop/worker.h"

#define OWNED (UINT64_C(1) << 63)
#define WAITING (UINT64_C(1) << 62)
#define STANZA (UINT64_C(1) << 36)
#define STANZAS_MAX ((UINT64_C(1) << 26) - 1)
#define UNIT 64

struct credit {
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
	return word / STANZA & STANZAS_MAX;
}

static uint64_t
units_of(uint64_t word)
{
	return word % STANZA;
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
	c->back = back;
	c->stanzas = stanzas;
	c->units = bytes / UNIT;
	return c;
}

void
credit_leave(struct credit **cp)
{
	struct credit *c = *cp;

	*cp = NULL;
	if (!c)
		return;
	if ((atomic_fetch_and_explicit(&c->word, ~(OWNED | WAITING), memory_order_acq_rel) &
	     ~(OWNED | WAITING)) == 0)
		mem_free(c);
}

bool
credit_is_used_up(struct credit *c)
{
	uint64_t word = atomic_load_explicit(&c->word, memory_order_relaxed);

	while (is_used_up(c, word)) {
		if (word & WAITING || atomic_compare_exchange_weak_explicit(
					      &c->word, &word, word | WAITING, memory_order_relaxed,
					      memory_order_relaxed))
			return true;
	}
	/* Between the limit and the half of it a wait that has begun goes on. */
	return word & WAITING;
}

void
charge_take(struct charge *ch, struct credit *c, uint32_t stanzas, size_t bytes)
{
	ch->credit = c;
	ch->stanzas = stanzas;
	ch->units = (uint32_t)(bytes / UNIT + 1);
	atomic_fetch_add_explicit(&c->word, stanzas * STANZA + ch->units, memory_order_relaxed);
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
	uint64_t sum = ch->stanzas * STANZA + ch->units, word, left, owner;
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
