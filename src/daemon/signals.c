/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/signals.c - a signalfd(2) in the event base of worker 0. */
#include "daemon/signals.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/reload.h"
#include "daemon/server.h"
#include "loop/worker.h"

static struct event *arrived;
static int signal_fd = -1;

static void
ours(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

void
signals_block(void)
{
	sigset_t set;

	ours(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void
read_signals(evutil_socket_t fd, short what, void *ctx)
{
	struct server *server = ctx;
	struct signalfd_siginfo info;

	worker_enter();
	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload_begin(server, NULL, NULL);
		else
			server_stop(server);
	}
	worker_leave();
}

void
signals_open(struct server *server)
{
	sigset_t set;

	ours(&set);
	signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	hm_assert(signal_fd >= 0);
	arrived = event_new(worker_base(), signal_fd, EV_READ | EV_PERSIST, read_signals, server);
	hm_assert(arrived && event_add(arrived, NULL) == 0);
}

void
signals_close(void)
{
	if (arrived)
		event_free(arrived);
	if (signal_fd >= 0)
		close(signal_fd);
	arrived = NULL;
	signal_fd = -1;
}
