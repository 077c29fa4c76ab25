/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * The contact list, subscriptions and presence between contacts.
 * RFC 6121 2 (roster), 3 (subscriptions), 4 (presence); XEP-0237's versioning is RFC 6121 2.6.
 *
 * mod_roster.c answers requests for the roster; items.c keeps it; subscription.c and presence.c are
 * the two state machines on it.
 */
#include <stdlib.h>
#include <string.h>

#include "roster.h"

#define NAME_MAX_BYTES 1023 /* RFC 6121 2.3.3: a limit is the server's choice */

static const struct hm_conf_key roster_keys[] = {
	HM_KEY(struct roster_config, max_items, INT, "1000", .min = "1", .max = "100000",
	       .doc = "Contacts that one account may have."),
	HM_KEY(struct roster_config, max_requests, INT, "200", .min = "1", .max = "100000",
	       .doc = "Subscription requests that may wait for one account's answer; further ones are ignored."),
	HM_KEY(struct roster_config, max_groups, INT, "50", .min = "0", .max = "1000",
	       .doc = "Groups that one contact may be in."),
	HM_KEY(struct roster_config, max_bytes, SIZE, "512 KiB", .min = "16 KiB", .max = "64 MiB",
	       .doc = "Bytes that the addresses, names and groups of one account's contacts may have in all."),
};

static const struct hm_sql roster_sql[ROSTER_STATEMENTS] = {
	[ROSTER_LOAD] = { "SELECT jid, name, sub, flags, groups_, ver, request FROM roster WHERE account = $1",
	                  NULL },
	[ROSTER_PUT] = { "INSERT INTO roster (account, jid, name, sub, flags, groups_, ver, request)"
	                 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (account, jid) DO UPDATE SET"
	                 " name = excluded.name, sub = excluded.sub, flags = excluded.flags, groups_ = excluded.groups_,"
	                 " ver = excluded.ver, request = excluded.request",
	                 NULL },
	[ROSTER_DELETE] = { "DELETE FROM roster WHERE account = $1 AND jid = $2", NULL },
};

/* --- get: 2.1.3, 2.6 ------------------------------------------------------------------------------- */

/* The version that the client has, or -1 when the whole roster must be sent. */
static int64_t
known_version(struct hm_mod *m, const struct hm_user *u, const char *text)
{
	const struct roster *r = roster_of(m, u);
	char *end;
	int64_t ver;
	const char *mine = roster_version(u, 0);
	size_t prefix = strlen(mine) - 1;

	if (!text || strncmp(text, mine, prefix) != 0)
		return -1;
	ver = (int64_t)strtoull(text + prefix, &end, 16);
	if (*end || end == text + prefix || ver > r->ver || ver < r->forgotten)
		return -1;
	return ver;
}

static void
send_whole(struct hm_mod *m, struct hm_iq *rq)
{
	struct hm_user *u = hm_iq_user(rq);
	struct roster *r = roster_of(m, u);
	struct hm_writer *w = hm_iq_result(rq);
	size_t pos = 0;
	void *value;

	hm_open(w, NS_ROSTER, "query");
	hm_attr(w, "ver", roster_version(u, r->ver));
	while (hm_table_next(r->items, &pos, NULL, &value)) {
		const struct item *it = value;

		if (it->listed)
			item_write(w, it);
	}
	hm_close(w);
	hm_iq_done(rq);
}

/* In the order of their changes, so that a client that is cut off half-way has a version it can go on from. */
static void
send_changes(struct hm_mod *m, struct hm_session *s, int64_t since)
{
	struct roster *r = roster_of(m, hm_session_user(s));

	for (;;) {
		struct item *next = NULL;
		size_t pos = 0;
		void *value;

		while (hm_table_next(r->items, &pos, NULL, &value)) {
			struct item *it = value;

			if (it->ver > since && (!next || it->ver < next->ver))
				next = it;
		}
		if (!next)
			return;
		item_push(m, s, next);
		since = next->ver;
	}
}

static void
roster_get(struct hm_mod *m, struct hm_iq *rq)
{
	struct hm_user *u = hm_iq_user(rq);
	const char *ver = hm_elem_attr(hm_iq_payload(rq), "ver");
	struct hm_session *s = hm_iq_session(rq);
	int64_t known = s ? known_version(m, u, ver) : -1;

	if (s) {
		struct roster_session *rs = hm_session_state(m, s);

		rs->interested = true;
	}
	if (known < 0) {
		send_whole(m, rq);
		return;
	}
	hm_iq_done(rq);
	send_changes(m, s, known);
}

/* --- set: 2.1.5, 2.3 to 2.5 ------------------------------------------------------------------------------ */

/* The groups of an <item/>, each ended by GROUP_END; *cond is set when one is not allowed. */
static const char *
read_groups(const struct hm_elem *item, int64_t max, enum hm_cond *cond)
{
	const char *all = "";
	int64_t n = 0;

	*cond = 0;
	hm_for_each_child (c, item) {
		const char *name;
		char end[2] = { GROUP_END, '\0' };

		if (!hm_elem_is(c, NS_ROSTER, "group"))
			continue;
		name = hm_tmp_text(c);
		if (*name == '\0' || strlen(name) > NAME_MAX_BYTES || ++n > max)
			*cond = HM_NOT_ACCEPTABLE;
		else if (strstr(hm_tmp_printf("%s%s", end, all),
		                hm_tmp_printf("%s%s%s", end, name, end)))
			*cond = HM_BAD_REQUEST; /* the same group twice */
		if (*cond)
			return NULL;
		all = hm_tmp_printf("%s%s%s", all, name, end);
	}
	return all;
}

static void
remove_item(struct hm_mod *m, struct hm_iq *rq, const char *jid)
{
	struct hm_user *u = hm_iq_user(rq);
	struct item *it = item_find(m, u, jid), was;

	if (!it || !it->listed) {
		hm_iq_fail(rq, HM_ITEM_NOT_FOUND, NULL);
		return;
	}
	was = *it;
	it->listed = it->asked = it->pending_in = it->approved = false;
	it->sub = HM_SUB_NONE;
	item_set_text(&it->name, NULL);
	item_set_text(&it->groups, NULL);
	item_set_text(&it->request, NULL);
	item_store(m, u, it, true);
	subscription_end(m, u, &was);
	item_tell(m, u, it);
	hm_iq_done(rq);
}

static void
put_item(struct hm_mod *m, struct hm_iq *rq, const char *jid, const struct hm_elem *elem)
{
	const struct roster_config *cfg = hm_config(m);
	struct hm_user *u = hm_iq_user(rq);
	const char *name = hm_elem_attr(elem, "name");
	enum hm_cond cond;
	const char *groups = read_groups(elem, cfg->max_groups, &cond);
	struct item *it = item_find(m, u, jid);

	if (!groups) {
		hm_iq_fail(rq, cond, "A group is empty, too long, one too many, or named twice.");
		return;
	}
	if (name && strlen(name) > NAME_MAX_BYTES) {
		hm_iq_fail(rq, HM_NOT_ACCEPTABLE, "The name is too long.");
		return;
	}
	if (roster_is_full(m, u, it, jid, name, groups)) {
		hm_iq_fail(rq, HM_RESOURCE_CONSTRAINT, "The roster is full.");
		return;
	}
	it = item_make(m, u, jid);
	it->listed = true;
	item_set_text(&it->name, name);
	item_set_text(&it->groups, groups);
	item_changed(m, u, it, true);
	hm_iq_done(rq);
}

static void
roster_set(struct hm_mod *m, struct hm_iq *rq)
{
	const struct hm_elem *item = hm_first_child(hm_iq_payload(rq));
	const char *text = item ? hm_elem_attr(item, "jid") : NULL, *jid, *subscription;

	if (!item || !hm_elem_is(item, NS_ROSTER, "item") || hm_next_sibling(item) || !text) {
		hm_iq_fail(rq, HM_BAD_REQUEST, "One item with a jid is wanted.");
		return;
	}
	jid = hm_tmp_jid(text);
	if (!jid) {
		hm_iq_fail(rq, HM_JID_MALFORMED, NULL);
		return;
	}
	jid = hm_tmp_bare(jid);
	subscription = hm_elem_attr(item, "subscription");
	if (subscription && strcmp(subscription, "remove") == 0)
		remove_item(m, rq, jid);
	else if (strcmp(jid, hm_user_jid(hm_iq_user(rq))) == 0)
		hm_iq_fail(rq, HM_NOT_ALLOWED, "This is the account itself.");
	else
		put_item(m, rq, jid, item);
}

/* --- For other modules ---------------------------------------------------------------------------------------- */

static enum hm_subscription
iface_subscription(struct hm_mod *m, struct hm_user *u, const char *bare)
{
	const struct item *it = item_find(m, u, bare);

	return it ? it->sub : HM_SUB_NONE;
}

static bool
iface_has(struct hm_mod *m, struct hm_user *u, const char *bare)
{
	const struct item *it = item_find(m, u, bare);

	return it && it->listed;
}

static void
iface_each(struct hm_mod *m, struct hm_user *u,
           bool (*fn)(const char *bare, enum hm_subscription sub, const char *const *groups,
                      size_t n, void *ctx),
           void *ctx)
{
	struct roster *r = roster_of(m, u);
	const struct roster_config *cfg = hm_config(m);
	size_t pos = 0;
	void *value;

	while (hm_table_next(r->items, &pos, NULL, &value)) {
		const struct item *it = value;
		const char **groups = hm_tmp_alloc(((size_t)cfg->max_groups + 1) * sizeof(char *));
		size_t n = 0;

		if (!it->listed)
			continue;
		for (const char *g = it->groups; g && *g && n < (size_t)cfg->max_groups;
		     g = strchr(g, GROUP_END) + 1)
			groups[n++] = hm_tmp_printf("%.*s", (int)(strchr(g, GROUP_END) - g), g);
		if (!fn(it->jid, it->sub, groups, n, ctx))
			return;
	}
}

/* jid: a bare JID, a full one, or a domain (XEP-0191 6): the contacts that it covers, or that one resource. */
static bool
covers(const char *jid, const char *contact)
{
	return strcmp(hm_tmp_bare(jid), contact) == 0 || strcmp(jid, hm_tmp_domain(contact)) == 0;
}

static void
for_covered(struct hm_mod *m, struct hm_user *u, const char *jid, enum hm_subscription direction,
            void (*fn)(struct hm_mod *, struct hm_user *, const char *))
{
	size_t pos = 0;
	void *value;

	while (hm_table_next(roster_of(m, u)->items, &pos, NULL, &value)) {
		const struct item *it = value;

		if ((it->sub & direction) && covers(jid, it->jid))
			fn(m, u, hm_tmp_resource(jid) ? jid : it->jid);
	}
}

static void
iface_hide_from(struct hm_mod *m, struct hm_user *u, const char *jid)
{
	for_covered(m, u, jid, HM_SUB_FROM, presence_hide_from);
}

static void
iface_show_to(struct hm_mod *m, struct hm_user *u, const char *jid)
{
	for_covered(m, u, jid, HM_SUB_FROM, presence_show_to);
	for_covered(m, u, jid, HM_SUB_TO, presence_ask);
}

static const struct hm_roster_iface roster_iface = {
	.subscription = iface_subscription,
	.has = iface_has,
	.each = iface_each,
	.hide_from = iface_hide_from,
	.show_to = iface_show_to,
};

/* --- A planned restart --------------------------------------------------------------------------------- */

static void
roster_save(struct hm_mod *m, struct hm_session *s, struct hm_writer *w)
{
	const struct roster_session *rs = hm_session_state(m, s);

	hm_attr_int(w, "interested", rs->interested);
}

static void
roster_restore(struct hm_mod *m, struct hm_session *s, const struct hm_elem *saved)
{
	struct roster_session *rs = hm_session_state(m, s);
	const char *interested = hm_elem_attr(saved, "interested");

	rs->interested = interested && strcmp(interested, "1") == 0;
}

/* --- Declaration ------------------------------------------------------------------------------------------------- */

static const struct hm_iq_route roster_iq[] = {
	{ HM_GET, HM_TO_ACCOUNT, HM_OWNER, NS_ROSTER, "query", roster_get, .hidden = true },
	{ HM_SET, HM_TO_ACCOUNT, HM_OWNER, NS_ROSTER, "query", roster_set, .hidden = true },
};
static const struct hm_hook roster_hooks[] = {
	HM_HOOK(client_sent, HM_HANDLE, subscription_sent),
	HM_HOOK(account_received, HM_HANDLE, subscription_received),
	HM_HOOK(account_received, HM_HANDLE, presence_probed),
	HM_ON(presence_changed, presence_changed),
	HM_ON(remote_back, remote_back),
	HM_ON(account_deleting, subscription_deleting),
};
static const struct hm_user_load roster_load[] = { { ROSTER_LOAD, roster_rows } };
static const struct hm_stream_feature roster_features[] = {
	{ .xml = "<ver xmlns='urn:xmpp:features:rosterver'/>" },
	{ .xml = "<sub xmlns='urn:xmpp:features:pre-approval'/>" },
};
static const struct hm_provide roster_provides[] = { { "roster", HM_ROSTER_IFACE, &roster_iface } };
static const struct hm_spec roster_specs[] = {
	{ "RFC 6121", "", "An account cannot be redirected (4.3.2 rule 2)." },
};
extern const struct hm_migration roster_schema[];

HM_MODULE(roster) = {
	.summary = "Contact list, subscriptions and presence",
	.specs = HM_TABLE(roster_specs),
	.iq = HM_TABLE(roster_iq),
	.hooks = HM_TABLE(roster_hooks),
	.config = HM_TABLE(roster_keys),
	.config_size = sizeof(struct roster_config),
	.sql = HM_TABLE(roster_sql),
	.schema = roster_schema,
	.load = HM_TABLE(roster_load),
	.provides = HM_TABLE(roster_provides),
	.stream_features = HM_TABLE(roster_features),
	.user_state_size = sizeof(struct roster),
	.user_free = roster_free,
	.session_state_size = sizeof(struct roster_session),
	.session_save = roster_save,
	.session_restore = roster_restore,
};
