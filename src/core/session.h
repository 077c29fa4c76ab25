/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/session.h - one stream of an account from authentication on: what it sends is checked
 * here (RFC 6120 8), what it is sent goes out from here.  On its account's home.
 */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include <hermod/module.h>

#include "base/list.h"
#include "base/table.h"
#include "core/credit.h"
#include "link/link.h"
#include "loop/timer.h"

struct sm;
struct shown;
struct resuming;

struct hm_session {
	uint64_t id;
	uint64_t stream; /* 0: it has none just now (XEP-0198 5) */
	uint64_t alias;  /* 0, or the id under which its stream knows it (session_absorb()) */
	struct hm_user *user;
	/* in user->sessions, in the order of binding; unbound ones in user->unbound */
	struct list link;
	const char *resource; /* NULL before binding */
	const char *jid;      /* full; NULL before binding */
	/* last available presence without "to"; NULL: not available */
	const struct hm_stanza *presence;
	int priority;
	/* where directed available presence went (RFC 6121 4.6): key -> (void *)1 */
	struct table directed;
	int64_t since_us;
	const char *lang, *tls, *mechanism, *source;
	bool held; /* a set of its own is being answered (RFC 6120 10.1) */
	unsigned bind_failures;
	bool bound;    /* in user->sessions */
	bool inactive; /* XEP-0352; what it is sent passes the client_deliver chain */
	bool leaving;  /* its client has ended the stream; what it asked before is answered first */
	unsigned open_requests; /* to its own account and host, not answered yet */
	/* a change that waits until they are answered, holding the session */
	struct hm_letter *parked;
	bool closing;
	enum hm_close_reason ended_by; /* closing */
	bool end_waits;                /* until its account is loaded again */
	bool waiting;                  /* so does its inbox */
	struct list inbox;             /* struct session_input that wait for that */
	uint32_t came;                 /* stanzas, counted when they come */
	uint32_t now;                  /* input.number of what is being processed */
	struct list custody;           /* of which these are held, see custody.h */
	struct sent_messages *sent;    /* see repeats.h; NULL: none yet */
	unsigned processed;            /* stanzas since the last credit */
	size_t processed_bytes;
	struct credit *credit;     /* what its stanzas have under way */
	struct timer slower;       /* until more accounts may be looked up for it */
	struct sm *sm;             /* XEP-0198; NULL: its client has not enabled it */
	struct shown *shown;       /* NULL: nothing is to be confirmed without that */
	struct resuming *resuming; /* unbound: it waits for an older session */
	struct list asked;         /* requests of the server to this client */
	struct list timers;
	uint64_t next_ask;
	char *state;               /* of the modules */
	struct timer last_answers; /* leaving: no longer than this */
	struct hm_logctx log;
	char conn_text[24];
};

struct session_input {
	struct list link;
	struct arena *arena;
	struct hm_elem *root;
	size_t bytes;
	uint32_t
		number; /* of the stanza among those that came; no stanza: of the last one before it */
};

struct hm_session *session_find(uint64_t id); /* this worker's; NULL: gone */

/* Unbound, and without a stream. */
struct hm_session *session_new(struct hm_user *u);
void session_describe(struct hm_session *s, const char *lang, const char *source, const char *tls,
                      const char *mechanism);
/* A stream has authenticated: makes the session and answers LINK_ATTACHED. Takes msg. */
void session_attach(struct hm_user *u, struct link_msg *take);
void session_lost(struct hm_session *s, enum hm_close_reason why); /* its stream is gone */
void session_leaves(struct hm_session *s); /* its client has ended the stream */
/* Tells the stream to end, and ends. cond 0: without an error. */
void session_close(struct hm_session *s, enum stream_cond cond, const char *text,
                   enum hm_close_reason why);
/* The same; app: XML of an application's condition (RFC 6120 4.9.4), or NULL. */
void session_close_app(struct hm_session *s, enum stream_cond cond, const char *text,
                       const char *app, enum hm_close_reason why);
/* The stream ends; so does the session, unless it may be resumed. */
void session_cut(struct hm_session *s, enum stream_cond cond, const char *text,
                 enum hm_close_reason why);
/* It has no stream any more. */
void session_detach(struct hm_session *s);
/* s takes over the stream of an unbound session, and what has come on it; the other is freed. */
void session_absorb(struct hm_session *s, struct hm_session *other);
/* The user's modules have their states again: what has waited for it ends. */
void sessions_loaded_again(struct hm_user *u);
void session_probe(struct hm_session *s); /* LINK_IDLE: ask whether it lives */

/*
 * To the client, through the client_deliver chain if that is inactive; takes the stanza. to NULL: its full JID is not written. id: whether the
 * client got it is told under this id (message_confirmed, message_unconfirmed); or:
 */
#define SESSION_PUSHED INT64_C(0) /* nobody asks */
#define SESSION_LETTER                                                                             \
	INT64_C(-1) /* a letter to the account: if it is lost, RFC 6121 8.5 says what becomes of it */
void
session_deliver(struct hm_session *s, const struct hm_stanza *take, const char *to, int64_t id);
/* The same behind the chain. To a session that ends: nobody gets it. Inside a turn. */
void session_send(struct hm_session *s, const struct hm_stanza *take, const char *to, int64_t id);
/* Without chain, and without counting; there must be a stream. */
void session_write(struct hm_session *s, const struct hm_stanza *take, const char *to);

/* Left, and got all its answers: closes it, behind those that wait for a commit. */
void session_leave_if_answered(struct hm_session *s);

/* --- inbox.c --- */
void session_receive(struct link_msg *take);               /* LINK_IN */
struct credit *session_credit(const struct hm_session *s); /* a new one */
void session_receive(struct link_msg *take);               /* LINK_IN */
/* Something that held its input is over. */
void session_go_on(struct hm_session *s);
/* A letter of its own that it counted or that held it is gone: it goes on in a later turn. */
void session_request_over(const struct hm_letter *l);

/* --- sent.c --- */
/* One stanza of its client; takes the arena of in. */
enum hm_cond session_check_iq(const struct hm_stanza *iq); /* RFC 6120 8.2.3. 0: fine. */
void session_process(struct hm_session *s, struct session_input *in);
/* A letter of its client goes; a request to its own account or host is counted until it is over. */
void session_route(struct hm_session *s, struct hm_letter *take);
/* --- bind.c --- */
/* An IQ set with <bind/> from an unbound session. */
void session_bind(struct hm_session *s, const struct hm_stanza *iq);
/* Nobody else has the resource. Tells nobody. */
void session_bind_to(struct hm_session *s, const char *resource, int64_t since_us);
/* --- presence.c --- */
/* The available presence of a session that was there before; tells nobody. */
void session_keep_presence(struct hm_session *s, const struct hm_stanza *take);
/* without "to" */
void session_sent_presence(struct hm_session *s, const struct hm_stanza *presence);
/* With "to": remembers.  false: that many cannot be remembered, so that it must not go out. */
bool session_sent_directed(struct hm_session *s, const struct hm_letter *l);
void session_gone(struct hm_session *s); /* unavailable to all who know it */
/* Unavailable to some of those who were told directly. */
void
session_hide_directed(struct hm_session *s, bool (*covered)(const char *to, void *ctx), void *ctx);
/* --- ask.c --- */
/* true: it was the answer to a request of ours. */
bool session_answered(struct hm_session *s, const struct hm_stanza *iq);
/* Is this element the answer to one of those? */
bool session_is_answer(const struct hm_session *s, const struct hm_elem *root);
void session_ask(struct hm_session *s, struct hm_mod *m, const struct hm_stanza *take,
                 uint32_t timeout_ms, hm_answered_fn *answered, int64_t token);
/* XEP-0199; without an answer in time the session is cut. answered: may be NULL; its first argument is. */
void session_ping(struct hm_session *s, hm_answered_fn *answered, int64_t token);
void session_forget_asked(struct hm_session *s);
void session_forget_pings(struct hm_session *s); /* whose connection is gone */
void session_after(struct hm_session *s, struct hm_mod *m, uint32_t ms, hm_session_timer_fn *fn);

#endif
