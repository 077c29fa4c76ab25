/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Escapes and measures UTF-8. */
#include "text.h"

#include <langinfo.h>
#include <locale.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

#include <hermod/values.h>

void
text_init(void)
{
	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

/* The length of the character at text and its number; what is not UTF-8 is one byte, number 0xFFFD. */
static size_t
decode(const char *text, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)*text;
	size_t len = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	*c = len == 1 ? first : first & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		/* The NUL at the end is no continuation either. */
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			len = 0;
		else
			*c = *c << 6 | ((unsigned char)text[i] & 0x3f);
	}
	if (len == 0 || *c < least[len] || *c > 0x10ffff) {
		*c = 0xfffd;
		return 1;
	}
	return len;
}

/* Controls, and what changes the direction of the writing around it. */
static bool
is_harmful(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
	       c == 0x061c || (c >= 0xd800 && c < 0xe000);
}

void
text_clean(struct buf *out, const char *text, bool multiline)
{
	uint32_t c;

	for (size_t len; *text; text += len) {
		len = decode(text, &c);
		if (multiline && (c == '\n' || c == '\t'))
			buf_putc(out, (char)c);
		else if (c == '\n' || c == '\t')
			buf_puts(out, c == '\n' ? "\\n" : "\\t");
		else if (c == 0xfffd)
			buf_puts(out, "\xEF\xBF\xBD");
		else if (is_harmful(c))
			buf_printf(out, c < 0x100 ? "\\x%02x" : "\\u{%x}", c);
		else
			buf_append(out, text, len);
	}
}

size_t
text_width(const char *text)
{
	size_t columns = 0;
	uint32_t c;

	for (size_t len; *text; text += len) {
		int width;

		len = decode(text, &c);
		width = wcwidth((wchar_t)c);
		columns += width > 0 ? (size_t)width : 0;
	}
	return columns;
}
