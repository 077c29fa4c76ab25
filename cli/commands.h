/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * cli/commands.h - the commands as the server describes them ("help" of
 * doc/control-protocol.md).  hermodctl has no list of its own.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"
#include "client.h"

/* An array of descriptions; NULL: why is in the answer.  The caller drops the reference. */
json_t *commands_fetch(struct client *client, struct answer *answer);
/* The command whose name is the longest run of words from the first on; NULL: none. */
json_t *commands_match(json_t *commands, const char *const *words, size_t n, size_t *matched);
/* Is it, or does it begin with, these words? */
bool command_begins_with(const json_t *command, const char *const *words, size_t n);

const char *command_name(const json_t *command);
const char *command_help(const json_t *command);
json_t *command_args(const json_t *command); /* an array or NULL */
/* Is the flag of this name true, of a command or of an argument? */
bool command_flag(const json_t *object, const char *name);
const char *arg_name(const json_t *arg);
bool arg_is(const json_t *arg, const char *type);

/* "account add JID": secrets are left out, they are not typed there. */
void command_synopsis(const json_t *command, struct buf *out);
/* "JID", "[LEVEL]", "WORD..." */
void arg_synopsis(const json_t *arg, struct buf *out);

#endif
