/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * cli/database.h - `db status`, `db migrate` and `db copy FILE`: the commands for which no server
 * may run.  hermod(8) itself does them; all that is to do here is to become it.
 */
#ifndef CLI_DATABASE_H
#define CLI_DATABASE_H

#include <hermod/values.h>

#include "options.h"

/* Does not return unless it fails. */
void database_run(const struct options *options, struct hm_error *why);

#endif
