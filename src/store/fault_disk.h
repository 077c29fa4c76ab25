/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/fault_disk.h - a disk for tests, on which SQLite's files lie: what was written and not
 * synchronised is lost with the process, as it is lost with the machine when its power goes.
 *
 * A server that was started for tests (--test) has it when --test-disk names a trace; no other
 * server can have it.  So a test that kills the server with SIGKILL finds out whether something
 * was promised before it was safe, and the trace tells when things became safe.
 */
#ifndef STORE_FAULT_DISK_H
#define STORE_FAULT_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * From now on SQLite opens files through it.  Each synchronisation appends a line to the file
 * `trace` when it is done: "sync NAME BEGIN END BYTES", the times in nanoseconds on the monotonic
 * clock (CLOCK_MONOTONIC, which other processes read too).  Before the first thread and the first
 * file.  false: the trace cannot be opened.
 */
bool fault_disk_install(const char *trace, struct hm_error *why) HM_MUST_USE;
/* Each synchronisation takes so much longer.  Any thread. */
void fault_disk_set_sync_ms(uint64_t ms);
/* No file can grow any more: SQLITE_FULL.  Any thread. */
void fault_disk_set_full(bool full);

#endif
