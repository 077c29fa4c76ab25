/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Last Activity: since when the server runs, and since when somebody is gone.
 * XEP-0012 2.0.  The end of an account's last session is stored, with the status that its last
 * unavailable presence carried.
 *
 * Who may not see the account's presence gets forbidden (section 3), and so does who asks an
 * account that does not exist.  At a full JID, RFC 6121 8.5.3.1 counts: service-unavailable.
 */
#include <string.h>

#include <hermod/module.h>

#include <hermod/iface/last.h>
#include <hermod/iface/roster.h>

#define NS_LAST "jabber:iq:last"
#define NS_CLIENT "jabber:client"
#define STATUS_MAX_BYTES 1024 /* what is longer is cut */

enum { LOAD, PUT, STATEMENTS };

static const struct hm_sql last_sql[STATEMENTS] = {
	[LOAD] = { "SELECT seen, status, gone FROM last_activity WHERE account = $1", NULL },
	/* The account may have been deleted together with its sessions. */
	[PUT] = { "INSERT INTO last_activity (account, seen, status, gone)"
	          " SELECT id, $2, $3, $4 FROM accounts WHERE id = $1"
	          " ON CONFLICT (account) DO UPDATE SET seen = excluded.seen, status = excluded.status,"
	          " gone = excluded.gone",
	          NULL },
};

/* Of one account. */
struct last {
	int64_t seen_us; /* end of the last session; 0: unknown */
	int64_t gone_us; /* end of the last presence (RFC 6121 4.5); 0: unknown */
	char *status;
};

/* --- What is remembered ------------------------------------------------------------------- */

static void
last_rows(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows)
{
	struct last *last = hm_user_state(m, u);

	if (!hm_next_row(rows))
		return;
	last->seen_us = hm_col_int(rows, 0);
	last->gone_us = hm_col_null(rows, 2) ? 0 : hm_col_int(rows, 2);
	last->status = hm_col_null(rows, 1) ? NULL : hm_dup(hm_col_text(rows, 1));
}

/* Loaded again while somebody was connected: what happened since the row was written is lost. */
static void
last_loaded(struct hm_mod *m, struct hm_user *u)
{
	struct last *last = hm_user_state(m, u);

	if (hm_first_session(u))
		last->gone_us = 0;
}

static void
last_free(struct hm_mod *m, struct hm_user *u)
{
	struct last *last = hm_user_state(m, u);

	hm_free(last->status);
}

/* The status of a presence, cut at the end of a character; NULL: none. */
static const char *
status_of(const struct hm_stanza *presence)
{
	const struct hm_elem *e = hm_child(hm_stanza_root(presence), NS_CLIENT, "status");
	const char *text = e ? hm_tmp_text(e) : "";
	size_t n = strlen(text);

	if (n > STATUS_MAX_BYTES) {
		n = STATUS_MAX_BYTES;
		while ((text[n] & 0xc0) == 0x80)
			n--;
	}
	return n > 0 ? hm_tmp_printf("%.*s", (int)n, text) : NULL;
}

static bool
somebody_is_there(const struct hm_user *u)
{
	hm_for_each_session(s, u)
	{
		if (hm_session_presence(s))
			return true;
	}
	return false;
}

static void
last_presence(struct hm_mod *m, struct hm_session *s, const struct hm_stanza *now,
              const struct hm_stanza *before)
{
	struct hm_user *u = hm_session_user(s);
	struct last *last = hm_user_state(m, u);
	const char *status;

	if (strcmp(hm_stanza_type(now), "unavailable") != 0)
		return;
	status = status_of(now);
	hm_free(last->status);
	last->status = status ? hm_dup(status) : NULL;
	if (!somebody_is_there(u))
		last->gone_us = hm_now_us();
}

static void
last_closed(struct hm_mod *m, struct hm_session *s, enum hm_close_reason why)
{
	struct hm_user *u = hm_session_user(s);
	struct last *last = hm_user_state(m, u);

	if (hm_first_session(u))
		return;
	last->seen_us = hm_now_us();
	hm_store(m, PUT, hm_user_account(u), last->seen_us, (const char *)last->status,
	         last->gone_us);
}

static int64_t
iface_gone_us(struct hm_mod *m, const struct hm_user *u)
{
	const struct last *last = hm_user_state(m, u);

	return last->gone_us;
}

static const struct hm_last_iface last_iface = { .gone_us = iface_gone_us };

/* --- Questions -------------------------------------------------------------------------------- */

static void
answer(struct hm_iq *rq, int64_t seconds, const char *status)
{
	struct hm_writer *w = hm_iq_result(rq);

	hm_open(w, NS_LAST, "query");
	hm_attr_int(w, "seconds", seconds);
	hm_text(w, status);
	hm_close(w);
	hm_iq_done(rq);
}

static void
last_domain(struct hm_mod *m, struct hm_iq *rq)
{
	answer(rq, hm_uptime_s(), NULL);
}

static void
last_account(struct hm_mod *m, struct hm_iq *rq)
{
	struct hm_user *u = hm_iq_user(rq);
	const struct last *last = hm_user_state(m, u);
	int64_t gone_us = hm_now_us() - last->seen_us;

	if (!hm_roster_sees_presence(m, u, hm_iq_from_bare(rq)))
		hm_iq_fail(rq, HM_FORBIDDEN, NULL);
	else if (hm_first_session(u))
		answer(rq, 0, NULL);
	else if (last->seen_us == 0)
		hm_iq_fail(rq, HM_ITEM_NOT_FOUND, NULL);
	else
		answer(rq, gone_us > 0 ? gone_us / 1000000 : 0, last->status);
}

/* --- Declaration -------------------------------------------------------------------------------- */

static const struct hm_iq_route last_iq[] = {
	{ HM_GET, HM_TO_HOST | HM_TO_SERVICE, HM_ANYONE, NS_LAST, "query", last_domain },
	{ HM_GET, HM_TO_ACCOUNT, HM_ANYONE, NS_LAST, "query", last_account,
	  .absent = HM_FORBIDDEN },
};
static const struct hm_feature last_features[] = {
	{ HM_TO_HOST | HM_TO_SERVICE | HM_TO_ACCOUNT, NS_LAST },
};
static const struct hm_hook last_hooks[] = {
	HM_ON(presence_changed, last_presence),
	HM_ON(session_closed, last_closed),
};
static const struct hm_user_load last_load[] = { { LOAD, last_rows } };
static const struct hm_provide last_provides[] = { { "last", HM_LAST_IFACE, &last_iface } };
static const struct hm_spec last_specs[] = {
	{ "XEP-0012", "2.0",
	  "Sessions that end because the server dies leave no time. Full JIDs answer service-unavailable to strangers." },
};
extern const struct hm_migration last_schema[];

HM_MODULE(last) = {
	.summary = "Last Activity",
	.specs = HM_TABLE(last_specs),
	.iq = HM_TABLE(last_iq),
	.features = HM_TABLE(last_features),
	.hooks = HM_TABLE(last_hooks),
	.sql = HM_TABLE(last_sql),
	.schema = last_schema,
	.load = HM_TABLE(last_load),
	.provides = HM_TABLE(last_provides),
	.user_state_size = sizeof(struct last),
	.user_loaded = last_loaded,
	.user_free = last_free,
};
