/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* cli/arguments.h - what was typed becomes the arguments that the command describes. */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include <jansson.h>

#include <hermod/values.h>

#include "exit.h"
#include "input.h"
#include "options.h"

struct arguments {
	json_t *json;       /* for the request */
	bool has_lines;     /* the input is to be streamed */
	struct input input; /* standard input, or the file named for the lines */
};

/* Words from `first` on are arguments.  Asks for secrets last, when all else is right. */
enum exit_status arguments_build(struct arguments *arguments, const json_t *command,
                                 const struct options *options, size_t first, struct hm_error *why);
void arguments_free(struct arguments *arguments);

#endif
