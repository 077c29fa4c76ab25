/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/tls.h - what TLS needs beside a connection: one context per listener kind, whose certificates are chosen
 * by SNI from an immutable, counted set that can be exchanged while running (RFC 7590, RFC 9325: TLS 1.2 and 1.3,
 * forward secrecy only, no compression, no renegotiation).
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include <hermod/values.h>

struct tls_context; /* counted; any thread */
struct tls_host {
	/* As A-label; also serves "*.": names of its services that have no entry of their own. */
	const char *domain;
	const char *certificate; /* path of the PEM chain */
	const char *key;         /* path of the PEM key; may be the same file */
};

/* alpn: NULL-terminated list of protocols accepted on direct TLS ("xmpp-client"), or NULL. Warnings (expired, name does not fit) go to the log. */
struct tls_context *tls_context_new(const struct tls_host *hosts, size_t n, const char *const *alpn,
                                    struct hm_error *why);
/*
 * For connections between servers, before the context is used: clients are asked for a certificate too (which they
 * need not have, and which is not judged in the handshake), and chains are followed to the certificates in
 * ca_file (PEM); NULL: those that this system trusts.
 */
bool tls_context_judge_peers(struct tls_context *ctx, const char *ca_file,
                             struct hm_error *why) HM_MUST_USE;
struct tls_context *tls_context_ref(struct tls_context *ctx);
void tls_context_unref(struct tls_context **ctx);
/* Have any of its files changed (mtime, inode, size) since they were read? */
bool tls_context_stale(const struct tls_context *ctx);

#endif
