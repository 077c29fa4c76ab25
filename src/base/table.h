/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/table.h - a hash table from byte strings to pointers, keyed with a random
 * seed (so that nobody outside can aim at one bucket).  Keys are copied.
 * One owner, one thread.  A zeroed struct is an empty table without memory.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slot;
struct table {
	struct table_slot *slots;
	size_t cap, used, filled;
};

void *table_get(const struct table *t, const char *key); /* NULL: not there */
void *table_get_n(const struct table *t, const void *key, size_t len);
/* The value that was there before, or NULL; value may not be NULL. */
void *table_put(struct table *t, const char *key, void *value);
void *table_put_n(struct table *t, const void *key, size_t len, void *value);
void *table_remove(struct table *t, const char *key); /* the value, or NULL */
void *table_remove_n(struct table *t, const void *key, size_t len);
size_t table_count(const struct table *t);
void table_free(struct table *t); /* the values are the caller's */

/*
 * Walks in no order: `size_t pos = 0; while (table_next(&t, &pos, &key, &value))`.
 * The entry just given may be removed during the walk; nothing may be put.
 * key and value may be NULL where not wanted.
 */
bool table_next(const struct table *t, size_t *pos, const char **key, void **value);

/* SipHash-like keyed hash of the process, the same for equal bytes on every thread. */
uint64_t hash_bytes(const void *data, size_t len);
/* The same value in every process and version (FNV-1a with a final mix): for homes and slots. */
uint64_t hash_stable(const void *data, size_t len);

#endif
