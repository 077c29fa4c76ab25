/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * conf/node.h - the configuration as it was written: a tree of statements, each
 * with its file and line.  Immutable once parsed; everything lives in the arena
 * of the snapshot.
 */
#ifndef CONF_NODE_H
#define CONF_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/report.h"

enum conf_kind {
	CONF_VALUE, /* name word, or name number unit */
	CONF_LIST,  /* name [ word ... ] */
	CONF_BLOCK, /* name { ... } or name title { ... } */
};

struct conf_word {
	const char *text; /* quotes, escapes and variables resolved */
	unsigned line;
};

struct conf_node {
	const struct conf_node *next;  /* the following statement of the same block */
	const struct conf_node *first; /* BLOCK: its first statement */
	struct conf_place at;
	enum conf_kind kind;
	const char *name;
	const char *title;             /* BLOCK: "" when it has none; else NULL */
	const struct conf_word *words; /* VALUE: one, or two with a unit; LIST: the entries */
	size_t n_words;
};

/* The first statement of that name in a block, and the next of that name; NULL: none. block may be NULL. */
const struct conf_node *conf_find(const struct conf_node *block, const char *name);
const struct conf_node *conf_find_next(const struct conf_node *node);
/* The same for blocks alone: what has the name of a block and is none has been reported. */
const struct conf_node *conf_find_block(const struct conf_node *block, const char *name);
const struct conf_node *conf_find_next_block(const struct conf_node *node);
/* The block of that name and title. */
const struct conf_node *
conf_find_titled(const struct conf_node *block, const char *name, const char *title);

#endif
