/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Stanzas: sealing, changed copies, replies, and what goes over the wire. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xml/parser.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_error.h"

static const struct xml_limits limits = { .stanza_bytes = 10000, .depth = 20, .nodes = 500 };

/* As it comes from a stream of the namespace. */
static const struct hm_stanza *
take(const char *xml, const char *ns, const char *from, const char *lang)
{
	struct arena *a = arena_new(0);
	struct hm_elem *root = xml_parse(a, xml, strlen(xml), ns, &limits);
	const struct hm_stanza *s;

	assert_non_null(root);
	s = stanza_take(&a, root, from, lang);
	assert_null(a);
	return s;
}

static const struct hm_stanza *
client(const char *xml)
{
	return take(xml, NS_CLIENT, "romeo@a.example/x", NULL);
}

static void
expect_written(const struct hm_stanza *s, const char *to, const char *xml)
{
	struct buf out = { 0 };

	stanza_write(s, to, &out);
	assert_string_equal(out.data, xml);
	buf_free(&out);
}

/* The same, and lets go of it. */
static void
expect(const struct hm_stanza *s, const char *xml)
{
	assert_non_null(s);
	expect_written(s, NULL, xml);
	stanza_unref(&s);
	assert_null(s);
}

static void
a_message_is_sealed_and_written(void **state)
{
	const struct hm_stanza *s = take(
		"<message from='liar@b' to='x@y' id='1' xml:lang='en' type='chat'><body>hi</body></message>",
		NS_CLIENT, "c@d/e", "de");

	assert_int_equal(s->kind, STANZA_MESSAGE);
	assert_int_equal(s->type, TYPE_CHAT);
	assert_string_equal(s->type_text, "chat");
	assert_string_equal(s->id, "1");
	assert_string_equal(s->from, "c@d/e");
	assert_string_equal(s->lang, "en");
	expect_written(s, "a@b",
	               "<message to='a@b' type='chat' id='1' from='c@d/e' xml:lang='en'>"
	               "<body>hi</body></message>");
	expect_written(
		s, "q\xc3\xa4'@b/<&>",
		"<message to='q\xc3\xa4&apos;@b/&lt;&amp;&gt;' type='chat' id='1' from='c@d/e' "
		"xml:lang='en'><body>hi</body></message>");
	assert_string_equal(
		stanza_body(s)->data,
		" type='chat' id='1' from='c@d/e' xml:lang='en'><body>hi</body></message>");
	assert_int_equal(stanza_bytes(s), strlen(stanza_body(s)->data));
	assert_true(stanza_memory(s) > stanza_bytes(s) + sizeof(*s));
	assert_ptr_equal(stanza_body(s), stanza_body(s));
	stanza_unref(&s);
	stanza_unref(&s); /* nothing is fine */
}

static void
what_is_absent_is_not_written(void **state)
{
	expect(take("<presence/>", NS_CLIENT, NULL, NULL), "<presence/>");
	expect(take("<presence to='x' from='y'/>", NS_CLIENT, NULL, ""), "<presence/>");
}

static void
the_language_of_the_stream_is_added(void **state)
{
	expect(take("<presence/>", NS_CLIENT, NULL, "de"), "<presence xml:lang='de'/>");
	expect(take("<presence xml:lang=''/>", NS_CLIENT, NULL, "de"), "<presence xml:lang=''/>");
}

static void
other_attributes_of_the_root_are_kept(void **state)
{
	expect(client("<iq x='1' id='2' xmlns:p='urn:p' p:to='3' type='get' from='z'/>"),
	       "<iq type='get' id='2' from='romeo@a.example/x' x='1' xmlns:ns0='urn:p' ns0:to='3'/>");
}

/* RFC 6120 4.8.3: the content of a server's stream is the same, in another namespace. */
static void
a_stanza_from_a_server_becomes_a_client_one(void **state)
{
	expect(take("<message><body>x</body><error><y xmlns='urn:y'><body xmlns='jabber:server'/></y>"
	            "<z/></error></message>",
	            NS_SERVER, "a@b", NULL),
	       "<message from='a@b'><body>x</body><error><y xmlns='urn:y'>"
	       "<body xmlns='jabber:server'/></y><z/></error></message>");
}

static void
what_is_no_stanza_is_refused(void **state)
{
	assert_null(take("<message xmlns='urn:x'/>", NS_CLIENT, NULL, NULL));
	assert_null(take("<message xmlns=''/>", NS_CLIENT, NULL, NULL));
	assert_null(take("<Message/>", NS_CLIENT, NULL, NULL));
	assert_null(take("<r xmlns='urn:xmpp:sm:3'/>", NS_CLIENT, NULL, NULL));
	assert_null(take("<body/>", NS_CLIENT, NULL, NULL));
}

static void
types_are_known_by_kind(void **state)
{
	static const struct {
		const char *xml;
		enum stanza_type type;
	} table[] = {
		{ "<message/>", TYPE_NONE },
		{ "<message type='normal'/>", TYPE_NORMAL },
		{ "<message type='chat'/>", TYPE_CHAT },
		{ "<message type='groupchat'/>", TYPE_GROUPCHAT },
		{ "<message type='headline'/>", TYPE_HEADLINE },
		{ "<message type='error'/>", TYPE_ERROR },
		{ "<message type='subscribe'/>", TYPE_UNKNOWN },
		{ "<message type=''/>", TYPE_UNKNOWN },
		{ "<presence/>", TYPE_NONE },
		{ "<presence type='unavailable'/>", TYPE_UNAVAILABLE },
		{ "<presence type='probe'/>", TYPE_PROBE },
		{ "<presence type='subscribe'/>", TYPE_SUBSCRIBE },
		{ "<presence type='subscribed'/>", TYPE_SUBSCRIBED },
		{ "<presence type='unsubscribe'/>", TYPE_UNSUBSCRIBE },
		{ "<presence type='unsubscribed'/>", TYPE_UNSUBSCRIBED },
		{ "<presence type='error'/>", TYPE_ERROR },
		{ "<presence type='available'/>", TYPE_UNKNOWN },
		{ "<iq/>", TYPE_NONE },
		{ "<iq type='get'/>", TYPE_GET },
		{ "<iq type='set'/>", TYPE_SET },
		{ "<iq type='result'/>", TYPE_RESULT },
		{ "<iq type='error'/>", TYPE_ERROR },
		{ "<iq type='chat'/>", TYPE_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct hm_stanza *s = client(table[i].xml);

		assert_int_equal(s->type, table[i].type);
		stanza_unref(&s);
	}
}

static void
another_from_shares_the_rest(void **state)
{
	const struct hm_stanza *s =
		client("<message id='1' x='2' xml:lang='en'><body>hi</body></message>");
	const struct hm_stanza *first = stanza_with_from(s, "juliet@b.example");
	const struct hm_stanza *second = stanza_with_from(first, "nurse@b.example");
	const struct hm_stanza *third = stanza_with_from(second, NULL);

	assert_ptr_equal(third->root, s->root);
	assert_ptr_equal(third->base, s); /* no chain */
	stanza_unref(&s);
	stanza_unref(&second);
	expect(first,
	       "<message id='1' from='juliet@b.example' xml:lang='en' x='2'><body>hi</body></message>");
	expect(third, "<message id='1' xml:lang='en' x='2'><body>hi</body></message>");
}

static bool
is_not_body(const struct hm_elem *child, void *ctx)
{
	++*(int *)ctx;
	return !elem_is(child, NS_CLIENT, "body");
}

static void
a_changed_copy_keeps_what_is_chosen(void **state)
{
	const struct hm_stanza *s =
		take("<message to='t' from='f' id='1' x='2' type='chat'>a<body>b</body><c/>d"
	             "<e xmlns='urn:e'><f/></e></message>",
	             NS_CLIENT, "romeo@a.example/x", "de");
	struct stanza_build b;
	const struct hm_stanza *changed;
	int asked = 0;

	stanza_build_from(&b, s, is_not_body, &asked);
	assert_int_equal(asked, 3);
	writer_open(&b.w, "urn:new", "new");
	writer_attr(&b.w, "y", "z");
	writer_close(&b.w);
	changed = stanza_build_done(&b, "other@a.example");
	assert_int_equal(changed->type, TYPE_CHAT);
	assert_string_equal(changed->lang, "de");
	stanza_unref(&s);
	expect(changed,
	       "<message type='chat' id='1' from='other@a.example' xml:lang='de' x='2'>a<c/>d"
	       "<e xmlns='urn:e'><f/></e><new xmlns='urn:new' y='z'/></message>");
}

static void
the_root_of_a_changed_copy_may_change_too(void **state)
{
	const struct hm_stanza *s = client("<message id='1' type='chat'><body>b</body></message>");
	struct stanza_build b;

	stanza_build_from(&b, s, NULL, NULL);
	writer_attr(&b.w, "type", "error");
	writer_attr_ns(&b.w, XML_NS_XML, "lang", "fr");
	cond_write(&b.w, HM_SERVICE_UNAVAILABLE, NULL);
	stanza_unref(&s);
	s = stanza_build_done(&b, NULL);
	assert_int_equal(s->type, TYPE_ERROR);
	assert_string_equal(s->lang, "fr");
	expect(s,
	       "<message type='error' id='1' xml:lang='fr'><body>b</body><error type='cancel'>"
	       "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
}

static void
a_build_may_be_dropped(void **state)
{
	const struct hm_stanza *s = client("<message/>");
	struct stanza_build b;

	stanza_build_from(&b, s, NULL, NULL);
	writer_open(&b.w, NULL, "half");
	stanza_build_drop(&b);
	stanza_build_new(&b, STANZA_IQ, "get", "7");
	stanza_build_drop(&b);
	stanza_unref(&s);
}

static void
a_new_stanza_is_built(void **state)
{
	struct stanza_build b;

	stanza_build_new(&b, STANZA_IQ, "get", "7");
	writer_open(&b.w, "urn:xmpp:ping", "ping");
	writer_close(&b.w);
	expect(stanza_build_done(&b, "a.example"),
	       "<iq type='get' id='7' from='a.example'><ping xmlns='urn:xmpp:ping'/></iq>");
	stanza_build_new(&b, STANZA_PRESENCE, NULL, NULL);
	expect(stanza_build_done(&b, NULL), "<presence/>");
}

#define ERRORS_NS "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"

static void
an_error_answers_with_the_same_kind_and_id(void **state)
{
	const struct hm_stanza *s = client("<iq type='set' id='&lt;1'><x xmlns='urn:x'/></iq>");

	expect(stanza_error_reply(s, "b.example", HM_NOT_ALLOWED, "no & never"),
	       "<iq type='error' id='&lt;1' from='b.example'><error type='cancel'>"
	       "<not-allowed " ERRORS_NS "/><text " ERRORS_NS " xml:lang='en'>no &amp; never</text>"
	       "</error></iq>");
	expect(stanza_result_reply(s, NULL), "<iq type='result' id='&lt;1'/>");
	stanza_unref(&s);
	s = client("<message/>");
	expect(stanza_error_reply(s, NULL, HM_FORBIDDEN, NULL),
	       "<message type='error'><error type='auth'><forbidden " ERRORS_NS
	       "/></error></message>");
	stanza_unref(&s);
	s = client("<iq/>"); /* RFC 6120 8.3.1: an empty id if there was none */
	expect(stanza_error_reply(s, NULL, HM_BAD_REQUEST, NULL),
	       "<iq type='error' id=''><error type='modify'><bad-request " ERRORS_NS
	       "/></error></iq>");
	stanza_unref(&s);
}

static void
some_stanzas_are_never_answered_by_an_error(void **state)
{
	static const char *const never[] = {
		"<message type='error'/>",
		"<iq type='error'/>",
		"<iq type='result'/>",
		"<presence type='error'/>",
		"<presence type='unavailable'/>",
		"<presence type='subscribed'/>",
		"<presence type='unsubscribe'/>",
		"<presence type='unsubscribed'/>",
	};
	static const char *const may[] = {
		"<message/>",  "<message type='headline'/>",   "<message type='strange'/>",
		"<presence/>", "<presence type='subscribe'/>", "<presence type='probe'/>",
		"<iq/>",       "<presence type='strange'/>",   "<iq type='strange'/>",
	};

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		const struct hm_stanza *s = client(never[i]);

		assert_null(stanza_error_reply(s, NULL, HM_GONE, NULL));
		stanza_unref(&s);
	}
	for (size_t i = 0; i < sizeof(may) / sizeof(may[0]); i++) {
		const struct hm_stanza *s = client(may[i]);
		const struct hm_stanza *reply = stanza_error_reply(s, NULL, HM_GONE, NULL);

		assert_non_null(reply);
		assert_int_equal(stanza_error_cond(reply), HM_GONE);
		assert_int_equal(stanza_error_cond(s), 0);
		stanza_unref(&reply);
		stanza_unref(&s);
	}
}

static void
the_payload_of_a_request_is_its_only_child(void **state)
{
	static const struct {
		const char *xml, *payload;
	} table[] = {
		{ "<iq type='get'> <a xmlns='b'/> </iq>", "a" },
		{ "<iq type='set'><a/></iq>", "a" },
		{ "<iq type='set'/>", NULL },
		{ "<iq type='set'>text</iq>", NULL },
		{ "<iq type='set'><a/><b/></iq>", NULL },
		{ "<iq type='result'><a/></iq>", NULL },
		{ "<iq type='error'><a/></iq>", NULL },
		{ "<message type='get'><a/></message>", NULL },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct hm_stanza *s = client(table[i].xml);
		const struct hm_elem *payload = stanza_payload(s);

		assert_int_equal(payload != NULL, table[i].payload != NULL);
		if (payload)
			assert_string_equal(payload->name, table[i].payload);
		stanza_unref(&s);
	}
}

static void
a_body_is_one_in_the_namespace_of_the_message(void **state)
{
	static const struct {
		const char *xml;
		bool has;
	} table[] = {
		{ "<message><x/><body xml:lang='de'/></message>", true },
		{ "<message/>", false },
		{ "<message><body xmlns='http://www.w3.org/1999/xhtml'/></message>", false },
		{ "<message><x><body/></x></message>", false },
		{ "<presence><body/></presence>", false },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct hm_stanza *s = client(table[i].xml);

		assert_int_equal(stanza_has_body(s), table[i].has);
		stanza_unref(&s);
	}
}

static void
the_condition_of_an_error_is_read(void **state)
{
	static const struct {
		const char *xml;
		enum hm_cond cond;
	} table[] = {
		{ "<iq type='error'><x/><error><y xmlns='urn:y'/><text " ERRORS_NS
		  "/><conflict " ERRORS_NS "/></error></iq>",
		  HM_CONFLICT },
		{ "<iq type='error'><error><news " ERRORS_NS "/></error></iq>",
		  HM_UNDEFINED_CONDITION },
		{ "<iq type='error'><error><conflict/></error></iq>", HM_UNDEFINED_CONDITION },
		{ "<iq type='error'/>", HM_UNDEFINED_CONDITION },
		{ "<iq type='result'><error><conflict " ERRORS_NS "/></error></iq>", 0 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct hm_stanza *s = client(table[i].xml);

		assert_int_equal(stanza_error_cond(s), table[i].cond);
		stanza_unref(&s);
	}
}

static void
the_stored_form_comes_back(void **state)
{
	const struct hm_stanza *s =
		take("<message id='1' type='headline' x='y'>a<body>&lt;b&gt;\r\n</body>"
	             "<p:c xmlns:p='urn:p' p:d='e'/></message>",
	             NS_SERVER, "romeo@a.example/\xc3\xa4", "en");
	const struct hm_stanza *back;
	struct buf stored = { 0 };

	stanza_write(s, NULL, &stored);
	back = stanza_parse(stored.data, stored.len);
	assert_non_null(back);
	assert_string_equal(back->from, s->from);
	assert_string_equal(back->id, s->id);
	assert_string_equal(back->lang, s->lang);
	assert_int_equal(back->type, s->type);
	expect(back, stored.data);
	buf_free(&stored);
	stanza_unref(&s);
	assert_null(stanza_parse("<message>", 9));
	assert_null(stanza_parse("<other/>", 8));
	assert_null(stanza_parse("", 0));
}

enum { THREADS = 4 };

static pthread_barrier_t barrier;

static void *
write_on_a_thread(void *arg)
{
	const struct hm_stanza *s = arg;
	const struct buf *body;

	pthread_barrier_wait(&barrier);
	body = stanza_body(s);
	assert_string_equal(body->data, " from='romeo@a.example/x'><body>hi</body></message>");
	stanza_unref(&s);
	return NULL;
}

static void
threads_may_share_a_stanza(void **state)
{
	pthread_t thread[THREADS];

	assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	for (int round = 0; round < 50; round++) {
		const struct hm_stanza *s = client("<message><body>hi</body></message>");
		const struct hm_stanza *copy = stanza_with_from(s, s->from);

		for (int i = 0; i < THREADS; i++) {
			void *mine = (void *)(uintptr_t)stanza_ref(copy);

			assert_int_equal(pthread_create(&thread[i], NULL, write_on_a_thread, mine),
			                 0);
		}
		stanza_unref(&s);
		stanza_unref(&copy);
		for (int i = 0; i < THREADS; i++)
			assert_int_equal(pthread_join(thread[i], NULL), 0);
	}
	pthread_barrier_destroy(&barrier);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_sealed_and_written),
		cmocka_unit_test(what_is_absent_is_not_written),
		cmocka_unit_test(the_language_of_the_stream_is_added),
		cmocka_unit_test(other_attributes_of_the_root_are_kept),
		cmocka_unit_test(a_stanza_from_a_server_becomes_a_client_one),
		cmocka_unit_test(what_is_no_stanza_is_refused),
		cmocka_unit_test(types_are_known_by_kind),
		cmocka_unit_test(another_from_shares_the_rest),
		cmocka_unit_test(a_changed_copy_keeps_what_is_chosen),
		cmocka_unit_test(the_root_of_a_changed_copy_may_change_too),
		cmocka_unit_test(a_build_may_be_dropped),
		cmocka_unit_test(a_new_stanza_is_built),
		cmocka_unit_test(an_error_answers_with_the_same_kind_and_id),
		cmocka_unit_test(some_stanzas_are_never_answered_by_an_error),
		cmocka_unit_test(the_payload_of_a_request_is_its_only_child),
		cmocka_unit_test(a_body_is_one_in_the_namespace_of_the_message),
		cmocka_unit_test(the_condition_of_an_error_is_read),
		cmocka_unit_test(the_stored_form_comes_back),
		cmocka_unit_test(threads_may_share_a_stanza),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
