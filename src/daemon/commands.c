/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/commands.c - they run where they are asked for, which is the control socket's worker 0. */
#include "daemon/commands.h"

#include <stdio.h>

#include "base/mem.h"
#include "core/command.h"
#include "daemon/reload.h"
#include "daemon/server.h"

static struct server *server;

/* Rows for the mistakes, then the end; true: there are some. */
static bool
refuse_mistakes(struct hm_cmd *cmd, const struct conf_report *report, const char *consequence)
{
	char text[256];
	size_t n = report->n + report->more;

	if (n == 0)
		return false;
	for (size_t i = 0; i < report->n; i++)
		hm_cmd_row(cmd, hm_kv("mistake", report->mistakes[i].text));
	snprintf(text, sizeof(text), "The configuration has %zu mistake%s%s.", n, n == 1 ? "" : "s",
	         consequence);
	hm_cmd_fail(cmd, HM_E_INVALID, text);
	return true;
}

static void
reload_done(void *ctx, const struct conf_report *report, const struct changes *changes)
{
	struct hm_cmd *cmd = ctx;
	bool restart = false;

	if (!refuse_mistakes(cmd, report, "; nothing was changed")) {
		for (size_t i = 0; i < changes->n; i++) {
			const struct change *change = &changes->v[i];

			hm_cmd_row(cmd, hm_kv("change", change->what),
			           hm_kv("effect", change->restart ? "after a restart" : "now"));
			restart = restart || change->restart;
		}
		command_done_text(cmd,
		                  restart ? "Reloaded; some changes need a restart." : "Reloaded.");
	}
	command_drop(cmd);
}

static void
reload(struct hm_mod *m, struct hm_cmd *cmd)
{
	command_hold(cmd);
	reload_begin(server, reload_done, cmd);
}

static void
config_check(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct conf_report *report = mem_new(struct conf_report);
	struct settings *s = settings_load(server->options->config, true, report);
	struct conf_snapshot *snapshot = s ? s->snapshot : NULL;
	struct tls_context *tls = s ? settings_tls(s, report) : NULL;

	if (!refuse_mistakes(cmd, report, ""))
		command_done_text(cmd, "The configuration is fine.");
	if (tls)
		tls_context_unref(&tls);
	if (snapshot)
		conf_snapshot_unref(&snapshot);
	mem_free(report);
}

static void
config_show(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct buf text = { 0 };

	settings_write(server->settings, hm_cmd_text(cmd, 0), &text);
	if (text.data)
		command_raw(cmd, text.data);
	buf_free(&text);
	hm_cmd_done(cmd);
}

const struct hm_command daemon_commands[] = {
	{ .name = "reload",
	  .help = "Read the configuration again and apply what can change while the server runs.",
	  .run = reload },
	{ .name = "config check",
	  .help = "Tell all mistakes of the configuration file as it is now.",
	  .run = config_check },
	{ .name = "config show",
	  .help = "Print the configuration in force, with all defaults; secrets are hidden.",
	  .args = { { "host", HM_ARG_HOST, true } },
	  .run = config_show },
};
const size_t daemon_commands_n = HM_COUNT(daemon_commands);

void
commands_install(struct server *running)
{
	server = running;
	command_add_table(daemon_commands, daemon_commands_n);
}
