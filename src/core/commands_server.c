/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/commands_server.c - what tells about the running server: status, sessions, modules,
 * workers, metrics, log levels, live stanzas.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/command.h"
#include "core/core.h"
#include "core/custody.h"
#include "core/here.h"
#include "core/metrics.h"
#include "core/sm.h"
#include "core/trace.h"
#include "core/user.h"
#include "loop/worker.h"
#include "store/store.h"

static int64_t started_us;

int64_t
hm_uptime_s(void)
{
	return (clock_mono_us() - started_us) / 1000000;
}

__attribute__((constructor)) static void
note_start(void)
{
	started_us = clock_mono_us();
}

/* --- status --------------------------------------------------------------------------------------- */

static int64_t
resident_bytes(void)
{
	long pages = 0, ignored;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%ld %ld", &ignored, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static void
status(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct store_view view;

	store_view(&view);
	hm_cmd_row(cmd, hm_kv("version", hm_version()), hm_kv("uptime_s", hm_uptime_s()),
	           hm_kv("workers", workers_count()), hm_kv("hosts", hosts_count()),
	           hm_kv("sessions", metric_value(core_metric(CM_SESSIONS))),
	           hm_kv("accounts_in_memory", metric_value(core_metric(CM_ENTITIES))),
	           hm_kv("memory_bytes", resident_bytes()), hm_kv("commits", view.commits),
	           hm_kv("writes_waiting", view.queued_groups),
	           hm_kv("last_commit_us", view.last_commit_us),
	           hm_kv("errors", log_count(HM_ERROR)), hm_kv("warnings", log_count(HM_WARN)));
	hm_cmd_done(cmd);
}

static void
module_list(struct hm_mod *m, struct hm_cmd *cmd)
{
	for (size_t h = 0; h < hosts_count(); h++) {
		const struct host *host = host_at(h);

		if (cmd->host && cmd->host != host)
			continue;
		for (size_t i = 0; i < host->n_modules; i++)
			hm_cmd_row(cmd, hm_kv("host", host->domain),
			           hm_kv("module", host->modules[i].module->name),
			           hm_kv("summary", host->modules[i].module->decl->summary));
	}
	hm_cmd_done(cmd);
}

static void
show_workers(struct hm_mod *m, struct hm_cmd *cmd)
{
	for (unsigned i = 0; i < workers_count(); i++) {
		struct worker_view v;

		worker_view(i, &v);
		hm_cmd_row(cmd, hm_kv("worker", i), hm_kv("cpu_ms", v.cpu_us / 1000),
		           hm_kv("turns", v.turns), hm_kv("mails", v.mails),
		           hm_kv("module", v.module), hm_kv("event", v.event),
		           hm_kv("address", v.address), hm_kv("busy_ms", v.busy_ms));
	}
	hm_cmd_done(cmd);
}

static void
holds_here(struct hm_cmd *cmd)
{
	struct custody_view v;

	custody_view(&v);
	if (v.held == 0 && here->n_holds == 0)
		return;
	hm_cmd_row(cmd, hm_kv("worker", here->worker), hm_kv("held", v.held),
	           hm_kv("changes", here->n_holds),
	           hm_kv("oldest_ms", v.account ? (clock_mono_us() - v.oldest_us) / 1000 : 0),
	           hm_kv("jid", v.account));
}

static void
show_holds(struct hm_mod *m, struct hm_cmd *cmd)
{
	command_everywhere(cmd, holds_here, hm_cmd_done);
}

static void
show_lanes(struct hm_mod *m, struct hm_cmd *cmd)
{
	for (unsigned i = 0; i < workers_count(); i++) {
		struct store_lane_view v;

		store_lane_view(i, &v);
		hm_cmd_row(cmd, hm_kv("worker", i), hm_kv("connected", v.connected ? "yes" : "no"),
		           hm_kv("waiting", v.queued_groups),
		           hm_kv("waiting_bytes", v.queued_bytes), hm_kv("oldest_ms", v.oldest_ms),
		           hm_kv("last_ms", v.last_ms), hm_kv("longest_ms", v.longest_ms),
		           hm_kv("groups", v.groups), hm_kv("failed", v.failed),
		           hm_kv("reads", v.reads));
	}
	hm_cmd_done(cmd);
}

static void
metrics(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct buf out = { 0 };

	metrics_write(&out);
	command_raw(cmd, out.data);
	buf_free(&out);
	hm_cmd_done(cmd);
}

/* --- sessions ----------------------------------------------------------------------------------------- */

/* XEP-0198 */
static const char *
sm_state(const struct hm_session *s)
{
	if (!s->sm)
		return "off";
	if (!s->sm->max_ms)
		return "acks";
	return s->sm->hibernates ? "hibernates" : "resumable";
}

static void
session_row(struct hm_cmd *cmd, const struct hm_session *s)
{
	char stamp[CLOCK_STAMP_MAX], asleep[CLOCK_STAMP_MAX];
	bool hibernates = s->sm && s->sm->hibernates;

	if ((cmd->host && s->user->entity.host != cmd->host) || !s->jid)
		return;
	hm_cmd_row(cmd, hm_kv("jid", s->jid), hm_kv("address", s->source), hm_kv("tls", s->tls),
	           hm_kv("mechanism", s->mechanism), hm_kv("available", s->presence != NULL),
	           hm_kv("inactive", s->inactive), hm_kv("priority", s->priority),
	           hm_kv("since", clock_stamp(s->since_us, 0, stamp)),
	           hm_kv("worker", here->worker), hm_kv("conn", s->conn_text),
	           hm_kv("sm", sm_state(s)), hm_kv("unacknowledged", s->sm ? s->sm->queue.n : 0u),
	           hm_kv("hibernates_since",
	                 hibernates ? clock_stamp(s->sm->since_us, 0, asleep) : NULL));
}

static void
list_here(struct hm_cmd *cmd)
{
	size_t pos = 0;
	const char *id;
	void *value;

	while (table_next(&here->sessions, &pos, &id, &value)) {
		const struct hm_session *s = value;

		/* A session that was resumed is there under two. */
		if (memcmp(id, &s->id, sizeof(s->id)) == 0)
			session_row(cmd, s);
	}
}

static void
session_list(struct hm_mod *m, struct hm_cmd *cmd)
{
	command_everywhere(cmd, list_here, hm_cmd_done);
}

static void
session_kick(struct hm_mod *m, struct hm_cmd *cmd)
{
	const char *resource = hm_cmd_text(cmd, 1);
	int64_t n = 0;

	list_for_each(l, next, &cmd->user->sessions)
	{
		struct hm_session *s = list_entry(l, struct hm_session, link);

		if (resource && strcmp(resource, s->resource) != 0)
			continue;
		session_close(s, STREAM_POLICY_VIOLATION, "An administrator ended this session.",
		              HM_CLOSED_BY_SERVER);
		n++;
	}
	if (n == 0) {
		hm_cmd_fail(cmd, HM_E_NOT_FOUND, "There is no such session.");
		return;
	}
	hm_cmd_row(cmd, hm_kv("sessions", n));
	hm_cmd_done(cmd);
}

static void
trace(struct hm_mod *m, struct hm_cmd *cmd)
{
	trace_start(cmd);
}

/* --- log ------------------------------------------------------------------------------------------------ */

static void
log_level(struct hm_mod *m, struct hm_cmd *cmd)
{
	const char *subject = hm_cmd_text(cmd, 1);
	int64_t duration_ms = hm_cmd_int(cmd, 2, 0);
	enum hm_level level;

	if (!log_level_by_name(hm_cmd_text(cmd, 0), &level)) {
		hm_cmd_fail(cmd, HM_E_INVALID, "A level is debug, info, warn or error.");
		return;
	}
	if (!log_set_subject_level(subject, level,
	                           duration_ms ? clock_mono_ms() + duration_ms : 0)) {
		hm_cmd_fail(cmd, HM_E_LIMIT, "Too many levels are set.");
		return;
	}
	hm_cmd_done(cmd);
}

const struct hm_command server_commands[] = {
	{ .name = "status", .help = "Tell how the server is.", .run = status, .record = true },
	{ .name = "module list",
	  .help = "List the modules of the hosts.",
	  .args = { { "host", HM_ARG_HOST, true } },
	  .run = module_list },
	{ .name = "show holds",
	  .help = "Show the workers that hold stanzas of clients, or changes, which are not on disk yet: how many, for how long the oldest, and whose it is.",
	  .run = show_holds },
	{ .name = "show lanes",
	  .help = "Show what each worker's way to the database is doing.",
	  .run = show_lanes },
	{ .name = "show workers", .help = "Show what each worker is doing.", .run = show_workers },
	{ .name = "metrics", .help = "Print all metrics as OpenMetrics text.", .run = metrics },
	{ .name = "session list",
	  .help = "List the sessions that are online.",
	  .args = { { "host", HM_ARG_HOST, true } },
	  .run = session_list },
	{ .name = "session kick",
	  .help = "End the sessions of an account, or one of them.",
	  .args = { { "jid", HM_ARG_ACCOUNT }, { "resource", HM_ARG_TEXT, true } },
	  .run = session_kick },
	{ .name = "trace",
	  .help = "Show the stanzas of an account as they come and go.",
	  .args = { { "jid", HM_ARG_ACCOUNT } },
	  .run = trace,
	  .streams = true },
	{ .name = "log level",
	  .help = "Set what is logged: of everything, or of one subject, for good or for a time.",
	  .args = { { "level", HM_ARG_TEXT },
	            { "subject", HM_ARG_TEXT, true },
	            { "for", HM_ARG_DURATION, true } },
	  .run = log_level },
};
const size_t server_commands_n = HM_COUNT(server_commands);
