/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xmpp/stanza.h - the immutable, counted stanza: the only thing that workers share.
 *
 * The address "to" is not part of it but of the letter that carries it, so that
 * one body serves any number of addressees.  What goes over the wire is
 *     stanza_head()  +  stanza_body()
 * where the body is everything after the "to" attribute, serialised once, on
 * first use, and shared by all.
 */
#ifndef XMPP_STANZA_H
#define XMPP_STANZA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <hermod/values.h>

#include "base/arena.h"
#include "base/buf.h"
#include "xml/writer.h"

#define NS_CLIENT "jabber:client"
#define NS_SERVER "jabber:server"

enum stanza_kind { STANZA_NONE, STANZA_MESSAGE, STANZA_PRESENCE, STANZA_IQ };
enum stanza_type {
	TYPE_NONE = 0, /* message: normal, presence: available */
	TYPE_ERROR,    /* all kinds */
	TYPE_CHAT,
	TYPE_GROUPCHAT,
	TYPE_HEADLINE,
	TYPE_NORMAL,
	TYPE_PROBE,
	TYPE_SUBSCRIBE,
	TYPE_SUBSCRIBED,
	TYPE_UNAVAILABLE,
	TYPE_UNSUBSCRIBE,
	TYPE_UNSUBSCRIBED,
	TYPE_GET,
	TYPE_RESULT,
	TYPE_SET,
	TYPE_UNKNOWN /* a value that the RFC does not know */
};

struct hm_stanza {
	atomic_uint refs;
	enum stanza_kind kind;
	enum stanza_type type;
	const char *type_text;        /* as it came; NULL when absent */
	const char *id, *from, *lang; /* NULL when absent; from is a normalised JID */
	/* <message/> etc. in NS_CLIENT; its to and from attributes are not to be used. */
	const struct hm_elem *root;
	struct arena *arena;
	const struct hm_stanza *base; /* kept alive: root shares its children; or NULL */
	_Atomic(struct buf *) body;   /* made on first use */
};

/*
 * Takes the arena, in any case.  root's namespace must be NS_CLIENT (or NS_SERVER, which is turned into
 * it).  from and default_lang (of the stream) are copied and may be NULL.  NULL when root is no stanza.
 */
const struct hm_stanza *
stanza_take(struct arena **arena, struct hm_elem *root, const char *from, const char *default_lang);
const struct hm_stanza *stanza_ref(const struct hm_stanza *s);
/* On any thread; clears the pointer; NULL inside is fine. */
void stanza_unref(const struct hm_stanza **s);

/* The same stanza with another from (NULL: none); shares everything. */
const struct hm_stanza *stanza_with_from(const struct hm_stanza *s, const char *from);

/* A stanza under construction: write what is inside with w, whose open element is the root. */
struct stanza_build {
	struct arena *arena;
	struct hm_writer w;
	const struct hm_stanza *base;
};
/*
 * Starts a changed copy.  The root has the attributes of s (type, id, xml:lang and others; writer_attr()
 * replaces them) and shares the child elements that keep(child, ctx) chooses; keep NULL: all.
 */
void stanza_build_from(struct stanza_build *b, const struct hm_stanza *s,
                       bool (*keep)(const struct hm_elem *child, void *ctx), void *ctx);
/* Starts a new stanza: type and id may be NULL. */
void
stanza_build_new(struct stanza_build *b, enum stanza_kind kind, const char *type, const char *id);
/* Closes the root. */
const struct hm_stanza *stanza_build_done(struct stanza_build *b, const char *from);
void stanza_build_drop(struct stanza_build *b);

/*
 * RFC 6120 8.3: the error reply to s, with its id and without its payload.  from: normally s's addressee.
 * NULL when s may not be answered by an error: errors, results, presence that ends or grants something.
 */
const struct hm_stanza *stanza_error_reply(const struct hm_stanza *s, const char *from,
                                           enum hm_cond cond, const char *text);
/* RFC 6120 8.2.3: an empty result for an iq. */
const struct hm_stanza *stanza_result_reply(const struct hm_stanza *s, const char *from);

/* Appends what goes on a jabber:client stream. to NULL: none. */
void stanza_write(const struct hm_stanza *s, const char *to, struct buf *out);
/* The two parts of it: up to the to attribute, and everything after it, which lives as long as s. */
void stanza_head(const struct hm_stanza *s, const char *to, struct buf *out);
const struct buf *stanza_body(const struct hm_stanza *s);
const char *stanza_kind_name(enum stanza_kind kind); /* "message" */
size_t stanza_bytes(const struct hm_stanza *s);      /* body's length, for budgets */
size_t stanza_weight(const struct hm_stanza *s);     /* of its trees in memory */
/* What it takes of memory, serialised body included; the same at any time. */
size_t stanza_memory(const struct hm_stanza *s);

/* Of an iq of type get or set: its child element, NULL when it has not exactly one (RFC 6120 8.2.3). */
const struct hm_elem *stanza_payload(const struct hm_stanza *s);
bool stanza_has_body(const struct hm_stanza *s); /* a message with a <body/> of any language */
/* The condition in a stanza of type error, HM_UNDEFINED_CONDITION when it has none that we know; else 0. */
enum hm_cond stanza_error_cond(const struct hm_stanza *s);

/* The text form that the store keeps, stanza_write() without to, and its way back. */
const struct hm_stanza *stanza_parse(const char *xml, size_t len);

#endif
