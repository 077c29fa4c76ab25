/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/options.c - by getopt_long(3). */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "daemon/paths.h"
#include "link/link.h"

enum {
	CONFIG = 'c',
	HELP = 'h',
	CHECK_CONFIG = 256,
	DESCRIBE,
	DB_COPY,
	DB_MIGRATE,
	DB_STATUS,
	MODULE_PATH,
	TEST,
	TEST_DISK,
	TEST_PLACE,
	TEST_SEED,
	VERSION
};

static const struct option known[] = {
	{ "config", required_argument, NULL, CONFIG },
	{ "check-config", no_argument, NULL, CHECK_CONFIG },
	{ "db-copy", required_argument, NULL, DB_COPY },
	{ "db-migrate", no_argument, NULL, DB_MIGRATE },
	{ "db-status", no_argument, NULL, DB_STATUS },
	{ "describe", no_argument, NULL, DESCRIBE },
	{ "module-path", required_argument, NULL, MODULE_PATH },
	{ "test", no_argument, NULL, TEST },
	{ "test-disk", required_argument, NULL, TEST_DISK },
	{ "test-place", required_argument, NULL, TEST_PLACE },
	{ "test-seed", required_argument, NULL, TEST_SEED },
	{ "version", no_argument, NULL, VERSION },
	{ "help", no_argument, NULL, HELP },
	{ 0 },
};

void
options_help(void)
{
	puts("Usage: hermod [OPTION...]\n"
	     "\n"
	     "Runs the XMPP server in the foreground; SIGTERM ends it, SIGHUP reloads the\n"
	     "configuration. hermodctl(1) talks to it.\n"
	     "\n"
	     "  --config FILE      the configuration (" HERMOD_CONFIG_FILE ")\n"
	     "  --check-config     tell all mistakes of the configuration, and end\n"
	     "  --db-status        tell what is in the database, while no server runs\n"
	     "  --db-migrate       bring its tables up to date\n"
	     "  --db-copy FILE     copy all of it into the empty database of the configuration FILE\n"
	     "  --describe         print what server and modules declare, as JSON\n"
	     "  --module-path DIR  where the modules are (" HERMOD_MODULE_DIR ")\n"
	     "  --test             commands for tests on the control socket\n"
	     "  --test-disk FILE   what was not synchronised is lost with the process; FILE tells what was\n"
	     "  --test-place JID=N worker N is the home of this account\n"
	     "  --test-seed N      shuffle the order of hooks inside a phase\n"
	     "  --version          the version\n"
	     "  --help             this text");
}

static bool
read_seed(const char *text, uint64_t *seed)
{
	char *rest;

	errno = 0;
	*seed = strtoull(text, &rest, 10);
	return errno == 0 && *text >= '0' && *text <= '9' && *rest == '\0';
}

/* Before the workers know which there are: a number too high is taken modulo theirs. */
static bool
place(const char *text)
{
	const char *number = strrchr(text, '=');
	char *address;

	if (!number || number == text || number[1] < '0' || number[1] > '9') {
		fprintf(stderr, "hermod: \"%s\" is not a place\n", text);
		return false;
	}
	address = mem_strndup(text, (size_t)(number - text));
	link_place(address, (unsigned)strtoul(number + 1, NULL, 10));
	mem_free(address);
	return true;
}

static bool
take(struct options *options, int option)
{
	switch (option) {
	case CONFIG:
		options->config = optarg;
		return true;
	case MODULE_PATH:
		options->module_path = optarg;
		return true;
	case TEST:
		options->test = true;
		return true;
	case TEST_DISK:
		options->test_disk = optarg;
		return true;
	case TEST_PLACE:
		return place(optarg);
	case TEST_SEED:
		if (read_seed(optarg, &options->test_seed))
			return true;
		fprintf(stderr, "hermod: \"%s\" is not a seed\n", optarg);
		return false;
	case CHECK_CONFIG:
		options->action = ACTION_CHECK_CONFIG;
		return true;
	case DB_COPY:
		options->action = ACTION_DB_COPY;
		options->copy_to = optarg;
		return true;
	case DB_MIGRATE:
		options->action = ACTION_DB_MIGRATE;
		return true;
	case DB_STATUS:
		options->action = ACTION_DB_STATUS;
		return true;
	case DESCRIBE:
		options->action = ACTION_DESCRIBE;
		return true;
	case VERSION:
		options->action = ACTION_VERSION;
		return true;
	case HELP:
		options->action = ACTION_HELP;
		return true;
	default:
		return false;
	}
}

void
options_read(struct options *options, int argc, char **argv)
{
	int option;

	*options = (struct options){ .action = ACTION_RUN,
		                     .config = HERMOD_CONFIG_FILE,
		                     .module_path = HERMOD_MODULE_DIR,
		                     .started_us = clock_mono_us() };
	while ((option = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
		if (!take(options, option)) {
			options->action = ACTION_NONE;
			return;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "hermod: what is \"%s\"? There are only options, see --help\n",
		        argv[optind]);
		options->action = ACTION_NONE;
	}
}
