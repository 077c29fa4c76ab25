/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Private XML Storage: a client keeps small XML fragments on the server.
 * XEP-0049 1.2.  One row holds what an account stored under one namespace.
 *
 * Section 2.3 asks for Not Acceptable (MUST) and for Bad Format (SHOULD) when the query has no
 * child.  We send not-acceptable: RFC 6120 8.3.3 knows no stanza error called bad-format.
 * Reserved namespaces are not refused (OPTIONAL there): old clients keep things in them.
 */
#include <string.h>

#include <hermod/module.h>

#define NS_PRIVATE "jabber:iq:private"
#define NS_MAX_BYTES 1023 /* it is part of a key */

struct private_config {
	size_t max_size;
	int64_t max_namespaces;
};

static const struct hm_conf_key private_keys[] = {
	HM_KEY(struct private_config, max_size, SIZE, "64 KiB", .min = "1 KiB", .max = "1 MiB",
	       .doc = "The largest fragment that a client may store under one namespace."),
	HM_KEY(struct private_config, max_namespaces, INT, "100", .min = "1", .max = "10000",
	       .doc = "How many namespaces one account may use."),
};

enum { FETCH, PUT, LIST, STATEMENTS };

static const struct hm_sql private_sql[STATEMENTS] = {
	[FETCH] = { "SELECT xml FROM private WHERE account = $1 AND ns = $2", NULL },
	/* The limit is checked where it cannot race: inside the statement. */
	[PUT] = { "INSERT INTO private (account, ns, xml) SELECT $1, $2, $3"
	          " WHERE (SELECT count(*) FROM private WHERE account = $1 AND ns <> $2) < $4"
	          " ON CONFLICT (account, ns) DO UPDATE SET xml = excluded.xml",
	          NULL },
	[LIST] = { "SELECT ns, length(xml) FROM private WHERE account = $1 ORDER BY ns", NULL },
};

static hm_iq_rows_fn private_found, private_stored;
static hm_cmd_rows_fn private_listed;

/* The one namespace that all children of the query share, or NULL (2.3). */
static const char *
shared_namespace(const struct hm_elem *query)
{
	const char *ns = NULL;

	hm_for_each_child (child, query) {
		const char *its_ns = hm_elem_ns(child);

		if (strcmp(its_ns, NS_PRIVATE) == 0 || (ns && strcmp(ns, its_ns) != 0))
			return NULL;
		ns = its_ns;
	}
	return ns && strlen(ns) <= NS_MAX_BYTES ? ns : NULL;
}

/* --- get ---------------------------------------------------------------------------------- */

static void
private_get(struct hm_mod *m, struct hm_iq *rq)
{
	const char *ns = shared_namespace(hm_iq_payload(rq));

	if (ns)
		hm_query(m, rq, FETCH, private_found, hm_iq_account(rq), ns);
	else
		hm_iq_fail(rq, HM_NOT_ACCEPTABLE, "Ask for one namespace.");
}

static void
private_found(struct hm_iq *rq, struct hm_rows *rows)
{
	struct hm_writer *w = hm_iq_result(rq);
	bool stored = hm_next_row(rows);

	/* Nothing stored: give back the empty element that was asked for. */
	hm_open(w, NS_PRIVATE, "query");
	hm_put_xml(w, stored ? hm_col_text(rows, 0) : hm_tmp_inner_xml(hm_iq_payload(rq)));
	hm_close(w);
	hm_iq_done(rq);
}

/* --- set ---------------------------------------------------------------------------------- */

static void
private_set(struct hm_mod *m, struct hm_iq *rq)
{
	const struct private_config *cfg = hm_config(m);
	const char *ns = shared_namespace(hm_iq_payload(rq));
	const char *xml = hm_tmp_inner_xml(hm_iq_payload(rq));

	if (!ns)
		hm_iq_fail(rq, HM_NOT_ACCEPTABLE, "Store under one namespace.");
	else if (strlen(xml) > cfg->max_size)
		hm_iq_fail(rq, HM_POLICY_VIOLATION, "The fragment is too large.");
	else
		hm_query(m, rq, PUT, private_stored, hm_iq_account(rq), ns, xml,
		         cfg->max_namespaces);
}

static void
private_stored(struct hm_iq *rq, struct hm_rows *rows)
{
	if (hm_rows_changed(rows) > 0) {
		hm_iq_done(rq);
		return;
	}
	hm_log(rq, HM_INFO, "private storage is full");
	hm_iq_fail(rq, HM_RESOURCE_CONSTRAINT, "Too many namespaces are in use.");
}

/* --- Admin command -------------------------------------------------------------------------- */

static void
private_list(struct hm_mod *m, struct hm_cmd *cmd)
{
	hm_query(m, cmd, LIST, private_listed, hm_cmd_account(cmd));
}

static void
private_listed(struct hm_cmd *cmd, struct hm_rows *rows)
{
	while (hm_next_row(rows))
		hm_cmd_row(cmd, hm_kv("namespace", hm_col_text(rows, 0)),
		           hm_kv("characters", hm_col_int(rows, 1)));
	hm_cmd_done(cmd);
}

/* --- Declaration ------------------------------------------------------------------------------ */

static const struct hm_iq_route private_iq[] = {
	{ HM_GET, HM_TO_ACCOUNT, HM_OWNER, NS_PRIVATE, "query", private_get },
	{ HM_SET, HM_TO_ACCOUNT, HM_OWNER, NS_PRIVATE, "query", private_set },
};
static const struct hm_feature private_features[] = { { HM_TO_HOST | HM_TO_ACCOUNT, NS_PRIVATE } };
static const struct hm_command private_commands[] = {
	{
		.name = "private list",
		.help = "List the namespaces that an account stored something under.",
		.args = { { "account", HM_ARG_ACCOUNT } },
		.run = private_list,
	},
};
static const struct hm_spec private_specs[] = {
	{ "XEP-0049", "1.2",
	  "A query without child is answered not-acceptable instead of bad-format." },
};
extern const struct hm_migration private_schema[];

HM_MODULE(private) = {
	.summary = "Private XML Storage",
	.specs = HM_TABLE(private_specs),
	.iq = HM_TABLE(private_iq),
	.features = HM_TABLE(private_features),
	.commands = HM_TABLE(private_commands),
	.config = HM_TABLE(private_keys),
	.config_size = sizeof(struct private_config),
	.sql = HM_TABLE(private_sql),
	.schema = private_schema,
};
