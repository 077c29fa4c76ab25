/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xml/parser.c - one direction of an XMPP stream.  frame.c finds where each
 * first-level element ends, an engine of the pool parses it; between two elements
 * the stream is this small struct alone.
 */
#include "xml/parser.h"

#include <stdint.h>
#include <string.h>

#include <hermod/values.h>

#include "base/mem.h"
#include "xml/engine.h"
#include "xml/frame.h"

/* The tree's walkers call themselves once per level. */
#define DEPTH_MAX 512
#define FEED_MAX (1 << 20) /* bytes for expat at once, which counts them in an int */

#define NS_STREAM_DECLARED " xmlns:stream='http://etherx.jabber.org/streams'>"

/* Nearly all streams have one of these two, which then cost them nothing. */
static const struct xml_context usual[] = {
	{ "<stream:stream xmlns='jabber:client'" NS_STREAM_DECLARED, "jabber:client", "stream" },
	{ "<stream:stream xmlns='jabber:server'" NS_STREAM_DECLARED, "jabber:server", "stream" },
};

enum stream_state { BEFORE_HEADER, OPEN, ENDING, ENDED, DEAD };

struct xml_stream {
	struct xml_limits limits;
	struct engine *engine; /* inside an element */
	const struct xml_context *context;
	struct xml_context *own_context; /* the same, when it is not one of the usual ones */
	struct frame frame;
	size_t bytes; /* of the current element */
	enum stream_state state;
	enum xml_fault fault;
	struct arena *into; /* xml_parse(): where its caller wants the tree */
};

/* --- Contexts ------------------------------------------------------------- */

/* Takes c, or finds the usual one that reads the same. */
static void
set_context(struct xml_stream *s, struct xml_context *c)
{
	mem_free(s->own_context);
	s->own_context = c;
	s->context = c;
	for (size_t i = 0; i < HM_COUNT(usual); i++) {
		if (strcmp(usual[i].start_tag, c->start_tag) != 0)
			continue;
		s->context = &usual[i];
		s->own_context = NULL;
		mem_free(c);
		return;
	}
}

/* As if a header had declared the namespace. */
static void
set_content_ns(struct xml_stream *s, const char *ns)
{
	struct buf tag = { 0 };
	struct xml_context *c;
	char *at;

	for (size_t i = 0; i < HM_COUNT(usual); i++) {
		if (strcmp(usual[i].content_ns, ns) != 0)
			continue;
		mem_free(s->own_context);
		s->own_context = NULL;
		s->context = &usual[i];
		return;
	}
	buf_puts(&tag, "<stream:stream xmlns='");
	xml_write_value(&tag, ns, strlen(ns));
	buf_puts(&tag, "'" NS_STREAM_DECLARED);
	c = mem_alloc(sizeof(*c) + tag.len + strlen(ns) + 2);
	at = (char *)(c + 1);
	c->start_tag = memcpy(at, tag.data, tag.len + 1);
	c->content_ns = memcpy(at + tag.len + 1, ns, strlen(ns) + 1);
	c->prefix = NULL;
	buf_free(&tag);
	set_context(s, c);
}

const char *
xml_stream_content_ns(const struct xml_stream *s)
{
	return s->context ? s->context->content_ns : "";
}

const char *
xml_stream_prefix(const struct xml_stream *s)
{
	return s->context ? s->context->prefix : NULL;
}

/* --- Life ----------------------------------------------------------------- */

/* Forgets a half-read element. */
static void
start_over(struct xml_stream *s, enum stream_state state)
{
	if (s->engine)
		engine_release(&s->engine);
	s->state = state;
	s->fault = 0;
	s->bytes = 0;
}

void
xml_stream_limits(struct xml_stream *s, const struct xml_limits *limits)
{
	s->limits = *limits;
	if (s->limits.depth > DEPTH_MAX)
		s->limits.depth = DEPTH_MAX;
}

struct xml_stream *
xml_stream_new(const struct xml_limits *limits)
{
	struct xml_stream *s = mem_new(struct xml_stream);

	xml_stream_limits(s, limits);
	return s;
}

static void
release(struct xml_stream *s)
{
	if (s->engine)
		engine_release(&s->engine);
	mem_free(s->own_context);
}

void
xml_stream_free(struct xml_stream **s)
{
	if (!*s)
		return;
	release(*s);
	mem_free(*s);
	*s = NULL;
}

void
xml_stream_restart(struct xml_stream *s)
{
	start_over(s, BEFORE_HEADER);
}

void
xml_stream_headless(struct xml_stream *s, const char *content_ns)
{
	start_over(s, OPEN);
	set_content_ns(s, content_ns);
}

enum xml_fault
xml_stream_fault(const struct xml_stream *s)
{
	return s->fault;
}

bool
xml_stream_idle(const struct xml_stream *s)
{
	return !s->engine;
}

/* --- Feeding -------------------------------------------------------------- */

static enum xml_event
die(struct xml_stream *s, enum xml_fault fault)
{
	start_over(s, DEAD);
	s->fault = fault;
	return XML_EV_FAULT;
}

static bool
is_space(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* The first byte that is not white space must be "<"; what else could it be? */
static enum xml_fault
wrong_start(const struct xml_stream *s, char byte)
{
	unsigned char b = (unsigned char)byte;

	if (s->state == OPEN)
		return b == '\0' ? XML_NOT_WELL_FORMED : XML_STRAY_TEXT;
	/* A byte order mark of UTF-16, or the zero byte of a "<" in UTF-16 or UTF-32. */
	return b == 0xfe || b == 0xff || b == '\0' ? XML_BAD_ENCODING : XML_NOT_WELL_FORMED;
}

/* A "<" came: the stream needs an engine for what follows. */
static enum xml_fault
start_element(struct xml_stream *s, char byte)
{
	if (byte != '<')
		return wrong_start(s, byte);
	if (s->state == BEFORE_HEADER)
		s->engine = engine_for_header(&s->limits);
	else
		s->engine = engine_for_stanza(s->context, &s->limits);
	if (!s->engine)
		return XML_NOT_WELL_FORMED;
	if (s->into)
		engine_use_arena(s->engine, s->into);
	frame_start(&s->frame, s->state == BEFORE_HEADER);
	s->bytes = 0;
	return 0;
}

/* "<" and a zero byte: UTF-16 that came without a byte order mark. */
static bool
is_utf16(const struct xml_stream *s, const char *data, size_t len)
{
	return s->state == BEFORE_HEADER && s->bytes < 2 && len > 1 - s->bytes &&
	       data[1 - s->bytes] == '\0';
}

/* Feeds what belongs to the current element, as far as the limit allows. */
static enum xml_fault
feed_element(struct xml_stream *s, const char *data, size_t len, size_t *used, bool *done)
{
	size_t left = s->limits.stanza_bytes > s->bytes ? s->limits.stanza_bytes - s->bytes : 0;
	size_t scanned, fits;
	enum frame_verdict verdict;
	enum xml_fault fault;

	verdict = frame_scan(&s->frame, data, len < FEED_MAX ? len : FEED_MAX, &scanned);
	fits = scanned < left ? scanned : left;
	fault = engine_feed(s->engine, data, fits,
	                    s->frame.tag_ended || verdict != FRAME_MORE || fits < scanned);
	s->bytes += fits;
	*used = fits;
	if (fault)
		return fault;
	if (fits < scanned)
		return XML_TOO_LARGE;
	if (verdict == FRAME_RESTRICTED)
		return XML_RESTRICTED;
	if (verdict == FRAME_STRAY)
		return XML_STRAY_TEXT;
	*done = verdict == FRAME_DONE;
	/* Cannot be in well-formed input: frame.c and expat see different ends. */
	if (*done != (engine_complete(s->engine) || engine_ended(s->engine)))
		return XML_NOT_WELL_FORMED;
	return 0;
}

static enum xml_event
element_done(struct xml_stream *s, struct arena **arena, struct hm_elem **elem)
{
	enum xml_event event;

	if (s->state == BEFORE_HEADER) {
		set_context(s, engine_context(s->engine));
		s->state = engine_ended(s->engine) ? ENDING : OPEN;
		event = XML_EV_HEADER;
	} else if (engine_ended(s->engine)) {
		s->state = ENDED;
		event = XML_EV_END;
	} else {
		event = XML_EV_STANZA;
	}
	if (event != XML_EV_END)
		*elem = engine_take(s->engine, arena);
	engine_release(&s->engine);
	return event;
}

enum xml_event
xml_stream_feed(struct xml_stream *s, const char *data, size_t len, size_t *used,
                struct arena **arena, struct hm_elem **elem)
{
	bool done = false;

	*used = 0;
	if (s->state == DEAD)
		return XML_EV_FAULT;
	if (s->state == ENDING) {
		s->state = ENDED;
		return XML_EV_END;
	}
	if (s->state == ENDED)
		*used = len;
	while (*used < len && !done) {
		enum xml_fault fault = 0;
		size_t n = 0;

		if (!s->engine && is_space(data[*used])) {
			++*used;
			continue;
		}
		if (!s->engine)
			fault = start_element(s, data[*used]);
		if (!fault && is_utf16(s, data + *used, len - *used))
			fault = XML_BAD_ENCODING;
		if (!fault)
			fault = feed_element(s, data + *used, len - *used, &n, &done);
		*used += n;
		if (fault)
			return die(s, fault);
	}
	return done ? element_done(s, arena, elem) : XML_EV_MORE;
}

/* --- Whole documents ------------------------------------------------------ */

struct hm_elem *
xml_parse(struct arena *a, const char *xml, size_t len, const char *context_ns,
          const struct xml_limits *limits)
{
	struct xml_stream s = { .state = OPEN, .into = a };
	struct hm_elem *root = NULL, *second;
	struct arena *arena = a;
	size_t used;

	xml_stream_limits(&s, limits);
	set_content_ns(&s, context_ns ? context_ns : "");
	if (xml_stream_feed(&s, xml, len, &used, &arena, &root) != XML_EV_STANZA ||
	    xml_stream_feed(&s, xml + used, len - used, &used, &arena, &second) != XML_EV_MORE ||
	    s.engine)
		root = NULL;
	release(&s);
	return root;
}
