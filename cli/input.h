/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * cli/input.h - lines from a file or standard input, and passwords from the
 * terminal.  What is read may be secret: it is wiped when it goes.
 */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <hermod/values.h>

#include "base/buf.h"

struct input {
	int fd;
	bool at_end;
	unsigned long line; /* of the last line taken, from 1 */
	size_t pos;         /* what of buf has been taken */
	struct buf buf;
};

/* "-" or NULL: standard input. */
bool input_open(struct input *input, const char *path, struct hm_error *why) HM_MUST_USE;
void input_close(struct input *input);
/*
 * Takes a line that is complete, without its end; valid until the next call.
 * NULL: read more first, or, with at_end, there is none.
 */
const char *input_take(struct input *input, size_t *len);
/* One read(2): blocks unless poll(2) has said otherwise. */
bool input_read(struct input *input, struct hm_error *why) HM_MUST_USE;

/*
 * A secret, from the terminal without echo and twice if standard input is one,
 * else the next line of it.  The caller wipes and frees it.  *secret is NULL when
 * there is none, an empty answer included.
 */
bool input_secret(struct input *stdin_input, const char *prompt, char **secret,
                  struct hm_error *why) HM_MUST_USE;
void input_wipe(char **secret);

#endif
