/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/control_request.c - a line becomes a command, or input for one, or its end.
 *
 * A request belongs to its command from command_run() until COMMAND_END: the connection may go before,
 * and an answer that was given early ("cancelled") ends nothing but the conversation.
 */
#include <string.h>

#include "base/mem.h"
#include "base/table.h"
#include "daemon/control.h"
#include "daemon/control_conn.h"

#define VALUES_MAX 16

static struct table requests; /* asker -> struct control_request */
static uint64_t last_asker;

static struct control_request *
find_open(struct control_conn *c, json_int_t id)
{
	list_for_each(l, next, &c->requests)
	{
		struct control_request *r = list_entry(l, struct control_request, link);

		if (r->id == id && !r->answered)
			return r;
	}
	return NULL;
}

/* --- Arguments ------------------------------------------------------------------------------ */

static enum hm_arg_type
type_of(const struct hm_command *command, const char *name)
{
	for (size_t i = 0; i < HM_COUNT(command->args) && command->args[i].name; i++) {
		if (strcmp(command->args[i].name, name) == 0)
			return command->args[i].type;
	}
	return HM_ARG_NONE;
}

/* As text, in the heap; NULL: not what the type is sent as. */
static char *
value_text(enum hm_arg_type type, const json_t *value)
{
	if (type == HM_ARG_INT && json_is_integer(value))
		return mem_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	if (type == HM_ARG_LINES && json_is_true(value))
		return mem_strdup("true");
	if (type != HM_ARG_INT && type != HM_ARG_LINES && json_is_string(value))
		return mem_strdup(json_string_value(value));
	return NULL;
}

static void
values_free(struct command_value *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mem_free_secret((char *)(uintptr_t)v[i].value);
}

/* false: *why is the sentence. */
static bool
read_values(const struct hm_command *command, json_t *args, struct command_value *v, size_t *n,
            const char **why)
{
	const char *name;
	json_t *value;

	*n = 0;
	json_object_foreach(args, name, value)
	{
		char *text;

		if (*n == VALUES_MAX) {
			*why = "There are too many arguments.";
			return false;
		}
		text = value_text(type_of(command, name), value);
		if (!text) {
			*why = "An argument has the wrong type.";
			return false;
		}
		v[(*n)++] = (struct command_value){ name, text };
	}
	return true;
}

/* --- A command begins ------------------------------------------------------------------------- */

static bool
takes_lines(const struct hm_command *command, json_t *args)
{
	for (size_t i = 0; i < HM_COUNT(command->args) && command->args[i].name; i++) {
		if (command->args[i].type == HM_ARG_LINES &&
		    json_object_get(args, command->args[i].name))
			return true;
	}
	return false;
}

static void
run_request(struct control_conn *c, json_int_t id, const struct hm_command *command, json_t *args)
{
	struct command_value values[VALUES_MAX];
	struct control_request *r;
	const char *why;
	size_t n;

	if (!read_values(command, args, values, &n, &why)) {
		values_free(values, n);
		control_fail(c, id, "usage", why);
		return;
	}
	r = mem_new(struct control_request);
	r->conn = c;
	r->id = id;
	r->asker = ++last_asker;
	r->takes_lines = takes_lines(command, args);
	list_push_back(&c->requests, &r->link);
	c->n_requests++;
	table_put_n(&requests, &r->asker, sizeof(r->asker), r);
	r->cmd = command_run(r->asker, command->name, values, n);
	values_free(values, n);
}

static void
begin(struct control_conn *c, json_int_t id, const char *name, json_t *args)
{
	const struct hm_command *command;

	if (args && !json_is_object(args)) {
		control_fail(c, id, "usage", "The arguments are a JSON object.");
	} else if (c->n_requests >= CONTROL_OPEN_MAX) {
		control_fail(c, id, "limit", "This connection has too many open requests.");
	} else if (strcmp(name, "help") == 0) {
		control_help(c, id, args);
	} else {
		command = control_find_command(name);
		if (command)
			run_request(c, id, command, args);
		else
			control_fail(c, id, "usage", "There is no such command.");
	}
}

/* --- It goes on ----------------------------------------------------------------------------------- */

/* line NULL: that was all. */
static void
give_line(struct control_request *r, const char *line)
{
	if (!r || !r->takes_lines || r->lines_ended)
		return; /* it has ended meanwhile, or takes none: skipped */
	r->lines_ended = !line;
	r->conn->lines++;
	command_line(r->cmd, line);
}

static void
cancel_command(struct control_request *r)
{
	command_cancel(r->cmd);
	/* It must not wait for input for ever.  What it has begun it completes. */
	if (r->takes_lines && !r->lines_ended) {
		r->lines_ended = true;
		if (r->conn)
			r->conn->lines++;
		command_line(r->cmd, NULL);
	}
}

static void
cancel(struct control_request *r)
{
	bool streams = r->cmd->command->streams;

	/* A stream ends well, by its own COMMAND_END; all others are told so now. */
	if (!streams) {
		control_fail(r->conn, r->id, "cancelled", "Cancelled.");
		r->answered = true;
	}
	cancel_command(r);
}

void
control_cancel_all(struct control_conn *c, bool answer)
{
	/* An answer may be the byte too many that cuts the connection off: then this is called again. */
	while (!list_empty(&c->requests)) {
		struct control_request *r =
			list_entry(c->requests.next, struct control_request, link);

		list_remove(&r->link);
		c->n_requests--;
		if (answer && !r->answered)
			control_fail(c, r->id, "cancelled", "The server stops.");
		r->answered = true;
		r->conn = NULL;
		cancel_command(r);
	}
	c->lines = 0;
}

static bool
read_id(const json_t *object, json_int_t *id)
{
	const json_t *value = json_object_get(object, "id");

	*id = json_integer_value(value);
	return json_is_integer(value) && *id >= 1 && *id <= (json_int_t)1 << 53;
}

static bool
handle(struct control_conn *c, json_t *object)
{
	const json_t *command = json_object_get(object, "command");
	const json_t *line = json_object_get(object, "line");
	struct control_request *r;
	json_int_t id;

	if (!json_is_object(object) || !read_id(object, &id))
		return false;
	r = find_open(c, id);
	if (json_is_string(command)) {
		if (r)
			return false; /* the id is taken */
		begin(c, id, json_string_value(command), json_object_get(object, "args"));
	} else if (json_is_string(line)) {
		give_line(r, json_string_value(line));
	} else if (json_is_true(json_object_get(object, "end"))) {
		give_line(r, NULL);
	} else if (json_is_true(json_object_get(object, "cancel"))) {
		if (r)
			cancel(r);
	} else {
		control_fail(c, id, "usage", "A request has a command.");
	}
	return true;
}

bool
control_line(struct control_conn *c, const char *line, size_t len)
{
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	bool ok = object && handle(c, object);

	json_decref(object);
	return ok;
}

/* --- What comes back ---------------------------------------------------------------------------------- */

static void
request_end(struct control_request *r)
{
	table_remove_n(&requests, &r->asker, sizeof(r->asker));
	if (r->conn) {
		list_remove(&r->link);
		r->conn->n_requests--;
	}
	command_drop(r->cmd);
	mem_free(r);
	if (table_count(&requests) == 0)
		table_free(&requests);
}

void
control_receive(struct command_message *take)
{
	struct control_request *r = table_get_n(&requests, &take->asker, sizeof(take->asker));
	struct control_conn *c = r ? r->conn : NULL;

	if (c && take->kind == COMMAND_LINE_DONE && c->lines > 0) {
		c->lines--;
		control_continue(c);
	}
	if (c && !r->answered && take->kind != COMMAND_LINE_DONE)
		control_answer(r, take);
	if (r && take->kind == COMMAND_END)
		request_end(r);
	command_message_free(take);
}
