/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * XMPP Ping: answers a client that asks whether its stream still works.
 * XEP-0199 2.0.1.  Pings of the server, which find dead clients, are the core's.
 *
 * The account of somebody else answers as one that does not exist (RFC 6121 8.5.1): a pong would
 * tell that it does.
 */
#include <string.h>

#include <hermod/module.h>

#define NS_PING "urn:xmpp:ping"

static void
ping_domain(struct hm_mod *m, struct hm_iq *rq)
{
	hm_iq_done(rq);
}

static void
ping_account(struct hm_mod *m, struct hm_iq *rq)
{
	if (strcmp(hm_iq_from_bare(rq), hm_user_jid(hm_iq_user(rq))) == 0)
		hm_iq_done(rq);
	else
		hm_iq_fail(rq, HM_SERVICE_UNAVAILABLE, NULL);
}

static const struct hm_iq_route ping_iq[] = {
	{ HM_GET, HM_TO_HOST | HM_TO_SERVICE, HM_ANYONE, NS_PING, "ping", ping_domain },
	{ HM_GET, HM_TO_ACCOUNT, HM_ANYONE, NS_PING, "ping", ping_account },
};
static const struct hm_feature ping_features[] = {
	{ HM_TO_HOST | HM_TO_SERVICE | HM_TO_ACCOUNT, NS_PING },
};
static const struct hm_spec ping_specs[] = { { "XEP-0199", "2.0.1", NULL } };

HM_MODULE(ping) = {
	.summary = "XMPP Ping",
	.specs = HM_TABLE(ping_specs),
	.iq = HM_TABLE(ping_iq),
	.features = HM_TABLE(ping_features),
};
