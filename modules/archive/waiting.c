/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * waiting.c - the archive as other modules see it: ids on the wire, and what was received but not
 * yet confirmed by a client (DESIGN 4: a durable cursor per account).
 */
#include "archive.h"

#define WAITING_ROWS 100
#define WAITING_BYTES (128 * 1024)

static const char *
tmp_id(struct hm_mod *m, const struct hm_user *u, int64_t id, bool transient)
{
	const struct archive *a = hm_user_state(m, u);
	char *text = hm_tmp_alloc(ID_TEXT_MAX);

	id_write(&a->key, hm_user_account(u), id, transient, text);
	return text;
}

/* --- The cursor ----------------------------------------------------------------------------------- */

void
archive_waiting_rows(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows)
{
	struct archive *a = hm_user_state(m, u);

	if (!hm_next_row(rows))
		return;
	a->waiting = (struct hm_archive_waiting){ .delivered = hm_col_int(rows, 0),
		                                  .count = hm_col_int(rows, 1),
		                                  .bytes = hm_col_int(rows, 2),
		                                  .first = hm_col_int(rows, 3),
		                                  .last = hm_col_int(rows, 4) };
	a->transients = hm_col_int(rows, 5);
}

static void
waiting(struct hm_mod *m, const struct hm_user *u, struct hm_archive_waiting *out)
{
	*out = ((const struct archive *)hm_user_state(m, u))->waiting;
}

static void
recounted(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows)
{
	struct archive *a = hm_user_state(m, u);
	hm_archive_counted_fn *fn = a->counted_fn;

	archive_waiting_rows(m, u, rows);
	a->counted_fn = NULL;
	fn(a->counting, u);
}

static void
recount(struct hm_mod *m, struct hm_mod *asker, struct hm_user *u, hm_archive_counted_fn *fn)
{
	struct archive *a = hm_user_state(m, u);

	hm_assert(!a->counted_fn);
	a->counted_fn = fn;
	a->counting = asker;
	hm_query(m, u, LOAD_WAITING, recounted, hm_user_account(u));
}

static int64_t
newest(struct hm_mod *m, const struct hm_user *u)
{
	return ((const struct archive *)hm_user_state(m, u))->newest;
}

static void
delivered(struct hm_mod *m, struct hm_user *u, int64_t id)
{
	struct archive *a = hm_user_state(m, u);
	int64_t before = a->waiting.delivered;

	if (id <= before)
		return;
	a->waiting.delivered = id;
	/* Nothing that is sent waits for these: what was delivered twice has the same id. */
	hm_query(m, u, DELIVERED, NULL, hm_user_account(u), id);
	if (a->transients > before)
		hm_query(m, u, TRANSIENT_GONE, NULL, hm_user_account(u), before, id);
	if (a->transients <= id)
		a->transients = 0;
}

/* --- Pages ------------------------------------------------------------------------------------------ */

static void
page_came(struct hm_mod *m, struct hm_session *s, struct hm_rows *rows)
{
	struct archive_session *as = hm_session_state(m, s);
	hm_archive_page_fn *fn = as->page_fn;
	struct hm_archived *v = hm_tmp_alloc((hm_rows_count(rows) + 1) * sizeof(*v));
	bool more = false;
	size_t n = 0;

	while (hm_next_row(rows)) {
		const char *to = hm_col_text(rows, 3), *xml = hm_col_text(rows, 4);

		if (n >= WAITING_ROWS || !xml) {
			more = true;
			break;
		}
		v[n].id = hm_col_int(rows, 0);
		v[n].bytes = hm_col_int(rows, 2);
		v[n].transient = (hm_col_int(rows, 1) & ROW_TRANSIENT) != 0;
		v[n].to = to ? to : hm_user_jid(hm_session_user(s));
		v[n].stanza = *xml ? hm_stanza_parse_ref(xml) : NULL; /* it was erased */
		if (v[n].stanza)
			n++;
		else if (*xml)
			hm_log(s, HM_ERROR, "an archived message cannot be read",
			       hm_kv("id", v[n].id));
	}
	as->page_fn = NULL;
	fn(as->asker, s, v, n, more);
	for (size_t i = 0; i < n; i++)
		hm_stanza_unref(&v[i].stanza);
}

static void
page(struct hm_mod *m, struct hm_mod *asker, struct hm_session *s, int64_t after, int64_t upto,
     int64_t shown_below, hm_archive_page_fn *fn)
{
	struct archive_session *as = hm_session_state(m, s);

	hm_assert(!as->page_fn);
	as->page_fn = fn;
	as->asker = asker;
	hm_query(m, s, WAITING_PAGE, page_came, hm_user_account(hm_session_user(s)), after, upto,
	         shown_below, WAITING_ROWS + 1, WAITING_BYTES);
}

static int64_t
asked_below(struct hm_mod *m, const struct hm_session *s)
{
	return ((const struct archive_session *)hm_session_state(m, s))->asked_below;
}

const struct hm_archive_iface archive_iface = {
	.worth = archive_worth,
	.tmp_id = tmp_id,
	.waiting = waiting,
	.recount = recount,
	.newest = newest,
	.page = page,
	.delivered = delivered,
	.asked_below = asked_below,
};
