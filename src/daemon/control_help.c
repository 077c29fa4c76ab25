/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/control_help.c - what commands there are, from their declarations. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/control_conn.h"

#define PROTOCOL_VERSION 1

struct entry {
	const struct hm_command *command;
	const char *module;
};

const struct hm_command *
control_find_command(const char *name)
{
	const struct hm_command *c;
	const char *module;
	size_t pos = 0;

	while ((c = command_next(&pos, &module))) {
		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

/* Is it, or does it begin with, these words? */
static bool
begins_with(const char *name, const char *words)
{
	size_t len = strlen(words);

	return strncmp(name, words, len) == 0 && (name[len] == '\0' || name[len] == ' ');
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->command->name,
	              ((const struct entry *)b)->command->name);
}

static json_t *
describe_args(const struct hm_command *c)
{
	json_t *array = json_array();

	for (size_t i = 0; i < HM_COUNT(c->args) && c->args[i].name; i++) {
		json_t *arg = json_pack("{ss ss}", "name", c->args[i].name, "type",
		                        command_arg_type(c->args[i].type));

		if (c->args[i].optional)
			json_object_set_new(arg, "optional", json_true());
		json_array_append_new(array, arg);
	}
	return array;
}

static json_t *
describe(const struct entry *e)
{
	json_t *row =
		json_pack("{ss ss* so ss*}", "command", e->command->name, "help", e->command->help,
	                  "args", describe_args(e->command), "module", e->module);

	if (e->command->streams)
		json_object_set_new(row, "streams", json_true());
	if (e->command->record)
		json_object_set_new(row, "record", json_true());
	if (e->command->hidden)
		json_object_set_new(row, "hidden", json_true());
	return row;
}

void
control_help(struct control_conn *c, json_int_t id, json_t *args)
{
	const char *words = json_string_value(json_object_get(args, "command"));
	struct entry *entries = NULL;
	size_t n = 0, pos = 0;
	struct entry e;

	while ((e.command = command_next(&pos, &e.module))) {
		if (words && !begins_with(e.command->name, words))
			continue;
		entries = mem_realloc(entries, (n + 1) * sizeof(*entries));
		entries[n++] = e;
	}
	if (n > 0)
		qsort(entries, n, sizeof(*entries), by_name);
	for (size_t i = 0; i < n; i++)
		control_write(c, json_pack("{sI so}", "id", id, "row", describe(&entries[i])));
	mem_free(entries);
	control_write(c, json_pack("{sI sb si ss+}", "id", id, "ok", 1, "protocol",
	                           PROTOCOL_VERSION, "server", "hermod ", hm_version()));
}
