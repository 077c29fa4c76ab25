/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * hermod/xml.h - elements that were received (const, borrowed) and elements under
 * construction.
 */
#ifndef HM_XML_H
#define HM_XML_H

#include <hermod/values.h>

struct hm_elem;   /* an element inside a stanza */
struct hm_writer; /* XML under construction */
struct hm_stanza; /* immutable and counted: the only thing workers share */

/* --- Reading: everything lives as long as the stanza --------------------- */

HM_PUBLIC const char *hm_elem_ns(const struct hm_elem *e);
HM_PUBLIC const char *hm_elem_name(const struct hm_elem *e);
HM_PUBLIC bool hm_elem_is(const struct hm_elem *e, const char *ns, const char *name);
HM_PUBLIC const char *hm_elem_attr(const struct hm_elem *e, const char *name); /* NULL: absent */
HM_PUBLIC const struct hm_elem *hm_first_child(const struct hm_elem *e);       /* elements only */
HM_PUBLIC const struct hm_elem *hm_next_sibling(const struct hm_elem *e);
/* First child element of that namespace (NULL: any) and name (NULL: any), or NULL. */
HM_PUBLIC const struct hm_elem *hm_child(const struct hm_elem *e, const char *ns, const char *name);
#define hm_for_each_child(c, e)                                                                    \
	for (const struct hm_elem *c = hm_first_child(e); c; c = hm_next_sibling(c))

/* Scratch results: they die with the callback. */
/* Character data directly inside, "" when there is none. */
HM_PUBLIC const char *hm_tmp_text(const struct hm_elem *e);
/* What is inside, each child self-contained. */
HM_PUBLIC const char *hm_tmp_inner_xml(const struct hm_elem *e);
/* The element itself, self-contained. */
HM_PUBLIC const char *hm_tmp_xml(const struct hm_elem *e);

/* --- Writing ---------------------------------------------------------------- */

/* ns NULL: the namespace of the element that is open. */
HM_PUBLIC void hm_open(struct hm_writer *w, const char *ns, const char *name);
/* value NULL: it is left out. */
HM_PUBLIC void hm_attr(struct hm_writer *w, const char *name, const char *value);
HM_PUBLIC void hm_attr_int(struct hm_writer *w, const char *name, int64_t value);
HM_PUBLIC void hm_text(struct hm_writer *w, const char *text);
/* text NULL: an empty element. */
HM_PUBLIC void hm_leaf(struct hm_writer *w, const char *name, const char *text);
HM_PUBLIC void hm_put_xml(struct hm_writer *w, const char *well_formed);  /* as it was stored */
HM_PUBLIC void hm_put_elem(struct hm_writer *w, const struct hm_elem *e); /* a copy */
/*
 * A copy of a whole stanza, with its from and xml:lang and with this "to" (NULL: none): what is
 * forwarded (XEP-0297).
 */
HM_PUBLIC void hm_put_stanza(struct hm_writer *w, const struct hm_stanza *s, const char *to);
HM_PUBLIC void hm_close(struct hm_writer *w);

#endif
