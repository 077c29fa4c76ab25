/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/commands.c - they run where they are asked for, which is the control socket's worker 0. */
#include "daemon/commands.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "core/command.h"
#include "daemon/reload.h"
#include "daemon/server.h"
#include "loop/worker.h"
#include "net/resolver.h"
#include "xmpp/jid.h"

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
	struct settings_tls tls = s ? settings_tls(s, report) : (struct settings_tls){ 0 };

	if (!refuse_mistakes(cmd, report, ""))
		command_done_text(cmd, "The configuration is fine.");
	settings_tls_free(&tls);
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

/* --- resolve --------------------------------------------------------------------------- */

static void
target_row(struct hm_cmd *cmd, const struct target *t, size_t number)
{
	static const char *const sources[] = { [TARGET_SRV] = "srv",
		                               [TARGET_DOMAIN] = "domain",
		                               [TARGET_LITERAL] = "literal",
		                               [TARGET_FIXED] = "fixed" };
	char text[TARGET_ADDRESS_TEXT_MAX];
	struct buf addresses = { 0 };

	for (size_t i = 0; i < t->n_addresses; i++)
		buf_printf(&addresses, "%s%s", i > 0 ? " " : "",
		           target_address_text(&t->address[i], text));
	hm_cmd_row(cmd, hm_kv("order", number), hm_kv("host", t->host), hm_kv("port", (int)t->port),
	           hm_kv("tls", t->direct_tls ? "direct" : "starttls"),
	           hm_kv("priority", (int)t->priority), hm_kv("weight", (int)t->weight),
	           hm_kv("from", sources[t->source]), hm_kv("dnssec", t->secure ? "yes" : "no"),
	           hm_kv("tlsa", t->n_tlsa), hm_kv("addresses", addresses.data),
	           hm_kv("trouble", t->trouble));
	buf_free(&addresses);
}

struct resolving {
	struct list link;
	struct hm_cmd *cmd;
	struct lookup *lookup;
};
static struct list all_resolving = { &all_resolving, &all_resolving };

static void
resolving_free(struct resolving **r)
{
	list_remove(&(*r)->link);
	resolver_cancel(&(*r)->lookup);
	command_drop((*r)->cmd);
	mem_free(*r);
	*r = NULL;
}

static void
resolved(void *ctx, struct targets *take)
{
	struct resolving *r = ctx;

	r->lookup = NULL;
	for (size_t i = 0; i < take->n; i++)
		target_row(r->cmd, &take->v[i], i + 1);
	if (take->found == TARGETS_FOUND)
		hm_cmd_done(r->cmd);
	else
		hm_cmd_fail(r->cmd,
		            take->found == TARGETS_BAD_DOMAIN ? HM_E_INVALID : HM_E_NOT_FOUND,
		            take->text);
	targets_free(&take);
	resolving_free(&r);
}

static void
resolve(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct arena *arena = worker_scratch();
	const char *domain = jid_prepare_domain(hm_cmd_text(cmd, 0), arena);
	const char *ascii = domain ? jid_domain_ascii(domain, arena) : NULL;
	const struct resolver_request request = { .domain = ascii ? ascii : domain,
		                                  .timeout_ms =
		                                          server->settings->resolver.timeout };
	struct resolving *r;

	if (!domain || server->stopping) {
		hm_cmd_fail(cmd, HM_E_INVALID, domain ? "The server stops." : "That is no domain.");
		return;
	}
	r = mem_new(struct resolving);
	list_push_back(&all_resolving, &r->link);
	command_hold(cmd);
	r->cmd = cmd;
	r->lookup = resolver_find(&request, resolved, r);
}

void
commands_stop(void)
{
	list_for_each(l, next, &all_resolving)
	{
		struct resolving *r = list_entry(l, struct resolving, link);

		hm_cmd_fail(r->cmd, HM_E_SYSTEM, "The server stops.");
		resolving_free(&r);
	}
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
	{ .name = "resolve",
	  .help = "Look up where the server of a domain is, as for a connection to it: the targets in the order in which they would be tried.",
	  .args = { { "domain", HM_ARG_TEXT } },
	  .run = resolve,
	  .hidden = true },
};
const size_t daemon_commands_n = HM_COUNT(daemon_commands);

void
commands_install(struct server *running)
{
	server = running;
	command_add_table(daemon_commands, daemon_commands_n);
}
