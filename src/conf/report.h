/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * conf/report.h - the mistakes of a configuration: all of them, not only the
 * first, each a sentence "FILE:LINE: what is wrong; what was expected".
 */
#ifndef CONF_REPORT_H
#define CONF_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include <hermod/values.h>

#include "base/buf.h"

#define CONF_MISTAKES_MAX 50

/* Where in the configuration something stands; line 0: the file as a whole. */
struct conf_place {
	const char *file;
	unsigned line;
};

/* Zeroed, it is empty.  About 26 KiB: not for small stacks. */
struct conf_report {
	size_t n;    /* mistakes held */
	size_t more; /* mistakes that found no room */
	struct hm_error mistakes[CONF_MISTAKES_MAX];
};

/* at may be NULL, or its file may be: then no place is named. */
void conf_mistake(struct conf_report *report, const struct conf_place *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool conf_report_clean(const struct conf_report *report);
/* One line per mistake, for a terminal or a log. */
void conf_report_write(const struct conf_report *report, struct buf *out);

#endif
