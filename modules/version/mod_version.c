/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Software Version: tells who asks what this server runs.
 * XEP-0092 1.1.  The operating system is told only if the administrator says so (section 5).
 */
#include <sys/utsname.h>

#include <hermod/module.h>

#define NS_VERSION "jabber:iq:version"

struct version_config {
	bool show_os;
};

static const struct hm_conf_key version_keys[] = {
	HM_KEY(struct version_config, show_os, BOOL, "no",
	       .doc = "Tell the name of the operating system, too."),
};

static void
version_get(struct hm_mod *m, struct hm_iq *rq)
{
	const struct version_config *cfg = hm_config(m);
	struct hm_writer *w = hm_iq_result(rq);
	struct utsname os;

	hm_open(w, NS_VERSION, "query");
	hm_leaf(w, "name", "Hermod");
	hm_leaf(w, "version", hm_version());
	if (cfg->show_os && uname(&os) == 0)
		hm_leaf(w, "os", os.sysname);
	hm_close(w);
	hm_iq_done(rq);
}

static const struct hm_iq_route version_iq[] = {
	{ HM_GET, HM_TO_HOST | HM_TO_SERVICE, HM_ANYONE, NS_VERSION, "query", version_get },
};
static const struct hm_feature version_features[] = { { HM_TO_HOST | HM_TO_SERVICE, NS_VERSION } };
static const struct hm_spec version_specs[] = { { "XEP-0092", "1.1", NULL } };

HM_MODULE(version) = {
	.summary = "Software Version",
	.specs = HM_TABLE(version_specs),
	.iq = HM_TABLE(version_iq),
	.features = HM_TABLE(version_features),
	.config = HM_TABLE(version_keys),
	.config_size = sizeof(struct version_config),
};
