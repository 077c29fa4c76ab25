/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xml/engine.h - an expat parser that builds element trees, and the pool of
 * them that each thread keeps.
 *
 * An engine is warm when it has read a stream's start tag and stands between
 * two stanzas.  Any stream whose start tag reads the same may take it then
 * and go on at once; else expat is reset and reads that start tag first (2 us).
 */
#ifndef XML_ENGINE_H
#define XML_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "xml/parser.h"

struct engine;

/* What a stream's header left behind: the start tag that an engine must have read before its stanzas. */
struct xml_context {
	const char *start_tag;  /* "<stream:stream xmlns='jabber:client' ...>" */
	const char *content_ns; /* the default namespace, "" when none */
	const char *prefix;     /* of the start tag's name, or NULL */
};

#define ENGINE_DECLARATIONS 16      /* namespaces that a header may declare */
#define ENGINE_START_TAG_BYTES 2048 /* and their length, with the tag */

/* For a header.  It is no use for stanzas afterwards. */
struct engine *engine_for_header(const struct xml_limits *limits);
/* For one stanza or for the end of the stream; NULL when the start tag is refused by expat. */
struct engine *
engine_for_stanza(const struct xml_context *context, const struct xml_limits *limits);
/* Back to the pool of this thread, not always the one it came from; frees a tree that nobody took. */
void engine_release(struct engine **e);

/* Where the tree is built: the caller's arena instead of one made for the stanza. */
void engine_use_arena(struct engine *e, struct arena *a);
/*
 * Bytes of one header, stanza or end tag.  `flush`: a tag ends in them, so expat must look (reparse
 * deferral is off for this call).  0, or the fault.
 */
enum xml_fault engine_feed(struct engine *e, const char *data, size_t len, bool flush);
bool engine_complete(const struct engine *e); /* the element is there */
bool engine_ended(const struct engine *e);    /* the stream's end tag was read */
struct hm_elem *
engine_take(struct engine *e, struct arena **a); /* *a stays as it is with engine_use_arena() */
/* After a header: its context, for the caller to free in one piece with mem_free(). */
struct xml_context *engine_context(const struct engine *e);

#endif
