/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/reload.c - first everything that can fail, with nothing changed yet: reading, checking,
 * certificates, ports, new hosts, the log's file.  Then all is exchanged, and when every worker has had a turn since, nobody
 * looks at the old configuration any more and it goes.
 */
#include "daemon/reload.h"

#include "base/log.h"
#include "base/mem.h"
#include "daemon/certificates.h"
#include "daemon/notify.h"
#include "daemon/round.h"
#include "daemon/server.h"
#include "stream/stream.h"

struct reload {
	struct server *server;
	struct settings *next;
	struct settings_tls tls;
	struct listeners_change ports;
	struct changes changes;
	struct conf_report report;
	struct settings *old;
	reload_done_fn *done;
	void *ctx;
};

static void
finish(struct reload *r)
{
	if (r->done)
		r->done(r->ctx, &r->report, &r->changes);
	r->server->reloading = false;
	changes_free(&r->changes);
	mem_free(r);
}

/* --- Nothing has changed yet ------------------------------------------------------------ */

static void
fail(struct reload *r)
{
	struct conf_snapshot *snapshot = r->next ? r->next->snapshot : NULL;

	for (size_t i = 0; i < r->report.n; i++)
		log_line(NULL, HM_ERROR, "mistake in the configuration",
		         hm_kv("error", r->report.mistakes[i].text));
	log_line(NULL, HM_ERROR, "the configuration was not reloaded",
	         hm_kv("mistakes", r->report.n + r->report.more));
	settings_tls_free(&r->tls);
	if (snapshot)
		conf_snapshot_unref(&snapshot);
	changes_free(&r->changes);
	finish(r);
}

static void
compare(struct reload *r)
{
	const struct settings *started = r->server->started, *now = r->server->settings;
	const struct settings *next = r->next;
	struct changes *c = &r->changes;

	changes_compare(c, "", &settings_top_schema, &started->top, &now->top, &next->top);
	changes_compare(c, "log.", &settings_log_schema, &started->log, &now->log, &next->log);
	changes_compare(c, "storage.", &settings_storage_schema, &started->storage, &now->storage,
	                &next->storage);
	changes_compare(c, "resolver.", &settings_resolver_schema, &started->resolver,
	                &now->resolver, &next->resolver);
	changes_compare(c, "limits.", settings_limits_schema(), &started->limits, &now->limits,
	                &next->limits);
	changes_compare(c, "c2s.", &stream_schema, &started->c2s, &now->c2s, &next->c2s);
	changes_compare(c, "s2s.", &s2s_schema, &started->s2s.settings, &now->s2s.settings,
	                &next->s2s.settings);
	if (started->federates != next->federates)
		changes_add(c, true, "s2s");
}

static bool
prepare(struct reload *r)
{
	struct server *server = r->server;
	struct hm_error why = { 0 };

	compare(r);
	if (!hosts_prepare(server->hosts, r->next, &r->changes, &why)) {
		conf_mistake(&r->report, NULL, "%s", why.text);
		return false;
	}
	if (!listeners_prepare(server->listeners, r->next, &r->ports, &why)) {
		hosts_discard(server->hosts);
		conf_mistake(&r->report, NULL, "%s", why.text);
		return false;
	}
	/* Also when it is the same file: it may have been moved away by a rotation. */
	if (!log_open(r->next->log.file, (enum log_format)r->next->log.format, &why)) {
		listeners_discard(server->listeners, &r->ports);
		hosts_discard(server->hosts);
		conf_mistake(&r->report, NULL, "%s", why.text);
		return false;
	}
	return true;
}

/* --- It is done -------------------------------------------------------------------------- */

static void
changed_here(void *ctx)
{
	struct reload *r = ctx;

	hosts_changed_here(r->server->hosts);
}

static void
settled(void *ctx)
{
	struct reload *r = ctx;
	struct conf_snapshot *old = r->old->snapshot;

	hosts_settled(r->server->hosts);
	if (r->old != r->server->started)
		conf_snapshot_unref(&old);
	for (size_t i = 0; i < r->changes.n; i++) {
		const struct change *change = &r->changes.v[i];

		if (change->restart)
			log_line(NULL, HM_WARN, "a change needs a restart",
			         hm_kv("key", change->what));
		else
			log_line(NULL, HM_INFO, "changed", hm_kv("key", change->what));
	}
	log_line(NULL, HM_INFO, "configuration reloaded", hm_kv("changes", r->changes.n));
	notify_send("READY=1");
	finish(r);
}

static void
commit(struct reload *r)
{
	struct server *server = r->server;
	struct listeners *gone = server->listeners;
	struct dns_config dns;

	r->old = server->settings;
	server->settings = r->next;
	if (r->ports.opened + r->ports.closed > 0)
		changes_add(&r->changes, false, "listen (%zu opened, %zu closed)", r->ports.opened,
		            r->ports.closed);
	log_set_level((enum hm_level)r->next->log.level);
	settings_dns(r->next, &dns);
	dns_configure(&dns);
	core_set_limits(&r->next->limits);
	certificates_use(server, &r->tls);
	hosts_commit(server->hosts, r->next);
	server->listeners = listeners_commit(gone, &r->ports);
	listeners_start(server->listeners);
	listeners_stop(&gone);
	round_run(changed_here, settled, r);
}

void
reload_begin(struct server *server, reload_done_fn *done, void *ctx)
{
	struct reload *r = mem_new(struct reload);
	bool busy = !server->ready || server->reloading || server->stopping;

	r->server = server;
	r->done = done;
	r->ctx = ctx;
	if (busy) {
		conf_mistake(&r->report, NULL, "%s",
		             server->stopping    ? "the server is stopping"
		             : server->reloading ? "another reload is under way"
		                                 : "the server is starting");
		log_line(NULL, HM_INFO, "no reload now",
		         hm_kv("error", r->report.mistakes[0].text));
		if (done)
			done(ctx, &r->report, &r->changes);
		mem_free(r);
		return;
	}
	server->reloading = true;
	notify_send("RELOADING=1");
	r->next = settings_load(server->options->config, true, &r->report);
	if (r->next && conf_report_clean(&r->report))
		r->tls = settings_tls(r->next, &r->report);
	if (!conf_report_clean(&r->report) || !prepare(r)) {
		notify_send("READY=1");
		fail(r);
		return;
	}
	commit(r);
}
