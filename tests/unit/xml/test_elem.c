/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Walking a tree, whole documents, and that reading what was written gives the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xml/parser.h"

static const struct xml_limits limits = { .stanza_bytes = 10000, .depth = 20, .nodes = 500 };

static struct hm_elem *
parse(struct arena *a, const char *xml)
{
	return xml_parse(a, xml, strlen(xml), "jabber:client", &limits);
}

static void
children_are_the_elements_only(void **state)
{
	struct arena *a = arena_new(0);
	const struct hm_elem *e = parse(a, "<a> x <b/>y<c xmlns='urn:c'/><b n='2'/> </a>");
	const struct hm_elem *c = elem_first_child(e);

	assert_string_equal(c->name, "b");
	assert_ptr_equal(c->parent, e);
	c = elem_next(c);
	assert_string_equal(c->name, "c");
	c = elem_next(c);
	assert_string_equal(c->name, "b");
	assert_string_equal(elem_attr(c, "n"), "2");
	assert_null(elem_next(c));
	assert_null(elem_first_child(c));
	arena_free(&a);
}

static void
a_child_is_found_by_namespace_and_name(void **state)
{
	struct arena *a = arena_new(0);
	const struct hm_elem *e = parse(a, "<a>x<b/><b xmlns='urn:b'/><c xmlns='urn:b'/></a>");

	assert_string_equal(elem_child(e, "urn:b", "b")->ns, "urn:b");
	assert_string_equal(elem_child(e, NULL, "b")->ns, "jabber:client");
	assert_string_equal(elem_child(e, "urn:b", NULL)->name, "b");
	assert_string_equal(elem_child(e, NULL, "c")->ns, "urn:b");
	assert_string_equal(elem_child(e, NULL, NULL)->name, "b");
	assert_null(elem_child(e, "jabber:client", "c"));
	assert_null(elem_child(e, "urn:a", NULL));
	arena_free(&a);
}

static void
attributes_are_found_with_their_namespace(void **state)
{
	struct arena *a = arena_new(0);
	const struct hm_elem *e = parse(a, "<a x='1' xmlns:p='urn:p' p:x='2' xml:lang='en' e=''/>");

	assert_string_equal(elem_attr(e, "x"), "1");
	assert_string_equal(elem_attr(e, "e"), "");
	assert_string_equal(elem_attr_ns(e, "urn:p", "x"), "2");
	assert_string_equal(elem_attr_ns(e, XML_NS_XML, "lang"), "en");
	assert_null(elem_attr(e, "lang"));
	assert_null(elem_attr(e, "xmlns"));
	assert_null(elem_attr_ns(e, "urn:q", "x"));
	arena_free(&a);
}

static void
text_is_joined_around_elements(void **state)
{
	struct arena *a = arena_new(0);
	const struct hm_elem *e = parse(a, "<a>one<b>no</b> two<b/>&amp;three</a>");

	assert_string_equal(elem_text(e, a), "one two&three");
	assert_string_equal(elem_text(elem_first_child(e), a), "no");
	assert_string_equal(elem_text(elem_next(elem_first_child(e)), a), "");
	/* One run of characters is one node, whatever pieces expat makes of it. */
	e = parse(a, "<a>x\ny&lt;<![CDATA[z]]></a>");
	assert_null(e->first->next);
	assert_string_equal(e->first->text, "x\ny<z");
	assert_int_equal(e->first->text_len, 5);
	arena_free(&a);
}

static void
elements_and_attributes_are_counted(void **state)
{
	struct arena *a = arena_new(0);

	assert_int_equal(elem_count(parse(a, "<a/>")), 1);
	assert_int_equal(elem_count(parse(a, "<a b='1' c='2'>x<d/>y<e f='3'><g/></e></a>")), 7);
	arena_free(&a);
}

static void
a_document_is_read_in_the_namespace_around_it(void **state)
{
	struct arena *a = arena_new(0);

	assert_string_equal(xml_parse(a, "<a/>", 4, NULL, &limits)->ns, "");
	assert_string_equal(xml_parse(a, "<a/>", 4, "jabber:client", &limits)->ns, "jabber:client");
	assert_string_equal(xml_parse(a, "<a/>", 4, "urn:'&<", &limits)->ns, "urn:'&<");
	assert_string_equal(xml_parse(a, " <a xmlns='b'/>\n", 16, "c", &limits)->ns, "b");
	arena_free(&a);
}

static void
what_is_not_one_document_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"x",
		"<a>",
		"<a/><b/>",
		"<a/>x",
		"<a/><b",
		"</a>",
		"<a/><",
		"<a></b>",
		"<!-- a --><a/>",
		"<a>&x;</a>",
		"<p:a/>",
		"<a/></stream:stream>",
		"</stream:stream>",
		"<?xml version='1.0'?><a/>",
	};
	static const struct xml_limits narrow = { .stanza_bytes = 8, .depth = 1, .nodes = 2 };
	struct arena *a = arena_new(0);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(parse(a, bad[i]));
	assert_non_null(xml_parse(a, "<a b=''/>", 9, NULL, &limits));
	assert_null(xml_parse(a, "<a b=''/>", 9, NULL, &narrow));
	assert_null(xml_parse(a, "<a><b/>", 7, NULL, &narrow));
	arena_free(&a);
}

static void
reading_what_was_written_gives_the_same(void **state)
{
	static const char *const documents[] = {
		"<a/>",
		"<a b='1' c='&apos;&quot;&amp;&lt;&gt;&#9;&#10;&#13;'>&amp;&lt;&gt;\"'&#13;\t\n</a>",
		"<a xmlns=''><b xmlns='urn:b'><c/><d xmlns=''/></b></a>",
		"<p:a xmlns:p='urn:p' p:b='1' xmlns:q='urn:q' q:b='2' b='3' p:c='4'><p:x/><q:x/></p:a>",
		"<a xml:lang='en'><b xml:lang=''/></a>",
		"<a>one<b/>two<![CDATA[<three>]]><c>four</c></a>",
		"<a \xc3\xa4='\xe2\x82\xac'>\xf0\x9f\x98\x80</a>",
		"<a xmlns='urn:&apos;&lt;&amp;'><b/></a>",
		"<a xmlns='urn:a'><xml:b xml:c=''><d/><e xmlns='jabber:client'/></xml:b><f/></a>",
	};

	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		struct arena *a = arena_new(0);
		struct buf first = { 0 }, second = { 0 };

		elem_write(parse(a, documents[i]), "jabber:client", &first);
		elem_write(parse(a, first.data), "jabber:client", &second);
		assert_string_equal(first.data, second.data);
		assert_int_equal(elem_count(parse(a, documents[i])),
		                 elem_count(parse(a, first.data)));
		buf_free(&first);
		buf_free(&second);
		arena_free(&a);
	}
}

static void
the_written_form_is_canonical(void **state)
{
	struct arena *a = arena_new(0);
	struct buf out = { 0 };

	elem_write(
		parse(a,
	              "<p:a xmlns:p=\"urn:p\" p:b=\"1\" xmlns:q='urn:q' q:b='\"2\"' b='3' p:c='4' "
	              "xmlns='urn:d' ><p:x></p:x><x/>&gt;</p:a >"),
		"jabber:client", &out);
	assert_string_equal(out.data,
	                    "<a xmlns='urn:p' xmlns:ns0='urn:p' ns0:b='1' xmlns:ns1='urn:q' "
	                    "ns1:b='\"2\"' b='3' xmlns:ns2='urn:p' ns2:c='4'>"
	                    "<x/><x xmlns='urn:d'/>&gt;</a>");
	buf_free(&out);
	arena_free(&a);
}

static void
attributes_can_be_written_alone_without_some(void **state)
{
	static const char *const skip[] = { "to", "xml:lang", NULL };
	struct arena *a = arena_new(0);
	const struct hm_elem *e = parse(
		a, "<a to='x' b='1' xml:lang='en' xmlns:p='p' p:to='2' lang='3' xml:space='4'/>");
	struct buf out = { 0 };

	elem_write_attrs(e, skip, &out);
	assert_string_equal(out.data, " b='1' xmlns:ns0='p' ns0:to='2' lang='3' xml:space='4'");
	buf_clear(&out);
	elem_write_children(e, "jabber:client", &out);
	assert_string_equal(out.data, "");
	buf_free(&out);
	arena_free(&a);
}

/* Escapes are looked for in words of eight bytes: each place in a word, each length. */
static void
escapes_are_found_wherever_they_stand(void **state)
{
	char s[24];

	for (size_t len = 1; len < sizeof(s); len++) {
		for (unsigned byte = 1; byte < 256; byte++) {
			for (size_t at = 0; at<len; at += len> 9 ? 3 : 1) {
				struct buf value = { 0 }, text = { 0 };
				bool special = strchr("&<>'\t\n\r", (int)byte);
				bool in_text = strchr("&<>\r", (int)byte);

				memset(s, 'x', len);
				s[at] = (char)byte;
				xml_write_value(&value, s, len);
				xml_write_text(&text, s, len);
				assert_int_equal(value.len > len, special);
				assert_int_equal(text.len > len, in_text);
				assert_memory_equal(value.data, s, at);
				assert_memory_equal(value.data + value.len - (len - at - 1),
				                    s + at + 1, len - at - 1);
				buf_free(&value);
				buf_free(&text);
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(children_are_the_elements_only),
		cmocka_unit_test(a_child_is_found_by_namespace_and_name),
		cmocka_unit_test(attributes_are_found_with_their_namespace),
		cmocka_unit_test(text_is_joined_around_elements),
		cmocka_unit_test(elements_and_attributes_are_counted),
		cmocka_unit_test(a_document_is_read_in_the_namespace_around_it),
		cmocka_unit_test(what_is_not_one_document_is_refused),
		cmocka_unit_test(reading_what_was_written_gives_the_same),
		cmocka_unit_test(the_written_form_is_canonical),
		cmocka_unit_test(attributes_can_be_written_alone_without_some),
		cmocka_unit_test(escapes_are_found_wherever_they_stand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
