/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/version.h - settings and TLS contexts as they are in force: an immutable,
 * counted set, with variants for hosts.  A connection keeps the one it began with; each worker has a reference to the
 * newest, so that nobody looks at a pointer that another thread changes.
 */
#ifndef STREAM_VERSION_H
#define STREAM_VERSION_H

#include <stdatomic.h>

#include "base/table.h"
#include "stream/stream.h"
#include "xml/parser.h"

struct version {
	atomic_uint refs;
	struct stream_settings settings; /* but for the list: */
	unsigned mechanisms;             /* a bit for each of sasl_mechanisms[] */
	struct xml_limits before, after; /* authentication */
	struct stream_tls tls;
	struct version *all; /* of a host's: the server's, which owns it */
	struct table hosts;  /* domain -> struct version, of hosts that have their own */
};

struct version *
version_new(const struct stream_settings *settings, const struct stream_host_settings *hosts,
            size_t n_hosts, const struct stream_tls *tls);
/* The one for that host out of the same set; a reference to the one is one to the other. */
struct version *version_of_host(struct version *v, const char *domain);
struct version *version_ref(struct version *v);
void version_unref(struct version **v);

#endif
