/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/dialback.h - keys of Server Dialback as XEP-0185 makes them, from a secret of the
 * installation: whoever has the secret can check a key that another process gave.  Any thread.
 */
#ifndef STREAM_DIALBACK_H
#define STREAM_DIALBACK_H

#include <stdbool.h>
#include <stddef.h>

#define NS_DIALBACK "jabber:server:dialback"
#define NS_DIALBACK_FEATURE "urn:xmpp:features:dialback"
#define DIALBACK_KEY_CHARS 64

/* What of the secret is needed: SHA256(secret) in hexadecimal. */
struct dialback_secret {
	char hash[DIALBACK_KEY_CHARS + 1];
};
void dialback_secret(struct dialback_secret *out, const void *secret, size_t len);

/* The key for one stream; normalised domains, the id that the receiving server gave to the stream. */
struct dialback_stream {
	const char *receiving, *originating, *id;
};
void dialback_key(char out[DIALBACK_KEY_CHARS + 1], const struct dialback_secret *secret,
                  const struct dialback_stream *stream);
/* Is it that key?  White space around it does not count. In a time that does not tell how much is right. */
bool dialback_key_is(const char *key, const struct dialback_secret *secret,
                     const struct dialback_stream *stream);

#endif
