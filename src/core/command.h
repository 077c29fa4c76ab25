/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/command.h - admin commands: found by name in the tables of the core, the daemon and the
 * modules, run where their account lives, answered row by row.
 *
 * Whoever asks (the control socket; later ad-hoc commands and HTTP) lives on one worker and
 * gets messages there, by the id it gave.
 */
#ifndef CORE_COMMAND_H
#define CORE_COMMAND_H

#include <stdatomic.h>

#include <hermod/module.h>

#include "core/entity.h"
#include "loop/mailbox.h"

#define COMMAND_ARGS 5

/* What comes back; freed by the receiver with command_message_free(). */
enum command_message_kind {
	COMMAND_ROW,
	COMMAND_RAW,
	COMMAND_EVENT,
	COMMAND_END,
	COMMAND_LINE_DONE
};
struct command_message {
	struct mail mail;
	enum command_message_kind kind;
	uint64_t asker;          /* as given to command_run() */
	struct hm_field *fields; /* ROW, EVENT: n of them */
	size_t n;
	char *text; /* RAW: the text. END: the error's or the message's sentence, or NULL */
	enum hm_error_code code; /* END: HM_E_NONE when it went well */
};
void command_message_free(struct command_message *m);
/* Once, before the workers run. */
void command_set_receiver(void (*receive)(struct command_message *take));

/* Further tables (the daemon's own); before the workers run. */
void command_add_table(const struct hm_command *table, size_t n);

/* A value of the request by its name; numbers as text. All borrowed. */
struct command_value {
	const char *name, *value;
};
/*
 * Runs a command for an asker of this worker.  Always ends in one COMMAND_END, in a later turn,
 * also when the command is unknown or its arguments don't fit (code: command_code() says "usage").
 * The handle is for command_line() and command_cancel(); it stays valid until the asker, having got
 * COMMAND_END, lets go of it with one command_drop().
 */
struct hm_cmd *
command_run(uint64_t asker, const char *name, const struct command_value *v, size_t n);
/*
 * A line of a HM_ARG_LINES argument; NULL: that was the last.  Each is answered by
 * COMMAND_LINE_DONE; the asker keeps at most some hundred open.
 */
void command_line(struct hm_cmd *cmd, const char *line);
void command_cancel(struct hm_cmd *cmd);

/*
 * Walks all commands of all tables and hosts' modules, for `help`: module is NULL for the server's
 * own. pos starts at 0.
 */
const struct hm_command *command_next(size_t *pos, const char **module);
const char *command_arg_type(enum hm_arg_type type); /* "account" */
const char *command_code(enum hm_error_code code);   /* "not-found" */

/* --- For the implementation of commands ------------------------------------------------- */

struct hm_cmd {
	struct mail mail;
	struct waiter waiter;
	const struct hm_command *command;
	struct hm_mod *mod;       /* NULL: the server's own */
	struct host *host;        /* of the account or host argument; may be NULL */
	char *arg[COMMAND_ARGS];  /* NULL: left out */
	struct hm_user *user;     /* of the account argument; pinned */
	struct hm_entity *entity; /* of the entity argument; pinned */
	unsigned asker_worker;
	uint64_t asker;
	atomic_uint refs;
	atomic_bool ended, cancelled;
	/* Lines: called on the asker's worker for each. */
	void (*line)(struct hm_cmd *cmd, const char *line);
	/* Of a command that streams: called where it runs when it was cancelled. */
	void (*stop)(struct hm_cmd *cmd);
	void *own; /* of the command */
	struct hm_logctx log;
};
/* command_args.c: checks and keeps them; false: why (code 0: they don't fit the command). */
bool command_read_args(struct hm_cmd *cmd, const struct command_value *v, size_t n,
                       struct hm_error *why);
void command_hold(struct hm_cmd *cmd);
/*
 * Something it waited for came back: go in a turn of its account; NULL: it failed. Drops the
 * reference.
 */
void command_resume(struct hm_cmd *cmd, void (*go)(struct hm_cmd *cmd, void *arg), void *arg);
void command_drop(struct hm_cmd *cmd); /* any worker */
/*
 * The account of its argument is not kept in memory for it any longer; in a turn of that account.
 */
void command_let_go(struct hm_cmd *cmd);
struct entity *command_entity(const struct hm_cmd *cmd);
void command_raw(struct hm_cmd *cmd, const char *text);
void command_event_(struct hm_cmd *cmd, const struct hm_field *f, size_t n);
#define command_event(cmd, ...) command_event_(cmd, HM_FIELDS(__VA_ARGS__))
void command_line_done(struct hm_cmd *cmd);
void command_done_text(struct hm_cmd *cmd, const char *text);
/*
 * Runs fn on every worker, one after the other, then done on the worker that called. cmd is held
 * meanwhile.
 */
void command_everywhere(struct hm_cmd *cmd, void (*fn)(struct hm_cmd *cmd),
                        void (*done)(struct hm_cmd *cmd));

/* Tables: commands_account.c, commands_server.c, commands_remote.c. */
extern const struct hm_command account_commands[], server_commands[], remote_commands[],
	test_commands[];
extern const size_t account_commands_n, server_commands_n, remote_commands_n, test_commands_n;

#endif
