/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/changes.c - a growing list. */
#include "daemon/changes.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "conf/value.h"

void
changes_add(struct changes *c, bool restart, const char *fmt, ...)
{
	char what[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	c->v = mem_realloc(c->v, (c->n + 1) * sizeof(*c->v));
	c->v[c->n++] = (struct change){ mem_strdup(what), restart };
}

void
changes_compare(struct changes *c, const char *prefix, const struct conf_schema *schema,
                const void *started, const void *before, const void *after)
{
	for (size_t i = 0; i < schema->n_keys; i++) {
		const struct hm_conf_key *key = &schema->keys[i];

		if (!conf_value_equal(key, key->restart ? started : before, after))
			changes_add(c, key->restart, "%s%s", prefix, key->name);
	}
}

void
changes_free(struct changes *c)
{
	for (size_t i = 0; i < c->n; i++)
		mem_free(c->v[i].what);
	mem_free(c->v);
	*c = (struct changes){ 0 };
}
