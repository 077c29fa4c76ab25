/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/system.h - what is asked of the operating system at start: directories, limits, the user. */
#ifndef DAEMON_SYSTEM_H
#define DAEMON_SYSTEM_H

#include <stdbool.h>
#include <sys/types.h>

#include <hermod/values.h>

/* Whom the server becomes. */
struct system_user {
	bool change; /* else all stays as it is */
	uid_t uid;
	gid_t gid;
	const char *name;
};

/* name: the key `user`, or NULL.  Only root can become somebody else; for others it must be who they are. */
bool system_find_user(const char *name, struct system_user *user, struct hm_error *why) HM_MUST_USE;
/* For good: groups, group, user. */
bool system_become(const struct system_user *user, struct hm_error *why) HM_MUST_USE;
/* Makes the directory and those above it with this mode when they are missing; what is made belongs to user. */
bool system_make_directory(const char *path, mode_t mode, const struct system_user *user,
                           struct hm_error *why) HM_MUST_USE;
/* A file that was made as root and is the user's from now on. */
bool system_give_file(const char *path, const struct system_user *user,
                      struct hm_error *why) HM_MUST_USE;
/* The log file, if it is one, belongs to user: it is opened again later. */
bool system_own_log(const struct system_user *user, struct hm_error *why) HM_MUST_USE;
/* As many descriptors as we may have. */
void system_raise_limits(void);

#endif
