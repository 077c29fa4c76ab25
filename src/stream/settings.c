/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* stream/settings.c - the keys of the block `c2s`. */
#include "stream/settings.h"

#include <hermod/values.h>

#include "conf/schema.h"

/* clang-format off */
#define KEY(field, type, def, ...) HM_KEY(struct stream_settings, field, type, def, ##__VA_ARGS__)

static const char *const mechanisms[] = { "SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", NULL };

/*
 * In flight: what the core has got and not yet processed.  It gives credit back for 16 stanzas or 64 KiB at a
 * time, and reading goes on below half: hence the lower bounds.
 */
static const struct hm_conf_key keys[] = {
	KEY(require_tls, BOOL, "yes",
	    .doc = "Whether a client must encrypt the connection before it may log in."),
	KEY(mechanisms, LIST, "[ SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 PLAIN ]", .min = "1", .choices = mechanisms,
	    .doc = "SASL mechanisms that are offered. Under TLS each SCRAM comes with its variant with channel binding; PLAIN is offered under TLS only."),
	KEY(login_attempts, INT, "4", .min = "1", .max = "100",
	    .doc = "Failed attempts to log in after which a connection is closed."),
	KEY(max_stanza_size, SIZE, "512 KiB", .min = "10000", .max = "16 MiB",
	    .doc = "The largest stanza of a client that has logged in. Clients are told."),
	KEY(max_stanza_depth, INT, "64", .min = "8", .max = "512",
	    .doc = "How deep the elements of a stanza may be nested."),
	KEY(max_stanza_nodes, INT, "20000", .min = "100", .max = "1000000",
	    .doc = "How many elements and attributes a stanza may have."),
	KEY(idle_time, DURATION, "10 min", .min = "10 s", .max = "unlimited",
	    .doc = "A client that sends nothing for so long is asked whether it is still there."),
	KEY(rate, SIZE, "1 MiB", .min = "1 KiB", .max = "unlimited",
	    .doc = "Bytes a second that are read from one client over a longer time; what comes faster waits."),
	KEY(burst, SIZE, "1 MiB", .min = "16 KiB", .max = "1 GiB",
	    .doc = "Bytes that are read from one client at once before its rate counts."),
	KEY(stanzas_in_flight, INT, "64", .min = "32", .max = "10000",
	    .doc = "Stanzas of one client that are being processed; then reading pauses."),
	KEY(bytes_in_flight, SIZE, "256 KiB", .min = "128 KiB", .max = "64 MiB",
	    .doc = "The same in bytes."),
	KEY(output_queue, SIZE, "1 MiB", .min = "64 KiB", .max = "1 GiB",
	    .doc = "Bytes that wait for a client which does not read; beyond it the connection is cut."),
	KEY(write_timeout, DURATION, "1 min", .min = "5 s", .max = "1 h",
	    .doc = "A connection that takes no output for so long is cut."),
	KEY(close_timeout, DURATION, "2 s", .min = "100 ms", .max = "1 min",
	    .doc = "How long the end of a stream waits for the client's part in it."),
	/* The server's: they count before a client has named its host. */
	KEY(unauthenticated_stanza_size, SIZE, "16 KiB", .min = "10000", .max = "1 MiB",
	    .doc = "The largest element that is accepted before a client has logged in."),
	KEY(unauthenticated_bytes, SIZE, "64 KiB", .min = "20000", .max = "16 MiB",
	    .doc = "All that a client may send before it has logged in."),
	KEY(negotiation_timeout, DURATION, "30 s", .min = "1 s", .max = "10 min",
	    .doc = "The time a client has from connecting to having logged in."),
	KEY(max_connections, INT, "unlimited", .min = "1", .max = "unlimited",
	    .doc = "Connections in all; what comes beyond is closed at once."),
	KEY(max_unauthenticated_per_address, INT, "256", .min = "1", .max = "unlimited",
	    .doc = "Connections of one address, or one IPv6 network of 64 bits, that have not logged in yet."),
};
#define SERVER_KEYS 5
/* clang-format on */

const struct conf_schema stream_schema = { .keys = keys, .n_keys = HM_COUNT(keys) };
const struct conf_schema stream_host_schema = { .keys = keys,
	                                        .n_keys = HM_COUNT(keys) - SERVER_KEYS };
