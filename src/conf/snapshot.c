/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* The life of a snapshot: arena, tree, count. */
#include "conf/snapshot.h"

#include "base/mem.h"
#include "conf/parser.h"

#define FIRST_BLOCK 8192 /* bytes; a common configuration fits */

static struct conf_snapshot *
snapshot_new(void)
{
	struct conf_snapshot *snapshot = mem_new(struct conf_snapshot);

	atomic_init(&snapshot->refs, 1);
	snapshot->arena = arena_new(FIRST_BLOCK);
	return snapshot;
}

struct conf_snapshot *
conf_load(const char *path, struct conf_report *report)
{
	struct conf_snapshot *snapshot = snapshot_new();

	snapshot->root = conf_parse_file(snapshot->arena, path, report);
	if (!snapshot->root)
		conf_snapshot_unref(&snapshot);
	return snapshot;
}

struct conf_snapshot *
conf_load_text(const char *name, const char *text, size_t len, struct conf_report *report)
{
	struct conf_snapshot *snapshot = snapshot_new();

	snapshot->root = conf_parse_text(snapshot->arena, name, text, len, report);
	return snapshot;
}

struct conf_snapshot *
conf_snapshot_ref(struct conf_snapshot *snapshot)
{
	atomic_fetch_add_explicit(&snapshot->refs, 1, memory_order_relaxed);
	return snapshot;
}

void
conf_snapshot_unref(struct conf_snapshot **snapshot)
{
	struct conf_snapshot *gone = *snapshot;

	*snapshot = NULL;
	if (!gone || atomic_fetch_sub_explicit(&gone->refs, 1, memory_order_acq_rel) > 1)
		return;
	arena_free(&gone->arena);
	mem_free(gone);
}
