/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/mem.h - the heap.  Allocation does not fail: it ends the process, after a
 * line in the log.  Sizes that come from outside are bounded by the caller.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *mem_zalloc(size_t size) __attribute__((malloc, alloc_size(1), returns_nonnull));
/* Zeroed; n * size is checked for overflow. */
void *mem_array(size_t n, size_t size) __attribute__((malloc, alloc_size(1, 2), returns_nonnull));
void *mem_realloc(void *p, size_t size) __attribute__((alloc_size(2), returns_nonnull));
char *mem_strdup(const char *s) __attribute__((malloc, returns_nonnull)); /* s may not be NULL */
char *mem_strndup(const char *s, size_t len) __attribute__((malloc, returns_nonnull));
char *
mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2), malloc, returns_nonnull));
void mem_free(void *p); /* NULL is fine */
/* A secret text, or NULL: it is overwritten first. */
void mem_free_secret(char *s);

#define mem_new(type) ((type *)mem_zalloc(sizeof(type)))

#endif
