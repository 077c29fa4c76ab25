/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/arena.c - bump allocation in blocks that double, freed in one piece.
 *
 * The arena and its first block are one piece of heap, so that a small stanza
 * costs one malloc().  An object larger than the next block gets a block of its
 * own size.  In the address sanitizer build there are no blocks: each object is
 * a malloc() of its own, and the arena keeps their addresses.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <hermod/values.h>

#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_OBJECTS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_OBJECTS 1
#endif
#endif

#ifdef ARENA_OBJECTS

struct arena {
	void **objects; /* apart from the objects, so that an underflow is seen too */
	size_t n, cap;
	size_t bytes;
};

struct arena *
arena_new(size_t first)
{
	return mem_new(struct arena);
}

void
arena_free(struct arena **a)
{
	if (!*a)
		return;
	arena_reset(*a);
	mem_free((*a)->objects);
	mem_free(*a);
	*a = NULL;
}

void
arena_reset(struct arena *a)
{
	for (size_t i = 0; i < a->n; i++)
		mem_free(a->objects[i]);
	a->n = 0;
	a->bytes = 0;
}

size_t
arena_bytes(const struct arena *a)
{
	return sizeof(*a) + a->bytes;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	if (a->n == a->cap) {
		a->cap = a->cap ? a->cap * 2 : 16;
		a->objects = mem_realloc(a->objects, a->cap * sizeof(*a->objects));
	}
	a->bytes += size;
	return a->objects[a->n++] = mem_alloc(size);
}

#else

#define ARENA_ALIGN 8
#define ARENA_FIRST 1024
#define ARENA_BLOCK_MAX (32 * 1024)

/* A further block; its space follows the header. */
struct block {
	struct block *next;
	size_t size; /* without the header */
};

struct arena {
	char *at, *end;       /* free space of the current block */
	struct block *blocks; /* all but the first */
	size_t first;         /* size of the first block, which follows this struct */
	size_t next_size;
	size_t bytes;
};

struct arena *
arena_new(size_t first)
{
	struct arena *a;

	first = first ? first : ARENA_FIRST;
	hm_assert(first <= SIZE_MAX / 2);
	first = (first + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	a = mem_alloc(sizeof(*a) + first);
	a->first = first;
	a->blocks = NULL;
	arena_reset(a);
	return a;
}

void
arena_free(struct arena **a)
{
	if (!*a)
		return;
	arena_reset(*a);
	mem_free(*a);
	*a = NULL;
}

void
arena_reset(struct arena *a)
{
	while (a->blocks) {
		struct block *b = a->blocks;

		a->blocks = b->next;
		mem_free(b);
	}
	a->at = (char *)(a + 1);
	a->end = a->at + a->first;
	a->next_size = a->first * 2 < ARENA_BLOCK_MAX ? a->first * 2 : ARENA_BLOCK_MAX;
	a->bytes = sizeof(*a) + a->first;
}

size_t
arena_bytes(const struct arena *a)
{
	return a->bytes;
}

/* The object does not fit into the current block. */
static void *
alloc_in_new_block(struct arena *a, size_t size)
{
	bool own = size > a->next_size / 2;
	size_t room = own ? size : a->next_size;
	struct block *b = mem_alloc(sizeof(*b) + room);

	b->size = room;
	b->next = a->blocks;
	a->blocks = b;
	a->bytes += sizeof(*b) + room;
	/* A block made for one large object leaves the current one in use. */
	if (own)
		return b + 1;
	a->at = (char *)(b + 1) + size;
	a->end = (char *)(b + 1) + room;
	if (a->next_size < ARENA_BLOCK_MAX)
		a->next_size =
			a->next_size * 2 < ARENA_BLOCK_MAX ? a->next_size * 2 : ARENA_BLOCK_MAX;
	return b + 1;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	void *p = a->at;

	hm_assert(size <= SIZE_MAX / 2);
	size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (size > (size_t)(a->end - a->at))
		return alloc_in_new_block(a, size);
	a->at += size;
	return p;
}

#endif

void *
arena_zalloc(struct arena *a, size_t size)
{
	return memset(arena_alloc(a, size), 0, size);
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *
arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (len)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *
arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	char start[256]; /* nearly all fit, and are formatted once */
	va_list again;
	char *text;
	int len;

	va_copy(again, ap);
	len = vsnprintf(start, sizeof(start), fmt, ap);
	hm_assert(len >= 0);
	if ((size_t)len < sizeof(start)) {
		text = arena_strndup(a, start, (size_t)len);
	} else {
		text = arena_alloc(a, (size_t)len + 1);
		vsnprintf(text, (size_t)len + 1, fmt, again);
	}
	va_end(again);
	return text;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return text;
}
