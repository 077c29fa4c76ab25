/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * items.c - the roster's rows: in memory, in the table, and as pushes.
 *
 * Deleted items stay as rows that show nothing, so that a client with an old version can be told
 * of the deletion (RFC 6121 2.6); beyond DELETED_MAX the oldest are forgotten, up to which version a
 * row without an address remembers, and such a client gets the whole roster.
 */
#include <string.h>

#include "roster.h"

struct roster *
roster_of(struct hm_mod *m, const struct hm_user *u)
{
	struct roster *r = hm_user_state(m, u);

	if (!r->items)
		r->items = hm_table_new();
	return r;
}

struct item *
item_find(struct hm_mod *m, const struct hm_user *u, const char *bare)
{
	return hm_table_get(roster_of(m, u)->items, bare);
}

static bool
shows_nothing(const struct item *it)
{
	return !it->listed && !it->pending_in;
}

static size_t
length(const char *text)
{
	return text ? strlen(text) : 0;
}

static size_t
bytes_of(const char *jid, const char *name, const char *groups)
{
	return strlen(jid) + length(name) + length(groups);
}

static void
count(struct roster *r, const struct item *it)
{
	r->listed += it->listed;
	r->requests += it->pending_in;
	r->deleted += shows_nothing(it);
	r->bytes += it->listed ? bytes_of(it->jid, it->name, it->groups) : 0;
}

/* Counts are taken from scratch: rosters are small, and changes are rare. */
static void
recount(struct roster *r)
{
	size_t pos = 0;
	void *value;

	r->listed = r->requests = r->deleted = r->bytes = 0;
	while (hm_table_next(r->items, &pos, NULL, &value))
		count(r, value);
}

bool
roster_is_full(struct hm_mod *m, struct hm_user *u, const struct item *it, const char *bare,
               const char *name, const char *groups)
{
	const struct roster_config *cfg = hm_config(m);
	const struct roster *r = roster_of(m, u);
	size_t then = bytes_of(bare, name, groups), now = 0;

	if (it && it->listed)
		now = bytes_of(it->jid, it->name, it->groups);
	else if (r->listed >= (size_t)cfg->max_items)
		return true;
	return then > now && r->bytes - now + then > cfg->max_bytes;
}

struct item *
item_make(struct hm_mod *m, struct hm_user *u, const char *bare)
{
	struct item *it = item_find(m, u, bare);

	if (it)
		return it;
	it = hm_alloc(sizeof(*it));
	it->jid = hm_dup(bare);
	hm_table_put(roster_of(m, u)->items, bare, it);
	return it;
}

static void
item_free(struct item *it)
{
	hm_free(it->jid);
	hm_free(it->name);
	hm_free(it->groups);
	hm_free(it->request);
	hm_free(it);
}

void
item_set_text(char **field, const char *text)
{
	hm_free(*field);
	*field = text && *text ? hm_dup(text) : NULL;
}

/* --- The table ----------------------------------------------------------------------------------- */

enum { FLAG_ASKED = 1, FLAG_PENDING_IN = 2, FLAG_APPROVED = 4, FLAG_LISTED = 8 };

void
roster_rows(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows)
{
	struct roster *r = roster_of(m, u);

	while (hm_next_row(rows)) {
		const char *jid = hm_col_text(rows, 0);
		int64_t flags = hm_col_int(rows, 3);
		struct item *it;

		if (strcmp(jid, FORGOTTEN) == 0) {
			r->forgotten = hm_col_int(rows, 5);
			continue;
		}
		it = item_make(m, u, jid);

		item_set_text(&it->name, hm_col_text(rows, 1));
		it->sub = (enum hm_subscription)hm_col_int(rows, 2);
		it->asked = flags & FLAG_ASKED;
		it->pending_in = flags & FLAG_PENDING_IN;
		it->approved = flags & FLAG_APPROVED;
		it->listed = flags & FLAG_LISTED;
		item_set_text(&it->groups, hm_col_text(rows, 4));
		it->ver = hm_col_int(rows, 5);
		item_set_text(&it->request, hm_col_text(rows, 6));
		if (it->ver > r->ver)
			r->ver = it->ver;
	}
	recount(r);
}

void
roster_free(struct hm_mod *m, struct hm_user *u)
{
	struct roster *r = hm_user_state(m, u);
	size_t pos = 0;
	void *value;

	while (r->items && hm_table_next(r->items, &pos, NULL, &value))
		item_free(value);
	hm_table_free(&r->items);
}

static void
store(struct hm_mod *m, const struct hm_user *u, const struct item *it)
{
	unsigned flags = (it->asked ? FLAG_ASKED : 0u) | (it->pending_in ? FLAG_PENDING_IN : 0u) |
	                 (it->approved ? FLAG_APPROVED : 0u) | (it->listed ? FLAG_LISTED : 0u);

	hm_store(m, ROSTER_PUT, hm_user_account(u), it->jid, it->name, (int)it->sub, flags,
	         it->groups, it->ver, it->request);
}

static void
forget_oldest_deleted(struct hm_mod *m, struct hm_user *u)
{
	struct roster *r = roster_of(m, u);
	struct item *oldest = NULL;
	size_t pos = 0;
	void *value;

	while (hm_table_next(r->items, &pos, NULL, &value)) {
		struct item *it = value;

		if (shows_nothing(it) && (!oldest || it->ver < oldest->ver))
			oldest = it;
	}
	r->forgotten = oldest->ver;
	hm_store(m, ROSTER_PUT, hm_user_account(u), FORGOTTEN, (const char *)NULL, 0, 0,
	         (const char *)NULL, r->forgotten, (const char *)NULL);
	hm_store(m, ROSTER_DELETE, hm_user_account(u), oldest->jid);
	hm_table_remove(r->items, oldest->jid);
	item_free(oldest);
	r->deleted--;
}

bool
item_store(struct hm_mod *m, struct hm_user *u, struct item *it, bool push)
{
	struct roster *r = roster_of(m, u);

	if (!push && shows_nothing(it) && it->ver == 0) {
		/* A request that came and went: it never was in the roster, so nobody must be told. */
		hm_store(m, ROSTER_DELETE, hm_user_account(u), it->jid);
		hm_table_remove(r->items, it->jid);
		item_free(it);
		recount(r);
		return false;
	}
	if (push)
		it->ver = ++r->ver;
	store(m, u, it);
	recount(r);
	if (r->deleted > DELETED_MAX)
		forget_oldest_deleted(m, u);
	return push;
}

void
item_tell(struct hm_mod *m, struct hm_user *u, const struct item *it)
{
	hm_for_each_session(s, u)
	{
		const struct roster_session *rs = hm_session_state(m, s);

		if (rs->interested)
			item_push(m, s, it);
	}
}

void
item_changed(struct hm_mod *m, struct hm_user *u, struct item *it, bool push)
{
	if (item_store(m, u, it, push))
		item_tell(m, u, it);
}

/* --- As XML ------------------------------------------------------------------------------------------ */

static void
write_groups(struct hm_writer *w, const char *groups)
{
	while (groups && *groups) {
		const char *end = strchr(groups, GROUP_END);

		hm_leaf(w, "group", hm_tmp_printf("%.*s", (int)(end - groups), groups));
		groups = end + 1;
	}
}

void
item_write(struct hm_writer *w, const struct item *it)
{
	static const char *const names[] = { "none", "to", "from", "both" };

	hm_open(w, NS_ROSTER, "item");
	hm_attr(w, "jid", it->jid);
	if (!it->listed) {
		hm_attr(w, "subscription", "remove");
	} else {
		hm_attr(w, "name", it->name);
		hm_attr(w, "subscription", names[it->sub]);
		hm_attr(w, "ask", it->asked ? "subscribe" : NULL);
		hm_attr(w, "approved", it->approved ? "true" : NULL);
		write_groups(w, it->groups);
	}
	hm_close(w);
}

const char *
roster_version(const struct hm_user *u, int64_t ver)
{
	/* The account's number is in it: a later account of the same name starts anew. */
	return hm_tmp_printf("%llx-%llx", (unsigned long long)hm_user_account(u),
	                     (unsigned long long)ver);
}

void
item_push(struct hm_mod *m, struct hm_session *s, const struct item *it)
{
	struct hm_writer *w = hm_stanza_new(HM_IQ, "set", hm_tmp_token(10));

	hm_open(w, NS_ROSTER, "query");
	hm_attr(w, "ver", roster_version(hm_session_user(s), it->ver));
	item_write(w, it);
	hm_close(w);
	hm_send_to_session(m, s, w, NULL);
}

void
roster_tell_interested(struct hm_mod *m, struct hm_user *u, const struct hm_stanza *stanza)
{
	hm_for_each_session(s, u)
	{
		const struct roster_session *rs = hm_session_state(m, s);

		if (rs->interested || hm_session_presence(s))
			hm_forward_to_session(m, s, stanza, hm_user_jid(u));
	}
}
