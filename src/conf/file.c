/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Reads what may have been put there by anybody: never blocks, never without bound. */
#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"

#define CHUNK 16384

/* NULL, or what is wrong. */
static const char *
read_all(int fd, struct buf *text)
{
	buf_reserve(text, CHUNK);
	text->data[0] = '\0';
	while (text->len <= CONF_FILE_BYTES_MAX) {
		ssize_t got;

		buf_reserve(text, CHUNK);
		got = read(fd, text->data + text->len, CHUNK);
		if (got == 0)
			return NULL;
		if (got < 0 && errno != EINTR)
			return strerror(errno);
		if (got > 0)
			text->len += (size_t)got;
	}
	return "it is too large; expected at most 1 MiB";
}

bool
conf_file_read(const char *path, const struct conf_place *at, struct conf_file *file,
               struct conf_report *report)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *wrong;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		wrong = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		wrong = "it is not a regular file";
	else
		wrong = read_all(fd, &file->text);
	if (fd >= 0)
		close(fd);
	if (wrong) {
		conf_mistake(report, at, "cannot read %s: %s", path, wrong);
		return false;
	}
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	return true;
}

bool
conf_text_check(const char *name, const char *text, size_t len, struct conf_report *report)
{
	struct conf_place at = { name, 1 };

	for (const char *line = text, *end = text + len; line < end; at.line++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *stop = newline ? newline : end;
		bool clean = utf8_valid(line, (size_t)(stop - line));

		for (const char *c = line; c < stop && clean; c++)
			clean = ((unsigned char)*c >= ' ' && *c != 0x7f) || *c == '\t' ||
			        (*c == '\r' && c + 1 == stop);
		if (!clean) {
			conf_mistake(
				report, &at,
				"not a line of text; expected UTF-8 without control characters");
			return false;
		}
		/* Not beyond the end, where no line begins. */
		line = newline ? newline + 1 : end;
	}
	return true;
}
