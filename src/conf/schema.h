/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * conf/schema.h - what one block may hold, and the function that fills a struct
 * from it.  Core, stream, net, store and the modules each bring such tables;
 * nobody reads the tree by hand but to walk over the blocks in a block.
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include <hermod/conf.h>

#include "base/arena.h"
#include "conf/node.h"
#include "conf/report.h"

/* A block in a block. */
struct conf_block_rule {
	const char *name;
	bool titled; /* `name title { }`, any number with different titles; else `name { }`, once */
	bool repeats;  /* titled, and titles may come again: they are kinds rather than names */
	bool required; /* there must be one */
	const char *doc;
};

struct conf_schema {
	const struct hm_conf_key *keys;
	size_t n_keys;
	const struct conf_block_rule *blocks;
	size_t n_blocks;
};

/*
 * Checks the block against the schema and gives every key its field in `filled`: the value of the file, or else
 * the default.  Unknown, repeated, missing and malformed statements are reported, all of them; false if there was
 * one.  Only the block itself is looked at: what its blocks hold is checked when they are filled.  block may be
 * NULL: defaults only.  Values live as long as the tree, the arena (the snapshot's) and the table.
 */
bool conf_fill(struct arena *arena, const struct conf_node *block, const struct conf_schema *schema,
               void *filled, struct conf_report *report);

/* The same, but a key that does not stand there keeps the value that `filled` has. */
bool conf_fill_over(struct arena *arena, const struct conf_node *block,
                    const struct conf_schema *schema, void *filled, struct conf_report *report);

/*
 * Is the table itself right: names, defaults, bounds?  For the tables of modules before they are used, and for our
 * own in tests.  owner names it in the report.
 */
bool
conf_schema_check(const char *owner, const struct conf_schema *schema, struct conf_report *report);

#endif
