/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/log.c - which lines are wanted, and where they go.  Any thread may log at
 * any time: a line is built on its stack and given to the kernel in one
 * write(), so that lines never mix and no lock is held.
 *
 * Whether a line is wanted is nearly always answered from two atomics: below
 * `lowest` nothing is wanted, from `highest` on everything.  Only between them,
 * when a subject has a level of its own, is the list asked, under a lock.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log_line.h"

#define SUBJECTS_MAX 32
#define SUBJECT_NAME_MAX 32

struct subject_level {
	char subject[SUBJECT_NAME_MAX];
	enum hm_level level;
	int64_t until_mono_ms; /* 0: for good */
};

void (*log_on_crash)(int fd);

static struct {
	_Atomic int fd;
	_Atomic int format;
	_Atomic int lowest, highest; /* levels */
	_Atomic uint64_t count[HM_ERROR + 1];
	pthread_mutex_t lock; /* for what is below */
	int file;             /* our own descriptor once a file was opened, else -1 */
	enum hm_level level;
	size_t n;
	struct subject_level subjects[SUBJECTS_MAX];
} logger = {
	.fd = STDERR_FILENO,
	.format = LOG_LOGFMT,
	.lowest = HM_INFO,
	.highest = HM_INFO,
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.file = -1,
	.level = HM_INFO,
};

static const char *const level_names[] = {
	[HM_DEBUG] = "debug",
	[HM_INFO] = "info",
	[HM_WARN] = "warn",
	[HM_ERROR] = "error",
};

/* --- Where lines go -------------------------------------------------------- */

/*
 * The descriptor of the file never changes its number: other threads may be
 * about to write to it, and a closed number could be a socket by then.
 */
static bool
open_file(const char *path, struct hm_error *why)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);

	if (fd < 0)
		return error_errno(why, "log file %s", path);
	if (logger.file < 0) {
		logger.file = fd;
	} else {
		int put = dup3(fd, logger.file, O_CLOEXEC);

		close(fd);
		if (put < 0)
			return error_errno(why, "log file %s", path);
	}
	atomic_store(&logger.fd, logger.file);
	return true;
}

bool
log_open(const char *path, enum log_format format, struct hm_error *why)
{
	bool ok = true;

	pthread_mutex_lock(&logger.lock);
	if (path && strcmp(path, "-") != 0)
		ok = open_file(path, why);
	else
		atomic_store(&logger.fd, STDERR_FILENO);
	if (ok)
		atomic_store(&logger.format, format);
	pthread_mutex_unlock(&logger.lock);
	return ok;
}

int
log_fd(void)
{
	return atomic_load(&logger.fd);
}

/* A full disk loses lines and nothing else. */
static void
write_line(const char *data, size_t len)
{
	int fd = log_fd();

	while (len) {
		ssize_t put = write(fd, data, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return;
		data += put;
		len -= (size_t)put;
	}
}

/* --- Which lines are wanted ------------------------------------------------ */

/* With the lock held: recomputes the two atomics. */
static void
levels_changed(void)
{
	enum hm_level lowest = logger.level, highest = logger.level;

	for (size_t i = 0; i < logger.n; i++) {
		enum hm_level level = logger.subjects[i].level;

		lowest = level < lowest ? level : lowest;
		highest = level > highest ? level : highest;
	}
	atomic_store_explicit(&logger.lowest, (int)lowest, memory_order_relaxed);
	atomic_store_explicit(&logger.highest, (int)highest, memory_order_relaxed);
}

/* With the lock held. */
static void
drop_subject(size_t i)
{
	logger.subjects[i] = logger.subjects[--logger.n];
	levels_changed();
}

static struct subject_level *
find_subject(const char *subject)
{
	for (size_t i = 0; i < logger.n; i++)
		if (strcmp(logger.subjects[i].subject, subject) == 0)
			return &logger.subjects[i];
	return NULL;
}

/* With the lock held: entries whose time is over go. */
static void
drop_expired(void)
{
	int64_t now = clock_mono_ms();

	for (size_t i = logger.n; i-- > 0;)
		if (logger.subjects[i].until_mono_ms && logger.subjects[i].until_mono_ms <= now)
			drop_subject(i);
}

void
log_set_level(enum hm_level level)
{
	pthread_mutex_lock(&logger.lock);
	logger.level = level;
	levels_changed();
	pthread_mutex_unlock(&logger.lock);
}

bool
log_set_subject_level(const char *subject, enum hm_level level, int64_t until_mono_ms)
{
	struct subject_level *entry;

	if (!subject) {
		log_set_level(level);
		return true;
	}
	if (strlen(subject) >= SUBJECT_NAME_MAX)
		return false;
	pthread_mutex_lock(&logger.lock);
	drop_expired();
	entry = find_subject(subject);
	if (!entry && logger.n < SUBJECTS_MAX) {
		entry = &logger.subjects[logger.n++];
		memcpy(entry->subject, subject, strlen(subject) + 1);
	}
	if (entry) {
		entry->level = level;
		entry->until_mono_ms = until_mono_ms;
		levels_changed();
	}
	pthread_mutex_unlock(&logger.lock);
	return entry;
}

bool
log_level_by_name(const char *name, enum hm_level *level)
{
	for (size_t i = 0; i < HM_COUNT(level_names); i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*level = (enum hm_level)i;
			return true;
		}
	}
	return false;
}

static const char *
subject_of(const struct hm_logctx *ctx)
{
	while (ctx && !ctx->subject)
		ctx = ctx->parent;
	return ctx ? ctx->subject : NULL;
}

static bool
wanted_by_subject(const struct hm_logctx *ctx, enum hm_level level)
{
	const char *subject = subject_of(ctx);
	const struct subject_level *entry;
	bool wanted;

	pthread_mutex_lock(&logger.lock);
	drop_expired();
	entry = subject ? find_subject(subject) : NULL;
	wanted = level >= (entry ? entry->level : logger.level);
	pthread_mutex_unlock(&logger.lock);
	return wanted;
}

bool
hm_log_wanted(const struct hm_logctx *ctx, enum hm_level level)
{
	if ((int)level < atomic_load_explicit(&logger.lowest, memory_order_relaxed))
		return false;
	if ((int)level >= atomic_load_explicit(&logger.highest, memory_order_relaxed))
		return true;
	return wanted_by_subject(ctx, level);
}

uint64_t
log_count(enum hm_level level)
{
	return atomic_load_explicit(&logger.count[level], memory_order_relaxed);
}

/* --- A line ---------------------------------------------------------------- */

/* Outermost first; chains are a handful long. */
static void
context_fields(struct log_line *line, const struct hm_logctx *ctx)
{
	if (!ctx)
		return;
	context_fields(line, ctx->parent);
	for (unsigned i = 0; i < ctx->n && i < HM_LOGCTX_FIELDS; i++)
		log_line_field(line, ctx->field[i].key, ctx->field[i].value);
}

void
hm_log_(const struct hm_logctx *ctx, enum hm_level level, const char *file, int line_number,
        const char *msg, const struct hm_field *fields, size_t n)
{
	char stamp[CLOCK_STAMP_MAX];
	struct log_line line;
	int saved_errno = errno;

	if (!hm_log_wanted(ctx, level))
		return;
	atomic_fetch_add_explicit(&logger.count[level], 1, memory_order_relaxed);
	log_line_start(&line, (enum log_format)atomic_load(&logger.format));
	log_line_field(&line, "time", hm_value_text(clock_stamp(clock_wall_us(), 6, stamp)));
	log_line_field(&line, "level", hm_value_text(level_names[level]));
	log_line_field(&line, "msg", hm_value_text(msg));
	if (subject_of(ctx))
		log_line_field(&line, "subject", hm_value_text(subject_of(ctx)));
	context_fields(&line, ctx);
	for (size_t i = 0; i < n; i++)
		log_line_field(&line, fields[i].key, fields[i].value);
	/* An error is looked up in the source; other messages are found by their text. */
	if (level == HM_ERROR) {
		const char *slash = strrchr(file, '/');

		log_line_field(&line, "file", hm_value_text(slash ? slash + 1 : file));
		log_line_field(&line, "line", hm_value_int(line_number));
	}
	log_line_end(&line);
	write_line(line.data, line.len);
	errno = saved_errno;
}
