/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * delivery.c - messages that wait go to one session, page by page (XEP-0160 2).
 *
 * The next page follows when the client has confirmed enough of the one before (acks of XEP-0198, or
 * a ping of the core's).  When a session ends, what it had not confirmed waits again and goes to the next one,
 * under the same stanza-ids.  A client that has asked for its archive before it became available reads there what
 * it missed (XEP-0313 6.1.1): of what had come until then it gets only what no query shows.
 */
#include <string.h>

#include <hermod/iface/blocking.h>

#include "offline.h"

/* What a session has of pages and not confirmed, beyond which no further page follows. */
#define OPEN_MESSAGES 100
#define OPEN_BYTES (512 * 1024)

static bool
may_take(const struct hm_session *s)
{
	return hm_session_presence(s) && hm_session_priority(s) >= 0;
}

struct hm_session *
delivery_under_way(struct hm_mod *m, struct hm_user *u)
{
	const struct offline *o = hm_user_state(m, u);

	return ledger_waiting(&o->ledger) ? o->taker : NULL;
}

/* Those of the 65th session and the first are the same: then it may be that something comes twice. */
uint64_t
delivery_bit(struct hm_mod *m, struct hm_session *s)
{
	struct offline *o = hm_user_state(m, hm_session_user(s));
	struct offline_session *os = hm_session_state(m, s);

	if (!os->bit)
		os->bit = UINT64_C(1) << (o->numbers++ % 64);
	return os->bit;
}

/* --- One page --------------------------------------------------------------------------------- */

static hm_archive_page_fn page_came;

static void
ask_page(struct hm_mod *m, struct hm_session *s)
{
	const struct offline *o = hm_user_state(m, hm_session_user(s));
	const struct stretch *w = ledger_waiting(&o->ledger);
	struct offline_session *os = hm_session_state(m, s);
	struct hm_mod *archive_mod;
	const struct hm_archive_iface *archive = hm_archive(m, &archive_mod);
	int64_t oldest = offline_oldest_kept_us(m);

	if (os->asking || os->open >= OPEN_MESSAGES || os->open_bytes >= OPEN_BYTES)
		return;
	os->asking = true;
	os->asked_first = w->first;
	os->asked_last = w->last;
	os->asked_count = w->count;
	os->asked_bytes = w->bytes;
	archive->page(archive_mod, m, s, w->first > oldest ? w->first - 1 : oldest, w->last,
	              archive->asked_below(archive_mod, s), page_came);
}

static void
show(struct hm_mod *m, struct hm_session *s, const struct hm_archived *row)
{
	const struct hm_user *u = hm_session_user(s);
	struct hm_mod *archive_mod;
	const struct hm_archive_iface *archive = hm_archive(m, &archive_mod);
	const struct hm_stanza *stamped;
	struct hm_writer *w = hm_stanza_copy(row->stanza, NULL, NULL);

	/* XEP-0203 2: one delay at most, with the time of the original sending. */
	if (!hm_child(hm_stanza_root(row->stanza), NS_DELAY, "delay")) {
		hm_open(w, NS_DELAY, "delay");
		hm_attr(w, "from", hm_host(m));
		hm_attr(w, "stamp", hm_tmp_stamp(row->id));
		hm_close(w);
	}
	hm_open(w, NS_SID, "stanza-id");
	hm_attr(w, "by", hm_user_jid(u));
	hm_attr(w, "id", archive->tmp_id(archive_mod, u, row->id, row->transient));
	hm_close(w);
	stamped = hm_stanza_done_ref(w, hm_stanza_from(row->stanza));
	hm_show_to_session(m, s, stamped, row->to, row->id);
	hm_count(m, DELIVERED, 1);
	hm_stanza_unref(&stamped);
}

static void
take_row(struct hm_mod *m, struct hm_session *s, const struct hm_archived *row)
{
	struct hm_user *u = hm_session_user(s);
	struct offline *o = hm_user_state(m, u);
	struct offline_session *os = hm_session_state(m, s);
	const char *from = hm_stanza_from(row->stanza);

	ledger_show(&o->ledger, row->id, row->bytes, delivery_bit(m, s));
	/* XEP-0191 3.3: also what came before the block. */
	if (from && hm_blocks(m, u, from)) {
		ledger_got(&o->ledger, row->id);
		return;
	}
	os->open++;
	os->open_bytes += row->bytes;
	show(m, s, row);
}

static void
go_on(struct hm_mod *m, struct hm_session *s)
{
	struct offline *o = hm_user_state(m, hm_session_user(s));

	if (o->taker != s)
		return;
	if (ledger_waiting(&o->ledger))
		ask_page(m, s);
	else
		o->taker = NULL;
}

static void
page_came(struct hm_mod *m, struct hm_session *s, const struct hm_archived *rows, size_t n,
          bool more)
{
	struct offline *o = hm_user_state(m, hm_session_user(s));
	struct offline_session *os = hm_session_state(m, s);
	const struct stretch *w = ledger_waiting(&o->ledger);
	int64_t bytes = 0;

	os->asking = false;
	/* Something older has come to wait meanwhile: it goes first. */
	if (o->taker != s || !w || w->first != os->asked_first) {
		go_on(m, s);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		take_row(m, s, &rows[i]);
		bytes += rows[i].bytes;
	}
	/* The rest has expired, was erased, or is read from the archive. */
	if (!more)
		ledger_pass(&o->ledger, os->asked_last, os->asked_count - (int64_t)n,
		            os->asked_bytes - bytes);
	hm_ask_confirmation(m, s);
	go_on(m, s);
}

/* --- To whom ------------------------------------------------------------------------------------ */

/* A restart may have ended sessions that another one's memory names. */
static uint64_t
sessions_there(struct hm_mod *m, struct hm_user *u)
{
	uint64_t there = 0;

	hm_for_each_session(s, u)
	{
		there |= delivery_bit(m, s);
	}
	return there;
}

void
delivery_offer(struct hm_mod *m, struct hm_user *u)
{
	struct offline *o = hm_user_state(m, u);

	ledger_only(&o->ledger, sessions_there(m, u));
	if (o->taker || !ledger_waiting(&o->ledger))
		return;
	hm_for_each_session(s, u)
	{
		if (may_take(s)) {
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

	if (o->taker == s && !may_take(s))
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
	offline_note(m, u);
	delivery_offer(m, u);
}

/* --- What became of it ------------------------------------------------------------------------- */

#define NOTE_MS 5000

static void
note_later(struct hm_mod *m, struct hm_session *s)
{
	offline_note(m, hm_session_user(s));
}

void
delivery_confirmed(struct hm_mod *m, struct hm_session *s, int64_t id)
{
	struct offline *o = hm_user_state(m, hm_session_user(s));
	struct offline_session *os = hm_session_state(m, s);
	int64_t bytes_before = o->ledger.bytes;

	if (!ledger_got(&o->ledger, id))
		return;
	hm_count(m, CONFIRMED, 1);
	if (os->open > 0 && --os->open == 0)
		os->open_bytes = 0;
	else if (os->open > 0)
		os->open_bytes -= bytes_before - o->ledger.bytes;
	hm_after_session(m, s, NOTE_MS, note_later);
	if (os->open <= OPEN_MESSAGES / 2)
		go_on(m, s);
}

void
delivery_unconfirmed(struct hm_mod *m, struct hm_session *s, int64_t id)
{
	struct offline *o = hm_user_state(m, hm_session_user(s));

	ledger_lost(&o->ledger, id, delivery_bit(m, s));
}
