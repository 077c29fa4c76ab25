/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/server.h - the running server: its start, its state, its end.  The state belongs to
 * worker 0, which is the thread of main().
 */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include <stdbool.h>

#include "daemon/hosts.h"
#include "daemon/listeners.h"
#include "daemon/options.h"
#include "daemon/settings.h"

struct server {
	const struct options *options;
	struct settings *settings; /* in force; a reference on its snapshot */
	/* With which it started: what needs a restart is compared with it. */
	struct settings *started;
	struct settings_tls tls;
	struct listeners *listeners;
	struct hosts *hosts;
	bool ready;     /* ports and control socket are open */
	bool reloading; /* a round of a reload is under way */
	bool stopping;
	int status; /* exit status */
};

/* Runs the server with these settings, which it takes, until it was told to end: the exit status. */
int server_run(const struct options *options, struct settings *take,
               const struct settings_tls *take_tls);

/* --- stop.c: on worker 0 --- */
/* A second call does not wait any more. */
void server_stop(struct server *server);

#endif
