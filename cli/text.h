/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * cli/text.h - text of the server on a terminal.  Names and stanzas come from
 * strangers: nothing of them may move the cursor, ring the bell or turn the
 * direction of writing.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Call once: makes wcwidth(3) know Unicode whatever the locale. */
void text_init(void);
/* Appends it with control characters as \xNN or \u{NNNN}; newlines and tabs stay as they are if multiline. */
void text_clean(struct buf *out, const char *text, bool multiline);
/* Columns of clean text on a terminal. */
size_t text_width(const char *text);

#endif
