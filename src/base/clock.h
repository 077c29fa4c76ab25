/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/clock.h - the time.  Tests move it: clock_advance() shifts both clocks.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_wall_us(void); /* microseconds since 1970, UTC */
int64_t clock_mono_ms(void); /* milliseconds, never goes back */
int64_t clock_mono_us(void);
void clock_advance(int64_t ms); /* tests only; atomic, all threads see it */

/* XEP-0082 date-time in UTC: "2026-11-21T07:05:34.123456Z"; digits: 0, 3 or 6 of the second's fraction. */
#define CLOCK_STAMP_MAX 32
char *clock_stamp(int64_t wall_us, unsigned digits, char out[CLOCK_STAMP_MAX]);
/* Reads XEP-0082 date-times with any zone and fraction; false when it is none. */
_Bool clock_parse_stamp(const char *s, int64_t *wall_us);

#endif
