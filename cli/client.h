/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * cli/client.h - the client's side of doc/control-protocol.md: one connection,
 * one request at a time, input streamed while answers come.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <hermod/values.h>

#include "exit.h"
#include "input.h"

struct client;

/* A line of an answer with "row" or "event". */
typedef void client_line_fn(void *ctx, json_t *line);

struct request {
	const char *command;
	json_t *args;        /* borrowed; may be NULL */
	struct input *lines; /* streamed to the server, or NULL */
	bool streams;        /* no time-out; Ctrl-C is how it ends */
	client_line_fn *line;
	void *ctx;
};

struct answer {
	enum exit_status status;
	/* The server's, or ours: "no-connection", "timeout", "protocol", "input", "interrupted". */
	char code[32];
	char text[512]; /* why it failed, or what the server says with its ok; may be empty */
};

/* timeout_ms: for a sign of life from the server, at any time. */
struct client *client_connect(const char *path, int64_t timeout_ms, struct answer *answer);
void client_close(struct client **client);
/* After a status that is neither DONE, REFUSED nor USAGE the connection is of no more use. */
void client_ask(struct client *client, const struct request *request, struct answer *answer);

/* Fills the answer with a failure of our own. */
void answer_fail(struct answer *answer, enum exit_status status, const char *code, const char *fmt,
                 ...) HM_PRINTF(4, 5);

#endif
