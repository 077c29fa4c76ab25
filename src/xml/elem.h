/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xml/elem.h - the element tree.  Elements live in an arena, are built once and
 * then const for good.  The struct is the module API's opaque hm_elem.
 */
#ifndef XML_ELEM_H
#define XML_ELEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"

#define XML_NS_XML "http://www.w3.org/XML/1998/namespace"

enum xml_node { XML_ELEMENT, XML_TEXT, XML_RAW };

struct xml_attr {
	struct xml_attr *next; /* in document order */
	const char *ns;        /* NULL: no namespace (the usual case) */
	const char *name, *value;
};

struct hm_elem {
	enum xml_node node;
	const char *ns, *name; /* XML_ELEMENT; ns is never NULL ("" for none) */
	const char *text;      /* XML_TEXT: unescaped; XML_RAW: stored XML, opaque to walkers */
	size_t text_len;
	struct xml_attr *attrs;
	struct hm_elem *first, *last, *next; /* children; last is only right while building */
	struct hm_elem *parent;              /* that it was built in, whoever shares it since */
};

/* Child elements only; text and raw nodes are skipped. */
const struct hm_elem *elem_first_child(const struct hm_elem *e);
const struct hm_elem *elem_next(const struct hm_elem *e);
/* The first such child, or NULL.  Here and in elem_is() NULL stands for any namespace, any name. */
const struct hm_elem *elem_child(const struct hm_elem *e, const char *ns, const char *name);
bool elem_is(const struct hm_elem *e, const char *ns, const char *name);
/* The value of an attribute without (with) namespace, or NULL. */
const char *elem_attr(const struct hm_elem *e, const char *name);
const char *elem_attr_ns(const struct hm_elem *e, const char *ns, const char *name);
/* All character data directly inside, "" when there is none; in a when it had to be joined. */
const char *elem_text(const struct hm_elem *e, struct arena *a);
/* Elements and attributes of the tree: what xml_limits.nodes counts. */
size_t elem_count(const struct hm_elem *e);

/*
 * Appends the canonical form: default namespaces are declared where they change, prefixes exist only on
 * attributes that need one.  context_ns: the default namespace in force outside; NULL: none.
 */
void elem_write(const struct hm_elem *e, const char *context_ns, struct buf *out);
void elem_write_children(const struct hm_elem *e, const char *context_ns, struct buf *out);
/*
 * Only the attributes, each " name='value'".  skip: NULL, or a NULL-terminated list of what to leave out,
 * names without namespace or "xml:lang".
 */
void elem_write_attrs(const struct hm_elem *e, const char *const *skip, struct buf *out);
/*
 * Escapes so that reading gives the same characters back, white space included, which a parser
 * normalises (XML 1.0 2.11, 3.3.3).  For attribute values in single quotes, and for text.
 */
void xml_write_value(struct buf *out, const char *s, size_t len);
void xml_write_text(struct buf *out, const char *s, size_t len);

#endif
