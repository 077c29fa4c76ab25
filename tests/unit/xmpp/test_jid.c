/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Addresses: the tables of RFC 7622 3.5, its limits, domains and IP literals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "xmpp/jid.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct expected {
	const char *text;
	const char *local, *domain, *resource; /* domain NULL: refused */
};

static void
check_part(const char *text, const char *part, const char *expected)
{
	if (!part != !expected || (part && strcmp(part, expected) != 0))
		fail_msg("\"%s\" has \"%s\", not \"%s\"", text, part ? part : "(none)",
		         expected ? expected : "(none)");
}

static void
check_jid(const struct expected *e)
{
	struct arena *a = arena_new(0);
	struct jid jid;

	if (!jid_parse(&jid, e->text, a)) {
		if (e->domain)
			fail_msg("\"%s\" is refused", e->text);
		arena_free(&a);
		return;
	}
	if (!e->domain)
		fail_msg("\"%s\" is accepted as \"%s\"", e->text, jid.full);
	check_part(e->text, jid.local, e->local);
	check_part(e->text, jid.domain, e->domain);
	check_part(e->text, jid.resource, e->resource);
	assert_string_equal(jid.full, jid_join(jid.local, jid.domain, jid.resource, a));
	assert_string_equal(jid.bare, jid_join(jid.local, jid.domain, NULL, a));
	arena_free(&a);
}

#define CHECK(...)                                                                                 \
	do {                                                                                       \
		static const struct expected table[] = { __VA_ARGS__ };                            \
		for (size_t i_ = 0; i_ < COUNT(table); i_++)                                       \
			check_jid(&table[i_]);                                                     \
	} while (0)

static bool
is_jid(const char *text)
{
	struct arena *a = arena_new(0);
	struct jid jid;
	bool ok = jid_parse(&jid, text, a);

	arena_free(&a);
	return ok;
}

/* --- The tables of RFC 7622 3.5 --------------------------------------------- */

static void
legal_addresses_of_rfc_7622_are_accepted(void **state)
{
	CHECK({ "juliet@example.com", "juliet", "example.com", NULL },                    /* 1 */
	      { "juliet@example.com/foo", "juliet", "example.com", "foo" },               /* 2 */
	      { "juliet@example.com/foo bar", "juliet", "example.com", "foo bar" },       /* 3 */
	      { "juliet@example.com/foo@bar", "juliet", "example.com", "foo@bar" },       /* 4 */
	      { "foo\\20bar@example.com", "foo\\20bar", "example.com", NULL },            /* 5 */
	      { "fussball@example.com", "fussball", "example.com", NULL },                /* 6 */
	      { "fu\u00DFball@example.com", "fußball", "example.com", NULL },             /* 7 */
	      { "\u03C0@example.com", "π", "example.com", NULL },                         /* 8 */
	      { "\u03A3@example.com/foo", "σ", "example.com", "foo" },                    /* 9 */
	      { "\u03C3@example.com/foo", "σ", "example.com", "foo" },                    /* 10 */
	      { "\u03C2@example.com/foo", "ς", "example.com", "foo" },                    /* 11 */
	      { "king@example.com/\u265A", "king", "example.com", "♚" },                  /* 12 */
	      { "example.com", NULL, "example.com", NULL },                               /* 13 */
	      { "example.com/foobar", NULL, "example.com", "foobar" },                    /* 14 */
	      { "a.example.com/b@example.net", NULL, "a.example.com", "b@example.net" }); /* 15 */
}

static void
illegal_addresses_of_rfc_7622_are_refused(void **state)
{
	CHECK({ "\"juliet\"@example.com" },  /* 16 */
	      { "foo bar@example.com" },     /* 17 */
	      { "@example.com/" },           /* 19 */
	      { "henry\u2163@example.com" }, /* 20 */
	      { "\u265A@example.com" },      /* 21 */
	      { "juliet@" },                 /* 22 */
	      { "/foobar" });                /* 23 */
}

/*
 * Example 18 contradicts the rule that it should illustrate: the OpaqueString
 * profile allows spaces everywhere.  The rule counts, see src/xmpp/README.md.
 */
static void
a_space_may_begin_a_resourcepart(void **state)
{
	CHECK({ "juliet@example.com/ foo", "juliet", "example.com", " foo" },
	      { "juliet@example.com/ ", "juliet", "example.com", " " });
}

/* --- Cutting ----------------------------------------------------------------- */

static void
the_first_slash_is_looked_for_before_the_first_at(void **state)
{
	CHECK({ "a@b/c@d/e", "a", "b", "c@d/e" }, { "a/b@c", NULL, "a", "b@c" },
	      { "a@b//", "a", "b", "/" }, { "a/@", NULL, "a", "@" }, { "a@b@c" }, { "a@b@c/d" },
	      { "a@/b" }, { "@/b" });
}

static void
no_mapping_makes_a_separator(void **state)
{
	CHECK({ "a\uFF20b" },                     /* fullwidth at */
	      { "a\uFF20b@c" }, { "a\uFF0Fb@c" }, /* fullwidth slash */
	      { "c\uFF0Fd" }, { "a@c/\uFF20\uFF0F", "a", "c", "\uFF20\uFF0F" });
}

static void
empty_parts_are_refused(void **state)
{
	CHECK({ "" }, { "@" }, { "/" }, { "@/" }, { "@a" }, { "a/" }, { "a@b/" }, { "a@" }, { "." },
	      { "a@." }, { "a@./b" });
	assert_false(is_jid(NULL));
}

static void
a_bare_address_is_one_string(void **state)
{
	struct arena *a = arena_new(0);
	struct jid jid;

	assert_true(jid_parse(&jid, "Romeo@A.example", a));
	assert_ptr_equal(jid.full, jid.bare);
	assert_string_equal(jid.full, "romeo@a.example");
	assert_true(jid_parse(&jid, "A.example", a));
	assert_ptr_equal(jid.full, jid.bare);
	assert_ptr_equal(jid.full, jid.domain);
	arena_free(&a);
}

/* --- Localparts and resourceparts -------------------------------------------- */

static void
excluded_characters_are_refused_in_localparts_also_at_full_width(void **state)
{
	static const char *const wide[] = { "\uFF02", "\uFF06", "\uFF07", "\uFF0F",
		                            "\uFF1A", "\uFF1C", "\uFF1E", "\uFF20" };
	const char *excluded = "\"&'/:<>@";
	struct arena *a = arena_new(0);
	char text[16];

	for (size_t i = 0; i < COUNT(wide); i++) {
		snprintf(text, sizeof(text), "a%cb", excluded[i]);
		assert_null(jid_prepare_local(text, a));
		assert_string_equal(jid_prepare_resource(text, a), text);
		snprintf(text, sizeof(text), "a%sb", wide[i]);
		assert_null(jid_prepare_local(text, a));
		assert_string_equal(jid_prepare_resource(text, a), text);
	}
	arena_free(&a);
}

static void
other_printable_ascii_is_allowed_in_localparts(void **state)
{
	CHECK({ "!#$%()*+,-.;=?[\\]^_`{|}~@a/ !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
	        "!#$%()*+,-.;=?[\\]^_`{|}~", "a", " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" });
}

static void
only_the_resourcepart_keeps_its_case(void **state)
{
	CHECK({ "ROMEO@A.EXAMPLE/Orchard", "romeo", "a.example", "Orchard" },
	      { "ÉÈ@EXAMPLE.COM/RE\u0301S", "éè", "example.com", "RÉS" });
}

static void
controls_are_refused_everywhere(void **state)
{
	char text[16];

	for (int c = 1; c < 0x20; c++)
		for (int at = 0; at < 5; at += 2) {
			snprintf(text, sizeof(text), "a@b/c");
			text[at] = (char)c;
			assert_false(is_jid(text));
		}
	CHECK({ "a\x7F@b" }, { "a@b\x7F" }, { "a@b/\x7F" }, { "a@b/\xC2\x85" });
}

static void
what_is_not_utf_8_is_refused_in_each_part(void **state)
{
	static const char *const bad[] = {
		"\x80",             /* a continuation alone */
		"\xC3",             /* cut off */
		"\xE2\x99",         /* likewise */
		"\xC0\xAF",         /* an overlong slash */
		"\xE0\x80\xAF",     /* likewise */
		"\xED\xA0\x80",     /* a surrogate */
		"\xF4\x90\x80\x80", /* beyond U+10FFFF */
		"\xFF",
	};
	char text[32];

	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(text, sizeof(text), "a%s@b/c", bad[i]);
		assert_false(is_jid(text));
		snprintf(text, sizeof(text), "a@b%s/c", bad[i]);
		assert_false(is_jid(text));
		snprintf(text, sizeof(text), "a@b/c%s", bad[i]);
		assert_false(is_jid(text));
		snprintf(text, sizeof(text), "a@%sb/c", bad[i]);
		assert_false(is_jid(text));
	}
}

static void
right_to_left_localparts_obey_the_bidi_rule(void **state)
{
	CHECK({ "אב1@example.com/אa", "אב1", "example.com", "אa" }, { "אבa@example.com" },
	      { "1אב@example.com" }, { "ب٠١@example.com", "ب٠١", "example.com", NULL });
}

/* --- Domains ----------------------------------------------------------------- */

static void
domains_are_mapped_to_one_form(void **state)
{
	CHECK({ "EXAMPLE.COM", NULL, "example.com", NULL },
	      { "localhost", NULL, "localhost", NULL }, { "a.b-c.3d", NULL, "a.b-c.3d", NULL },
	      { "a--b--c", NULL, "a--b--c", NULL }, { "127.0.0.1", NULL, "127.0.0.1", NULL },
	      { "bücher.example", NULL, "bücher.example", NULL },
	      { "BÜCHER.example", NULL, "bücher.example", NULL },
	      { "bu\u0308cher.example", NULL, "bücher.example", NULL },
	      { "xn--bcher-kva.example", NULL, "bücher.example", NULL },
	      { "XN--BCHER-KVA.Example", NULL, "bücher.example", NULL },
	      { "faß.de", NULL, "faß.de", NULL }, { "xn--fa-hia.de", NULL, "faß.de", NULL },
	      { "ΣΊΣΥΦΟΣ.gr", NULL, "σίσυφοσ.gr", NULL }, { "ς.gr", NULL, "ς.gr", NULL },
	      { "ＥＸＡＭＰＬＥ．ｃｏｍ", NULL, "example.com", NULL },
	      { "例え。テスト", NULL, "例え.テスト", NULL }, { "l·l.cat", NULL, "l·l.cat", NULL },
	      { "א\u05F3.example", NULL, "א\u05F3.example", NULL },
	      { "ب\u200Cب.example", NULL, "ب\u200Cب.example", NULL },
	      { "क्\u200Dष.example", NULL, "क्\u200Dष.example", NULL },
	      { "カ・a.example", NULL, "カ・a.example", NULL },
	      /* Of Cherokee IDNA2008 has the capitals. */
	      { "ᏣᎳᎩ.example", NULL, "ᏣᎳᎩ.example", NULL },
	      { "ꮳꮃꭹ.example", NULL, "ᏣᎳᎩ.example", NULL });
}

static void
a_trailing_dot_is_cut(void **state)
{
	CHECK({ "example.com.", NULL, "example.com", NULL },
	      { "a@example.com./b", "a", "example.com", "b" },
	      { "bücher.example.", NULL, "bücher.example", NULL },
	      { "example。", NULL, "example", NULL }, { "[::1].", NULL, "[::1]", NULL },
	      { "example.com.." }, { "." }, { ".." }, { "bücher.." }, { "bücher。." },
	      { "bücher.。" });
}

static void
labels_that_are_neither_nr_ldh_nor_u_labels_are_refused(void **state)
{
	CHECK({ "a..b" }, { ".a" }, { "-a.b" }, { "a-.b" }, { "a.-b" }, { "a.b-" }, { "-" },
	      { "a_b" }, { "a b" }, { "a%20b" }, { "a:5222" }, { "a*b" }, { "::1" },
	      { "ab--c.d" }, /* reserved */
	      { "xn--" }, { "xn--.d" }, { "xn--a.d" }, { "xn--abc-.d" }, { "XN---" },
	      { "xn--a-ecp.d" }, /* decodes to a disallowed code point */
	      { "xn--u-ccb.d" }, /* decodes to what is not NFC */
	      { "xn--bcher-kvb\u00FC.d" }, { "☕.d" }, { "😀.d" }, { "Ⅳ.d" }, { "ﬁ.d" },
	      { "a\u00ADb.d" }, { "\u0301a.d" }, { "é-.d" }, { "-é.d" }, { "ab--é.d" }, { "a·b.d" },
	      { "a\u200Db.d" }, { "a・b.d" }, { "ب٠۰.d" }, { "\u0378.d" }, { "é..d" }, { "é_.d" },
	      { "［::1］" });
}

static void
the_bidi_rule_looks_at_all_labels_of_a_domain(void **state)
{
	CHECK({ "אב.example", NULL, "אב.example", NULL }, { "a1.אב", NULL, "a1.אב", NULL },
	      { "123.אב" }, { "xn--4dbc.1" }, { "אבa.example" }, { "1.a", NULL, "1.a", NULL });
}

/* n times s, between before and after. */
static const char *
repeated(const char *before, const char *s, size_t n, const char *after)
{
	static char text[4 * JID_MAX];
	size_t len = strlen(s), at = strlen(before);

	assert_true(at + len * n + strlen(after) < sizeof(text));
	snprintf(text, sizeof(text), "%s", before);
	for (size_t i = 0; i < n; i++, at += len)
		memcpy(text + at, s, len);
	snprintf(text + at, sizeof(text) - at, "%s", after);
	return text;
}

static void
labels_and_names_have_the_limits_of_dns(void **state)
{
	char label[64], name[300];

	assert_true(is_jid(repeated("", "a", 63, ".b")));
	assert_false(is_jid(repeated("", "a", 64, ".b")));
	/* The A-label counts: "xn--" and 59 more. */
	assert_true(is_jid(repeated("", "é", 57, ".b")));
	assert_false(is_jid(repeated("", "é", 58, ".b")));

	memset(label, 'a', 63);
	label[63] = '\0';
	snprintf(name, sizeof(name), "%s.%s.%s.%.61s", label, label, label, label);
	assert_int_equal(strlen(name), 253);
	assert_true(is_jid(name));
	assert_true(is_jid(repeated(name, ".", 1, "")));
	snprintf(name, sizeof(name), "%s.%s.%s.%.62s", label, label, label, label);
	assert_false(is_jid(name));
	snprintf(name, sizeof(name), "%s.%s.%s.%.53sé", label, label, label, label);
	assert_true(is_jid(name));
	snprintf(name, sizeof(name), "%s.%s.%s.%.54sé", label, label, label, label);
	assert_false(is_jid(name));
	/* Fullwidth letters are three times as long before they are mapped. */
	assert_true(is_jid(repeated("", "ａ。", 126, "a")));
	assert_false(is_jid(repeated("", "ａ。", 127, "a")));
	assert_false(is_jid(repeated("", "é.", 2000, "a")));
}

/* --- IP literals ------------------------------------------------------------- */

static void
ip_literals_have_one_form(void **state)
{
	CHECK({ "[::1]", NULL, "[::1]", NULL }, { "a@[::1]/b", "a", "[::1]", "b" },
	      { "[::]", NULL, "[::]", NULL },
	      { "[2001:0DB8:0:0:0:0:0:1]", NULL, "[2001:db8::1]", NULL },
	      { "[2001:db8:0:1:1:1:1:1]", NULL, "[2001:db8:0:1:1:1:1:1]", NULL },
	      { "[::FFFF:192.0.2.1]", NULL, "[::ffff:192.0.2.1]", NULL },
	      { "[fe80::1%25eth0]", NULL, "[fe80::1%25eth0]", NULL },
	      { "[FE80::1%25a-b._~%2F]", NULL, "[fe80::1%25a-b._~%2F]", NULL },
	      { "[v1.A:b]", NULL, "[v1.a:b]", NULL },
	      { "[VF.!$&'()*+,;=-._~]", NULL, "[vf.!$&'()*+,;=-._~]", NULL });
}

static void
what_only_looks_like_an_ip_literal_is_refused(void **state)
{
	CHECK({ "[]" }, { "[" }, { "]" }, { "[::1" }, { "::1]" }, { "[::1]a" }, { "a[::1]" },
	      { "[::1]:5269" }, { "[[::1]]" }, { "[1.2.3.4]" }, { "[::g]" }, { "[1:2:3:4:5:6:7]" },
	      { "[1:2:3:4:5:6:7:8:9]" }, { "[1::2::3]" }, { "[::1%eth0]" }, { "[::1%25]" },
	      { "[::1%25a b]" }, { "[::1%25a%2]" }, { "[%25a]" }, { "[v1.]" }, { "[v.a]" },
	      { "[v1a]" }, { "[vg.a]" }, { "[v1.a%25b]" }, { "[v1.é]" }, { "[:: 1]" }, { "[v]" },
	      { "[example]" });
}

/* --- Lengths ----------------------------------------------------------------- */

static void
each_part_has_up_to_1023_bytes(void **state)
{
	assert_true(is_jid(repeated("", "a", 1023, "@b/c")));
	assert_false(is_jid(repeated("", "a", 1024, "@b/c")));
	assert_true(is_jid(repeated("a@b/", "c", 1023, "")));
	assert_false(is_jid(repeated("a@b/", "c", 1024, "")));
	assert_true(is_jid(repeated("[v1.", "a", 1018, "]")));
	assert_false(is_jid(repeated("[v1.", "a", 1019, "]")));
}

static void
lengths_count_after_mapping(void **state)
{
	assert_true(is_jid(repeated("", "Ａ", 1023, "@b")));
	assert_false(is_jid(repeated("", "Ａ", 1024, "@b")));
	assert_true(is_jid(repeated("", "e\u0301", 511, "@b")));
	assert_false(is_jid(repeated("", "e\u0301", 512, "@b")));
	assert_true(is_jid(repeated("b/", "é", 511, "")));
	assert_false(is_jid(repeated("b/", "é", 512, "")));
	assert_true(is_jid(repeated("b/", "\u3000", 1023, "")));
	assert_false(is_jid(repeated("b/", "\u3000", 1024, "")));
	assert_false(is_jid(repeated("", "İ", 400, "@b")));
}

static void
the_longest_address_has_3071_bytes(void **state)
{
	struct arena *a = arena_new(0);
	char part[1024], text[JID_MAX + 1];
	struct jid jid;

	memset(part, 'a', 1023);
	part[1023] = '\0';
	snprintf(text, sizeof(text), "%s@[v1.%.1018s]/%s", part, part, part);
	assert_int_equal(strlen(text), JID_MAX);
	assert_int_equal(JID_MAX, 3071);
	assert_true(jid_parse(&jid, text, a));
	assert_string_equal(jid.full, text);
	assert_int_equal(strlen(jid.bare), 2047);
	assert_string_equal(jid.local, part);
	assert_string_equal(jid.resource, part);
	arena_free(&a);
}

/* --- The other functions ----------------------------------------------------- */

static void
parts_are_prepared_by_themselves(void **state)
{
	struct arena *a = arena_new(0);

	assert_string_equal(jid_prepare_local("RoMeo", a), "romeo");
	assert_null(jid_prepare_local("", a));
	assert_null(jid_prepare_local("a@b", a));
	assert_null(jid_prepare_local(NULL, a));
	assert_string_equal(jid_prepare_domain("A.Example.", a), "a.example");
	assert_null(jid_prepare_domain("", a));
	assert_null(jid_prepare_domain("a@b", a));
	assert_null(jid_prepare_domain("a/b", a));
	assert_null(jid_prepare_domain(NULL, a));
	assert_string_equal(jid_prepare_resource("A/b@c", a), "A/b@c");
	assert_null(jid_prepare_resource("", a));
	assert_null(jid_prepare_resource(NULL, a));
	arena_free(&a);
}

static void
parts_are_joined(void **state)
{
	struct arena *a = arena_new(0);

	assert_string_equal(jid_join("a", "b", "c", a), "a@b/c");
	assert_string_equal(jid_join("a", "b", NULL, a), "a@b");
	assert_string_equal(jid_join(NULL, "b", "c", a), "b/c");
	assert_string_equal(jid_join(NULL, "b", NULL, a), "b");
	arena_free(&a);
}

static void
a_domain_has_a_form_for_dns(void **state)
{
	struct arena *a = arena_new(0);

	assert_string_equal(jid_domain_ascii("a.example", a), "a.example");
	assert_string_equal(jid_domain_ascii("bücher.example", a), "xn--bcher-kva.example");
	assert_string_equal(jid_domain_ascii("xn--bcher-kva.example", a), "xn--bcher-kva.example");
	assert_string_equal(jid_domain_ascii("例え.テスト", a), "xn--r8jz45g.xn--zckzah");
	assert_string_equal(jid_domain_ascii("faß.de", a), "xn--fa-hia.de");
	assert_string_equal(jid_domain_ascii("127.0.0.1", a), "127.0.0.1");
	assert_null(jid_domain_ascii("[::1]", a));
	assert_null(jid_domain_ascii("a_b", a));
	assert_null(jid_domain_ascii(NULL, a));
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legal_addresses_of_rfc_7622_are_accepted),
		cmocka_unit_test(illegal_addresses_of_rfc_7622_are_refused),
		cmocka_unit_test(a_space_may_begin_a_resourcepart),
		cmocka_unit_test(the_first_slash_is_looked_for_before_the_first_at),
		cmocka_unit_test(no_mapping_makes_a_separator),
		cmocka_unit_test(empty_parts_are_refused),
		cmocka_unit_test(a_bare_address_is_one_string),
		cmocka_unit_test(excluded_characters_are_refused_in_localparts_also_at_full_width),
		cmocka_unit_test(other_printable_ascii_is_allowed_in_localparts),
		cmocka_unit_test(only_the_resourcepart_keeps_its_case),
		cmocka_unit_test(controls_are_refused_everywhere),
		cmocka_unit_test(what_is_not_utf_8_is_refused_in_each_part),
		cmocka_unit_test(right_to_left_localparts_obey_the_bidi_rule),
		cmocka_unit_test(domains_are_mapped_to_one_form),
		cmocka_unit_test(a_trailing_dot_is_cut),
		cmocka_unit_test(labels_that_are_neither_nr_ldh_nor_u_labels_are_refused),
		cmocka_unit_test(the_bidi_rule_looks_at_all_labels_of_a_domain),
		cmocka_unit_test(labels_and_names_have_the_limits_of_dns),
		cmocka_unit_test(ip_literals_have_one_form),
		cmocka_unit_test(what_only_looks_like_an_ip_literal_is_refused),
		cmocka_unit_test(each_part_has_up_to_1023_bytes),
		cmocka_unit_test(lengths_count_after_mapping),
		cmocka_unit_test(the_longest_address_has_3071_bytes),
		cmocka_unit_test(parts_are_prepared_by_themselves),
		cmocka_unit_test(parts_are_joined),
		cmocka_unit_test(a_domain_has_a_form_for_dns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
