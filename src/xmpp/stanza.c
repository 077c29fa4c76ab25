/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xmpp/stanza.c - making stanzas, counting their references and writing them.
 * A stanza with all that belongs to it lies in one arena.  What a changed copy
 * shares with its original stays alive through `base`.  The serialised body is the
 * one thing that is added later, by whichever thread wants it first.
 */
#include "xmpp/stanza.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "xml/parser.h"
#include "xmpp/stanza_error.h"

/* Attributes of the root that have fields of their own, or stand on the letter. */
static const char *const common[] = { "to", "from", "id", "type", "xml:lang", NULL };

/* --- Kinds and types ------------------------------------------------------ */

static const char *const kind_names[] = {
	[STANZA_NONE] = "",
	[STANZA_MESSAGE] = "message",
	[STANZA_PRESENCE] = "presence",
	[STANZA_IQ] = "iq",
};

const char *
stanza_kind_name(enum stanza_kind kind)
{
	return kind_names[kind];
}

static enum stanza_kind
kind_by_name(const char *name)
{
	for (enum stanza_kind k = STANZA_MESSAGE; k <= STANZA_IQ; k++)
		if (strcmp(name, kind_names[k]) == 0)
			return k;
	return STANZA_NONE;
}

/* RFC 6120 8.2.3, RFC 6121 4.7.1 and 5.2.2 */
static const struct type_name {
	enum stanza_kind kind; /* STANZA_NONE: all */
	enum stanza_type type;
	const char *name;
} types[] = {
	{ STANZA_MESSAGE, TYPE_CHAT, "chat" },
	{ STANZA_MESSAGE, TYPE_GROUPCHAT, "groupchat" },
	{ STANZA_MESSAGE, TYPE_HEADLINE, "headline" },
	{ STANZA_MESSAGE, TYPE_NORMAL, "normal" },
	{ STANZA_PRESENCE, TYPE_UNAVAILABLE, "unavailable" },
	{ STANZA_PRESENCE, TYPE_PROBE, "probe" },
	{ STANZA_PRESENCE, TYPE_SUBSCRIBE, "subscribe" },
	{ STANZA_PRESENCE, TYPE_SUBSCRIBED, "subscribed" },
	{ STANZA_PRESENCE, TYPE_UNSUBSCRIBE, "unsubscribe" },
	{ STANZA_PRESENCE, TYPE_UNSUBSCRIBED, "unsubscribed" },
	{ STANZA_IQ, TYPE_GET, "get" },
	{ STANZA_IQ, TYPE_RESULT, "result" },
	{ STANZA_IQ, TYPE_SET, "set" },
	{ STANZA_NONE, TYPE_ERROR, "error" },
};

static enum stanza_type
type_by_name(enum stanza_kind kind, const char *name)
{
	if (!name)
		return TYPE_NONE;
	for (size_t i = 0; i < HM_COUNT(types); i++) {
		if (types[i].kind != kind && types[i].kind != STANZA_NONE)
			continue;
		if (strcmp(name, types[i].name) == 0)
			return types[i].type;
	}
	return TYPE_UNKNOWN;
}

/* --- Life ----------------------------------------------------------------- */

/* The count and the body are the parts of a const stanza that change. */
static struct hm_stanza *
counted(const struct hm_stanza *s)
{
	return (struct hm_stanza *)(uintptr_t)s;
}

/* Takes the arena and the reference to base; root lies in the arena, or belongs to base. */
static struct hm_stanza *
seal(struct arena *a, const struct hm_elem *root, const char *from, const struct hm_stanza *base)
{
	struct hm_stanza *s = arena_new_of(a, struct hm_stanza);

	atomic_init(&s->refs, 1);
	atomic_init(&s->body, NULL);
	s->arena = a;
	s->base = base;
	s->root = root;
	s->kind = kind_by_name(root->name);
	s->type_text = elem_attr(root, "type");
	s->type = type_by_name(s->kind, s->type_text);
	s->id = elem_attr(root, "id");
	s->lang = elem_attr_ns(root, XML_NS_XML, "lang");
	s->from = from ? arena_strdup(a, from) : NULL;
	return s;
}

/* What stands in the content namespace of a server's stream stands in the same place on a client's. */
static void
into_client_ns(struct hm_elem *e)
{
	if (!elem_is(e, NS_SERVER, NULL))
		return;
	e->ns = NS_CLIENT;
	for (struct hm_elem *c = e->first; c; c = c->next)
		into_client_ns(c);
}

const struct hm_stanza *
stanza_take(struct arena **arena, struct hm_elem *root, const char *from, const char *default_lang)
{
	struct arena *a = *arena;
	struct hm_stanza *s;

	*arena = NULL;
	into_client_ns(root);
	if (!elem_is(root, NS_CLIENT, NULL) || kind_by_name(root->name) == STANZA_NONE) {
		arena_free(&a);
		return NULL;
	}
	s = seal(a, root, from, NULL);
	if (!s->lang && default_lang && *default_lang)
		s->lang = arena_strdup(a, default_lang);
	return s;
}

const struct hm_stanza *
stanza_ref(const struct hm_stanza *s)
{
	atomic_fetch_add_explicit(&counted(s)->refs, 1, memory_order_relaxed);
	return s;
}

void
stanza_unref(const struct hm_stanza **stanza)
{
	const struct hm_stanza *s = *stanza;

	*stanza = NULL;
	while (s && atomic_fetch_sub_explicit(&counted(s)->refs, 1, memory_order_acq_rel) == 1) {
		const struct hm_stanza *base = s->base;
		struct arena *a = s->arena;

		mem_free(atomic_load_explicit(&counted(s)->body, memory_order_relaxed));
		arena_free(&a);
		s = base;
	}
}

/* --- Changed and new ones ------------------------------------------------- */

const struct hm_stanza *
stanza_with_from(const struct hm_stanza *s, const char *from)
{
	struct arena *a = arena_new(sizeof(*s) + (from ? strlen(from) + 1 : 0) + 8);
	/* Where the root comes from, so that a chain of these does not grow. */
	const struct hm_stanza *owner = s->base && s->base->root == s->root ? s->base : s;
	struct hm_stanza *copy = arena_new_of(a, struct hm_stanza);

	*copy = (struct hm_stanza){
		.kind = s->kind,
		.type = s->type,
		.type_text = s->type_text,
		.id = s->id,
		.lang = s->lang,
		.root = s->root,
		.arena = a,
		.base = stanza_ref(owner),
		.from = from ? arena_strdup(a, from) : NULL,
	};
	atomic_init(&copy->refs, 1);
	atomic_init(&copy->body, NULL);
	return copy;
}

void
stanza_build_new(struct stanza_build *b, enum stanza_kind kind, const char *type, const char *id)
{
	*b = (struct stanza_build){ .arena = arena_new(0) };
	writer_init(&b->w, b->arena);
	writer_open(&b->w, NS_CLIENT, stanza_kind_name(kind));
	writer_attr(&b->w, "type", type);
	writer_attr(&b->w, "id", id);
}

void
stanza_build_from(struct stanza_build *b, const struct hm_stanza *s,
                  bool (*keep)(const struct hm_elem *child, void *ctx), void *ctx)
{
	*b = (struct stanza_build){ .arena = arena_new(0), .base = stanza_ref(s) };
	writer_init(&b->w, b->arena);
	writer_open(&b->w, NS_CLIENT, s->root->name);
	for (const struct xml_attr *a = s->root->attrs; a; a = a->next)
		if (a->ns || (strcmp(a->name, "to") != 0 && strcmp(a->name, "from") != 0))
			writer_attr_ns(&b->w, a->ns, a->name, a->value);
	writer_attr_ns(&b->w, XML_NS_XML, "lang", s->lang);
	for (const struct hm_elem *c = s->root->first; c; c = c->next)
		if (c->node != XML_ELEMENT || !keep || keep(c, ctx))
			writer_share(&b->w, c);
}

const struct hm_stanza *
stanza_build_done(struct stanza_build *b, const char *from)
{
	const struct hm_stanza *s;

	writer_close(&b->w);
	hm_assert(writer_done(&b->w));
	s = seal(b->arena, b->w.root, from, b->base);
	*b = (struct stanza_build){ 0 };
	return s;
}

void
stanza_build_drop(struct stanza_build *b)
{
	arena_free(&b->arena);
	stanza_unref(&b->base);
	*b = (struct stanza_build){ 0 };
}

/* --- Replies -------------------------------------------------------------- */

/*
 * RFC 6120 8.3.1 (8) and 8.2.3 (4): never to errors and results.  Presence: what asks for something or
 * enters somewhere may fail; what ends something (unavailable, unsubscribe) or only grants it has
 * nothing to be told (RFC 6121 8.5.1 ignores the same ones).
 */
static bool
may_be_answered(const struct hm_stanza *s)
{
	switch (s->type) {
	case TYPE_ERROR:
	case TYPE_RESULT:
	case TYPE_UNAVAILABLE:
	case TYPE_SUBSCRIBED:
	case TYPE_UNSUBSCRIBE:
	case TYPE_UNSUBSCRIBED:
		return false;
	default:
		return true;
	}
}

/* RFC 6120 8.3.1 (3): the reply to an iq has an id in any case. */
static void
open_reply(struct stanza_build *b, const struct hm_stanza *s, const char *type)
{
	stanza_build_new(b, s->kind, type, s->id || s->kind != STANZA_IQ ? s->id : "");
}

const struct hm_stanza *
stanza_error_reply(const struct hm_stanza *s, const char *from, enum hm_cond cond, const char *text)
{
	struct stanza_build b;

	if (!may_be_answered(s))
		return NULL;
	open_reply(&b, s, "error");
	cond_write(&b.w, cond, text);
	return stanza_build_done(&b, from);
}

const struct hm_stanza *
stanza_result_reply(const struct hm_stanza *s, const char *from)
{
	struct stanza_build b;

	open_reply(&b, s, "result");
	return stanza_build_done(&b, from);
}

/* --- Looking inside ------------------------------------------------------- */

const struct hm_elem *
stanza_payload(const struct hm_stanza *s)
{
	const struct hm_elem *only = elem_first_child(s->root);

	if (s->kind != STANZA_IQ || (s->type != TYPE_GET && s->type != TYPE_SET))
		return NULL;
	return only && !elem_next(only) ? only : NULL;
}

bool
stanza_has_body(const struct hm_stanza *s)
{
	return s->kind == STANZA_MESSAGE && elem_child(s->root, NS_CLIENT, "body");
}

enum hm_cond
stanza_error_cond(const struct hm_stanza *s)
{
	const struct hm_elem *error = elem_child(s->root, NS_CLIENT, "error");

	if (s->type != TYPE_ERROR)
		return 0;
	for (const struct hm_elem *c = error ? elem_first_child(error) : NULL; c;
	     c = elem_next(c)) {
		enum hm_cond cond = elem_is(c, NS_STANZA_ERRORS, NULL) ? cond_by_name(c->name) : 0;

		if (cond)
			return cond;
	}
	return HM_UNDEFINED_CONDITION;
}

/* --- Text ----------------------------------------------------------------- */

static void
write_attr(struct buf *out, const char *name, const char *value)
{
	if (!value)
		return;
	buf_putc(out, ' ');
	buf_puts(out, name);
	buf_append(out, "='", 2);
	xml_write_value(out, value, strlen(value));
	buf_putc(out, '\'');
}

static void
write_body(const struct hm_stanza *s, struct buf *out)
{
	write_attr(out, "type", s->type_text);
	write_attr(out, "id", s->id);
	write_attr(out, "from", s->from);
	write_attr(out, "xml:lang", s->lang);
	elem_write_attrs(s->root, common, out);
	if (!s->root->first) {
		buf_append(out, "/>", 2);
		return;
	}
	buf_putc(out, '>');
	elem_write_children(s->root, NS_CLIENT, out);
	buf_append(out, "</", 2);
	buf_puts(out, s->root->name);
	buf_putc(out, '>');
}

/* The struct and its bytes as one piece of heap, of the exact size. */
static struct buf *
make_body(const struct hm_stanza *s)
{
	struct buf text = { 0 };
	struct buf *body;

	buf_reserve(&text, 1000); /* most fit */
	write_body(s, &text);
	body = mem_alloc(sizeof(*body) + text.len + 1);
	body->data = memcpy(body + 1, text.data, text.len + 1);
	body->len = text.len;
	body->cap = 0;
	buf_free(&text);
	return body;
}

const struct buf *
stanza_body(const struct hm_stanza *stanza)
{
	struct hm_stanza *s = counted(stanza);
	struct buf *body = atomic_load_explicit(&s->body, memory_order_acquire);
	struct buf *mine;

	if (body)
		return body;
	mine = make_body(s);
	if (atomic_compare_exchange_strong_explicit(&s->body, &body, mine, memory_order_acq_rel,
	                                            memory_order_acquire))
		return mine;
	mem_free(mine); /* another thread was faster */
	return body;
}

size_t
stanza_bytes(const struct hm_stanza *s)
{
	return stanza_body(s)->len;
}

size_t
stanza_weight(const struct hm_stanza *stanza)
{
	size_t bytes = 0;

	for (const struct hm_stanza *s = stanza; s; s = s->base)
		bytes += arena_bytes(s->arena);
	return bytes;
}

size_t
stanza_memory(const struct hm_stanza *stanza)
{
	return stanza_bytes(stanza) + stanza_weight(stanza);
}

void
stanza_head(const struct hm_stanza *s, const char *to, struct buf *out)
{
	buf_putc(out, '<');
	buf_puts(out, s->root->name);
	write_attr(out, "to", to);
}

void
stanza_write(const struct hm_stanza *s, const char *to, struct buf *out)
{
	const struct buf *body = stanza_body(s);

	buf_reserve(out, body->len + 16 + (to ? strlen(to) + 8 : 0));
	stanza_head(s, to, out);
	buf_append(out, body->data, body->len);
}

/* What came in was within the limits of its stream, and has grown by a few attributes since. */
static const struct xml_limits stored_limits = { .stanza_bytes = 64 * 1024 * 1024,
	                                         .depth = 512,
	                                         .nodes = 1000000 };

const struct hm_stanza *
stanza_parse(const char *xml, size_t len)
{
	struct arena *a = arena_new(len < 4096 ? len * 4 + 256 : 16384);
	struct hm_elem *root = xml_parse(a, xml, len, NS_CLIENT, &stored_limits);

	if (!root) {
		arena_free(&a);
		return NULL;
	}
	return stanza_take(&a, root, elem_attr(root, "from"), NULL);
}
