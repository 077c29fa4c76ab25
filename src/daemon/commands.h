/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/commands.h - the daemon's own admin commands: reload, config check, config show, resolve. */
#ifndef DAEMON_COMMANDS_H
#define DAEMON_COMMANDS_H

#include <hermod/module.h>

struct server;

extern const struct hm_command daemon_commands[];
extern const size_t daemon_commands_n;

/* Adds the table; before the workers run. */
void commands_install(struct server *server);
/* On worker 0, when the server stops: lookups for `resolve` are ended. */
void commands_stop(void);

#endif
