/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Unit tests of the grammar: conf/lexer.c and conf/parser.c. */
#include "conf/parser.h"

#include "base/mem.h"
#include "conf/file.h"
#include "conf_test.h"

static struct conf_snapshot *snapshot;

static int
drop_snapshot(void **state)
{
	conf_snapshot_unref(&snapshot);
	unsetenv("HERMOD_TEST");
	return 0;
}

static const struct conf_node *
statement(const char *name)
{
	const struct conf_node *node = conf_find(snapshot->root, name);

	assert_non_null(node);
	return node;
}

static void
assert_word(const char *name, const char *expected)
{
	const struct conf_node *node = statement(name);

	assert_int_equal(node->kind, CONF_VALUE);
	assert_string_equal(node->words[0].text, expected);
}

static void
assert_refused(const char *text, const char *part)
{
	conf_snapshot_unref(&snapshot);
	snapshot = load(text);
	assert_mistake(part);
}

/* --- What is accepted ------------------------------------------------------- */

static void
an_empty_text_has_no_statements(void **state)
{
	snapshot = load("");
	assert_clean();
	assert_null(snapshot->root->first);
}

static void
a_statement_knows_its_file_and_line(void **state)
{
	snapshot = load("# head\n\nworkers 4\n");
	assert_clean();
	assert_word("workers", "4");
	assert_string_equal(statement("workers")->at.file, "test.conf");
	assert_int_equal(statement("workers")->at.line, 3);
}

static void
a_number_may_be_followed_by_a_unit(void **state)
{
	snapshot = load("size 256 KiB\ntime 5 min # why\nlast 3");
	assert_clean();
	assert_int_equal(statement("size")->n_words, 2);
	assert_string_equal(statement("size")->words[1].text, "KiB");
	assert_int_equal(statement("time")->n_words, 2);
	assert_int_equal(statement("last")->n_words, 1);
}

static void
a_list_may_span_lines(void **state)
{
	snapshot = load("modules [ roster\n\toffline # kept\n\n\t\"v card\"\n]\n");
	assert_clean();
	assert_int_equal(statement("modules")->kind, CONF_LIST);
	assert_int_equal(statement("modules")->n_words, 3);
	assert_string_equal(statement("modules")->words[2].text, "v card");
	assert_int_equal(statement("modules")->words[2].line, 4);
}

static void
a_list_may_be_empty(void **state)
{
	snapshot = load("modules []");
	assert_clean();
	assert_int_equal(statement("modules")->n_words, 0);
}

static void
a_block_has_a_title_or_none(void **state)
{
	const struct conf_node *host;

	snapshot = load("host example.org {\n\tlimits { depth 3 }\n}\nhost \"b.example\" {}\n");
	assert_clean();
	host = conf_find_titled(snapshot->root, "host", "example.org");
	assert_non_null(host);
	assert_string_equal(conf_find(host, "limits")->title, "");
	assert_non_null(conf_find(conf_find(host, "limits"), "depth"));
	assert_non_null(conf_find_titled(snapshot->root, "host", "b.example"));
	assert_null(conf_find_titled(snapshot->root, "host", "c.example"));
}

static void
a_block_on_one_line_holds_several_statements(void **state)
{
	const struct conf_node *listen;

	snapshot = load(
		"listen c2s { port 5222  addresses [ \"::\" \"0.0.0.0\" ] idle 5 min tls direct }\n");
	assert_clean();
	listen = statement("listen");
	assert_string_equal(conf_find(listen, "port")->words[0].text, "5222");
	assert_int_equal(conf_find(listen, "addresses")->n_words, 2);
	assert_int_equal(conf_find(listen, "idle")->n_words, 2);
	assert_string_equal(conf_find(listen, "tls")->words[0].text, "direct");
}

static void
a_unit_is_not_taken_for_a_key(void **state)
{
	snapshot = load("a { size 5 s x }");
	assert_mistake("\"x\" has no value");
}

static void
quotes_keep_blanks_and_special_characters(void **state)
{
	snapshot = load("name \"a b # { } [ ] ;\"\n");
	assert_clean();
	assert_word("name", "a b # { } [ ] ;");
}

static void
escapes_work_in_quotes(void **state)
{
	snapshot = load("name \"\\\"\\\\\\n\\t\\${HOME}\"\n");
	assert_clean();
	assert_word("name", "\"\\\n\t${HOME}");
}

static void
an_empty_string_is_a_value(void **state)
{
	snapshot = load("name \"\"\n");
	assert_clean();
	assert_word("name", "");
}

static void
windows_line_ends_and_a_byte_order_mark_are_fine(void **state)
{
	snapshot = load("\xEF\xBB\xBFname a\r\nother b\r\n");
	assert_clean();
	assert_word("name", "a");
	assert_word("other", "b");
}

static void
a_variable_is_replaced_in_bare_and_quoted_words(void **state)
{
	setenv("HERMOD_TEST", "value", 1);
	snapshot = load("a ${HERMOD_TEST}\nb x${HERMOD_TEST}/y\nc \"in ${HERMOD_TEST} s\"\n");
	assert_clean();
	assert_word("a", "value");
	assert_word("b", "xvalue/y");
	assert_word("c", "in value s");
}

static void
what_a_variable_brings_is_never_grammar(void **state)
{
	setenv("HERMOD_TEST", "a } b [ \" # ${HOME}", 1);
	snapshot = load("a ${HERMOD_TEST}\nb 1\n");
	assert_clean();
	assert_word("a", "a } b [ \" # ${HOME}");
	assert_word("b", "1");
}

static void
a_default_stands_in_for_an_unset_or_empty_variable(void **state)
{
	unsetenv("HERMOD_TEST");
	snapshot = load("a ${HERMOD_TEST:-/var/lib}\n");
	assert_clean();
	assert_word("a", "/var/lib");
	conf_snapshot_unref(&snapshot);
	setenv("HERMOD_TEST", "", 1);
	snapshot = load(
		"a \"${HERMOD_TEST:-two words}\"\nb \"${HERMOD_TEST:-}\"\nc \"${HERMOD_TEST}\"\n");
	assert_clean();
	assert_word("a", "two words");
	assert_word("b", "");
	assert_word("c", "");
}

/* --- What is refused -------------------------------------------------------- */

static void
a_key_without_a_value_is_refused(void **state)
{
	assert_refused("a 1\nworkers\nb 2\n", "test.conf:2: \"workers\" has no value; expected");
	assert_word("b", "2");
	assert_refused("limits\n", "\"limits\" has no value");
	assert_refused("a { workers }\n", "\"workers\" has no value");
}

static void
several_values_without_brackets_are_refused(void **state)
{
	assert_refused("admins romeo juliet\nb 2\n", "more behind the value of \"admins\"");
	assert_word("b", "2");
	assert_refused("host a {\n\tadmins romeo juliet\n}\n", "test.conf:2: more behind");
}

static void
the_value_itself_is_not_shown(void **state)
{
	assert_refused("password hunter2 hunter3\n", "more behind");
	assert_null(strstr(report.mistakes[0].text, "hunter"));
	assert_refused("password hun\"ter2\n", "double quotes");
	assert_null(strstr(report.mistakes[0].text, "hun\""));
}

static void
foreign_habits_are_told_as_such(void **state)
{
	assert_refused("workers 4;\n", "\";\" ends nothing here");
	assert_refused("workers = 4\n", "\"=\" behind \"workers\"");
	assert_refused("modules [ a, b ]\n", "a comma in the list of \"modules\"");
	assert_refused("name 'text'\n", "expected it in double quotes");
	assert_refused("name text#comment\n", "expected it in double quotes");
	assert_refused("Workers 4\n", "a statement cannot begin so");
	assert_refused("\"workers\" 4\n", "a statement cannot begin so");
}

static void
a_string_that_does_not_end_is_refused(void **state)
{
	assert_refused("name \"abc\nb 2\n", "test.conf:1: a quoted string has no end");
	assert_word("b", "2");
	assert_refused("name \"abc\"def\n", "text right behind a quoted string");
	assert_refused("name \"a\\qb\"\n", "unknown escape");
}

static void
unbalanced_brackets_are_refused(void **state)
{
	assert_refused("host a {\n\tb 1\n", "test.conf:1: the block \"host\" has no end");
	assert_refused("b 1\n}\nc 2\n", "test.conf:2: \"}\" closes nothing");
	assert_word("c", "2");
	assert_refused("modules [ a b\n",
	               "the list of \"modules\" that begins in line 1 has no end");
	assert_refused("a {\n\tmodules [ a\n}\n", "begins in line 2 has no end");
	assert_refused("modules [ a [ b ] ]\nb 1\n", "has no end");
	assert_word("b", "1");
}

static void
a_wrong_statement_is_skipped_with_its_block(void **state)
{
	assert_refused("Host a {\n\tb {\n\t\tc 1\n\t}\n\td [ x\n\ty ]\n}\ne 5\n", "test.conf:1:");
	assert_word("e", "5");
	assert_null(snapshot->root->first->next);
}

static void
malformed_variables_are_refused(void **state)
{
	unsetenv("HERMOD_TEST");
	assert_refused("a ${HERMOD_TEST}\n",
	               "HERMOD_TEST is not set; set it, or write ${HERMOD_TEST:-default}");
	assert_refused("a ${HERMOD_TEST\nb 1\n", "without a name and \"}\"");
	assert_word("b", "1");
	assert_refused("a \"${}\"\n", "without a name");
	assert_refused("a ${HERMOD_TEST-x}\n", "a variable is malformed");
	setenv("HERMOD_TEST", "a\x01", 1);
	assert_refused("a ${HERMOD_TEST}\n", "is not usable");
}

static void
bytes_that_are_no_text_are_refused(void **state)
{
	assert_refused("a 1\nb \xff\n", "test.conf:2: not a line of text");
	assert_refused("a 1\nb \x1b[0m\n", "test.conf:2: not a line of text");
	assert_refused("a 1\rb 2\n", "not a line of text");
}

static void
blocks_nest_within_bounds(void **state)
{
	char text[512] = "";

	for (int i = 0; i < CONF_BLOCK_DEPTH_MAX; i++)
		strcat(text, "a {\n");
	for (int i = 0; i < CONF_BLOCK_DEPTH_MAX; i++)
		strcat(text, "}\n");
	snapshot = load(text);
	assert_clean();
	*text = '\0';
	for (int i = 0; i < CONF_BLOCK_DEPTH_MAX + 5; i++)
		strcat(text, "a {\n");
	for (int i = 0; i < CONF_BLOCK_DEPTH_MAX + 5; i++)
		strcat(text, "}\n");
	strcat(text, "b 1\n");
	assert_refused(text, "nested too deeply");
	assert_word("b", "1");
}

static void
words_are_bounded(void **state)
{
	char *text = mem_alloc(CONF_FILE_BYTES_MAX);

	memset(text, 'a', 70000);
	strcpy(text, "name ");
	memset(text + 5, 'a', 70000);
	text[70005] = '\0';
	assert_refused(text, "the text is too long");
	mem_free(text);
}

static void
all_mistakes_are_told_up_to_fifty(void **state)
{
	char text[1024] = "";
	struct buf out = { 0 };

	for (int i = 0; i < 60; i++)
		strcat(text, "a\n");
	snapshot = load(text);
	assert_int_equal(report.n, CONF_MISTAKES_MAX);
	assert_int_equal(report.more, 10);
	assert_non_null(strstr(report.mistakes[49].text, "test.conf:50:"));
	conf_report_write(&report, &out);
	assert_non_null(strstr(out.data, "and 10 more\n"));
	buf_free(&out);
}

static void
an_include_needs_a_file(void **state)
{
	assert_refused("include /dev/null\n", "include is not possible here");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(an_empty_text_has_no_statements, drop_snapshot),
		cmocka_unit_test_teardown(a_statement_knows_its_file_and_line, drop_snapshot),
		cmocka_unit_test_teardown(a_number_may_be_followed_by_a_unit, drop_snapshot),
		cmocka_unit_test_teardown(a_list_may_span_lines, drop_snapshot),
		cmocka_unit_test_teardown(a_list_may_be_empty, drop_snapshot),
		cmocka_unit_test_teardown(a_block_has_a_title_or_none, drop_snapshot),
		cmocka_unit_test_teardown(a_block_on_one_line_holds_several_statements,
		                          drop_snapshot),
		cmocka_unit_test_teardown(a_unit_is_not_taken_for_a_key, drop_snapshot),
		cmocka_unit_test_teardown(quotes_keep_blanks_and_special_characters, drop_snapshot),
		cmocka_unit_test_teardown(escapes_work_in_quotes, drop_snapshot),
		cmocka_unit_test_teardown(an_empty_string_is_a_value, drop_snapshot),
		cmocka_unit_test_teardown(windows_line_ends_and_a_byte_order_mark_are_fine,
		                          drop_snapshot),
		cmocka_unit_test_teardown(a_variable_is_replaced_in_bare_and_quoted_words,
		                          drop_snapshot),
		cmocka_unit_test_teardown(what_a_variable_brings_is_never_grammar, drop_snapshot),
		cmocka_unit_test_teardown(a_default_stands_in_for_an_unset_or_empty_variable,
		                          drop_snapshot),
		cmocka_unit_test_teardown(a_key_without_a_value_is_refused, drop_snapshot),
		cmocka_unit_test_teardown(several_values_without_brackets_are_refused,
		                          drop_snapshot),
		cmocka_unit_test_teardown(the_value_itself_is_not_shown, drop_snapshot),
		cmocka_unit_test_teardown(foreign_habits_are_told_as_such, drop_snapshot),
		cmocka_unit_test_teardown(a_string_that_does_not_end_is_refused, drop_snapshot),
		cmocka_unit_test_teardown(unbalanced_brackets_are_refused, drop_snapshot),
		cmocka_unit_test_teardown(a_wrong_statement_is_skipped_with_its_block,
		                          drop_snapshot),
		cmocka_unit_test_teardown(malformed_variables_are_refused, drop_snapshot),
		cmocka_unit_test_teardown(bytes_that_are_no_text_are_refused, drop_snapshot),
		cmocka_unit_test_teardown(blocks_nest_within_bounds, drop_snapshot),
		cmocka_unit_test_teardown(words_are_bounded, drop_snapshot),
		cmocka_unit_test_teardown(all_mistakes_are_told_up_to_fifty, drop_snapshot),
		cmocka_unit_test_teardown(an_include_needs_a_file, drop_snapshot),
	};

	return cmocka_run_group_tests_name("conf/parser", tests, NULL, NULL);
}
