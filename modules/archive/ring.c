/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* ring.c - rings of entries, and the list of them by age. */
#include "ring.h"

#include <string.h>

#include <hermod/module.h>

/* What an entry takes beside its stanza's text. */
#define OVERHEAD 256

static struct ring_entry *
slot(const struct ring *r, unsigned i)
{
	return &r->entries[(r->first + i) % r->size];
}

unsigned
ring_count(const struct ring *r)
{
	return r->n;
}

const struct ring_entry *
ring_at(const struct ring *r, unsigned i)
{
	return slot(r, i);
}

static void
unlink_ring(struct ring_pool *pool, struct ring *r)
{
	if (!r->pooled)
		return;
	*(r->newer ? &r->newer->older : &pool->newest) = r->older;
	*(r->older ? &r->older->newer : &pool->oldest) = r->newer;
	r->newer = r->older = NULL;
	r->pooled = false;
}

static void
link_newest(struct ring_pool *pool, struct ring *r)
{
	r->older = pool->newest;
	*(pool->newest ? &pool->newest->newer : &pool->oldest) = r;
	pool->newest = r;
	r->pooled = true;
}

static void
drop_first(struct ring_pool *pool, struct ring *r)
{
	struct ring_entry *e = slot(r, 0);

	r->before = e->id;
	r->bytes -= e->bytes;
	pool->bytes -= e->bytes;
	hm_stanza_unref(&e->stanza);
	hm_free(e->to);
	r->first = (r->first + 1) % r->size;
	r->n--;
}

void
ring_clear(struct ring_pool *pool, struct ring *r)
{
	while (r->n > 0)
		drop_first(pool, r);
	unlink_ring(pool, r);
	hm_free(r->entries);
	*r = (struct ring){ 0 };
}

static void
grow(struct ring *r)
{
	unsigned size = r->size ? 2 * r->size : 4;
	struct ring_entry *entries = hm_alloc(size * sizeof(*entries));

	for (unsigned i = 0; i < r->n; i++)
		entries[i] = *slot(r, i);
	hm_free(r->entries);
	r->entries = entries;
	r->first = 0;
	r->size = size;
}

void
ring_add(struct ring_pool *pool, struct ring *r, int64_t id, const struct hm_stanza *stanza,
         const char *to)
{
	struct ring_entry e = { .id = id,
		                .stanza = hm_stanza_ref(stanza),
		                .to = hm_dup(to),
		                .bytes = hm_stanza_bytes(stanza) + strlen(to) + OVERHEAD };

	unlink_ring(pool, r);
	link_newest(pool, r);
	if (r->n >= pool->max_entries)
		drop_first(pool, r);
	if (r->n == r->size)
		grow(r);
	*slot(r, r->n++) = e;
	r->bytes += e.bytes;
	pool->bytes += e.bytes;
	while (pool->bytes > pool->max_bytes && pool->oldest != r)
		ring_clear(pool, pool->oldest);
	while (pool->bytes > pool->max_bytes && r->n > 0)
		drop_first(pool, r);
}

void
ring_learn(struct ring *r, int64_t last)
{
	if (r->n == 0 && r->before == 0)
		r->before = last;
}

bool
ring_reaches(const struct ring *r, int64_t id, unsigned *from)
{
	unsigned low = 0, high = r->n;

	*from = 0;
	if (id == r->before && id != 0)
		return true;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (slot(r, middle)->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	*from = low + 1;
	return low < r->n && slot(r, low)->id == id;
}
