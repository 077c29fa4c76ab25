/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* conf/unit.h - numbers, sizes and durations as text. */
#ifndef CONF_UNIT_H
#define CONF_UNIT_H

#include <stdbool.h>
#include <stdint.h>

#include <hermod/conf.h>

#include "base/buf.h"

/* What "unlimited" reads as, whatever the type; no number reads as it. */
#define CONF_UNLIMITED INT64_MAX

bool conf_is_number(const char *text); /* digits, a sign before them perhaps */
/* Of anything; common mistakes too, so that they are told as such. */
bool conf_is_unit(const char *text);

/* type is INT, SIZE (bytes) or DURATION (milliseconds).  false: not such a thing, or far too much. */
bool conf_read_number(enum hm_conf_type type, const char *text, int64_t *value);
/* With the largest unit that leaves no rest: what is written reads as the same value. */
void conf_write_number(enum hm_conf_type type, int64_t value, struct buf *out);

#endif
