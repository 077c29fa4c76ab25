/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/commands.h - the daemon's own admin commands: reload, config check, config show. */
#ifndef DAEMON_COMMANDS_H
#define DAEMON_COMMANDS_H

#include <hermod/module.h>

struct server;

extern const struct hm_command daemon_commands[];
extern const size_t daemon_commands_n;

/* Adds the table; before the workers run. */
void commands_install(struct server *server);

#endif
