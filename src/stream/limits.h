/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/limits.h - how many connections of one address have not logged in yet.  Counted
 * for the whole process, since an address's connections land on any worker.  Any thread.
 */
#ifndef STREAM_LIMITS_H
#define STREAM_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/* prefix: conn_peer()->prefix.  false: there are max already, nothing was counted. */
bool limits_enter(const char *prefix, int64_t max);
void limits_leave(const char *prefix);

#endif
