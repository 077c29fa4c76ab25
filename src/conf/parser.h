/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * conf/parser.h - files become the tree of statements.  Used through
 * conf/snapshot.h; its bounds are part of the grammar.
 */
#ifndef CONF_PARSER_H
#define CONF_PARSER_H

#include <stddef.h>

#include "base/arena.h"
#include "conf/node.h"
#include "conf/report.h"

#define CONF_WORD_BYTES_MAX (16 * 1024 * 1024) /* all words of all files */
#define CONF_FILES_MAX 1000                    /* read in one go, each as often as it is included */
#define CONF_INCLUDE_DEPTH_MAX 8
#define CONF_BLOCK_DEPTH_MAX 16

/* Both return the root, a block without a name.  NULL: the main file cannot be read; why is in the report. */
struct conf_node *
conf_parse_file(struct arena *arena, const char *path, struct conf_report *report);
/* For tests and for text from elsewhere: `include` is refused. */
struct conf_node *conf_parse_text(struct arena *arena, const char *name, const char *text,
                                  size_t len, struct conf_report *report);

#endif
