/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/limits.c - a fixed field of counters, picked by a keyed hash: no lock, no memory
 * that an attacker could fill.  Two addresses may share a counter, then the limit is reached a little
 * earlier; which ones do cannot be known from outside.
 */
#include "stream/limits.h"

#include <stdatomic.h>
#include <string.h>

#include "base/table.h"

#define COUNTERS 16384

static _Atomic int64_t counters[COUNTERS];

static _Atomic int64_t *
counter_of(const char *prefix)
{
	return &counters[hash_bytes(prefix, strlen(prefix)) % COUNTERS];
}

bool
limits_enter(const char *prefix, int64_t max)
{
	_Atomic int64_t *counter = counter_of(prefix);

	if (atomic_fetch_add_explicit(counter, 1, memory_order_relaxed) < max)
		return true;
	atomic_fetch_sub_explicit(counter, 1, memory_order_relaxed);
	return false;
}

void
limits_leave(const char *prefix)
{
	atomic_fetch_sub_explicit(counter_of(prefix), 1, memory_order_relaxed);
}
