/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xml/frame.h - finds where a first-level element of a stream ends, by counting
 * tags.  expat is then given the bytes of one stanza and none of the next, so a
 * stanza is an event of its own, its bytes are counted exactly, and nothing
 * of a stream stays in a parser between two stanzas.
 *
 * It does not judge: only expat says what is well-formed.  For well-formed
 * input both agree; where they do not, the parser refuses the stream.
 */
#ifndef XML_FRAME_H
#define XML_FRAME_H

#include <stdbool.h>
#include <stddef.h>

struct frame {
	bool header; /* ends with the first start tag; an XML declaration may come before it */
	bool tag_ended; /* the last frame_scan() passed the end of a tag: expat has something to tell */
	unsigned char state, quote;
	unsigned depth; /* open elements below the stream element */
};

enum frame_verdict {
	FRAME_MORE,       /* everything was scanned and the element goes on */
	FRAME_DONE,       /* the element ends at *used */
	FRAME_RESTRICTED, /* at *used stands what RFC 6120 11.1 forbids */
	FRAME_STRAY       /* at *used a CDATA section starts between stanzas */
};

void frame_start(struct frame *f, bool header);
enum frame_verdict frame_scan(struct frame *f, const char *data, size_t len, size_t *used);

#endif
