/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/sm.h - stream management (XEP-0198) of a session: what its client has acknowledged, what
 * it is told, and how long it may be without a connection.  At the home of its account.
 *
 * Everything that sends is outside of the outbox of turn.h: counters and elements keep the order in which
 * session_deliver() gives stanzas to the stream.
 */
#ifndef CORE_SM_H
#define CORE_SM_H

#include "core/session.h"

#define NS_SM "urn:xmpp:sm:3"
#define SM_ID_CHARS 30  /* as in <enabled id=''/> */
#define SM_ID_PUBLIC 10 /* of them; the rest is secret */

/* What is written to the client as "to". */
enum sm_to { SM_TO_NOBODY, SM_TO_FULL, SM_TO_BARE, SM_TO_OTHER };

struct sm_stanza {
	const struct hm_stanza *stanza;
	char *other;     /* SM_TO_OTHER */
	int64_t id;      /* as for session_deliver() */
	int64_t sent_us; /* wall clock */
	enum sm_to to;
};

/* Sent and not acknowledged yet, oldest first: a ring. */
struct sm_queue {
	struct sm_stanza *ring;
	unsigned first, n, size; /* size: a power of two, or 0 */
	size_t bytes;            /* in memory, as stanza_memory() counts */
};

enum sm_answer {
	SM_ANSWERED,
	SM_WAITS, /* for a short time: what came before the <r/> is still held */
	SM_OWES   /* the time was over; when it is done the client is told so */
};

struct sm {
	uint64_t session;
	uint32_t came_before; /* stanzas before <enable/> */
	bool counts;   /* all that came before <enable/> is done: h is above 0 from the next on */
	uint32_t sent; /* to the client, since; wraps */
	struct sm_queue queue;
	bool asked; /* <r/> is not answered yet */
	bool hibernates;
	enum sm_answer answer;
	uint32_t answer_at; /* custody_handled() for it */
	uint32_t asked_at;  /* for the last <r/>: several are answered by one <a/> */
	uint32_t max_ms;    /* without a connection; 0: the session ends with it */
	int64_t asked_ms;
	int64_t since_us; /* hibernates: wall clock */
	struct timer
		timer; /* asks; or wakes the one who should have answered; or ends hibernation */
	struct timer answers; /* SM_WAITS */
	char id[SM_ID_CHARS + 1];
};

/* --- sm.c --- */
/* Enabled from here on. id NULL: a new one. */
struct sm *sm_new(struct hm_session *s, const char *id, uint32_t max_ms);
/* An element in NS_SM from the client, in its order. Inside a turn. */
void sm_received(struct hm_session *s, const struct hm_elem *root);
/* Is it one that waits behind nothing? */
bool sm_overtakes(const struct hm_session *s, const struct hm_elem *root);
/* custody_handled() has moved on, or the inbox has. */
void sm_handled_moved(struct hm_session *s);
uint32_t sm_handled(const struct hm_session *s); /* h */
void sm_failed(struct hm_session *s, enum hm_cond cond, const uint32_t *h);
/* xs:unsignedInt. false: it is none. */
bool sm_number(const char *text, uint32_t *n) HM_MUST_USE;
void sm_free(struct hm_session *s);

/* --- sm_send.c --- */
/* Writes to the client, if there is one. */
void sm_write(struct hm_session *s, const char *fmt, ...) HM_PRINTF(2, 3);
/* It is about to be written: counts and keeps it. The session may have lost its stream afterwards, or end. */
void sm_sent(struct hm_session *s, const struct hm_stanza *stanza, const char *to, int64_t id);
/* The same, for one that was written once; nobody looks at limits or the time. */
void sm_keep(struct hm_session *s, const struct hm_stanza *stanza, const char *to, int64_t id,
             int64_t sent_us);
/* Behind what was written: <r/>, if it is time for it. */
void sm_ask(struct hm_session *s);
/* Also when it is not yet time. */
void sm_ask_now(struct hm_session *s);
/* false: so many were never sent. Inside a turn. */
bool sm_acknowledged(struct hm_session *s, uint32_t h) HM_MUST_USE;
/* The client said so: ends the stream, and the session that it has. */
void sm_too_high(struct hm_session *s, const struct sm *of, uint32_t h);
/* Once more, all that is in the queue. */
void sm_resend(struct hm_session *s);
/* The session is over: what becomes of what nobody acknowledged. Inside a turn. */
void sm_settle(struct hm_session *s);

/* --- sm_queue.c --- */
void sm_push(struct sm_queue *q, const struct sm_stanza *take);
/* Copies the oldest, whose reference and text are the caller's then. n > 0. */
struct sm_stanza sm_pop(struct sm_queue *q);
const struct sm_stanza *sm_at(const struct sm_queue *q, unsigned i);
void sm_stanza_free(struct sm_stanza *x);
void sm_queue_free(struct sm_queue *q);
/* "to" of one of them; NULL: none. */
const char *sm_to_text(const struct hm_session *s, const struct sm_stanza *x);

/* --- sm_resume.c --- */
/* Its stream is gone.  false: the session can't wait for another. */
bool sm_hibernate(struct hm_session *s) HM_MUST_USE;
/* Without a stream, for so long. */
void sm_sleep(struct hm_session *s, uint32_t ms);
/* <resume/> of an unbound session. Inside a turn. */
void sm_resume(struct hm_session *s, const struct hm_elem *root);
void sm_forget_resuming(struct hm_session *s);

/* --- sm_expired.c --- */
/* A session that could have been resumed is over: for an hour it is known what h was. */
void sm_expired_add(const struct hm_session *s);
/* false: nothing is known of it. */
bool sm_expired_find(const char *bare, const char *id, uint32_t *h) HM_MUST_USE;
/* Compares in constant time. */
bool sm_same_id(const char *known, const char *given);

#endif
