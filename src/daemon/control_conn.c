/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/control_conn.c - bytes become lines.  Lines may be secrets: what held them is wiped.
 */
#include "daemon/control_conn.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

#define LINGER_MS 500
#define STUCK_MS (60 * 1000)

static struct list all = { &all, &all };
static size_t count;

size_t
control_count(void)
{
	return count;
}

/* --- Output ---------------------------------------------------------------------------- */

void
control_write(struct control_conn *c, json_t *take)
{
	size_t len;
	char *text = control_text(take, &len);

	json_decref(take);
	if (!text || c->closing)
		goto out;
	conn_write(c->conn, text, len);
	if (conn_pending(c->conn) > CONTROL_OUTPUT_MAX) {
		log_line(conn_log(c->conn), HM_WARN,
		         "a control client does not read and is cut off");
		control_shut(c);
	}
out:
	mem_free(text);
}

void
control_shut(struct control_conn *c)
{
	if (c->closing)
		return;
	c->closing = true;
	control_cancel_all(c, false);
	conn_close(c->conn, LINGER_MS);
}

void
control_shut_all(void)
{
	list_for_each(l, next, &all)
	{
		struct control_conn *c = list_entry(l, struct control_conn, link);

		if (c->closing)
			continue;
		control_cancel_all(c, true);
		control_shut(c);
	}
}

/* --- Input ------------------------------------------------------------------------------- */

static void
consume(struct control_conn *c, size_t n)
{
	size_t rest = c->in.len - n;

	memmove(c->in.data, c->in.data + n, rest);
	explicit_bzero(c->in.data + rest, n);
	c->in.len = rest;
	c->scanned = 0;
}

static void
give_up(struct control_conn *c, const char *code, const char *text)
{
	control_write(c, control_failure(code, text));
	control_shut(c);
}

/* All lines that are there, unless a command has enough of them for now. */
static void
read_lines(struct control_conn *c)
{
	size_t used = 0;

	while (!c->closing && c->lines < CONTROL_LINES_MAX) {
		const char *start = c->in.data + used;
		size_t left = c->in.len - used, skip = used == 0 ? c->scanned : 0;
		const char *end = left > skip ? memchr(start + skip, '\n', left - skip) : NULL;

		/* Without its LF a line of this length is too long already. */
		if ((end ? (size_t)(end - start) : left) >= CONTROL_LINE_MAX) {
			give_up(c, "limit", "A line has at most 64 KiB.");
			break;
		}
		if (!end) {
			consume(c, used);
			c->scanned = left;
			conn_resume_reading(c->conn);
			return;
		}
		if (!control_line(c, start, (size_t)(end - start)))
			give_up(c, "invalid", "A line is a JSON object with an id.");
		used += (size_t)(end - start) + 1;
	}
	consume(c, c->closing ? c->in.len : used);
	if (!c->closing)
		conn_hold_reading(c->conn);
}

void
control_continue(struct control_conn *c)
{
	if (!c->closing && c->lines < CONTROL_LINES_MAX / 2)
		read_lines(c);
}

static size_t
readable(struct conn *conn, const char *data, size_t len)
{
	struct control_conn *c = conn_owner(conn);

	if (c->closing)
		return len;
	buf_append(&c->in, data, len);
	read_lines(c);
	return len;
}

static void
drained(struct conn *conn)
{
}

static void
ended(struct conn *conn, enum conn_end why)
{
	struct control_conn *c = conn_owner(conn);

	c->closing = true;
	control_cancel_all(c, false);
	list_remove(&c->link);
	count--;
	if (c->in.data)
		explicit_bzero(c->in.data, c->in.cap);
	buf_free(&c->in);
	mem_free(c);
	conn_free(&conn);
}

/* --- A new one --------------------------------------------------------------------------- */

static void
refuse(int fd)
{
	json_t *failure = control_failure("limit", "There are too many control connections.");
	size_t len;
	char *text = control_text(failure, &len);

	(void)!send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
	mem_free(text);
	json_decref(failure);
}

void
control_accept(int fd)
{
	static const struct conn_ops ops = { .readable = readable,
		                             .drained = drained,
		                             .ended = ended };
	struct control_conn *c;

	if (count >= CONTROL_CONNECTIONS_MAX) {
		refuse(fd);
		return;
	}
	c = mem_new(struct control_conn);
	list_init(&c->requests);
	list_push_back(&all, &c->link);
	count++;
	c->conn = conn_take_fd(fd, &ops, c);
	conn_set_output_limit(c->conn, CONTROL_OUTPUT_MAX, STUCK_MS);
}
