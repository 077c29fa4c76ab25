/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/assert.c - a bug was found at run time.  The line goes to the log, then
 * what each worker was doing (log_on_crash), then the process ends with a core.
 */
#include <stdlib.h>

#include <hermod/values.h>

#include "base/log.h"

void
hm_assert_failed(const char *cond, const char *file, int line)
{
	static _Thread_local bool failing;
	struct hm_field fields[] = { hm_kv("condition", cond) };

	/* A second failure while the first is told must not go in circles. */
	if (failing)
		abort();
	failing = true;
	hm_log_(NULL, HM_ERROR, file, line, "assertion failed", fields, HM_COUNT(fields));
	if (log_on_crash)
		log_on_crash(log_fd());
	abort();
}
