/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Entity Capabilities of the server: a hash of what it says of itself stands in its stream
 * features, so that a client which knows it need not ask.
 * XEP-0115 1.6.0.  The hash is made by the core, which also answers at the node that this names.
 */
#include <hermod/module.h>

#define NS_CAPS "http://jabber.org/protocol/caps"

struct caps_config {
	const char *node;
};

static const struct hm_conf_key caps_keys[] = {
	HM_KEY(struct caps_config, node, STRING, "urn:hermod:server", .min = "1", .max = "255",
	       .doc = "The URI that stands for this software in the announcement."),
};

static void
caps_write(struct hm_mod *m, struct hm_writer *w)
{
	const struct caps_config *cfg = hm_config(m);

	hm_open(w, NS_CAPS, "c");
	hm_attr(w, "hash", "sha-1");
	hm_attr(w, "node", cfg->node);
	hm_attr(w, "ver", hm_caps_ver(m));
	hm_close(w);
}

static const struct hm_stream_feature caps_stream_features[] = { { .write = caps_write } };
static const struct hm_feature caps_features[] = { { HM_TO_HOST, NS_CAPS } };
static const struct hm_spec caps_specs[] = {
	{ "XEP-0115", "1.6.0",
	  "Capabilities of clients are passed on and not looked at; presence is not optimised (8.4)." },
};

HM_MODULE(caps) = {
	.summary = "Entity Capabilities",
	.specs = HM_TABLE(caps_specs),
	.features = HM_TABLE(caps_features),
	.stream_features = HM_TABLE(caps_stream_features),
	.config = HM_TABLE(caps_keys),
	.config_size = sizeof(struct caps_config),
};
