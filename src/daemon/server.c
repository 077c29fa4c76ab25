/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/server.c - the start, in the one order in which it can be done.  Until workers_run() there is
 * one thread (but for the store's and the pool's own); from then on this is worker 0.
 */
#include "daemon/server.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/command.h"
#include "core/core.h"
#include "core/secret.h"
#include "daemon/certificates.h"
#include "daemon/commands.h"
#include "daemon/control.h"
#include "daemon/database.h"
#include "daemon/notify.h"
#include "daemon/round.h"
#include "daemon/signals.h"
#include "daemon/system.h"
#include "loop/crash.h"
#include "loop/offload.h"
#include "loop/worker.h"
#include "net/conn.h"
#include "net/dns.h"
#include "store/fault_disk.h"
#include "store/lock.h"
#include "store/store.h"
#include "stream/s2s.h"
#include "stream/stream.h"

#define WATCHDOG_MS 2000
#define OFFLOAD_QUEUE 10000 /* sums that wait; beyond it logins are told to try later */

static struct server server;

/* --- Before the workers run ---------------------------------------------------------- */

/* Made before the user is changed, opened again after it. */
static bool
lock_data(const struct system_user *user, struct hm_error *why)
{
	const char *directory = server.settings->top.data_directory;
	char *path = mem_printf("%s/" STORE_LOCK_FILE, directory);
	bool ok = store_lock_directory(directory, why) && system_give_file(path, user, why);

	mem_free(path);
	return ok;
}

/* Log, directories, limits: what a server needs of its machine. */
static bool
prepare_process(struct system_user *user, struct hm_error *why)
{
	const struct settings *s = server.settings;

	if (!system_find_user(s->top.user, user, why) ||
	    !log_open(s->log.file, (enum log_format)s->log.format, why))
		return false;
	log_set_level((enum hm_level)s->log.level);
	crash_install();
	system_raise_limits();
	return system_own_log(user, why) &&
	       system_make_directory(s->top.data_directory, 0700, user, why) &&
	       system_make_directory(s->top.run_directory, 0750, user, why) && lock_data(user, why);
}

/* What may need root's rights; afterwards they are given up. */
static bool
bind_sockets(const struct system_user *user, struct hm_error *why)
{
	const struct settings *s = server.settings;
	const struct stream_tls tls = { server.tls.clients, server.tls.clients };
	struct listeners_change change;

	if (!workers_init((unsigned)s->top.workers, why))
		return false;
	net_init();
	if (!offload_init(0, OFFLOAD_QUEUE))
		return error_errno(why, "the threads for long sums cannot be started");
	if (!stream_init(&s->c2s, s->c2s_hosts, s->n_c2s_hosts, &tls, why) ||
	    !listeners_prepare(NULL, s, &change, why))
		return false;
	s2s_init(&s->s2s, server.tls.servers);
	server.listeners = listeners_commit(NULL, &change);
	return control_bind(s->top.run_directory, user, why) && system_become(user, why);
}

static bool
open_store(struct hm_error *why)
{
	const struct settings *s = server.settings;
	struct store_config config;
	const char *disk = server.options->test ? server.options->test_disk : NULL;

	settings_store(s, &config);
	config.workers = workers_count();
	return (!disk || fault_disk_install(disk, why)) && store_open(&config, why) &&
	       database_install(s, why) && store_start(why);
}

static bool
start(struct hm_error *why)
{
	struct system_user user;
	struct dns_config dns;

	if (!prepare_process(&user, why) || !bind_sockets(&user, why) || !open_store(why))
		return false;
	commands_install(&server);
	if (server.options->test)
		command_add_table(test_commands, test_commands_n);
	command_set_receiver(control_receive);
	link_set_receivers(core_receive, stream_receive);
	core_set_limits(&server.settings->limits);
	settings_dns(server.settings, &dns);
	dns_configure(&dns);
	if (server.settings->federates)
		core_federate();
	hosts_set_seed(server.options->test_seed);
	server.hosts = hosts_new(server.settings, why);
	workers_watchdog(WATCHDOG_MS);
	return server.hosts;
}

/* --- On the workers ------------------------------------------------------------------- */

static void
worker_started(void *ctx)
{
	core_start_here();
	stream_start_here();
}

/* The control socket opens last: whoever can connect to it finds the server ready. */
static void
ready(void *ctx)
{
	if (server.stopping)
		return;
	server.ready = true;
	control_open();
	log_line(NULL, HM_INFO, "ready", hm_kv("version", hm_version()),
	         hm_kv("workers", workers_count()), hm_kv("hosts", hosts_count()),
	         hm_kv("start_ms", (clock_mono_us() - server.options->started_us) / 1000));
	notify_send("READY=1");
}

/* Clients of sessions that are back may come. */
static void
restored(void)
{
	if (server.stopping)
		return;
	listeners_start(server.listeners);
	round_run(NULL, ready, NULL);
}

static void
secret_read(bool ok)
{
	if (!ok) {
		log_line(NULL, HM_ERROR, "the installation's secret could not be read");
		server.status = 1;
		workers_stop();
		return;
	}
	s2s_set_secret(secret_bytes(), SCRAM_SECRET_LEN);
	if (!server.stopping)
		core_restore(restored);
}

static void
all_started(void *ctx)
{
	signals_open(&server);
	certificates_watch(&server);
	secret_load(secret_read);
}

/* --- The whole life ----------------------------------------------------------------------- */

static void
end(void)
{
	struct conf_snapshot *now = server.settings->snapshot, *first = server.started->snapshot;

	offload_stop();
	store_close();
	signals_close();
	control_free();
	stream_free();
	dns_free();
	workers_free();
	hosts_free(&server.hosts);
	settings_tls_free(&server.tls);
	if (now != first)
		conf_snapshot_unref(&now);
	conf_snapshot_unref(&first);
	store_unlock_directory();
}

int
server_run(const struct options *options, struct settings *take,
           const struct settings_tls *take_tls)
{
	struct hm_error why = { 0 };

	server.options = options;
	server.settings = take;
	server.started = take;
	server.tls = *take_tls;
	if (!start(&why)) {
		log_line(NULL, HM_ERROR, "the server does not start", hm_kv("error", why.text));
		if (take->log.file)
			fprintf(stderr, "hermod: %s\n", why.text);
		control_free();
		return 1;
	}
	round_run(worker_started, all_started, NULL);
	workers_run();
	end();
	log_line(NULL, HM_INFO, "stopped");
	return server.status;
}
