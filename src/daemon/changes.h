/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/changes.h - what a reload changes, in the words of the configuration file, and whether
 * it counts at once.
 */
#ifndef DAEMON_CHANGES_H
#define DAEMON_CHANGES_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/schema.h"

struct change {
	char *what;   /* "log.level" */
	bool restart; /* counts after a restart only */
};

struct changes { /* zeroed: none */
	size_t n;
	struct change *v;
};

void changes_add(struct changes *c, bool restart, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * Each key whose value differs; prefix: "log.".  A key that counts after a restart only is compared with
 * what the server started with, so that it is named until that restart.
 */
void changes_compare(struct changes *c, const char *prefix, const struct conf_schema *schema,
                     const void *started, const void *before, const void *after);
void changes_free(struct changes *c);

#endif
