/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xmpp/precis.h - preparation of internationalised strings: the profiles of
 * RFC 8265 and RFC 8266 on the classes of RFC 8264, and the mapping of RFC 5895
 * that comes before IDNA2008.  For src/xmpp; others use xmpp/jid.h.
 * Pure functions; thread-safe.  The Unicode version is that of libunistring.
 */
#ifndef XMPP_PRECIS_H
#define XMPP_PRECIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRECIS_MAX 1023 /* bytes of a result, RFC 7622 3.1 */
/* No mapping makes a string shorter than a third (U+FF21 to "a"): what is longer cannot fit. */
#define PRECIS_INPUT_MAX (3 * PRECIS_MAX)

enum precis_profile {
	PRECIS_USERNAME, /* UsernameCaseMapped, RFC 8265 3.3 */
	PRECIS_OPAQUE,   /* OpaqueString, RFC 8265 4.2 */
	PRECIS_NICKNAME, /* Nickname in its form for comparison, RFC 8266 2.4 */
	PRECIS_DOMAIN,   /* RFC 5895 2: maps only, libidn2 judges the labels */
};

/* Writes the result with a NUL and returns its length; 0: refused, out is undefined. */
size_t
precis_enforce(enum precis_profile profile, const char *text, size_t len, char out[PRECIS_MAX + 1]);

/* RFC 8264 8, from the most to the least allowed.  FREE_PVAL is "ID_DIS or FREE_PVAL" there. */
enum precis_property {
	PRECIS_PVALID,
	PRECIS_FREE_PVAL, /* valid in the FreeformClass only */
	PRECIS_CONTEXTJ,
	PRECIS_CONTEXTO,
	PRECIS_DISALLOWED,
	PRECIS_UNASSIGNED,
};
enum precis_property precis_property(uint32_t cp);

/* RFC 5892 appendix A: is every CONTEXTJ and CONTEXTO code point of s allowed where it stands? */
bool precis_context_rules(const uint32_t *s, size_t n);

/* Does s hold a right-to-left code point (R, AL or AN, RFC 5893 1.4)? */
bool precis_is_rtl(const uint32_t *s, size_t n);
/* RFC 5893 2, the Bidi rule.  For a string with right-to-left code points, or a label beside one. */
bool precis_bidi_rule(const uint32_t *s, size_t n);

#endif
