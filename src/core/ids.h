/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/ids.h - ids of archives: the clock in microseconds, but always greater than the one
 * before.  A ceiling on disk, ahead of what was given, keeps that true after a crash, whatever the
 * clock says then (DESIGN 5).
 */
#ifndef CORE_IDS_H
#define CORE_IDS_H

#include <stdbool.h>
#include <stdint.h>

struct ids {
	int64_t first, last, ceiling; /* first: less than any that this process gives */
	bool ready, writing;
};

void ids_register_statements(void);
/* On each worker, at start: learns what has been given.  Until then no entity is loaded. */
void ids_start_here(void);
/* Greater than all that this worker, or the server before it, has given. */
int64_t ids_new(void);

#endif
