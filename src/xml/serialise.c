/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xml/serialise.c - an element tree becomes text, in one canonical form: single
 * quotes, no prefix on elements (RFC 6120 8.4, "prefix-free canonicalization"), a
 * default namespace where it changes, prefixes ns0, ns1... on the attributes
 * that need one, declared where they are used.
 */
#include "xml/elem.h"

#include <stdint.h>
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

/* Eight bytes at once. */
#define EACH_BYTE(byte) (0x0101010101010101u * (byte))

/* The high bit of some byte of x is set if x has a zero byte. */
static uint64_t
has_zero(uint64_t x)
{
	return (x - EACH_BYTE(0x01)) & ~x & EACH_BYTE(0x80);
}

/*
 * Any of the eight bytes that an escape table may have?  They are control characters, "&" and
 * "'" (which differ in one bit), "<" and ">" (likewise).
 */
static bool
has_special(uint64_t x)
{
	uint64_t control = (x - EACH_BYTE(0x20)) & ~x & EACH_BYTE(0x80);

	return control | has_zero((x | EACH_BYTE(0x01)) ^ EACH_BYTE('\'')) |
	       has_zero((x | EACH_BYTE(0x02)) ^ EACH_BYTE('>'));
}

/* How many bytes from s stand for themselves. */
static size_t
plain_run(const char *s, size_t len, const char *const *escape)
{
	size_t n = 0;
	uint64_t x;

	while (len - n >= sizeof(x)) {
		memcpy(&x, s + n, sizeof(x));
		if (has_special(x))
			break;
		n += sizeof(x);
	}
	while (n < len && !escape[(unsigned char)s[n]])
		n++;
	return n;
}

static void
write_escaped(struct buf *out, const char *s, size_t len, const char *const *escape)
{
	for (;;) {
		size_t run = plain_run(s, len, escape);

		buf_append(out, s, run);
		if (run == len)
			return;
		buf_puts(out, escape[(unsigned char)s[run]]);
		s += run + 1;
		len -= run + 1;
	}
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

/* Always bound to "xml", and may not be declared as a default. */
static bool
is_xml_ns(const char *ns)
{
	return strcmp(ns, XML_NS_XML) == 0;
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
	if (is_xml_ns(a->ns)) {
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
		    is_xml_ns(a->ns))
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

static void
write_element(const struct hm_elem *e, const char *context_ns, struct buf *out)
{
	const char *prefix = is_xml_ns(e->ns) ? "xml:" : "";

	buf_putc(out, '<');
	buf_puts(out, prefix);
	buf_puts(out, e->name);
	if (!*prefix && strcmp(e->ns, context_ns) != 0) {
		buf_puts(out, " xmlns='");
		xml_write_value(out, e->ns, strlen(e->ns));
		buf_putc(out, '\'');
		context_ns = e->ns;
	}
	elem_write_attrs(e, NULL, out);
	if (!e->first) {
		buf_append(out, "/>", 2);
		return;
	}
	buf_putc(out, '>');
	elem_write_children(e, context_ns, out);
	buf_append(out, "</", 2);
	buf_puts(out, prefix);
	buf_puts(out, e->name);
	buf_putc(out, '>');
}

void
elem_write(const struct hm_elem *e, const char *context_ns, struct buf *out)
{
	if (e->node == XML_TEXT)
		xml_write_text(out, e->text, e->text_len);
	else if (e->node == XML_RAW)
		buf_append(out, e->text, e->text_len);
	else
		write_element(e, context_ns ? context_ns : "", out);
}
