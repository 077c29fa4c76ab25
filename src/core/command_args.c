/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/command_args.c - arguments of commands: checked and normalised by their declared types
 * before the command runs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "core/command.h"
#include "core/here.h"
#include "core/user.h"
#include "loop/worker.h"
#include "xmpp/jid.h"

static bool
parse_duration(const char *text, int64_t *ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "ms", 1 },      { "", 1000 },     { "s", 1000 },
		      { "min", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
	char *rest;
	long long n = strtoll(text, &rest, 10);

	rest += strspn(rest, " ");
	for (size_t i = 0; i < HM_COUNT(units); i++) {
		if (strcmp(units[i].unit, rest) == 0 && n >= 0 && n < 100000000) {
			*ms = n * units[i].ms;
			return true;
		}
	}
	return false;
}

static char *
bad_arg(struct hm_error *why, enum hm_error_code code, const struct hm_arg *arg, const char *text)
{
	error_set(why, code, "%s: %s", arg->name, text);
	return NULL;
}

/* Checks and normalises; NULL: why. */
static char *
read_arg(struct hm_cmd *cmd, const struct hm_arg *arg, const char *value, struct hm_error *why)
{
	const char *domain;
	struct jid jid;
	int64_t ms;
	char *rest;

	switch (arg->type) {
	case HM_ARG_ACCOUNT:
	case HM_ARG_JID:
		if (!jid_parse(&jid, value, worker_scratch())) {
			return bad_arg(why, HM_E_INVALID, arg, "This is not an address.");
		}
		if (!cmd->host)
			cmd->host = host_find(jid.domain);
		if (arg->type == HM_ARG_ACCOUNT &&
		    (!jid.local || jid.resource || !host_find(jid.domain))) {
			return bad_arg(why, HM_E_INVALID, arg,
			               "This is not the address of an account of this server.");
		}
		return mem_strdup(jid.full);
	case HM_ARG_ENTITY:
		if (!jid_parse(&jid, value, worker_scratch()) || !jid.local || jid.resource ||
		    !service_find(jid.domain) || service_find(jid.domain)->service->key)
			return bad_arg(why, HM_E_INVALID, arg, "Nothing here has such an address.");
		cmd->host = service_find(jid.domain)->host;
		return mem_strdup(jid.full);
	case HM_ARG_HOST:
		domain = jid_prepare_domain(value, worker_scratch());
		cmd->host = domain ? host_find(domain) : NULL;
		if (!cmd->host)
			return bad_arg(why, HM_E_NOT_FOUND, arg, "This host is not served here.");
		return mem_strdup(domain);
	case HM_ARG_INT:
		errno = 0;
		strtoll(value, &rest, 10);
		if (errno || *value == '\0' || *rest) {
			return bad_arg(why, HM_E_INVALID, arg, "This is not a number.");
		}
		return mem_strdup(value);
	case HM_ARG_DURATION:
		if (!parse_duration(value, &ms)) {
			return bad_arg(why, HM_E_INVALID, arg,
			               "This is not a duration such as \"5 min\".");
		}
		return mem_printf("%lld", (long long)ms);
	default:
		return mem_strdup(value);
	}
}

bool
command_read_args(struct hm_cmd *cmd, const struct command_value *v, size_t n, struct hm_error *why)
{
	for (size_t i = 0; i < n; i++) {
		unsigned k = 0;

		while (k < COMMAND_ARGS && cmd->command->args[k].name &&
		       strcmp(cmd->command->args[k].name, v[i].name) != 0)
			k++;
		if (k == COMMAND_ARGS || !cmd->command->args[k].name) {
			snprintf(why->text, sizeof(why->text), "There is no argument \"%.60s\".",
			         v[i].name);
			return false;
		}
		mem_free(cmd->arg[k]);
		cmd->arg[k] = read_arg(cmd, &cmd->command->args[k], v[i].value, why);
		if (!cmd->arg[k])
			return false;
	}
	for (unsigned k = 0; k < COMMAND_ARGS && cmd->command->args[k].name; k++) {
		if (!cmd->arg[k] && !cmd->command->args[k].optional) {
			snprintf(why->text, sizeof(why->text), "The argument \"%s\" is missing.",
			         cmd->command->args[k].name);
			return false;
		}
	}
	return true;
}

/* --- For modules ---------------------------------------------------------------------------------------------------------- */

int64_t
hm_cmd_account(const struct hm_cmd *cmd)
{
	return cmd->user ? cmd->user->account : 0;
}

struct hm_user *
hm_cmd_user(const struct hm_cmd *cmd)
{
	return cmd->user;
}

struct hm_entity *
hm_cmd_entity(const struct hm_cmd *cmd)
{
	return cmd->entity;
}

struct hm_mod *
hm_cmd_mod(const struct hm_cmd *cmd)
{
	return cmd->mod;
}

const char *
hm_cmd_text(const struct hm_cmd *cmd, unsigned arg)
{
	return arg < COMMAND_ARGS ? cmd->arg[arg] : NULL;
}

int64_t
hm_cmd_int(const struct hm_cmd *cmd, unsigned arg, int64_t otherwise)
{
	return hm_cmd_text(cmd, arg) ? strtoll(hm_cmd_text(cmd, arg), NULL, 10) : otherwise;
}

const struct hm_logctx *
hm_ctx_cmd(const struct hm_cmd *cmd)
{
	return &cmd->log;
}
