/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* conf/file.h - a file of the configuration in memory, and whether it is text. */
#ifndef CONF_FILE_H
#define CONF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "conf/report.h"

#define CONF_FILE_BYTES_MAX (1024 * 1024)

struct conf_file {
	dev_t dev;
	ino_t ino;
	struct buf text; /* the caller frees it; data is never NULL after success */
};

/* A regular file of bounded size.  false: reported as a mistake at `at`, which may be NULL. */
bool conf_file_read(const char *path, const struct conf_place *at, struct conf_file *file,
                    struct conf_report *report);
/* UTF-8 without control characters but tabs and line ends; false: the first line that is not has been reported. */
bool conf_text_check(const char *name, const char *text, size_t len, struct conf_report *report);

#endif
