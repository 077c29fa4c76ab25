/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Help for people; hermodctl(1) is the long form. */
#include "help.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "commands.h"
#include "text.h"

void
help_usage(FILE *to)
{
	fputs("usage: hermodctl [options] COMMAND [ARGUMENTS]\n"
	      "       hermodctl help [COMMAND]\n"
	      "       hermodctl completion bash\n"
	      "\n"
	      "  --socket PATH      the server's control socket (HERMOD_SOCKET)\n"
	      "  --host DOMAIN      the virtual host that the command is about\n"
	      "  --timeout SECONDS  wait so long for the server (30)\n"
	      "  --json             one JSON object per row\n"
	      "  --NAME VALUE       an argument of the command by its name\n"
	      "  --help, --version\n",
	      to);
}

void
help_synopsis(FILE *to, const json_t *command)
{
	struct buf line = { 0 };

	command_synopsis(command, &line);
	fprintf(to, "usage: hermodctl %s\n", line.data ? line.data : "");
	buf_free(&line);
}

/* `left` in a column of this width, then a sentence of the server. */
static void
write_line(FILE *to, const char *left, size_t width, const char *sentence)
{
	struct buf line = { 0 };
	size_t used = text_width(left);

	buf_printf(&line, "  %s", left);
	for (; used < width && *sentence; used++)
		buf_putc(&line, ' ');
	if (*sentence)
		buf_puts(&line, "  ");
	text_clean(&line, sentence, false);
	fprintf(to, "%s\n", line.data);
	buf_free(&line);
}

static void
describe(FILE *to, const json_t *command)
{
	struct buf line = { 0 };
	json_t *arg;
	size_t i;

	help_synopsis(to, command);
	text_clean(&line, command_help(command), false);
	fprintf(to, "\n%s\n", line.data ? line.data : "");
	json_array_foreach(command_args(command), i, arg)
	{
		bool secret = arg_is(arg, "secret");

		buf_clear(&line);
		if (i == 0)
			fputc('\n', to);
		arg_synopsis(arg, &line);
		if (secret && !*command_help(arg))
			write_line(to, line.data, 16, "Asked for, or read from standard input.");
		else
			write_line(to, line.data, 16, command_help(arg));
	}
	buf_free(&line);
}

/* Widths first, then lines: `to` NULL only measures. */
static size_t
list(FILE *to, json_t *commands, const char *const *words, size_t n, size_t width)
{
	struct buf line = { 0 };
	size_t widest = 0, i;
	json_t *command;

	json_array_foreach(commands, i, command)
	{
		if (!command_begins_with(command, words, n) || command_flag(command, "hidden"))
			continue;
		buf_clear(&line);
		command_synopsis(command, &line);
		if (to)
			write_line(to, line.data, width, command_help(command));
		else if (text_width(line.data) > widest)
			widest = text_width(line.data);
	}
	buf_free(&line);
	/* A long synopsis sticks out rather than push all sentences to the right. */
	return widest < 40 ? widest : 40;
}

size_t
help_commands(FILE *to, json_t *commands, const char *const *words, size_t n)
{
	json_t *command, *exact = NULL;
	size_t count = 0, i;

	json_array_foreach(commands, i, command)
	{
		if (!command_begins_with(command, words, n) || command_flag(command, "hidden"))
			continue;
		exact = command;
		count++;
	}
	if (count == 1 && n > 0)
		describe(to, exact);
	else if (count > 0)
		list(to, commands, words, n, list(NULL, commands, words, n, 0));
	return count;
}
