/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/main.c - hermod(8): what the command line asks for.
 */
#include <stdio.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/module.h"
#include "daemon/database.h"
#include "daemon/describe.h"
#include "daemon/options.h"
#include "daemon/server.h"
#include "daemon/settings.h"
#include "daemon/signals.h"

enum { EXIT_FINE, EXIT_FAILED, EXIT_USAGE };

static void
print_mistakes(const struct conf_report *report)
{
	struct buf text = { 0 };

	conf_report_write(report, &text);
	fputs(text.data ? text.data : "", stderr);
	buf_free(&text);
}

/* The configuration and its certificates; NULL: all mistakes have been printed. */
static struct settings *
load(const struct options *options, struct settings_tls *tls)
{
	static struct conf_report report; /* about 26 KiB */
	struct settings *s = settings_load(options->config, false, &report);

	*tls = (struct settings_tls){ 0 };
	if (s && s->n_hosts > 0)
		*tls = settings_tls(s, &report);
	if (conf_report_clean(&report))
		return s;
	print_mistakes(&report);
	settings_tls_free(tls);
	if (s) {
		struct conf_snapshot *snapshot = s->snapshot;

		conf_snapshot_unref(&snapshot);
	}
	return NULL;
}

static int
check_config(const struct options *options)
{
	struct settings_tls tls;
	struct settings *s = load(options, &tls);
	struct conf_snapshot *snapshot = s ? s->snapshot : NULL;
	struct conf_report *report;
	bool fine;

	if (!s)
		return EXIT_FAILED;
	report = mem_new(struct conf_report);
	settings_try_hosts(s, report);
	fine = conf_report_clean(report);
	if (fine)
		puts("configuration is fine");
	else
		print_mistakes(report);
	mem_free(report);
	settings_tls_free(&tls);
	conf_snapshot_unref(&snapshot);
	return fine ? EXIT_FINE : EXIT_FAILED;
}

/* A whole configuration, without what only a running server needs. */
static struct settings *
load_settings(const char *path)
{
	struct conf_report *report = mem_new(struct conf_report);
	struct settings *s = settings_load(path, false, report);
	struct conf_snapshot *snapshot = s ? s->snapshot : NULL;

	if (!conf_report_clean(report)) {
		print_mistakes(report);
		conf_snapshot_unref(&snapshot);
		s = NULL;
	}
	mem_free(report);
	return s;
}

static void
unload_settings(struct settings *s)
{
	struct conf_snapshot *snapshot = s ? s->snapshot : NULL;

	conf_snapshot_unref(&snapshot);
}

static int
database(const struct options *options)
{
	struct settings *s = load_settings(options->config), *to = NULL;
	struct hm_error why = { 0 };
	bool ok = false;

	if (s && options->copy_to)
		to = load_settings(options->copy_to);
	log_set_level(HM_WARN);
	if (s && options->action == ACTION_DB_STATUS)
		ok = database_status(s, &why);
	else if (s && options->action == ACTION_DB_MIGRATE)
		ok = database_migrate(s, &why);
	else if (s && to)
		ok = database_copy(s, to, &why);
	if (!ok && why.text[0])
		fprintf(stderr, "hermod: %s\n", why.text);
	unload_settings(to);
	unload_settings(s);
	return ok ? EXIT_FINE : EXIT_FAILED;
}

static int
run(const struct options *options)
{
	struct settings_tls tls;
	struct settings *s;

	signals_block();
	s = load(options, &tls);
	return s ? server_run(options, s, &tls) : EXIT_FAILED;
}

static int
act(const struct options *options)
{
	switch (options->action) {
	case ACTION_VERSION:
		printf("hermod %s\n", hm_version());
		return EXIT_FINE;
	case ACTION_HELP:
		options_help();
		return EXIT_FINE;
	case ACTION_DESCRIBE:
		return describe_print() ? EXIT_FINE : EXIT_FAILED;
	case ACTION_CHECK_CONFIG:
		return check_config(options);
	case ACTION_DB_STATUS:
	case ACTION_DB_MIGRATE:
	case ACTION_DB_COPY:
		return database(options);
	case ACTION_RUN:
		return run(options);
	case ACTION_NONE:
		break;
	}
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	struct options options;
	int status;

	options_read(&options, argc, argv);
	modules_set_path(options.module_path);
	status = act(&options);
	modules_free();
	if (fflush(stdout) != 0 && status == EXIT_FINE)
		status = EXIT_FAILED;
	return status;
}
