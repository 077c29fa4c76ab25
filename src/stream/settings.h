/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/settings.h - what an administrator may set about client connections: the
 * block `c2s { ... }` of the configuration file, and of hosts in it.
 */
#ifndef STREAM_SETTINGS_H
#define STREAM_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hermod/conf.h>

struct conf_schema;

struct stream_settings {
	bool require_tls;
	struct hm_conf_list mechanisms; /* without -PLUS, which comes by itself under TLS */

	/* Before authentication everything is small. */
	size_t unauthenticated_stanza_size;
	size_t unauthenticated_bytes; /* in all, TLS included */
	uint32_t negotiation_timeout;
	int64_t login_attempts;
	int64_t max_connections;
	int64_t max_unauthenticated_per_address;

	/* After it. */
	size_t max_stanza_size;
	int64_t max_stanza_depth, max_stanza_nodes;
	uint32_t idle_time;
	size_t rate;  /* bytes a second */
	size_t burst; /* bytes above it that may come at once */
	int64_t stanzas_in_flight;
	size_t bytes_in_flight;

	/* Output. */
	size_t output_queue;
	uint32_t write_timeout;
	uint32_t close_timeout;
};

/* Of a host that has some of its own; the rest are copied from the server's. */
struct stream_host_settings {
	const char *domain;
	const struct stream_settings *settings;
};

/* What may stand in a host's block. */
extern const struct conf_schema stream_host_schema;
extern const struct conf_schema stream_schema; /* conf_fill() it into a struct stream_settings */

#endif
