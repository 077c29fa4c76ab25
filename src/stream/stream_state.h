/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/stream_state.h - what a stream consists of; for the files of stream only.
 * An idle client costs this struct and xml_stream; what only the login needs is in struct login.  What clients
 * and servers do in different ways is behind struct stream_kind.
 *
 * A stream belongs to the worker of its connection.  It is freed by stream_drop() and stream_cut() alone,
 * never inside the code that handles input: that sets a state, and input.c looks at it after each element.
 */
#ifndef STREAM_STREAM_STATE_H
#define STREAM_STREAM_STATE_H

#include "base/buf.h"
#include "base/table.h"
#include "link/link.h"
#include "loop/timer.h"
#include "loop/worker.h"
#include "net/conn.h"
#include "stream/metrics.h"
#include "stream/stream.h"
#include "stream/version.h"
#include "xml/parser.h"

#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"

enum stream_state {
	AT_HEADER,   /* the peer's header must come */
	NEGOTIATING, /* its elements are handled here */
	SECURING,    /* a TLS handshake is under way */
	WAITING,     /* for an answer: input is kept until then */
	OPEN,        /* authenticated: its stanzas go to the core */
	ENDING,      /* our end goes out behind the output, or the peer's is awaited */
	OVER         /* nothing is read or written any more; conn will say that it has ended */
};

/* Why reading is held; bits. */
enum { HOLD_CREDIT = 1, HOLD_RATE = 2 };

struct header;
struct login;
struct stream;

struct stream_kind {
	const char *subject; /* of the log */
	enum stream_metrics_of metrics;
	/* Too much may not be said yet. */
	bool (*is_stranger)(const struct stream *s);
	void (*secured)(struct stream *s);
	void (*got_header)(struct stream *s, const struct hm_elem *root);
	/* But for stream errors, and nothing while the stream ends. Takes *arena if it sets it to NULL. */
	void (*got_element)(struct stream *s, struct arena **arena, struct hm_elem *root);
	/* Ours, into out; theirs: NULL when it could not be read. */
	void (*write_header)(struct stream *s, const struct header *theirs, struct buf *out);
	/* The negotiation took too long. */
	void (*timeout)(struct stream *s);
	/* Nothing was heard for the idle time. */
	void (*idle)(struct stream *s, int64_t silent_ms);
	/* A stream error came, which ends the stream; NULL. */
	void (*got_error)(struct stream *s, const struct hm_elem *error);
	/* A LINK_OUT has been given to the connection; NULL: nobody wants to know. */
	void (*wrote)(struct stream *s, const struct link_msg *msg);
	/* The same, of all that was in the queue: may add to out; NULL. */
	void (*wrote_batch)(struct stream *s, struct buf *out);
	/* The core must know that the stream ends.  Once; how: in words in s->reason, if that is set. */
	void (*closed)(struct stream *s, enum link_closed_how how);
	/* Frees what it has beside struct stream, and leaves all tables but the worker's. */
	void (*free)(struct stream *s);
};

struct stream {
	const struct stream_kind *kind;
	struct conn *conn;
	struct xml_stream *xml;
	struct version *version;
	uint64_t id, session;         /* session 0: none, or it has been told that we are closed */
	const struct link_host *host; /* of the last header; NULL before */
	struct login *login;          /* of a client, until authenticated */
	char *bare;                   /* from then on */
	struct hm_logctx log;
	const char *reason; /* of the end, for the log; a literal */
	struct timer timer; /* negotiation; then idle time or rate; then the end */
	struct turn_end turn_end;
	struct link_msg *out_first, *out_last; /* LINK_OUT, LINK_TEXT; chained by mail.next */
	size_t out_bytes;
	char *end_text, *end_app;
	int64_t heard_ms;
	int64_t tokens, tokens_ms;
	size_t bytes_in_flight;
	uint32_t in_flight;
	uint32_t element_bytes; /* of the element that is being read */
	uint32_t rest;          /* bytes behind the element that is being handled */
	uint8_t state;          /* enum stream_state */
	uint8_t hold;
	uint8_t end_cond;    /* enum stream_cond */
	bool answered : 1;   /* our header is out */
	bool their_end : 1;  /* the peer's end came, or does not matter any more */
	bool end_wanted : 1; /* ours goes out when the queue is empty */
	bool end_sent : 1;   /* it has gone out */
	bool counted : 1;    /* by limits.c, as unauthenticated */
};

/* Per worker. */
struct stream_here {
	bool stopping;
	bool walking; /* through the table */
	struct version *version;
	struct table streams; /* id -> struct stream */
	struct buf out;       /* shared by all that write; empty between */
};
extern _Thread_local struct stream_here stream_here;

/* --- stream.c: life ---------------------------------------------------------------- */

/* Takes fd; s is zeroed, or begins a larger struct that is.  The time for the negotiation runs. */
void
stream_begin(struct stream *s, int fd, const struct stream_kind *kind, struct version *version);
struct stream *stream_find(uint64_t id); /* NULL: gone */
/* In and out of this worker's table; each time under a new id. */
void stream_enter(struct stream *s);
void stream_leave(struct stream *s);
/* Frees, and closes the connection at once. */
void stream_drop(struct stream *s);
/* The same, said in the log and to the session. */
void stream_cut(struct stream *s, const char *reason);
void stream_start_timer(struct stream *s, uint32_t ms);

/* --- ending.c ------------------------------------------------------------------------ */

/*
 * The stream ends by our will: the session is told, what is queued goes out, then <stream:error/> (cond 0: none)
 * and </stream:stream>.  Nothing more is read but the client's own end.  text may be NULL.  Idempotent.
 */
void stream_end(struct stream *s, enum stream_cond cond, const char *text);
void
stream_end_as(struct stream *s, enum stream_cond cond, const char *text, enum link_closed_how how);
/* The client's end came: ours follows when the session has said all. */
void stream_ended_by_peer(struct stream *s);
/* LINK_CLOSE: the session is gone. */
void stream_end_by_session(struct stream *s, struct link_msg *close);
/* The queue is empty: now our end may go. */
void stream_write_end(struct stream *s);
/* Both ends are there, or enough was waited. */
void stream_close_conn(struct stream *s);
void stream_end_timeout(struct stream *s);

/* --- input.c ------------------------------------------------------------------------ */

size_t stream_readable(struct conn *c, const char *data, size_t len);
/* What was kept is read on, if nothing else holds it. */
void stream_read_on(struct stream *s);
void stream_give_credit(struct stream *s, unsigned stanzas, size_t bytes);
void stream_start_idle(struct stream *s);
void stream_idle_timeout(struct stream *s);
/* A stanza goes to the core: until it gives credit back it counts against what may be in flight. */
void stream_take_credit(struct stream *s, size_t bytes);

/* --- output.c ------------------------------------------------------------------------ */

/* A buffer to fill; what is in it goes out with stream_send(). */
struct buf *stream_buf(void);
void stream_send(struct stream *s);
void stream_puts(struct stream *s, const char *xml);
void stream_queue(struct stream *s, struct link_msg *take); /* LINK_OUT, LINK_TEXT. May free s. */
void stream_drained(struct conn *c);
void stream_forget_output(struct stream *s);
void stream_output_turn(struct turn_end *te);

/* If it was not sent yet; theirs: NULL when it could not be read. */
void stream_send_header(struct stream *s, const struct header *theirs);
/* STARTTLS was agreed on: what comes now is TLS, then a new header. */
void stream_begin_tls(struct stream *s);

/* --- client.c: what only clients' streams do -------------------------------------------- */

extern const struct stream_kind client_kind;
/* LINK_ATTACHED for a stream that has ended meanwhile. */
void client_refuse_session(const struct link_msg *attached);

/* --- negotiate.c: the same, until they are open ------------------------------------------ */

void client_got_header(struct stream *s, const struct hm_elem *root);
void client_got_element(struct stream *s, struct arena **arena, struct hm_elem *root);
void client_write_header(struct stream *s, const struct header *theirs, struct buf *out);
void client_negotiation_timeout(struct stream *s);

/* --- features.c -------------------------------------------------------------------------- */

void stream_send_features(struct stream *s);
/* Of those that the configuration names, what this connection can be offered now; bits. */
unsigned stream_mechanisms(struct stream *s);

#endif
