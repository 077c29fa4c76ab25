/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Asks for the commands and finds the one that is meant. */
#include "commands.h"

#include <string.h>

#include "text.h"

/* Everything has a name that is not empty: nobody else looks again. */
static bool
is_description(const json_t *row)
{
	json_t *arg;
	size_t i;

	json_array_foreach(command_args(row), i, arg)
	{
		if (!*arg_name(arg))
			return false;
	}
	return *command_name(row) != '\0';
}

static void
keep_row(void *ctx, json_t *line)
{
	json_t *row = json_object_get(line, "row");

	if (is_description(row))
		json_array_append(ctx, row);
}

json_t *
commands_fetch(struct client *client, struct answer *answer)
{
	json_t *commands = json_array();
	struct request request = { .command = "help", .line = keep_row, .ctx = commands };

	client_ask(client, &request, answer);
	if (answer->status == EXIT_DONE)
		return commands;
	json_decref(commands);
	return NULL;
}

static const char *
text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

const char *
command_name(const json_t *command)
{
	return text_of(command, "command");
}

const char *
command_help(const json_t *command)
{
	return text_of(command, "help");
}

json_t *
command_args(const json_t *command)
{
	return json_object_get(command, "args");
}

bool
command_flag(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

const char *
arg_name(const json_t *arg)
{
	return text_of(arg, "name");
}

bool
arg_is(const json_t *arg, const char *type)
{
	return strcmp(text_of(arg, "type"), type) == 0;
}

/* How many of the words stand at the head of the name, and whether that is all of it. */
static size_t
common_words(const char *name, const char *const *words, size_t n, bool *whole)
{
	size_t same = 0;

	while (same < n && *name) {
		size_t len = strcspn(name, " ");

		if (strlen(words[same]) != len || memcmp(words[same], name, len) != 0)
			break;
		name += len;
		name += strspn(name, " ");
		same++;
	}
	*whole = *name == '\0';
	return same;
}

json_t *
commands_match(json_t *commands, const char *const *words, size_t n, size_t *matched)
{
	json_t *command, *best = NULL;
	size_t i;

	*matched = 0;
	json_array_foreach(commands, i, command)
	{
		bool whole;
		size_t same = common_words(command_name(command), words, n, &whole);

		if (whole && same > *matched) {
			*matched = same;
			best = command;
		}
	}
	return best;
}

bool
command_begins_with(const json_t *command, const char *const *words, size_t n)
{
	bool whole;

	return common_words(command_name(command), words, n, &whole) == n;
}

/* --- Synopsis ------------------------------------------------------------------- */

static void
put_placeholder(const json_t *arg, struct buf *out)
{
	size_t start = out->len, i;
	json_t *choice;

	if (arg_is(arg, "choice")) {
		json_array_foreach(json_object_get(arg, "choices"), i, choice)
		{
			if (i > 0)
				buf_putc(out, '|');
			if (json_is_string(choice))
				text_clean(out, json_string_value(choice), false);
		}
		return;
	}
	text_clean(out, arg_name(arg), false);
	for (; start < out->len; start++) {
		if (out->data[start] >= 'a' && out->data[start] <= 'z')
			out->data[start] = (char)(out->data[start] - 'a' + 'A');
	}
}

void
arg_synopsis(const json_t *arg, struct buf *out)
{
	bool optional = command_flag(arg, "optional") || arg_is(arg, "lines");

	if (optional)
		buf_putc(out, '[');
	put_placeholder(arg, out);
	if (command_flag(arg, "many"))
		buf_puts(out, "...");
	if (optional)
		buf_putc(out, ']');
}

void
command_synopsis(const json_t *command, struct buf *out)
{
	json_t *arg;
	size_t i;

	text_clean(out, command_name(command), false);
	json_array_foreach(command_args(command), i, arg)
	{
		if (arg_is(arg, "secret"))
			continue;
		buf_putc(out, ' ');
		arg_synopsis(arg, out);
	}
}
