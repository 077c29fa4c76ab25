/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* tests of loop/crash.c: a child dies, its last words are read */
#include "loop/crash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these before it. */
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "loop/worker.h"

static void
fail_assertion(struct mail *mail)
{
	worker_doing("roster", "iq", "romeo@example.org");
	hm_assert(mail->run == NULL);
}

static void
abort_now(struct mail *mail)
{
	worker_doing("roster", "iq", "romeo@example.org");
	abort();
}

/* Never returns. */
static void
die(int fd, void (*how)(struct mail *))
{
	const struct rlimit no_core = { 0 };
	struct mail mail = { .run = how };
	struct hm_error why;

	setrlimit(RLIMIT_CORE, &no_core);
	dup2(fd, STDERR_FILENO);
	/* What the test program's own runner has set up is not what is tested. */
	signal(SIGABRT, SIG_DFL);
	crash_install();
	if (!workers_init(2, &why))
		_exit(1);
	worker_post(1, &mail);
	workers_run();
	_exit(0);
}

static void
last_words(void (*how)(struct mail *), char *text, size_t size)
{
	int fds[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (child == 0)
		die(fds[1], how);
	close(fds[1]);
	while (len < size - 1 && (n = read(fds[0], text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static unsigned
count(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text++;
	}
	return n;
}

static void
a_crash_says_what_each_worker_was_doing(void **state)
{
	static char text[65536];

	last_words(abort_now, text, sizeof(text));
	assert_non_null(strstr(text, "worker 0: "));
	assert_non_null(strstr(text, "worker 1: in a callback, crashed here, module=roster "
	                             "event=iq jid=romeo@example.org"));
}

static void
a_failed_assertion_says_it_once(void **state)
{
	static char text[65536];

	last_words(fail_assertion, text, sizeof(text));
	assert_non_null(strstr(text, "mail->run == NULL"));
	assert_int_equal(count(text, "worker 1: "), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crash_says_what_each_worker_was_doing),
		cmocka_unit_test(a_failed_assertion_says_it_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
