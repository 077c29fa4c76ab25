/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/lock.c - flock() on a file in the data directory.
 *
 * The file stays when the lock goes: to remove it would let two processes lock
 * two files of the same name.  Its text, the number of the process, is for people only.
 */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

static int lock_fd = -1;

static bool
same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* The process that the file names; 0: it does not say. */
static long
written_number(int fd)
{
	char text[24];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
	long pid;

	if (len <= 0)
		return 0;
	text[len] = '\0';
	pid = strtol(text, NULL, 10);
	return pid > 0 ? pid : 0;
}

static void
write_number(int fd)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	/* A full disk leaves the file empty: the lock holds all the same. */
	if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) != len)
		(void)!ftruncate(fd, 0);
}

static bool
lock_file(int fd, const char *path, struct hm_error *why)
{
	long pid;

	if (lock_fd >= 0 && same_file(lock_fd, fd)) {
		close(fd);
		return true;
	}
	hm_assert(lock_fd < 0);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		write_number(fd);
		lock_fd = fd;
		return true;
	}
	if (errno != EWOULDBLOCK)
		error_errno(why, "Cannot lock the directory %s", path);
	else if ((pid = written_number(fd)) > 0)
		error_set(why, HM_E_EXISTS,
		          "The directory %s is in use by another server, process %ld.", path, pid);
	else
		error_set(why, HM_E_EXISTS, "The directory %s is in use by another server.", path);
	close(fd);
	return false;
}

bool
store_lock_directory(const char *path, struct hm_error *why)
{
	char *name = mem_printf("%s/" STORE_LOCK_FILE, path);
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool ok;

	if (fd < 0)
		ok = error_errno(why, "Cannot open %s", name);
	else
		ok = lock_file(fd, path, why);
	mem_free(name);
	return ok;
}

bool
store_directory_locked(void)
{
	return lock_fd >= 0;
}

void
store_unlock_directory(void)
{
	if (lock_fd < 0)
		return;
	(void)!ftruncate(lock_fd, 0);
	close(lock_fd);
	lock_fd = -1;
}
