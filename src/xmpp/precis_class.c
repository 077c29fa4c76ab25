/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xmpp/precis_class.c - the derived property of a code point (RFC 8264 8),
 * calculated from the properties of libunistring in the order of the RFC, which
 * must not be changed.  The letters are those of RFC 8264 9.  BackwardCompatible
 * (G) is empty in RFC 5892 2.7 and has no line here.
 */
#include "xmpp/precis.h"

#include <unictype.h>
#include <unigbrk.h>
#include <uninorm.h>

/* A, L, N, O, P, R: general categories. */
#define LETTER_DIGITS                                                                              \
	(UC_CATEGORY_MASK_Ll | UC_CATEGORY_MASK_Lu | UC_CATEGORY_MASK_Lo | UC_CATEGORY_MASK_Nd |   \
	 UC_CATEGORY_MASK_Lm | UC_CATEGORY_MASK_Mn | UC_CATEGORY_MASK_Mc)
#define CONTROLS UC_CATEGORY_MASK_Cc
#define SPACES UC_CATEGORY_MASK_Zs
#define SYMBOLS UC_CATEGORY_MASK_S
#define PUNCTUATION UC_CATEGORY_MASK_P
#define OTHER_LETTER_DIGITS                                                                        \
	(UC_CATEGORY_MASK_Lt | UC_CATEGORY_MASK_Nl | UC_CATEGORY_MASK_No | UC_CATEGORY_MASK_Me)

/* F: RFC 5892 2.6. */
static bool
find_exception(uint32_t cp, enum precis_property *property)
{
	switch (cp) {
	case 0x00DF: /* LATIN SMALL LETTER SHARP S */
	case 0x03C2: /* GREEK SMALL LETTER FINAL SIGMA */
	case 0x06FD: /* ARABIC SIGN SINDHI AMPERSAND */
	case 0x06FE: /* ARABIC SIGN SINDHI POSTPOSITION MEN */
	case 0x0F0B: /* TIBETAN MARK INTERSYLLABIC TSHEG */
	case 0x3007: /* IDEOGRAPHIC NUMBER ZERO */
		*property = PRECIS_PVALID;
		return true;
	case 0x00B7:            /* MIDDLE DOT */
	case 0x0375:            /* GREEK LOWER NUMERAL SIGN */
	case 0x05F3:            /* HEBREW PUNCTUATION GERESH */
	case 0x05F4:            /* HEBREW PUNCTUATION GERSHAYIM */
	case 0x30FB:            /* KATAKANA MIDDLE DOT */
	case 0x0660 ... 0x0669: /* ARABIC-INDIC DIGITS */
	case 0x06F0 ... 0x06F9: /* EXTENDED ARABIC-INDIC DIGITS */
		*property = PRECIS_CONTEXTO;
		return true;
	case 0x0640:            /* ARABIC TATWEEL */
	case 0x07FA:            /* NKO LAJANYALAN */
	case 0x302E:            /* HANGUL SINGLE DOT TONE MARK */
	case 0x302F:            /* HANGUL DOUBLE DOT TONE MARK */
	case 0x3031 ... 0x3035: /* VERTICAL KANA REPEAT MARKS */
	case 0x303B:            /* VERTICAL IDEOGRAPHIC ITERATION MARK */
		*property = PRECIS_DISALLOWED;
		return true;
	default:
		return false;
	}
}

/* I: RFC 5892 2.9, Hangul_Syllable_Type L, V or T; the segmentation property has the same sets. */
static bool
is_old_hangul_jamo(uint32_t cp)
{
	int gbp = uc_graphemeclusterbreak_property(cp);

	return gbp == GBP_L || gbp == GBP_V || gbp == GBP_T;
}

/* Q: toNFKC(cp) != cp. */
static bool
has_compat(uint32_t cp)
{
	uint32_t decomposition[UC_DECOMPOSITION_MAX_LENGTH], normal[UC_DECOMPOSITION_MAX_LENGTH];
	uint32_t *result = normal;
	size_t n = UC_DECOMPOSITION_MAX_LENGTH;
	int tag;

	if (uc_decomposition(cp, &tag, decomposition) < 0)
		return false; /* most code points; this look-up is much cheaper */
	if (tag != UC_DECOMP_CANONICAL)
		return true;
	result = u32_normalize(UNINORM_NFKC, &cp, 1, normal, &n);
	/* A canonical decomposition is short: it fits, and nothing was allocated. */
	return result != normal || n != 1 || normal[0] != cp;
}

/* M: PrecisIgnorableProperties. */
static bool
is_ignorable(uint32_t cp)
{
	return uc_is_property_default_ignorable_code_point(cp) ||
	       uc_is_property_not_a_character(cp);
}

static bool
in(uint32_t cp, uint32_t categories)
{
	return uc_is_general_category_withtable(cp, categories);
}

enum precis_property
precis_property(uint32_t cp)
{
	enum precis_property exception;

	if (find_exception(cp, &exception))
		return exception;
	if (in(cp, UC_CATEGORY_MASK_Cn) && !uc_is_property_not_a_character(cp)) /* J */
		return PRECIS_UNASSIGNED;
	if (cp >= 0x21 && cp <= 0x7E) /* K: ASCII7 */
		return PRECIS_PVALID;
	if (uc_is_property_join_control(cp)) /* H */
		return PRECIS_CONTEXTJ;
	if (is_old_hangul_jamo(cp))
		return PRECIS_DISALLOWED;
	if (is_ignorable(cp))
		return PRECIS_DISALLOWED;
	if (in(cp, CONTROLS))
		return PRECIS_DISALLOWED;
	if (has_compat(cp))
		return PRECIS_FREE_PVAL;
	if (in(cp, LETTER_DIGITS))
		return PRECIS_PVALID;
	if (in(cp, OTHER_LETTER_DIGITS | SPACES | SYMBOLS | PUNCTUATION))
		return PRECIS_FREE_PVAL;
	return PRECIS_DISALLOWED;
}
