/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xmpp/precis_context.c - the rules that look at more than one code point: the
 * contextual rules of RFC 5892 appendix A and the Bidi rule of RFC 5893 2.
 */
#include "xmpp/precis.h"

#include <string.h>

#include <unictype.h>
#include <uninorm.h>

/* --- Contextual rules ------------------------------------------------------ */

static bool
is_script(uint32_t cp, const char *name)
{
	const uc_script_t *script = uc_script(cp);

	return script && strcmp(script->name, name) == 0;
}

/* A.1: (L or D) T* ZERO WIDTH NON-JOINER T* (R or D), in joining types. */
static bool
breaks_a_join(const uint32_t *s, size_t n, size_t at)
{
	size_t before = at, after = at + 1;
	int left, right;

	while (before > 0 && uc_joining_type(s[before - 1]) == UC_JOINING_TYPE_T)
		before--;
	while (after < n && uc_joining_type(s[after]) == UC_JOINING_TYPE_T)
		after++;
	if (before == 0 || after == n)
		return false;
	left = uc_joining_type(s[before - 1]);
	right = uc_joining_type(s[after]);
	return (left == UC_JOINING_TYPE_L || left == UC_JOINING_TYPE_D) &&
	       (right == UC_JOINING_TYPE_R || right == UC_JOINING_TYPE_D);
}

static bool
has_between(const uint32_t *s, size_t n, uint32_t first, uint32_t last)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] >= first && s[i] <= last)
			return true;
	return false;
}

static bool
has_japanese(const uint32_t *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_script(s[i], "Hiragana") || is_script(s[i], "Katakana") ||
		    is_script(s[i], "Han"))
			return true;
	return false;
}

/* The rules that look at the neighbours of s[at]; true where there is none. */
static bool
neighbours_allow(const uint32_t *s, size_t n, size_t at)
{
	bool has_before = at > 0, has_after = at + 1 < n;

	switch (s[at]) {
	case 0x200C: /* A.1 ZERO WIDTH NON-JOINER */
		return (has_before && uc_combining_class(s[at - 1]) == UC_CCC_VR) ||
		       breaks_a_join(s, n, at);
	case 0x200D: /* A.2 ZERO WIDTH JOINER */
		return has_before && uc_combining_class(s[at - 1]) == UC_CCC_VR;
	case 0x00B7: /* A.3 MIDDLE DOT */
		return has_before && has_after && s[at - 1] == 'l' && s[at + 1] == 'l';
	case 0x0375: /* A.4 GREEK LOWER NUMERAL SIGN */
		return has_after && is_script(s[at + 1], "Greek");
	case 0x05F3: /* A.5 HEBREW PUNCTUATION GERESH */
	case 0x05F4: /* A.6 HEBREW PUNCTUATION GERSHAYIM */
		return has_before && is_script(s[at - 1], "Hebrew");
	default:
		return true;
	}
}

bool
precis_context_rules(const uint32_t *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!neighbours_allow(s, n, i))
			return false;
	/* Those that look at all code points are asked once, not once per occurrence. */
	if (has_between(s, n, 0x30FB, 0x30FB) && !has_japanese(s, n)) /* A.7 KATAKANA MIDDLE DOT */
		return false;
	/* A.8 ARABIC-INDIC DIGITS, A.9 EXTENDED ARABIC-INDIC DIGITS: not both. */
	return !has_between(s, n, 0x0660, 0x0669) || !has_between(s, n, 0x06F0, 0x06F9);
}

/* --- The Bidi rule --------------------------------------------------------- */

#define BIDI(class) (1u << UC_BIDI_##class)
#define BIDI_NEUTRAL (BIDI(EN) | BIDI(ES) | BIDI(CS) | BIDI(ET) | BIDI(ON) | BIDI(BN) | BIDI(NSM))

static unsigned
bidi_of(uint32_t cp)
{
	return 1u << uc_bidi_class(cp);
}

bool
precis_is_rtl(const uint32_t *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bidi_of(s[i]) & (BIDI(R) | BIDI(AL) | BIDI(AN)))
			return true;
	return false;
}

bool
precis_bidi_rule(const uint32_t *s, size_t n)
{
	unsigned first, last, all = 0;
	size_t end = n;

	while (end > 0 && bidi_of(s[end - 1]) == BIDI(NSM))
		end--;
	if (end == 0)
		return false; /* condition 1: a mark cannot be first */
	first = bidi_of(s[0]);
	last = bidi_of(s[end - 1]);
	for (size_t i = 0; i < n; i++)
		all |= bidi_of(s[i]);

	if (first & (BIDI(R) | BIDI(AL)))
		return !(all & ~(BIDI(R) | BIDI(AL) | BIDI(AN) | BIDI_NEUTRAL)) && /* 2 */
		       (last & (BIDI(R) | BIDI(AL) | BIDI(EN) | BIDI(AN))) &&      /* 3 */
		       (all & (BIDI(EN) | BIDI(AN))) != (BIDI(EN) | BIDI(AN));     /* 4 */
	if (first & BIDI(L))
		return !(all & ~(BIDI(L) | BIDI_NEUTRAL)) && /* 5 */
		       (last & (BIDI(L) | BIDI(EN)));        /* 6 */
	return false;                                        /* 1 */
}
