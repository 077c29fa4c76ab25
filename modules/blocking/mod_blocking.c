/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * The block list of an account: nothing from those addresses reaches it, nothing of it reaches them.
 * XEP-0191 1.3.  Blocking is polite (4): subscriptions stay.
 *
 * Addresses match as in 6: exactly, or as the bare JID or the domain of what is compared.
 * Never blocked are the account itself (5, note) and its own server, without which its clients
 * could not work: blocking the own domain blocks the other accounts there.
 */
#include <string.h>

#include <hermod/iface/blocking.h>
#include <hermod/iface/roster.h>

#define NS_BLOCKING "urn:xmpp:blocking"
#define NS_ERRORS "urn:xmpp:blocking:errors"

enum { LOAD, PUT, DELETE, DELETE_ALL, STATEMENTS };
enum { REFUSED_IN, REFUSED_OUT, METRICS };

struct blocking_config {
	int64_t max_items;
};
/* One per loaded account. */
struct blocklist {
	struct hm_table *jids; /* values mean nothing; NULL: nobody is blocked */
};
struct blocking_session {
	bool interested; /* has requested the list (3.2) */
};
/* The addresses of one request, normalised; scratch. */
struct items {
	const char **jid;
	size_t n;
};

static const struct hm_conf_key blocking_keys[] = {
	HM_KEY(struct blocking_config, max_items, INT, "1000", .min = "1", .max = "100000",
	       .doc = "Addresses that one account may block."),
};
static const struct hm_sql blocking_sql[STATEMENTS] = {
	[LOAD] = { "SELECT jid FROM blocking WHERE account = $1", NULL },
	[PUT] = { "INSERT INTO blocking (account, jid) VALUES ($1, $2) ON CONFLICT (account, jid) DO NOTHING",
	          NULL },
	[DELETE] = { "DELETE FROM blocking WHERE account = $1 AND jid = $2", NULL },
	[DELETE_ALL] = { "DELETE FROM blocking WHERE account = $1", NULL },
};
static const struct hm_metric blocking_metrics[METRICS] = {
	[REFUSED_IN] = { "hermod_blocking_refused_in", "Stanzas from blocked addresses.",
	                 HM_COUNTER },
	[REFUSED_OUT] = { "hermod_blocking_refused_out",
	                  "Stanzas of clients to addresses that they block.", HM_COUNTER },
};

/* --- The list in memory -------------------------------------------------------------------------- */

static void
list_add(struct blocklist *b, const char *jid)
{
	if (!b->jids)
		b->jids = hm_table_new();
	hm_table_put(b->jids, jid, b);
}

static size_t
list_count(const struct blocklist *b)
{
	return b->jids ? hm_table_count(b->jids) : 0;
}

static bool
list_has(const struct blocklist *b, const char *jid)
{
	return b->jids && hm_table_get(b->jids, jid);
}

static void
blocking_rows(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows)
{
	while (hm_next_row(rows))
		list_add(hm_user_state(m, u), hm_col_text(rows, 0));
}

static void
blocking_free(struct hm_mod *m, struct hm_user *u)
{
	struct blocklist *b = hm_user_state(m, u);

	hm_table_free(&b->jids);
}

/* 6 */
static bool
blocks(struct hm_mod *m, const struct hm_user *u, const char *jid)
{
	const struct blocklist *b = hm_user_state(m, u);
	const char *bare;

	if (list_count(b) == 0)
		return false;
	bare = hm_tmp_bare(jid);
	if (strcmp(bare, hm_user_jid(u)) == 0 || strcmp(bare, hm_host(m)) == 0)
		return false;
	return list_has(b, jid) || list_has(b, bare) || list_has(b, hm_tmp_domain(bare));
}

static const struct hm_blocking_iface blocking_iface = { .blocks = blocks };

/* --- Requests ------------------------------------------------------------------------------------- */

static void
write_items(struct hm_writer *w, const struct items *items)
{
	for (size_t i = 0; i < items->n; i++) {
		hm_open(w, NS_BLOCKING, "item");
		hm_attr(w, "jid", items->jid[i]);
		hm_close(w);
	}
}

/* Scratch copies: they outlive their removal from the list. */
static struct items
all_items(const struct blocklist *b)
{
	struct items all = { hm_tmp_alloc((list_count(b) + 1) * sizeof(char *)), 0 };
	size_t pos = 0;
	const char *jid;

	while (b->jids && hm_table_next(b->jids, &pos, &jid, NULL))
		all.jid[all.n++] = hm_tmp_dup(jid);
	return all;
}

/* 3.2 */
static void
blocklist_get(struct hm_mod *m, struct hm_iq *rq)
{
	struct hm_session *s = hm_iq_session(rq);
	struct items all = all_items(hm_user_state(m, hm_iq_user(rq)));
	struct hm_writer *w = hm_iq_result(rq);

	if (s) {
		struct blocking_session *bs = hm_session_state(m, s);

		bs->interested = true;
	}
	hm_open(w, NS_BLOCKING, "blocklist");
	write_items(w, &all);
	hm_close(w);
	hm_iq_done(rq);
}

/* false: the request has been refused. */
static bool
read_items(struct hm_iq *rq, struct items *items)
{
	const struct hm_elem *payload = hm_iq_payload(rq);
	size_t n = 0;

	hm_for_each_child (c, payload)
		n++;
	*items = (struct items){ hm_tmp_alloc((n + 1) * sizeof(char *)), 0 };
	hm_for_each_child (c, payload) {
		const char *text = hm_elem_attr(c, "jid");

		if (!hm_elem_is(c, NS_BLOCKING, "item") || !text) {
			hm_iq_fail(rq, HM_BAD_REQUEST, "Items with a jid are wanted.");
			return false;
		}
		items->jid[items->n] = hm_tmp_jid(text);
		if (!items->jid[items->n++]) {
			hm_iq_fail(rq, HM_JID_MALFORMED, NULL);
			return false;
		}
	}
	return true;
}

/* 3.3 to 3.5: to all resources that know the list. */
static void
push(struct hm_mod *m, struct hm_user *u, const char *what, const struct items *items)
{
	hm_for_each_session(s, u)
	{
		const struct blocking_session *bs = hm_session_state(m, s);
		struct hm_writer *w;

		if (!bs->interested)
			continue;
		w = hm_stanza_new(HM_IQ, "set", hm_tmp_token(10));
		hm_open(w, NS_BLOCKING, what);
		write_items(w, items);
		hm_close(w);
		hm_send_to_session(m, s, w, NULL);
	}
}

/* Is `address` what the user means by blocking ctx? */
static bool
is_covered(const char *address, void *ctx)
{
	const char *jid = ctx, *bare = hm_tmp_bare(address);

	return strcmp(jid, address) == 0 || strcmp(jid, bare) == 0 ||
	       strcmp(jid, hm_tmp_domain(bare)) == 0;
}

/* 3.3: whoever sees the user's presence sees it go, before the block is in force. */
static void
hide_from(struct hm_mod *m, struct hm_user *u, const char *jid)
{
	struct hm_mod *provider;
	const struct hm_roster_iface *roster =
		hm_interface(m, "roster", HM_ROSTER_IFACE, &provider);

	if (roster)
		roster->hide_from(provider, u, jid);
	hm_for_each_session(s, u) hm_session_hide_directed(s, is_covered, (char *)(uintptr_t)jid);
}

/* 3.4: after the block has gone; who is blocked by another item still sees nothing, and is not seen. */
static void
show_to(struct hm_mod *m, struct hm_user *u, const char *jid)
{
	struct hm_mod *provider;
	const struct hm_roster_iface *roster =
		hm_interface(m, "roster", HM_ROSTER_IFACE, &provider);

	if (roster)
		roster->show_to(provider, u, jid);
}

static bool
has_room(struct hm_mod *m, const struct blocklist *b, const struct items *items)
{
	const struct blocking_config *cfg = hm_config(m);
	size_t fresh = 0;

	for (size_t i = 0; i < items->n; i++)
		fresh += !list_has(b, items->jid[i]);
	return list_count(b) + fresh <= (size_t)cfg->max_items;
}

static void
block_set(struct hm_mod *m, struct hm_iq *rq)
{
	struct hm_user *u = hm_iq_user(rq);
	struct blocklist *b = hm_user_state(m, u);
	struct items items;

	if (!read_items(rq, &items))
		return;
	if (items.n == 0) {
		hm_iq_fail(rq, HM_BAD_REQUEST, "At least one item is wanted.");
		return;
	}
	if (!has_room(m, b, &items)) {
		hm_iq_fail(rq, HM_RESOURCE_CONSTRAINT, "The block list is full.");
		return;
	}
	for (size_t i = 0; i < items.n; i++) {
		if (list_has(b, items.jid[i]))
			continue;
		hm_store(m, PUT, hm_user_account(u), items.jid[i]);
		hide_from(m, u, items.jid[i]);
		list_add(b, items.jid[i]);
	}
	hm_iq_done(rq);
	push(m, u, "block", &items);
}

static void
unblock(struct hm_mod *m, struct hm_user *u, const struct items *items)
{
	struct blocklist *b = hm_user_state(m, u);

	for (size_t i = 0; i < items->n; i++) {
		if (b->jids && hm_table_remove(b->jids, items->jid[i]))
			show_to(m, u, items->jid[i]);
	}
}

/* 3.4, 3.5 */
static void
unblock_set(struct hm_mod *m, struct hm_iq *rq)
{
	struct hm_user *u = hm_iq_user(rq);
	const struct blocklist *b = hm_user_state(m, u);
	struct items items, all;

	if (!read_items(rq, &items))
		return;
	if (items.n == 0) {
		all = all_items(b);
		hm_store(m, DELETE_ALL, hm_user_account(u));
		unblock(m, u, &all);
	} else {
		for (size_t i = 0; i < items.n; i++) {
			if (list_has(b, items.jid[i]))
				hm_store(m, DELETE, hm_user_account(u), items.jid[i]);
		}
		unblock(m, u, &items);
	}
	hm_iq_done(rq);
	push(m, u, "unblock", &items);
}

/* --- Traffic: 3.3 ------------------------------------------------------------------------------------ */

static enum hm_next
blocking_received(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	const char *from = hm_letter_from(l);

	if (!from || !blocks(m, u, from))
		return HM_CONTINUE;
	hm_count(m, REFUSED_IN, 1);
	/* A room takes an error for the end of the user's session and shows him the door. */
	if (strcmp(hm_stanza_type(hm_letter_stanza(l)), "groupchat") == 0)
		return HM_STOP;
	return hm_refuse(l, HM_SERVICE_UNAVAILABLE, NULL); /* presence: in silence */
}

/* hm_refuse() answers no presence, but here the user must be told. */
static void
refuse_presence(struct hm_mod *m, struct hm_session *s, const struct hm_letter *l)
{
	const struct hm_stanza *presence = hm_letter_stanza(l);
	struct hm_writer *w;

	if (strcmp(hm_stanza_type(presence), "error") == 0)
		return;
	w = hm_stanza_new(HM_PRESENCE, "error", hm_stanza_id(presence));
	hm_open(w, NULL, "error");
	hm_attr(w, "type", "modify");
	hm_open(w, "urn:ietf:params:xml:ns:xmpp-stanzas", "not-acceptable");
	hm_close(w);
	hm_open(w, NS_ERRORS, "blocked");
	hm_close(w);
	hm_close(w);
	hm_send_to_session(m, s, w, hm_letter_to(l));
}

static enum hm_next
blocking_sent(struct hm_mod *m, struct hm_session *s, struct hm_letter *l)
{
	const char *to = hm_letter_to(l);

	if (!to || !blocks(m, hm_session_user(s), to))
		return HM_CONTINUE;
	hm_count(m, REFUSED_OUT, 1);
	if (hm_stanza_kind(hm_letter_stanza(l)) == HM_PRESENCE) {
		refuse_presence(m, s, l);
		return HM_STOP;
	}
	return hm_refuse_app(l, HM_NOT_ACCEPTABLE, NS_ERRORS, "blocked", NULL);
}

/* --- Commands ------------------------------------------------------------------------------------------ */

static void
blocking_list(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct items all = all_items(hm_user_state(m, hm_cmd_user(cmd)));

	for (size_t i = 0; i < all.n; i++)
		hm_cmd_row(cmd, hm_kv("jid", all.jid[i]));
	hm_cmd_done(cmd);
}

/* --- A planned restart --------------------------------------------------------------------------------- */

static void
blocking_save(struct hm_mod *m, struct hm_session *s, struct hm_writer *w)
{
	const struct blocking_session *bs = hm_session_state(m, s);

	hm_attr_int(w, "interested", bs->interested);
}

static void
blocking_restore(struct hm_mod *m, struct hm_session *s, const struct hm_elem *saved)
{
	struct blocking_session *bs = hm_session_state(m, s);
	const char *interested = hm_elem_attr(saved, "interested");

	bs->interested = interested && strcmp(interested, "1") == 0;
}

/* --- Declaration ------------------------------------------------------------------------------------------ */

static const struct hm_feature blocking_features[] = { { HM_TO_HOST, NS_BLOCKING } };
static const struct hm_iq_route blocking_iq[] = {
	{ HM_GET, HM_TO_ACCOUNT, HM_OWNER, NS_BLOCKING, "blocklist", blocklist_get },
	{ HM_SET, HM_TO_ACCOUNT, HM_OWNER, NS_BLOCKING, "block", block_set },
	{ HM_SET, HM_TO_ACCOUNT, HM_OWNER, NS_BLOCKING, "unblock", unblock_set },
};
static const struct hm_hook blocking_hooks[] = {
	HM_HOOK(client_sent, HM_POLICY, blocking_sent),
	HM_HOOK(account_received, HM_POLICY, blocking_received),
};
static const struct hm_command blocking_commands[] = {
	{ .name = "blocking list",
	  .help = "Shows whom an account has blocked.",
	  .args = { { "jid", HM_ARG_ACCOUNT } },
	  .run = blocking_list },
};
static const struct hm_user_load blocking_load[] = { { LOAD, blocking_rows } };
static const struct hm_provide blocking_provides[] = { { "blocking", HM_BLOCKING_IFACE,
	                                                 &blocking_iface } };
static const struct hm_spec blocking_specs[] = {
	{ "XEP-0191", "1.3",
	  "The presence that an account broadcasts to a contact still reaches a resource of that contact of which only the full JID is blocked." },
};
extern const struct hm_migration blocking_schema[];

HM_MODULE(blocking) = {
	.summary = "Block lists",
	.specs = HM_TABLE(blocking_specs),
	.features = HM_TABLE(blocking_features),
	.iq = HM_TABLE(blocking_iq),
	.hooks = HM_TABLE(blocking_hooks),
	.commands = HM_TABLE(blocking_commands),
	.config = HM_TABLE(blocking_keys),
	.config_size = sizeof(struct blocking_config),
	.sql = HM_TABLE(blocking_sql),
	.schema = blocking_schema,
	.load = HM_TABLE(blocking_load),
	.provides = HM_TABLE(blocking_provides),
	.metrics = HM_TABLE(blocking_metrics),
	.user_state_size = sizeof(struct blocklist),
	.user_free = blocking_free,
	.session_state_size = sizeof(struct blocking_session),
	.session_save = blocking_save,
	.session_restore = blocking_restore,
};
