/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xml/parser.h - bytes of an XMPP stream become a header, then one element tree
 * per stanza (RFC 6120 4, 11).  On expat, in namespace mode, with the traps of expat handled: reparse
 * deferral, no reset inside handlers.  Restricted XML is refused (RFC 6120 11.1).
 *
 * A stream holds an expat parser only while it is inside a stanza or before its
 * header: between stanzas the parser goes back to the worker's pool (thread-local).
 */
#ifndef XML_PARSER_H
#define XML_PARSER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "xml/elem.h"

struct xml_limits {
	size_t stanza_bytes; /* of one first-level element */
	unsigned depth;      /* below the stream element */
	unsigned nodes;      /* elements and attributes of one stanza */
};

enum xml_fault {
	XML_NOT_WELL_FORMED = 1, /* also undefined entities and unbound prefixes */
	XML_RESTRICTED,          /* DTD, comment, processing instruction, entity declaration */
	XML_TOO_LARGE,           /* stanza_bytes, depth or nodes */
	XML_BAD_ENCODING,        /* declared as another than UTF-8, or UTF-16 by its first bytes */
	XML_STRAY_TEXT,          /* characters other than white space between stanzas */
	XML_INVALID_UTF8
};

enum xml_event {
	XML_EV_MORE,   /* all input used, more is needed */
	XML_EV_HEADER, /* the stream element's start tag: *elem has no children */
	XML_EV_STANZA, /* a complete first-level element */
	XML_EV_END,    /* the stream element's end tag */
	XML_EV_FAULT   /* see xml_stream_fault(); the stream is dead */
};

struct xml_stream; /* one direction of one XMPP stream */

struct xml_stream *xml_stream_new(const struct xml_limits *limits);
void xml_stream_free(struct xml_stream **s);
void xml_stream_limits(struct xml_stream *s, const struct xml_limits *limits);
/* A new stream on the same connection (after TLS or SASL): the next bytes are a header again. */
void xml_stream_restart(struct xml_stream *s);
/*
 * Feeds bytes and returns the first event; call again with the rest (*used: how many were consumed).
 * HEADER and STANZA give *elem in *arena, which is the caller's from then on (arena_free).  After
 * XML_EV_MORE *used == len.  Never called from inside itself.
 */
enum xml_event xml_stream_feed(struct xml_stream *s, const char *data, size_t len, size_t *used,
                               struct arena **arena, struct hm_elem **elem);
enum xml_fault xml_stream_fault(const struct xml_stream *s);
bool xml_stream_idle(const struct xml_stream *s); /* between stanzas: holds no parser */
/* Of the last header: its default namespace ("" when none); the prefix of its element, or NULL. */
const char *xml_stream_content_ns(const struct xml_stream *s);
const char *xml_stream_prefix(const struct xml_stream *s);
/* No header will come (WebSocket, BOSH): elements follow, in content_ns where they declare none. */
void xml_stream_headless(struct xml_stream *s, const char *content_ns);

/*
 * One document, whole, without XML declaration (stored XML, tests): the tree in a, or NULL when it is not
 * well-formed restricted XML.  context_ns: the default namespace around it, or NULL.
 */
struct hm_elem *xml_parse(struct arena *a, const char *xml, size_t len, const char *context_ns,
                          const struct xml_limits *limits);

#endif
