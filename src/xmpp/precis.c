/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xmpp/precis.c - the PRECIS profiles: UsernameCaseMapped and OpaqueString
 * (RFC 8265), Nickname (RFC 8266), and the mapping before IDNA2008 (RFC 5895).
 *
 * The rules run in the order of RFC 8264 7: a string is mapped first and judged
 * afterwards.  RFC 8265 would have single code points judged before, too; that
 * refuses what mapping mends (Greek with oxia, Devanagari with nukta, Hangul
 * decomposed by a Mac), and RFC 7622 4 asks to accept what can be mapped.
 */
#include "xmpp/precis.h"

#include <stdlib.h>
#include <string.h>

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "xmpp/jid.h"

/* RFC 8264 7: the first application and three more. */
#define APPLICATIONS_MAX 4

enum spaces {
	SPACES_KEPT,
	SPACES_ASCII,    /* every space becomes U+0020 */
	SPACES_SQUEEZED, /* and there are none at the ends and never two together */
};

/* The rules of a profile, in the order in which they run. */
struct profile {
	char first_ascii; /* from here to '~' ASCII needs no rule but lower; 0: no such short cut */
	bool width;       /* fullwidth and halfwidth code points become their decomposition */
	bool for_idna;    /* U+3002 becomes a dot, Cherokee its capitals */
	enum spaces spaces;
	bool lower;
	uninorm_t normal_form;
	bool bidi;  /* the Bidi rule, where there are right-to-left code points */
	bool judge; /* is each code point in the class? */
	/* The class: with PVALID the IdentifierClass, with FREE_PVAL the FreeformClass. */
	enum precis_property widest;
};

struct text {
	uint32_t cp[PRECIS_INPUT_MAX];
	size_t n;
};

/* --- The mappings ---------------------------------------------------------- */

static uint32_t
map_width(uint32_t cp)
{
	uint32_t to[UC_DECOMPOSITION_MAX_LENGTH];
	int tag;

	if (uc_decomposition(cp, &tag, to) == 1 &&
	    (tag == UC_DECOMP_WIDE || tag == UC_DECOMP_NARROW))
		return to[0];
	return cp;
}

static bool
is_space(uint32_t cp)
{
	return uc_is_general_category_withtable(cp, UC_CATEGORY_MASK_Zs);
}

static bool
text_add(struct text *t, uint32_t cp)
{
	if (t->n == PRECIS_INPUT_MAX)
		return false;
	t->cp[t->n++] = cp;
	return true;
}

/*
 * RFC 5895 maps to lower case, like RFC 8264 5.2.3; but of Cherokee IDNA2008
 * allows the capitals, because to them goes the case folding of RFC 5892 2.2.
 */
static uint32_t
map_case(const struct profile *p, uint32_t cp)
{
	bool is_cherokee = (cp >= 0x13A0 && cp <= 0x13FF) || (cp >= 0xAB70 && cp <= 0xABBF);

	return p->for_idna && is_cherokee ? uc_toupper(cp) : uc_tolower(cp);
}

/* The mappings of one code point to one, in the order of RFC 8264 7. */
static uint32_t
map_code_point(const struct profile *p, uint32_t cp)
{
	if (p->width)
		cp = map_width(cp);
	if (p->for_idna && cp == 0x3002) /* IDEOGRAPHIC FULL STOP */
		cp = '.';
	if (p->spaces != SPACES_KEPT && is_space(cp))
		cp = ' ';
	return p->lower ? map_case(p, cp) : cp;
}

/* All mappings, from into to.  false: too long. */
static bool
map_code_points(const struct profile *p, const struct text *from, struct text *to)
{
	to->n = 0;
	for (size_t i = 0; i < from->n; i++) {
		uint32_t cp = map_code_point(p, from->cp[i]);

		if (p->spaces == SPACES_SQUEEZED && cp == ' ' &&
		    (to->n == 0 || to->cp[to->n - 1] == ' '))
			continue;
		if (!text_add(to, cp))
			return false;
		/*
		 * toLowerCase() makes two of this one.  Its conditional mapping, final
		 * sigma, is not done: RFC 8265 3.6, examples 5 to 7.
		 */
		if (p->lower && from->cp[i] == 0x0130 && !text_add(to, 0x0307))
			return false;
	}
	if (p->spaces == SPACES_SQUEEZED && to->n > 0 && to->cp[to->n - 1] == ' ')
		to->n--;
	return true;
}

static bool
text_equals(const struct text *a, const struct text *b)
{
	return a->n == b->n && memcmp(a->cp, b->cp, a->n * sizeof(a->cp[0])) == 0;
}

/* from into to.  false: too long. */
static bool
normalize(const struct profile *p, const struct text *from, struct text *to)
{
	uint32_t *result;

	to->n = PRECIS_INPUT_MAX;
	result = u32_normalize(p->normal_form, from->cp, from->n, to->cp, &to->n);
	if (result == to->cp)
		return true;
	free(result);
	return false;
}

/* Applies the mappings until nothing changes (RFC 8264 7).  false: too long, or never stable. */
static bool
map_until_stable(const struct profile *p, struct text *t, struct text *scratch)
{
	for (int i = 0; i < APPLICATIONS_MAX; i++) {
		bool stable;

		if (!map_code_points(p, t, scratch))
			return false;
		stable = text_equals(t, scratch);
		if (!normalize(p, scratch, t))
			return false;
		if (stable && text_equals(t, scratch))
			return true;
	}
	return false;
}

/* --- The judgement --------------------------------------------------------- */

/* RFC 8264 4.2, 4.3. */
static bool
is_in_class(const struct profile *p, const struct text *t)
{
	bool contextual = false;

	for (size_t i = 0; i < t->n; i++) {
		enum precis_property property = precis_property(t->cp[i]);

		if (property == PRECIS_CONTEXTJ || property == PRECIS_CONTEXTO)
			contextual = true;
		else if (property > p->widest)
			return false;
	}
	return !contextual || precis_context_rules(t->cp, t->n);
}

static bool
is_allowed(const struct profile *p, const struct text *t)
{
	if (p->bidi && precis_is_rtl(t->cp, t->n) && !precis_bidi_rule(t->cp, t->n))
		return false;
	return !p->judge || is_in_class(p, t);
}

/* --- The profiles ---------------------------------------------------------- */

static const struct profile profiles[] = {
	[PRECIS_USERNAME] = {
		.first_ascii = '!',
		.width = true,
		.lower = true,
		.normal_form = UNINORM_NFC,
		.bidi = true,
		.judge = true,
		.widest = PRECIS_PVALID,
	},
	[PRECIS_OPAQUE] = {
		.first_ascii = ' ',
		.spaces = SPACES_ASCII,
		.normal_form = UNINORM_NFC,
		.judge = true,
		.widest = PRECIS_FREE_PVAL,
	},
	[PRECIS_NICKNAME] = {
		.spaces = SPACES_SQUEEZED,
		.lower = true,
		.normal_form = UNINORM_NFKC,
		.judge = true,
		.widest = PRECIS_FREE_PVAL,
	},
	[PRECIS_DOMAIN] = {
		.width = true,
		.lower = true,
		.for_idna = true,
		.normal_form = UNINORM_NFC,
	},
};

/* Handles a string of plain ASCII as far as it is one; returns how far that is. */
static size_t
copy_ascii(const struct profile *p, const char *text, size_t len, char *out)
{
	size_t i;

	for (i = 0; i < len; i++) {
		char c = text[i];

		if (c < p->first_ascii || c > '~')
			break;
		out[i] = p->lower && c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	return i;
}

static size_t
enforce_unicode(const struct profile *p, const char *text, size_t len, char *out)
{
	struct text work, scratch;
	size_t n = PRECIS_MAX, used = len < PRECIS_MAX ? 3 * len : PRECIS_INPUT_MAX;
	uint8_t *result = NULL;
	bool ok;

	/* In place, and never longer than the bytes: nothing is allocated. */
	work.n = PRECIS_INPUT_MAX;
	if (u8_to_u32((const uint8_t *)text, len, work.cp, &work.n) && /* NULL: not UTF-8 */
	    map_until_stable(p, &work, &scratch) && work.n > 0)
		result = u32_to_u8(work.cp, work.n, (uint8_t *)out, &n);
	ok = result == (uint8_t *)out && is_allowed(p, &work);
	/* It may have been a password.  Normalisation makes at most three of one. */
	explicit_bzero(work.cp, used * sizeof(work.cp[0]));
	explicit_bzero(scratch.cp, used * sizeof(scratch.cp[0]));
	if (result != (uint8_t *)out)
		free(result); /* too long */
	if (!ok)
		return 0;
	out[n] = '\0';
	return n;
}

size_t
precis_enforce(enum precis_profile profile, const char *text, size_t len, char out[PRECIS_MAX + 1])
{
	const struct profile *p = &profiles[profile];

	if (len == 0 || len > PRECIS_INPUT_MAX)
		return 0;
	if (p->first_ascii && len <= PRECIS_MAX) {
		size_t n = copy_ascii(p, text, len, out);

		if (n == len) {
			out[n] = '\0';
			return n;
		}
		/* An ASCII character that is refused here stays refused whatever follows. */
		if (!(text[n] & 0x80))
			return 0;
	}
	return enforce_unicode(p, text, len, out);
}

/* --- For everybody: xmpp/jid.h --------------------------------------------- */

static const char *
enforce_in(enum precis_profile profile, const char *text, struct arena *a)
{
	char out[PRECIS_MAX + 1];
	size_t len = text ? strnlen(text, PRECIS_INPUT_MAX + 1) : 0;
	size_t n = precis_enforce(profile, text, len, out);
	const char *result = n ? arena_strndup(a, out, n) : NULL;

	explicit_bzero(out, sizeof(out)); /* of a refused password, too */
	return result;
}

const char *
precis_opaque_string(const char *text, struct arena *a)
{
	return enforce_in(PRECIS_OPAQUE, text, a);
}

const char *
precis_username(const char *text, struct arena *a)
{
	return enforce_in(PRECIS_USERNAME, text, a);
}

const char *
precis_nickname(const char *text, struct arena *a)
{
	return enforce_in(PRECIS_NICKNAME, text, a);
}
