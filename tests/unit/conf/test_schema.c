/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Unit tests of typed keys: conf/schema.c, conf/value.c, conf/unit.c, conf/suggest.c. */
#include "conf/schema.h"

#include "conf_test.h"

struct sample {
	bool flag;
	int64_t number;
	size_t size;
	uint32_t wait;
	const char *text;
	int level;
	struct hm_conf_list names;
	struct hm_conf_list kinds;
	const char *password;
	const char *link;
	struct hm_conf_list links;
};

static const char *const levels[] = { "debug", "info", "warn", NULL };
static const char *const kinds[] = { "chat", "room", NULL };

static bool
has_colon(const char *text)
{
	return strchr(text, ':');
}

static const struct hm_conf_key sample_keys[] = {
	HM_KEY(struct sample, flag, BOOL, "yes"),
	HM_KEY(struct sample, number, INT, "5", .min = "1", .max = "65535"),
	HM_KEY(struct sample, size, SIZE, "64 KiB", .min = "1 KiB", .max = "unlimited"),
	HM_KEY(struct sample, wait, DURATION, "30 s", .max = "1 h"),
	HM_KEY(struct sample, text, STRING, NULL, .max = "10"),
	HM_KEY(struct sample, level, CHOICE, "info", .choices = levels),
	HM_KEY(struct sample, names, LIST, "[ a \"b c\" ]", .max = "3"),
	HM_KEY(struct sample, kinds, LIST, NULL, .choices = kinds),
	HM_KEY(struct sample, password, STRING, NULL, .secret = true, .max = "4"),
	HM_KEY(struct sample, link, STRING, "a:b", .max = "10", .valid = has_colon,
	       .what = "a URI"),
	HM_KEY(struct sample, links, LIST, NULL, .max = "3", .valid = has_colon, .what = "a URI"),
};

static const struct conf_block_rule sample_blocks[] = {
	{ .name = "limits" },
	{ .name = "module", .titled = true },
	{ .name = "listen", .titled = true, .repeats = true },
};

static const struct conf_schema schema = {
	sample_keys,
	HM_COUNT(sample_keys),
	sample_blocks,
	HM_COUNT(sample_blocks),
};

static struct conf_snapshot *snapshot;
static struct sample filled;

static bool
fill(const char *text)
{
	conf_snapshot_unref(&snapshot);
	memset(&filled, 0xaa, sizeof(filled));
	snapshot = load(text);
	return conf_fill(snapshot->arena, snapshot->root, &schema, &filled, &report);
}

static int
drop_snapshot(void **state)
{
	conf_snapshot_unref(&snapshot);
	return 0;
}

static void
assert_refused(const char *text, const char *part)
{
	assert_false(fill(text));
	assert_mistake(part);
}

/* --- Values ----------------------------------------------------------------- */

static void
defaults_fill_what_the_file_leaves_out(void **state)
{
	assert_true(fill(""));
	assert_clean();
	assert_true(filled.flag);
	assert_int_equal(filled.number, 5);
	assert_int_equal(filled.size, 65536);
	assert_int_equal(filled.wait, 30000);
	assert_null(filled.text);
	assert_int_equal(filled.level, 1);
	assert_int_equal(filled.names.n, 2);
	assert_string_equal(filled.names.v[1], "b c");
	assert_int_equal(filled.kinds.n, 0);
}

static void
the_file_overrides_the_defaults(void **state)
{
	assert_true(fill("flag off\nnumber 65535\nsize 2 MiB\nwait 90 s\ntext \"hi there\"\n"
	                 "level warn\nnames [ x ]\nkinds [ room chat ]\n"));
	assert_false(filled.flag);
	assert_int_equal(filled.number, 65535);
	assert_int_equal(filled.size, 2 << 20);
	assert_int_equal(filled.wait, 90000);
	assert_string_equal(filled.text, "hi there");
	assert_int_equal(filled.level, 2);
	assert_int_equal(filled.names.n, 1);
	assert_string_equal(filled.kinds.v[0], "room");
}

static void
without_a_block_there_are_defaults(void **state)
{
	snapshot = load("");
	assert_true(conf_fill(snapshot->arena, NULL, &schema, &filled, &report));
	assert_int_equal(filled.wait, 30000);
}

static void
booleans_have_six_words(void **state)
{
	static const char *const words[] = { "no", "off", "false", "yes", "on", "true" };
	char text[32];

	for (size_t i = 0; i < HM_COUNT(words); i++) {
		strcpy(text, "flag ");
		strcat(text, words[i]);
		assert_true(fill(text));
		assert_int_equal(filled.flag, i >= 3);
	}
	assert_refused("flag maybe",
	               "test.conf:1: \"flag\" cannot be \"maybe\"; expected yes or no");
}

static void
sizes_count_by_1024(void **state)
{
	static const struct {
		const char *text;
		size_t bytes;
	} cases[] = {
		{ "size 4096", 4096 },      { "size 4096 B", 4096 },    { "size 4k", 4096 },
		{ "size 4 k", 4096 },       { "size 4KiB", 4096 },      { "size \"4 KiB\"", 4096 },
		{ "size 3m", 3u << 20 },    { "size 3 MiB", 3u << 20 }, { "size 1 g", 1u << 30 },
		{ "size 1 GiB", 1u << 30 },
	};

	for (size_t i = 0; i < HM_COUNT(cases); i++) {
		assert_true(fill(cases[i].text));
		assert_int_equal(filled.size, cases[i].bytes);
	}
	assert_refused("size 64 MB",
	               "\"size\" cannot be \"64 MB\"; expected a size such as 64 KiB, "
	               "of at least 1 KiB, or unlimited");
	assert_refused("size 64 s", "cannot be \"64 s\"");
	assert_refused("size 1023", "cannot be \"1023\"");
	assert_refused("size -4096", "cannot be \"-4096\"");
	assert_refused("size 9999999999 GiB", "cannot be");
}

static void
durations_need_their_unit(void **state)
{
	static const struct {
		const char *text;
		uint32_t ms;
	} cases[] = {
		{ "wait 500ms", 500 },   { "wait 2 s", 2000 }, { "wait 2 min", 120000 },
		{ "wait 1 h", 3600000 }, { "wait 0", 0 },
	};

	for (size_t i = 0; i < HM_COUNT(cases); i++) {
		assert_true(fill(cases[i].text));
		assert_int_equal(filled.wait, cases[i].ms);
	}
	assert_refused("wait 30",
	               "cannot be \"30\"; expected a duration such as 30 s, of at most 1 h");
	assert_refused("wait 2 h", "cannot be \"2 h\"");
	assert_refused("wait 50 d", "cannot be \"50 d\"");
	assert_refused("wait unlimited", "cannot be \"unlimited\"");
}

static void
unlimited_is_for_keys_that_allow_it(void **state)
{
	assert_true(fill("size unlimited"));
	assert_true(filled.size == HM_UNLIMITED_SIZE);
	assert_refused("number unlimited", "expected a whole number from 1 to 65535");
}

static void
numbers_are_within_bounds(void **state)
{
	assert_refused("number 0",
	               "\"number\" cannot be \"0\"; expected a whole number from 1 to 65535");
	assert_refused("number 65536", "cannot be \"65536\"");
	assert_refused("number 5x", "cannot be \"5x\"");
	assert_refused("number 5 s", "cannot be \"5 s\"");
	assert_refused("number 99999999999999999999", "cannot be");
	assert_refused("number \"\"", "cannot be \"\"");
}

static void
a_choice_is_one_of_its_words(void **state)
{
	assert_refused("level inof",
	               "\"level\" cannot be \"inof\"; expected debug, info or warn; did "
	               "you mean \"info\"?");
	assert_refused("level x", "expected debug, info or warn");
}

static void
list_entries_are_told_by_their_line(void **state)
{
	assert_refused("kinds [\n\tchat\n\trom\n]",
	               "test.conf:3: \"kinds\" cannot be \"rom\"; expected a list in [ ] "
	               "out of chat or room; did you mean \"room\"?");
	assert_refused("names [ a b c d ]",
	               "a list of so many entries; expected a list in [ ], of at most 3");
}

static void
texts_are_checked_by_their_key(void **state)
{
	assert_true(fill("link c:d\nlinks [ e:f g:h ]\n"));
	assert_string_equal(filled.link, "c:d");
	assert_int_equal(filled.links.n, 2);
	assert_refused("link cd", "\"link\" cannot be \"cd\"; expected a URI of at most 10 bytes");
	assert_refused("links [ e:f\n\tgh ]",
	               "test.conf:2: \"links\" cannot be \"gh\"; expected a list in [ ], "
	               "of at most 3, each a URI");
}

static void
a_single_word_is_a_list_of_one(void **state)
{
	assert_true(fill("names romeo"));
	assert_int_equal(filled.names.n, 1);
	assert_string_equal(filled.names.v[0], "romeo");
}

static void
shapes_are_checked(void **state)
{
	assert_refused("number [ 1 2 ]", "\"number\" cannot be a list; expected a whole number");
	assert_refused("number { }", "\"number\" cannot be a block");
	assert_refused("text 5 min", "two words without quotes");
	assert_refused("text \"longer than ten\"", "of at most 10 bytes");
	assert_refused("limits 5", "\"limits\" is not a key; expected the block limits { }");
	assert_refused("module roster", "expected the block module NAME { }");
	assert_refused("module { }", "the block \"module\" has no name");
	assert_refused("limits x { }", "the block \"limits\" has no names");
}

static void
secrets_are_not_shown_in_messages(void **state)
{
	assert_refused("password hunter2", "\"password\" cannot be what is written");
	assert_null(strstr(report.mistakes[0].text, "hunter"));
}

static void
values_in_messages_stay_on_their_line(void **state)
{
	assert_refused("level \"a\\nb\"", "cannot be \"a\\nb\";");
}

/* --- Statements ------------------------------------------------------------- */

static void
unknown_keys_get_a_suggestion(void **state)
{
	assert_refused("nubmer 5", "test.conf:1: unknown key \"nubmer\"; did you mean \"number\"?");
	assert_refused("limts { }", "unknown block \"limts\"; did you mean \"limits\"?");
	assert_refused("zzzzzz 5", "unknown key \"zzzzzz\"; hermod.conf(5)");
}

static void
a_key_stands_once(void **state)
{
	assert_refused(
		"number 5\nflag no\nnumber 6\n",
		"test.conf:3: \"number\" stands here again; expected it only once (first in test.conf, line 1)");
	assert_refused("limits { }\nlimits { }", "\"limits\" stands here again");
	assert_refused("module a { }\nmodule b { }\nmodule a { }",
	               "test.conf:3: \"module a\" stands here again");
	assert_true(fill("module a { }\nmodule b { }"));
	assert_true(fill("listen c2s { }\nlisten c2s { }"));
}

static void
what_is_required_must_be_there(void **state)
{
	static const struct hm_conf_key keys[] = {
		HM_KEY(struct sample, text, STRING, NULL, .required = true),
	};
	static const struct conf_block_rule blocks[] = {
		{ .name = "host", .titled = true, .required = true },
	};
	static const struct conf_schema strict = { keys, 1, blocks, 1 };

	snapshot = load("x y {\n}\n");
	assert_false(conf_fill(snapshot->arena, snapshot->root->first, &strict, &filled, &report));
	assert_int_equal(report.n, 2);
	assert_string_equal(
		report.mistakes[0].text,
		"test.conf:1: \"text\" is missing in the block \"x y\"; expected a text, in "
		"quotes if it contains blanks");
	conf_snapshot_unref(&snapshot);
	snapshot = load("text a\n");
	assert_false(conf_fill(snapshot->arena, snapshot->root, &strict, &filled, &report));
	assert_mistake("test.conf: \"host\" is missing; expected one block of that name at least");
}

static void
all_mistakes_are_collected(void **state)
{
	assert_false(fill("flag 5\nnumber x\nunknown 1\nwait 3\n"));
	assert_int_equal(report.n, 4);
	assert_non_null(strstr(report.mistakes[3].text, "test.conf:4:"));
	assert_int_equal(filled.number, 5);
}

static void
what_should_have_been_a_block_is_told_once(void **state)
{
	snapshot = load("limits 5\n");
	assert_false(conf_fill(snapshot->arena, snapshot->root, &schema, &filled, &report));
	assert_false(conf_fill(snapshot->arena, conf_find(snapshot->root, "limits"), &schema,
	                       &filled, &report));
	assert_mistake("expected the block limits");
	assert_null(conf_find_block(snapshot->root, "limits"));
}

/* --- Tables ----------------------------------------------------------------- */

static void
a_sound_table_passes(void **state)
{
	report = (struct conf_report){ 0 };
	assert_true(conf_schema_check("sample", &schema, &report));
	assert_clean();
}

static void
a_broken_table_is_named(void **state)
{
	static const struct {
		struct hm_conf_key key;
		const char *part;
	} cases[] = {
		{ HM_KEY(struct sample, flag, BOOL, "maybe"), "sample: the default of \"flag\"" },
		{ HM_KEY(struct sample, number, INT, "0", .min = "1"),
		  "the default of \"number\"" },
		{ HM_KEY(struct sample, number, INT, "5", .min = "9", .max = "1"),
		  "malformed bounds" },
		{ HM_KEY(struct sample, wait, DURATION, "5 s", .max = "10"), "malformed bounds" },
		{ HM_KEY(struct sample, level, CHOICE, "info"), "choices" },
		{ HM_KEY(struct sample, text, STRING, NULL, .valid = has_colon),
		  "or does not say" },
		{ HM_KEY(struct sample, number, INT, "5", .valid = has_colon, .what = "x"),
		  "checks what is no text" },
		{ HM_KEY(struct sample, text, STRING, "x", .valid = has_colon, .what = "x"),
		  "the default of \"text\"" },
		{ HM_KEY(struct sample, text, STRING, "x", .required = true),
		  "required and has a default" },
		{ HM_KEY_AS("Text", struct sample, text, STRING, NULL),
		  "a key is called \"Text\"" },
		{ HM_KEY_AS("min", struct sample, text, STRING, NULL), "a key is called \"min\"" },
		{ HM_KEY_AS("limits", struct sample, text, STRING, NULL), "declared twice" },
	};

	for (size_t i = 0; i < HM_COUNT(cases); i++) {
		struct conf_schema broken = { &cases[i].key, 1, sample_blocks, 2 };

		report = (struct conf_report){ 0 };
		assert_false(conf_schema_check("sample", &broken, &report));
		assert_non_null(strstr(report.mistakes[report.n - 1].text, cases[i].part));
	}
}

#define TEST(name) cmocka_unit_test_teardown(name, drop_snapshot)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(defaults_fill_what_the_file_leaves_out),
		TEST(the_file_overrides_the_defaults),
		TEST(without_a_block_there_are_defaults),
		TEST(booleans_have_six_words),
		TEST(sizes_count_by_1024),
		TEST(durations_need_their_unit),
		TEST(unlimited_is_for_keys_that_allow_it),
		TEST(numbers_are_within_bounds),
		TEST(a_choice_is_one_of_its_words),
		TEST(list_entries_are_told_by_their_line),
		TEST(texts_are_checked_by_their_key),
		TEST(a_single_word_is_a_list_of_one),
		TEST(shapes_are_checked),
		TEST(secrets_are_not_shown_in_messages),
		TEST(values_in_messages_stay_on_their_line),
		TEST(unknown_keys_get_a_suggestion),
		TEST(a_key_stands_once),
		TEST(what_is_required_must_be_there),
		TEST(all_mistakes_are_collected),
		TEST(what_should_have_been_a_block_is_told_once),
		TEST(a_sound_table_passes),
		TEST(a_broken_table_is_named),
	};

	return cmocka_run_group_tests_name("conf/schema", tests, NULL, NULL);
}
