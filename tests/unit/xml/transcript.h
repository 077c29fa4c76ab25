/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * tests/unit/xml/transcript.h - feeds bytes to a stream in pieces and writes
 * down what came out, one line per event, so that a test is one comparison.
 */
#ifndef TEST_TRANSCRIPT_H
#define TEST_TRANSCRIPT_H

#include <string.h>

#include "base/buf.h"
#include "xml/parser.h"

static const char *const fault_names[] = {
	[0] = "none",
	[XML_NOT_WELL_FORMED] = "not-well-formed",
	[XML_RESTRICTED] = "restricted",
	[XML_TOO_LARGE] = "too-large",
	[XML_BAD_ENCODING] = "bad-encoding",
	[XML_STRAY_TEXT] = "stray-text",
	[XML_INVALID_UTF8] = "invalid-utf8",
};

/*
 * Feeds len bytes, `piece` at a time (0: at once), each piece from memory of its own so that the
 * sanitizer sees reads behind it.  Appends "header <..>", "stanza <..>", "end" and "fault name" lines.
 */
static inline void
transcript_feed(struct xml_stream *s, const char *data, size_t len, size_t piece, struct buf *out)
{
	size_t at = 0;

	while (at < len) {
		size_t n = piece && piece < len - at ? piece : len - at, used;
		struct buf copy = { 0 };
		struct arena *arena = NULL;
		struct hm_elem *elem = NULL;
		enum xml_event event;

		buf_append(&copy, data + at, n);
		event = xml_stream_feed(s, copy.data, n, &used, &arena, &elem);
		buf_free(&copy);
		at += used;
		switch (event) {
		case XML_EV_MORE:
			break;
		case XML_EV_HEADER:
		case XML_EV_STANZA:
			buf_puts(out, event == XML_EV_HEADER ? "header " : "stanza ");
			elem_write(elem, "jabber:client", out);
			buf_putc(out, '\n');
			arena_free(&arena);
			break;
		case XML_EV_END:
			buf_puts(out, "end\n");
			break;
		case XML_EV_FAULT:
			buf_printf(out, "fault %s\n", fault_names[xml_stream_fault(s)]);
			return;
		}
	}
}

#endif
