/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/changed.c - the newest changes of passwords, bounded in number: of what is forgotten, the
 * time remains, and logins that are older than that have to begin again.
 */
#include "core/changed.h"

#include <string.h>

#include "base/mem.h"
#include "core/here.h"

#define CHANGES_MAX 10000

struct change {
	struct list link; /* in here->changes */
	int64_t at_us;
	char bare[];
};

static void
forget(struct change *c)
{
	list_remove(&c->link);
	table_remove(&here->changed, c->bare);
	mem_free(c);
}

void
changed_remember(const char *bare, int64_t at_us)
{
	size_t len = strlen(bare);
	struct change *c = table_get(&here->changed, bare);

	/* Two changes may be told in another order than they were made. */
	if (c && c->at_us > at_us)
		at_us = c->at_us;
	if (c)
		forget(c);
	if (table_count(&here->changed) >= CHANGES_MAX) {
		c = list_entry(here->changes.next, struct change, link);
		if (c->at_us > here->changes_since_us)
			here->changes_since_us = c->at_us;
		forget(c);
	}
	c = mem_zalloc(sizeof(*c) + len + 1);
	memcpy(c->bare, bare, len + 1);
	c->at_us = at_us;
	list_push_back(&here->changes, &c->link);
	table_put(&here->changed, c->bare, c);
}

bool
changed_since(const char *bare, int64_t at_us)
{
	const struct change *c = table_get(&here->changed, bare);

	return at_us <= here->changes_since_us || (c && at_us <= c->at_us);
}
