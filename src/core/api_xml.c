/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/api_xml.c - elements and writers for modules (hermod/xml.h). */
#include <stdio.h>
#include <string.h>

#include <hermod/xml.h>

#include "base/buf.h"
#include "loop/worker.h"
#include "xml/elem.h"
#include "xml/writer.h"

const char *
hm_elem_ns(const struct hm_elem *e)
{
	return e->ns;
}

const char *
hm_elem_name(const struct hm_elem *e)
{
	return e->name;
}

bool
hm_elem_is(const struct hm_elem *e, const char *ns, const char *name)
{
	return elem_is(e, ns, name);
}

const char *
hm_elem_attr(const struct hm_elem *e, const char *name)
{
	return elem_attr(e, name);
}

const struct hm_elem *
hm_first_child(const struct hm_elem *e)
{
	return elem_first_child(e);
}

const struct hm_elem *
hm_next_sibling(const struct hm_elem *e)
{
	return elem_next(e);
}

const struct hm_elem *
hm_child(const struct hm_elem *e, const char *ns, const char *name)
{
	return elem_child(e, ns, name);
}

const char *
hm_tmp_text(const struct hm_elem *e)
{
	return elem_text(e, worker_scratch());
}

static const char *
scratch_copy(struct buf *out)
{
	const char *text = arena_strndup(worker_scratch(), out->data ? out->data : "", out->len);

	buf_free(out);
	return text;
}

const char *
hm_tmp_inner_xml(const struct hm_elem *e)
{
	struct buf out = { 0 };

	elem_write_children(e, "", &out);
	return scratch_copy(&out);
}

const char *
hm_tmp_xml(const struct hm_elem *e)
{
	struct buf out = { 0 };

	elem_write(e, "", &out);
	return scratch_copy(&out);
}

void
hm_open(struct hm_writer *w, const char *ns, const char *name)
{
	writer_open(w, ns, name);
}

void
hm_attr(struct hm_writer *w, const char *name, const char *value)
{
	writer_attr(w, name, value);
}

void
hm_attr_int(struct hm_writer *w, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	writer_attr(w, name, text);
}

void
hm_text(struct hm_writer *w, const char *text)
{
	writer_text(w, text);
}

void
hm_leaf(struct hm_writer *w, const char *name, const char *text)
{
	writer_leaf(w, name, text);
}

void
hm_put_xml(struct hm_writer *w, const char *well_formed)
{
	writer_raw(w, well_formed);
}

void
hm_put_elem(struct hm_writer *w, const struct hm_elem *e)
{
	writer_copy(w, e);
}

void
hm_close(struct hm_writer *w)
{
	writer_close(w);
}
