/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/options.h - the command line of hermod(8). */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum options_action {
	ACTION_RUN,
	ACTION_CHECK_CONFIG,
	ACTION_DESCRIBE,
	ACTION_DB_STATUS,
	ACTION_DB_MIGRATE,
	ACTION_DB_COPY,
	ACTION_VERSION,
	ACTION_HELP,
	ACTION_NONE /* a mistake, which has been told */
};

struct options {
	enum options_action action;
	const char *config;
	const char *module_path;
	const char *copy_to;   /* another configuration */
	bool test;             /* commands for tests */
	uint64_t test_seed;    /* order of hooks inside a phase */
	const char *test_disk; /* NULL: the usual one; looked at with test only */
	int64_t started_us;    /* on the monotonic clock */
};

void options_read(struct options *options, int argc, char **argv);
void options_help(void);

#endif
