/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/s2s_settings.h - what an administrator may set about connections of servers: the block
 * `s2s { ... }` of the configuration file.
 */
#ifndef STREAM_S2S_SETTINGS_H
#define STREAM_S2S_SETTINGS_H

#include "stream/settings.h"

struct s2s_settings {
	struct stream_settings common; /* what clients have too; the rest of it is zero */
	bool require_tls, dialback;
	struct hm_conf_list require_certificate, allow, deny;
	const char *ca_file;
	uint32_t connect_timeout;
};

/* The block `domain NAME { ... }` in it: where this one is, whatever DNS says. */
struct s2s_fixed {
	const char *domain; /* normalised */
	const char *address;
	int64_t port;
	bool direct_tls;
};

extern const struct conf_schema s2s_schema;       /* into struct s2s_settings */
extern const struct conf_schema s2s_fixed_schema; /* into struct s2s_fixed, but for domain */

/* All of it. */
struct s2s_config {
	struct s2s_settings settings;
	const struct s2s_fixed *fixed;
	size_t n_fixed;
};

/* "example.org" names itself, "*.example.org" all below it, "*" everybody. */
bool s2s_list_names(const struct hm_conf_list *list, const char *domain);

#endif
