/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xml/serialise.c - an element tree becomes text, in one canonical form: single
 * quotes, no prefix on elements (RFC 6120 8.4, "prefix-free canonicalization"), a
 * default namespace where it changes, prefixes ns0, ns1... on the attributes
 * that need one, declared where they are used.
 */
#include "xml/elem.h"

#include <string.h>

/* What a byte becomes in a value and in text. */
static const char *const in_value[256] = {
	['&'] = "&amp;", ['<'] = "&lt;",   ['>'] = "&gt;",   ['\''] = "&apos;",
	['\t'] = "&#9;", ['\n'] = "&#10;", ['\r'] = "&#13;",
};
static const char *const in_text[256] = {
	['&'] = "&amp;",
	['<'] = "&lt;",
	['>'] = "&gt;",
	['\r'] = "&#13;",
};

static void
write_escaped(struct buf *out, const char *s, size_t len, const char *const *escape)
{
	size_t start = 0;

	for (size_t i = 0; i < len; i++) {
		const char *instead = escape[(unsigned char)s[i]];

		if (!instead)
			continue;
		buf_append(out, s + start, i - start);
		buf_puts(out, instead);
		start = i + 1;
	}
	buf_append(out, s + start, len - start);
}

void
xml_write_value(struct buf *out, const char *s, size_t len)
{
	write_escaped(out, s, len, in_value);
}

void
xml_write_text(struct buf *out, const char *s, size_t len)
{
	write_escaped(out, s, len, in_text);
}

static void
write_attr(struct buf *out, const char *name, const char *value)
{
	buf_puts(out, name);
	buf_append(out, "='", 2);
	xml_write_value(out, value, strlen(value));
	buf_putc(out, '\'');
}

/*
 * An attribute with a namespace gets the prefix of the one before it if that has the same namespace,
 * else a new one: more declarations than needed in rare cases, and never a search.
 */
struct prefixes {
	const char *ns;
	unsigned next;
};

static void
write_attr_ns(const struct xml_attr *a, struct prefixes *p, struct buf *out)
{
	if (strcmp(a->ns, XML_NS_XML) == 0) {
		buf_puts(out, " xml:");
		write_attr(out, a->name, a->value);
		return;
	}
	if (!p->ns || strcmp(p->ns, a->ns) != 0) {
		p->ns = a->ns;
		buf_printf(out, " xmlns:ns%u='", p->next++);
		xml_write_value(out, a->ns, strlen(a->ns));
		buf_putc(out, '\'');
	}
	buf_printf(out, " ns%u:", p->next - 1);
	write_attr(out, a->name, a->value);
}

static bool
skipped(const struct xml_attr *a, const char *const *skip)
{
	for (; skip && *skip; skip++) {
		if (!a->ns && strcmp(a->name, *skip) == 0)
			return true;
		if (a->ns && strcmp(*skip, "xml:lang") == 0 && strcmp(a->name, "lang") == 0 &&
		    strcmp(a->ns, XML_NS_XML) == 0)
			return true;
	}
	return false;
}

void
elem_write_attrs(const struct hm_elem *e, const char *const *skip, struct buf *out)
{
	struct prefixes prefixes = { 0 };

	for (const struct xml_attr *a = e->attrs; a; a = a->next) {
		if (skip && skipped(a, skip))
			continue;
		if (a->ns) {
			write_attr_ns(a, &prefixes, out);
		} else {
			buf_putc(out, ' ');
			write_attr(out, a->name, a->value);
		}
	}
}

void
elem_write_children(const struct hm_elem *e, const char *context_ns, struct buf *out)
{
	for (const struct hm_elem *c = e->first; c; c = c->next)
		elem_write(c, context_ns, out);
}

void
elem_write(const struct hm_elem *e, const char *context_ns, struct buf *out)
{
	if (e->node == XML_TEXT) {
		xml_write_text(out, e->text, e->text_len);
		return;
	}
	if (e->node == XML_RAW) {
		buf_append(out, e->text, e->text_len);
		return;
	}
	buf_putc(out, '<');
	buf_puts(out, e->name);
	if (strcmp(e->ns, context_ns ? context_ns : "") != 0) {
		buf_puts(out, " xmlns='");
		xml_write_value(out, e->ns, strlen(e->ns));
		buf_putc(out, '\'');
	}
	elem_write_attrs(e, NULL, out);
	if (!e->first) {
		buf_append(out, "/>", 2);
		return;
	}
	buf_putc(out, '>');
	elem_write_children(e, e->ns, out);
	buf_append(out, "</", 2);
	buf_puts(out, e->name);
	buf_putc(out, '>');
}
