/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * hermodctl: the administrator's command line.  It asks the server which
 * commands there are, sends one, and shows the answer (doc/control-protocol.md).
 * Passwords pass through here: all memory of JSON values is wiped when freed.
 */
#include <config.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "arguments.h"
#include "client.h"
#include "commands.h"
#include "complete.h"
#include "database.h"
#include "help.h"
#include "interrupt.h"
#include "options.h"
#include "output.h"
#include "text.h"

static void
wipe_and_free(void *memory)
{
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

/* --- Words about a failure -------------------------------------------------------- */

static void
complain(const struct options *options, const char *code, const char *text)
{
	struct buf clean = { 0 };
	json_t *object;

	if (options->json) {
		object = json_pack("{s:s,s:s}", "error", text, "code", code);
		if (object)
			json_dumpf(object, stderr, JSON_COMPACT);
		fputc('\n', stderr);
		json_decref(object);
		return;
	}
	text_clean(&clean, text, true);
	fprintf(stderr, "hermodctl: %s\n", clean.data ? clean.data : "");
	buf_free(&clean);
}

static void
report(const struct options *options, const struct answer *answer)
{
	struct buf clean = { 0 };

	if (answer->status != EXIT_DONE) {
		complain(options, answer->code, answer->text);
	} else if (*answer->text && !options->json) {
		text_clean(&clean, answer->text, true);
		puts(clean.data);
		buf_free(&clean);
	}
}

/* --- A command of the server -------------------------------------------------------- */

static bool
may_use_bold(void)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 &&
	       !(no_color && *no_color);
}

static enum exit_status
run(struct client *client, const struct options *options, json_t *command, size_t matched)
{
	struct output output = {
		.json = options->json,
		.sheets = command_flag(command, "record"),
		.bold = may_use_bold(),
	};
	struct request request = {
		.command = command_name(command),
		.streams = command_flag(command, "streams"),
		.line = output_line,
		.ctx = &output,
	};
	struct arguments arguments;
	struct answer answer;
	struct hm_error why = { 0 };
	enum exit_status status;

	status = arguments_build(&arguments, command, options, matched, &why);
	if (status == EXIT_DONE) {
		request.args = arguments.json;
		request.lines = arguments.has_lines ? &arguments.input : NULL;
		if (request.lines && isatty(request.lines->fd))
			fputs("Reading from the terminal; Ctrl-D ends it.\n", stderr);
		client_ask(client, &request, &answer);
		if (!output_end(&output) && answer.status == EXIT_DONE)
			answer_fail(&answer, EXIT_INPUT, "output", "Cannot write the answer.");
		report(options, &answer);
		status = answer.status;
	} else {
		complain(options, status == EXIT_USAGE ? "usage" : "input", why.text);
		if (status == EXIT_USAGE && !options->json)
			help_synopsis(stderr, command);
	}
	arguments_free(&arguments);
	return status;
}

static enum exit_status
run_unknown(const struct options *options, json_t *commands)
{
	char text[256];

	if (!options->json && help_commands(stderr, commands, options->words, options->n_words) > 0)
		return EXIT_USAGE;
	snprintf(text, sizeof(text), "Unknown command \"%s\"; \"hermodctl help\" lists them.",
	         options->words[0]);
	complain(options, "usage", text);
	return EXIT_USAGE;
}

/* --- Our own commands ----------------------------------------------------------------- */

/* words: those behind "help". */
static enum exit_status
run_help(const struct options *options, json_t *commands, const char *const *words, size_t n)
{
	if (n == 0) {
		help_usage(stdout);
		fputs("\nCommands of this server:\n", stdout);
	}
	if (help_commands(stdout, commands, words, n) > 0 || n == 0)
		return EXIT_DONE;
	complain(options, "usage", "There is no such command; \"hermodctl help\" lists them.");
	return EXIT_USAGE;
}

static enum exit_status
run_with_server(const struct options *options)
{
	bool wants_help = options->help || options->n_words == 0;
	size_t skip = 0, matched;
	struct client *client;
	struct answer answer;
	enum exit_status status;
	json_t *commands, *command;

	if (options->n_words > 0 && strcmp(options->words[0], "help") == 0) {
		wants_help = true;
		skip = 1;
	}
	client = client_connect(options->socket, options->timeout_ms, &answer);
	commands = client ? commands_fetch(client, &answer) : NULL;
	if (!commands) {
		if (wants_help && !options->json)
			help_usage(stdout);
		complain(options, answer.code, answer.text);
		client_close(&client);
		return answer.status;
	}
	command = commands_match(commands, options->words, options->n_words, &matched);
	if (wants_help)
		status =
			run_help(options, commands, options->words + skip, options->n_words - skip);
	else if (command)
		status = run(client, options, command, matched);
	else
		status = run_unknown(options, commands);
	/* Nothing was asked for. */
	if (options->n_words == 0 && !options->help)
		status = EXIT_USAGE;
	json_decref(commands);
	client_close(&client);
	return status;
}

static enum exit_status
run_completion(const struct options *options)
{
	if (options->n_words == 2 && complete_script(options->words[1]))
		return EXIT_DONE;
	complain(options, "usage", "There is completion for bash: hermodctl completion bash");
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct hm_error why;
	enum exit_status status;

	json_set_alloc_funcs(malloc, wipe_and_free);
	text_init();
	interrupt_init();
	if (argc > 1 && strcmp(argv[1], "--complete") == 0) {
		complete(argv + 2);
		return EXIT_DONE;
	}
	if (!options_parse(&options, argv + 1, false, &why)) {
		complain(&options, "usage", why.text);
		status = EXIT_USAGE;
	} else if (options.version) {
		puts("hermodctl " PACKAGE_VERSION);
		status = EXIT_DONE;
	} else if (options.n_words > 0 && strcmp(options.words[0], "completion") == 0) {
		status = run_completion(&options);
	} else if (options.n_words > 0 && strcmp(options.words[0], "db") == 0 && !options.help) {
		database_run(&options, &why);
		complain(&options, why.code == HM_E_INVALID ? "usage" : "server", why.text);
		status = EXIT_USAGE;
	} else {
		status = run_with_server(&options);
	}
	options_free(&options);
	return status;
}
