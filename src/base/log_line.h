/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/log_line.h - one line of the log while it is written, in logfmt or JSON.
 * Private to base/log.c.  A fixed buffer on the stack: a line needs no memory,
 * so that "out of memory" can be logged.
 */
#ifndef BASE_LOG_LINE_H
#define BASE_LOG_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include <hermod/values.h>

#include "base/log.h"

#define LOG_LINE_MAX 8192  /* bytes, with the newline */
#define LOG_VALUE_MAX 2048 /* bytes of one value, escaped: a peer can't push the rest out */

struct log_line {
	enum log_format format;
	bool cut;
	size_t len;
	char data[LOG_LINE_MAX];
};

void log_line_start(struct log_line *line, enum log_format format);
/* Keys are literals of the program and not escaped. */
void log_line_field(struct log_line *line, const char *key, struct hm_value value);
/* Ends in a newline; a line that was cut says so in a last field, cut=true. */
void log_line_end(struct log_line *line);

#endif
