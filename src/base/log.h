/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/log.h - structured logging: where lines go and which are wanted.
 * The calls that write a line are in hermod/values.h (hm_log_) and below.
 * Thread-safe; a line is one write().
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include <hermod/values.h>

enum log_format { LOG_LOGFMT, LOG_JSON };

/* ctx: struct hm_logctx *, or NULL for the process itself. */
#define log_line(ctx, level, msg, ...)                                                             \
	hm_log_((ctx), (level), __FILE__, __LINE__, "" msg, HM_FIELDS(__VA_ARGS__))

/* path NULL or "-": standard error.  Opened for appending; called again to reopen after rotation. */
bool log_open(const char *path, enum log_format format, struct hm_error *why)
	__attribute__((warn_unused_result));
void log_set_level(enum hm_level level);
/* Level of one subject until `until_mono_ms` (0: for good); level of NULL subject = log_set_level. At most 32 subjects. */
bool log_set_subject_level(const char *subject, enum hm_level level, int64_t until_mono_ms);
bool log_level_by_name(const char *name, enum hm_level *level); /* "debug" "info" "warn" "error" */
/* Counts of lines by level since the start: for metrics and for tests that allow none. */
uint64_t log_count(enum hm_level level);
int log_fd(void); /* where lines go: for crash handlers */
/* What the thread is doing: printed by hm_assert_failed(), the watchdog and crash handlers. Set by loop. */
extern void (*log_on_crash)(int fd); /* async-signal-safe; may be NULL */

#endif
