/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Migrations: in order, once, as a whole; what does not fit is refused. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/mem.h"
#include "fake_workers.h"
#include "store/store_driver.h"
#include "store_fixture.h"

static const struct store_migration two[] = {
	{ "0001-create", "CREATE TABLE a (id BIGINT, name TEXT, data BLOB); -- semicolons; here\n"
	                 "INSERT INTO a (id) VALUES (1)" },
	{ "0002-more", "INSERT INTO a (id) VALUES (2); -- ends in a comment" },
	{ NULL, NULL },
};
static const struct store_migration one[] = {
	{ "0001-create", "CREATE TABLE a (id BIGINT, name TEXT, data BLOB)" },
	{ NULL, NULL },
};
static const struct store_migration other[] = {
	{ "0001-begin", "CREATE TABLE a (id BIGINT, name TEXT, data BLOB)" },
	{ NULL, NULL },
};

/* Opens, migrates, closes; the text is of the error, "" without one. */
static const char *
migrated(const char *owner, const struct store_migration *migrations)
{
	static struct hm_error why;

	memset(&why, 0, sizeof(why));
	if (fixture_open(&why) && store_migrate(owner, migrations, &why))
		assert_string_equal(why.text, "");
	store_close();
	return why.text;
}

/* One number of the closed database, by SQLite's own means. */
static int
number(const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	int n = -1;

	assert_int_equal(sqlite3_open(fixture_path(), &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static void
migrations_run_once_and_in_order(void **state)
{
	assert_string_equal(migrated("core", one), "");
	assert_string_equal(migrated("core", two), "");
	assert_string_equal(migrated("core", two), "");
	assert_int_equal(number("SELECT sum(id) FROM a"), 2);
	assert_int_equal(number("SELECT count(*) FROM store_migrations"), 2);
}

static void
owners_are_apart(void **state)
{
	static const struct store_migration module[] = {
		{ "0001-create", "CREATE TABLE b (id BIGINT)" },
		{ NULL, NULL },
	};

	assert_string_equal(migrated("core", two), "");
	assert_string_equal(migrated("module", module), "");
	assert_string_equal(migrated("core", two), "");
}

static void
a_newer_database_is_refused(void **state)
{
	assert_string_equal(migrated("core", two), "");
	assert_string_equal(migrated("core", one), "The database is newer than this program:"
	                                           " it has the migration 0002-more of core.");
}

static void
another_history_is_refused(void **state)
{
	assert_string_equal(migrated("core", one), "");
	assert_non_null(strstr(migrated("core", other), "0001-create, expected is 0001-begin"));
}

static void
a_failed_migration_leaves_nothing(void **state)
{
	static const struct store_migration bad[] = {
		{ "0001-create", "CREATE TABLE a (id BIGINT); INSERT INTO nowhere VALUES (1)" },
		{ NULL, NULL },
	};

	assert_non_null(strstr(migrated("core", bad), "0001-create of core failed: no such table"));
	assert_int_equal(number("SELECT count(*) FROM sqlite_schema WHERE name = 'a'"), 0);
	assert_string_equal(migrated("core", one), "");
}

static void
a_migration_cannot_end_its_transaction(void **state)
{
	static const struct store_migration bad[] = {
		{ "0001-create",
		  "CREATE TABLE a (id BIGINT); ROLLBACK; CREATE TABLE b (id BIGINT)" },
		{ NULL, NULL },
	};

	assert_non_null(strstr(migrated("core", bad), "transaction"));
}

static void
a_table_is_rebuilt_with_references_to_it(void **state)
{
	static const struct store_migration rebuild[] = {
		{ "0001-create", "CREATE TABLE a (id BIGINT PRIMARY KEY);"
		                 "CREATE TABLE b (a BIGINT REFERENCES a (id) ON DELETE CASCADE);"
		                 "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)" },
		{ "0002-rebuild", "CREATE TABLE n (id BIGINT PRIMARY KEY, more TEXT);"
		                  "INSERT INTO n (id) SELECT id FROM a;"
		                  "DROP TABLE a; ALTER TABLE n RENAME TO a" },
		{ "0003-break", "DELETE FROM a" },
		{ NULL, NULL },
	};

	assert_non_null(strstr(migrated("core", rebuild), "0003-break of core failed: Rows of b"));
	assert_int_equal(number("SELECT count(*) FROM b"), 1);
	assert_int_equal(number("SELECT count(more) + 1 FROM a"), 1);
}

/* Whether they hold takes a look at every row: a start that changes nothing does without. */
static void
references_are_looked_at_when_something_changed(void **state)
{
	static const struct store_migration create[] = {
		{ "0001-create", "CREATE TABLE a (id BIGINT PRIMARY KEY);"
		                 "CREATE TABLE b (a BIGINT REFERENCES a (id))" },
		{ NULL, NULL },
	};
	static const struct store_migration more[] = {
		{ "0001-more", "CREATE TABLE c (id BIGINT)" },
		{ NULL, NULL },
	};

	assert_string_equal(migrated("core", create), "");
	assert_int_equal(number("INSERT INTO b VALUES (1) RETURNING a"), 1);
	assert_string_equal(migrated("core", create), "");
	assert_non_null(strstr(migrated("other", more), "Rows of b refer to rows of a"));
}

static void
parts_are_for_one_database(void **state)
{
	static const char sql[] =
		"all 1\n-- [postgresql]\npg 1\n  -- [sqlite]\n-- [sqlite] \nlite 1\n"
		"-- comment\n-- [all]\nall 2\n-- [other]\nother";
	char *lite = store_part_dup(sql, "sqlite");
	char *pg = store_part_dup(sql, "postgresql");
	char *none = store_part_dup("-- [postgresql]\nx", "sqlite");

	assert_string_equal(lite, "all 1\nlite 1\n-- comment\nall 2\n");
	assert_string_equal(pg, "all 1\npg 1\n  -- [sqlite]\nall 2\n");
	assert_string_equal(none, "");
	mem_free(lite);
	mem_free(pg);
	mem_free(none);
}

/* --- The file --------------------------------------------------------------------- */

static void
a_foreign_database_is_refused(void **state)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(fixture_path(), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE x (y)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_non_null(strstr(migrated("core", one), "is not a database of Hermod"));
}

static void
a_file_of_a_newer_format_is_refused(void **state)
{
	sqlite3 *db;

	assert_string_equal(migrated("core", one), "");
	assert_int_equal(sqlite3_open(fixture_path(), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=2", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_string_equal(migrated("core", one), "The database is newer than this program.");
}

static void
a_file_that_is_no_database_is_refused(void **state)
{
	int fd = open(fixture_path(), O_WRONLY | O_CREAT, 0600);

	for (int i = 0; i < 1000; i++)
		assert_int_equal(write(fd, "just text ", 10), 10);
	close(fd);
	assert_non_null(strstr(migrated("core", one), "not a database"));
}

static void
a_file_open_to_others_is_closed_to_them(void **state)
{
	struct stat st;

	assert_string_equal(migrated("core", one), "");
	assert_int_equal(chmod(fixture_path(), 0644), 0);
	assert_string_equal(migrated("core", one), "");
	assert_int_equal(stat(fixture_path(), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
an_unknown_driver_is_named(void **state)
{
	struct store_config cfg = fixture_config();
	struct hm_error why = { 0 };

	cfg.driver = "cards";
	assert_false(store_open(&cfg, &why));
	assert_non_null(strstr(why.text, "\"cards\""));
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(migrations_run_once_and_in_order),
		TEST(owners_are_apart),
		TEST(a_newer_database_is_refused),
		TEST(another_history_is_refused),
		TEST(a_failed_migration_leaves_nothing),
		TEST(a_migration_cannot_end_its_transaction),
		TEST(a_table_is_rebuilt_with_references_to_it),
		TEST(references_are_looked_at_when_something_changed),
		TEST(parts_are_for_one_database),
		TEST(a_foreign_database_is_refused),
		TEST(a_file_of_a_newer_format_is_refused),
		TEST(a_file_that_is_no_database_is_refused),
		TEST(a_file_open_to_others_is_closed_to_them),
		TEST(an_unknown_driver_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
