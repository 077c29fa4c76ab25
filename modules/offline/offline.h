/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * offline.h - messages that wait for their account's next client: what the files of this module
 * share.  Everything runs at the account's home.  The messages are the archive's; what is known of their
 * delivery is in the ledger, and on disk as the archive's cursor.
 */
#ifndef MODULES_OFFLINE_H
#define MODULES_OFFLINE_H

#include <hermod/custody.h>
#include <hermod/iface/archive.h>
#include <hermod/module.h>

#include "ledger.h"

#define NS_DELAY "urn:xmpp:delay"
#define NS_SID "urn:xmpp:sid:0"

enum { STORED, DELIVERED, CONFIRMED, REFUSED, OFFLINE_METRICS };

struct offline_config {
	int64_t max_messages;
	size_t max_bytes;
	int64_t keep_days;
};

/* One per loaded account. */
struct offline {
	struct ledger ledger;
	int64_t cursor;   /* as the archive knows it */
	unsigned numbers; /* of sessions */
	bool counting;
	struct hm_session *taker; /* gets what waits now; NULL: nobody */
};

/* What is known of the delivery while the account is loaded again: the sessions stay. */
struct kept {
	struct ledger ledger;
	unsigned numbers;
};

struct offline_session {
	struct kept *kept; /* of the account; NULL: it is loaded, or another session has it */
	uint64_t bit;      /* in the ledger; 0: it has none yet */
	bool asking;       /* a page is being read */
	int64_t asked_first, asked_last, asked_count, asked_bytes; /* of the stretch */
	int64_t open, open_bytes;                                  /* of pages: not confirmed yet */
};

/* --- mod_offline.c --- */
int64_t offline_oldest_kept_us(const struct hm_mod *m); /* messages older than this have expired */
/* What is certain is noted in the archive. */
void offline_note(struct hm_mod *m, struct hm_user *u);

/* --- delivery.c --- */
hm_presence_changed_fn delivery_presence;
hm_session_closed_fn delivery_session_closed;
hm_message_confirmed_fn delivery_confirmed;
hm_message_unconfirmed_fn delivery_unconfirmed;
/* If messages wait and nobody gets them: to a session that may have them. */
void delivery_offer(struct hm_mod *m, struct hm_user *u);
/* What waits will still go to this session; NULL: to nobody. */
struct hm_session *delivery_under_way(struct hm_mod *m, struct hm_user *u);
/* The session's place in the ledger. */
uint64_t delivery_bit(struct hm_mod *m, struct hm_session *s);

#endif
