/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * conf/write.h - filled structs as text of the configuration file, for
 * `hermodctl config show`, and what differs between two of them, for a reload.
 */
#ifndef CONF_WRITE_H
#define CONF_WRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "conf/schema.h"

/* One line per key, depth tabs deep.  A key without a value becomes a comment that says so. */
void conf_write_keys(const struct conf_schema *schema, const void *filled, unsigned depth,
                     struct buf *out);
/* `name {` or `name title {`; title may be NULL or "". */
void conf_write_open(const char *name, const char *title, unsigned depth, struct buf *out);
void conf_write_close(unsigned depth, struct buf *out);

typedef void conf_changed_fn(void *ctx, const struct hm_conf_key *key);
/* Calls changed (may be NULL) for each key whose value differs, in the order of the table; returns how many. */
size_t conf_compare(const struct conf_schema *schema, const void *old_filled,
                    const void *new_filled, conf_changed_fn *changed, void *ctx);

#endif
