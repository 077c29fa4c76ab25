/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xml/engine.c - expat in namespace mode, feeding a builder.  The facts that
 * this rests on:
 *
 * - expat may hold back a tag that is complete ("reparse deferral"); off, a tag that comes
 *   in many pieces is read again for each.  So it is off exactly when a tag ends in the input.
 * - XML_ParserReset() switches deferral on again and forgets the handlers; inside a handler it and
 *   XML_ParserFree() do nothing.  So handlers only set `fault` and stop the parser.
 * - Names stay in expat's tables and buffers never shrink: an engine is reset now and then,
 *   and dropped after a large stanza.
 */
#include "xml/engine.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <expat.h>

#include <hermod/values.h>

#include "base/codec.h"
#include "base/mem.h"
#include "xml/builder.h"

/* Debian 12 as first released has an expat without it, and without deferral. */
XMLPARSEAPI(XML_Bool)
XML_SetReparseDeferralEnabled(XML_Parser parser, XML_Bool enabled) __attribute__((weak));

#define POOL_ENGINES 8
#define RESET_AFTER_BYTES (64 * 1024) /* of stanzas read by a warm engine */
#define DROP_AFTER_BYTES (32 * 1024)  /* of one stanza */

enum engine_mode {
	ENGINE_WARMING, /* reads the start tag of somebody's stream again */
	ENGINE_HEADER,
	ENGINE_STANZA
};

struct engine {
	XML_Parser expat;
	char *start_tag; /* what made it warm, or NULL */
	size_t bytes;    /* read since the reset */
	size_t stanza_bytes;
	bool deferring;

	enum engine_mode mode;
	enum xml_fault fault;
	bool complete, ended;
	struct builder builder;

	/* Of a header. */
	struct buf declarations; /* " xmlns='...'" as they stand in a start tag */
	unsigned declared;
	char *content_ns, *prefix, *local;
};

/* --- Handlers ------------------------------------------------------------- */

/* From a handler: expat stops as soon as it returns. */
static void
fail(struct engine *e, enum xml_fault fault)
{
	if (!e->fault)
		e->fault = fault;
	XML_StopParser(e->expat, XML_FALSE);
}

static void XMLCALL
on_start(void *user, const XML_Char *name, const XML_Char **atts)
{
	struct engine *e = user;
	enum xml_fault fault;

	if (e->mode == ENGINE_WARMING || e->fault)
		return;
	/* frame.c saw the end already, expat did not: such input is not well-formed in any case. */
	fault = e->complete ? XML_NOT_WELL_FORMED : builder_start(&e->builder, name, atts);
	if (fault) {
		fail(e, fault);
		return;
	}
	if (e->mode == ENGINE_HEADER) {
		struct split_name n = name_split(name);

		e->local = mem_strndup(n.local, n.local_len);
		e->prefix = n.prefix ? mem_strdup(n.prefix) : NULL;
		e->complete = true;
	}
}

static void XMLCALL
on_end(void *user, const XML_Char *name)
{
	struct engine *e = user;

	if (e->mode == ENGINE_WARMING || e->fault)
		return;
	if (e->mode == ENGINE_HEADER || e->builder.depth == 0) {
		e->ended = true;
		return;
	}
	builder_end(&e->builder);
	e->complete = e->builder.depth == 0;
}

static void XMLCALL
on_text(void *user, const XML_Char *s, int len)
{
	struct engine *e = user;

	if (e->mode == ENGINE_WARMING || e->fault)
		return;
	if (e->builder.depth == 0 || e->complete)
		fail(e, XML_STRAY_TEXT);
	else
		builder_text(&e->builder, s, (size_t)len);
}

/* RFC 6120 11.1 */
static void XMLCALL
on_comment(void *user, const XML_Char *data)
{
	fail(user, XML_RESTRICTED);
}

static void XMLCALL
on_instruction(void *user, const XML_Char *target, const XML_Char *data)
{
	fail(user, XML_RESTRICTED);
}

static void XMLCALL
on_doctype(void *user, const XML_Char *name, const XML_Char *sysid, const XML_Char *pubid,
           int has_internal_subset)
{
	fail(user, XML_RESTRICTED);
}

/* RFC 6120 11.6 */
static void XMLCALL
on_declaration(void *user, const XML_Char *version, const XML_Char *encoding, int standalone)
{
	if (encoding && strcasecmp(encoding, "UTF-8") != 0)
		fail(user, XML_BAD_ENCODING);
}

static void XMLCALL
on_namespace(void *user, const XML_Char *prefix, const XML_Char *uri)
{
	struct engine *e = user;

	if (e->fault || e->complete)
		return;
	uri = uri ? uri : "";
	buf_puts(&e->declarations, prefix ? " xmlns:" : " xmlns");
	buf_puts(&e->declarations, prefix ? prefix : "");
	buf_puts(&e->declarations, "='");
	xml_write_value(&e->declarations, uri, strlen(uri));
	buf_putc(&e->declarations, '\'');
	if (!prefix) {
		mem_free(e->content_ns);
		e->content_ns = mem_strdup(uri);
	}
	if (++e->declared > ENGINE_DECLARATIONS || e->declarations.len > ENGINE_START_TAG_BYTES)
		fail(e, XML_TOO_LARGE);
}

/* --- Life and pool -------------------------------------------------------- */

struct pool {
	struct engine *engine[POOL_ENGINES];
	unsigned n;
};

static _Thread_local struct pool *pool;
static pthread_key_t pool_key;
static pthread_once_t pool_once = PTHREAD_ONCE_INIT;

static void
engine_free(struct engine *e)
{
	XML_ParserFree(e->expat);
	mem_free(e->start_tag);
	buf_free(&e->builder.text);
	mem_free(e);
}

/* When a thread ends. */
static void
pool_free(void *p)
{
	struct pool *gone = p;

	while (gone->n)
		engine_free(gone->engine[--gone->n]);
	mem_free(gone);
	pool = NULL;
}

static void
pool_make_key(void)
{
	int error = pthread_key_create(&pool_key, pool_free);

	hm_assert(error == 0);
}

static struct pool *
pool_get(void)
{
	if (!pool) {
		pthread_once(&pool_once, pool_make_key);
		pool = mem_new(struct pool);
		pthread_setspecific(pool_key, pool);
	}
	return pool;
}

/* A warm engine for the start tag if there is one, else any or a new one, to be reset. */
static struct engine *
pool_take(const char *start_tag)
{
	struct pool *p = pool_get();
	unsigned at = p->n;
	struct engine *e;

	while (start_tag && at > 0) {
		const char *warm = p->engine[--at]->start_tag;

		if (!warm || strcmp(warm, start_tag) != 0)
			continue;
		e = p->engine[at];
		p->engine[at] = p->engine[--p->n];
		return e;
	}
	if (p->n)
		return p->engine[--p->n];
	return mem_new(struct engine);
}

/* As new, without handlers' work done: ready for a document. */
static void
reset(struct engine *e)
{
	static const XML_Memory_Handling_Suite heap = { mem_alloc, mem_realloc, mem_free };
	static const XML_Char separator[] = { NAME_SEPARATOR, '\0' };
	bool done = true;

	if (!e->expat)
		e->expat = XML_ParserCreate_MM("UTF-8", &heap, separator);
	else
		done = XML_ParserReset(e->expat, "UTF-8");
	hm_assert(e->expat && done);
	mem_free(e->start_tag);
	e->start_tag = NULL;
	e->bytes = 0;
	e->deferring = true;
	XML_SetReturnNSTriplet(e->expat, 0); /* this one survives a reset */
	XML_SetUserData(e->expat, e);
	XML_SetElementHandler(e->expat, on_start, on_end);
	XML_SetCharacterDataHandler(e->expat, on_text);
	XML_SetCommentHandler(e->expat, on_comment);
	XML_SetProcessingInstructionHandler(e->expat, on_instruction);
	XML_SetStartDoctypeDeclHandler(e->expat, on_doctype);
}

static void
begin(struct engine *e, enum engine_mode mode, const struct xml_limits *limits)
{
	e->mode = mode;
	builder_begin(&e->builder, limits);
	e->stanza_bytes = 0;
	e->fault = 0;
	e->complete = e->ended = false;
}

struct engine *
engine_for_header(const struct xml_limits *limits)
{
	struct engine *e = pool_take(NULL);

	reset(e);
	XML_SetReturnNSTriplet(e->expat, 1); /* with prefixes */
	XML_SetStartNamespaceDeclHandler(e->expat, on_namespace);
	XML_SetXmlDeclHandler(e->expat, on_declaration);
	begin(e, ENGINE_HEADER, limits);
	e->builder.depth_max = 1;
	return e;
}

struct engine *
engine_for_stanza(const struct xml_context *context, const struct xml_limits *limits)
{
	struct engine *e = pool_take(context->start_tag);
	size_t len;

	if (!e->start_tag || strcmp(e->start_tag, context->start_tag) != 0) {
		reset(e);
		begin(e, ENGINE_WARMING, limits);
		len = strlen(context->start_tag);
		if (engine_feed(e, context->start_tag, len, true) != 0) {
			engine_release(&e);
			return NULL;
		}
		e->start_tag = mem_strndup(context->start_tag, len);
	}
	begin(e, ENGINE_STANZA, limits);
	return e;
}

void
engine_release(struct engine **engine)
{
	struct engine *e = *engine;
	struct pool *p = pool_get();
	bool warm = e->mode == ENGINE_STANZA && e->complete && !e->fault && !e->ended &&
	            e->bytes < RESET_AFTER_BYTES;

	*engine = NULL;
	builder_clear(&e->builder);
	buf_free(&e->declarations);
	mem_free(e->content_ns);
	mem_free(e->prefix);
	mem_free(e->local);
	e->content_ns = e->prefix = e->local = NULL;
	e->declared = 0;
	if (p->n == POOL_ENGINES || e->stanza_bytes > DROP_AFTER_BYTES) {
		engine_free(e);
		return;
	}
	if (!warm) {
		mem_free(e->start_tag);
		e->start_tag = NULL;
	}
	p->engine[p->n++] = e;
}

/* --- Work ----------------------------------------------------------------- */

void
engine_use_arena(struct engine *e, struct arena *a)
{
	e->builder.arena = a;
	e->builder.foreign_arena = true;
}

/*
 * expat says "invalid token" for what is no UTF-8 and for forbidden characters alike.  Of a character whose
 * rest has not come yet it is the place that is wrong.
 */
static bool
stands_at_broken_utf8(struct engine *e)
{
	int offset, size;
	const char *input = XML_GetInputContext(e->expat, &offset, &size);
	const unsigned char *at;
	size_t len;

	if (!input || offset >= size)
		return false;
	at = (const unsigned char *)input + offset;
	if (*at < 0x80)
		return false;
	if (*at < 0xc2 || *at > 0xf4)
		return true;
	len = *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
	return len <= (size_t)(size - offset) && !utf8_valid((const char *)at, len);
}

static enum xml_fault
fault_of_expat(struct engine *e)
{
	switch (XML_GetErrorCode(e->expat)) {
	case XML_ERROR_PARTIAL_CHAR:
		return XML_INVALID_UTF8;
	case XML_ERROR_INVALID_TOKEN:
		return stands_at_broken_utf8(e) ? XML_INVALID_UTF8 : XML_NOT_WELL_FORMED;
	case XML_ERROR_UNKNOWN_ENCODING:
	case XML_ERROR_INCORRECT_ENCODING:
		return XML_BAD_ENCODING;
	default:
		return XML_NOT_WELL_FORMED;
	}
}

/* A tree is several times as large as its text; small blocks grow by themselves. */
static size_t
arena_size_for(size_t bytes, bool whole)
{
	size_t size = whole ? bytes * 5 / 2 + 256 : 1024;

	return size < 16384 ? size : 16384;
}

enum xml_fault
engine_feed(struct engine *e, const char *data, size_t len, bool flush)
{
	if (!e->builder.arena && e->mode != ENGINE_WARMING)
		e->builder.arena = arena_new(arena_size_for(len, flush));
	if (e->deferring == flush && XML_SetReparseDeferralEnabled) {
		XML_SetReparseDeferralEnabled(e->expat, !flush);
		e->deferring = !flush;
	}
	e->bytes += len;
	e->stanza_bytes += len;
	hm_assert(len <= INT32_MAX);
	if (XML_Parse(e->expat, data, (int)len, XML_FALSE) != XML_STATUS_OK && !e->fault)
		e->fault = fault_of_expat(e);
	return e->fault;
}

bool
engine_complete(const struct engine *e)
{
	return e->complete;
}

bool
engine_ended(const struct engine *e)
{
	return e->ended;
}

struct hm_elem *
engine_take(struct engine *e, struct arena **a)
{
	return builder_take(&e->builder, a);
}

/* One block: the struct, then its three strings. */
struct xml_context *
engine_context(const struct engine *e)
{
	const char *ns = e->content_ns ? e->content_ns : "";
	size_t ns_len = strlen(ns), prefix_len = e->prefix ? strlen(e->prefix) : 0;
	struct buf tag = { 0 };
	struct xml_context *c;
	char *at;

	buf_putc(&tag, '<');
	if (e->prefix) {
		buf_puts(&tag, e->prefix);
		buf_putc(&tag, ':');
	}
	buf_puts(&tag, e->local);
	buf_append(&tag, e->declarations.data, e->declarations.len);
	buf_putc(&tag, '>');
	c = mem_alloc(sizeof(*c) + tag.len + ns_len + prefix_len + 3);
	at = (char *)(c + 1);
	c->start_tag = memcpy(at, tag.data, tag.len + 1);
	at += tag.len + 1;
	c->content_ns = memcpy(at, ns, ns_len + 1);
	at += ns_len + 1;
	c->prefix = e->prefix ? memcpy(at, e->prefix, prefix_len + 1) : NULL;
	buf_free(&tag);
	return c;
}
