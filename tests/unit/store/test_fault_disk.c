/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * What is left on the disk for tests by a process that was killed: a child has it, its parent looks
 * at the files with SQLite's own.
 */
#include "store/fault_disk.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

static char directory[64], path[96], trace[96];

static int
setup(void **state)
{
	snprintf(directory, sizeof(directory), "/tmp/hermod-test-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/db", directory);
	snprintf(trace, sizeof(trace), "%s/trace", directory);
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "db", "db-wal", "db-shm", "db-journal", "trace" };
	char name[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(name, sizeof(name), "%s/%s", directory, names[i]);
		unlink(name);
	}
	return rmdir(directory);
}

/* --- In the child; what goes wrong there shows by how it ends ----------------------------- */

static sqlite3 *
open_db(void)
{
	sqlite3 *db;

	if (sqlite3_open(path, &db) != SQLITE_OK)
		_exit(2);
	return db;
}

static void
run(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "# %s: %s\n", sql, sqlite3_errmsg(db));
		_exit(3);
	}
}

static int
number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt;
	int n = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}

static sqlite3 *
install_and_open(void)
{
	struct hm_error why;
	sqlite3 *db;

	if (!fault_disk_install(trace, &why))
		_exit(4);
	db = open_db();
	run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
	        "CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, data BLOB)");
	return db;
}

static void
in_child(void (*body)(void), int status)
{
	pid_t pid = fork();
	int got;

	if (pid == 0) {
		body();
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &got, 0), pid);
	assert_int_equal(got, status);
}

static int
rows_left(void)
{
	sqlite3 *db;
	int n;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	n = number(db, "SELECT count(*) FROM t");
	assert_int_equal(number(db, "SELECT count(*) FROM pragma_integrity_check WHERE"
	                            " integrity_check = 'ok'"),
	                 1);
	sqlite3_close(db);
	return n;
}

static unsigned
lines_of_trace(const char *beginning)
{
	FILE *f = fopen(trace, "r");
	char line[256];
	unsigned n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		n += strncmp(line, beginning, strlen(beginning)) == 0;
	fclose(f);
	return n;
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void
commit_and_lose(void)
{
	sqlite3 *db = install_and_open(), *other;

	run(db, "INSERT INTO t (n) VALUES (1)");
	run(db, "INSERT INTO t (n) VALUES (2)");
	run(db, "PRAGMA synchronous=OFF; INSERT INTO t (n) VALUES (3)");
	other = open_db(); /* as the kernel's cache would, it has it all */
	if (number(other, "SELECT count(*) FROM t") != 3)
		_exit(5);
}

static void
what_was_synchronised_stays_and_nothing_else(void **state)
{
	in_child(commit_and_lose, SIGKILL);
	assert_int_equal(rows_left(), 2);
	assert_true(lines_of_trace("sync db-wal ") >= 2);
}

static void
close_in_order(void)
{
	sqlite3 *db = install_and_open();

	run(db, "PRAGMA synchronous=OFF; INSERT INTO t (n) VALUES (1)");
	sqlite3_close(db);
}

static void
what_was_closed_stays(void **state)
{
	in_child(close_in_order, SIGKILL);
	assert_int_equal(rows_left(), 1);
}

/* The log is brought into the file and begun anew, again and again. */
static void
checkpoint_often(void)
{
	sqlite3 *db = install_and_open(), *other = open_db();

	for (int i = 0; i < 40; i++) {
		run(db, "INSERT INTO t (data) VALUES (randomblob(9000))");
		if (i % 3 == 0)
			run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
		if (i % 7 == 0)
			run(db, "DELETE FROM t WHERE n % 2; PRAGMA wal_checkpoint(RESTART)");
		if (number(other, "SELECT count(*) FROM t") < 1 && i % 7 != 0)
			_exit(6);
	}
	run(db, "DELETE FROM t; INSERT INTO t (n) VALUES (100), (101), (102)");
	run(db, "PRAGMA synchronous=OFF; DELETE FROM t");
}

static void
checkpoints_change_nothing(void **state)
{
	in_child(checkpoint_often, SIGKILL);
	assert_int_equal(rows_left(), 3);
	assert_true(lines_of_trace("sync db ") > 0);
	in_child(checkpoint_often, SIGKILL); /* also on what was left */
	assert_int_equal(rows_left(), 3);
}

static void
fill_up(void)
{
	sqlite3 *db = install_and_open();

	run(db, "INSERT INTO t (n) VALUES (1)");
	fault_disk_set_full(true);
	if (sqlite3_exec(db, "INSERT INTO t (n) VALUES (2)", NULL, NULL, NULL) != SQLITE_FULL)
		_exit(7);
	fault_disk_set_full(false);
	run(db, "INSERT INTO t (n) VALUES (3)");
}

static void
a_full_disk_takes_no_more(void **state)
{
	in_child(fill_up, SIGKILL);
	assert_int_equal(rows_left(), 2);
}

static void
be_slow(void)
{
	sqlite3 *db = install_and_open();

	fault_disk_set_sync_ms(30);
	run(db, "INSERT INTO t (n) VALUES (1)");
}

static void
the_trace_tells_how_long_it_took(void **state)
{
	long long begin = 0, end = 0;
	char line[256];
	FILE *f;

	in_child(be_slow, SIGKILL);
	f = fopen(trace, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		assert_int_equal(sscanf(line, "sync %*s %lld %lld", &begin, &end), 2);
	fclose(f);
	assert_true(end - begin >= 30000000);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_was_synchronised_stays_and_nothing_else),
		TEST(what_was_closed_stays),
		TEST(checkpoints_change_nothing),
		TEST(a_full_disk_takes_no_more),
		TEST(the_trace_tells_how_long_it_took),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
