/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/control.h - the control socket of doc/control-protocol.md, for the rest of the daemon.
 * Bound before the workers run; everything else on worker 0.
 */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include <stdbool.h>

#include <hermod/values.h>

#include "core/command.h"
#include "daemon/system.h"

/* The file is there from now on; nobody can connect yet. */
bool control_bind(const char *run_directory, const struct system_user *user,
                  struct hm_error *why) HM_MUST_USE;
void control_open(void);
/* Everything open is answered "cancelled"; the file goes. */
void control_close(void);
/* After control_close(): all answers are out. */
bool control_idle(void);
void control_free(void); /* after the workers */

/* What command_set_receiver() takes. */
void control_receive(struct command_message *take);

#endif
