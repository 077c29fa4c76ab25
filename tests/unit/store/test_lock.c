/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* One server per directory, and none after a crash. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/lock.h"
#include "store_fixture.h"

/* A process that holds the lock until it is killed. */
static pid_t
other_server(void)
{
	int ready[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct hm_error why;

		if (store_lock_directory(fixture_directory(), &why))
			(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void
end_of(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
a_second_server_is_refused_by_its_name(void **state)
{
	struct hm_error why = { 0 };
	char number[32];
	pid_t pid = other_server();

	snprintf(number, sizeof(number), "process %ld.", (long)pid);
	assert_false(store_lock_directory(fixture_directory(), &why));
	assert_int_equal(why.code, HM_E_EXISTS);
	assert_non_null(strstr(why.text, number));
	assert_non_null(strstr(why.text, fixture_directory()));
	assert_false(fixture_open(&why));
	assert_non_null(strstr(why.text, number));
	end_of(pid);
}

static void
a_crash_lets_go_of_the_lock(void **state)
{
	struct hm_error why = { 0 };

	end_of(other_server());
	assert_true(store_lock_directory(fixture_directory(), &why));
	assert_true(store_directory_locked());
	store_unlock_directory();
}

static void
a_directory_is_locked_again_by_the_same_process(void **state)
{
	struct hm_error why = { 0 };

	assert_true(store_lock_directory(fixture_directory(), &why));
	assert_true(store_lock_directory(fixture_directory(), &why));
	assert_true(fixture_open(&why));
	store_close();
	assert_true(store_directory_locked());
	store_unlock_directory();
	assert_true(fixture_open(&why));
	store_close();
	assert_false(store_directory_locked());
}

static void
a_directory_that_is_not_there_is_named(void **state)
{
	struct hm_error why = { 0 };

	assert_false(store_lock_directory("/nonexistent/hermod", &why));
	assert_int_equal(why.code, HM_E_NOT_FOUND);
	assert_non_null(strstr(why.text, "/nonexistent/hermod"));
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_second_server_is_refused_by_its_name),
		TEST(a_crash_lets_go_of_the_lock),
		TEST(a_directory_is_locked_again_by_the_same_process),
		TEST(a_directory_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
