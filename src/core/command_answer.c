/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/command_answer.c - rows, events and the end of a command, as messages to the worker that
 * asked.  From any worker.
 */
#include "base/mem.h"
#include "core/command.h"
#include "loop/worker.h"

static void (*receiver)(struct command_message *take);

void
command_set_receiver(void (*receive)(struct command_message *take))
{
	receiver = receive;
}

void
command_message_free(struct command_message *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->fields[i].value.type == HM_V_TEXT)
			mem_free((char *)(uintptr_t)m->fields[i].value.u.text);
	}
	mem_free(m->fields);
	mem_free(m->text);
	mem_free(m);
}

static void
message_mail(struct mail *mail)
{
	receiver(HM_CONTAINER(mail, struct command_message, mail));
}

static struct command_message *
message_new(struct hm_cmd *cmd, enum command_message_kind kind)
{
	struct command_message *m = mem_new(struct command_message);

	m->kind = kind;
	m->asker = cmd->asker;
	m->mail.run = message_mail;
	return m;
}

static void
message_fields(struct hm_cmd *cmd, enum command_message_kind kind, const struct hm_field *f,
               size_t n)
{
	struct command_message *m = message_new(cmd, kind);

	m->fields = mem_array(n + 1, sizeof(*f));
	m->n = n;
	for (size_t i = 0; i < n; i++) {
		m->fields[i] = f[i];
		if (f[i].value.type == HM_V_TEXT)
			m->fields[i].value.u.text = mem_strdup(f[i].value.u.text);
	}
	worker_post(cmd->asker_worker, &m->mail);
}

void
hm_cmd_row_(struct hm_cmd *cmd, const struct hm_field *f, size_t n)
{
	message_fields(cmd, COMMAND_ROW, f, n);
}

void
command_event_(struct hm_cmd *cmd, const struct hm_field *f, size_t n)
{
	message_fields(cmd, COMMAND_EVENT, f, n);
}

void
command_raw(struct hm_cmd *cmd, const char *text)
{
	struct command_message *m = message_new(cmd, COMMAND_RAW);

	m->text = mem_strdup(text);
	worker_post(cmd->asker_worker, &m->mail);
}

void
command_line_done(struct hm_cmd *cmd)
{
	worker_post(cmd->asker_worker, &message_new(cmd, COMMAND_LINE_DONE)->mail);
}

static void
end(struct hm_cmd *cmd, enum hm_error_code code, const char *text)
{
	struct command_message *m;

	if (atomic_exchange(&cmd->ended, true))
		return;
	m = message_new(cmd, COMMAND_END);
	m->code = code;
	m->text = text ? mem_strdup(text) : NULL;
	worker_post(cmd->asker_worker, &m->mail);
}

void
hm_cmd_done(struct hm_cmd *cmd)
{
	end(cmd, HM_E_NONE, NULL);
}

void
command_done_text(struct hm_cmd *cmd, const char *text)
{
	end(cmd, HM_E_NONE, text);
}

void
hm_cmd_fail(struct hm_cmd *cmd, enum hm_error_code code, const char *text)
{
	end(cmd, code, text);
}

const char *
command_code(enum hm_error_code code)
{
	static const char *const names[] = {
		[HM_E_NONE] = "ok",
		[HM_E_INVALID] = "invalid",
		[HM_E_NOT_FOUND] = "not-found",
		[HM_E_EXISTS] = "exists",
		[HM_E_DENIED] = "denied",
		[HM_E_LIMIT] = "limit",
		[HM_E_SYSTEM] = "system",
		[HM_E_DATABASE] = "database",
	};

	return code < HM_COUNT(names) ? names[code] : "usage";
}

const char *
command_arg_type(enum hm_arg_type type)
{
	static const char *const names[] = {
		[HM_ARG_NONE] = "none",         [HM_ARG_ACCOUNT] = "account",
		[HM_ARG_JID] = "jid",           [HM_ARG_HOST] = "host",
		[HM_ARG_TEXT] = "text",         [HM_ARG_INT] = "int",
		[HM_ARG_DURATION] = "duration", [HM_ARG_SECRET] = "secret",
		[HM_ARG_LINES] = "lines",       [HM_ARG_ENTITY] = "entity",
	};

	return names[type];
}
