/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* The store: values, groups, lanes, and what is refused.  Built for each database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/log.h"
#include "fake_workers.h"
#include "store_fixture.h"

enum { ALL, ONE, INSERT, INSERT_BACKWARDS, UPDATE, DELETE, RETURNING, CHILD, COUNT, STATEMENTS };
static const char *const sql[STATEMENTS] = {
	[ALL] = "SELECT id, name, data FROM t ORDER BY id",
	[ONE] = "SELECT id, name, data FROM t WHERE id = $1",
	[INSERT] = "INSERT INTO t (id, name, data) VALUES ($1, $2, $3)",
	[INSERT_BACKWARDS] = "INSERT INTO t (data, name, id) VALUES ($3, $2, $1)",
	[UPDATE] = "UPDATE t SET name = $2 || id WHERE id >= $1",
	[DELETE] = "DELETE FROM t WHERE id = $1",
	[RETURNING] = "INSERT INTO t (id, name) VALUES ($1, $2) RETURNING id, name, data",
	[CHILD] = "INSERT INTO child (id, t) VALUES ($1, $2)",
	[COUNT] = "SELECT count(*), 'rows', NULL FROM t",
};
static unsigned id[STATEMENTS];

static const struct hm_blob no_data = { 0 };
static const char *const no_name = NULL;

static int
started(void **state)
{
	if (fixture_setup(state) != 0)
		return -1;
	fixture_start(sql, STATEMENTS, id);
	return 0;
}

/* --- Values ------------------------------------------------------------------------- */

static void
values_of_all_types_come_back(void **state)
{
	struct hm_blob data = { "\0\xff", 2 };

	assert_int_equal(write_now(CALL(id[INSERT], 1, "Jülich", data), NULL), STORE_OK);
	assert_int_equal(write_now(CALL(id[INSERT], INT64_MIN, "", no_data), NULL), STORE_OK);
	assert_int_equal(write_now(CALL(id[INSERT], INT64_MAX, "a'b", no_data), NULL), STORE_OK);
	assert_string_equal(read_now(CALL(id[ALL])), "-9223372036854775808||NULL;"
	                                             "1|Jülich|x'00ff';"
	                                             "9223372036854775807|a'b|NULL;");
}

static void
null_differs_from_empty(void **state)
{
	struct hm_blob empty = { "", 0 };

	write_now(CALL(id[INSERT], 1, no_name, no_data), NULL);
	write_now(CALL(id[INSERT], 2, "", empty), NULL);
	assert_string_equal(read_now(CALL(id[ALL])), "1|NULL|NULL;2||x'';");
}

static void
parameters_are_bound_by_their_number(void **state)
{
	struct hm_blob data = { "\x01", 1 };

	write_now(CALL(id[INSERT_BACKWARDS], 5, "five", data), NULL);
	assert_string_equal(read_now(CALL(id[ALL])), "5|five|x'01';");
}

static void
a_large_value_comes_back(void **state)
{
	size_t len = 200000; /* an index takes it, since it can be compressed */
	char *name = malloc(len + 1);
	struct answer a;

	memset(name, 'n', len);
	name[len] = '\0';
	assert_int_equal(write_now(CALL(id[INSERT], 1, name, no_data), NULL), STORE_OK);
	assert_int_equal(write_now(CALL(id[UPDATE], 1, "x"), &a), STORE_OK);
	assert_int_equal(a.changed, 1);
	free(name);
	assert_string_equal(read_now(CALL(id[ALL])), "1|x1|NULL;");
}

static void
changed_rows_are_counted(void **state)
{
	struct answer a;

	for (int i = 1; i <= 3; i++)
		write_now(CALL(id[INSERT], i, no_name, no_data), NULL);
	write_now(CALL(id[UPDATE], 2, "n"), &a);
	assert_int_equal(a.changed, 2);
	write_now(CALL(id[DELETE], 9), &a);
	assert_int_equal(a.changed, 0);
}

static void
a_write_may_return_rows(void **state)
{
	struct answer a;

	write_now(CALL(id[RETURNING], 7, "seven"), &a);
	assert_string_equal(a.text, "7|seven|NULL;");
	assert_int_equal(a.changed, 1);
}

#ifndef FIXTURE_POSTGRESQL
static void
a_column_of_another_type_reads_as_null_and_is_told(void **state)
{
	uint64_t errors = log_count(HM_ERROR);
	struct hm_blob blob = { "b", 1 };

	/* SQLite lets a blob into a column of text. */
	write_now(CALL(id[INSERT], 1, blob, no_data), NULL);
	assert_string_equal(read_now(CALL(id[ALL])), "1|(null)|NULL;");
	assert_int_equal(log_count(HM_ERROR), errors + 1);
}
#endif

/* --- Groups -------------------------------------------------------------------------- */

static void
several_reads_come_in_one_answer(void **state)
{
	struct answer a = { 0 };

	write_now(CALL(id[INSERT], 1, "one", no_data), NULL);
	write_now(CALL(id[INSERT], 2, "two", no_data), NULL);
	store_read(
		(const struct store_call[]){ CALL(id[ONE], 2), CALL(id[ONE], 3), CALL(id[ONE], 1) },
		3, answer_came, &a);
	answer_wait(&a);
	assert_string_equal(a.text, "2|two|NULL;//1|one|NULL;");
}

static void
a_long_read_answers_too(void **state)
{
	struct answer a = { 0 };

	write_now(CALL(id[INSERT], 1, "one", no_data), NULL);
	store_read_long(&CALL(id[ALL]), 1, answer_came, &a);
	answer_wait(&a);
	assert_string_equal(a.text, "1|one|NULL;");
}

static void
a_group_is_written_as_a_whole(void **state)
{
	struct answer a;

	write_calls((const struct store_call[]){ CALL(id[INSERT], 1, "one", no_data),
	                                         CALL(id[INSERT], 2, "two", no_data),
	                                         CALL(id[DELETE], 1) },
	            3, &a);
	answer_wait(&a);
	assert_int_equal(a.outcome, STORE_OK);
	assert_string_equal(read_now(CALL(id[ALL])), "2|two|NULL;");
}

static void
a_group_fails_as_a_whole(void **state)
{
	struct answer a;

	write_calls((const struct store_call[]){ CALL(id[INSERT], 1, "one", no_data),
	                                         CALL(id[INSERT], 1, "again", no_data),
	                                         CALL(id[INSERT], 2, "two", no_data) },
	            3, &a);
	answer_wait(&a);
	assert_int_equal(a.outcome, STORE_FAILED);
	assert_string_equal(read_now(CALL(id[ALL])), "");
}

static void
a_failing_group_fails_alone(void **state)
{
	struct store_view view;
	struct answer a[5];

	for (int i = 0; i < 5; i++) {
		/* The third takes the name of the second. */
		const char *name =
			i == 2 ? "n1" : ((const char *[]){ "n0", "n1", "", "n3", "n4" })[i];

		write_calls((const struct store_call[]){ CALL(id[INSERT], i, no_name, no_data),
		                                         CALL(id[RETURNING], i + 10, name) },
		            2, &a[i]);
	}
	answer_wait(&a[4]);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(a[i].outcome, i == 2 ? STORE_FAILED : STORE_OK);
		assert_int_equal(a[i].place, i);
	}
	assert_string_equal(a[3].text, "/13|n3|NULL;");
	assert_string_equal(read_now(CALL(id[COUNT])), "8|rows|NULL;");
	store_view(&view);
	assert_int_equal(view.groups, 5);
	assert_int_equal(view.failed, 1);
#ifdef FIXTURE_POSTGRESQL
	assert_int_equal(view.commits, 2); /* those before it, and those after it */
#else
	assert_int_equal(view.commits, 1);
#endif
}

static void
a_group_that_fails_at_the_commit_fails_alone(void **state)
{
	struct answer a[3];

	write_calls(&CALL(id[INSERT], 1, "one", no_data), 1, &a[0]);
	write_calls(&CALL(id[CHILD], 1, 99), 1, &a[1]);
	write_calls(&CALL(id[CHILD], 2, 1), 1, &a[2]);
	answer_wait(&a[2]);
	assert_int_equal(a[0].outcome, STORE_OK);
	assert_int_equal(a[1].outcome, STORE_FAILED);
	assert_int_equal(a[2].outcome, STORE_OK);
}

static void
a_read_does_not_write(void **state)
{
	uint64_t errors = log_count(HM_ERROR);

	assert_string_equal(read_now(CALL(id[INSERT], 1, "one", no_data)), "failed");
	assert_int_equal(log_count(HM_ERROR), errors + 1);
	assert_string_equal(read_now(CALL(id[ALL])), "");
}

/* --- Lanes --------------------------------------------------------------------------- */

static void
writes_of_a_lane_keep_their_order(void **state)
{
	static struct answer a[700];

	for (int i = 0; i < 700; i++) {
		struct store_call call =
			i % 2 ? CALL(id[DELETE], 1) : CALL(id[INSERT], 1, "x", no_data);

		write_calls(&call, 1, &a[i]);
		if (i % 100 == 99)
			fake_turn_ends();
	}
	answer_wait(&a[699]);
	for (unsigned i = 0; i < 700; i++) {
		assert_int_equal(a[i].outcome, STORE_OK);
		assert_int_equal(a[i].place, i);
	}
	assert_string_equal(read_now(CALL(id[ALL])), "");
}

static void
writes_of_a_turn_are_one_commit(void **state)
{
	struct store_view view;
	static struct answer a[200];

	for (int i = 0; i < 200; i++)
		write_calls(&CALL(id[INSERT], i, no_name, no_data), 1, &a[i]);
	store_view(&view);
	assert_int_equal(view.queued_groups, 200);
	assert_false(store_idle());
	answer_wait(&a[199]);
	store_view(&view);
	assert_int_equal(view.commits, 1);
	assert_int_equal(view.queued_groups, 0);
	assert_int_equal(view.queued_bytes, 0);
	assert_true(store_idle());
}

static void
a_full_lane_refuses_and_takes_again_later(void **state)
{
	struct store_config cfg = fixture_config();
	struct answer a, b, between, c;
	char name[4001];

	memset(name, 'n', 4000);
	name[4000] = '\0';
	store_close();
	fake_worker_is(0); /* its mail is not read any more */
	cfg.queue_bytes = 7000;
	fixture_start_with(&cfg, sql, STATEMENTS, id);
	write_calls(&CALL(id[INSERT], 1, name, no_data), 1, &a);
	write_calls(&CALL(id[INSERT], 2, no_name, no_data), 1, &between);
	name[0] = 'm';
	write_calls(&CALL(id[INSERT], 3, name, no_data), 1, &b);
	memset(&c, 0, sizeof(c));
	assert_false(store_write(&CALL(id[INSERT], 4, no_name, no_data), 1, answer_came, &c));
	answer_wait(&b);
	assert_false(c.done);
	assert_int_equal(write_now(CALL(id[INSERT], 4, no_name, no_data), NULL), STORE_OK);
	assert_string_equal(read_now(CALL(id[COUNT])), "4|rows|NULL;");
}

static void
closing_writes_what_is_pending(void **state)
{
	static struct answer a[300], last;

	for (int i = 0; i < 300; i++) {
		write_calls(&CALL(id[INSERT], i, no_name, no_data), 1, &a[i]);
		if (i % 50 == 0)
			fake_turn_ends();
	}
	store_read(&CALL(id[ALL]), 1, answer_came, &last);
	store_close();
	fake_worker_is(0);
	assert_false(a[299].done);
	fixture_start(sql, STATEMENTS, id);
	assert_string_equal(read_now(CALL(id[COUNT])), "300|rows|NULL;");
}

#ifndef FIXTURE_POSTGRESQL
static void
the_file_is_for_its_owner_only(void **state)
{
	char name[128];
	struct stat st;

	write_now(CALL(id[INSERT], 1, "one", no_data), NULL);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", fixture_path(),
		         ((const char *[]){ "", "-wal", "-shm" })[i]);
		assert_int_equal(stat(name, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

static void
the_log_stays_bounded(void **state)
{
	size_t len = 1024 * 1024;
	char *data = calloc(1, len);
	char name[128];
	struct stat st;

	snprintf(name, sizeof(name), "%s-wal", fixture_path());
	for (int i = 0; i < 60; i++) {
		struct hm_blob blob = { data, len };

		write_now(CALL(id[INSERT], 1, no_name, blob), NULL);
		write_now(CALL(id[DELETE], 1), NULL);
		assert_int_equal(stat(name, &st), 0);
		assert_true(st.st_size < 24 * 1024 * 1024);
	}
	free(data);
}

#endif

/* --- At the start ---------------------------------------------------------------------- */

static void
refused(const char *statement, const char *because)
{
	struct hm_error why = { 0 };

	assert_true(fixture_open(&why));
	store_statement("core", 7, statement, statement);
	assert_false(store_start(&why));
	if (!strstr(why.text, because))
		fail_msg("%s", why.text);
	assert_non_null(strstr(why.text, "Statement 7 of core"));
	store_close();
}

static void
a_wrong_statement_stops_the_start(void **state)
{
	refused("SELECT a FROM nowhere", "nowhere");
	refused("SELECT \"text\"", "text");
#ifndef FIXTURE_POSTGRESQL
	refused("SELECT $1, $3", "$3");
	refused("SELECT ?", "?");
	refused("SELECT :name", ":name");
	refused("SELECT 1; SELECT 2", "more than one");
#else
	refused("SELECT $1, $3", "could not determine data type of parameter $2");
	refused("SELECT 1; SELECT 2", "multiple commands");
	refused("SELECT 1.5::real", "has a type (700)");
#endif
	refused("", "empty");
	refused(NULL, "no text");
}

/* --- Appends --------------------------------------------------------------------------- */

enum { APPEND, APPEND_NEW, FIND, FORGET, APPENDS };
static const struct store_column columns[] = {
	{ "id", HM_V_INT },
	{ "data", HM_V_BLOB },
	{ "name", HM_V_TEXT },
};
static const struct store_table strict = { "t", NULL, columns, HM_COUNT(columns) };
static const struct store_table repeated = { "t", "id", columns, HM_COUNT(columns) };
static unsigned app[APPENDS];

static int
appending(void **state)
{
	struct hm_error why = { 0 };

	if (fixture_setup(state) != 0)
		return -1;
	fixture_open_tables();
	app[APPEND] = store_append("core", APPEND, &strict);
	app[APPEND_NEW] = store_append("core", APPEND_NEW, &repeated);
	app[FIND] = store_statement("core", FIND, sql[ALL], sql[ALL]);
	app[FORGET] = store_statement("core", FORGET, sql[DELETE], sql[DELETE]);
	if (!store_start(&why))
		fail_msg("%s", why.text);
	return 0;
}

static void
rows_are_appended_by_column(void **state)
{
	struct hm_blob data = { "\0\xff", 2 };
	const struct store_call calls[] = {
		CALL(app[APPEND], 1, data, "a{b,\"c\\"),
		CALL(app[APPEND], 2, no_data, no_name),
		CALL(app[APPEND], INT64_MIN, data, ""),
	};
	struct answer a;

	write_calls(calls, 3, &a);
	answer_wait(&a);
	assert_int_equal(a.outcome, STORE_OK);
	assert_string_equal(read_now(CALL(app[FIND])), "-9223372036854775808||x'00ff';"
	                                               "1|a{b,\"c\\|x'00ff';2|NULL|NULL;");
}

static void
a_row_that_is_there_is_left_out_where_the_table_says_so(void **state)
{
	const struct store_call calls[] = {
		CALL(app[APPEND_NEW], 1, no_data, "again"),
		CALL(app[APPEND_NEW], 2, no_data, "two"),
		CALL(app[APPEND_NEW], 2, no_data, "two again"),
	};
	struct answer a;

	assert_int_equal(write_now(CALL(app[APPEND_NEW], 1, no_data, "one"), NULL), STORE_OK);
	write_calls(calls, 3, &a);
	answer_wait(&a);
	assert_int_equal(a.outcome, STORE_OK);
	assert_string_equal(read_now(CALL(app[FIND])), "1|one|NULL;2|two|NULL;");
	assert_int_equal(write_now(CALL(app[APPEND], 1, no_data, "x"), NULL), STORE_FAILED);
	/* Another key than the declared one. */
	assert_int_equal(write_now(CALL(app[APPEND_NEW], 3, no_data, "two"), NULL), STORE_FAILED);
}

static void
a_group_with_a_bad_append_fails_alone(void **state)
{
	struct answer a[3];
	const struct store_call bad[] = {
		CALL(app[APPEND], 2, no_data, "two"),
		CALL(app[APPEND], 1, no_data, "one again"),
	};

	write_calls(&CALL(app[APPEND], 1, no_data, "one"), 1, &a[0]);
	write_calls(bad, 2, &a[1]);
	write_calls(&CALL(app[APPEND], 3, no_data, "three"), 1, &a[2]);
	for (unsigned i = 0; i < 3; i++)
		answer_wait(&a[i]);
	assert_int_equal(a[0].outcome, STORE_OK);
	assert_int_equal(a[1].outcome, STORE_FAILED);
	assert_int_equal(a[2].outcome, STORE_OK);
	assert_string_equal(read_now(CALL(app[FIND])), "1|one|NULL;3|three|NULL;");
}

/* Also when what a batch appends is one statement. */
static void
statements_between_appends_find_what_came_before(void **state)
{
	struct answer a[3];

	write_calls(&CALL(app[APPEND], 1, no_data, "one"), 1, &a[0]);
	write_calls(&CALL(app[FORGET], 1), 1, &a[1]);
	write_calls(&CALL(app[APPEND], 1, no_data, "another"), 1, &a[2]);
	for (unsigned i = 0; i < 3; i++)
		answer_wait(&a[i]);
	assert_int_equal(a[1].changed, 1);
	assert_string_equal(read_now(CALL(app[FIND])), "1|another|NULL;");
}

int
main(void)
{
#define STARTED(test) cmocka_unit_test_setup_teardown(test, started, fixture_teardown)
#define APPENDING(test) cmocka_unit_test_setup_teardown(test, appending, fixture_teardown)
	const struct CMUnitTest tests[] = {
		STARTED(values_of_all_types_come_back),
		STARTED(null_differs_from_empty),
		STARTED(parameters_are_bound_by_their_number),
		STARTED(a_large_value_comes_back),
		STARTED(changed_rows_are_counted),
		STARTED(a_write_may_return_rows),
#ifndef FIXTURE_POSTGRESQL
		STARTED(a_column_of_another_type_reads_as_null_and_is_told),
		STARTED(the_file_is_for_its_owner_only),
		STARTED(the_log_stays_bounded),
#endif
		STARTED(several_reads_come_in_one_answer),
		STARTED(a_long_read_answers_too),
		STARTED(a_group_is_written_as_a_whole),
		STARTED(a_group_fails_as_a_whole),
		STARTED(a_failing_group_fails_alone),
		STARTED(a_group_that_fails_at_the_commit_fails_alone),
		STARTED(a_read_does_not_write),
		STARTED(writes_of_a_lane_keep_their_order),
		STARTED(writes_of_a_turn_are_one_commit),
		STARTED(a_full_lane_refuses_and_takes_again_later),
		STARTED(closing_writes_what_is_pending),
		APPENDING(rows_are_appended_by_column),
		APPENDING(a_row_that_is_there_is_left_out_where_the_table_says_so),
		APPENDING(a_group_with_a_bad_append_fails_alone),
		APPENDING(statements_between_appends_find_what_came_before),
		cmocka_unit_test_setup_teardown(a_wrong_statement_stops_the_start, fixture_setup,
		                                fixture_teardown),
	};

#ifdef FIXTURE_POSTGRESQL
	if (fixture_missing())
		return 0;
	return cmocka_run_group_tests(tests, fixture_start_cluster, fixture_stop_cluster);
#else
	return cmocka_run_group_tests(tests, NULL, NULL);
#endif
}
