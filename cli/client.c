/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * A request and its answer over the control socket.  Everything waits in one
 * ppoll(2): the socket in both directions, the input, the signals.
 */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "interrupt.h"

#define REQUEST_LINE_MAX (64 * 1024) /* doc/control-protocol.md */
#define ANSWER_LINE_MAX (1024 * 1024)
#define INPUT_AHEAD (128 * 1024) /* bytes of lines that wait for the socket */
#define CHUNK 65536

struct client {
	int fd;
	int64_t timeout_ms;
	json_int_t id; /* of the last request */
	struct buf in, out;
	size_t sent; /* what of out has gone */
};

/* A request on its way. */
struct exchange {
	struct client *client;
	const struct request *request;
	struct answer *answer;
	int64_t deadline_ms;
	bool input_open; /* lines may still follow */
	bool cancelled;
	bool done;
};

void
answer_fail(struct answer *answer, enum exit_status status, const char *code, const char *fmt, ...)
{
	va_list args;

	answer->status = status;
	snprintf(answer->code, sizeof(answer->code), "%s", code);
	va_start(args, fmt);
	vsnprintf(answer->text, sizeof(answer->text), fmt, args);
	va_end(args);
}

/* --- The connection ----------------------------------------------------------- */

static int
connect_to(const char *path, int64_t timeout_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int64_t until = clock_mono_ms() + timeout_ms;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	while (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		/* The server's queue is full: poll(2) cannot wait for that. */
		struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
		int err = errno;

		if (err == EAGAIN && clock_mono_ms() < until) {
			nanosleep(&pause, NULL);
			continue;
		}
		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

struct client *
client_connect(const char *path, int64_t timeout_ms, struct answer *answer)
{
	int fd = connect_to(path, timeout_ms);
	struct client *client;

	if (fd < 0) {
		const char *hint = "";

		if (errno == ENOENT || errno == ECONNREFUSED)
			hint = "; is the server running?";
		else if (errno == EACCES)
			hint = "; only the server's user and group may use it";
		answer_fail(answer, EXIT_NO_CONNECTION, "no-connection",
		            "Cannot connect to %s: %s%s", path, strerror(errno), hint);
		return NULL;
	}
	client = mem_new(struct client);
	client->fd = fd;
	client->timeout_ms = timeout_ms;
	return client;
}

static void
wipe(struct buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->cap);
	buf_free(buf);
}

void
client_close(struct client **client)
{
	if (!*client)
		return;
	close((*client)->fd);
	wipe(&(*client)->in);
	wipe(&(*client)->out);
	mem_free(*client);
	*client = NULL;
}

/* --- Lines to the server ------------------------------------------------------ */

static void
fail(struct exchange *exchange, enum exit_status status, const char *code, const char *text)
{
	answer_fail(exchange->answer, status, code, "%s", text);
	exchange->done = true;
}

/* Takes the object.  false: it does not fit into a line. */
static bool
queue_object(struct client *client, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;
	bool fits = text && len < REQUEST_LINE_MAX;

	if (fits) {
		buf_append(&client->out, text, len);
		buf_putc(&client->out, '\n');
		explicit_bzero(text, len);
	}
	free(text);
	json_decref(object);
	return fits;
}

static void
queue_input_line(struct exchange *exchange, const char *line, size_t len)
{
	struct client *client = exchange->client;
	char text[128];

	/* jansson refuses what is not UTF-8. */
	if (queue_object(client, json_pack("{s:I,s:s%}", "id", client->id, "line", line, len)))
		return;
	snprintf(text, sizeof(text), "Line %lu of the input is too long or not UTF-8 text.",
	         exchange->request->lines->line);
	fail(exchange, EXIT_INPUT, "input", text);
}

/* Moves lines that are there from the input to the socket's buffer. */
static void
queue_input(struct exchange *exchange)
{
	struct client *client = exchange->client;
	struct input *input = exchange->request->lines;
	const char *line;
	size_t len;

	while (exchange->input_open && !exchange->done &&
	       client->out.len - client->sent < INPUT_AHEAD) {
		line = input_take(input, &len);
		if (line) {
			queue_input_line(exchange, line, len);
		} else if (input->at_end) {
			queue_object(client, json_pack("{s:I,s:b}", "id", client->id, "end", 1));
			exchange->input_open = false;
		} else {
			return;
		}
	}
}

static void
flush(struct exchange *exchange)
{
	struct client *client = exchange->client;
	size_t left = client->out.len - client->sent;
	ssize_t put = send(client->fd, client->out.data + client->sent, left, MSG_NOSIGNAL);

	if (put > 0) {
		client->sent += (size_t)put;
		exchange->deadline_ms = clock_mono_ms() + client->timeout_ms;
	}
	if (client->sent == client->out.len) {
		if (client->out.data)
			explicit_bzero(client->out.data, client->out.len);
		buf_clear(&client->out);
		client->sent = 0;
	} else if (client->sent > INPUT_AHEAD) {
		buf_consume(&client->out, client->sent);
		client->sent = 0;
	}
	/* That the server has gone shows when we read: it may have said why. */
	if (put < 0 && (errno == EPIPE || errno == ECONNRESET)) {
		exchange->input_open = false;
		buf_clear(&client->out);
		client->sent = 0;
	}
}

/* --- Lines from the server ---------------------------------------------------- */

static void
take_final(struct exchange *exchange, json_t *line)
{
	struct answer *answer = exchange->answer;
	const char *message = json_string_value(json_object_get(line, "message"));
	const char *error = json_string_value(json_object_get(line, "error"));
	const char *code = json_string_value(json_object_get(line, "code"));

	exchange->done = true;
	if (json_is_true(json_object_get(line, "ok"))) {
		answer_fail(answer, EXIT_DONE, "", "%s", message ? message : "");
		return;
	}
	answer_fail(answer, code && strcmp(code, "usage") == 0 ? EXIT_USAGE : EXIT_REFUSED,
	            code ? code : "", "%s", error ? error : "The server refused.");
	if (exchange->cancelled && code && strcmp(code, "cancelled") == 0)
		answer->status = EXIT_INTERRUPTED;
}

static void
take_line(struct exchange *exchange, const char *text, size_t len)
{
	json_t *line = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	json_t *id = json_object_get(line, "id");

	if (!json_is_object(line))
		fail(exchange, EXIT_PROTOCOL, "protocol", "The server's answer is not understood.");
	else if (id ? json_integer_value(id) == exchange->client->id : true) {
		if (json_object_get(line, "ok"))
			take_final(exchange, line);
		else if (exchange->request->line && !exchange->cancelled)
			exchange->request->line(exchange->request->ctx, line);
	}
	json_decref(line);
}

static void
take_lines(struct exchange *exchange)
{
	struct buf *in = &exchange->client->in;
	size_t pos = 0;

	while (!exchange->done && pos < in->len) {
		const char *start = in->data + pos;
		const char *newline = memchr(start, '\n', in->len - pos);

		if (!newline)
			break;
		take_line(exchange, start, (size_t)(newline - start));
		pos += (size_t)(newline - start) + 1;
	}
	buf_consume(in, pos);
	if (!exchange->done && in->len > ANSWER_LINE_MAX)
		fail(exchange, EXIT_PROTOCOL, "protocol", "A line of the server is too long.");
}

static void
receive(struct exchange *exchange)
{
	struct client *client = exchange->client;
	ssize_t got;

	buf_reserve(&client->in, CHUNK);
	got = recv(client->fd, client->in.data + client->in.len, CHUNK, 0);
	if (got > 0) {
		client->in.len += (size_t)got;
		exchange->deadline_ms = clock_mono_ms() + client->timeout_ms;
		take_lines(exchange);
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		fail(exchange, EXIT_NO_CONNECTION, "no-connection",
		     "The server closed the connection before it had answered.");
	}
}

/* --- The exchange ------------------------------------------------------------- */

static void
cancel(struct exchange *exchange)
{
	struct client *client = exchange->client;

	exchange->cancelled = true;
	exchange->input_open = false;
	exchange->deadline_ms = clock_mono_ms() + client->timeout_ms;
	queue_object(client, json_pack("{s:I,s:b}", "id", client->id, "cancel", 1));
}

static bool
check_signals(struct exchange *exchange)
{
	unsigned count = interrupt_count();

	if (count > 1)
		fail(exchange, EXIT_INTERRUPTED, "interrupted", "Interrupted.");
	else if (count == 1 && !exchange->cancelled)
		cancel(exchange);
	return !exchange->done;
}

static void
handle_events(struct exchange *exchange, short on_socket, short on_input)
{
	struct hm_error why;

	if (on_socket & POLLOUT)
		flush(exchange);
	if (on_socket & (POLLIN | POLLHUP | POLLERR))
		receive(exchange);
	if (on_input && !exchange->done && !input_read(exchange->request->lines, &why))
		fail(exchange, EXIT_INPUT, "input", why.text);
}

/* Waits for what comes next, once. */
static void
turn(struct exchange *exchange)
{
	struct client *client = exchange->client;
	bool wants_input = exchange->input_open && client->out.len - client->sent < INPUT_AHEAD;
	bool is_patient = exchange->request->streams && !exchange->cancelled;
	int64_t left = exchange->deadline_ms - clock_mono_ms();
	struct pollfd fds[2] = {
		{ .fd = client->fd, .events = POLLIN },
		{ .fd = wants_input ? exchange->request->lines->fd : -1, .events = POLLIN },
	};
	struct timespec wait = { 0 };
	int n;

	if (client->out.len > client->sent)
		fds[0].events |= POLLOUT;
	/* Who types the input may take his time. */
	is_patient = is_patient || (wants_input && client->out.len == client->sent);
	if (left > 0)
		wait = (struct timespec){ left / 1000, left % 1000 * 1000000 };
	n = ppoll(fds, 2, is_patient ? NULL : &wait, interrupt_mask());
	if (n == 0)
		fail(exchange, EXIT_TIMEOUT, "timeout", "The server did not answer in time.");
	else if (n > 0)
		handle_events(exchange, fds[0].revents, fds[1].revents);
}

void
client_ask(struct client *client, const struct request *request, struct answer *answer)
{
	struct exchange exchange = {
		.client = client,
		.request = request,
		.answer = answer,
		.deadline_ms = clock_mono_ms() + client->timeout_ms,
		.input_open = request->lines != NULL,
	};
	json_t *object = json_pack("{s:I,s:s}", "id", ++client->id, "command", request->command);

	if (request->args)
		json_object_set(object, "args", request->args);
	if (!queue_object(client, object))
		fail(&exchange, EXIT_USAGE, "usage", "The arguments are too long.");
	while (!exchange.done && check_signals(&exchange)) {
		queue_input(&exchange);
		if (!exchange.done)
			turn(&exchange);
	}
	/* A stream of events is always ended by somebody. */
	if (request->streams && exchange.cancelled && answer->status == EXIT_INTERRUPTED &&
	    interrupt_count() == 1)
		answer->status = EXIT_DONE;
}
