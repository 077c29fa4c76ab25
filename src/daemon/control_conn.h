/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/control_conn.h - one connection of the control socket and its requests; for the
 * control*.c files.  Worker 0.
 */
#ifndef DAEMON_CONTROL_CONN_H
#define DAEMON_CONTROL_CONN_H

#include <jansson.h>

#include "base/buf.h"
#include "base/list.h"
#include "core/command.h"
#include "net/conn.h"

#define CONTROL_LINE_MAX 65536     /* of a client, with its LF */
#define CONTROL_ANSWER_MAX 1048576 /* of ours, with its LF */
#define CONTROL_OPEN_MAX 16        /* requests of a connection */
#define CONTROL_CONNECTIONS_MAX 64
#define CONTROL_LINES_MAX 256              /* of input, given to a command and not yet worked off */
#define CONTROL_OUTPUT_MAX (64 * 1048576u) /* a client that does not read is cut off beyond it */

struct control_conn {
	struct list link; /* in the list of all */
	struct conn *conn;
	struct buf in;
	size_t scanned; /* bytes of in without a line end */
	struct list requests;
	unsigned n_requests;
	unsigned lines; /* CONTROL_LINES_MAX */
	bool closing;
};

struct control_request {
	struct list link;          /* in its connection's list, if that is still there */
	struct control_conn *conn; /* NULL: it has gone; the command goes on to its end */
	uint64_t asker;
	json_int_t id;
	struct hm_cmd *cmd;
	bool takes_lines, lines_ended;
	bool answered; /* nothing more is said about it */
};

/* --- control_conn.c --- */
void control_accept(int fd);
/* Of the connection, or of a request that has not been answered. Takes the object. */
void control_write(struct control_conn *c, json_t *take);
/* No more requests; what has been written goes out. */
void control_shut(struct control_conn *c);
void control_shut_all(void);
size_t control_count(void);
/* Goes on with lines that had to wait. */
void control_continue(struct control_conn *c);

/* --- control_request.c --- */
/* One line without its LF; false: nobody knows any more what belongs to what. */
bool control_line(struct control_conn *c, const char *line, size_t len);
/* Ends all requests of a connection: with an answer if it can still be written, and else by itself. */
void control_cancel_all(struct control_conn *c, bool answer);

/* --- control_answer.c --- */
json_t *control_failure(const char *code, const char *text);
void control_fail(struct control_conn *c, json_int_t id, const char *code, const char *text);
void control_answer(struct control_request *r, const struct command_message *m);
/* The text of the object, with its LF, within CONTROL_ANSWER_MAX; NULL: it cannot be. For buf_free-like mem_free(). */
char *control_text(json_t *object, size_t *len);

/* --- control_help.c --- */
void control_help(struct control_conn *c, json_int_t id, json_t *args);
/* The declaration of a command; NULL: unknown. */
const struct hm_command *control_find_command(const char *name);

#endif
