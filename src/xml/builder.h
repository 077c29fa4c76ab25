/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xml/builder.h - a parser's events become an element tree in one arena.  Names
 * are taken as expat gives them in namespace mode; limits are looked after here.
 * One owner; what is built is the caller's once builder_take() gave it.
 */
#ifndef XML_BUILDER_H
#define XML_BUILDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "xml/parser.h"

#define NAME_SEPARATOR '\n' /* between the parts of a name; expat refuses it inside a namespace */

struct builder {
	struct arena *arena; /* NULL until the first piece of an element comes */
	bool foreign_arena;  /* it is the caller's */
	struct hm_elem *root, *at;
	struct buf text; /* character data not yet in the tree */
	unsigned depth, nodes;
	unsigned depth_max, nodes_max;
};

/* "ns\nlocal", "ns\nlocal\nprefix" or "local"; ns and prefix may be NULL, ns is not terminated. */
struct split_name {
	const char *ns, *local, *prefix;
	size_t ns_len, local_len;
};

struct split_name name_split(const char *name);

/* Forgets what nobody took; memory for text is kept. */
void builder_clear(struct builder *b);
void builder_begin(struct builder *b, const struct xml_limits *limits);
/* atts: name, value, name, value, NULL.  0, or XML_TOO_LARGE. */
enum xml_fault builder_start(struct builder *b, const char *name, const char **atts);
void builder_end(struct builder *b);
void builder_text(struct builder *b, const char *s, size_t len);
/* *a stays as it is when the arena is the caller's. */
struct hm_elem *builder_take(struct builder *b, struct arena **a);

#endif
