/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xml/frame.c - counts tags to find the end of a first-level element.  A state
 * machine over bytes, so that it can stop and go on anywhere; in text and
 * in quoted values, where most bytes are, memchr() does the walking.
 */
#include "xml/frame.h"

#include <string.h>

enum {
	IN_TEXT,
	IN_OPEN,  /* behind "<" */
	IN_BANG,  /* behind "<!" */
	IN_START, /* in a start tag */
	IN_EMPTY, /* behind "/" in a start tag */
	IN_QUOTE, /* in an attribute's value */
	IN_END,   /* in an end tag */
	IN_CDATA,
	IN_CDATA_1, /* behind "]" there */
	IN_CDATA_2, /* behind "]]" */
	IN_DECL,    /* in the XML declaration */
	IN_DECL_1   /* behind "?" there */
};

void
frame_start(struct frame *f, bool header)
{
	*f = (struct frame){ .header = header, .state = IN_TEXT };
}

/* Where the byte is, or the end. */
static const char *
find(const char *p, const char *end, int byte)
{
	const char *hit = memchr(p, byte, (size_t)(end - p));

	return hit ? hit : end;
}

/* Behind "<": what is it?  The byte itself may belong to a tag's name. */
static enum frame_verdict
opened(struct frame *f, char byte)
{
	switch (byte) {
	case '/':
		f->state = IN_END;
		return FRAME_MORE;
	case '!':
		f->state = IN_BANG;
		return f->header ? FRAME_RESTRICTED : FRAME_MORE;
	case '?':
		f->state = IN_DECL;
		return f->header ? FRAME_MORE : FRAME_RESTRICTED;
	default:
		f->state = IN_START;
		return FRAME_MORE;
	}
}

/* Walks inside a start tag to the first byte that means something. */
static const char *
in_start_tag(struct frame *f, const char *p, const char *end)
{
	while (p < end && *p != '>' && *p != '/' && *p != '\'' && *p != '"')
		p++;
	if (p == end)
		return p;
	if (*p == '>') {
		f->tag_ended = true;
		f->depth++;
		f->state = IN_TEXT;
	} else if (*p == '/') {
		f->state = IN_EMPTY;
	} else {
		f->quote = (unsigned char)*p;
		f->state = IN_QUOTE;
	}
	return p + 1;
}

/* CDATA sections end in "]]>", the XML declaration in "?>". */
static void
in_section(struct frame *f, char byte)
{
	switch (f->state) {
	case IN_CDATA_1:
		f->state = byte == ']' ? IN_CDATA_2 : IN_CDATA;
		break;
	case IN_CDATA_2:
		if (byte == '>')
			f->state = IN_TEXT;
		else if (byte != ']')
			f->state = IN_CDATA;
		break;
	default:
		if (byte == '>')
			f->state = IN_TEXT;
		else if (byte != '?')
			f->state = IN_DECL;
		break;
	}
	f->tag_ended |= f->state == IN_TEXT;
}

/* Walks to the byte; behind it the next state begins. */
static const char *
walk(struct frame *f, const char *p, const char *end, int byte, int next)
{
	p = find(p, end, byte);
	if (p == end)
		return p;
	f->state = (unsigned char)next;
	return p + 1;
}

/* Behind "<!": CDATA, if anything. */
static enum frame_verdict
declared(struct frame *f, char byte)
{
	f->state = IN_CDATA;
	if (byte != '[')
		return FRAME_RESTRICTED;
	return f->depth == 0 ? FRAME_STRAY : FRAME_MORE;
}

/* Behind the ">" of an empty-element tag or an end tag; depth is that of its element. */
static enum frame_verdict
element_ended(struct frame *f, unsigned depth)
{
	f->tag_ended = true;
	f->state = IN_TEXT;
	if (depth <= 1)
		return FRAME_DONE;
	f->depth = depth - 1;
	return FRAME_MORE;
}

/* Takes at least a byte, or changes the state. */
static enum frame_verdict
step(struct frame *f, const char **at, const char *end)
{
	const char *p = *at;
	enum frame_verdict verdict = FRAME_MORE;

	switch (f->state) {
	case IN_TEXT:
		p = walk(f, p, end, '<', IN_OPEN);
		break;
	case IN_OPEN:
		verdict = opened(f, *p);
		p += f->state != IN_START && verdict == FRAME_MORE;
		break;
	case IN_BANG:
		verdict = declared(f, *p);
		p += verdict == FRAME_MORE;
		break;
	case IN_START:
		p = in_start_tag(f, p, end);
		if (f->header && f->state == IN_TEXT)
			verdict = FRAME_DONE;
		break;
	case IN_EMPTY:
		if (*p == '>') {
			verdict = element_ended(f, f->depth + 1);
			p++;
		} else {
			f->state = IN_START;
		}
		break;
	case IN_QUOTE:
		p = walk(f, p, end, f->quote, IN_START);
		break;
	case IN_END:
		p = walk(f, p, end, '>', IN_TEXT);
		if (f->state == IN_TEXT)
			verdict = element_ended(f, f->depth);
		break;
	case IN_CDATA:
		p = walk(f, p, end, ']', IN_CDATA_1);
		break;
	case IN_DECL:
		p = walk(f, p, end, '?', IN_DECL_1);
		break;
	default:
		in_section(f, *p++);
		break;
	}
	*at = p;
	return verdict;
}

enum frame_verdict
frame_scan(struct frame *f, const char *data, size_t len, size_t *used)
{
	const char *p = data, *end = data + len;
	enum frame_verdict verdict = FRAME_MORE;

	f->tag_ended = false;
	while (p < end && verdict == FRAME_MORE)
		verdict = step(f, &p, end);
	*used = (size_t)(p - data);
	return verdict;
}
