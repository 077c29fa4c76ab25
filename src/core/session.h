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

struct hm_session {
	uint64_t id, stream;
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
	bool bound;   /* in user->sessions */
	bool leaving; /* its client has ended the stream; what it asked before is answered first */
	unsigned open_requests; /* to its own account and host, not answered yet */
	/* a change that waits until they are answered, holding the session */
	struct hm_letter *parked;
	bool closing;
	enum hm_close_reason ended_by; /* closing */
	bool end_waits;                /* until its account is loaded again */
	bool waiting;                  /* so does its inbox */
	struct list inbox;             /* struct session_input that wait for that */
	uint32_t came;                 /* stanzas from binding on */
	struct list custody;           /* of which these are held, see custody.h */
	struct sent_messages *sent;    /* see repeats.h; NULL: none yet */
	unsigned processed;            /* stanzas since the last credit */
	size_t processed_bytes;
	struct credit *credit; /* what its stanzas have under way */
	struct timer slower;   /* until more accounts may be looked up for it */
	struct list asked;     /* requests of the server to this client */
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
};

struct hm_session *session_find(uint64_t id); /* this worker's; NULL: gone */

/* A stream has authenticated: makes the session and answers LINK_ATTACHED. Takes msg. */
void session_attach(struct hm_user *u, struct link_msg *take);
void session_lost(struct hm_session *s, enum hm_close_reason why); /* its stream is gone */
void session_leaves(struct hm_session *s); /* its client has ended the stream */
/* Tells the stream to end, and ends. cond 0: without an error. */
void session_close(struct hm_session *s, enum stream_cond cond, const char *text,
                   enum hm_close_reason why);
/* The user's modules have their states again: what has waited for it ends. */
void sessions_loaded_again(struct hm_user *u);
void session_probe(struct hm_session *s); /* LINK_IDLE: ask whether it lives */

/* Through the client_deliver chain to the client; takes s. to NULL: its full JID is not written. */
/* id: of the account's archive, that it shows; 0: none */
void
session_deliver(struct hm_session *s, const struct hm_stanza *take, const char *to, int64_t id);

/* Left, and got all its answers: closes it, behind those that wait for a commit. */
void session_leave_if_answered(struct hm_session *s);

/* --- inbox.c --- */
void session_receive(struct link_msg *take);               /* LINK_IN */
struct credit *session_credit(const struct hm_session *s); /* a new one */
/* A letter of its own that it counted or that held it is gone: it goes on in a later turn. */
void session_request_over(const struct hm_letter *l);

/* --- sent.c --- */
/* One stanza of its client; takes the arena of in. */
void session_process(struct hm_session *s, struct session_input *in);
/* A letter of its client goes; a request to its own account or host is counted until it is over. */
void session_route(struct hm_session *s, struct hm_letter *take);
/* --- bind.c --- */
/* An IQ set with <bind/> from an unbound session. */
void session_bind(struct hm_session *s, const struct hm_stanza *iq);
/* --- presence.c --- */
/* without "to" */
void session_sent_presence(struct hm_session *s, const struct hm_stanza *presence);
/* With "to": remembers.  false: that many cannot be remembered, so that it must not go out. */
bool session_sent_directed(struct hm_session *s, const struct hm_letter *l);
void session_gone(struct hm_session *s); /* unavailable to all who know it */
/* Unavailable to some of those who were told directly. */
void
session_hide_directed(struct hm_session *s, bool (*covered)(const char *to, void *ctx), void *ctx);
/* --- ask.c --- */
bool
session_answered(struct hm_session *s,
                 const struct hm_stanza *iq); /* true: it was the answer to a request of ours */
/* Is this element the answer to one of those? */
bool session_is_answer(const struct hm_session *s, const struct hm_elem *root);
void session_ask(struct hm_session *s, struct hm_mod *m, const struct hm_stanza *take,
                 uint32_t timeout_ms, hm_answered_fn *answered, int64_t token);
void session_forget_asked(struct hm_session *s);
void session_after(struct hm_session *s, struct hm_mod *m, uint32_t ms, hm_session_timer_fn *fn);

#endif
