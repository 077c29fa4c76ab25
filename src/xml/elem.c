/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xml/elem.c - walking an element tree.  Trees are const once built, so any
 * thread may walk one that it holds.
 */
#include "xml/elem.h"

#include <string.h>

/* Many strings are the same constant (xml/names.c). */
static bool
equal(const char *a, const char *b)
{
	return a == b || strcmp(a, b) == 0;
}

static const struct hm_elem *
element_from(const struct hm_elem *e)
{
	while (e && e->node != XML_ELEMENT)
		e = e->next;
	return e;
}

const struct hm_elem *
elem_first_child(const struct hm_elem *e)
{
	return element_from(e->first);
}

const struct hm_elem *
elem_next(const struct hm_elem *e)
{
	return element_from(e->next);
}

bool
elem_is(const struct hm_elem *e, const char *ns, const char *name)
{
	return e->node == XML_ELEMENT && (!name || equal(e->name, name)) &&
	       (!ns || equal(e->ns, ns));
}

const struct hm_elem *
elem_child(const struct hm_elem *e, const char *ns, const char *name)
{
	const struct hm_elem *c = e->first;

	while (c && !elem_is(c, ns, name))
		c = c->next;
	return c;
}

const char *
elem_attr(const struct hm_elem *e, const char *name)
{
	return elem_attr_ns(e, NULL, name);
}

const char *
elem_attr_ns(const struct hm_elem *e, const char *ns, const char *name)
{
	for (const struct xml_attr *a = e->attrs; a; a = a->next) {
		bool same_ns = ns ? a->ns && equal(a->ns, ns) : !a->ns;

		if (same_ns && equal(a->name, name))
			return a->value;
	}
	return NULL;
}

const char *
elem_text(const struct hm_elem *e, struct arena *a)
{
	const struct hm_elem *only = NULL;
	unsigned texts = 0;
	size_t len = 0;
	char *joined, *at;

	for (const struct hm_elem *c = e->first; c; c = c->next) {
		if (c->node != XML_TEXT)
			continue;
		only = c;
		texts++;
		len += c->text_len;
	}
	if (texts == 0)
		return "";
	if (texts == 1)
		return only->text;
	at = joined = arena_alloc(a, len + 1);
	for (const struct hm_elem *c = e->first; c; c = c->next) {
		if (c->node != XML_TEXT)
			continue;
		memcpy(at, c->text, c->text_len);
		at += c->text_len;
	}
	*at = '\0';
	return joined;
}

size_t
elem_count(const struct hm_elem *e)
{
	size_t n = 1;

	for (const struct xml_attr *a = e->attrs; a; a = a->next)
		n++;
	for (const struct hm_elem *c = elem_first_child(e); c; c = elem_next(c))
		n += elem_count(c);
	return n;
}
