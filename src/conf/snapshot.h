/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * conf/snapshot.h - one state of the configuration: the tree as written and,
 * in its arena, whatever was made of it.  Built by one thread, then immutable
 * and counted, so that workers hold the one they began with while the next one
 * comes.
 */
#ifndef CONF_SNAPSHOT_H
#define CONF_SNAPSHOT_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/arena.h"
#include "conf/node.h"
#include "conf/report.h"

struct conf_snapshot {
	atomic_uint refs;
	struct arena *arena; /* only the thread that builds the snapshot allocates */
	const struct conf_node *root;
	const void *view; /* what the owner made of the tree, in the arena; or NULL */
};

/*
 * With one reference.  A tree comes back even when the report is not clean, so
 * that the keys can be checked too and all mistakes be told at once; do not run
 * on it.  NULL only when the file itself cannot be read.
 */
struct conf_snapshot *conf_load(const char *path, struct conf_report *report);
/* The same from memory; never NULL. `name` stands for the file in messages. */
struct conf_snapshot *
conf_load_text(const char *name, const char *text, size_t len, struct conf_report *report);

/* Any thread. */
struct conf_snapshot *conf_snapshot_ref(struct conf_snapshot *snapshot);
void conf_snapshot_unref(struct conf_snapshot **snapshot); /* clears the pointer */

#endif
