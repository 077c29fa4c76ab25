/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * A disk that is full, and one that fails: SQLite's own functions for files, with
 * writing and synchronising of the log replaced.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "base/log.h"
#include "fake_workers.h"
#include "store_fixture.h"

enum { INSERT, COUNT, STATEMENTS };
static const char *const sql[STATEMENTS] = {
	[INSERT] = "INSERT INTO t (id, data) VALUES ($1, zeroblob($2))",
	[COUNT] = "SELECT count(*), NULL, NULL FROM t",
};
static unsigned id[STATEMENTS];

/* --- The disk ----------------------------------------------------------------------- */

static _Atomic int full_after_bytes; /* of the log; 0: there is room */
static _Atomic int failing_syncs;    /* so many of the log */
static _Atomic int failed_syncs;

static sqlite3_vfs disk;
static sqlite3_vfs *real_disk;
static sqlite3_io_methods methods;
static const sqlite3_io_methods *real_methods;

static int
disk_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 offset)
{
	int limit = atomic_load(&full_after_bytes);

	if (limit && offset + n > limit)
		return SQLITE_FULL;
	return real_methods->xWrite(file, data, n, offset);
}

static int
disk_sync(sqlite3_file *file, int flags)
{
	if (atomic_load(&failing_syncs) > 0) {
		atomic_fetch_sub(&failing_syncs, 1);
		atomic_fetch_add(&failed_syncs, 1);
		return SQLITE_IOERR_FSYNC;
	}
	return real_methods->xSync(file, flags);
}

static int
disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_out)
{
	int code = real_disk->xOpen(real_disk, name, file, flags, flags_out);

	if (code != SQLITE_OK || !(flags & SQLITE_OPEN_WAL))
		return code;
	if (!real_methods) { /* the first is opened before there are threads */
		real_methods = file->pMethods;
		methods = *real_methods;
		methods.xWrite = disk_write;
		methods.xSync = disk_sync;
	}
	file->pMethods = &methods;
	return code;
}

static int
disk_setup(void **state)
{
	real_disk = sqlite3_vfs_find(NULL);
	disk = *real_disk;
	disk.zName = "disk";
	disk.xOpen = disk_open;
	return sqlite3_vfs_register(&disk, 1) == SQLITE_OK ? 0 : -1;
}

static int
started(void **state)
{
	if (fixture_setup(state) != 0)
		return -1;
	fixture_start(sql, STATEMENTS, id);
	return 0;
}

static int
stopped(void **state)
{
	atomic_store(&full_after_bytes, 0);
	atomic_store(&failing_syncs, 0);
	atomic_store(&failed_syncs, 0);
	return fixture_teardown(state);
}

/* --- Tests ---------------------------------------------------------------------------- */

static void
a_full_disk_fails_the_group_and_not_the_server(void **state)
{
	struct answer a[4];

	assert_int_equal(write_now(CALL(id[INSERT], 0, 10), NULL), STORE_OK);
	atomic_store(&full_after_bytes, 400000);
	for (int i = 0; i < 4; i++)
		write_calls(&CALL(id[INSERT], i + 1, i == 2 ? 3000000 : 10), 1, &a[i]);
	answer_wait(&a[3]);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(a[i].outcome, i == 2 ? STORE_NO_ROOM : STORE_OK);
	atomic_store(&full_after_bytes, 0);
	assert_int_equal(write_now(CALL(id[INSERT], 9, 3000000), NULL), STORE_OK);
	assert_string_equal(read_now(CALL(id[COUNT])), "5|NULL|NULL;");
}

static void
write_in_line(struct store_line *line, int row, int bytes, struct answer *a)
{
	memset(a, 0, sizeof(*a));
	assert_true(store_write_in_line(line, &CALL(id[INSERT], row, bytes), 1, answer_came, a));
}

/* The rows of a line's later groups may hold what the one before was to write. */
static void
what_stands_behind_a_failed_group_in_its_line_is_not_written(void **state)
{
	struct store_line one = { 0 }, other = { 0 };
	struct answer a[5];

	assert_int_equal(write_now(CALL(id[INSERT], 0, 10), NULL), STORE_OK);
	atomic_store(&full_after_bytes, 400000);
	write_in_line(&one, 1, 10, &a[0]);
	write_in_line(&one, 2, 3000000, &a[1]);
	write_in_line(&one, 3, 10, &a[2]);
	write_in_line(&other, 4, 10, &a[3]);
	answer_wait(&a[3]);
	assert_int_equal(a[0].outcome, STORE_OK);
	assert_int_equal(a[1].outcome, STORE_NO_ROOM);
	assert_int_equal(a[2].outcome, STORE_NO_ROOM);
	assert_int_equal(a[3].outcome, STORE_OK);
	atomic_store(&full_after_bytes, 0);
	write_in_line(&one, 5, 10, &a[4]); /* asked before its worker has mended the line */
	answer_wait(&a[4]);
	assert_int_equal(a[4].outcome, STORE_NO_ROOM);
	store_line_mend(&one);
	write_in_line(&one, 6, 10, &a[4]);
	answer_wait(&a[4]);
	assert_int_equal(a[4].outcome, STORE_OK);
	assert_string_equal(read_now(CALL(id[COUNT])), "4|NULL|NULL;");
}

/* Also by what the groups are, when each runs apart in one transaction. */
static void
a_refused_row_breaks_its_line(void **state)
{
	struct store_line line = { 0 };
	struct answer a[3];

	assert_int_equal(write_now(CALL(id[INSERT], 1, 10), NULL), STORE_OK);
	write_in_line(&line, 1, 10, &a[0]);
	write_in_line(&line, 2, 10, &a[1]);
	write_calls(&CALL(id[INSERT], 3, 10), 1, &a[2]);
	answer_wait(&a[2]);
	assert_int_equal(a[0].outcome, STORE_FAILED);
	assert_int_equal(a[1].outcome, STORE_FAILED);
	assert_int_equal(a[2].outcome, STORE_OK);
	assert_string_equal(read_now(CALL(id[COUNT])), "2|NULL|NULL;");
}

static void
it_is_said_once_when_writing_works_again(void **state)
{
	uint64_t infos;

	atomic_store(&full_after_bytes, 1);
	assert_int_equal(write_now(CALL(id[INSERT], 1, 10), NULL), STORE_NO_ROOM);
	atomic_store(&full_after_bytes, 0);
	infos = log_count(HM_INFO);
	assert_int_equal(write_now(CALL(id[INSERT], 1, 10), NULL), STORE_OK);
	assert_int_equal(log_count(HM_INFO), infos);
	clock_advance(11000);
	for (int i = 2; i < 4; i++)
		assert_int_equal(write_now(CALL(id[INSERT], i, 10), NULL), STORE_OK);
	assert_int_equal(log_count(HM_INFO), infos + 1);
}

static void
a_full_disk_is_reported_once_a_minute(void **state)
{
	uint64_t errors = log_count(HM_ERROR);

	atomic_store(&full_after_bytes, 1);
	for (int i = 0; i < 50; i++)
		assert_int_equal(write_now(CALL(id[INSERT], 1, 10), NULL), STORE_NO_ROOM);
	assert_int_equal(log_count(HM_ERROR), errors + 1);
	clock_advance(61000);
	assert_int_equal(write_now(CALL(id[INSERT], 1, 10), NULL), STORE_NO_ROOM);
	assert_int_equal(log_count(HM_ERROR), errors + 2);
	atomic_store(&full_after_bytes, 0);
	assert_int_equal(write_now(CALL(id[INSERT], 1, 10), NULL), STORE_OK);
}

/* After a crash the rows might be there: no answer is true until the commit worked. */
static void
a_commit_of_unknown_outcome_is_tried_until_it_is_known(void **state)
{
	struct answer a[3];

	assert_int_equal(write_now(CALL(id[INSERT], 0, 10), NULL), STORE_OK);
	atomic_store(&failing_syncs, 2);
	for (int i = 0; i < 3; i++)
		write_calls(&CALL(id[INSERT], i + 1, 10), 1, &a[i]);
	answer_wait(&a[2]);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(a[i].outcome, STORE_OK);
	assert_int_equal(atomic_load(&failed_syncs), 2);
	assert_string_equal(read_now(CALL(id[COUNT])), "4|NULL|NULL;");
}

static void
a_failing_disk_does_not_keep_the_server_from_ending(void **state)
{
	struct answer a[300];

	atomic_store(&failing_syncs, 1000000);
	for (int i = 0; i < 300; i++)
		write_calls(&CALL(id[INSERT], i, 10), 1, &a[i]);
	fake_turn_ends();
	store_close();
	assert_false(a[0].done);
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, started, stopped)
	const struct CMUnitTest tests[] = {
		TEST(a_full_disk_fails_the_group_and_not_the_server),
		TEST(what_stands_behind_a_failed_group_in_its_line_is_not_written),
		TEST(a_refused_row_breaks_its_line),
		TEST(it_is_said_once_when_writing_works_again),
		TEST(a_full_disk_is_reported_once_a_minute),
		TEST(a_commit_of_unknown_outcome_is_tried_until_it_is_known),
		TEST(a_failing_disk_does_not_keep_the_server_from_ending),
	};

	return cmocka_run_group_tests(tests, disk_setup, NULL);
}
