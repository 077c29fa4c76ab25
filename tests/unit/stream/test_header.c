/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* tests of stream/header.c */
#include "stream/header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka wants these before it. */
#include <cmocka.h>

#include <string.h>

#include <hermod/values.h>

#include "xml/writer.h"
#include "xmpp/stanza.h"

static struct arena *a;

static int
begin(void **state)
{
	a = arena_new(0);
	return 0;
}

static int
end(void **state)
{
	arena_free(&a);
	return 0;
}

struct sent {
	const char *to, *from, *version, *lang;
};

static struct header
judge(struct sent sent)
{
	struct hm_writer w;
	struct header h;

	writer_init(&w, a);
	writer_open(&w, NS_STREAMS, "stream");
	writer_attr(&w, "to", sent.to);
	writer_attr(&w, "from", sent.from);
	writer_attr(&w, "version", sent.version);
	if (sent.lang)
		writer_attr_ns(&w, XML_NS_XML, "lang", sent.lang);
	writer_close(&w);
	header_read(&h, w.root, "jabber:client", NS_CLIENT, a);
	return h;
}

static void
a_good_header_is_normalised(void **state)
{
	struct header h = judge((struct sent){ "A.Example", "Juliet@A.Example/x", "1.0", "en-GB" });

	assert_int_equal(h.wrong, 0);
	assert_string_equal(h.to, "a.example");
	assert_string_equal(h.from, "juliet@a.example"); /* 4.7.2 */
	assert_string_equal(h.lang, "en-GB");
	h = judge((struct sent){ .to = "a.example", .version = "1.0" });
	assert_int_equal(h.wrong, 0);
	assert_null(h.from);
	assert_null(h.lang);
}

/* RFC 6120 4.7.5 */
static void
versions_are_compared_as_numbers(void **state)
{
	static const char *const good[] = { "1.0", "1.1", "1.10", "2.0", "12.3", "01.00" };
	static const char *const bad[] = { NULL, "",   "0.9",  "00.9", "one", "1",
		                           "1.", ".1", "1.0 ", "-1.0", "1.x", "1.0.0" };

	for (unsigned i = 0; i < HM_COUNT(good); i++)
		assert_int_equal(judge((struct sent){ "a.example", NULL, good[i], NULL }).wrong, 0);
	for (unsigned i = 0; i < HM_COUNT(bad); i++)
		assert_int_equal(judge((struct sent){ "a.example", NULL, bad[i], NULL }).wrong,
		                 STREAM_UNSUPPORTED_VERSION);
}

static void
addresses_must_be_addresses(void **state)
{
	assert_int_equal(judge((struct sent){ .version = "1.0" }).wrong,
	                 STREAM_IMPROPER_ADDRESSING);
	assert_int_equal(judge((struct sent){ .to = "", .version = "1.0" }).wrong,
	                 STREAM_IMPROPER_ADDRESSING);
	assert_int_equal(judge((struct sent){ "a.example", "@@", "1.0", NULL }).wrong,
	                 STREAM_IMPROPER_ADDRESSING);
	assert_int_equal(judge((struct sent){ .to = "a..example", .version = "1.0" }).wrong,
	                 STREAM_HOST_UNKNOWN);
}

static void
a_language_that_is_none_does_not_count(void **state)
{
	static const char *const bad[] = { "", "en us", "'",
		                           "x-123456789012345678901234567890123456" };

	for (unsigned i = 0; i < HM_COUNT(bad); i++) {
		struct header h = judge((struct sent){ "a.example", NULL, "1.0", bad[i] });

		assert_int_equal(h.wrong, 0);
		assert_null(h.lang);
	}
}

static enum stream_cond
judge_names(const char *ns, const char *name, const char *content_ns)
{
	struct hm_writer w;
	struct header h;

	writer_init(&w, a);
	writer_open(&w, ns, name);
	writer_attr(&w, "to", "a.example");
	writer_attr(&w, "version", "1.0");
	writer_close(&w);
	header_read(&h, w.root, content_ns, NS_CLIENT, a);
	assert_string_equal(h.to, "a.example"); /* in any case: who is to answer? */
	return h.wrong;
}

static void
namespaces_must_be_ours(void **state)
{
	assert_int_equal(judge_names(NS_STREAMS, "stream", "jabber:client"), 0);
	/* 4.8.2: it may be declared on each child instead. */
	assert_int_equal(judge_names(NS_STREAMS, "stream", NS_STREAMS), 0);
	assert_int_equal(judge_names(NS_STREAMS, "stream", ""), 0);
	assert_int_equal(judge_names(NS_STREAMS, "stream", "jabber:server"),
	                 STREAM_INVALID_NAMESPACE);
	assert_int_equal(judge_names("http://wrong.example/", "stream", "jabber:client"),
	                 STREAM_INVALID_NAMESPACE);
	assert_int_equal(judge_names("jabber:client", "message", "jabber:client"),
	                 STREAM_INVALID_NAMESPACE);
	assert_int_equal(judge_names(NS_STREAMS, "string", "jabber:client"), STREAM_BAD_FORMAT);
}

static void
ours_is_written_escaped(void **state)
{
	const struct header theirs = { .from = "o'neil@a.example" };
	const struct header old = { .unversioned = true };
	struct buf out = { 0 };

	header_write(&out, "a.example", &theirs, "id");
	assert_string_equal(out.data,
	                    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
	                    "xmlns:stream='http://etherx.jabber.org/streams' from='a.example' "
	                    "to='o&apos;neil@a.example' id='id' version='1.0' xml:lang='en'>");
	buf_clear(&out);
	header_write(&out, NULL, NULL, "id");
	assert_null(strstr(out.data, "from="));
	assert_null(strstr(out.data, "to="));
	assert_non_null(strstr(out.data, " version='1.0'"));
	buf_clear(&out);
	header_write(&out, "a.example", &old, "id");
	assert_null(strstr(out.data, " version='1.0' "));
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_header_is_normalised),
		cmocka_unit_test(versions_are_compared_as_numbers),
		cmocka_unit_test(addresses_must_be_addresses),
		cmocka_unit_test(a_language_that_is_none_does_not_count),
		cmocka_unit_test(namespaces_must_be_ours),
		cmocka_unit_test(ours_is_written_escaped),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
