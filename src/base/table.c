/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/table.c - open addressing with linear probing; at most three quarters of
 * the slots are filled.  The hash is SipHash-1-3 (Aumasson, Bernstein) with a
 * key that each process draws anew: a peer who chooses the keys can't choose
 * the slots.  hash_stable() is for what must be the same in every process.
 *
 * Removing leaves a mark only where a probe sequence goes on behind the slot,
 * so a table with much coming and going does not fill up with marks.
 */
#include "base/table.h"

#include <string.h>

#include <hermod/values.h>

#include "base/mem.h"

#define TABLE_CAP_MIN 8

struct table_slot {
	char *key; /* NULL: empty, or `removed` */
	void *value;
	size_t len;
	uint64_t hash;
};

/* Marks a slot that is empty but in the middle of a probe sequence. */
static char removed[1];

static bool
is_live(const struct table_slot *s)
{
	return s->key && s->key != removed;
}

static struct table_slot *
find(const struct table *t, const void *key, size_t len, uint64_t hash)
{
	size_t mask = t->cap - 1;

	if (t->cap == 0)
		return NULL;
	for (size_t i = hash & mask; t->slots[i].key; i = (i + 1) & mask) {
		struct table_slot *s = &t->slots[i];

		if (s->hash == hash && s->key != removed && s->len == len &&
		    memcmp(s->key, key, len) == 0)
			return s;
	}
	return NULL;
}

/* The first slot of the probe sequence that holds no entry. */
static struct table_slot *
find_free(const struct table *t, uint64_t hash)
{
	size_t mask = t->cap - 1, i = hash & mask;

	while (is_live(&t->slots[i]))
		i = (i + 1) & mask;
	return &t->slots[i];
}

static void
resize(struct table *t)
{
	struct table old = *t;

	t->cap = TABLE_CAP_MIN;
	while (t->cap < (old.used + 1) * 2)
		t->cap *= 2;
	t->slots = mem_array(t->cap, sizeof(*t->slots));
	t->filled = t->used;
	for (size_t i = 0; i < old.cap; i++)
		if (is_live(&old.slots[i]))
			*find_free(t, old.slots[i].hash) = old.slots[i];
	mem_free(old.slots);
}

void *
table_get_n(const struct table *t, const void *key, size_t len)
{
	const struct table_slot *s = find(t, key, len, t->used ? hash_bytes(key, len) : 0);

	return s ? s->value : NULL;
}

void *
table_put_n(struct table *t, const void *key, size_t len, void *value)
{
	uint64_t hash = hash_bytes(key, len);
	struct table_slot *s = find(t, key, len, hash);

	hm_assert(value);
	if (s) {
		void *before = s->value;

		s->value = value;
		return before;
	}
	/* Too full; or, after a crowd has left, far too empty. */
	if ((t->filled + 1) * 4 > t->cap * 3 || (t->cap > 64 && t->used * 16 < t->cap))
		resize(t);
	s = find_free(t, hash);
	if (!s->key)
		t->filled++;
	*s = (struct table_slot){ mem_strndup(key, len), value, len, hash };
	t->used++;
	return NULL;
}

/* Turns the marks before an empty slot into empty slots. */
static void
drop_marks(struct table *t, size_t i)
{
	size_t mask = t->cap - 1;

	if (t->slots[(i + 1) & mask].key)
		return;
	for (; t->slots[i].key == removed; i = (i - 1) & mask) {
		t->slots[i].key = NULL;
		t->filled--;
	}
}

void *
table_remove_n(struct table *t, const void *key, size_t len)
{
	struct table_slot *s = find(t, key, len, t->used ? hash_bytes(key, len) : 0);
	void *value;

	if (!s)
		return NULL;
	value = s->value;
	mem_free(s->key);
	*s = (struct table_slot){ .key = removed };
	t->used--;
	drop_marks(t, (size_t)(s - t->slots));
	return value;
}

void *
table_get(const struct table *t, const char *key)
{
	return table_get_n(t, key, strlen(key));
}

void *
table_put(struct table *t, const char *key, void *value)
{
	return table_put_n(t, key, strlen(key), value);
}

void *
table_remove(struct table *t, const char *key)
{
	return table_remove_n(t, key, strlen(key));
}

size_t
table_count(const struct table *t)
{
	return t->used;
}

void
table_free(struct table *t)
{
	for (size_t i = 0; i < t->cap; i++)
		if (is_live(&t->slots[i]))
			mem_free(t->slots[i].key);
	mem_free(t->slots);
	*t = (struct table){ 0 };
}

bool
table_next(const struct table *t, size_t *pos, const char **key, void **value)
{
	while (*pos < t->cap) {
		const struct table_slot *s = &t->slots[(*pos)++];

		if (!is_live(s))
			continue;
		if (key)
			*key = s->key;
		if (value)
			*value = s->value;
		return true;
	}
	return false;
}
