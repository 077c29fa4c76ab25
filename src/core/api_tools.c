/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/api_tools.c - what modules need of the server's base: addresses, time, tokens, memory and
 * tables (hermod/handles.h, hermod/act.h).  Scratch results die with the callback.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <hermod/module.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/table.h"
#include "crypto/hash.h"
#include "loop/worker.h"
#include "xmpp/jid.h"

#define KEYED_NAME_BYTES 12

/* --- Addresses ------------------------------------------------------------------------------------------------- */

const char *
hm_tmp_jid(const char *text)
{
	struct jid jid;

	return text && jid_parse(&jid, text, worker_scratch()) ? jid.full : NULL;
}

const char *
hm_tmp_bare(const char *jid)
{
	return arena_strndup(worker_scratch(), jid, strcspn(jid, "/"));
}

const char *
hm_tmp_domain(const char *jid)
{
	const char *bare = hm_tmp_bare(jid), *at = strchr(bare, '@');

	return at ? at + 1 : bare;
}

const char *
hm_tmp_local(const char *jid)
{
	size_t len = strcspn(jid, "@/");

	return jid[len] == '@' ? arena_strndup(worker_scratch(), jid, len) : NULL;
}

const char *
hm_tmp_resource(const char *jid)
{
	const char *slash = strchr(jid, '/');

	return slash ? arena_strdup(worker_scratch(), slash + 1) : NULL;
}

const char *
hm_tmp_printf(const char *fmt, ...)
{
	va_list ap;
	const char *text;

	va_start(ap, fmt);
	text = arena_vprintf(worker_scratch(), fmt, ap);
	va_end(ap);
	return text;
}

void *
hm_tmp_alloc(size_t size)
{
	return arena_alloc(worker_scratch(), size);
}

const char *
hm_tmp_dup(const char *s)
{
	return arena_strdup(worker_scratch(), s);
}

/* --- Time, tokens, memory --------------------------------------------------------------------------------------- */

int64_t
hm_now_us(void)
{
	return clock_wall_us();
}

const char *
hm_tmp_stamp(int64_t wall_us)
{
	char *out = arena_alloc(worker_scratch(), CLOCK_STAMP_MAX);

	return clock_stamp(wall_us, wall_us % 1000000 ? 6 : 0, out);
}

const char *
hm_tmp_token(size_t chars)
{
	return random_token(arena_alloc(worker_scratch(), chars + 1), chars);
}

const char *
hm_tmp_keyed_name(const char *key, const char *text)
{
	unsigned char digest[CRYPTO_HASH_MAX];
	char *name = arena_alloc(worker_scratch(), 2 * KEYED_NAME_BYTES + 1);

	crypto_hmac(CRYPTO_SHA256, (struct crypto_bytes){ key, strlen(key) },
	            (struct crypto_bytes){ text, strlen(text) }, digest);
	for (unsigned i = 0; i < KEYED_NAME_BYTES; i++)
		snprintf(name + (size_t)2 * i, 3, "%02x", digest[i]);
	return name;
}

void *
hm_alloc(size_t size)
{
	return mem_zalloc(size);
}

void *
hm_resize(void *p, size_t size)
{
	return mem_realloc(p, size);
}

char *
hm_dup(const char *s)
{
	return mem_strdup(s);
}

void
hm_free(void *p)
{
	mem_free(p);
}

struct hm_table {
	struct table table;
};

struct hm_table *
hm_table_new(void)
{
	return mem_new(struct hm_table);
}

void
hm_table_free(struct hm_table **t)
{
	if (*t)
		table_free(&(*t)->table);
	mem_free(*t);
	*t = NULL;
}

void *
hm_table_get(const struct hm_table *t, const char *key)
{
	return table_get(&t->table, key);
}

void *
hm_table_put(struct hm_table *t, const char *key, void *value)
{
	return table_put(&t->table, key, value);
}

void *
hm_table_remove(struct hm_table *t, const char *key)
{
	return table_remove(&t->table, key);
}

size_t
hm_table_count(const struct hm_table *t)
{
	return table_count(&t->table);
}

bool
hm_table_next(const struct hm_table *t, size_t *pos, const char **key, void **value)
{
	return table_next(&t->table, pos, key, value);
}
