/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/lock.h - one server per data directory.  The kernel lets go of the lock
 * when the process ends, however it ends.
 */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H

#include <stdbool.h>

#include <hermod/values.h>

#define STORE_LOCK_FILE "hermod.lock"

/*
 * Locks the directory `path` for this process and writes its number into path/hermod.lock.
 * true also when this process has locked the same directory before; only one
 * directory at a time.  A process that forks to go into the background does so before.
 */
bool store_lock_directory(const char *path, struct hm_error *why) HM_MUST_USE;
bool store_directory_locked(void);
void store_unlock_directory(void);

#endif
