/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/version.h - settings and TLS contexts as they are in force: an immutable,
 * counted set.  A connection keeps the one it began with; each worker has a reference to the
 * newest, so that nobody looks at a pointer that another thread changes.
 */
#ifndef STREAM_VERSION_H
#define STREAM_VERSION_H

#include <stdatomic.h>

#include "stream/stream.h"
#include "xml/parser.h"

struct version {
	atomic_uint refs;
	struct stream_settings settings; /* but for the list: */
	unsigned mechanisms;             /* a bit for each of sasl_mechanisms[] */
	struct xml_limits before, after; /* authentication */
	struct stream_tls tls;
};

struct version *version_new(const struct stream_settings *settings, const struct stream_tls *tls);
struct version *version_ref(struct version *v);
void version_unref(struct version **v);

#endif
