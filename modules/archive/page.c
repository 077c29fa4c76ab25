/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* page.c - what an answer to a query consists of: results (XEP-0313 4.2, XEP-0297) and the end. */
#include "archive.h"

void
archive_send_result(const struct results *r, int64_t id, const struct hm_stanza *stanza,
                    const char *to)
{
	struct hm_writer *w = hm_stanza_new(HM_MESSAGE, NULL, NULL);

	hm_open(w, NS_MAM, "result");
	hm_attr(w, "queryid", r->queryid);
	hm_attr(w, "id", archive_iface.tmp_id(r->mod, r->user, id, false));
	hm_open(w, NS_FORWARD, "forwarded");
	hm_open(w, NS_DELAY, "delay");
	hm_attr(w, "stamp", hm_tmp_stamp(id));
	hm_close(w);
	if (stanza)
		hm_put_stanza(w, stanza, to ? to : hm_user_jid(r->user));
	hm_close(w);
	hm_close(w);
	hm_send_to_session(r->mod, r->session, w, hm_user_jid(r->user));
}

void
archive_fin(struct hm_mod *m, struct hm_iq *rq, int64_t first, int64_t last, bool complete)
{
	const struct hm_user *u = hm_iq_user(rq);
	struct hm_writer *w = hm_iq_result(rq);

	hm_open(w, NS_MAM, "fin");
	hm_attr(w, "complete", complete ? "true" : NULL);
	hm_open(w, NS_RSM, "set");
	if (first) {
		hm_leaf(w, "first", archive_iface.tmp_id(m, u, first, false));
		hm_leaf(w, "last", archive_iface.tmp_id(m, u, last, false));
	}
	hm_close(w);
	hm_close(w);
	hm_iq_done(rq);
}
