/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Unit tests of files: includes, their bounds, and the count of snapshots (conf/snapshot.c). */
#include "conf/snapshot.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/file.h"
#include "conf/parser.h"
#include "conf_test.h"

static char folder[64];
static char main_path[128];
static struct conf_snapshot *snapshot;

static void
write_file(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
load_main(const char *text)
{
	write_file("main.conf", text);
	report = (struct conf_report){ 0 };
	snapshot = conf_load(main_path, &report);
}

static int
make_folder(void **state)
{
	char path[128];

	strcpy(folder, "/tmp/hermod-conf-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(main_path, sizeof(main_path), "%s/main.conf", folder);
	snprintf(path, sizeof(path), "%s/conf.d", folder);
	return mkdir(path, 0700);
}

static int
remove_folder(void **state)
{
	static const char *const names[] = {
		"conf.d/10-a.conf",
		"conf.d/20-b.conf",
		"conf.d/.hidden.conf",
		"conf.d",
		"main.conf",
		"a.conf",
		"fifo",
		"",
	};
	char path[128];

	conf_snapshot_unref(&snapshot);
	for (size_t i = 0; i < HM_COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		remove(path);
	}
	return 0;
}

static void
includes_are_relative_to_their_file_and_sorted(void **state)
{
	const struct conf_node *node;

	write_file("conf.d/20-b.conf", "key b\n");
	write_file("conf.d/10-a.conf", "key a\n");
	write_file("conf.d/.hidden.conf", "key hidden\n");
	load_main("key first\ninclude conf.d/*.conf\nkey last\n");
	assert_clean();
	node = conf_find(snapshot->root, "key");
	assert_string_equal(node->words[0].text, "first");
	node = conf_find_next(node);
	assert_string_equal(node->words[0].text, "a");
	assert_int_equal(node->at.line, 1);
	assert_non_null(strstr(node->at.file, "/conf.d/10-a.conf"));
	node = conf_find_next(node);
	assert_string_equal(node->words[0].text, "b");
	node = conf_find_next(node);
	assert_string_equal(node->words[0].text, "last");
	assert_null(conf_find_next(node));
}

static void
an_include_may_stand_in_a_block(void **state)
{
	const struct conf_node *host;

	write_file("a.conf", "key a\nlimits { depth 2 }\n");
	load_main("host x {\n\tinclude a.conf\n\tother 1\n}\n");
	assert_clean();
	host = conf_find_block(snapshot->root, "host");
	assert_non_null(conf_find(host, "key"));
	assert_non_null(conf_find(host, "limits"));
	assert_non_null(conf_find(host, "other"));
	assert_null(host->next);
}

static void
a_block_does_not_end_in_an_included_file(void **state)
{
	write_file("a.conf", "key a\n}\n");
	load_main("host x {\n\tinclude a.conf\n}\n");
	assert_mistake("/a.conf:2: \"}\" closes nothing");
}

static void
a_block_does_not_go_on_behind_an_included_file(void **state)
{
	write_file("a.conf", "host x {\n");
	load_main("include a.conf\n}\n");
	assert_int_equal(report.n, 2);
	assert_non_null(
		strstr(report.mistakes[0].text, "/a.conf:1: the block \"host\" has no end"));
}

static void
an_empty_folder_is_fine_but_a_missing_file_is_not(void **state)
{
	load_main("include conf.d/*.conf\n");
	assert_clean();
	conf_snapshot_unref(&snapshot);
	load_main("\ninclude missing.conf\n");
	assert_mistake("main.conf:2: cannot include");
}

static void
a_file_that_includes_itself_is_refused(void **state)
{
	write_file("a.conf", "include main.conf\n");
	load_main("include a.conf\nkey 1\n");
	assert_mistake("/a.conf:1:");
	assert_non_null(strstr(report.mistakes[0].text, "main.conf includes itself"));
	assert_non_null(conf_find(snapshot->root, "key"));
}

static void
the_same_file_may_be_included_twice(void **state)
{
	write_file("a.conf", "key 1\n");
	load_main("host x {\n\tinclude a.conf\n}\nhost y {\n\tinclude a.conf\n}\n");
	assert_clean();
}

static void
includes_are_bounded_in_number(void **state)
{
	struct buf text = { 0 };

	write_file("a.conf", "key 1\n");
	for (int i = 0; i < CONF_FILES_MAX + 10; i++)
		buf_puts(&text, "include a.conf\n");
	load_main(text.data);
	buf_free(&text);
	assert_false(conf_report_clean(&report));
	assert_non_null(strstr(report.mistakes[0].text, "too many files"));
}

static void
a_missing_file_makes_no_snapshot(void **state)
{
	report = (struct conf_report){ 0 };
	snapshot = conf_load("/nonexistent/hermod.conf", &report);
	assert_null(snapshot);
	assert_mistake("cannot read /nonexistent/hermod.conf: No such file");
}

static void
only_regular_files_of_a_bounded_size_are_read(void **state)
{
	char *text = mem_zalloc(CONF_FILE_BYTES_MAX + 2);
	char path[128];

	snprintf(path, sizeof(path), "%s/fifo", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	load_main("include fifo\n");
	assert_mistake("it is not a regular file");
	conf_snapshot_unref(&snapshot);
	load_main("include conf.d\n");
	assert_mistake("it is not a regular file");
	conf_snapshot_unref(&snapshot);
	memset(text, '\n', CONF_FILE_BYTES_MAX + 1);
	write_file("a.conf", text);
	mem_free(text);
	load_main("include a.conf\n");
	assert_mistake("too large");
}

static void
a_snapshot_lives_until_its_last_reference(void **state)
{
	struct conf_snapshot *second;

	load_main("key 1\n");
	second = conf_snapshot_ref(snapshot);
	conf_snapshot_unref(&snapshot);
	assert_null(snapshot);
	assert_non_null(conf_find(second->root, "key"));
	conf_snapshot_unref(&second);
	conf_snapshot_unref(&second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(includes_are_relative_to_their_file_and_sorted),
		TEST(an_include_may_stand_in_a_block),
		TEST(a_block_does_not_end_in_an_included_file),
		TEST(a_block_does_not_go_on_behind_an_included_file),
		TEST(an_empty_folder_is_fine_but_a_missing_file_is_not),
		TEST(a_file_that_includes_itself_is_refused),
		TEST(the_same_file_may_be_included_twice),
		TEST(includes_are_bounded_in_number),
		TEST(a_missing_file_makes_no_snapshot),
		TEST(only_regular_files_of_a_bounded_size_are_read),
		TEST(a_snapshot_lives_until_its_last_reference),
	};

	return cmocka_run_group_tests_name("conf/include", tests, NULL, NULL);
}
