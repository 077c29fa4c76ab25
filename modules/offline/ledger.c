/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* ledger.c - an array of stretches, sorted by id; neighbours of one kind become one. */
#include "ledger.h"

#include <string.h>

#include <hermod/act.h>

void
ledger_free(struct ledger *l)
{
	hm_free(l->v);
	*l = (struct ledger){ 0 };
}

static struct stretch *
insert(struct ledger *l, size_t at)
{
	if (l->n == l->size) {
		l->size = l->size ? 2 * l->size : 4;
		l->v = hm_resize(l->v, l->size * sizeof(*l->v));
	}
	memmove(l->v + at + 1, l->v + at, (l->n - at) * sizeof(*l->v));
	l->n++;
	l->v[at] = (struct stretch){ 0 };
	return &l->v[at];
}

static void
remove_at(struct ledger *l, size_t at)
{
	memmove(l->v + at, l->v + at + 1, (l->n - at - 1) * sizeof(*l->v));
	l->n--;
}

/* Index of the first stretch that ends at or behind id. */
static size_t
find(const struct ledger *l, int64_t id)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->v[middle].last < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Makes one of the stretch and the one behind it, if they are of one kind. */
static void
join(struct ledger *l, size_t at)
{
	struct stretch *a, *b;

	if (at + 1 >= l->n)
		return;
	a = &l->v[at];
	b = a + 1;
	if (a->state != b->state || a->state == SHOWN)
		return;
	a->last = b->last;
	a->count += b->count;
	a->bytes += b->bytes;
	remove_at(l, at + 1);
}

static void
join_around(struct ledger *l, size_t at)
{
	join(l, at);
	if (at > 0)
		join(l, at - 1);
}

/* --- New ones ----------------------------------------------------------------------------------- */

/* Nearly always at the end. What lies inside of a stretch joins it. */
static void
add(struct ledger *l, const struct stretch *s)
{
	size_t i = find(l, s->first);

	l->last = s->last > l->last ? s->last : l->last;
	if (i < l->n && l->v[i].first <= s->first) {
		if (l->v[i].state == WAITING) {
			l->v[i].count += s->count;
			l->v[i].bytes += s->bytes;
		}
		return;
	}
	*insert(l, i) = *s;
	join_around(l, i);
}

void
ledger_add_old(struct ledger *l, int64_t first, int64_t last, int64_t count, int64_t bytes)
{
	struct stretch s = { first, last, WAITING, count, bytes, true, 0 };

	l->count += count;
	l->bytes += bytes;
	add(l, &s);
}

void
ledger_add_waiting(struct ledger *l, int64_t id, int64_t bytes)
{
	ledger_add_old(l, id, id, 1, bytes);
}

void
ledger_add_shown(struct ledger *l, int64_t id, int64_t bytes, uint64_t to)
{
	struct stretch s = { id, id, SHOWN, 1, bytes, false, to };

	add(l, &s);
}

/* --- Their way -------------------------------------------------------------------------------- */

const struct stretch *
ledger_waiting(const struct ledger *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].state == WAITING)
			return &l->v[i];
	}
	return NULL;
}

void
ledger_show(struct ledger *l, int64_t id, int64_t bytes, uint64_t to)
{
	size_t i = find(l, id);
	struct stretch rest;

	if (i == l->n || l->v[i].state != WAITING || l->v[i].first > id)
		return;
	rest = l->v[i];
	rest.first = id + 1;
	rest.count--;
	rest.bytes -= bytes;
	if (rest.count > 0 && rest.first <= rest.last) {
		insert(l, i);
		l->v[i + 1] = rest;
	} else { /* what else was thought to be there is not */
		l->count -= rest.count;
		l->bytes -= rest.bytes;
	}
	l->v[i] = (struct stretch){ id, id, SHOWN, 1, bytes, true, to };
}

void
ledger_pass(struct ledger *l, int64_t upto, int64_t count, int64_t bytes)
{
	size_t i = find(l, upto);
	struct stretch *s = &l->v[i];

	if (i == l->n || s->state != WAITING || s->first > upto)
		return;
	if (s->last == upto || count >= s->count) {
		l->count -= s->count;
		l->bytes -= s->bytes;
		*s = (struct stretch){ .first = s->first, .last = s->last, .state = GOT };
		join_around(l, i);
		return;
	}
	l->count -= count;
	l->bytes -= bytes;
	s->count -= count;
	s->bytes -= bytes;
	s->first = upto + 1;
}

bool
ledger_got(struct ledger *l, int64_t id)
{
	size_t i = find(l, id);
	struct stretch *s;

	if (i == l->n || l->v[i].state != SHOWN || l->v[i].first != id)
		return false;
	s = &l->v[i];
	if (s->waited) {
		l->count--;
		l->bytes -= s->bytes;
	}
	*s = (struct stretch){ .first = id, .last = id, .state = GOT };
	join_around(l, i);
	return true;
}

static void
wait_again(struct ledger *l, size_t i)
{
	struct stretch *s = &l->v[i];

	if (!s->waited) {
		l->count++;
		l->bytes += s->bytes;
	}
	s->waited = true;
	s->state = WAITING;
	s->to = 0;
	join_around(l, i);
}

void
ledger_only(struct ledger *l, uint64_t sessions)
{
	for (size_t i = l->n; i-- > 0;) {
		if (l->v[i].state == SHOWN && !(l->v[i].to & sessions))
			wait_again(l, i);
		i = i < l->n ? i : l->n;
	}
}

void
ledger_append(struct ledger *l, const struct stretch *s)
{
	add(l, s);
	if (s->state == WAITING || (s->state == SHOWN && s->waited)) {
		l->count += s->count;
		l->bytes += s->bytes;
	}
}

bool
ledger_lost(struct ledger *l, int64_t id, uint64_t to)
{
	size_t i = find(l, id);
	struct stretch *s;

	if (i == l->n || l->v[i].state != SHOWN || l->v[i].first != id || !(l->v[i].to & to))
		return false;
	s = &l->v[i];
	s->to &= ~to;
	if (s->to)
		return false;
	wait_again(l, i);
	return true;
}

int64_t
ledger_cursor(struct ledger *l)
{
	int64_t cursor = INT64_MIN;

	while (l->n > 0 && l->v[0].state == GOT) {
		cursor = l->v[0].last;
		remove_at(l, 0);
	}
	if (l->n == 0) {
		l->count = l->bytes = 0;
		cursor = l->last ? l->last : cursor;
	}
	return cursor;
}
