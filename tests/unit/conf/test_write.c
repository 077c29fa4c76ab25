/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Unit tests of conf/write.c: values as text, and what differs between two states. */
#include "conf/write.h"

#include "conf/value.h"
#include "conf_test.h"

struct sample {
	bool flag;
	int64_t number;
	size_t size;
	uint32_t wait;
	const char *text;
	int level;
	struct hm_conf_list names;
	const char *password;
};

static const char *const levels[] = { "debug", "info", NULL };

static const struct hm_conf_key keys[] = {
	HM_KEY(struct sample, flag, BOOL, "no"),
	HM_KEY(struct sample, number, INT, "0"),
	HM_KEY(struct sample, size, SIZE, "0", .max = "unlimited"),
	HM_KEY(struct sample, wait, DURATION, "0"),
	HM_KEY(struct sample, text, STRING, NULL, .restart = true),
	HM_KEY(struct sample, level, CHOICE, "debug", .choices = levels),
	HM_KEY(struct sample, names, LIST, NULL),
	HM_KEY(struct sample, password, STRING, NULL, .secret = true),
};

static const struct conf_schema schema = { keys, HM_COUNT(keys), NULL, 0 };

static struct buf out;

static int
free_buf(void **state)
{
	buf_free(&out);
	return 0;
}

static void
values_are_written_as_in_the_file(void **state)
{
	static const char *const names[] = { "a", "b c", "" };
	struct sample sample = {
		.flag = true,
		.number = -7,
		.size = 65536,
		.wait = 90000,
		.text = "two words",
		.level = 1,
		.names = { names, 3 },
		.password = "hunter2",
	};

	conf_write_open("host", "example.org", 0, &out);
	conf_write_keys(&schema, &sample, 1, &out);
	conf_write_close(0, &out);
	assert_string_equal(out.data, "host example.org {\n"
	                              "\tflag yes\n"
	                              "\tnumber -7\n"
	                              "\tsize 64 KiB\n"
	                              "\twait 90 s\n"
	                              "\ttext \"two words\"\n"
	                              "\tlevel info\n"
	                              "\tnames [ a \"b c\" \"\" ]\n"
	                              "\tpassword (hidden)\n"
	                              "}\n");
}

static void
what_is_not_set_becomes_a_comment(void **state)
{
	struct sample sample = { .size = HM_UNLIMITED_SIZE };

	conf_write_keys(&schema, &sample, 0, &out);
	assert_string_equal(out.data,
	                    "flag no\nnumber 0\nsize unlimited\nwait 0\n# text is not set\n"
	                    "level debug\nnames [ ]\n# password is not set\n");
}

static void
a_text_that_is_written_reads_as_itself(void **state)
{
	static const char *const texts[] = {
		"",  "plain", "a b", "#",   "a#b",      "{",         "a]",
		";", "\"",    "\\",  "\\n", "a\nb\tc",  "${HOME}",   "$",
		"=", "'x'",   "a,",  "::",  "\xc3\xa9", "unlimited", "5",
	};

	for (size_t i = 0; i < HM_COUNT(texts); i++) {
		struct sample sample = { .text = texts[i] }, again;
		struct conf_schema one = { &keys[4], 1, NULL, 0 };
		struct conf_snapshot *snapshot;

		buf_clear(&out);
		conf_write_keys(&one, &sample, 0, &out);
		snapshot = load(out.data);
		assert_true(conf_fill(snapshot->arena, snapshot->root, &one, &again, &report));
		assert_clean();
		assert_string_equal(again.text, texts[i]);
		conf_snapshot_unref(&snapshot);
	}
}

static void
numbers_take_the_largest_unit_without_rest(void **state)
{
	static const struct {
		uint32_t ms;
		const char *text;
	} cases[] = {
		{ 1, "1 ms" },      { 1500, "1500 ms" }, { 60000, "1 min" },
		{ 3600000, "1 h" }, { 86400000, "1 d" }, { 86460000, "1441 min" },
	};

	for (size_t i = 0; i < HM_COUNT(cases); i++) {
		struct sample sample = { .wait = cases[i].ms };

		buf_clear(&out);
		conf_value_write(&keys[3], &sample, &out);
		assert_string_equal(out.data, cases[i].text);
	}
}

struct seen {
	size_t n, restarts;
	const char *last;
};

static void
count_change(void *ctx, const struct hm_conf_key *key)
{
	struct seen *seen = ctx;

	seen->n++;
	seen->restarts += key->restart;
	seen->last = key->name;
}

static void
differences_are_found_key_by_key(void **state)
{
	static const char *const a[] = { "x", "y" }, *const b[] = { "x", "z" };
	char copy[] = "text";
	struct sample before = { .text = "text", .names = { a, 2 } }, after = before;
	struct seen seen = { 0 };

	after.text = copy;
	assert_int_equal(conf_compare(&schema, &before, &after, count_change, &seen), 0);
	after.text = NULL;
	after.wait = 5;
	after.names.v = b;
	assert_int_equal(conf_compare(&schema, &before, &after, count_change, &seen), 3);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.restarts, 1);
	assert_string_equal(seen.last, "names");
	after.names.n = 1;
	assert_int_equal(conf_compare(&schema, &before, &after, NULL, NULL), 3);
}

#define TEST(name) cmocka_unit_test_teardown(name, free_buf)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values_are_written_as_in_the_file),
		TEST(what_is_not_set_becomes_a_comment),
		TEST(a_text_that_is_written_reads_as_itself),
		TEST(numbers_take_the_largest_unit_without_rest),
		TEST(differences_are_found_key_by_key),
	};

	return cmocka_run_group_tests_name("conf/write", tests, NULL, NULL);
}
