/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * cli/options.h - the command line, split: our own options, the words of the
 * command and its arguments, and arguments given by name.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hermod/values.h>

#define OPTIONS_NAMED_MAX 32

struct named {
	const char *name, *value;
};

struct options {
	const char *socket;
	int64_t timeout_ms;
	bool json, help, version;
	const char **words; /* argv without the options; freed by options_free() */
	size_t n_words;
	struct named named[OPTIONS_NAMED_MAX];
	size_t n_named;
};

/* lenient: for completion, where the line is not finished. */
bool
options_parse(struct options *options, char **argv, bool lenient, struct hm_error *why) HM_MUST_USE;
void options_free(struct options *options);

#endif
