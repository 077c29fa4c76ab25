/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* commands.c - what an administrator can see and do: how long an account keeps, what it has. */
#include <stdlib.h>
#include <string.h>

#include "archive.h"

static const char *
days_text(int64_t days)
{
	return days == FOR_EVER ? "forever" : hm_tmp_printf("%lld", (long long)days);
}

/* "forever", "default" (0) or a number of days; false: none of these. */
static bool
read_days(const char *text, int64_t *days)
{
	size_t len = strlen(text);

	*days = 0;
	if (strcmp(text, "default") == 0)
		return true;
	if (strcmp(text, "forever") == 0) {
		*days = FOR_EVER;
		return true;
	}
	if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
		return false;
	*days = strtoll(text, NULL, 10);
	return *days > 0;
}

static void
keep(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct hm_user *u = hm_cmd_user(cmd);
	struct archive *a = hm_user_state(m, u);
	int64_t days;

	if (hm_cmd_text(cmd, 1)) {
		if (!read_days(hm_cmd_text(cmd, 1), &days)) {
			hm_cmd_fail(cmd, HM_E_INVALID,
			            "Say a number of days, \"forever\" or \"default\".");
			return;
		}
		a->keep_days = days;
		if (days)
			hm_store(m, PUT_KEEP, hm_cmd_account(cmd), days);
		else
			hm_store(m, PUT_KEEP, hm_cmd_account(cmd), (const char *)NULL);
	}
	hm_cmd_row(cmd, hm_kv("days", days_text(archive_days(m, u))),
	           hm_kv("own", a->keep_days ? "yes" : "no"));
	hm_cmd_done(cmd);
}

static void
counted(struct hm_cmd *cmd, struct hm_rows *rows)
{
	struct hm_mod *m = hm_cmd_mod(cmd);
	const struct archive *a = hm_user_state(m, hm_cmd_user(cmd));

	if (hm_next_row(rows))
		hm_cmd_row(cmd, hm_kv("messages", hm_col_int(rows, 0)),
		           hm_kv("bytes", hm_col_int(rows, 1)),
		           hm_kv("transient", hm_col_int(rows, 2)),
		           hm_kv("in_memory", (int64_t)ring_count(&a->ring)),
		           hm_kv("days", days_text(archive_days(m, hm_cmd_user(cmd)))));
	hm_cmd_done(cmd);
}

static void
stats(struct hm_mod *m, struct hm_cmd *cmd)
{
	hm_query(m, cmd, STATS, counted, hm_cmd_account(cmd), archive_floor(m, hm_cmd_user(cmd)));
}

static void
text_gone(struct hm_cmd *cmd, struct hm_rows *rows)
{
	hm_cmd_row(cmd, hm_kv("erased", hm_rows_changed(rows)));
}

static void
sent_text_gone(struct hm_cmd *cmd, struct hm_rows *rows)
{
	text_gone(cmd, rows);
	hm_cmd_done(cmd);
}

static void
received_text_gone(struct hm_cmd *cmd, struct hm_rows *rows)
{
	struct hm_mod *m = hm_cmd_mod(cmd);

	text_gone(cmd, rows);
	hm_query(m, cmd, ERASE_WITH_SENT, sent_text_gone, hm_cmd_account(cmd),
	         archive_conversation(hm_cmd_account(cmd), hm_tmp_bare(hm_cmd_text(cmd, 1))));
}

static void
erase(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct hm_user *u = hm_cmd_user(cmd);
	struct archive *a = hm_user_state(m, u);

	ring_clear(&((struct archive_state *)hm_state(m))->rings, &a->ring);
	if (hm_cmd_text(cmd, 1)) {
		hm_query(m, cmd, ERASE_WITH, received_text_gone, hm_cmd_account(cmd),
		         archive_conversation(hm_cmd_account(cmd),
		                              hm_tmp_bare(hm_cmd_text(cmd, 1))));
		return;
	}
	archive_raise_floor(m, u, hm_new_id(m, u));
	hm_cmd_done(cmd);
}

const struct hm_command archive_commands[ARCHIVE_COMMANDS] = {
	{ .name = "archive stats",
	  .help = "Shows how much an account's archive holds.",
	  .args = { { "jid", HM_ARG_ACCOUNT } },
	  .run = stats,
	  .record = true },
	{ .name = "archive keep",
	  .help = "Sets for how many days an account keeps its messages, or \"forever\" or \"default\"; or shows it.",
	  .args = { { "jid", HM_ARG_ACCOUNT }, { "days", HM_ARG_TEXT, .optional = true } },
	  .run = keep,
	  .record = true },
	{ .name = "archive erase",
	  .help = "Erases an account's archive, or the texts of its messages with one address.",
	  .args = { { "jid", HM_ARG_ACCOUNT }, { "with", HM_ARG_JID, .optional = true } },
	  .run = erase },
	{ .name = "archive purge",
	  .help = "Deletes now what is older than it is kept, instead of within the hour.",
	  .run = archive_purge },
};
