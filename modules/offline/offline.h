/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * offline.h - messages that wait for their account's next client: what the files of this module
 * share.  Everything runs at the account's home.
 */
#ifndef MODULES_OFFLINE_H
#define MODULES_OFFLINE_H

#include <hermod/module.h>

#define NS_DELAY "urn:xmpp:delay"
#define NS_SID "urn:xmpp:sid:0"

enum {
	OFFLINE_LOAD,
	OFFLINE_PUT,
	OFFLINE_PAGE,
	OFFLINE_CONFIRM,
	OFFLINE_EXPIRE,
	OFFLINE_PURGE,
	OFFLINE_STATEMENTS
};
enum { STORED, DELIVERED, CONFIRMED, REFUSED, OFFLINE_METRICS };

struct offline_config {
	int64_t max_messages;
	size_t max_bytes;
	int64_t keep_days;
	uint32_t answer_timeout;
};

/* One per loaded account. */
struct offline {
	int64_t count, bytes; /* of its rows, those on their way to the store included */
	int64_t last;         /* the newest row's seq, or of one that was there */
	int64_t oldest_us;    /* nothing is older */
	bool expiring;
	struct hm_session *taker; /* gets the rows now; NULL: nobody */
};

struct offline_session {
	int64_t sent;       /* rows up to this seq were written to its stream */
	int64_t last_asked; /* struct offline's last when a page was asked for */
	bool asking;        /* a page is being read */
	bool deaf;          /* did not answer in time: gets no more */
};

/* --- mod_offline.c --- */
int64_t offline_oldest_kept_us(const struct hm_mod *m); /* rows older than this have expired */
/* Rows were deleted (their bytes are returned): takes them off the count. */
hm_user_rows_fn offline_rows_gone;

/* --- delivery.c --- */
hm_presence_changed_fn delivery_presence;
hm_session_closed_fn delivery_session_closed;
/* If rows wait and nobody gets them: to a session that may have them. */
void delivery_offer(struct hm_mod *m, struct hm_user *u);
/* Older rows will still go to the session that now gets them; NULL: there is none such. */
struct hm_session *delivery_under_way(struct hm_mod *m, struct hm_user *u);

#endif
