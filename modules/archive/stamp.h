/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* stamp.h - reading times as XEP-0082 writes them.  Pure, any thread. */
#ifndef MODULES_ARCHIVE_STAMP_H
#define MODULES_ARCHIVE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * DateTime of XEP-0082 3.2 to microseconds since 1970; finer digits are cut off. false: it is none.
 * Years 0 to 9999.
 */
bool stamp_read(const char *text, int64_t *us);

#endif
