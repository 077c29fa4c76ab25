/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/s2s.h - streams between servers (RFC 6120, XEP-0220, XEP-0178), as the daemon sees
 * them and stream.c starts and stops them.  What they say to the core: link/link.h, "Between servers".
 */
#ifndef STREAM_S2S_H
#define STREAM_S2S_H

#include <stdbool.h>
#include <stddef.h>

#include "link/link.h"
#include "net/tls.h"
#include "stream/s2s_settings.h"

/*
 * config is borrowed: it must stay until all workers have had a turn after s2s_reload() with the next one.
 * tls: one context for both directions, ALPN "xmpp-server", tls_context_judge_peers() called; referenced.  NULL: no TLS.
 */
void
s2s_init(const struct s2s_config *config, struct tls_context *tls); /* before the workers run */
void s2s_reload(const struct s2s_config *config, struct tls_context *tls); /* any thread */
void s2s_free(void);
/* Of the installation; keys for dialback are made from it.  Once, before the first listener or LINK_DOMAIN_OPEN. */
void s2s_set_secret(const void *secret, size_t len);

/* listener_accept_fn; ctx is not looked at. */
void s2s_accept(void *ctx, int fd);
void s2s_accept_tls(void *ctx, int fd); /* XEP-0368: TLS from the first byte */

/* --- For stream.c, on each worker ---------------------------------------------------- */

void s2s_start_here(void);
/* What is not connected yet is given up; connections end with the clients'. */
void s2s_stop_here(void);
/* The last stream of this worker is gone. */
void s2s_release_here(void);
/* A message that no client's stream is named by. */
void s2s_receive(struct link_msg *take);

#endif
