/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/reload.h - the configuration file is read again: all of it counts, or, if anything in it is wrong,
 * nothing of it.  No connection is dropped.  Worker 0.
 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "conf/report.h"
#include "daemon/changes.h"

struct server;

/* Both are borrowed for the call.  report is clean: it was done. */
typedef void
reload_done_fn(void *ctx, const struct conf_report *report, const struct changes *changes);

/* done (may be NULL) comes once, at once or when all workers know; the log has the same. */
void reload_begin(struct server *server, reload_done_fn *done, void *ctx);

#endif
