/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * The PRECIS profiles: the tables of RFC 8264, 8265 and 8266, the contextual
 * rules of RFC 5892 appendix A and the Bidi rule of RFC 5893.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "xmpp/jid.h"
#include "xmpp/precis.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

typedef const char *prepare_fn(const char *text, struct arena *a);

struct example {
	const char *in, *out; /* out NULL: refused */
};

static void
check_examples(prepare_fn *prepare, const struct example *examples, size_t n)
{
	struct arena *a = arena_new(0);

	for (size_t i = 0; i < n; i++) {
		const char *out = prepare(examples[i].in, a);

		if (!out != !examples[i].out || (out && strcmp(out, examples[i].out) != 0))
			fail_msg("\"%s\" became \"%s\", not \"%s\"", examples[i].in,
			         out ? out : "(refused)",
			         examples[i].out ? examples[i].out : "(refused)");
		if (out)
			assert_string_equal(prepare(out, a), out);
	}
	arena_free(&a);
}

#define CHECK(prepare, ...)                                                                        \
	do {                                                                                       \
		static const struct example examples[] = { __VA_ARGS__ };                          \
		check_examples(prepare, examples, COUNT(examples));                                \
	} while (0)

/* --- Code points ----------------------------------------------------------- */

static void
code_points_have_the_property_that_rfc_8264_derives(void **state)
{
	/* clang-format off */
	static const struct { uint32_t first, last; enum precis_property property; } ranges[] = {
		{ 0x0000, 0x001F, PRECIS_DISALLOWED },  /* L Controls */
		{ 0x0020, 0x0020, PRECIS_FREE_PVAL },   /* N Spaces */
		{ 0x0021, 0x007E, PRECIS_PVALID },      /* K ASCII7 */
		{ 0x007F, 0x009F, PRECIS_DISALLOWED },
		{ 0x00A0, 0x00A0, PRECIS_FREE_PVAL },   /* Q HasCompat */
		{ 0x00A1, 0x00A7, PRECIS_FREE_PVAL },   /* P Punctuation, O Symbols */
		{ 0x00AD, 0x00AD, PRECIS_DISALLOWED },  /* M: soft hyphen */
		{ 0x00B7, 0x00B7, PRECIS_CONTEXTO },    /* F Exceptions */
		{ 0x00C0, 0x00D6, PRECIS_PVALID },      /* A LetterDigits, capitals too */
		{ 0x00D7, 0x00D7, PRECIS_FREE_PVAL },
		{ 0x00DF, 0x00DF, PRECIS_PVALID },
		{ 0x0132, 0x0133, PRECIS_FREE_PVAL },   /* Q: ligature ij */
		{ 0x017F, 0x017F, PRECIS_FREE_PVAL },   /* Q: long s */
		{ 0x01C5, 0x01C5, PRECIS_FREE_PVAL },   /* Q before R: titlecase with caron */
		{ 0x0300, 0x033F, PRECIS_PVALID },
		{ 0x0340, 0x0341, PRECIS_FREE_PVAL },   /* Q: canonical singletons count */
		{ 0x034F, 0x034F, PRECIS_DISALLOWED },  /* M: grapheme joiner */
		{ 0x0375, 0x0375, PRECIS_CONTEXTO },
		{ 0x0378, 0x0379, PRECIS_UNASSIGNED },  /* J */
		{ 0x03C2, 0x03C2, PRECIS_PVALID },
		{ 0x0488, 0x0489, PRECIS_FREE_PVAL },   /* R OtherLetterDigits: Me */
		{ 0x05F3, 0x05F4, PRECIS_CONTEXTO },
		{ 0x0640, 0x0640, PRECIS_DISALLOWED },  /* F: tatweel */
		{ 0x0660, 0x0669, PRECIS_CONTEXTO },
		{ 0x06F0, 0x06F9, PRECIS_CONTEXTO },
		{ 0x06FD, 0x06FE, PRECIS_PVALID },
		{ 0x07FA, 0x07FA, PRECIS_DISALLOWED },
		{ 0x0958, 0x095F, PRECIS_FREE_PVAL },   /* Q: composition exclusions */
		{ 0x0F0B, 0x0F0B, PRECIS_PVALID },
		{ 0x1100, 0x11FF, PRECIS_DISALLOWED },  /* I OldHangulJamo */
		{ 0x1680, 0x1680, PRECIS_FREE_PVAL },
		{ 0x16EE, 0x16F0, PRECIS_FREE_PVAL },   /* R: Nl, runes */
		{ 0x1F88, 0x1F88, PRECIS_FREE_PVAL },   /* R: Lt without compatibility mapping */
		{ 0x200B, 0x200B, PRECIS_DISALLOWED },  /* M: zero width space */
		{ 0x200C, 0x200D, PRECIS_CONTEXTJ },    /* H JoinControl */
		{ 0x200E, 0x200F, PRECIS_DISALLOWED },
		{ 0x2028, 0x2029, PRECIS_DISALLOWED },  /* Zl, Zp: in no category */
		{ 0x202A, 0x202E, PRECIS_DISALLOWED },
		{ 0x2163, 0x2163, PRECIS_FREE_PVAL },   /* Q: roman numeral four */
		{ 0x221E, 0x221E, PRECIS_FREE_PVAL },   /* O: infinity */
		{ 0x265A, 0x265A, PRECIS_FREE_PVAL },   /* O: black chess king */
		{ 0x3007, 0x3007, PRECIS_PVALID },
		{ 0x302E, 0x302F, PRECIS_DISALLOWED },
		{ 0x3031, 0x3035, PRECIS_DISALLOWED },
		{ 0x303B, 0x303B, PRECIS_DISALLOWED },
		{ 0x30FB, 0x30FB, PRECIS_CONTEXTO },
		{ 0x4E00, 0x9FFC, PRECIS_PVALID },
		{ 0xA960, 0xA97C, PRECIS_DISALLOWED },  /* I: extended A */
		{ 0xAC00, 0xD7A3, PRECIS_PVALID },      /* Hangul syllables decompose and compose again */
		{ 0xD7B0, 0xD7C6, PRECIS_DISALLOWED },  /* I: extended B */
		{ 0xD800, 0xF8FF, PRECIS_DISALLOWED },  /* surrogates, private use */
		{ 0xF900, 0xF900, PRECIS_FREE_PVAL },   /* Q: CJK compatibility */
		{ 0xFDD0, 0xFDEF, PRECIS_DISALLOWED },  /* M: noncharacters */
		{ 0xFE00, 0xFE0F, PRECIS_DISALLOWED },  /* M: variation selectors */
		{ 0xFF10, 0xFF19, PRECIS_FREE_PVAL },   /* Q: fullwidth digits */
		{ 0xFFFE, 0xFFFF, PRECIS_DISALLOWED },
		{ 0x10000, 0x1000B, PRECIS_PVALID },
		{ 0x1000C, 0x1000C, PRECIS_UNASSIGNED },
		{ 0x1D15E, 0x1D164, PRECIS_FREE_PVAL },
		{ 0x1F600, 0x1F64F, PRECIS_FREE_PVAL }, /* O: emoticons */
		{ 0xE0001, 0xE0001, PRECIS_DISALLOWED },
		{ 0x10FFFE, 0x10FFFF, PRECIS_DISALLOWED },
	};
	/* clang-format on */

	for (size_t i = 0; i < COUNT(ranges); i++)
		for (uint32_t cp = ranges[i].first; cp <= ranges[i].last; cp++)
			if (precis_property(cp) != ranges[i].property)
				fail_msg("U+%04X: %d, not %d", cp, precis_property(cp),
				         ranges[i].property);
}

/* --- RFC 8265: usernames --------------------------------------------------- */

static void
legal_userparts_of_rfc_8265_are_accepted(void **state)
{
	CHECK(precis_username, { "juliet@example.com", "juliet@example.com" }, /* 1 */
	      { "fussball", "fussball" },                                      /* 2 */
	      { "fußball", "fußball" },                                        /* 3 */
	      { "π", "π" },                                                    /* 4 */
	      { "Σ", "σ" },                                                    /* 5 */
	      { "σ", "σ" },                                                    /* 6 */
	      { "ς", "ς" });                                                   /* 7 */
}

static void
illegal_userparts_of_rfc_8265_are_refused(void **state)
{
	CHECK(precis_username, { "foo bar", NULL }, /* 8 */
	      { "", NULL },                         /* 9 */
	      { "henryⅣ", NULL },                   /* 10 */
	      { "∞", NULL });                       /* 11 */
}

static void
usernames_are_mapped_to_lower_case(void **state)
{
	CHECK(precis_username, { "Romeo", "romeo" }, { "ÄÖÜ", "äöü" }, { "ЖЗ", "жз" },
	      { "ẞ", "ß" },   /* U+1E9E */
	      { "İx", "i̇x" }, /* U+0130 is the one that becomes two */
	      { "ΣΣ", "σσ" }, /* no final sigma */
	      { "Ꭰ", "ꭰ" }, /* Cherokee has its lower case in another block */
	      { "ı", "ı" },   /* dotless i stays */
	      { "𐐀", "𐐨" }    /* Deseret, beyond the BMP */
	);
}

static void
usernames_are_mapped_in_width(void **state)
{
	CHECK(precis_username, { "ＡＢＣ１２３", "abc123" }, { "ｶﾅ", "カナ" },
	      { "ｶﾞ", "ガ" },       /* and then composed */
	      { "ａ＠ｂ", "a@b" },  /* what XMPP excludes, XMPP looks for afterwards */
	      { "a\u3000b", NULL }, /* ideographic space becomes a space */
	      { "ﾡ", NULL }         /* halfwidth jamo become compatibility jamo */
	);
}

static void
usernames_are_normalised_before_they_are_judged(void **state)
{
	CHECK(precis_username, { "e\u0301", "é" }, { "\u212B", "å" }, /* Angstrom sign */
	      { "\u212A", "k" },                                      /* Kelvin sign */
	      { "\u1F71", "\u03AC" },                                 /* alpha with oxia */
	      { "\u0958", "\u0915\u093C" },                           /* qa */
	      { "\u1100\u1161\u11A8", "각" },      /* Hangul as a Mac writes it */
	      { "\u1100", NULL },                  /* jamo that make no syllable */
	      { "\uF900", "\u8C48" },              /* CJK compatibility */
	      { "a\u0323\u0307", "\u1EA1\u0307" }, /* marks are put in order */
	      { "a\u0307\u0323", "\u1EA1\u0307" }, { "<\u0338", NULL } /* U+226E, a symbol */
	);
}

static void
what_the_identifier_class_disallows_is_refused(void **state)
{
	CHECK(precis_username, { "a\tb", NULL }, { "a\x7F", NULL }, { "a\xC2\x85", NULL },
	      { "a\u00A0", NULL }, { "a\u00AD", NULL }, { "a\u200B", NULL }, { "a\u2028", NULL },
	      { "a\u202E", NULL }, { "a\uE000", NULL }, { "a\uFDD0", NULL }, { "a\uFE0F", NULL },
	      { "a\U000E0041", NULL }, { "a\u0378", NULL }, { "a\u20DD", NULL }, { "ﬁ", NULL },
	      { "ſ", NULL }, { "😀", NULL }, { "¼", NULL }, { "\u0640", NULL });
}

/* --- Contextual rules ------------------------------------------------------ */

static void
joiners_stand_after_a_virama_or_break_a_join(void **state)
{
	CHECK(precis_username, { "क्\u200Dष", "क्\u200Dष" }, { "क्\u200Cष", "क्\u200Cष" },
	      { "क\u200Dष", NULL }, { "\u200Da", NULL }, { "a\u200D", NULL }, { "\u200D", NULL },
	      { "ب\u200Cب", "ب\u200Cب" },                         /* dual, dual */
	      { "ب\u200Cا", "ب\u200Cا" },                         /* dual, right */
	      { "ب\u064E\u200C\u064Eب", "ب\u064E\u200C\u064Eب" }, /* transparent between */
	      { "ا\u200Cب", NULL },                               /* right joining before */
	      { "ب\u200C", NULL }, { "\u200Cب", NULL }, { "a\u200Cb", NULL }, { "\u200C", NULL },
	      { "ب\u200Cب\u200D", NULL });
	/* Each by itself: one good non-joiner does not excuse the next. */
	CHECK(precis_username, { "ب\u200Cا\u200Cا", NULL });
}

static void
a_middle_dot_stands_between_two_l(void **state)
{
	CHECK(precis_username, { "col·laborar", "col·laborar" }, { "COL·LABORAR", "col·laborar" },
	      { "l·l·l", "l·l·l" }, { "l·", NULL }, { "·l", NULL }, { "a·l", NULL },
	      /* Greek ano teleia is canonically the same. */
	      { "l·a", NULL }, { "l··l", NULL }, { "·", NULL }, { "l\u0387l", "l·l" });
}

static void
a_greek_keraia_stands_before_greek(void **state)
{
	CHECK(precis_username, { "\u0375α", "\u0375α" }, { "α\u0375β", "α\u0375β" },
	      { "α\u0375", NULL }, { "\u0375a", NULL }, { "\u0375", NULL });
}

static void
geresh_and_gershayim_stand_after_hebrew(void **state)
{
	CHECK(precis_username, { "א\u05F3", "א\u05F3" }, { "א\u05F4ב", "א\u05F4ב" },
	      { "\u05F3א", NULL }, { "\u05F4", NULL }, { "ب\u05F3", NULL });
}

static void
a_katakana_middle_dot_needs_japanese_in_the_string(void **state)
{
	CHECK(precis_username, { "ア・a", "ア・a" }, { "・ひ", "・ひ" }, { "a・漢", "a・漢" },
	      { "a・b", NULL }, { "・", NULL }, { "・가", NULL }, { "ｱ･", "ア・" }); /* halfwidth */
}

static void
the_two_kinds_of_arabic_digits_do_not_mix(void **state)
{
	CHECK(precis_username, { "ب٠١", "ب٠١" }, { "ب۰۱", "ب۰۱" }, { "ب٠۰", NULL },
	      { "ب۰a٠", NULL });
	/* The FreeformClass has the same rules, and no Bidi rule. */
	CHECK(precis_opaque_string, { "٠١", "٠١" }, { "۰۱", "۰۱" }, { "٠۰", NULL }, { "a·b", NULL },
	      { "l·l", "l·l" }, { "a\u200Db", NULL }, { "a・b", NULL });
}

/* --- The Bidi rule --------------------------------------------------------- */

static bool
obeys_bidi_rule(const uint32_t *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return precis_bidi_rule(s, n);
}

static void
the_bidi_rule_has_six_conditions(void **state)
{
	/* 1: the first is L, R or AL. */
	assert_true(obeys_bidi_rule(U"a"));
	assert_true(obeys_bidi_rule(U"א"));
	assert_true(obeys_bidi_rule(U"ب"));
	assert_false(obeys_bidi_rule(U"1א"));
	assert_false(obeys_bidi_rule(U"٠ب"));
	assert_false(obeys_bidi_rule(U"-א"));
	assert_false(obeys_bidi_rule(U"\u05B0א"));
	assert_false(obeys_bidi_rule(U"\u05B0"));
	assert_false(obeys_bidi_rule(U""));
	/* 2: no L behind R or AL. */
	assert_true(obeys_bidi_rule(U"א-ב"));
	assert_false(obeys_bidi_rule(U"אaב"));
	/* 3: R, AL, EN or AN at the end, marks aside. */
	assert_true(obeys_bidi_rule(U"א1"));
	assert_true(obeys_bidi_rule(U"ب٠"));
	assert_true(obeys_bidi_rule(U"אב\u05B0"));
	assert_false(obeys_bidi_rule(U"א-"));
	assert_false(obeys_bidi_rule(U"א-\u05B0"));
	/* 4: not both EN and AN. */
	assert_false(obeys_bidi_rule(U"ب1٠"));
	/* 5: nothing right-to-left behind L. */
	assert_true(obeys_bidi_rule(U"a-1"));
	assert_false(obeys_bidi_rule(U"aא"));
	assert_false(obeys_bidi_rule(U"a٠b"));
	/* 6: L or EN at the end, marks aside. */
	assert_true(obeys_bidi_rule(U"a\u0301"));
	assert_false(obeys_bidi_rule(U"a-"));
}

static void
the_bidi_rule_holds_for_usernames_with_right_to_left_code_points_only(void **state)
{
	CHECK(precis_username, { "אב1", "אב1" }, { "אבa", NULL }, { "aאב", NULL }, { "1א", NULL },
	      { "א-", NULL }, { "٠١", NULL }, { "1a-", "1a-" }, { "-", "-" });
	CHECK(precis_opaque_string, { "אבa", "אבa" }, { "1א", "1א" });
}

/* --- RFC 8265: passwords --------------------------------------------------- */

static void
legal_passwords_of_rfc_8265_are_accepted(void **state)
{
	CHECK(precis_opaque_string,
	      { "correct horse battery staple", "correct horse battery staple" }, /* 12 */
	      { "Correct Horse Battery Staple", "Correct Horse Battery Staple" }, /* 13 */
	      { "πßå", "πßå" },                                                   /* 14 */
	      { "Jack of ♦s", "Jack of ♦s" },                                     /* 15 */
	      { "foo\u1680bar", "foo bar" });                                     /* 16 */
}

static void
illegal_passwords_of_rfc_8265_are_refused(void **state)
{
	CHECK(precis_opaque_string, { "", NULL }, /* 17 */
	      { "my cat is a \tby", NULL });      /* 18 */
}

static void
opaque_strings_keep_case_width_and_compatibility(void **state)
{
	CHECK(precis_opaque_string, { "ABC", "ABC" }, { "Σ", "Σ" }, { "ＡＢＣ", "ＡＢＣ" },
	      { "Ⅳ", "Ⅳ" }, { "ﬁ", "ﬁ" }, { "😀", "😀" }, { "İ", "İ" },
	      { "e\u0301", "é" },                 /* but NFC */
	      { "  a  ", "  a  " },               /* spaces stay, */
	      { "\u00A0a\u3000\u2003", " a  " }); /* as ASCII ones */
}

static void
what_the_freeform_class_disallows_is_refused(void **state)
{
	CHECK(precis_opaque_string, { "a\nb", NULL }, { "a\x7F", NULL }, { "a\xC2\x85", NULL },
	      { "a\u00AD", NULL }, { "a\u200B", NULL }, { "a\u2028", NULL }, { "a\u202E", NULL },
	      { "a\uE000", NULL }, { "a\uFFFF", NULL }, { "a\uFE0F", NULL }, { "a\u0378", NULL },
	      { "\u1100", NULL });
}

/* --- RFC 8266: nicknames --------------------------------------------------- */

static void
nicknames_of_rfc_8266_compare_as_its_table_says(void **state)
{
	CHECK(precis_nickname, { "Foo", "foo" }, /* 1 */
	      { "foo", "foo" },                  /* 2 */
	      { "Foo Bar", "foo bar" },          /* 3 */
	      { "foo bar", "foo bar" },          /* 4 */
	      { "Σ", "σ" },                      /* 5 */
	      { "σ", "σ" },                      /* 6 */
	      { "ς", "ς" },                      /* 7 */
	      { "\u03D4", "\u03CB" },            /* 8, by two applications */
	      { "♚", "♚" },                      /* 9 */
	      { "Richard Ⅳ", "richard iv" });    /* 10 */
}

static void
spaces_of_nicknames_are_squeezed(void **state)
{
	CHECK(precis_nickname, { "  stpeter ", "stpeter" }, { "St  Peter", "st peter" },
	      { "\u00A0a\u3000 \u2003b\u1680", "a b" }, { " ", NULL }, { "\u3000", NULL },
	      { "", NULL }, { "a\u00A8b", "a \u0308b" }, { "a \u00A8", "a \u0308" });
}

/* --- Bounds ---------------------------------------------------------------- */

static void
what_is_not_utf_8_is_refused(void **state)
{
	CHECK(precis_username, { "a\xFF", NULL }, { "\xC0\xAF", NULL }, { "\xE0\x80\xAF", NULL },
	      { "\xED\xA0\x80", NULL }, { "\xF4\x90\x80\x80", NULL }, { "a\xC3", NULL },
	      { "\x80", NULL }, { "\xF8\x88\x80\x80\x80", NULL });
	CHECK(precis_opaque_string, { "a\xFF", NULL }, { "\xC0\xAF", NULL },
	      { "\xED\xA0\x80", NULL }, { "a\xE2\x99", NULL });
	CHECK(precis_nickname, { "a\xFF", NULL }, { "a\xE2\x99", NULL });
}

static void
nothing_in_nothing_out(void **state)
{
	struct arena *a = arena_new(0);

	assert_null(precis_username(NULL, a));
	assert_null(precis_opaque_string(NULL, a));
	assert_null(precis_nickname(NULL, a));
	arena_free(&a);
}

/* n times s. */
static const char *
repeated(const char *s, size_t n)
{
	static char text[8 * PRECIS_MAX];
	size_t len = strlen(s);

	assert_true(len * n < sizeof(text));
	for (size_t i = 0; i < n; i++)
		memcpy(text + i * len, s, len);
	text[n * len] = '\0';
	return text;
}

static void
the_limit_counts_bytes_of_the_result(void **state)
{
	struct arena *a = arena_new(0);

	assert_int_equal(strlen(precis_username(repeated("a", 1023), a)), 1023);
	assert_null(precis_username(repeated("a", 1024), a));
	assert_int_equal(strlen(precis_username(repeated("Ａ", 1023), a)), 1023);
	assert_null(precis_username(repeated("Ａ", 1024), a));
	assert_int_equal(strlen(precis_username(repeated("é", 511), a)), 1022);
	assert_null(precis_username(repeated("é", 512), a));
	assert_int_equal(strlen(precis_username(repeated("u\u0308\u0304", 511), a)), 1022);
	assert_int_equal(strlen(precis_username(repeated("İ", 341), a)), 1023);
	assert_null(precis_username(repeated("İ", 342), a));
	assert_null(precis_username(repeated("İ", 1534), a));
	assert_int_equal(strlen(precis_opaque_string(repeated("\u3000", 1023), a)), 1023);
	assert_null(precis_opaque_string(repeated("\u3000", 1024), a));
	assert_int_equal(strlen(precis_nickname(repeated("\uFDFA", 31), a)), 1023);
	assert_null(precis_nickname(repeated("\uFDFA", 32), a));
	assert_null(precis_nickname(repeated("\uFDFA", 1023), a));
	arena_free(&a);
}

/* As UTF-8, but for surrogates. */
static void
encode(char out[5], uint32_t cp)
{
	size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = { 0, 0x00, 0xC0, 0xE0, 0xF0 };

	out[n] = '\0';
	for (size_t i = n; i-- > 1; cp >>= 6)
		out[i] = (char)(0x80 | (cp & 0x3F));
	out[0] = (char)(lead[n] | cp);
}

static bool
is_stable(enum precis_profile profile, const char *text)
{
	char once[PRECIS_MAX + 1], twice[PRECIS_MAX + 1];

	return !precis_enforce(profile, text, strlen(text), once) ||
	       (precis_enforce(profile, once, strlen(once), twice) && strcmp(once, twice) == 0);
}

static void
every_result_is_its_own_result(void **state)
{
	char alone[5], between[8];

	/* The planes that have characters. */
	for (uint32_t cp = 1; cp <= 0xE01FF; cp = cp == 0x32FFF ? 0xE0000 : cp + 1) {
		encode(alone, cp);
		snprintf(between, sizeof(between), "a%sb", alone);
		for (int profile = PRECIS_USERNAME; profile <= PRECIS_DOMAIN; profile++)
			if (!is_stable(profile, alone) || !is_stable(profile, between))
				fail_msg("U+%04X in profile %d", cp, profile);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_points_have_the_property_that_rfc_8264_derives),
		cmocka_unit_test(legal_userparts_of_rfc_8265_are_accepted),
		cmocka_unit_test(illegal_userparts_of_rfc_8265_are_refused),
		cmocka_unit_test(usernames_are_mapped_to_lower_case),
		cmocka_unit_test(usernames_are_mapped_in_width),
		cmocka_unit_test(usernames_are_normalised_before_they_are_judged),
		cmocka_unit_test(what_the_identifier_class_disallows_is_refused),
		cmocka_unit_test(joiners_stand_after_a_virama_or_break_a_join),
		cmocka_unit_test(a_middle_dot_stands_between_two_l),
		cmocka_unit_test(a_greek_keraia_stands_before_greek),
		cmocka_unit_test(geresh_and_gershayim_stand_after_hebrew),
		cmocka_unit_test(a_katakana_middle_dot_needs_japanese_in_the_string),
		cmocka_unit_test(the_two_kinds_of_arabic_digits_do_not_mix),
		cmocka_unit_test(the_bidi_rule_has_six_conditions),
		cmocka_unit_test(
			the_bidi_rule_holds_for_usernames_with_right_to_left_code_points_only),
		cmocka_unit_test(legal_passwords_of_rfc_8265_are_accepted),
		cmocka_unit_test(illegal_passwords_of_rfc_8265_are_refused),
		cmocka_unit_test(opaque_strings_keep_case_width_and_compatibility),
		cmocka_unit_test(what_the_freeform_class_disallows_is_refused),
		cmocka_unit_test(nicknames_of_rfc_8266_compare_as_its_table_says),
		cmocka_unit_test(spaces_of_nicknames_are_squeezed),
		cmocka_unit_test(what_is_not_utf_8_is_refused),
		cmocka_unit_test(nothing_in_nothing_out),
		cmocka_unit_test(the_limit_counts_bytes_of_the_result),
		cmocka_unit_test(every_result_is_its_own_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
