/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Streams: headers, stanzas, ends, restarts, and parsers that are shared. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transcript.h"

#define HEADER                                                                                     \
	"<?xml version='1.0'?><stream:stream to='a.example' version='1.0' xmlns='jabber:client' "  \
	"xmlns:stream='http://etherx.jabber.org/streams'>"
#define HEADER_SEEN                                                                                \
	"header <stream xmlns='http://etherx.jabber.org/streams' to='a.example' version='1.0'/>\n"

static const struct xml_limits limits = { .stanza_bytes = 10000, .depth = 20, .nodes = 500 };

/* However the bytes are cut, the same comes out. */
static void
expect(const char *input, const char *events)
{
	static const size_t pieces[] = { 0, 1, 2, 3, 5, 16, 61 };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct xml_stream *s = xml_stream_new(&limits);
		struct buf out = { 0 };

		transcript_feed(s, input, strlen(input), pieces[i], &out);
		assert_string_equal(out.data ? out.data : "", events);
		buf_free(&out);
		xml_stream_free(&s);
		assert_null(s);
	}
}

static void
a_stream_is_a_header_stanzas_and_an_end(void **state)
{
	expect(HEADER "<message to='b'><body>hi</body></message><presence/></stream:stream>",
	       HEADER_SEEN "stanza <message to='b'><body>hi</body></message>\n"
	                   "stanza <presence/>\nend\n");
}

static void
white_space_may_stand_around_everything(void **state)
{
	expect("\r\n " HEADER "\n\n<presence />\t\r\n<presence\n/> </stream:stream >\n \n",
	       HEADER_SEEN "stanza <presence/>\nstanza <presence/>\nend\n");
}

static void
what_comes_behind_the_end_is_ignored(void **state)
{
	expect(HEADER "</stream:stream><presence/>no matter & what", HEADER_SEEN "end\n");
}

static void
a_header_may_be_a_whole_document(void **state)
{
	expect("<stream:stream xmlns:stream='urn:x'/> ", "header <stream xmlns='urn:x'/>\nend\n");
}

static void
references_and_cdata_become_text(void **state)
{
	expect(HEADER "<message><body>&lt;a&gt; &amp;&apos;&quot; &#x41;&#66;<![CDATA[<c> & ]]]]"
	              "><![CDATA[>]]></body></message>",
	       HEADER_SEEN "stanza <message><body>&lt;a&gt; &amp;'\" AB&lt;c&gt; &amp; ]]&gt;"
	                   "</body></message>\n");
}

static void
markup_in_quotes_is_no_markup(void **state)
{
	expect(HEADER "<message a='/>' b=\"'/> /message>\" c='\"'><x y=' /> '/></message>",
	       HEADER_SEEN "stanza <message a='/&gt;' b='&apos;/&gt; /message&gt;' c='\"'>"
	                   "<x y=' /&gt; '/></message>\n");
}

static void
line_ends_are_normalised_and_references_to_them_are_not(void **state)
{
	expect(HEADER "<message a='1\r\n2&#13;&#10;3\t4&#9;5'>x\r\ny&#13;z</message>",
	       HEADER_SEEN "stanza <message a='1 2&#13;&#10;3 4&#9;5'>x\ny&#13;z</message>\n");
}

static void
characters_beyond_ascii_are_kept(void **state)
{
	expect(HEADER "<message><body>\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xef\xbb\xbf&#x1F600;"
	              "</body></message>",
	       HEADER_SEEN
	       "stanza <message><body>\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xef\xbb\xbf"
	       "\xf0\x9f\x98\x80</body></message>\n");
}

/* RFC 6120 4.8.5: prefixes of the header hold for the stream. */
static void
prefixes_of_the_header_hold_for_all_stanzas(void **state)
{
	expect("<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams' "
	       "xmlns:db='jabber:server:dialback' xmlns:q='a&apos;b'>"
	       "<db:result>1</db:result> <s:error/> <message db:x='1' q:y='2'/>"
	       "<q:a><q:a xmlns:q='urn:other'/></q:a><db:verify/></s:stream>",
	       "header <stream xmlns='http://etherx.jabber.org/streams'/>\n"
	       "stanza <result xmlns='jabber:server:dialback'>1</result>\n"
	       "stanza <error xmlns='http://etherx.jabber.org/streams'/>\n"
	       "stanza <message xmlns:ns0='jabber:server:dialback' ns0:x='1' "
	       "xmlns:ns1='a&apos;b' ns1:y='2'/>\n"
	       "stanza <a xmlns='a&apos;b'><a xmlns='urn:other'/></a>\n"
	       "stanza <verify xmlns='jabber:server:dialback'/>\nend\n");
}

static void
a_stanza_without_namespace_has_the_one_of_the_stream(void **state)
{
	expect("<stream xmlns='urn:a'><x/><x xmlns='urn:b'/><x xmlns=''/></stream>",
	       "header <stream xmlns='urn:a'/>\nstanza <x xmlns='urn:a'/>\n"
	       "stanza <x xmlns='urn:b'/>\nstanza <x xmlns=''/>\nend\n");
	expect("<stream><x/></stream>", "header <stream xmlns=''/>\nstanza <x xmlns=''/>\nend\n");
}

static void
the_prefix_xml_is_built_in(void **state)
{
	expect("<stream xml:lang='en'><x xml:lang='de'/></stream>",
	       "header <stream xmlns='' xml:lang='en'/>\nstanza <x xmlns='' xml:lang='de'/>\nend\n");
}

static void
the_header_tells_its_namespace_and_prefix(void **state)
{
	struct xml_stream *s = xml_stream_new(&limits);
	struct buf out = { 0 };

	assert_string_equal(xml_stream_content_ns(s), "");
	assert_null(xml_stream_prefix(s));
	transcript_feed(s, HEADER, strlen(HEADER), 0, &out);
	assert_string_equal(xml_stream_content_ns(s), "jabber:client");
	assert_string_equal(xml_stream_prefix(s), "stream");
	xml_stream_restart(s);
	transcript_feed(s, "<s:x xmlns:s='y' xmlns='z'>", 27, 0, &out);
	assert_string_equal(xml_stream_content_ns(s), "z");
	assert_string_equal(xml_stream_prefix(s), "s");
	xml_stream_restart(s);
	transcript_feed(s, "<x>", 3, 0, &out);
	assert_string_equal(xml_stream_content_ns(s), "");
	assert_null(xml_stream_prefix(s));
	buf_free(&out);
	xml_stream_free(&s);
}

static void
a_stream_between_stanzas_holds_no_parser(void **state)
{
	struct xml_stream *s = xml_stream_new(&limits);
	struct buf out = { 0 };

	assert_true(xml_stream_idle(s));
	transcript_feed(s, "<", 1, 0, &out);
	assert_false(xml_stream_idle(s));
	transcript_feed(s, &HEADER[22], strlen(HEADER) - 22, 0, &out);
	assert_true(xml_stream_idle(s));
	transcript_feed(s, " \n ", 3, 1, &out);
	assert_true(xml_stream_idle(s));
	transcript_feed(s, "<presence", 9, 0, &out);
	assert_false(xml_stream_idle(s));
	transcript_feed(s, "/> ", 3, 1, &out);
	assert_true(xml_stream_idle(s));
	buf_free(&out);
	xml_stream_free(&s);
}

/* One event per call, so that what follows can be read under new rules. */
static void
nothing_behind_a_stanza_is_consumed_with_it(void **state)
{
	static const char input[] = HEADER "<starttls/>\x16\x03\x01";
	size_t rest = strlen(input), used;
	struct xml_stream *s = xml_stream_new(&limits);
	struct arena *arena = NULL;
	struct hm_elem *elem = NULL;

	assert_int_equal(xml_stream_feed(s, input, rest, &used, &arena, &elem), XML_EV_HEADER);
	assert_int_equal(used, strlen(HEADER));
	arena_free(&arena);
	assert_int_equal(xml_stream_feed(s, input + used, rest - used, &used, &arena, &elem),
	                 XML_EV_STANZA);
	assert_int_equal(used, strlen("<starttls/>"));
	assert_true(elem_is(elem, "jabber:client", "starttls"));
	arena_free(&arena);
	xml_stream_free(&s);
}

static void
after_a_restart_a_header_comes_again(void **state)
{
	struct xml_stream *s = xml_stream_new(&limits);
	struct buf out = { 0 };

	transcript_feed(s, HEADER "<auth/>", strlen(HEADER) + 7, 0, &out);
	xml_stream_restart(s);
	transcript_feed(s, "\n" HEADER "<iq/><iq><half", strlen(HEADER) + 15, 0, &out);
	xml_stream_restart(s); /* in the middle of a stanza */
	assert_true(xml_stream_idle(s));
	transcript_feed(s, HEADER "<iq/>", strlen(HEADER) + 5, 0, &out);
	xml_stream_restart(s);
	transcript_feed(s, "<?xml vers", 10, 0, &out); /* in the middle of a header */
	xml_stream_restart(s);
	transcript_feed(s, HEADER, strlen(HEADER), 0, &out);
	transcript_feed(s, "!", 1, 0, &out);
	xml_stream_restart(s); /* after a fault */
	assert_int_equal(xml_stream_fault(s), 0);
	transcript_feed(s, HEADER "<iq/>", strlen(HEADER) + 5, 0, &out);
	assert_string_equal(out.data,
	                    HEADER_SEEN "stanza <auth/>\n" HEADER_SEEN "stanza <iq/>\n" HEADER_SEEN
	                                "stanza <iq/>\n" HEADER_SEEN
	                                "fault stray-text\n" HEADER_SEEN "stanza <iq/>\n");
	buf_free(&out);
	xml_stream_free(&s);
}

static void
a_stream_without_header_starts_with_elements(void **state)
{
	struct xml_stream *s = xml_stream_new(&limits);
	struct buf out = { 0 };

	xml_stream_headless(s, "urn:frames");
	assert_string_equal(xml_stream_content_ns(s), "urn:frames");
	transcript_feed(s, "<open/><presence xmlns='jabber:client'/>", 40, 0, &out);
	xml_stream_headless(s, "jabber:client");
	transcript_feed(s, "<iq/>", 5, 1, &out);
	assert_string_equal(
		out.data, "stanza <open xmlns='urn:frames'/>\nstanza <presence/>\nstanza <iq/>\n");
	buf_free(&out);
	xml_stream_free(&s);
}

/* Streams with different headers take turns, each stanza in pieces that overlap. */
static void
streams_share_parsers_and_nothing_else(void **state)
{
	enum { STREAMS = 24, ROUNDS = 6 };
	struct xml_stream *s[STREAMS];
	struct buf out[STREAMS] = { 0 };

	for (int i = 0; i < STREAMS; i++) {
		struct buf header = { 0 };

		s[i] = xml_stream_new(&limits);
		buf_printf(&header, "<p:stream xmlns='urn:%d' xmlns:p='urn:p' xmlns:q='urn:q%d'>",
		           i % 5, i % 3);
		transcript_feed(s[i], header.data, header.len, 0, &out[i]);
		buf_free(&header);
		buf_clear(&out[i]);
	}
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < STREAMS; i++)
			transcript_feed(s[i], "<x><q:y>t", 9, 4, &out[i]);
		for (int i = STREAMS - 1; i >= 0; i--)
			transcript_feed(s[i], "ext</q:y></x><z/>", 17, 0, &out[i]);
	}
	for (int i = 0; i < STREAMS; i++) {
		struct buf one = { 0 }, all = { 0 };

		buf_printf(&one,
		           "stanza <x xmlns='urn:%d'><y xmlns='urn:q%d'>text</y></x>\n"
		           "stanza <z xmlns='urn:%d'/>\n",
		           i % 5, i % 3, i % 5);
		for (int round = 0; round < ROUNDS; round++)
			buf_append(&all, one.data, one.len);
		assert_string_equal(out[i].data, all.data);
		buf_free(&one);
		buf_free(&all);
		buf_free(&out[i]);
		xml_stream_free(&s[i]);
	}
}

static void *
stanzas_of_a_thread(void *arg)
{
	struct xml_stream *s = arg;
	struct buf out = { 0 };

	transcript_feed(s, "ence/><presence/><half", 22, 0, &out);
	assert_string_equal(out.data, "stanza <presence/>\nstanza <presence/>\n");
	buf_free(&out);
	return NULL;
}

/* The parser that it was given on the first thread ends in the pool of the second. */
static void
a_stream_may_move_to_another_thread_inside_a_stanza(void **state)
{
	struct xml_stream *s = xml_stream_new(&limits);
	struct buf out = { 0 };
	pthread_t thread;

	transcript_feed(s, HEADER "<pres", strlen(HEADER) + 5, 0, &out);
	assert_int_equal(pthread_create(&thread, NULL, stanzas_of_a_thread, s), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	buf_clear(&out);
	transcript_feed(s, "/>", 2, 0, &out);
	assert_string_equal(out.data, "stanza <half/>\n");
	buf_free(&out);
	xml_stream_free(&s);
}

/* Much more than what makes an engine start anew. */
static void
a_long_stream_goes_on(void **state)
{
	struct xml_stream *s = xml_stream_new(&limits);
	struct buf out = { 0 }, stanza = { 0 };

	transcript_feed(s, HEADER, strlen(HEADER), 0, &out);
	for (int i = 0; i < 3000; i++) {
		buf_clear(&out);
		buf_clear(&stanza);
		buf_printf(&stanza, "<message a%d='%d'><b%d/>%0*d</message>", i, i, i, i % 200 + 1,
		           7);
		transcript_feed(s, stanza.data, stanza.len, i % 7 * 9, &out);
		assert_int_equal(out.len, stanza.len + strlen("stanza \n"));
	}
	buf_free(&out);
	buf_free(&stanza);
	xml_stream_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_is_a_header_stanzas_and_an_end),
		cmocka_unit_test(white_space_may_stand_around_everything),
		cmocka_unit_test(what_comes_behind_the_end_is_ignored),
		cmocka_unit_test(a_header_may_be_a_whole_document),
		cmocka_unit_test(references_and_cdata_become_text),
		cmocka_unit_test(markup_in_quotes_is_no_markup),
		cmocka_unit_test(line_ends_are_normalised_and_references_to_them_are_not),
		cmocka_unit_test(characters_beyond_ascii_are_kept),
		cmocka_unit_test(prefixes_of_the_header_hold_for_all_stanzas),
		cmocka_unit_test(a_stanza_without_namespace_has_the_one_of_the_stream),
		cmocka_unit_test(the_prefix_xml_is_built_in),
		cmocka_unit_test(the_header_tells_its_namespace_and_prefix),
		cmocka_unit_test(a_stream_between_stanzas_holds_no_parser),
		cmocka_unit_test(nothing_behind_a_stanza_is_consumed_with_it),
		cmocka_unit_test(after_a_restart_a_header_comes_again),
		cmocka_unit_test(a_stream_without_header_starts_with_elements),
		cmocka_unit_test(streams_share_parsers_and_nothing_else),
		cmocka_unit_test(a_stream_may_move_to_another_thread_inside_a_stanza),
		cmocka_unit_test(a_long_stream_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
