/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Building a tree from the top down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xml/parser.h"
#include "xml/writer.h"

struct fixture {
	struct arena *arena;
	struct hm_writer w;
};

static int
set_up(void **state)
{
	static struct fixture f;

	f.arena = arena_new(0);
	writer_init(&f.w, f.arena);
	*state = &f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	arena_free(&f->arena);
	return 0;
}

static void
expect(const struct fixture *f, const char *xml)
{
	struct buf out = { 0 };

	assert_true(writer_done(&f->w));
	elem_write(f->w.root, "jabber:client", &out);
	assert_string_equal(out.data, xml);
	buf_free(&out);
}

static void
a_query_is_built(void **state)
{
	struct fixture *f = *state;
	char name[] = "query", node[] = "n&1";

	assert_false(writer_done(&f->w));
	writer_open(&f->w, "jabber:client", "iq");
	writer_attr(&f->w, "type", "result");
	writer_open(&f->w, "urn:q", name);
	writer_attr(&f->w, "node", node);
	writer_attr(&f->w, "absent", NULL);
	memset(name, 'x', 5); /* everything is copied */
	memset(node, 'x', 3);
	writer_leaf(&f->w, "item", "a<b");
	writer_leaf(&f->w, "empty", NULL);
	writer_text(&f->w, NULL);
	writer_text(&f->w, "");
	writer_text(&f->w, "end");
	writer_close(&f->w);
	assert_false(writer_done(&f->w));
	writer_close(&f->w);
	expect(f, "<iq type='result'><query xmlns='urn:q' node='n&amp;1'><item>a&lt;b</item>"
	          "<empty/>end</query></iq>");
}

static void
an_element_without_namespace_has_that_of_its_parent(void **state)
{
	struct fixture *f = *state;

	writer_open(&f->w, NULL, "a");
	writer_open(&f->w, NULL, "b");
	writer_open(&f->w, "urn:c", "c");
	writer_open(&f->w, NULL, "d");
	writer_open(&f->w, "", "e");
	for (int i = 0; i < 5; i++)
		writer_close(&f->w);
	expect(f, "<a xmlns=''><b><c xmlns='urn:c'><d><e xmlns=''/></d></c></b></a>");
}

static void
the_last_value_of_an_attribute_counts(void **state)
{
	struct fixture *f = *state;

	writer_open(&f->w, "jabber:client", "a");
	writer_attr(&f->w, "x", "1");
	writer_attr_ns(&f->w, "urn:x", "x", "2");
	writer_attr_ns(&f->w, XML_NS_XML, "lang", "en");
	writer_attr(&f->w, "y", "3");
	writer_attr(&f->w, "x", "4");
	writer_attr_ns(&f->w, XML_NS_XML, "lang", "de");
	writer_attr_ns(&f->w, "urn:x", "x", NULL);
	writer_close(&f->w);
	expect(f, "<a x='4' xmlns:ns0='urn:x' ns0:x='2' xml:lang='de' y='3'/>");
}

static void
raw_xml_is_written_as_it_is(void **state)
{
	struct fixture *f = *state;
	struct arena *copies = arena_new(0);
	struct hm_writer copy;

	writer_open(&f->w, "jabber:client", "a");
	writer_raw(&f->w, "<b xmlns='c'>&amp;</b>");
	writer_raw(&f->w, NULL);
	writer_leaf(&f->w, "d", "x");
	writer_close(&f->w);
	expect(f, "<a><b xmlns='c'>&amp;</b><d>x</d></a>");
	/* Walkers do not see it. */
	assert_string_equal(elem_first_child(f->w.root)->name, "d");
	assert_string_equal(elem_text(f->w.root, f->arena), "");
	writer_init(&copy, copies);
	writer_copy(&copy, f->w.root);
	arena_reset(f->arena);
	f->w.root = copy.root;
	expect(f, "<a><b xmlns='c'>&amp;</b><d>x</d></a>");
	arena_free(&copies);
}

static void
a_shared_element_keeps_its_own_neighbours(void **state)
{
	static const struct xml_limits limits = { .stanza_bytes = 1000, .depth = 9, .nodes = 99 };
	static const char xml[] = "<a><b x='1'>t<c/></b><d/></a>";
	struct fixture *f = *state;
	const struct hm_elem *e =
		xml_parse(f->arena, xml, sizeof(xml) - 1, "jabber:client", &limits);
	struct buf out = { 0 };

	writer_open(&f->w, "urn:new", "new");
	writer_share(&f->w, elem_child(e, NULL, "d"));
	writer_share(&f->w, elem_child(e, NULL, "b"));
	writer_leaf(&f->w, "more", NULL);
	writer_close(&f->w);
	elem_write(f->w.root, "jabber:client", &out);
	assert_string_equal(out.data, "<new xmlns='urn:new'><d xmlns='jabber:client'/>"
	                              "<b xmlns='jabber:client' x='1'>t<c/></b><more/></new>");
	buf_clear(&out);
	elem_write(e, "jabber:client", &out);
	assert_string_equal(out.data, xml);
	buf_free(&out);
}

static void
a_copy_is_deep(void **state)
{
	static const struct xml_limits limits = { .stanza_bytes = 1000, .depth = 9, .nodes = 99 };
	static const char xml[] =
		"<a><b x='1' xml:lang='en' y='2'>t<c xmlns='urn:c'/>u</b><d/></a>";
	struct fixture *f = *state;
	struct arena *a = arena_new(0);

	writer_copy(&f->w, xml_parse(a, xml, sizeof(xml) - 1, "jabber:client", &limits));
	arena_free(&a);
	expect(f, xml);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_query_is_built, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_element_without_namespace_has_that_of_its_parent,
		                                set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_last_value_of_an_attribute_counts, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(raw_xml_is_written_as_it_is, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_shared_element_keeps_its_own_neighbours, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_copy_is_deep, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
