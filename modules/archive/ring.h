/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * ring.h - the newest entries of active accounts, in memory: who comes back after a short loss of
 * its connection reads what it missed from here.
 *
 * A ring holds all entries of its account that queries may show, from its first one on.  The rings of one
 * worker share a budget: the ring that got nothing for the longest time gives way.
 */
#ifndef MODULES_ARCHIVE_RING_H
#define MODULES_ARCHIVE_RING_H

#include <hermod/handles.h>

struct ring_entry {
	int64_t id;
	const struct hm_stanza *stanza; /* as the account got or sent it, without its stanza-id */
	char *to;
	size_t bytes;
};
/* Zeroed: it knows nothing. */
struct ring {
	struct ring_entry *entries; /* from first on, around */
	unsigned first, n, size;
	/* The entry with this id comes directly before the first one; 0: unknown. */
	int64_t before;
	size_t bytes;
	struct ring *newer, *older; /* in its pool, by their last entry; NULL: the ends */
	bool pooled;
};
struct ring_pool {
	struct ring *newest, *oldest;
	size_t bytes, max_bytes;
	unsigned max_entries; /* of one ring, 1 or more */
};

/* to is copied, the stanza is referred to. The id is greater than all before. */
void ring_add(struct ring_pool *pool, struct ring *r, int64_t id, const struct hm_stanza *stanza,
              const char *to);
/* It knows nothing any more. Also to free it. */
void ring_clear(struct ring_pool *pool, struct ring *r);
/* An empty ring that knows nothing learns the id of the account's last entry. */
void ring_learn(struct ring *r, int64_t last);
/*
 * Is `id` an entry, with all behind it in the ring?  Then *from is the first one behind it, for
 * ring_at(); it may be ring_count().
 */
bool ring_reaches(const struct ring *r, int64_t id, unsigned *from);
unsigned ring_count(const struct ring *r);
const struct ring_entry *ring_at(const struct ring *r, unsigned i); /* i: below ring_count() */

#endif
