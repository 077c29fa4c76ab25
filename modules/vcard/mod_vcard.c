/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * vcard-temp: the visiting card of each account, which everybody may read.
 * XEP-0054 1.3.0.  It is kept as it was sent; that it is a well-formed card is its client's duty.
 *
 * Who has none gets an empty card of his own (3.1 leaves the choice; clients show item-not-found
 * as an error).  Of others, "no card" and "no such account" are both service-unavailable (3.3).
 */
#include <string.h>

#include <hermod/module.h>

#define NS_VCARD "vcard-temp"

struct vcard_config {
	size_t max_size;
};

static const struct hm_conf_key vcard_keys[] = {
	HM_KEY(struct vcard_config, max_size, SIZE, "128 KiB", .min = "1 KiB", .max = "4 MiB",
	       .doc = "The largest card that is stored, its picture (in Base64) included."),
};

enum { FETCH, PUT, DELETE, STATEMENTS };

static const struct hm_sql vcard_sql[STATEMENTS] = {
	[FETCH] = { "SELECT xml FROM vcard WHERE account = $1", NULL },
	[PUT] = { "INSERT INTO vcard (account, xml) VALUES ($1, $2)"
	          " ON CONFLICT (account) DO UPDATE SET xml = excluded.xml",
	          NULL },
	[DELETE] = { "DELETE FROM vcard WHERE account = $1", NULL },
};

static hm_iq_rows_fn vcard_found, vcard_stored;

static void
vcard_get(struct hm_mod *m, struct hm_iq *rq)
{
	hm_query(m, rq, FETCH, vcard_found, hm_iq_account(rq));
}

static void
vcard_found(struct hm_iq *rq, struct hm_rows *rows)
{
	bool stored = hm_next_row(rows);
	bool own = strcmp(hm_iq_from_bare(rq), hm_user_jid(hm_iq_user(rq))) == 0;
	struct hm_writer *w;

	if (!stored && !own) {
		hm_iq_fail(rq, HM_SERVICE_UNAVAILABLE, NULL);
		return;
	}
	w = hm_iq_result(rq);
	if (stored) {
		hm_put_xml(w, hm_col_text(rows, 0));
	} else {
		hm_open(w, NS_VCARD, "vCard");
		hm_close(w);
	}
	hm_iq_done(rq);
}

static void
vcard_set(struct hm_mod *m, struct hm_iq *rq)
{
	const struct vcard_config *cfg = hm_config(m);
	const struct hm_elem *card = hm_iq_payload(rq);
	const char *xml = hm_tmp_xml(card);

	if (strlen(xml) > cfg->max_size)
		hm_iq_fail(rq, HM_POLICY_VIOLATION, "The card is too large.");
	else if (hm_first_child(card))
		hm_query(m, rq, PUT, vcard_stored, hm_iq_account(rq), xml);
	else
		hm_query(m, rq, DELETE, vcard_stored, hm_iq_account(rq));
}

static void
vcard_stored(struct hm_iq *rq, struct hm_rows *rows)
{
	hm_iq_done(rq);
}

static const struct hm_iq_route vcard_iq[] = {
	{ HM_GET, HM_TO_ACCOUNT, HM_ANYONE, NS_VCARD, "vCard", vcard_get },
	{ HM_SET, HM_TO_ACCOUNT, HM_OWNER, NS_VCARD, "vCard", vcard_set },
};
/* Also on the host: clients look there before they ask for any card. */
static const struct hm_feature vcard_features[] = { { HM_TO_HOST | HM_TO_ACCOUNT, NS_VCARD } };
static const struct hm_spec vcard_specs[] = {
	{ "XEP-0054", "1.3.0", "The server has no card of its own (3.3)." },
};
extern const struct hm_migration vcard_schema[];

HM_MODULE(vcard) = {
	.summary = "vcard-temp",
	.specs = HM_TABLE(vcard_specs),
	.iq = HM_TABLE(vcard_iq),
	.features = HM_TABLE(vcard_features),
	.config = HM_TABLE(vcard_keys),
	.config_size = sizeof(struct vcard_config),
	.sql = HM_TABLE(vcard_sql),
	.schema = vcard_schema,
};
