/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xml/builder.c - builds trees while a parser reads.  A node and its strings are
 * one piece of the arena; character data is collected first, so that one run
 * of characters is one node whatever pieces it comes in.
 */
#include "xml/builder.h"

#include <string.h>

#include "xml/names.h"

struct split_name
name_split(const char *name)
{
	const char *sep = strchr(name, NAME_SEPARATOR);
	struct split_name n = { .local = name };

	if (sep) {
		n.ns = name;
		n.ns_len = (size_t)(sep - name);
		n.local = sep + 1;
		sep = strchr(n.local, NAME_SEPARATOR);
	}
	n.prefix = sep ? sep + 1 : NULL;
	n.local_len = sep ? (size_t)(sep - n.local) : strlen(n.local);
	return n;
}

static const char *
keep_ns(struct builder *b, const struct split_name *n)
{
	const char *known;

	if (b->at && strncmp(b->at->ns, n->ns, n->ns_len) == 0 && !b->at->ns[n->ns_len])
		return b->at->ns;
	known = xml_known_ns(n->ns, n->ns_len);
	return known ? known : arena_strndup(b->arena, n->ns, n->ns_len);
}

/* Behind what the open element holds. */
static void
append(struct builder *b, struct hm_elem *child)
{
	child->parent = b->at;
	if (!b->at)
		b->root = child;
	else if (b->at->last)
		b->at->last = b->at->last->next = child;
	else
		b->at->last = b->at->first = child;
}

static void
flush_text(struct builder *b)
{
	struct hm_elem *t;
	char *text;

	if (!b->text.len)
		return;
	t = arena_alloc(b->arena, sizeof(*t) + b->text.len + 1);
	text = (char *)(t + 1);
	memcpy(text, b->text.data, b->text.len + 1);
	*t = (struct hm_elem){ .node = XML_TEXT, .text = text, .text_len = b->text.len };
	append(b, t);
	buf_clear(&b->text);
}

static struct xml_attr *
new_attr(struct builder *b, const char *name, const char *value)
{
	struct split_name n = name_split(name);
	size_t value_len = strlen(value);
	struct xml_attr *a = arena_alloc(b->arena, sizeof(*a) + n.local_len + value_len + 2);
	char *at = (char *)(a + 1);

	a->next = NULL;
	a->ns = n.ns ? keep_ns(b, &n) : NULL;
	a->name = memcpy(at, n.local, n.local_len);
	at += n.local_len;
	*at++ = '\0';
	a->value = memcpy(at, value, value_len + 1);
	return a;
}

void
builder_clear(struct builder *b)
{
	if (!b->foreign_arena)
		arena_free(&b->arena);
	b->arena = NULL;
	b->foreign_arena = false;
	b->root = b->at = NULL;
	buf_clear(&b->text);
}

void
builder_begin(struct builder *b, const struct xml_limits *limits)
{
	builder_clear(b);
	b->depth = b->nodes = 0;
	b->depth_max = limits->depth;
	b->nodes_max = limits->nodes;
}

enum xml_fault
builder_start(struct builder *b, const char *name, const char **atts)
{
	struct split_name n = name_split(name);
	struct xml_attr **end;
	struct hm_elem *e;
	char *local;

	if (b->depth == b->depth_max || b->nodes >= b->nodes_max)
		return XML_TOO_LARGE;
	b->depth++;
	b->nodes++;
	flush_text(b);
	e = arena_alloc(b->arena, sizeof(*e) + n.local_len + 1);
	local = memcpy(e + 1, n.local, n.local_len);
	local[n.local_len] = '\0';
	*e = (struct hm_elem){ .node = XML_ELEMENT, .name = local };
	e->ns = n.ns ? keep_ns(b, &n) : "";
	append(b, e);
	b->at = e;
	for (end = &e->attrs; *atts; atts += 2, end = &(*end)->next) {
		if (++b->nodes > b->nodes_max)
			return XML_TOO_LARGE;
		*end = new_attr(b, atts[0], atts[1]);
	}
	return 0;
}

void
builder_end(struct builder *b)
{
	flush_text(b);
	b->at = b->at->parent;
	b->depth--;
}

void
builder_text(struct builder *b, const char *s, size_t len)
{
	buf_append(&b->text, s, len);
}

struct hm_elem *
builder_take(struct builder *b, struct arena **a)
{
	struct hm_elem *root = b->root;

	if (!b->foreign_arena) {
		*a = b->arena;
		b->arena = NULL;
	}
	b->root = b->at = NULL;
	return root;
}
