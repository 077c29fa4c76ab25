/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/log_line.c - writes one line of the log.  Whatever a value holds, it stays
 * inside its quotes and on its line: quotes, control characters and what can
 * turn a terminal's text around are escaped as in JSON, and bytes that are not
 * UTF-8 become U+FFFD.  So a peer can't forge a line or a field.
 */
#include "base/log_line.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"

#define TAIL 24 /* kept free for a closing quote and the mark of a cut line */
#define ESCAPED_MAX 8

static bool
put(struct log_line *line, const char *text, size_t len, size_t end)
{
	if (len > end - line->len) {
		line->cut = true;
		return false;
	}
	memcpy(line->data + line->len, text, len);
	line->len += len;
	return true;
}

/* Length of the character of valid UTF-8 at s, else 0. */
static size_t
char_length(const unsigned char *s, size_t len)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	return n <= len && utf8_valid((const char *)s, n) ? n : 0;
}

/* C1 controls, line and paragraph separators, and what changes the direction of text. */
static bool
is_deceptive(uint32_t c)
{
	return (c >= 0x80 && c < 0xa0) || (c >= 0x200e && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x061c ||
	       c == 0xfeff;
}

/* Escapes the character at s into out; returns how many bytes of s it took. */
static size_t
escape(const unsigned char *s, size_t len, char out[ESCAPED_MAX], size_t *out_len)
{
	size_t n = char_length(s, len);
	uint32_t c = s[0];

	if (n == 2)
		c = (c & 0x1f) << 6 | (s[1] & 0x3f);
	else if (n == 3)
		c = (c & 0x0f) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3f);
	if (n == 0) {
		memcpy(out, "\xef\xbf\xbd", *out_len = 3);
		return 1;
	}
	if (n == 1 && (c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t')) {
		out[0] = '\\';
		out[1] = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : (char)c;
		*out_len = 2;
	} else if (n < 4 && (c < 0x20 || c == 0x7f || is_deceptive(c))) {
		*out_len = (size_t)snprintf(out, ESCAPED_MAX, "\\u%04x", (unsigned)c & 0xffff);
	} else {
		memcpy(out, s, *out_len = n);
	}
	return n;
}

static void
put_quoted(struct log_line *line, const char *text, size_t end)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = strlen(text);

	if (end > line->len + LOG_VALUE_MAX)
		end = line->len + LOG_VALUE_MAX;
	if (!put(line, "\"", 1, end))
		return;
	while (len) {
		char escaped[ESCAPED_MAX];
		size_t escaped_len, taken = escape(s, len, escaped, &escaped_len);

		if (!put(line, escaped, escaped_len, end))
			break;
		s += taken;
		len -= taken;
	}
	put(line, "\"", 1, LOG_LINE_MAX); /* out of the tail, if need be */
}

/* May stand in logfmt without quotes. */
static bool
is_plain(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s == '"' || *s == '=' || *s == '\\' || *s == 0x7f)
			return false; /* as a signed char all that is not ASCII is below ' ' */
	return true;
}

static void
put_blob(struct log_line *line, struct hm_blob blob, size_t end)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = blob.data;

	if (end > line->len + LOG_VALUE_MAX)
		end = line->len + LOG_VALUE_MAX;
	if (!put(line, "\"", 1, end))
		return;
	for (size_t i = 0; i < blob.len; i++)
		if (!put(line, (char[]){ digits[bytes[i] >> 4], digits[bytes[i] & 15] }, 2, end))
			break;
	put(line, "\"", 1, LOG_LINE_MAX);
}

static void
put_value(struct log_line *line, struct hm_value value, size_t end)
{
	char number[24];

	switch (value.type) {
	case HM_V_NULL:
		if (line->format == LOG_JSON)
			put(line, "null", 4, end);
		break;
	case HM_V_INT:
		put(line, number,
		    (size_t)snprintf(number, sizeof(number), "%lld", (long long)value.u.num), end);
		break;
	case HM_V_TEXT:
		if (line->format == LOG_LOGFMT && strlen(value.u.text) < LOG_VALUE_MAX &&
		    is_plain(value.u.text))
			put(line, value.u.text, strlen(value.u.text), end);
		else
			put_quoted(line, value.u.text, end);
		break;
	case HM_V_BLOB:
		put_blob(line, value.u.blob, end);
		break;
	}
}

void
log_line_start(struct log_line *line, enum log_format format)
{
	line->format = format;
	line->cut = false;
	line->len = 0;
	if (format == LOG_JSON)
		line->data[line->len++] = '{';
}

void
log_line_field(struct log_line *line, const char *key, struct hm_value value)
{
	size_t start = line->len, key_len = strlen(key), end = LOG_LINE_MAX - TAIL;
	bool json = line->format == LOG_JSON, first = start == (json ? 1 : 0);

	/* A key without room for any value is not begun. */
	if (line->len >= end || key_len + 32 > end - line->len) {
		line->cut = true;
		return;
	}
	if (!first)
		put(line, json ? "," : " ", 1, end);
	if (json)
		put(line, "\"", 1, end);
	put(line, key, key_len, end);
	put(line, json ? "\":" : "=", json ? 2 : 1, end);
	put_value(line, value, end);
}

void
log_line_end(struct log_line *line)
{
	bool json = line->format == LOG_JSON;

	if (line->cut && json)
		put(line, ",\"cut\":true", 11, LOG_LINE_MAX);
	else if (line->cut)
		put(line, " cut=true", 9, LOG_LINE_MAX);
	put(line, json ? "}\n" : "\n", json ? 2 : 1, LOG_LINE_MAX);
}
