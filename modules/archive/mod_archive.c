/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Each account has an archive of what it wrote and got.
 * XEP-0313 1.1.3, XEP-0441 0.2.0, XEP-0059 1.0, XEP-0359 0.7.0, XEP-0334 1.0.0.
 *
 * rows.c writes, query.c and page.c answer, ring.c remembers the newest, waiting.c serves those who deliver,
 * retention.c forgets.  Here it is declared, and loaded with an account.
 */
#include <stdlib.h>

#include "archive.h"

static const char *const behaviours[] = { "always", "roster", "never", NULL };

static const struct hm_conf_key archive_keys[] = {
	HM_KEY_AS("default", struct archive_config, behaviour, CHOICE, "always",
	          .choices = behaviours,
	          .doc = "Whose messages an account keeps that has not said it itself (XEP-0441)."),
	HM_KEY(struct archive_config, keep_days, INT, "unlimited", .min = "1", .max = "unlimited",
	       .doc = "Days that messages are kept; an account may have its own number."),
	HM_KEY(struct archive_config, max_messages, INT, "unlimited", .min = "100",
	       .max = "unlimited",
	       .doc = "Messages that one account keeps; the oldest go (it may be some hundred more for a while)."),
	HM_KEY(struct archive_config, page_size, INT, "50", .min = "1", .max = "1000",
	       .doc = "Results of one answer where the client does not say how many it wants."),
	HM_KEY(struct archive_config, max_page_size, INT, "250", .min = "1", .max = "1000",
	       .doc = "Results of one answer at most."),
	HM_KEY(struct archive_config, page_bytes, SIZE, "256 KiB", .min = "1 KiB", .max = "8 MiB",
	       .doc = "Bytes of results after which an answer ends."),
	HM_KEY(struct archive_config, max_rules, INT, "1000", .min = "1", .max = "10000",
	       .doc = "Addresses that one account may always or never archive."),
	HM_KEY(struct archive_config, ring_memory, SIZE, "16 MiB", .max = "4 GiB", .restart = true,
	       .doc = "Memory of each worker for the newest messages, from which short absences are caught up."),
	HM_KEY(struct archive_config, ring_messages, INT, "64", .min = "1", .max = "10000",
	       .restart = true,
	       .doc = "The newest messages of one account that are kept in memory."),
	HM_KEY_AS(
		"secure", struct archive_config, secure_all, BOOL, "yes",
		.doc = "Whether messages that nobody keeps are on disk until a client has got them; no: only while no client is there."),
};

static const struct hm_metric archive_metrics[METRICS] = {
	[STORED] = { "hermod_archive_rows", "Messages written.", HM_COUNTER },
	[QUERIES] = { "hermod_archive_queries", "Queries of clients.", HM_COUNTER },
	[RING_HITS] = { "hermod_archive_ring_hits", "Queries answered from memory.", HM_COUNTER },
	[RING_MISSES] = { "hermod_archive_ring_misses",
	                  "Queries after an id that memory did not reach back to.", HM_COUNTER },
	[EXPIRED] = { "hermod_archive_expired",
	              "Rows deleted because of their age (PostgreSQL drops partitions instead).",
	              HM_COUNTER },
};

/* --- An account in memory -------------------------------------------------------------------------- */

static void
account_rows(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows)
{
	struct archive *a = hm_user_state(m, u);

	if (!hm_next_row(rows) || !id_key_set(&a->key, hm_col_text(rows, 0)))
		hm_log(u, HM_ERROR, "the archive's secret is missing: ids can be guessed");
	a->has_behaviour = !hm_col_null(rows, 1);
	a->behaviour = (enum behaviour)hm_col_int(rows, 1);
	a->keep_days = hm_col_int(rows, 2);
	a->floor = hm_col_int(rows, 3);
}

/* Messages of before a crash, so that what clients send again is known. */
static void
sent_rows(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows)
{
	while (hm_next_row(rows)) {
		if (hm_col_int(rows, 0) < hm_first_id())
			hm_sent_before(u, (uint64_t)hm_col_int(rows, 1));
	}
}

static void
user_loaded(struct hm_mod *m, struct hm_user *u)
{
	struct archive_state *as = hm_state(m);

	((struct archive *)hm_user_state(m, u))->load = ++as->loads;
	archive_wake(m);
}

static void
user_free(struct hm_mod *m, struct hm_user *u)
{
	struct archive *a = hm_user_state(m, u);
	struct archive_state *as = hm_state(m);

	ring_clear(&as->rings, &a->ring);
	hm_table_free(&a->rules);
}

/* A planned restart. */
static void
session_save(struct hm_mod *m, struct hm_session *s, struct hm_writer *w)
{
	const struct archive_session *as = hm_session_state(m, s);

	hm_attr_int(w, "asked", as->asked_below);
}

static void
session_restore(struct hm_mod *m, struct hm_session *s, const struct hm_elem *saved)
{
	struct archive_session *as = hm_session_state(m, s);

	const char *asked = hm_elem_attr(saved, "asked");

	as->asked_below = asked ? strtoll(asked, NULL, 10) : 0;
}

/* --- Declaration ------------------------------------------------------------------------------------ */

static const struct hm_feature archive_features[] = {
	{ HM_TO_ACCOUNT, NS_MAM },
	{ HM_TO_ACCOUNT, NS_MAM "#extended" },
	{ HM_TO_ACCOUNT, NS_MAM "#groupchat-field" },
	{ HM_TO_ACCOUNT, NS_SID },
};
static const struct hm_iq_route archive_iq[] = {
	{ HM_SET, HM_TO_ACCOUNT, HM_OWNER, NS_MAM, "query", archive_query, .may_overtake = true },
	{ HM_GET, HM_TO_ACCOUNT, HM_OWNER, NS_MAM, "query", archive_form },
	{ HM_GET, HM_TO_ACCOUNT, HM_OWNER, NS_MAM, "metadata", archive_metadata },
	{ HM_GET, HM_TO_ACCOUNT, HM_OWNER, NS_MAM, "prefs", archive_prefs_get },
	{ HM_SET, HM_TO_ACCOUNT, HM_OWNER, NS_MAM, "prefs", archive_prefs_set },
};
static const struct hm_hook archive_hooks[] = {
	HM_HOOK(client_sent, HM_REWRITE, archive_client_rewrite),
	HM_HOOK(client_sent, HM_STORE, archive_client_store),
	HM_HOOK(account_received, HM_REWRITE, archive_account_rewrite),
	HM_HOOK(account_received, HM_STORE, archive_account_store),
	HM_ON(letter_unstored, archive_letter_unstored),
	HM_ON(letter_failed, archive_letter_failed),
};
static const struct hm_user_load archive_load[] = {
	{ LOAD_ACCOUNT, account_rows },
	{ LOAD_RULES, archive_rule_rows },
	{ LOAD_WAITING, archive_waiting_rows },
	{ LOAD_SENT, sent_rows },
};
static const struct hm_provide archive_provides[] = {
	{ "archive", HM_ARCHIVE_IFACE, &archive_iface },
};
static const struct hm_spec archive_specs[] = {
	{ "XEP-0059", "1.0", "Pages by index (2.6) and the number of all items (2.7)." },
	{ "XEP-0313", "1.1.3",
	  "Archives of rooms and nodes; messages of rooms are not in users' archives." },
	{ "XEP-0334", "1.0.0",
	  "A <store/> hint does not make messages of the types groupchat and headline kept." },
	{ "XEP-0359", "0.7.0", NULL },
	{ "XEP-0441", "0.2.0", "The ad-hoc command for further preferences (2.2)." },
};
extern const struct hm_migration archive_schema[];

HM_MODULE(archive) = {
	.summary = "Message archives",
	.specs = HM_TABLE(archive_specs),
	.features = HM_TABLE(archive_features),
	.iq = HM_TABLE(archive_iq),
	.hooks = HM_TABLE(archive_hooks),
	.commands = HM_TABLE(archive_commands),
	.config = HM_TABLE(archive_keys),
	.config_size = sizeof(struct archive_config),
	.sql = HM_TABLE(archive_sql),
	.schema = archive_schema,
	.load = HM_TABLE(archive_load),
	.provides = HM_TABLE(archive_provides),
	.metrics = HM_TABLE(archive_metrics),
	.state_size = sizeof(struct archive_state),
	.start = archive_start,
	.user_state_size = sizeof(struct archive),
	.user_loaded = user_loaded,
	.user_free = user_free,
	.session_state_size = sizeof(struct archive_session),
	.session_save = session_save,
	.session_restore = session_restore,
};
