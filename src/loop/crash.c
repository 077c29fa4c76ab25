/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * loop/crash.c - what is said before a fault ends the process.  Everything here
 * runs in a signal handler: no memory, no locks, no stdio.  Each thread that
 * may overflow its stack has another one for the handler.
 */
#include "loop/crash.h"

#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "loop/worker_state.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED
static const int deadly[] = { SIGABRT };
#else
static const int deadly[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
#endif

static atomic_flag reported = ATOMIC_FLAG_INIT;

static void
say(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static void
say_number(int fd, uint64_t n)
{
	char digits[21] = "";
	char *p = digits + sizeof(digits) - 1;

	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	say(fd, p);
}

static void
say_field(int fd, const char *name, const char *value)
{
	if (!*value)
		return;
	say(fd, " ");
	say(fd, name);
	say(fd, "=");
	say(fd, value);
}

void
crash_report(int fd)
{
	/* Once: the abort() after a failed assertion comes here again. */
	if (atomic_flag_test_and_set(&reported))
		return;
	for (unsigned i = 0; i < workers_count(); i++) {
		const struct worker *w = worker_by_number(i);
		uint64_t callbacks;
		struct worker_view view;

		if (!w)
			continue;
		callbacks = atomic_load_explicit(&w->doing.callbacks, memory_order_relaxed);
		doing_read(w, &view);
		say(fd, "worker ");
		say_number(fd, i);
		say(fd, callbacks % 2 ? ": in a callback," : ": between callbacks,");
		if (i == worker_self())
			say(fd, " crashed here,");
		say_field(fd, "module", view.module);
		say_field(fd, "event", view.event);
		say_field(fd, "jid", view.address);
		say(fd, " turns=");
		say_number(fd, view.turns);
		say(fd, "\n");
	}
}

static void
dying(int number)
{
	void *stack[STACK_MAX];
	int fd = log_fd();

	say(fd, "hermod died by signal ");
	say_number(fd, (uint64_t)number);
	say(fd, "\n");
	crash_report(fd);
	backtrace_symbols_fd(stack, backtrace(stack, STACK_MAX), fd);
	/* The handler is gone (SA_RESETHAND): this ends the process as it would have ended. */
	raise(number);
}

void
crash_install(void)
{
	struct sigaction action = { .sa_handler = dying,
		                    .sa_flags = SA_RESETHAND | SA_ONSTACK | SA_NODEFER };
	void *one;

	backtrace(&one, 1); /* loads its library now and not in the handler */
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < HM_COUNT(deadly); i++)
		sigaction(deadly[i], &action, NULL);
	log_on_crash = crash_report;
}

#ifdef SANITIZED

/* The sanitizer has given each thread a stack for signals already. */
void
crash_thread_begin(void)
{
}

void
crash_thread_end(void)
{
}

#else

#define SIGNAL_STACK_BYTES 65536

static _Thread_local char *signal_stack;

void
crash_thread_begin(void)
{
	stack_t stack = { .ss_size = SIGNAL_STACK_BYTES };

	signal_stack = mem_alloc(SIGNAL_STACK_BYTES);
	stack.ss_sp = signal_stack;
	sigaltstack(&stack, NULL);
}

void
crash_thread_end(void)
{
	const stack_t none = { .ss_flags = SS_DISABLE };

	sigaltstack(&none, NULL);
	mem_free(signal_stack);
	signal_stack = NULL;
}

#endif
