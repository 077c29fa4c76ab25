/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * delivery.c - stored messages go to one session, page by page (XEP-0160 2).
 *
 * Behind each page goes a ping.  Only its answer, be it a result or an error, shows that the
 * client has got the page: then the rows are deleted and the next page follows.  A session that
 * ends, becomes unavailable or does not answer in time leaves the rest, its unanswered page
 * included, to the next one, under the same stanza-ids.  No row goes twice to one session.
 */
#include <string.h>

#include <hermod/iface/blocking.h>

#include "offline.h"

/* What one page holds at most; its last message may exceed the bytes. */
#define PAGE_ROWS 100
#define PAGE_BYTES (128 * 1024)

static bool
may_take(const struct hm_mod *m, const struct hm_session *s)
{
	const struct offline_session *os = hm_session_state(m, s);

	return hm_session_presence(s) && hm_session_priority(s) >= 0 && !os->deaf;
}

struct hm_session *
delivery_under_way(struct hm_mod *m, struct hm_user *u)
{
	const struct offline *o = hm_user_state(m, u);
	const struct offline_session *os = o->taker ? hm_session_state(m, o->taker) : NULL;

	return os && os->sent < o->last ? o->taker : NULL;
}

/* --- One page --------------------------------------------------------------------------------- */

static void page_came(struct hm_mod *m, struct hm_session *s, struct hm_rows *rows);

static void
ask_page(struct hm_mod *m, struct hm_session *s)
{
	const struct hm_user *u = hm_session_user(s);
	const struct offline *o = hm_user_state(m, u);
	struct offline_session *os = hm_session_state(m, s);

	if (os->asking)
		return;
	os->asking = true;
	os->last_asked = o->last;
	hm_query(m, s, OFFLINE_PAGE, page_came, hm_user_account(u), os->sent,
	         offline_oldest_kept_us(m), PAGE_ROWS, PAGE_BYTES);
}

/* The row's stanza as it is delivered. NULL: it cannot be read. */
static const struct hm_stanza *
stamped_ref(struct hm_mod *m, const struct hm_user *u, const struct hm_rows *row)
{
	const struct hm_stanza *stored = hm_stanza_parse_ref(hm_col_text(row, 4)), *stamped;
	struct hm_writer *w;

	if (!stored)
		return NULL;
	w = hm_stanza_copy(stored, NULL, NULL);
	/* XEP-0203 2: one delay at most, with the time of the original sending. */
	if (!hm_child(hm_stanza_root(stored), NS_DELAY, "delay")) {
		hm_open(w, NS_DELAY, "delay");
		hm_attr(w, "from", hm_host(m));
		hm_attr(w, "stamp", hm_tmp_stamp(hm_col_int(row, 1)));
		hm_close(w);
	}
	hm_open(w, NS_SID, "stanza-id");
	hm_attr(w, "by", hm_user_jid(u));
	hm_attr(w, "id", hm_col_text(row, 2));
	hm_close(w);
	stamped = hm_stanza_done_ref(w, hm_stanza_from(stored));
	hm_stanza_unref(&stored);
	return stamped;
}

static void
send_row(struct hm_mod *m, struct hm_session *s, const struct hm_rows *row)
{
	const struct hm_stanza *stanza = stamped_ref(m, hm_session_user(s), row);
	const char *from;

	if (!stanza) {
		hm_log(s, HM_ERROR, "a stored message cannot be read",
		       hm_kv("seq", hm_col_int(row, 0)));
		return;
	}
	/* XEP-0191 3.3: also what came before the block. It goes with the page's other rows. */
	from = hm_stanza_from(stanza);
	if (!from || !hm_blocks(m, hm_session_user(s), from)) {
		hm_forward_to_session(m, s, stanza, hm_col_text(row, 3));
		hm_count(m, DELIVERED, 1);
	}
	hm_stanza_unref(&stanza);
}

static void
answered(struct hm_mod *m, struct hm_session *s, const struct hm_stanza *reply, int64_t seq)
{
	struct hm_user *u = hm_session_user(s);
	struct offline *o = hm_user_state(m, u);
	struct offline_session *os = hm_session_state(m, s);

	if (!reply) {
		hm_log(s, HM_INFO, "stored messages were not confirmed in time");
		os->deaf = true;
		if (o->taker == s)
			o->taker = NULL;
		delivery_offer(m, u);
		return;
	}
	hm_query(m, u, OFFLINE_CONFIRM, offline_rows_gone, hm_user_account(u), seq);
	if (o->taker != s || os->asking || seq != os->sent)
		return;
	if (os->sent < o->last)
		ask_page(m, s);
	else
		o->taker = NULL;
}

static void
ping(struct hm_mod *m, struct hm_session *s, int64_t seq)
{
	const struct offline_config *cfg = hm_config(m);
	struct hm_writer *w = hm_stanza_new(HM_IQ, "get", hm_tmp_token(16));

	hm_open(w, "urn:xmpp:ping", "ping");
	hm_close(w);
	hm_iq_to_session(m, s, w, hm_host(m), cfg->answer_timeout, answered, seq);
}

static void
page_came(struct hm_mod *m, struct hm_session *s, struct hm_rows *rows)
{
	struct offline *o = hm_user_state(m, hm_session_user(s));
	struct offline_session *os = hm_session_state(m, s);

	os->asking = false;
	if (o->taker != s)
		return;
	while (hm_next_row(rows)) {
		send_row(m, s, rows);
		os->sent = hm_col_int(rows, 0);
	}
	if (hm_rows_count(rows) > 0) {
		ping(m, s, os->sent);
		return;
	}
	/* Expired or purged. What was stored meanwhile is not in this answer. */
	os->sent = os->last_asked;
	if (os->sent < o->last)
		ask_page(m, s);
	else
		o->taker = NULL;
}

/* --- To whom ------------------------------------------------------------------------------------ */

void
delivery_offer(struct hm_mod *m, struct hm_user *u)
{
	struct offline *o = hm_user_state(m, u);

	if (o->taker || o->count == 0)
		return;
	hm_for_each_session(s, u)
	{
		const struct offline_session *os = hm_session_state(m, s);

		if (may_take(m, s) && os->sent < o->last) {
			o->taker = s;
			ask_page(m, s);
			return;
		}
	}
}

void
delivery_presence(struct hm_mod *m, struct hm_session *s, const struct hm_stanza *now,
                  const struct hm_stanza *before)
{
	struct hm_user *u = hm_session_user(s);
	struct offline *o = hm_user_state(m, u);

	if (o->taker == s && !may_take(m, s))
		o->taker = NULL;
	delivery_offer(m, u);
}

void
delivery_session_closed(struct hm_mod *m, struct hm_session *s, enum hm_close_reason why)
{
	struct hm_user *u = hm_session_user(s);
	struct offline *o = hm_user_state(m, u);

	if (o->taker == s)
		o->taker = NULL;
	delivery_offer(m, u);
}
