/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * conf/value.h - one key: from its text to the C field and back.  `filled` is
 * always the struct whose field the key's offset names.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include <stdbool.h>

#include <hermod/conf.h>

#include "base/arena.h"
#include "base/buf.h"
#include "conf/node.h"
#include "conf/report.h"

/* false, having reported it: the field is unchanged.  Texts are borrowed from the node. */
bool conf_value_read(const struct hm_conf_key *key, const struct conf_node *node,
                     struct arena *arena, void *filled, struct conf_report *report);
/* The default.  false: the table is wrong; why is in the report. */
bool conf_value_default(const struct hm_conf_key *key, struct arena *arena, void *filled,
                        struct conf_report *report);

/* Same value?  Of lists the order counts. */
bool conf_value_equal(const struct hm_conf_key *key, const void *filled, const void *other);
/* Has a STRING a text, has a LIST entries?  All others are always set. */
bool conf_value_is_set(const struct hm_conf_key *key, const void *filled);
/* As it would be written in the file, a secret as "(hidden)".  Nothing for a STRING without text. */
void conf_value_write(const struct hm_conf_key *key, const void *filled, struct buf *out);
/* A word in quotes if it needs them. */
void conf_write_word(const char *text, struct buf *out);

/* "a size such as 64 KiB, from 1 KiB to 1 MiB": what the key takes, for messages and the manual. */
void conf_write_expected(const struct hm_conf_key *key, struct buf *out);
/* "bool", "int", "size", "duration", "text", "choice", "list". */
const char *conf_type_name(enum hm_conf_type type);

#endif
