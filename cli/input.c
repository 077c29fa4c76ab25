/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Lines and passwords.  The buffer keeps what has been taken until the next
 * read, so that taking a line moves nothing.
 */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/error.h"
#include "base/mem.h"
#include "interrupt.h"

#define CHUNK 65536
#define LINE_MAX_BYTES (64 * 1024)
#define SECRET_MAX 1024

bool
input_open(struct input *input, const char *path, struct hm_error *why)
{
	*input = (struct input){ .fd = STDIN_FILENO };
	if (!path || strcmp(path, "-") == 0)
		return true;
	input->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return input->fd >= 0 || error_errno(why, "cannot read %s", path);
}

void
input_close(struct input *input)
{
	if (input->buf.data)
		explicit_bzero(input->buf.data, input->buf.cap);
	buf_free(&input->buf);
	if (input->fd > STDIN_FILENO)
		close(input->fd);
	input->fd = -1;
}

const char *
input_take(struct input *input, size_t *len)
{
	const char *start = input->buf.data ? input->buf.data + input->pos : NULL;
	size_t left = input->buf.len - input->pos;
	const char *newline = left ? memchr(start, '\n', left) : NULL;

	if (!newline && !(input->at_end && left))
		return NULL;
	*len = newline ? (size_t)(newline - start) : left;
	input->pos += *len + (newline != NULL);
	input->line++;
	if (*len > 0 && start[*len - 1] == '\r')
		(*len)--;
	return start;
}

bool
input_read(struct input *input, struct hm_error *why)
{
	ssize_t got;

	buf_consume(&input->buf, input->pos);
	input->pos = 0;
	if (input->buf.len > LINE_MAX_BYTES && !memchr(input->buf.data, '\n', input->buf.len))
		return error_set(why, HM_E_LIMIT, "line %lu of the input is longer than 64 KiB",
		                 input->line + 1);
	buf_reserve(&input->buf, CHUNK);
	got = read(input->fd, input->buf.data + input->buf.len, CHUNK);
	if (got < 0)
		return errno == EINTR || errno == EAGAIN ||
		       error_errno(why, "cannot read the input");
	if (got == 0)
		input->at_end = true;
	input->buf.len += (size_t)got;
	return true;
}

/* --- Secrets ---------------------------------------------------------------- */

void
input_wipe(char **secret)
{
	mem_free_secret(*secret);
	*secret = NULL;
}

/* The next line; *secret NULL at the end of the input. */
static bool
read_secret(struct input *input, char **secret, struct hm_error *why)
{
	const char *line;
	size_t len;

	*secret = NULL;
	for (line = input_take(input, &len); !line; line = input_take(input, &len)) {
		struct pollfd wait = { .fd = input->fd, .events = POLLIN };

		if (input->at_end)
			return true;
		if (ppoll(&wait, 1, NULL, interrupt_mask()) < 0)
			return error_set(why, HM_E_INVALID, "interrupted");
		if (!input_read(input, why))
			return false;
	}
	if (len > SECRET_MAX || memchr(line, '\0', len) || !utf8_valid(line, len))
		return error_set(why, HM_E_INVALID,
		                 "the secret is not UTF-8 text of at most %d bytes", SECRET_MAX);
	*secret = mem_strndup(line, len);
	return true;
}

static bool
ask_once(struct input *input, const char *prompt, char **secret, struct hm_error *why)
{
	bool read;

	fprintf(stderr, "%s: ", prompt);
	fflush(stderr);
	read = read_secret(input, secret, why);
	/* The terminal echoed no line end. */
	fputc('\n', stderr);
	return read;
}

static bool
ask_twice(struct input *input, const char *prompt, char **secret, struct hm_error *why)
{
	char *again = NULL;
	bool same;

	if (!ask_once(input, prompt, secret, why))
		return false;
	if (!*secret || !**secret)
		return true;
	same = ask_once(input, "Once more", &again, why);
	if (same && (!again || strcmp(*secret, again) != 0))
		same = error_set(why, HM_E_INVALID, "the two entries differ");
	input_wipe(&again);
	return same;
}

/* Echo comes back whatever happens: signals that would end the program are counted (interrupt.h). */
static bool
ask_terminal(struct input *input, const char *prompt, char **secret, struct hm_error *why)
{
	struct termios before, quiet;
	void (*stop)(int);
	bool answered;

	if (tcgetattr(input->fd, &before) != 0)
		return error_errno(why, "cannot use the terminal");
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	stop = signal(SIGTSTP, SIG_IGN);
	if (tcsetattr(input->fd, TCSAFLUSH, &quiet) == 0)
		answered = ask_twice(input, prompt, secret, why);
	else
		answered = error_errno(why, "cannot turn the echo of the terminal off");
	tcsetattr(input->fd, TCSAFLUSH, &before);
	signal(SIGTSTP, stop);
	return answered;
}

bool
input_secret(struct input *stdin_input, const char *prompt, char **secret, struct hm_error *why)
{
	bool answered;

	*secret = NULL;
	if (isatty(stdin_input->fd))
		answered = ask_terminal(stdin_input, prompt, secret, why);
	else
		answered = read_secret(stdin_input, secret, why);
	if (!answered || (*secret && !**secret))
		input_wipe(secret);
	return answered;
}
