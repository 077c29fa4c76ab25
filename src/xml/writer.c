/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xml/writer.c - builds an element tree from the top down, in an arena.
 * Namespaces that everybody uses are not copied (xml/names.c).
 */
#include "xml/writer.h"

#include <string.h>

#include <hermod/values.h>

#include "xml/names.h"

void
writer_init(struct hm_writer *w, struct arena *a)
{
	*w = (struct hm_writer){ .arena = a };
}

/* Puts e behind what the open element holds; the first one is the root. */
static void
append(struct hm_writer *w, struct hm_elem *e)
{
	e->parent = w->at;
	e->next = NULL;
	if (!w->at) {
		hm_assert(!w->root);
		w->root = e;
		return;
	}
	if (w->at->last)
		w->at->last->next = e;
	else
		w->at->first = e;
	w->at->last = e;
}

static const char *
keep_ns(struct hm_writer *w, const char *ns)
{
	size_t len = strlen(ns);
	const char *known;

	if (w->at && strcmp(w->at->ns, ns) == 0)
		return w->at->ns;
	known = xml_known_ns(ns, len);
	return known ? known : arena_strndup(w->arena, ns, len);
}

void
writer_open(struct hm_writer *w, const char *ns, const char *name)
{
	struct hm_elem *e = arena_new_of(w->arena, struct hm_elem);

	e->node = XML_ELEMENT;
	if (ns)
		e->ns = keep_ns(w, ns);
	else
		e->ns = w->at ? w->at->ns : "";
	e->name = arena_strdup(w->arena, name);
	append(w, e);
	w->at = e;
}

void
writer_attr(struct hm_writer *w, const char *name, const char *value)
{
	writer_attr_ns(w, NULL, name, value);
}

void
writer_attr_ns(struct hm_writer *w, const char *ns, const char *name, const char *value)
{
	struct xml_attr **end, *a;

	hm_assert(w->at);
	if (!value)
		return;
	for (end = &w->at->attrs; (a = *end); end = &a->next) {
		bool same_ns = ns && a->ns ? strcmp(ns, a->ns) == 0 : ns == a->ns;

		if (same_ns && strcmp(a->name, name) == 0) {
			a->value = arena_strdup(w->arena, value);
			return;
		}
	}
	a = *end = arena_new_of(w->arena, struct xml_attr);
	a->ns = ns ? keep_ns(w, ns) : NULL;
	a->name = arena_strdup(w->arena, name);
	a->value = arena_strdup(w->arena, value);
}

static void
append_text(struct hm_writer *w, enum xml_node node, const char *text)
{
	struct hm_elem *e = arena_new_of(w->arena, struct hm_elem);

	hm_assert(w->at);
	e->node = node;
	e->text_len = strlen(text);
	e->text = arena_strndup(w->arena, text, e->text_len);
	append(w, e);
}

void
writer_text(struct hm_writer *w, const char *text)
{
	if (text && *text)
		append_text(w, XML_TEXT, text);
}

void
writer_raw(struct hm_writer *w, const char *well_formed)
{
	if (well_formed && *well_formed)
		append_text(w, XML_RAW, well_formed);
}

void
writer_leaf(struct hm_writer *w, const char *name, const char *text)
{
	writer_open(w, NULL, name);
	writer_text(w, text);
	writer_close(w);
}

void
writer_share(struct hm_writer *w, const struct hm_elem *e)
{
	struct hm_elem *head = arena_alloc(w->arena, sizeof(*head));

	*head = *e;
	append(w, head);
}

static void
copy_attrs(struct hm_writer *w, const struct hm_elem *e)
{
	struct xml_attr **end = &w->at->attrs;

	for (const struct xml_attr *a = e->attrs; a; a = a->next) {
		struct xml_attr *copy = arena_new_of(w->arena, struct xml_attr);

		copy->ns = a->ns ? keep_ns(w, a->ns) : NULL;
		copy->name = arena_strdup(w->arena, a->name);
		copy->value = arena_strdup(w->arena, a->value);
		*end = copy;
		end = &copy->next;
	}
}

void
writer_copy(struct hm_writer *w, const struct hm_elem *e)
{
	struct hm_elem *copy;

	if (e->node != XML_ELEMENT) {
		copy = arena_new_of(w->arena, struct hm_elem);
		copy->node = e->node;
		copy->text = arena_strndup(w->arena, e->text, e->text_len);
		copy->text_len = e->text_len;
		append(w, copy);
		return;
	}
	writer_open(w, e->ns, e->name);
	copy_attrs(w, e);
	for (const struct hm_elem *c = e->first; c; c = c->next)
		writer_copy(w, c);
	writer_close(w);
}

void
writer_close(struct hm_writer *w)
{
	hm_assert(w->at);
	w->at = w->at->parent;
}

bool
writer_done(const struct hm_writer *w)
{
	return w->root && !w->at;
}
