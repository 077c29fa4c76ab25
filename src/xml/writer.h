/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xml/writer.h - builds an element tree from the top down: what modules write
 * with hm_open(), hm_attr(), hm_leaf(), hm_close().  The struct is the module API's hm_writer.
 */
#ifndef XML_WRITER_H
#define XML_WRITER_H

#include "base/arena.h"
#include "xml/elem.h"

struct hm_writer {
	struct arena *arena; /* where everything is copied to; outlives the tree */
	struct hm_elem *root, *at;
};

void writer_init(struct hm_writer *w, struct arena *a);
/* ns NULL: that of the parent. */
void writer_open(struct hm_writer *w, const char *ns, const char *name);
/* value NULL: left out.  The last value of a name counts. */
void writer_attr(struct hm_writer *w, const char *name, const char *value);
void writer_attr_ns(struct hm_writer *w, const char *ns, const char *name, const char *value);
void writer_text(struct hm_writer *w, const char *text); /* NULL: nothing */
/* An element in the parent's namespace, with text or (NULL) empty. */
void writer_leaf(struct hm_writer *w, const char *name, const char *text);
/* Stored XML that declares its own namespaces; NULL: nothing. */
void writer_raw(struct hm_writer *w, const char *well_formed);
/*
 * A copy of e's head that shares its attributes and children, so e's arena must outlive this one
 * (of a stanza, keep a reference).
 */
void writer_share(struct hm_writer *w, const struct hm_elem *e);
void writer_copy(struct hm_writer *w, const struct hm_elem *e); /* deep */
void writer_close(struct hm_writer *w);
bool writer_done(const struct hm_writer *w); /* everything opened was closed and there is a root */

#endif
