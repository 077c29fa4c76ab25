/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xmpp/jid.h - addresses: RFC 7622 on PRECIS (RFC 8264, 8265) and IDNA2008.
 * Pure functions; thread-safe.  An ASCII fast path does nearly all of the work.
 *
 * A normalised JID is carried as one string; struct jid cuts it into parts
 * that share the string.  Comparing normalised strings bytewise compares JIDs.
 */
#ifndef XMPP_JID_H
#define XMPP_JID_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

#define JID_PART_MAX 1023 /* bytes of each part, RFC 7622 3.1 */
#define JID_MAX (3 * JID_PART_MAX + 2)

struct jid {
	const char *full;     /* the whole, normalised */
	const char *bare;     /* without resource; the same pointer as full when there is none */
	const char *local;    /* NULL when there is none */
	const char *domain;   /* never NULL */
	const char *resource; /* NULL when there is none */
};

/* Parses and enforces; strings in a.  false: not an address (answer jid-malformed). NULL text is refused. */
__attribute__((warn_unused_result)) bool
jid_parse(struct jid *out, const char *text, struct arena *a);

/* The parts by themselves: the normalised part in a, or NULL. */
const char *jid_prepare_local(const char *text, struct arena *a); /* RFC 7622 3.3 */
/* 3.2: A-labels become U-labels, IP literals get one form, a trailing dot is cut. */
const char *jid_prepare_domain(const char *text, struct arena *a);
const char *jid_prepare_resource(const char *text, struct arena *a); /* 3.4 */

/* Joins normalised parts without looking at them; local and resource may be NULL. */
const char *jid_join(const char *local, const char *domain, const char *resource, struct arena *a);
/* The domain as A-labels, for DNS and certificates; NULL when it is none, or an IP literal. */
const char *jid_domain_ascii(const char *domain, struct arena *a);

/*
 * Profiles for other strings: the result in a, or NULL when the string is refused
 * (also when it is NULL, empty or not UTF-8, or in the end longer than JID_PART_MAX
 * bytes).
 */
/* OpaqueString, RFC 8265 4.2, for passwords.  The result is a secret: wipe it. */
const char *precis_opaque_string(const char *text, struct arena *a);
/* UsernameCaseMapped, RFC 8265 3.3. */
const char *precis_username(const char *text, struct arena *a);
/* Nickname in its form for comparison, RFC 8266 2.4. */
const char *precis_nickname(const char *text, struct arena *a);

#endif
