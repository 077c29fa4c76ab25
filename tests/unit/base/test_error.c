/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Errors for administrators, and failed assertions. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/log.h"

static void
the_sentence_is_kept(void **state)
{
	struct hm_error why;

	assert_false(error_set(&why, HM_E_INVALID, "line %d: no such key", 7));
	assert_int_equal(why.code, HM_E_INVALID);
	assert_string_equal(why.text, "line 7: no such key");
}

static void
the_system_says_why(void **state)
{
	struct hm_error why;

	errno = ENOENT;
	assert_false(error_errno(&why, "open %s", "/nowhere"));
	assert_int_equal(why.code, HM_E_NOT_FOUND);
	assert_string_equal(why.text, "open /nowhere: No such file or directory");
	assert_int_equal(errno, ENOENT);
}

static void
a_long_sentence_is_cut(void **state)
{
	struct hm_error why;

	errno = EACCES;
	assert_false(error_errno(&why, "%01000d", 1));
	assert_int_equal(strlen(why.text), sizeof(why.text) - 1);
	assert_int_equal(why.code, HM_E_DENIED);
}

static void
nobody_needs_to_ask(void **state)
{
	assert_false(error_set(NULL, HM_E_LIMIT, "x"));
	assert_false(error_errno(NULL, "x"));
}

static void
tell(int fd)
{
	assert_int_equal(write(fd, "worker 1: idle\n", 15), 15);
}

static void
a_failed_assertion_tells_what_happened_and_aborts(void **state)
{
	char text[1024] = "";
	int ends[2], status;
	size_t len = 0;
	pid_t pid;
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		signal(SIGABRT, SIG_DFL);
		log_on_crash = tell;
		hm_assert(pid != 0);
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_non_null(strstr(
		text,
		"level=error msg=\"assertion failed\" condition=\"pid != 0\" file=test_error.c"));
	assert_non_null(strstr(text, "\nworker 1: idle\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sentence_is_kept),
		cmocka_unit_test(the_system_says_why),
		cmocka_unit_test(a_long_sentence_is_cut),
		cmocka_unit_test(nobody_needs_to_ask),
		cmocka_unit_test(a_failed_assertion_tells_what_happened_and_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
