/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* cli/help.h - what hermodctl says about itself and about the server's commands. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

void help_usage(FILE *to);
/* The commands that begin with these words, a line each; with one alone, all about it.  Returns how many. */
size_t help_commands(FILE *to, json_t *commands, const char *const *words, size_t n);
/* "usage: hermodctl account add JID" */
void help_synopsis(FILE *to, const json_t *command);

#endif
