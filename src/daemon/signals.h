/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/signals.h - SIGTERM and SIGINT stop, SIGHUP reloads; on worker 0, as events. */
#ifndef DAEMON_SIGNALS_H
#define DAEMON_SIGNALS_H

struct server;

/* Before threads: they inherit it.  From then on the signals wait until somebody reads them. */
void signals_block(void);
void signals_open(struct server *server);
void signals_close(void);

#endif
