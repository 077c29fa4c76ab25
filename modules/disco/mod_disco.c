/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Service Discovery: what the host, its accounts and its services are and can do.
 * XEP-0030 2.5.0, XEP-0128 1.0.1, XEP-0157 1.1.1.  What is told comes from the tables of all
 * modules; here are the questions, who may ask them, and the contact addresses.
 *
 * An account tells about itself to its owner and to whom it grants its presence; to others it
 * answers as one that does not exist (XEP-0030 8).
 */
#include <ctype.h>
#include <string.h>

#include <hermod/module.h>

#include <hermod/iface/roster.h>

#define NS_INFO "http://jabber.org/protocol/disco#info"
#define NS_ITEMS "http://jabber.org/protocol/disco#items"
#define FORM_SERVERINFO "http://jabber.org/network/serverinfo"

/* --- Configuration ---------------------------------------------------------------------- */

enum { ABUSE, ADMIN, FEEDBACK, SALES, SECURITY, STATUS, SUPPORT, CONTACTS };

struct disco_config {
	const char *name;
	struct hm_conf_list contacts[CONTACTS];
};

/* The fields of XEP-0157 7.1. */
static const char *const contact_fields[CONTACTS] = {
	[ABUSE] = "abuse-addresses",       [ADMIN] = "admin-addresses",
	[FEEDBACK] = "feedback-addresses", [SALES] = "sales-addresses",
	[SECURITY] = "security-addresses", [STATUS] = "status-addresses",
	[SUPPORT] = "support-addresses",
};

/* Enough of RFC 3986 3 to notice a bare mail address: a scheme, and something behind it. */
static bool
is_uri(const char *text)
{
	const char *at = text;

	if (!isalpha((unsigned char)*at))
		return false;
	while (isalnum((unsigned char)*at) || (*at && strchr("+-.", *at)))
		at++;
	return *at == ':' && at[1] && !strpbrk(at, " \"<>\\^`{|}");
}

/* clang-format off */
#define CONTACT(name, which, purpose) \
	HM_KEY_AS(name, struct disco_config, contacts[which], LIST, NULL, .max = "10", \
	          .valid = is_uri, .what = "a URI such as mailto:me@example.org", \
	          .doc = "Addresses (mailto:, xmpp:, https:) " purpose ".")
static const struct hm_conf_key disco_keys[] = {
	HM_KEY(struct disco_config, name, STRING, "Hermod", .min = "1", .max = "255",
	       .doc = "The name under which clients show the server."),
	CONTACT("abuse_addresses", ABUSE, "for reports of abuse"),
	CONTACT("admin_addresses", ADMIN, "of the administrators"),
	CONTACT("feedback_addresses", FEEDBACK, "for feedback of users"),
	CONTACT("sales_addresses", SALES, "for questions about prices"),
	CONTACT("security_addresses", SECURITY, "for reports of security problems"),
	CONTACT("status_addresses", STATUS, "where the state of the service is told"),
	CONTACT("support_addresses", SUPPORT, "where users get help"),
};
/* clang-format on */

/* --- What they say of themselves ----------------------------------------------------------- */

static void
add_contacts(const struct disco_config *cfg, struct hm_info *info)
{
	bool open = false;

	for (unsigned which = 0; which < CONTACTS; which++) {
		const struct hm_conf_list *list = &cfg->contacts[which];

		if (list->n == 0)
			continue;
		if (!open)
			hm_info_form(info, FORM_SERVERINFO);
		open = true;
		hm_info_field(info, contact_fields[which], "list-multi", list->v, list->n);
	}
}

static void
disco_info(struct hm_mod *m, enum hm_side side, struct hm_user *u, struct hm_info *info)
{
	const struct disco_config *cfg = hm_config(m);

	if (side == HM_TO_HOST) {
		hm_info_identity(info, "server", "im", cfg->name);
		add_contacts(cfg, info);
	} else if (side == HM_TO_ACCOUNT) {
		hm_info_identity(info, "account", hm_user_is_admin(u) ? "admin" : "registered",
		                 NULL);
	}
}

/* --- Questions ---------------------------------------------------------------------------------- */

static struct hm_writer *
open_result(struct hm_iq *rq, const char *ns)
{
	struct hm_writer *w = hm_iq_result(rq);

	hm_open(w, ns, "query");
	/* XEP-0030 3.2: mirrored. */
	hm_attr(w, "node", hm_elem_attr(hm_iq_payload(rq), "node"));
	return w;
}

static void
end_result(struct hm_iq *rq, struct hm_writer *w)
{
	hm_close(w);
	hm_iq_done(rq);
}

static bool
may_see(struct hm_mod *m, struct hm_iq *rq)
{
	struct hm_user *u = hm_iq_user(rq);

	return u && hm_roster_sees_presence(m, u, hm_iq_from_bare(rq));
}

static void
info_get(struct hm_mod *m, struct hm_iq *rq)
{
	const char *node = hm_elem_attr(hm_iq_payload(rq), "node");
	struct hm_writer *w = open_result(rq, NS_INFO);

	if (hm_write_info(m, rq, w, node))
		end_result(rq, w);
	else
		hm_iq_fail(rq, HM_ITEM_NOT_FOUND, NULL);
}

static void
account_info_get(struct hm_mod *m, struct hm_iq *rq)
{
	if (may_see(m, rq))
		info_get(m, rq);
	else
		hm_iq_fail(rq, HM_SERVICE_UNAVAILABLE, NULL);
}

static void
items_get(struct hm_mod *m, struct hm_iq *rq)
{
	struct hm_writer *w;

	if (hm_elem_attr(hm_iq_payload(rq), "node")) {
		hm_iq_fail(rq, HM_ITEM_NOT_FOUND, NULL);
		return;
	}
	w = open_result(rq, NS_ITEMS);
	hm_write_items(m, rq, w);
	end_result(rq, w);
}

/* XEP-0030 4.1 and 8: its available resources for whom it grants its presence; else, and if there is no such account, nothing. */
static void
account_items_get(struct hm_mod *m, struct hm_iq *rq)
{
	struct hm_writer *w;

	if (!may_see(m, rq)) {
		end_result(rq, open_result(rq, NS_ITEMS));
		return;
	}
	if (hm_elem_attr(hm_iq_payload(rq), "node")) {
		hm_iq_fail(rq, HM_ITEM_NOT_FOUND, NULL);
		return;
	}
	w = open_result(rq, NS_ITEMS);
	hm_for_each_session(s, hm_iq_user(rq))
	{
		if (!hm_session_presence(s))
			continue;
		hm_open(w, NULL, "item");
		hm_attr(w, "jid", hm_session_jid(s));
		hm_close(w);
	}
	end_result(rq, w);
}

/* --- Declaration ----------------------------------------------------------------------------------- */

static const struct hm_iq_route disco_iq[] = {
	{ HM_GET, HM_TO_HOST | HM_TO_SERVICE | HM_TO_ENTITY, HM_ANYONE, NS_INFO, "query",
	  info_get },
	{ HM_GET, HM_TO_ACCOUNT, HM_ANYONE, NS_INFO, "query", account_info_get },
	{ HM_GET, HM_TO_HOST | HM_TO_SERVICE | HM_TO_ENTITY, HM_ANYONE, NS_ITEMS, "query",
	  items_get },
	{ HM_GET, HM_TO_ACCOUNT, HM_ANYONE, NS_ITEMS, "query", account_items_get,
	  .answers_absent = true },
};
static const struct hm_feature disco_features[] = {
	{ HM_TO_HOST | HM_TO_ACCOUNT | HM_TO_SERVICE | HM_TO_ENTITY, NS_INFO },
	{ HM_TO_HOST | HM_TO_ACCOUNT | HM_TO_SERVICE | HM_TO_ENTITY, NS_ITEMS },
};
static const struct hm_spec disco_specs[] = {
	{ "XEP-0030", "2.5.0",
	  "Identities have one language. Nodes are those of entity capabilities." },
	{ "XEP-0128", "1.0.1", NULL },
	{ "XEP-0157", "1.1.1", NULL },
};

HM_MODULE(disco) = {
	.summary = "Service Discovery",
	.specs = HM_TABLE(disco_specs),
	.iq = HM_TABLE(disco_iq),
	.features = HM_TABLE(disco_features),
	.config = HM_TABLE(disco_keys),
	.config_size = sizeof(struct disco_config),
	.info = disco_info,
};
