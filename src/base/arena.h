/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/arena.h - memory that goes in one piece.  Not thread-safe; one owner.
 * In the address sanitizer build each object has a malloc of its own, so that
 * overflows and late uses show with exact lines.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

/* `first` is the size of the first block in bytes (0: 1 KiB); blocks double up to 32 KiB. */
struct arena *arena_new(size_t first);
void arena_free(struct arena **a);
void arena_reset(struct arena *a);         /* everything in it is gone, the first block is kept */
size_t arena_bytes(const struct arena *a); /* held from the heap, for budgets */

void *arena_alloc(struct arena *a, size_t size)
	__attribute__((alloc_size(2), returns_nonnull)); /* aligned to 8 */
void *arena_zalloc(struct arena *a, size_t size) __attribute__((alloc_size(2), returns_nonnull));
char *arena_strdup(struct arena *a, const char *s) __attribute__((returns_nonnull));
char *arena_strndup(struct arena *a, const char *s, size_t len) __attribute__((returns_nonnull));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0), returns_nonnull));
char *arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), returns_nonnull));

#define arena_new_of(a, type) ((type *)arena_zalloc((a), sizeof(type)))

#endif
