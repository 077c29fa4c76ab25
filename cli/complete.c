/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Completion asks the server for commands and for values; what fails offers
 * nothing and says nothing, since somebody is typing.
 */
#include "complete.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "client.h"
#include "commands.h"
#include "options.h"

#define PATIENCE_MS 2000

static const char *const own_options[] = { "--socket", "--host",    "--timeout", "--json",
	                                   "--help",   "--version", NULL };
static const char *const own_commands[] = { "help", "completion", NULL };

static void
offer(const char *prefix, const char *candidate)
{
	/* A line of its own, or the shell would take it apart. */
	if (strncmp(prefix, candidate, strlen(prefix)) == 0 && !strpbrk(candidate, "\n\r"))
		puts(candidate);
}

static void
offer_all(const char *prefix, const char *const *candidates)
{
	for (; *candidates; candidates++)
		offer(prefix, *candidates);
}

/* The next word of each command that begins with the words so far. */
static void
offer_commands(json_t *commands, const char *const *words, size_t n, const char *prefix)
{
	char before[128] = "";
	json_t *command;
	size_t i;

	json_array_foreach(commands, i, command)
	{
		const char *rest = command_name(command);
		char word[128];

		if (!command_begins_with(command, words, n) || command_flag(command, "hidden"))
			continue;
		for (size_t skip = 0; skip < n; skip++) {
			rest += strcspn(rest, " ");
			rest += strspn(rest, " ");
		}
		snprintf(word, sizeof(word), "%.*s", (int)strcspn(rest, " "), rest);
		/* The commands are sorted: the same word stands together. */
		if (*word && strcmp(word, before) != 0)
			offer(prefix, word);
		memcpy(before, word, sizeof(before));
	}
}

struct offering {
	const char *prefix;
};

static void
offer_value(void *ctx, json_t *line)
{
	const struct offering *offering = ctx;
	const char *value =
		json_string_value(json_object_get(json_object_get(line, "row"), "value"));

	if (value)
		offer(offering->prefix, value);
}

static void
ask_values(struct client *client, const json_t *command, const json_t *arg, const char *prefix)
{
	struct offering offering = { prefix };
	struct request request = { .command = "complete", .line = offer_value, .ctx = &offering };
	struct answer answer;

	request.args = json_pack("{s:s,s:s,s:s}", "command", command_name(command), "arg",
	                         arg_name(arg), "prefix", prefix);
	if (request.args)
		client_ask(client, &request, &answer);
	json_decref(request.args);
}

static void
offer_argument(struct client *client, const json_t *command, const json_t *arg, const char *prefix)
{
	json_t *choice;
	size_t i;

	json_array_foreach(json_object_get(arg, "choices"), i, choice)
	{
		if (json_is_string(choice))
			offer(prefix, json_string_value(choice));
	}
	if (arg_is(arg, "bool")) {
		offer(prefix, "yes");
		offer(prefix, "no");
	} else if (!arg_is(arg, "choice") && !arg_is(arg, "secret") && !arg_is(arg, "lines") &&
	           !arg_is(arg, "int")) {
		ask_values(client, command, arg, prefix);
	}
}

/* The argument in this position, those given by name left out; NULL: there is none. */
static json_t *
argument_at(const json_t *command, const struct options *options, size_t position)
{
	json_t *arg;
	size_t i;

	json_array_foreach(command_args(command), i, arg)
	{
		bool named = arg_is(arg, "secret");

		for (size_t k = 0; k < options->n_named; k++)
			named = named || strcmp(options->named[k].name, arg_name(arg)) == 0;
		if (!named && (position == 0 || command_flag(arg, "many")))
			return arg;
		position -= !named;
	}
	return NULL;
}

static json_t *
argument_named(const json_t *command, const char *name)
{
	json_t *arg;
	size_t i;

	json_array_foreach(command_args(command), i, arg)
	{
		if (strcmp(arg_name(arg), name) == 0 && !arg_is(arg, "secret"))
			return arg;
	}
	return NULL;
}

static void
offer_names(const json_t *command, const char *prefix)
{
	json_t *arg;
	size_t i;

	offer_all(prefix, own_options);
	json_array_foreach(command_args(command), i, arg)
	{
		char name[128];

		snprintf(name, sizeof(name), "--%s", arg_name(arg));
		if (!arg_is(arg, "secret") && strcmp(name, "--host") != 0)
			offer(prefix, name);
	}
}

/* option: the word before, if it is an option that wants a value. */
static void
offer_for(struct client *client, json_t *commands, const struct options *options,
          const char *option, const char *prefix)
{
	size_t matched;
	json_t *command = commands_match(commands, options->words, options->n_words, &matched);
	json_t *arg;

	if (option) {
		arg = command ? argument_named(command, option) : NULL;
		if (arg)
			offer_argument(client, command, arg, prefix);
		return;
	}
	if (*prefix == '-') {
		offer_names(command, prefix);
		return;
	}
	offer_commands(commands, options->words, options->n_words, prefix);
	arg = command ? argument_at(command, options, options->n_words - matched) : NULL;
	if (arg)
		offer_argument(client, command, arg, prefix);
}

void
complete(char **words)
{
	const char *prefix = "", *option = NULL;
	struct options options;
	struct client *client;
	struct answer answer;
	struct hm_error why;
	json_t *commands;
	size_t n = 0;

	while (words[n])
		n++;
	if (n > 0) {
		prefix = words[n - 1];
		words[n - 1] = NULL;
	}
	if (n > 1 && strncmp(words[n - 2], "--", 2) == 0 && !strchr(words[n - 2], '='))
		option = words[n - 2] + 2;
	if (option && (strcmp(option, "json") == 0 || strcmp(option, "help") == 0 || !*option))
		option = NULL;
	if (!options_parse(&options, words, true, &why))
		goto out;
	if (options.n_words == 1 && strcmp(options.words[0], "completion") == 0)
		offer(prefix, "bash");
	client = client_connect(options.socket, PATIENCE_MS, &answer);
	commands = client ? commands_fetch(client, &answer) : NULL;
	if (options.n_words == 0 && *prefix == '-' && !commands)
		offer_all(prefix, own_options);
	if (options.n_words == 0 && !option)
		offer_all(prefix, own_commands);
	if (commands && options.n_words > 0 && strcmp(options.words[0], "help") == 0)
		offer_commands(commands, options.words + 1, options.n_words - 1, prefix);
	else if (commands)
		offer_for(client, commands, &options, option, prefix);
	json_decref(commands);
	client_close(&client);
out:
	options_free(&options);
}

/*
 * bash takes words apart at "@", ":" and "=", hence a line of our own making; and
 * replaces only what stands behind the last of them, hence the cut at the end.
 */
static const char bash_script[] =
	"# bash completion of hermodctl; load it with: . <(hermodctl completion bash)\n"
	"_hermodctl()\n"
	"{\n"
	"\tlocal line=\"${COMP_LINE:0:COMP_POINT}\" current tail words\n"
	"\n"
	"\tread -ra words <<< \"$line\"\n"
	"\t[[ $line == *[[:space:]] ]] && words+=(\"\")\n"
	"\tcurrent=\"${words[${#words[@]}-1]}\"\n"
	"\ttail=\"${current##*[@:=]}\"\n"
	"\tmapfile -t COMPREPLY < <(\"${words[0]}\" --complete \"${words[@]:1}\" 2> /dev/null)\n"
	"\tCOMPREPLY=(\"${COMPREPLY[@]#\"${current%\"$tail\"}\"}\")\n"
	"}\n"
	"complete -o default -F _hermodctl hermodctl\n";

bool
complete_script(const char *shell)
{
	if (strcmp(shell, "bash") != 0)
		return false;
	fputs(bash_script, stdout);
	return true;
}
