/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/stop.c - the orderly end.  Ports close, every client hears system-shutdown, and a token goes round
 * the workers until a few rounds in a row have found no stream, no request at the store and so no work: at most
 * shutdown_timeout long, then what is left is cut off.  What was given to the store is written in any case.
 */
#include "base/clock.h"
#include "base/log.h"
#include "core/core.h"
#include "daemon/commands.h"
#include "daemon/control.h"
#include "daemon/notify.h"
#include "daemon/round.h"
#include "daemon/server.h"
#include "loop/timer.h"
#include "loop/worker.h"
#include "store/store.h"
#include "stream/stream.h"

#define QUIET_ROUNDS 3
#define PAUSE_MS 50
#define SAVE_MS 60000
#define CUT_MS 2000 /* for what follows from cutting connections off */

static struct {
	struct timer pause;
	int64_t deadline_ms;
	unsigned quiet; /* rounds */
	bool cut, saved;
} stopping;

static void look(void *ctx);

static void
look_again(struct timer *t)
{
	round_run(NULL, look, NULL);
}

static void
cut_here(void *ctx)
{
	stream_end_here();
}

static void
cut(void)
{
	stopping.cut = true;
	stopping.deadline_ms = clock_mono_ms() + CUT_MS;
	if (stream_count() > 0)
		log_line(NULL, HM_WARN, "streams are cut off", hm_kv("streams", stream_count()));
	round_run(cut_here, look, NULL);
}

static void
save_here(void *ctx)
{
	core_save_here();
}

/* What the next process goes on with; it takes the time that it needs. */
static void
save(void)
{
	stopping.saved = true;
	stopping.quiet = 0;
	stopping.deadline_ms = clock_mono_ms() + SAVE_MS;
	round_run(save_here, look, NULL);
}

static void
look(void *ctx)
{
	bool quiet = stream_count() == 0 && store_idle() && control_idle() && !core_saving();

	stopping.quiet = quiet ? stopping.quiet + 1 : 0;
	if (stopping.quiet >= QUIET_ROUNDS && !stopping.saved)
		save();
	else if (stopping.quiet >= QUIET_ROUNDS)
		workers_stop();
	else if (quiet)
		round_run(NULL, look, NULL);
	else if (clock_mono_ms() < stopping.deadline_ms)
		timer_start(&stopping.pause, PAUSE_MS, look_again);
	else if (!stopping.cut)
		cut();
	else
		workers_stop();
}

static void
stop_here(void *ctx)
{
	core_stop_here();
	stream_stop_here();
}

void
server_stop(struct server *server)
{
	if (server->stopping) {
		log_line(NULL, HM_INFO, "stopping at once");
		timer_stop(&stopping.pause);
		if (stopping.cut)
			workers_stop();
		else
			cut();
		return;
	}
	server->stopping = true;
	log_line(NULL, HM_INFO, "stopping", hm_kv("streams", stream_count()));
	notify_send("STOPPING=1");
	stopping.deadline_ms = clock_mono_ms() + server->settings->top.shutdown_timeout;
	control_close();
	commands_stop();
	listeners_stop(&server->listeners);
	round_run(stop_here, look, NULL);
}
