/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* stream/s2s_settings.c - the keys of the block `s2s`. */
#include "stream/s2s_settings.h"

#include <arpa/inet.h>
#include <string.h>

#include <hermod/values.h>

#include "conf/schema.h"

static bool
is_address(const char *text)
{
	unsigned char ignored[16];

	return inet_pton(AF_INET, text, ignored) == 1 || inet_pton(AF_INET6, text, ignored) == 1;
}

/* clang-format off */
#define KEY(field, type, def, ...) HM_KEY(struct s2s_settings, field, type, def, ##__VA_ARGS__)
#define COMMON(field, type, def, ...) HM_KEY_AS(#field, struct s2s_settings, common.field, type, def, ##__VA_ARGS__)

static const struct hm_conf_key keys[] = {
	KEY(require_tls, BOOL, "yes",
	    .doc = "Whether connections with other servers must be encrypted."),
	KEY(dialback, BOOL, "yes",
	    .doc = "Whether a server without a valid certificate may show by dialback (a call to the address that DNS gives for its domain) who it is. If not, both sides need certificates."),
	KEY(require_certificate, LIST, NULL, .max = "10000",
	    .doc = "Domains whose servers need a valid certificate even where dialback is allowed; here and in the next two lists *.example.org is every domain below that one, * all."),
	KEY(allow, LIST, NULL, .max = "10000",
	    .doc = "If it is not empty: the only domains that servers are talked to."),
	KEY(deny, LIST, NULL, .max = "10000",
	    .doc = "Domains that servers are not talked to."),
	KEY(ca_file, STRING, NULL,
	    .doc = "A file of certificates (PEM) that those of other servers must be signed by. Without it: those that this system trusts."),
	KEY(connect_timeout, DURATION, "20 s", .min = "1 s", .max = "5 min",
	    .doc = "How long it may take to find the address of a server and to reach it."),
	COMMON(max_stanza_size, SIZE, "512 KiB", .min = "10000", .max = "16 MiB",
	    .doc = "The largest stanza of a server that has shown who it is. Servers are told."),
	COMMON(max_stanza_depth, INT, "64", .min = "8", .max = "512",
	    .doc = "How deep the elements of a stanza may be nested."),
	COMMON(max_stanza_nodes, INT, "20000", .min = "100", .max = "1000000",
	    .doc = "How many elements and attributes a stanza may have."),
	COMMON(idle_time, DURATION, "10 min", .min = "10 s", .max = "unlimited",
	    .doc = "A connection on which nothing was sent for so long is closed; it comes back when it is needed."),
	COMMON(rate, SIZE, "2 MiB", .min = "1 KiB", .max = "unlimited",
	    .doc = "Bytes a second that are read from one server over a longer time; what comes faster waits."),
	COMMON(burst, SIZE, "4 MiB", .min = "16 KiB", .max = "1 GiB",
	    .doc = "Bytes that are read from one server at once before its rate counts."),
	COMMON(stanzas_in_flight, INT, "1000", .min = "32", .max = "100000",
	    .doc = "Stanzas of one connection that are being processed; then reading pauses."),
	COMMON(bytes_in_flight, SIZE, "4 MiB", .min = "128 KiB", .max = "256 MiB",
	    .doc = "The same in bytes."),
	COMMON(output_queue, SIZE, "16 MiB", .min = "64 KiB", .max = "1 GiB",
	    .doc = "Bytes that wait for a server which does not read; beyond it the connection is cut."),
	COMMON(write_timeout, DURATION, "1 min", .min = "5 s", .max = "1 h",
	    .doc = "A connection that takes no output for so long, or whose other end does not confirm what was sent, is cut."),
	COMMON(close_timeout, DURATION, "2 s", .min = "100 ms", .max = "1 min",
	    .doc = "How long the end of a stream waits for the other server's part in it."),
	COMMON(unauthenticated_stanza_size, SIZE, "16 KiB", .min = "10000", .max = "1 MiB",
	    .doc = "The largest element that is accepted before a server has shown who it is."),
	COMMON(unauthenticated_bytes, SIZE, "128 KiB", .min = "20000", .max = "16 MiB",
	    .doc = "All that a server may send before it has shown who it is."),
	COMMON(negotiation_timeout, DURATION, "30 s", .min = "1 s", .max = "10 min",
	    .doc = "The time from connecting to having shown who one is, and for each answer of another server in it."),
	COMMON(max_connections, INT, "unlimited", .min = "1", .max = "unlimited",
	    .doc = "Connections in all, those of clients included, above which servers are turned away."),
	COMMON(max_unauthenticated_per_address, INT, "64", .min = "1", .max = "unlimited",
	    .doc = "Connections of one address, or one IPv6 network of 64 bits, that have not shown yet who they are."),
};

static const struct conf_block_rule blocks[] = {
	{ .name = "domain", .titled = true, .doc = "Where the server of this domain is, whatever DNS says; for tests and closed networks." },
};

static const struct hm_conf_key fixed_keys[] = {
	HM_KEY(struct s2s_fixed, address, STRING, NULL, .required = true, .valid = is_address, .what = "an address in numbers",
	       .doc = "The address, in numbers."),
	HM_KEY(struct s2s_fixed, port, INT, "5269", .min = "1", .max = "65535", .doc = "The TCP port."),
	HM_KEY(struct s2s_fixed, direct_tls, BOOL, "no", .doc = "Whether TLS begins at once on that port, instead of by STARTTLS."),
};
/* clang-format on */

const struct conf_schema s2s_schema = { keys, HM_COUNT(keys), blocks, HM_COUNT(blocks) };
const struct conf_schema s2s_fixed_schema = { .keys = fixed_keys, .n_keys = HM_COUNT(fixed_keys) };

bool
s2s_list_names(const struct hm_conf_list *list, const char *domain)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *entry = list->v[i], *end;
		size_t len = strlen(entry);

		if (strcmp(entry, "*") == 0 || strcmp(entry, domain) == 0)
			return true;
		if (entry[0] != '*' || strlen(domain) < len)
			continue;
		end = domain + strlen(domain) - (len - 1);
		if (strcmp(end, entry + 1) == 0)
			return true;
	}
	return false;
}
