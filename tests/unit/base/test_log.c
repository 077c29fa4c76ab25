/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* The log: formats, escapes, limits, levels by subject. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"

static char path[64];

/* What stands in the log file now; it is emptied. */
static const char *
logged(void)
{
	static char text[64 * 1024];
	FILE *f = fopen(path, "r");
	size_t len = fread(text, 1, sizeof(text) - 1, f);

	fclose(f);
	text[len] = '\0';
	assert_int_equal(truncate(path, 0), 0);
	return text;
}

static int
open_log(void **state)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/hermod-test-log-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	log_set_level(HM_INFO);
	return log_open(path, LOG_LOGFMT, NULL) ? 0 : -1;
}

static int
close_log(void **state)
{
	return log_open(NULL, LOG_LOGFMT, NULL) ? unlink(path) : -1;
}

static const struct hm_logctx host = {
	.subject = "c2s",
	.n = 1,
	.field = { { "host", { .type = HM_V_TEXT, .u = { .text = "a.example" } } } },
};
static const struct hm_logctx conn = {
	.parent = &host,
	.n = 2,
	.field = { { "conn", { .type = HM_V_INT, .u = { .num = 7 } } },
	           { "jid", { .type = HM_V_NULL } } },
};

static void
a_line_has_time_level_message_context_and_fields(void **state)
{
	const char *text;

	log_line(&conn, HM_INFO, "login", hm_kv("ms", 12), hm_kv("mechanism", "SCRAM-SHA-256"));
	text = logged();
	assert_memory_equal(text, "time=2", 6);
	assert_string_equal(strchr(text, ' '),
	                    " level=info msg=login subject=c2s host=a.example conn=7 jid= ms=12 "
	                    "mechanism=SCRAM-SHA-256\n");
	log_line(NULL, HM_WARN, "nothing to add");
	assert_string_equal(strchr(logged(), ' '), " level=warn msg=\"nothing to add\"\n");
}

static void
json_has_the_same(void **state)
{
	assert_true(log_open(path, LOG_JSON, NULL));
	log_line(&conn, HM_INFO, "a \"login\"", hm_kv("ms", -12), hm_kv("text", "caf\xc3\xa9\n"),
	         hm_kv("nonce", ((struct hm_blob){ "\x01\xff", 2 })));
	assert_string_equal(
		strchr(logged(), ','),
		",\"level\":\"info\",\"msg\":\"a \\\"login\\\"\",\"subject\":\"c2s\",\"host\":\"a.example\","
		"\"conn\":7,\"jid\":null,\"ms\":-12,\"text\":\"caf\xc3\xa9\\n\",\"nonce\":\"01ff\"}\n");
}

static void
an_error_names_its_place_in_the_source(void **state)
{
	log_line(NULL, HM_ERROR, "broken");
	assert_non_null(strstr(logged(), " msg=broken file=test_log.c line="));
}

/* What a peer says stays inside its quotes. */
static void
a_peer_cannot_forge_a_line(void **state)
{
	static const struct {
		const char *said, *shown;
	} texts[] = {
		{ "x\ntime=1 level=error", "\"x\\ntime=1 level=error\"" },
		{ "x\r\n", "\"x\\r\\n\"" },
		{ "x level=error", "\"x level=error\"" },
		{ "a=b", "\"a=b\"" },
		{ "\" level=error", "\"\\\" level=error\"" },
		{ "\\\" y", "\"\\\\\\\" y\"" },
		{ "", "\"\"" },
		{ "\033[2J\x7f\b", "\"\\u001b[2J\\u007f\\u0008\"" },
		{ "\xc2\x9b"
		  "2J",
		  "\"\\u009b2J\"" },
		{ "\xe2\x80\xae"
		  "evil\xe2\x80\xa8",
		  "\"\\u202eevil\\u2028\"" },
		{ "\xff\xc3", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"" },
	};

	for (size_t i = 0; i < HM_COUNT(texts); i++) {
		log_line(NULL, HM_INFO, "said", hm_kv("text", texts[i].said), hm_kv("after", 1));
		assert_memory_equal(strstr(logged(), "text=") + 5, texts[i].shown,
		                    strlen(texts[i].shown));
	}
}

static void
a_long_value_is_cut_and_leaves_room_for_the_others(void **state)
{
	char large[20000];
	const char *text;

	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	log_line(NULL, HM_INFO, "said", hm_kv("text", large), hm_kv("after", 1));
	text = logged();
	assert_true(strlen(text) < 2200);
	assert_string_equal(text + strlen(text) - 21, "xx\" after=1 cut=true\n");
}

static void
a_long_line_is_cut_with_its_quotes_closed(void **state)
{
	for (int json = 0; json < 2; json++) {
		for (size_t len = 1980; len < 2048; len++) {
			char large[2048];
			const char *text, *end = json ? "\",\"cut\":true}\n" : "\" cut=true\n";
			size_t text_len;

			memset(large, '\n', len);
			large[len] = '\0';
			assert_true(log_open(path, json ? LOG_JSON : LOG_LOGFMT, NULL));
			log_line(NULL, HM_INFO, "said", hm_kv("a", large + len / 2),
			         hm_kv("b", large + len / 2), hm_kv("c", large + len / 2),
			         hm_kv("d", large + len / 2), hm_kv("e", large));
			text = logged();
			text_len = strlen(text);
			assert_true(text_len <= 8192);
			assert_ptr_equal(strchr(text, '\n'), text + text_len - 1);
			assert_string_equal(text + text_len - strlen(end), end);
		}
	}
}

static void
levels_are_told_apart(void **state)
{
	uint64_t before = log_count(HM_WARN);
	enum hm_level level;

	log_set_level(HM_WARN);
	assert_false(hm_log_wanted(NULL, HM_INFO));
	assert_true(hm_log_wanted(NULL, HM_WARN));
	log_line(NULL, HM_INFO, "not wanted");
	assert_string_equal(logged(), "");
	log_line(NULL, HM_WARN, "wanted");
	assert_int_equal(log_count(HM_WARN), before + 1);
	assert_true(log_level_by_name("error", &level));
	assert_int_equal(level, HM_ERROR);
	assert_false(log_level_by_name("loud", &level));
}

static void
a_subject_has_a_level_of_its_own_for_a_while(void **state)
{
	struct hm_logctx inner = { .parent = &conn, .subject = "store" };

	assert_true(log_set_subject_level("c2s", HM_DEBUG, clock_mono_ms() + 5000));
	assert_true(hm_log_wanted(&host, HM_DEBUG));
	assert_true(hm_log_wanted(&conn, HM_DEBUG));
	assert_false(hm_log_wanted(&inner, HM_DEBUG));
	assert_false(hm_log_wanted(NULL, HM_DEBUG));
	clock_advance(5001);
	assert_false(hm_log_wanted(&conn, HM_DEBUG));
	assert_true(log_set_subject_level("store", HM_ERROR, 0));
	assert_false(hm_log_wanted(&inner, HM_WARN));
	assert_true(hm_log_wanted(&inner, HM_ERROR));
	assert_true(hm_log_wanted(&conn, HM_WARN));
	assert_true(log_set_subject_level("store", HM_INFO, 0));
	assert_true(log_set_subject_level(NULL, HM_DEBUG, 0));
	assert_true(hm_log_wanted(NULL, HM_DEBUG));
	assert_false(hm_log_wanted(&inner, HM_DEBUG));
}

static void
there_is_an_end_to_subjects(void **state)
{
	char subject[40];
	int set = 0;

	for (int i = 0; i < 40; i++) {
		snprintf(subject, sizeof(subject), "subject%d", i);
		set += log_set_subject_level(subject, HM_DEBUG, clock_mono_ms() + 1000);
	}
	assert_in_range(set, 30, 32);
	clock_advance(2000);
	assert_true(log_set_subject_level("another", HM_DEBUG, clock_mono_ms() + 1));
	assert_false(log_set_subject_level("a-name-of-more-than-thirty-one-bytes", HM_DEBUG, 0));
	clock_advance(2);
}

static void
the_file_is_opened_again_after_rotation(void **state)
{
	char rotated[80];
	int fd = log_fd();

	snprintf(rotated, sizeof(rotated), "%s.1", path);
	log_line(NULL, HM_INFO, "before");
	assert_int_equal(rename(path, rotated), 0);
	assert_true(log_open(path, LOG_LOGFMT, NULL));
	assert_int_equal(log_fd(), fd);
	log_line(NULL, HM_INFO, "after");
	assert_non_null(strstr(logged(), "msg=after"));
	assert_int_equal(unlink(rotated), 0);
}

static void
a_file_that_cannot_be_opened_changes_nothing(void **state)
{
	struct hm_error why;

	assert_false(log_open("/nonexistent/hermod.log", LOG_JSON, &why));
	assert_int_equal(why.code, HM_E_NOT_FOUND);
	log_line(NULL, HM_INFO, "still here");
	assert_non_null(strstr(logged(), "msg=\"still here\""));
}

#define log_test(f) cmocka_unit_test_setup_teardown(f, open_log, close_log)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		log_test(a_line_has_time_level_message_context_and_fields),
		log_test(json_has_the_same),
		log_test(an_error_names_its_place_in_the_source),
		log_test(a_peer_cannot_forge_a_line),
		log_test(a_long_value_is_cut_and_leaves_room_for_the_others),
		log_test(a_long_line_is_cut_with_its_quotes_closed),
		log_test(levels_are_told_apart),
		log_test(a_subject_has_a_level_of_its_own_for_a_while),
		log_test(there_is_an_end_to_subjects),
		log_test(the_file_is_opened_again_after_rotation),
		log_test(a_file_that_cannot_be_opened_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
