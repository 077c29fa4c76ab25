/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Options may stand anywhere before "--".  What is none of ours is an argument
 * of the command by its name, `--name value` or `--name=value`; whether the
 * command has it is found out later.
 */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define TIMEOUT_DEFAULT_MS 30000
#define TIMEOUT_MAX_S 86400

static bool
set_timeout(struct options *options, const char *value, struct hm_error *why)
{
	char *end;
	double seconds = strtod(value, &end);

	if (*end || end == value || !(seconds > 0 && seconds <= TIMEOUT_MAX_S))
		return error_set(why, HM_E_INVALID,
		                 "--timeout cannot be \"%s\"; expected a number of seconds", value);
	options->timeout_ms = (int64_t)(seconds * 1000 + 0.5);
	return true;
}

static bool
set_option(struct options *options, const char *name, const char *value, struct hm_error *why)
{
	if (strcmp(name, "socket") == 0) {
		options->socket = value;
		return true;
	}
	if (strcmp(name, "timeout") == 0)
		return set_timeout(options, value, why);
	if (options->n_named == OPTIONS_NAMED_MAX)
		return error_set(why, HM_E_LIMIT, "too many options");
	options->named[options->n_named++] = (struct named){ name, value };
	return true;
}

static bool
set_flag(struct options *options, const char *word)
{
	if (strcmp(word, "--json") == 0)
		options->json = true;
	else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		options->help = true;
	else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		options->version = true;
	else
		return false;
	return true;
}

/* "name=value" in place: argv is ours. */
static const char *
split_at_equals(char *option)
{
	char *equals = strchr(option, '=');

	if (!equals)
		return NULL;
	*equals = '\0';
	return equals + 1;
}

bool
options_parse(struct options *options, char **argv, bool lenient, struct hm_error *why)
{
	size_t n = 0;
	bool literal = false;

	while (argv[n])
		n++;
	*options = (struct options){ .timeout_ms = TIMEOUT_DEFAULT_MS };
	options->words = mem_array(n + 1, sizeof(*options->words));
	options->socket = getenv("HERMOD_SOCKET");
	if (!options->socket || !*options->socket)
		options->socket = HERMOD_RUN_DIR "/control.sock";
	for (char **word = argv; *word; word++) {
		const char *value;

		if (literal || strncmp(*word, "-", 1) != 0 || strcmp(*word, "-") == 0 ||
		    ((*word)[1] >= '0' && (*word)[1] <= '9')) {
			options->words[options->n_words++] = *word;
			continue;
		}
		if (strcmp(*word, "--") == 0) {
			literal = true;
			continue;
		}
		if (set_flag(options, *word))
			continue;
		if (strncmp(*word, "--", 2) != 0)
			return error_set(why, HM_E_INVALID, "unknown option %s", *word);
		value = split_at_equals(*word);
		if (!value && !word[1]) {
			if (lenient)
				return true;
			return error_set(why, HM_E_INVALID, "%s needs a value", *word);
		}
		if (!set_option(options, *word + 2, value ? value : word[1], why))
			return false;
		word += value == NULL;
	}
	return true;
}

void
options_free(struct options *options)
{
	mem_free(options->words);
	options->words = NULL;
}
