/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Delivers what came while an account's clients were away.
 * XEP-0160 1.0.1, XEP-0203 2.0.
 *
 * The messages are in the archive (needed for it, also where nobody archives): this module knows which of
 * them a client has got (ledger.c), and hands out the others (delivery.c).  Order: while older messages still
 * have to go to a session, what would reach that session now waits behind them; other sessions get it at once.
 * What must not be stored, or finds no room, does not wait: it would be lost.
 *
 * Silence (DESIGN 2): a message that is not worth keeping is answered with an error only to
 * somebody who may see the account's presence, since accounts that do not exist answer nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hermod/iface/carbons.h>
#include <hermod/iface/offline.h>
#include <hermod/iface/roster.h>

#include "offline.h"

#define NS_CLIENT "jabber:client"
#define DAY_US (INT64_C(86400) * 1000000)

static const struct hm_conf_key offline_keys[] = {
	HM_KEY(struct offline_config, max_messages, INT, "5000", .min = "1", .max = "unlimited",
	       .doc = "Messages that may wait for one account; further ones are answered with an error."),
	HM_KEY(struct offline_config, max_bytes, SIZE, "20 MiB", .min = "64 KiB",
	       .max = "unlimited", .doc = "Bytes of all messages that wait for one account."),
	HM_KEY(struct offline_config, keep_days, INT, "unlimited", .min = "1", .max = "unlimited",
	       .doc = "Days after which a message that nobody fetched is not delivered any more."),
};

static const struct hm_metric offline_metrics[OFFLINE_METRICS] = {
	[STORED] = { "hermod_offline_messages_stored", "Messages kept for clients that were away.",
	             HM_COUNTER },
	[DELIVERED] = { "hermod_offline_messages_delivered", "Kept messages sent to a client.",
	                HM_COUNTER },
	[CONFIRMED] = { "hermod_offline_messages_confirmed",
	                "Messages of which a client has shown that it got them.", HM_COUNTER },
	[REFUSED] = { "hermod_offline_messages_refused",
	              "Messages refused because a limit was reached.", HM_COUNTER },
};

/* --- What waits ----------------------------------------------------------------------------------- */

int64_t
offline_oldest_kept_us(const struct hm_mod *m)
{
	const struct offline_config *cfg = hm_config(m);
	int64_t now = hm_now_us();

	return cfg->keep_days < now / DAY_US ? now - cfg->keep_days * DAY_US : 0;
}

static void
fill(struct hm_mod *m, struct hm_user *u)
{
	struct offline *o = hm_user_state(m, u);
	struct hm_mod *archive_mod;
	const struct hm_archive_iface *archive = hm_archive(m, &archive_mod);
	struct hm_archive_waiting w;

	archive->waiting(archive_mod, u, &w);
	o->cursor = w.delivered;
	if (w.count > 0)
		ledger_add_old(&o->ledger, w.first, w.last, w.count, w.bytes);
}

static void
counted(struct hm_mod *m, struct hm_user *u)
{
	struct offline *o = hm_user_state(m, u);

	o->counting = false;
	if (o->ledger.n > 1 || o->taker)
		return; /* it is being delivered, which makes room as well */
	ledger_free(&o->ledger);
	fill(m, u);
	delivery_offer(m, u);
}

/* Only while nobody gets anything: who does comes by the old ones, too. */
static void
expire(struct hm_mod *m, struct hm_user *u)
{
	struct offline *o = hm_user_state(m, u);
	const struct stretch *w = ledger_waiting(&o->ledger);
	int64_t oldest = offline_oldest_kept_us(m);
	struct hm_mod *archive_mod;
	const struct hm_archive_iface *archive = hm_archive(m, &archive_mod);

	if (!w || o->ledger.n > 1 || o->taker || o->counting || w->first >= oldest)
		return;
	hm_log(u, HM_INFO, "waiting messages have expired");
	o->counting = true;
	archive->delivered(archive_mod, u, oldest - 1);
	archive->recount(archive_mod, m, u, counted);
}

void
offline_note(struct hm_mod *m, struct hm_user *u)
{
	struct offline *o = hm_user_state(m, u);
	struct hm_mod *archive_mod;
	const struct hm_archive_iface *archive = hm_archive(m, &archive_mod);
	int64_t cursor = ledger_cursor(&o->ledger), newest;

	/* What it sent itself need not be looked through when the account is loaded again. */
	if (o->ledger.n == 0 && hm_settled_below(u) == INT64_MAX &&
	    (newest = archive->newest(archive_mod, u)) > cursor)
		cursor = newest;
	if (cursor <= o->cursor)
		return;
	o->cursor = cursor;
	archive->delivered(archive_mod, u, cursor);
}

/*
 * A write has failed and the account is loaded again: what its sessions were shown they need not be shown
 * once more.  Messages that were not stored after all are missing from the pages (ledger_pass()).
 */
static bool
fill_from_session(struct hm_mod *m, struct hm_user *u)
{
	struct offline *o = hm_user_state(m, u);
	struct hm_mod *archive_mod;
	const struct hm_archive_iface *archive = hm_archive(m, &archive_mod);
	struct hm_archive_waiting w;
	bool found = false;

	hm_for_each_session(s, u)
	{
		struct offline_session *os = hm_session_state(m, s);

		os->asking = false; /* the answer has come, or never will */
		if (!os->kept)
			continue;
		o->ledger = os->kept->ledger;
		o->numbers = os->kept->numbers;
		hm_free(os->kept);
		os->kept = NULL;
		archive->waiting(archive_mod, u, &w);
		o->cursor = w.delivered;
		found = true;
	}
	return found;
}

static void
offline_loaded(struct hm_mod *m, struct hm_user *u)
{
	if (!fill_from_session(m, u))
		fill(m, u);
	expire(m, u);
	delivery_offer(m, u); /* loaded again with sessions */
}

static void
offline_free(struct hm_mod *m, struct hm_user *u)
{
	struct offline *o = hm_user_state(m, u);
	struct hm_session *s = hm_first_session(u);
	struct offline_session *os;

	if (!s) {
		ledger_free(&o->ledger);
		return;
	}
	os = hm_session_state(m, s);
	os->kept = hm_alloc(sizeof(*os->kept));
	*os->kept = (struct kept){ o->ledger, o->numbers };
}

static void
session_over(struct hm_mod *m, struct hm_session *s)
{
	struct offline_session *os = hm_session_state(m, s);

	if (os->kept)
		ledger_free(&os->kept->ledger);
	hm_free(os->kept);
}

/* --- A planned restart ------------------------------------------------------------------------------ */

/* With each session the whole ledger: any of them may be the only one that comes back. */
static void
save(struct hm_mod *m, struct hm_session *s, struct hm_writer *w)
{
	const struct offline *o = hm_user_state(m, hm_session_user(s));

	offline_note(m, hm_session_user(s));
	hm_attr_int(w, "bit", (int64_t)delivery_bit(m, s));
	for (size_t i = 0; i < o->ledger.n; i++) {
		const struct stretch *v = &o->ledger.v[i];

		hm_open(w, NULL, "s");
		hm_attr(w, "v",
		        hm_tmp_printf("%lld %lld %d %lld %lld %d %llx", (long long)v->first,
		                      (long long)v->last, (int)v->state, (long long)v->count,
		                      (long long)v->bytes, v->waited, (unsigned long long)v->to));
		hm_close(w);
	}
}

static void
restore(struct hm_mod *m, struct hm_session *s, const struct hm_elem *saved)
{
	struct offline *o = hm_user_state(m, hm_session_user(s));
	struct offline_session *os = hm_session_state(m, s);
	const char *bit = hm_elem_attr(saved, "bit");

	os->bit = bit ? strtoull(bit, NULL, 10) : 0;
	for (unsigned i = 0; i < 64; i++) {
		if (os->bit >> i & 1 && o->numbers <= i)
			o->numbers = i + 1;
	}
	ledger_free(&o->ledger);
	hm_for_each_child (child, saved) {
		long long first, last, count, bytes;
		int state, waited;
		unsigned long long to;
		const char *v = hm_elem_attr(child, "v");

		if (v && sscanf(v, "%lld %lld %d %lld %lld %d %llx", &first, &last, &state, &count,
		                &bytes, &waited, &to) == 7)
			ledger_append(&o->ledger,
			              &(struct stretch){ first, last, (enum stretch_state)state,
			                                 count, bytes, waited != 0, to });
	}
}

/* --- New messages ----------------------------------------------------------------------------------- */

static bool
has_room(struct hm_mod *m, struct hm_user *u, int64_t bytes)
{
	const struct offline_config *cfg = hm_config(m);
	const struct offline *o = hm_user_state(m, u);

	if (o->ledger.count < cfg->max_messages &&
	    (size_t)(o->ledger.bytes + bytes) <= cfg->max_bytes)
		return true;
	hm_count(m, REFUSED, 1);
	expire(m, u); /* perhaps there is room for the next one */
	return false;
}

static int64_t
days(const struct hm_mod *m)
{
	return ((const struct offline_config *)hm_config(m))->keep_days;
}

static void
stored(struct hm_mod *m, struct hm_user *u, struct hm_letter *l, int64_t bytes)
{
	struct offline *o = hm_user_state(m, u);
	struct hm_session *taker = delivery_under_way(m, u);
	struct hm_mod *carbons_mod;
	const struct hm_carbons_iface *carbons =
		hm_interface(m, "carbons", HM_CARBONS_IFACE, &carbons_mod);
	uint64_t to = 0;

	if (hm_letter_plan(l) == HM_PLAN_STORE || (taker && hm_letter_reaches(l, taker))) {
		if (taker && hm_letter_plan(l) != HM_PLAN_STORE)
			hm_letter_withhold(l, taker);
		ledger_add_waiting(&o->ledger, hm_letter_id(l), bytes);
		hm_count(m, STORED, 1);
		return;
	}
	hm_for_each_session(s, u)
	{
		if (hm_letter_reaches(l, s) || (carbons && carbons->copied(carbons_mod, s, l)))
			to |= delivery_bit(m, s);
	}
	ledger_add_shown(&o->ledger, hm_letter_id(l), bytes, to);
}

static const struct hm_offline_iface offline_iface = { .has_room = has_room,
	                                               .stored = stored,
	                                               .days = days };

/* Not kept: an error says so to a contact, when a text is lost. Else nobody misses it. */
static enum hm_next
offline_drop(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	const struct hm_stanza *s = hm_letter_stanza(l);
	struct hm_mod *archive_mod;
	const struct hm_archive_iface *archive = hm_archive(m, &archive_mod);

	if (hm_stanza_kind(s) != HM_MESSAGE || hm_letter_plan(l) != HM_PLAN_STORE ||
	    archive->worth(s) != HM_WORTH_NOTHING)
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

	hm_cmd_row(cmd, hm_kv("messages", o->ledger.count), hm_kv("bytes", o->ledger.bytes));
	hm_cmd_done(cmd);
}

/* They stay in the archive; what was kept for its delivery only goes. */
static void
offline_purge(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct hm_user *u = hm_cmd_user(cmd);
	struct offline *o = hm_user_state(m, u);
	const struct stretch *w;
	int64_t purged = 0;

	while ((w = ledger_waiting(&o->ledger))) {
		purged += w->count;
		ledger_pass(&o->ledger, w->last, w->count, w->bytes);
	}
	offline_note(m, u);
	hm_cmd_row(cmd, hm_kv("purged", purged));
	hm_cmd_done(cmd);
}

/* --- Declaration ------------------------------------------------------------------------------------------ */

static const struct hm_feature offline_features[] = {
	{ HM_TO_HOST, "msgoffline" },
};
static const struct hm_hook offline_hooks[] = {
	HM_HOOK(account_received, HM_HANDLE, offline_drop),
	HM_ON(presence_changed, delivery_presence),
	HM_ON(message_confirmed, delivery_confirmed),
	HM_ON(message_unconfirmed, delivery_unconfirmed),
	HM_ON(session_closed, delivery_session_closed),
};
static const struct hm_command offline_commands[] = {
	{ .name = "offline count",
	  .help = "Shows how many messages wait for an account.",
	  .args = { { "jid", HM_ARG_ACCOUNT } },
	  .run = offline_count,
	  .record = true },
	{ .name = "offline purge",
	  .help = "Makes the messages that wait for an account wait no more; its archive keeps them.",
	  .args = { { "jid", HM_ARG_ACCOUNT } },
	  .run = offline_purge },
};
static const struct hm_provide offline_provides[] = {
	{ "offline", HM_OFFLINE_IFACE, &offline_iface },
};
static const char *const offline_needs[] = { "archive" };
static const struct hm_spec offline_specs[] = {
	{ "XEP-0160", "1.0.1", NULL },
	{ "XEP-0203", "2.0",
	  "Only messages that have waited are stamped; a stamp of somebody else is left alone." },
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
	.schema = offline_schema,
	.needs = HM_TABLE(offline_needs),
	.provides = HM_TABLE(offline_provides),
	.metrics = HM_TABLE(offline_metrics),
	.user_state_size = sizeof(struct offline),
	.user_loaded = offline_loaded,
	.user_free = offline_free,
	.session_state_size = sizeof(struct offline_session),
	.session_free = session_over,
	.session_save = save,
	.session_restore = restore,
};
