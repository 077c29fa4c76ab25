/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/letter.h - a stanza on its way to one address.  Belongs to one owner at a time and
 * travels between workers by its mail.
 */
#ifndef CORE_LETTER_H
#define CORE_LETTER_H

#include <hermod/custody.h>
#include <hermod/module.h>

#include "core/credit.h"
#include "core/entity.h"
#include "loop/mailbox.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

struct custody;
struct remote_held;

struct hm_letter {
	struct mail mail;
	struct waiter waiter; /* while its entity is being loaded */
	const struct hm_stanza *stanza;
	/* full as addressed; NULL: no "to", then the sender's own account is meant */
	const char *to;
	const char *to_bare;  /* never NULL */
	const char *to_local; /* NULL: the domain itself */
	const char *to_domain;
	const char *to_resource; /* NULL: none */
	const char *from_bare;   /* "" when the stanza has no from */
	uint64_t session;        /* of the local client that sent it, 0: none */
	uint64_t trace;          /* the same in every log line about this stanza */
	enum hm_plan plan;
	bool stored; /* its row is in what this turn stores, or on disk */
	/*
	 * At its sender's home, to which it comes back whatever happens to it, and which alone may look at it;
	 * NULL: it is not held.
	 */
	struct custody *custody;
	/* The same of one from another server (remote.h); at most one of both. */
	struct remote_held *held;
	uint64_t source;       /* held: where it came in, an id */
	uint64_t fingerprint;  /* see repeats.h; 0: none */
	bool refused;          /* its sender gets an error: sent again, it is a new attempt */
	bool failed;           /* so it was, since the store failed: it shall be nowhere */
	struct hm_entry entry; /* id 0: none */
	int64_t row;           /* in remote_queue, with row_worker (remote.h); 0: none */
	unsigned row_worker;
	int64_t id;        /* of the recipient's archive; 0: none */
	uint64_t withheld; /* this session is left out, 0: none */
	/*
	 * A request of `session` to its own account or host, which counts it until the letter goes.
	 */
	bool awaited;
	struct charge charge; /* to the sender that caused it; until the letter goes */
	bool holds_session;   /* and reads nothing further until then (RFC 6120 10.1) */
	char text[];
};

/* to: parsed address, or NULL: `own_bare` is addressed. */
struct hm_letter *
letter_new(const struct hm_stanza *take, const struct jid *to, const char *own_bare);
/* The same from a normalised address (not checked again). */
struct hm_letter *letter_to(const struct hm_stanza *take, const char *to);
/*
 * Whatever became of it: a session that waited for it goes on.  One in custody goes home instead,
 * behind what this turn stores.
 */
void letter_free(struct hm_letter **l);
/* Charges it to whom the present turn is charged to, if it is not charged yet. */
void letter_charge(struct hm_letter *l);
/* Exchanges the stanza. */
void letter_change(struct hm_letter *l, const struct hm_stanza *take);
/* An answer that is an error goes to the sender, if one may (RFC 6120 8.3.1); takes the letter. */
void letter_refuse(struct hm_letter *take, enum hm_cond cond, const char *text);
const char *bare_of(const char *jid, char *out, size_t max); /* cuts the resource off */

/* It goes home when it is done with, and tells there what became of it. */
static inline bool
letter_is_held(const struct hm_letter *l)
{
	return l->custody || l->held;
}

#endif
