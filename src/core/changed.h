/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/changed.h - accounts whose password was changed, or which were removed, a short while ago.
 * A login takes several steps, and its verifiers are read in the first: what has changed since is
 * asked for in the last, at the account's home.
 */
#ifndef CORE_CHANGED_H
#define CORE_CHANGED_H

#include <stdbool.h>
#include <stdint.h>

/* All on the account's home.  at_us: clock_mono_us() when the commit was reported. */
void changed_remember(const char *bare, int64_t at_us);
/*
 * May what was read at that time be out of date?  Also true where nobody can tell any more, because
 * that many others have changed since.
 */
bool changed_since(const char *bare, int64_t at_us);

#endif
