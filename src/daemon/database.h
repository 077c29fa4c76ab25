/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/database.h - what an administrator does to the database while no server runs:
 * `hermodctl db status`, `db migrate` and `db copy`.
 */
#ifndef DAEMON_DATABASE_H
#define DAEMON_DATABASE_H

#include <stdbool.h>

#include <hermod/values.h>

#include "daemon/settings.h"

/* Each gives false, and *why, when it did not work; what there is to say is printed. */
bool database_status(const struct settings *s, struct hm_error *why) HM_MUST_USE;
bool database_migrate(const struct settings *s, struct hm_error *why) HM_MUST_USE;
/* Everything from the database of s to that of `to`, which is empty. */
bool database_copy(const struct settings *s, const struct settings *to,
                   struct hm_error *why) HM_MUST_USE;

/* core and modules: tables and statements into the open store.  In server.c, too. */
bool database_install(const struct settings *s, struct hm_error *why) HM_MUST_USE;

#endif
