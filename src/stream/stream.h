/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/stream.h - the stream side of client connections (RFC 6120), as the daemon
 * sees it.  What it says to the core and hears from it goes over link/link.h.
 *
 * Start: stream_init(); on each worker stream_start_here(), then the listeners.
 * End: the listeners stop; on each worker stream_stop_here(); unless stream_count() becomes 0 before
 * patience ends, on each worker stream_end_here(); after the workers stream_free().
 */
#ifndef STREAM_STREAM_H
#define STREAM_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include <hermod/values.h>

#include "link/link.h"
#include "net/tls.h"
#include "stream/settings.h"

/* The TLS of each kind of listener; NULL: there is none (then STARTTLS is not offered). */
struct stream_tls {
	struct tls_context *starttls;
	struct tls_context *direct; /* ALPN "xmpp-client" (XEP-0368) */
};

/* What the stream side speaks, for --describe. */
extern const struct hm_spec stream_specs[];
extern const size_t stream_specs_n;

/*
 * Once, before the workers run, net_init() and offload_init() done.  Settings are copied, contexts referenced.
 * false: libsasl2 or its plug-ins are missing.
 */
bool stream_init(const struct stream_settings *settings, const struct stream_host_settings *hosts,
                 size_t n_hosts, const struct stream_tls *tls, struct hm_error *why) HM_MUST_USE;
/* Any thread, while the workers run: new connections use these. */
void stream_reload(const struct stream_settings *settings, const struct stream_host_settings *hosts,
                   size_t n_hosts, const struct stream_tls *tls);
void stream_free(void);

/* On each worker. */
void stream_start_here(void);
/* Every stream of this worker ends with system-shutdown; within close_timeout, and new ones are refused. */
void stream_stop_here(void);
/* What is left is cut off. */
void stream_end_here(void);

/* Streams of all workers. */
size_t stream_count(void);

/* listener_accept_fn; ctx is not looked at.  Kind "c2s": STARTTLS. Kind "c2s-tls": TLS from the first byte. */
void stream_accept_c2s(void *ctx, int fd);
void stream_accept_c2s_tls(void *ctx, int fd);

/* For link_set_receivers(). */
void stream_receive(struct link_msg *take);

#endif
