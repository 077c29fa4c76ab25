/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Bad input: which fault it is, and that limits hold exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "transcript.h"

#define HEADER                                                                                     \
	"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
#define INPUT(text) text, sizeof(text) - 1

static const struct xml_limits limits = { .stanza_bytes = 1000, .depth = 5, .nodes = 12 };

struct bad {
	const char *input;
	size_t len;
	enum xml_fault fault;
};

/* RFC 6120 11.1, 11.6 and 4.9.3 */
static const struct bad in_headers[] = {
	{ INPUT("<!DOCTYPE stream [<!ENTITY a 'b'>]><stream>"), XML_RESTRICTED },
	{ INPUT("<?xml version='1.0'?><!DOCTYPE stream SYSTEM 'http://a/'><stream>"),
	  XML_RESTRICTED },
	{ INPUT("<!-- hello --><stream>"), XML_RESTRICTED },
	{ INPUT("<?php 1 ?><stream>"), XML_RESTRICTED },
	{ INPUT("<?xml version='1.0'?><?xml-stylesheet href='a'?><stream>"), XML_RESTRICTED },
	{ INPUT("<?xml version='1.0' encoding='ISO-8859-1'?><stream>"), XML_BAD_ENCODING },
	{ INPUT("<?xml version='1.0' encoding='UTF-16'?><stream>"), XML_BAD_ENCODING },
	{ INPUT("<?xml version='1.0' encoding='nonsense'?><stream>"), XML_BAD_ENCODING },
	{ INPUT("\xff\xfe<\0s\0t\0"), XML_BAD_ENCODING },
	{ INPUT("\xfe\xff\0<\0s\0t"), XML_BAD_ENCODING },
	{ INPUT("<\0s\0t\0r\0"), XML_BAD_ENCODING },
	{ INPUT("\0<\0s\0t\0r"), XML_BAD_ENCODING },
	{ INPUT("\xef\xbb\xbf<stream>"), XML_NOT_WELL_FORMED }, /* a character, RFC 6120 11.6 */
	{ INPUT("hello"), XML_NOT_WELL_FORMED },
	{ INPUT("GET / HTTP/1.1\r\n\r\n"), XML_NOT_WELL_FORMED },
	{ INPUT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), XML_NOT_WELL_FORMED },
	{ INPUT("<?xml version='1.0'?>text<stream>"), XML_NOT_WELL_FORMED },
	{ INPUT("</stream>"), XML_NOT_WELL_FORMED },
	{ INPUT("<stream:stream xmlns='jabber:client'>"), XML_NOT_WELL_FORMED },
	{ INPUT("<stream a='1' a='2'>"), XML_NOT_WELL_FORMED },
	{ INPUT("<stream a=1>"), XML_NOT_WELL_FORMED },
	{ INPUT("<stream a='<'>"), XML_NOT_WELL_FORMED },
	{ INPUT("<stream a='&b;'>"), XML_NOT_WELL_FORMED },
	{ INPUT("<stream a='\xc3'>"), XML_INVALID_UTF8 },
	{ INPUT("<stream xmlns:xml='urn:a'>"), XML_NOT_WELL_FORMED },
	{ INPUT("<stream xmlns:a=''>"), XML_NOT_WELL_FORMED },
	{ INPUT("<stream xmlns='a&#10;b'>"), XML_NOT_WELL_FORMED },
	{ INPUT("<stream a='' b='' c='' d='' e='' f='' g='' h='' i='' j='' k='' l=''>"),
	  XML_TOO_LARGE },
	{ INPUT("<stream xmlns:a='a' xmlns:b='a' xmlns:c='a' xmlns:d='a' xmlns:e='a' xmlns:f='a' "
	        "xmlns:g='a' xmlns:h='a' xmlns:i='a' xmlns:j='a' xmlns:k='a' xmlns:l='a' "
	        "xmlns:m='a' xmlns:n='a' xmlns:o='a' xmlns:p='a' xmlns:q='a'>"),
	  XML_TOO_LARGE },
};

static const struct bad in_stanzas[] = {
	{ INPUT("<!-- x --><a/>"), XML_RESTRICTED },
	{ INPUT("<a><!-- x --></a>"), XML_RESTRICTED },
	{ INPUT("<a><?b c?></a>"), XML_RESTRICTED },
	{ INPUT("<?xml version='1.0'?><a/>"), XML_RESTRICTED },
	{ INPUT("<!DOCTYPE a><a/>"), XML_RESTRICTED },
	{ INPUT("<a><!DOCTYPE a></a>"), XML_RESTRICTED },
	{ INPUT("<a><!ENTITY a 'b'></a>"), XML_RESTRICTED },
	{ INPUT("<a>&b;</a>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a>&nbsp;</a>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a>&#0;</a>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a>&#xD800;</a>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a>&#1;</a>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a>& b</a>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a></b>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a><b></a></b>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a"
	        "<b/>"),
	  XML_NOT_WELL_FORMED },
	{ INPUT("<>"), XML_NOT_WELL_FORMED },
	{ INPUT("< a/>"), XML_NOT_WELL_FORMED },
	{ INPUT("<1/>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a b/>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a b='1'c='2'/>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a b='1' b='2'/>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a ' >'/>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a / >"), XML_NOT_WELL_FORMED },
	{ INPUT("<a></a '>'>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a>]]></a>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a><![cdata[b]]></a>"), XML_NOT_WELL_FORMED },
	{ INPUT("<p:a/>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a p:b='1'/>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a:b:c xmlns:a='u'/>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a xmlns:xmlns='u'/>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a xmlns='http://www.w3.org/2000/xmlns/'/>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a>\0</a>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a\0/>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a b='\0'/>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a>\x01</a>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a>\xef\xbf\xbe</a>"), XML_NOT_WELL_FORMED }, /* U+FFFE */
	{ INPUT("\0"), XML_NOT_WELL_FORMED },
	{ INPUT("</other>"), XML_NOT_WELL_FORMED },
	{ INPUT("<a>\xc3(</a>"), XML_INVALID_UTF8 },
	{ INPUT("<a>\xe2\x82</a>"), XML_INVALID_UTF8 },
	{ INPUT("<a b='\xf0\x9f\x98'/>"), XML_INVALID_UTF8 },
	{ INPUT("<a>\xff</a>"), XML_INVALID_UTF8 },
	{ INPUT("<a>\x80</a>"), XML_INVALID_UTF8 },
	{ INPUT("<a>\xc0\x80</a>"), XML_INVALID_UTF8 },
	{ INPUT("<a>\xed\xa0\x80</a>"), XML_INVALID_UTF8 },
	{ INPUT("<a>\xf4\x90\x80\x80</a>"), XML_INVALID_UTF8 },
	{ INPUT("<a\xc3/>"), XML_INVALID_UTF8 },
	{ INPUT("text"), XML_STRAY_TEXT },
	{ INPUT("&#32;"), XML_STRAY_TEXT },
	{ INPUT("\xc2\xa0"), XML_STRAY_TEXT },
	{ INPUT("<a/> b <a/>"), XML_STRAY_TEXT },
	{ INPUT("<![CDATA[ ]]>"), XML_STRAY_TEXT },
	{ INPUT("<a><b><c><d><e><f/></e></d></c></b></a>"), XML_TOO_LARGE },
	{ INPUT("<a><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/></a>"), XML_TOO_LARGE },
	{ INPUT("<a b='' c='' d='' e='' f='' g='' h='' i='' j='' k='' l='' m=''/>"),
	  XML_TOO_LARGE },
};

static void
expect_fault(const char *before, const struct bad *bad)
{
	static const size_t pieces[] = { 0, 1, 2, 3, 7, 20 };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct xml_stream *s = xml_stream_new(&limits);
		struct buf out = { 0 };
		struct arena *arena;
		struct hm_elem *elem;
		size_t used = 1;

		transcript_feed(s, before, strlen(before), 0, &out);
		transcript_feed(s, bad->input, bad->len, pieces[i], &out);
		if (xml_stream_fault(s) != bad->fault)
			fail_msg("%s: in pieces of %zu: %s", bad->input, pieces[i],
			         fault_names[xml_stream_fault(s)]);
		assert_true(xml_stream_idle(s));
		/* A dead stream stays dead. */
		assert_int_equal(xml_stream_feed(s, "<a/>", 4, &used, &arena, &elem), XML_EV_FAULT);
		assert_int_equal(used, 0);
		buf_free(&out);
		xml_stream_free(&s);
	}
}

static void
each_bad_header_has_its_fault(void **state)
{
	for (size_t i = 0; i < sizeof(in_headers) / sizeof(in_headers[0]); i++)
		expect_fault("", &in_headers[i]);
}

static void
each_bad_stanza_has_its_fault(void **state)
{
	for (size_t i = 0; i < sizeof(in_stanzas) / sizeof(in_stanzas[0]); i++) {
		expect_fault(HEADER, &in_stanzas[i]);
		expect_fault(HEADER "<a/>", &in_stanzas[i]);
	}
}

/* Refused at once, not when the comment ends. */
static void
restricted_xml_is_seen_where_it_starts(void **state)
{
	struct bad comment = { INPUT("<a><!-"), XML_RESTRICTED };
	struct bad doctype = { INPUT("<!D"), XML_RESTRICTED };
	struct bad instruction = { INPUT("<a>b<?"), XML_RESTRICTED };

	expect_fault(HEADER, &comment);
	expect_fault("", &doctype);
	expect_fault(HEADER, &instruction);
}

static enum xml_fault
fault_with_limits(const struct xml_limits *l, const char *input, size_t len, size_t piece)
{
	struct xml_stream *s = xml_stream_new(&limits);
	struct buf out = { 0 };
	enum xml_fault fault;

	transcript_feed(s, HEADER, strlen(HEADER), 0, &out);
	xml_stream_limits(s, l);
	transcript_feed(s, input, len, piece, &out);
	fault = xml_stream_fault(s);
	buf_free(&out);
	xml_stream_free(&s);
	return fault;
}

static void
the_byte_limit_counts_one_stanza_from_its_first_byte(void **state)
{
	static const char stanza[] = "   <a>1234</a>\n\n\n\n\n\n<b>12345</b>      ";
	struct xml_limits l = { .depth = 5, .nodes = 5 };

	for (size_t piece = 0; piece < 20; piece++) {
		l.stanza_bytes = 12;
		assert_int_equal(fault_with_limits(&l, stanza, sizeof(stanza) - 1, piece), 0);
		l.stanza_bytes = 11;
		assert_int_equal(fault_with_limits(&l, stanza, sizeof(stanza) - 1, piece),
		                 XML_TOO_LARGE);
		l.stanza_bytes = 0;
		assert_int_equal(fault_with_limits(&l, stanza, sizeof(stanza) - 1, piece),
		                 XML_TOO_LARGE);
	}
}

static void
a_stanza_that_never_ends_stops_at_the_limit(void **state)
{
	static const char *const starts[] = {
		"<a>", "<a b='", "<a><![CDATA[", "<a></a ", "<a ", "<"
	};
	struct xml_limits l = { .stanza_bytes = 50000, .depth = 5, .nodes = 5 };

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct buf input = { 0 };

		buf_puts(&input, starts[i]);
		while (input.len < 60000)
			buf_puts(&input,
			         strchr(starts[i], ' ') && !strchr(starts[i], '\'') ? "  " : "xx");
		assert_int_equal(fault_with_limits(&l, input.data, input.len, 0), XML_TOO_LARGE);
		assert_int_equal(fault_with_limits(&l, input.data, input.len, 1000), XML_TOO_LARGE);
		buf_free(&input);
	}
}

static void
depth_and_nodes_may_be_what_the_limits_say(void **state)
{
	static const char deep[] = "<a><b><c/></b><b><c/></b></a>";
	static const char many[] = "<a b='1' c='2'><d/><d e='3'/></a>";
	struct xml_limits l = { .stanza_bytes = 1000, .depth = 3, .nodes = 6 };

	assert_int_equal(fault_with_limits(&l, deep, sizeof(deep) - 1, 0), 0);
	assert_int_equal(fault_with_limits(&l, many, sizeof(many) - 1, 0), 0);
	l.depth = 2;
	assert_int_equal(fault_with_limits(&l, deep, sizeof(deep) - 1, 0), XML_TOO_LARGE);
	l.nodes = 5;
	assert_int_equal(fault_with_limits(&l, many, sizeof(many) - 1, 0), XML_TOO_LARGE);
}

static void
depth_is_bounded_whatever_the_limits_say(void **state)
{
	struct xml_limits l = { .stanza_bytes = 1 << 24, .depth = 1 << 24, .nodes = 1 << 24 };
	struct buf input = { 0 };

	for (int i = 0; i < 200000; i++)
		buf_puts(&input, "<a>");
	assert_int_equal(fault_with_limits(&l, input.data, input.len, 0), XML_TOO_LARGE);
	buf_free(&input);
}

/* An attribute in many pieces, with what ends tags inside: read again for each, it would take minutes. */
static void
a_tag_in_many_pieces_is_not_read_again_for_each(void **state)
{
	struct xml_limits l = { .stanza_bytes = 4 << 20, .depth = 5, .nodes = 5 };
	struct buf input = { 0 };
	clock_t start = clock();

	buf_puts(&input, "<a b='");
	while (input.len < 2 << 20)
		buf_puts(&input, ">/>]]>  ");
	buf_puts(&input, "'/>");
	assert_int_equal(fault_with_limits(&l, input.data, input.len, 64), 0);
	assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
	buf_free(&input);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_bad_header_has_its_fault),
		cmocka_unit_test(each_bad_stanza_has_its_fault),
		cmocka_unit_test(restricted_xml_is_seen_where_it_starts),
		cmocka_unit_test(the_byte_limit_counts_one_stanza_from_its_first_byte),
		cmocka_unit_test(a_stanza_that_never_ends_stops_at_the_limit),
		cmocka_unit_test(depth_and_nodes_may_be_what_the_limits_say),
		cmocka_unit_test(depth_is_bounded_whatever_the_limits_say),
		cmocka_unit_test(a_tag_in_many_pieces_is_not_read_again_for_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
