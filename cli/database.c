/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
#include "database.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

static const struct {
	const char *word, *option;
	size_t words;
} commands[] = {
	{ "status", "--db-status", 2 },
	{ "migrate", "--db-migrate", 2 },
	{ "copy", "--db-copy", 3 },
};

/* Tests have a server that is not installed. */
static const char *
server(void)
{
	const char *path = getenv("HERMOD_SERVER");

	return path && *path ? path : HERMOD_SERVER;
}

void
database_run(const struct options *options, struct hm_error *why)
{
	const char *argv[4 + 2 * OPTIONS_NAMED_MAX] = { "hermod" };
	size_t n = 1;

	for (size_t i = 0; i < HM_COUNT(commands) && options->n_words > 1; i++) {
		if (strcmp(options->words[1], commands[i].word) == 0 &&
		    options->n_words == commands[i].words)
			argv[n++] = commands[i].option;
	}
	if (n == 1) {
		error_set(why, HM_E_INVALID,
		          "There are: db status, db migrate, and db copy FILE, where FILE is a"
		          " configuration with the new database.");
		return;
	}
	if (options->n_words == 3)
		argv[n++] = options->words[2];
	/* "--config FILE" and what else hermod(8) knows. */
	for (size_t i = 0; i < options->n_named; i++) {
		argv[n++] = mem_printf("--%s", options->named[i].name);
		argv[n++] = options->named[i].value;
	}
	argv[n] = NULL;
	execv(server(), (char *const *)(uintptr_t)argv);
	error_errno(why, "%s cannot be started", server());
}
