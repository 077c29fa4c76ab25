/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * loop/crash.h - the last words: when the process dies by SIGSEGV, SIGBUS,
 * SIGFPE, SIGILL or SIGABRT, it says what each worker was doing and
 * where the faulting thread was, then dies by that signal, so that a core is written.
 */
#ifndef LOOP_CRASH_H
#define LOOP_CRASH_H

/* Once, by the daemon, before threads start.  In sanitizer builds their own reports stay. */
void crash_install(void);

/* What each worker is doing, in lines of text; async-signal-safe. Set as log_on_crash by crash_install(). */
void crash_report(int fd);

#endif
