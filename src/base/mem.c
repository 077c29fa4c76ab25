/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/mem.c - the heap, without failure.  malloc() under names of our own, so
 * that no caller has to write the branch that nobody can test: when memory is
 * gone the process writes one line (which needs no memory) and ends.
 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static HM_NORETURN void
out_of_memory(size_t wanted)
{
	log_line(NULL, HM_ERROR, "out of memory", hm_kv("bytes", wanted));
	abort();
}

void *
mem_alloc(size_t size)
{
	/* malloc(0) may give NULL, which would look like a failure. */
	void *p = malloc(size ? size : 1);

	if (!p)
		out_of_memory(size);
	return p;
}

void *
mem_zalloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		out_of_memory(size);
	return p;
}

void *
mem_array(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		out_of_memory(SIZE_MAX);
	return mem_zalloc(bytes);
}

void *
mem_realloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		out_of_memory(size);
	return p;
}

char *
mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}

char *
mem_strndup(const char *s, size_t len)
{
	char *copy = mem_alloc(len + 1);

	if (len)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *
mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	hm_assert(len >= 0);
	text = mem_alloc((size_t)len + 1);
	va_start(ap, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return text;
}

void
mem_free(void *p)
{
	free(p);
}

void
mem_free_secret(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}
