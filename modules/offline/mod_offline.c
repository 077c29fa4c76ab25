/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Keeps messages for accounts whose clients are away.
 * XEP-0160 1.0.1, XEP-0203 2.0, XEP-0334 1.0.0, XEP-0359 0.7.0.
 *
 * This file decides what is kept and counts it; delivery.c hands it out.  Order: while older rows still have to
 * go to a session, what would reach that session now is stored behind them; other sessions get it at once.  What
 * must not be stored, or finds no room, does not wait: it would be lost.
 *
 * Silence (DESIGN 2): a message that is not worth keeping is answered with an error only to
 * somebody who may see the account's presence, since accounts that do not exist answer nothing.
 */
#include <string.h>

#include <hermod/iface/roster.h>

#include "offline.h"

#define NS_CHAT_STATES "http://jabber.org/protocol/chatstates"
#define NS_CLIENT "jabber:client"
#define NS_HINTS "urn:xmpp:hints"
#define DAY_US (INT64_C(86400) * 1000000)
#define STANZA_ID_CHARS 22 /* 132 random bits */

static const struct hm_conf_key offline_keys[] = {
	HM_KEY(struct offline_config, max_messages, INT, "5000", .min = "1", .max = "unlimited",
	       .doc = "Messages that are kept for one account; further ones are answered with an error."),
	HM_KEY(struct offline_config, max_bytes, SIZE, "20 MiB", .min = "64 KiB",
	       .max = "unlimited", .doc = "Bytes of all messages that are kept for one account."),
	HM_KEY(struct offline_config, keep_days, INT, "unlimited", .min = "1", .max = "unlimited",
	       .doc = "Days after which a message that nobody fetched is deleted."),
	HM_KEY(struct offline_config, answer_timeout, DURATION, "2 min", .min = "5 s", .max = "1 h",
	       .doc = "Time in which a client must show that it got the messages; else another one gets them."),
};

static const struct hm_sql offline_sql[OFFLINE_STATEMENTS] = {
	[OFFLINE_LOAD] = { "SELECT COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS BIGINT), COALESCE(MAX(seq), 0),"
	                   " COALESCE(MIN(stamp_us), 0) FROM offline WHERE account = $1",
	                   NULL },
	[OFFLINE_PUT] = { "INSERT INTO offline (account, seq, stamp_us, bytes, sid, addressee, stanza)"
	                  " VALUES ($1, $2, $3, $4, $5, $6, $7)",
	                  NULL },
	/* Rows until there are enough of them ($4) or of their bytes ($5). */
	[OFFLINE_PAGE] = { "SELECT o.seq, o.stamp_us, o.sid, o.addressee, o.stanza FROM offline AS o JOIN"
	                   " (SELECT seq, SUM(bytes) OVER (ORDER BY seq) - bytes AS ahead FROM"
	                   " (SELECT seq, bytes FROM offline WHERE account = $1 AND seq > $2 AND stamp_us >= $3"
	                   " ORDER BY seq LIMIT $4) AS a) AS b ON b.seq = o.seq"
	                   " WHERE o.account = $1 AND b.ahead < $5 ORDER BY o.seq",
	                   NULL },
	[OFFLINE_CONFIRM] = { "DELETE FROM offline WHERE account = $1 AND seq <= $2 RETURNING bytes",
	                      NULL },
	[OFFLINE_EXPIRE] = { "DELETE FROM offline WHERE account = $1 AND stamp_us < $2 RETURNING bytes",
	                     NULL },
	[OFFLINE_PURGE] = { "DELETE FROM offline WHERE account = $1 RETURNING bytes", NULL },
};

static const struct hm_metric offline_metrics[OFFLINE_METRICS] = {
	[STORED] = { "hermod_offline_messages_stored", "Messages kept for clients that were away.",
	             HM_COUNTER },
	[DELIVERED] = { "hermod_offline_messages_delivered", "Kept messages sent to a client.",
	                HM_COUNTER },
	[CONFIRMED] = { "hermod_offline_messages_deleted",
	                "Kept messages that a client got, that expired or were purged.",
	                HM_COUNTER },
	[REFUSED] = { "hermod_offline_messages_refused",
	              "Messages refused because a limit was reached.", HM_COUNTER },
};

/* --- The count ---------------------------------------------------------------------------------- */

static void
offline_rows(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows)
{
	struct offline *o = hm_user_state(m, u);

	if (!hm_next_row(rows))
		return;
	o->count = hm_col_int(rows, 0);
	o->bytes = hm_col_int(rows, 1);
	o->last = hm_col_int(rows, 2);
	o->oldest_us = hm_col_int(rows, 3);
}

void
offline_rows_gone(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows)
{
	struct offline *o = hm_user_state(m, u);

	hm_count(m, CONFIRMED, (int64_t)hm_rows_count(rows));
	while (hm_next_row(rows)) {
		o->count--;
		o->bytes -= hm_col_int(rows, 0);
	}
}

int64_t
offline_oldest_kept_us(const struct hm_mod *m)
{
	const struct offline_config *cfg = hm_config(m);
	int64_t now = hm_now_us();

	return cfg->keep_days < now / DAY_US ? now - cfg->keep_days * DAY_US : 0;
}

static void
expired(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows)
{
	struct offline *o = hm_user_state(m, u);

	hm_log(u, HM_INFO, "kept messages have expired", hm_kv("count", hm_rows_count(rows)));
	offline_rows_gone(m, u, rows);
	o->expiring = false;
	o->oldest_us = offline_oldest_kept_us(m);
}

static void
expire(struct hm_mod *m, struct hm_user *u)
{
	struct offline *o = hm_user_state(m, u);
	int64_t oldest_kept_us = offline_oldest_kept_us(m);

	if (o->count == 0 || o->expiring || o->oldest_us >= oldest_kept_us)
		return;
	o->expiring = true;
	hm_query(m, u, OFFLINE_EXPIRE, expired, hm_user_account(u), oldest_kept_us);
}

static void
offline_loaded(struct hm_mod *m, struct hm_user *u)
{
	expire(m, u);
	delivery_offer(m, u); /* loaded again with sessions */
}

/* --- What comes from outside is not believed ----------------------------------------------------- */

struct forged {
	const char *host, *bare;
	bool any;
};

/* What only this server may say: XEP-0359 3 (2), XEP-0203 5. */
static bool
is_ours_to_say(const struct hm_elem *child, const struct forged *f)
{
	const char *said_by = NULL, *mine = NULL;

	if (hm_elem_is(child, NS_SID, "stanza-id")) {
		said_by = hm_elem_attr(child, "by");
		mine = f->bare;
	} else if (hm_elem_is(child, NS_DELAY, "delay")) {
		said_by = hm_elem_attr(child, "from");
		mine = f->host;
	}
	said_by = said_by ? hm_tmp_jid(said_by) : NULL;
	return said_by && strcmp(said_by, mine) == 0;
}

static bool
keep_unforged(const struct hm_elem *child, void *ctx)
{
	return !is_ours_to_say(child, ctx);
}

static enum hm_next
offline_rewrite(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	const struct hm_stanza *s = hm_letter_stanza(l);
	struct forged f = { .host = hm_host(m), .bare = hm_user_jid(u) };

	if (hm_stanza_kind(s) == HM_IQ)
		return HM_CONTINUE;
	hm_for_each_child (child, hm_stanza_root(s)) {
		if (is_ours_to_say(child, &f)) {
			hm_changed(l, hm_change(l, keep_unforged, &f));
			break;
		}
	}
	return HM_CONTINUE;
}

/* --- What is kept ----------------------------------------------------------------------------------- */

/* It tells nothing once its moment is over (XEP-0160 3: chat states), or serves what does. */
static bool
is_passing(const struct hm_elem *child)
{
	static const char *const namespaces[] = { NS_CHAT_STATES, NS_HINTS, NS_SID, NS_DELAY,
		                                  "jabber:x:event" };

	for (size_t i = 0; i < HM_COUNT(namespaces); i++) {
		if (hm_elem_is(child, namespaces[i], NULL))
			return true;
	}
	return hm_elem_is(child, NS_CLIENT, "thread");
}

/* Of a message of type "normal" or "chat". */
static bool
is_worth_keeping(const struct hm_stanza *s)
{
	const struct hm_elem *root = hm_stanza_root(s);

	if (hm_child(root, NS_HINTS, "no-store"))
		return false;
	if (hm_child(root, NS_HINTS, "store"))
		return true;
	hm_for_each_child (child, root) {
		if (!is_passing(child))
			return true;
	}
	return false;
}

/* Types that are never kept (XEP-0160 3). */
static bool
is_of_the_moment(const struct hm_stanza *s)
{
	static const char *const types[] = { "error", "groupchat", "headline" };

	for (size_t i = 0; i < HM_COUNT(types); i++) {
		if (strcmp(hm_stanza_type(s), types[i]) == 0)
			return true;
	}
	return false;
}

/* false: a limit is reached. */
static bool
keep(struct hm_mod *m, struct hm_user *u, const struct hm_letter *l)
{
	const struct offline_config *cfg = hm_config(m);
	struct offline *o = hm_user_state(m, u);
	const char *xml = hm_tmp_stanza_xml(hm_letter_stanza(l));
	const char *to = hm_letter_to(l);
	int64_t bytes = (int64_t)strlen(xml), now_us = hm_now_us();

	if (o->count >= cfg->max_messages || (size_t)(o->bytes + bytes) > cfg->max_bytes) {
		hm_count(m, REFUSED, 1);
		expire(m, u); /* perhaps there is room for the next one */
		return false;
	}
	o->last = now_us > o->last ? now_us : o->last + 1;
	if (o->count == 0)
		o->oldest_us = now_us;
	o->count++;
	o->bytes += bytes;
	hm_store(m, OFFLINE_PUT, hm_user_account(u), o->last, now_us, bytes,
	         hm_tmp_token(STANZA_ID_CHARS), to ? to : hm_letter_to_bare(l), xml);
	hm_count(m, STORED, 1);
	return true;
}

static enum hm_next
offline_store(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	const struct hm_stanza *s = hm_letter_stanza(l);
	enum hm_plan plan = hm_letter_plan(l);
	struct hm_session *taker;

	if (hm_stanza_kind(s) != HM_MESSAGE)
		return HM_CONTINUE;
	if (plan == HM_PLAN_STORE) {
		if (is_worth_keeping(s) && keep(m, u, l))
			hm_letter_stored(l);
	} else if (plan == HM_PLAN_SESSIONS && (taker = delivery_under_way(m, u)) &&
	           hm_letter_reaches(l, taker) && !is_of_the_moment(s) && is_worth_keeping(s)) {
		if (keep(m, u, l))
			hm_letter_withhold(l, taker);
	}
	return HM_CONTINUE;
}

/* Not kept: an error says so to a contact, when a text is lost. Else nobody misses it. */
static enum hm_next
offline_drop(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	const struct hm_stanza *s = hm_letter_stanza(l);

	if (hm_stanza_kind(s) != HM_MESSAGE || hm_letter_plan(l) != HM_PLAN_STORE ||
	    is_worth_keeping(s))
		return HM_CONTINUE;
	return hm_child(hm_stanza_root(s), NS_CLIENT, "body") &&
	                       hm_roster_sees_presence(m, u, hm_letter_from_bare(l))
	               ? HM_CONTINUE
	               : HM_STOP;
}

/* --- Commands ------------------------------------------------------------------------------------------ */

static void
offline_count(struct hm_mod *m, struct hm_cmd *cmd)
{
	const struct offline *o = hm_user_state(m, hm_cmd_user(cmd));

	hm_cmd_row(cmd, hm_kv("messages", o->count), hm_kv("bytes", o->bytes));
	hm_cmd_done(cmd);
}

static void
purged(struct hm_cmd *cmd, struct hm_rows *rows)
{
	hm_cmd_row(cmd, hm_kv("purged", hm_rows_count(rows)));
	offline_rows_gone(hm_cmd_mod(cmd), hm_cmd_user(cmd), rows);
	hm_cmd_done(cmd);
}

static void
offline_purge(struct hm_mod *m, struct hm_cmd *cmd)
{
	hm_query(m, cmd, OFFLINE_PURGE, purged, hm_cmd_account(cmd));
}

/* --- Declaration ------------------------------------------------------------------------------------------ */

static const struct hm_feature offline_features[] = {
	{ HM_TO_HOST, "msgoffline" },
	{ HM_TO_ACCOUNT, NS_SID },
};
static const struct hm_hook offline_hooks[] = {
	HM_HOOK(account_received, HM_REWRITE, offline_rewrite),
	HM_HOOK(account_received, HM_STORE, offline_store),
	HM_HOOK(account_received, HM_HANDLE, offline_drop),
	HM_ON(presence_changed, delivery_presence),
	HM_ON(session_closed, delivery_session_closed),
};
static const struct hm_command offline_commands[] = {
	{ .name = "offline count",
	  .help = "Shows how many messages wait for an account.",
	  .args = { { "jid", HM_ARG_ACCOUNT } },
	  .run = offline_count,
	  .record = true },
	{ .name = "offline purge",
	  .help = "Deletes the messages that wait for an account.",
	  .args = { { "jid", HM_ARG_ACCOUNT } },
	  .run = offline_purge },
};
static const struct hm_user_load offline_load[] = { { OFFLINE_LOAD, offline_rows } };
static const struct hm_spec offline_specs[] = {
	{ "XEP-0160", "1.0.1", NULL },
	{ "XEP-0203", "2.0",
	  "Only stored messages are stamped; a stamp of somebody else is left alone." },
	{ "XEP-0334", "1.0.0",
	  "A <store/> hint does not make messages of the types groupchat and headline kept; copies and archives are for other modules." },
	{ "XEP-0359", "0.7.0", "Messages that are delivered at once get no stanza-id." },
};
extern const struct hm_migration offline_schema[];

HM_MODULE(offline) = {
	.summary = "Messages for accounts whose clients are away",
	.specs = HM_TABLE(offline_specs),
	.features = HM_TABLE(offline_features),
	.hooks = HM_TABLE(offline_hooks),
	.commands = HM_TABLE(offline_commands),
	.config = HM_TABLE(offline_keys),
	.config_size = sizeof(struct offline_config),
	.sql = HM_TABLE(offline_sql),
	.schema = offline_schema,
	.load = HM_TABLE(offline_load),
	.metrics = HM_TABLE(offline_metrics),
	.user_state_size = sizeof(struct offline),
	.user_loaded = offline_loaded,
	.session_state_size = sizeof(struct offline_session),
};
