/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/s2s_state.h - what the stream of a server consists of; for the files s2s_*.c only.
 *
 * A stream carries stanzas one way, from whoever opened it.  Each pair of domains on it is shown and taken for
 * itself: by the stream's certificate (SASL EXTERNAL) or by dialback.  An outgoing one is there before it has a
 * connection, and belongs to the worker on which the core, or an incoming stream with a key to check, asked for it.
 */
#ifndef STREAM_S2S_STATE_H
#define STREAM_S2S_STATE_H

#include "base/list.h"
#include "stream/dialback.h"
#include "stream/header.h"
#include "stream/s2s.h"
#include "stream/stream_state.h"

#define NS_SM "urn:xmpp:sm:3"
#define NS_LIMITS "urn:xmpp:stream-limits:0"

enum pair_state {
	PAIR_WAITING,  /* outgoing: the stream is not ready */
	PAIR_ASKED,    /* outgoing: our proof was sent; incoming: a key is being checked */
	PAIR_GOING_UP, /* outgoing: taken; the core hears of it when XEP-0198 is agreed on */
	PAIR_UP
};

struct s2s;

struct s2s_pair {
	struct list link; /* of its stream */
	struct s2s *s;
	uint64_t id, session; /* what the core calls it; session 0: incoming */
	char *local, *remote;
	enum pair_state state;
	enum link_domain_proof proof;
	int64_t since_ms; /* when it was asked */
	unsigned unsent;  /* LINK_OUTs in the queue */
	/* Without XEP-0198: written since the last look, and before it. */
	unsigned young, old;
	/* Incoming, with XEP-0198: what is at the core; of it, what came before that began; credits not yet counted. */
	unsigned in_flight, uncounted, handled;
	bool closing; /* LINK_CLOSE came: it goes when all is written */
};

/* A key that came in a <db:result/> and is shown to the authoritative server (XEP-0220 2.1.2). */
struct s2s_check {
	struct list link; /* of the outgoing stream */
	uint64_t asker;   /* the incoming pair */
	char *local, *remote, *id, *key;
	int64_t since_ms;
	bool sent;
};

/* Pairs of the stanzas on their way, oldest first. */
struct s2s_ring {
	uint64_t *v;
	size_t cap, first, n;
};

struct connecting;

struct s2s {
	struct stream stream; /* the first; before there is a connection its kind is NULL */
	struct list link;     /* of s2s_here.all */
	bool outgoing, direct_tls;
	char *local, *remote; /* of the headers; incoming: NULL until one came */
	char *id;             /* the receiving server's for this stream */
	struct list pairs, checks;
	struct connecting *connecting; /* until there is a connection */
	struct timer tick;
	int64_t wrote_ms;

	/* What the other server offers (outgoing). */
	unsigned failures;     /* incoming: of SASL */
	unsigned keys_checked; /* incoming */
	bool ready; /* TLS and authentication are settled: pairs may ask for themselves */
	bool has_dialback, has_external, has_acks;
	bool external;       /* SASL EXTERNAL is under way, or was done */
	bool external_tried; /* and was refused */
	size_t max_bytes;    /* XEP-0478 */

	/* XEP-0198. */
	bool acks_asked, acks, request_out;
	int64_t request_ms;
	size_t request_left;     /* incoming: stanzas to handle before <r/> is answered */
	uint32_t acked, handled; /* h of theirs and of ours */
	struct s2s_ring ring;

	/* Why it ends, for who waits for it. */
	enum hm_cond cond;
	char *why;
	bool permanent;
	bool told; /* nothing of it is in any table */
};

/* Per worker. */
struct s2s_here {
	bool running, stopping;
	const struct s2s_config *config;
	struct version *version;
	struct list all;
	struct table pairs; /* id -> struct s2s_pair */
};
extern _Thread_local struct s2s_here s2s_here;
extern const struct stream_kind s2s_kind;
extern struct dialback_secret s2s_secret;

static inline struct s2s *
s2s_of(struct stream *s)
{
	return (struct s2s *)s;
}

/* --- s2s.c ----------------------------------------------------------------------------- */

struct s2s *s2s_new(bool outgoing);
/* Without a connection, which would be stream_drop()'s to end. */
void s2s_discard(struct s2s *s);
/* The stream ends; cond, why and permanent are what is said of it to the core, stream_cond what to the peer. */
void s2s_fail(struct s2s *s, enum stream_cond stream_cond, enum hm_cond cond, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void s2s_fail_for_good(struct s2s *s, enum hm_cond cond, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* false: policy; why: a sentence. */
bool s2s_may_talk(const char *domain, const char **why);
bool s2s_must_have_certificate(const char *domain);
/* Why the peer's certificate does not show that it is domain; NULL: it does. */
const char *s2s_certificate_fault(struct s2s *s, const char *domain);
/* Authenticated, in one way or the other, for the first pair. */
void s2s_open_stream(struct s2s *s);
void s2s_tick_soon(struct s2s *s);

/* --- s2s_pair.c ------------------------------------------------------------------------ */

struct s2s_pair *pair_new(struct s2s *s, const char *local, const char *remote, uint64_t session);
void pair_free(struct s2s_pair *p);
struct s2s_pair *pair_find(struct s2s *s, const char *local, const char *remote);
void pair_up(struct s2s_pair *p);
/* Tells the core, and frees. */
void pair_down(struct s2s_pair *p, enum hm_cond cond, const char *why, bool permanent);
/* A stanza of an incoming stream (RFC 6120 8.1). */
void pair_got_stanza(struct s2s *s, struct arena **arena, struct hm_elem *root);

/* --- s2s_ack.c --------------------------------------------------------------------------- */

void ack_wrote(struct stream *stream, const struct link_msg *msg);
void ack_wrote_batch(struct stream *stream, struct buf *out);
/* Elements of XEP-0198. */
void ack_got_element(struct s2s *s, const struct hm_elem *root);
void ack_handled(struct s2s_pair *p, unsigned stanzas);
void ack_took(struct s2s_pair *p);
bool ack_waits(const struct s2s *s);
void ack_tick(struct s2s *s);
void ack_forget(struct s2s *s);

/* --- s2s_in.c ---------------------------------------------------------------------------- */

void in_got_header(struct s2s *s, const struct hm_elem *root);
void in_got_element(struct s2s *s, struct arena **arena, struct hm_elem *root);
void in_write_header(struct s2s *s, const struct header *theirs, struct buf *out);

/* --- s2s_dialback.c ------------------------------------------------------------------------ */

/* <db:result/> and <db:verify/> on incoming and on outgoing streams. */
void dialback_got_in(struct s2s *s, const struct hm_elem *root);
void dialback_got_out(struct s2s *s, const struct hm_elem *root);
/* Outgoing: our key for the pair. */
void dialback_ask(struct s2s_pair *p);
void dialback_send_checks(struct s2s *s);
/* All that were not answered: cond tells why. */
void dialback_fail_checks(struct s2s *s, enum hm_cond cond, const char *why);
void dialback_tick(struct s2s *s);

/* --- s2s_out.c ----------------------------------------------------------------------------- */

/* LINK_DOMAIN_OPEN. */
void out_open(const char *local, const char *remote, uint64_t session);
/* The outgoing stream to remote on this worker that takes checks, or a new one. NULL: policy; why. */
struct s2s *out_for_check(const char *local, const char *remote, const char **why);
void out_secured(struct s2s *s);
void out_got_header(struct s2s *s, const struct hm_elem *root);
void out_got_element(struct s2s *s, struct hm_elem *root);
void out_write_header(struct s2s *s, struct buf *out);
/* The other server has taken us for the pair. */
void out_accepted(struct s2s_pair *p);
/* Nothing is left that it is needed for: it ends. */
void out_close_if_unused(struct s2s *s);
/* connect: a descriptor, or -1 and why. */
void out_connected(struct s2s *s, int fd, enum hm_cond cond, const char *why);

/* --- s2s_connect.c ---------------------------------------------------------------------------- */

/* Finds where s->remote is and connects; out_connected() comes later, not from inside. */
void s2s_connect(struct s2s *s);
void s2s_connect_stop(struct s2s *s);

#endif
