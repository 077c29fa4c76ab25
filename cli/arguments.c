/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Positions and names to JSON.  The types are those of doc/control-protocol.md;
 * the server checks again, this is for a quick and clear answer.
 */
#include "arguments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "commands.h"
#include "interrupt.h"

/* The words while they are being used up. */
struct typed {
	const struct options *options;
	size_t next;                  /* of the words */
	bool used[OPTIONS_NAMED_MAX]; /* of the names */
};

/* NULL: it was not given by name. */
static const char *
take_named(struct typed *typed, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < typed->options->n_named; i++) {
		if (strcmp(typed->options->named[i].name, name) != 0)
			continue;
		typed->used[i] = true;
		value = typed->options->named[i].value;
	}
	return value;
}

static const char *
take_word(struct typed *typed)
{
	return typed->next < typed->options->n_words ? typed->options->words[typed->next++] : NULL;
}

/* --- One value -------------------------------------------------------------------- */

static json_t *
read_int(const char *text)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(text, &end, 10);
	return *end || end == text || errno ? NULL : json_integer(number);
}

static json_t *
read_bool(const char *text)
{
	static const char *const words[] = { "no", "off", "false", "yes", "on", "true" };

	for (size_t i = 0; i < HM_COUNT(words); i++) {
		if (strcmp(text, words[i]) == 0)
			return json_boolean(i >= 3);
	}
	return NULL;
}

static json_t *
read_choice(const json_t *arg, const char *text)
{
	json_t *choice;
	size_t i;

	json_array_foreach(json_object_get(arg, "choices"), i, choice)
	{
		if (json_is_string(choice) && strcmp(json_string_value(choice), text) == 0)
			return json_string(text);
	}
	return NULL;
}

/* NULL, having said why. */
static json_t *
read_value(const json_t *arg, const char *text, struct hm_error *why)
{
	const char *expected = "UTF-8 text";
	json_t *value;

	if (arg_is(arg, "int")) {
		value = read_int(text);
		expected = "a whole number";
	} else if (arg_is(arg, "bool")) {
		value = read_bool(text);
		expected = "yes or no";
	} else if (arg_is(arg, "choice")) {
		struct buf choices = { 0 };

		value = read_choice(arg, text);
		arg_synopsis(arg, &choices);
		if (!value)
			error_set(why, HM_E_INVALID, "%s cannot be \"%s\"; expected %s",
			          arg_name(arg), text, choices.data ? choices.data : "nothing");
		buf_free(&choices);
		return value;
	} else {
		value = json_string(text);
	}
	if (!value)
		error_set(why, HM_E_INVALID, "%s cannot be \"%s\"; expected %s", arg_name(arg),
		          text, expected);
	return value;
}

/* --- One argument ------------------------------------------------------------------- */

static bool
add_many(struct arguments *arguments, const json_t *arg, const char *first, struct typed *typed,
         struct hm_error *why)
{
	json_t *values = json_array();

	for (const char *text = first; text; text = take_word(typed)) {
		json_t *value = read_value(arg, text, why);

		if (!value) {
			json_decref(values);
			return false;
		}
		json_array_append_new(values, value);
	}
	json_object_set_new(arguments->json, arg_name(arg), values);
	return true;
}

static enum exit_status
add_lines(struct arguments *arguments, const json_t *arg, const char *path, struct hm_error *why)
{
	input_close(&arguments->input);
	if (!input_open(&arguments->input, path, why))
		return EXIT_INPUT;
	arguments->has_lines = true;
	json_object_set_new(arguments->json, arg_name(arg), json_true());
	return EXIT_DONE;
}

static enum exit_status
add_argument(struct arguments *arguments, const json_t *arg, struct typed *typed,
             struct hm_error *why)
{
	const char *text = take_named(typed, arg_name(arg));
	json_t *value;

	if (arg_is(arg, "secret")) {
		if (!text)
			return EXIT_DONE;
		error_set(why, HM_E_DENIED,
		          "--%s: everybody can read a command line; it is asked for, or read from "
		          "standard input",
		          arg_name(arg));
		return EXIT_USAGE;
	}
	if (!text)
		text = take_word(typed);
	if (arg_is(arg, "lines"))
		return add_lines(arguments, arg, text, why);
	if (!text && command_flag(arg, "optional"))
		return EXIT_DONE;
	if (!text) {
		error_set(why, HM_E_INVALID, "%s is missing", arg_name(arg));
		return EXIT_USAGE;
	}
	if (command_flag(arg, "many"))
		return add_many(arguments, arg, text, typed, why) ? EXIT_DONE : EXIT_USAGE;
	value = read_value(arg, text, why);
	json_object_set_new(arguments->json, arg_name(arg), value);
	return value ? EXIT_DONE : EXIT_USAGE;
}

/* --- Secrets ------------------------------------------------------------------------ */

/* "Password", from the name or from the help without its full stop. */
static void
put_prompt(const json_t *arg, struct buf *out)
{
	size_t len = strlen(command_help(arg));

	buf_puts(out, len ? command_help(arg) : arg_name(arg));
	if (out->len > 0 && out->data[out->len - 1] == '.')
		out->data[--out->len] = '\0';
	if (out->len > 0 && out->data[0] >= 'a' && out->data[0] <= 'z')
		out->data[0] = (char)(out->data[0] - 'a' + 'A');
}

static enum exit_status
add_secret(struct arguments *arguments, const json_t *arg, struct input *from, struct hm_error *why)
{
	struct buf prompt = { 0 };
	char *secret;
	bool answered;

	put_prompt(arg, &prompt);
	answered = input_secret(from, prompt.len ? prompt.data : "Secret", &secret, why);
	buf_free(&prompt);
	if (!answered)
		return interrupt_count() ? EXIT_INTERRUPTED : EXIT_INPUT;
	if (secret)
		json_object_set_new(arguments->json, arg_name(arg), json_string(secret));
	input_wipe(&secret);
	if (json_object_get(arguments->json, arg_name(arg)) || command_flag(arg, "optional"))
		return EXIT_DONE;
	error_set(why, HM_E_INVALID, "%s is missing: standard input gave none", arg_name(arg));
	return EXIT_INPUT;
}

static enum exit_status
add_secrets(struct arguments *arguments, const json_t *command, struct hm_error *why)
{
	/* Lines may come from standard input too, behind the secrets: then the buffer is shared. */
	bool shared = arguments->input.fd == 0;
	struct input own = { .fd = 0 };
	enum exit_status status = EXIT_DONE;
	json_t *arg;
	size_t i;

	json_array_foreach(command_args(command), i, arg)
	{
		if (status == EXIT_DONE && arg_is(arg, "secret"))
			status = add_secret(arguments, arg, shared ? &arguments->input : &own, why);
	}
	if (!shared)
		input_close(&own);
	return status;
}

/* --- All of them -------------------------------------------------------------------- */

static enum exit_status
check_used_up(const json_t *command, const struct typed *typed, struct hm_error *why)
{
	for (size_t i = 0; i < typed->options->n_named; i++) {
		if (!typed->used[i]) {
			error_set(why, HM_E_INVALID, "\"%s\" has no --%s", command_name(command),
			          typed->options->named[i].name);
			return EXIT_USAGE;
		}
	}
	if (typed->next < typed->options->n_words) {
		error_set(why, HM_E_INVALID, "\"%s\" is one argument too many for \"%s\"",
		          typed->options->words[typed->next], command_name(command));
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}

enum exit_status
arguments_build(struct arguments *arguments, const json_t *command, const struct options *options,
                size_t first, struct hm_error *why)
{
	struct typed typed = { .options = options, .next = first };
	enum exit_status status = EXIT_DONE;
	json_t *arg;
	size_t i;

	*arguments = (struct arguments){ .json = json_object() };
	json_array_foreach(command_args(command), i, arg)
	{
		if (status == EXIT_DONE)
			status = add_argument(arguments, arg, &typed, why);
	}
	if (status == EXIT_DONE)
		status = check_used_up(command, &typed, why);
	return status == EXIT_DONE ? add_secrets(arguments, command, why) : status;
}

void
arguments_free(struct arguments *arguments)
{
	json_decref(arguments->json);
	input_close(&arguments->input);
}
