/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/system.c - before threads. */
#include "daemon/system.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

bool
system_find_user(const char *name, struct system_user *user, struct hm_error *why)
{
	const struct passwd *entry;

	*user = (struct system_user){ .uid = geteuid(), .gid = getegid() };
	if (!name)
		return true;
	errno = 0;
	entry = getpwnam(name);
	if (!entry)
		return error_set(why, HM_E_NOT_FOUND, "there is no user \"%s\"", name);
	if (entry->pw_uid == geteuid())
		return true;
	if (geteuid() != 0)
		return error_set(
			why, HM_E_DENIED,
			"the configuration asks for user \"%s\", and only root can become another user",
			name);
	*user = (struct system_user){ true, entry->pw_uid, entry->pw_gid, name };
	return true;
}

bool
system_become(const struct system_user *user, struct hm_error *why)
{
	if (!user->change)
		return true;
	if (initgroups(user->name, user->gid) != 0 || setgid(user->gid) != 0 ||
	    setuid(user->uid) != 0)
		return error_errno(why, "cannot become user \"%s\"", user->name);
	if (user->uid != 0 && setuid(0) == 0)
		return error_set(why, HM_E_SYSTEM, "the rights of root could not be given up");
	return true;
}

bool
system_give_file(const char *path, const struct system_user *user, struct hm_error *why)
{
	return !user->change || lchown(path, user->uid, user->gid) == 0 ||
	       error_errno(why, "cannot give %s to user \"%s\"", path, user->name);
}

static bool
make_one(const char *path, mode_t mode, const struct system_user *user, struct hm_error *why)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return system_give_file(path, user, why);
	if (errno != EEXIST)
		return error_errno(why, "cannot make the directory %s", path);
	if (stat(path, &st) != 0)
		return error_errno(why, "cannot look at %s", path);
	return S_ISDIR(st.st_mode) || error_set(why, HM_E_SYSTEM, "%s is not a directory", path);
}

bool
system_make_directory(const char *path, mode_t mode, const struct system_user *user,
                      struct hm_error *why)
{
	char *text = mem_strdup(path);
	bool ok = true;

	for (char *slash = strchr(text + 1, '/'); ok && slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		ok = access(text, F_OK) == 0 || make_one(text, 0755, user, why);
		*slash = '/';
	}
	ok = ok && make_one(text, mode, user, why);
	mem_free(text);
	return ok;
}

bool
system_own_log(const struct system_user *user, struct hm_error *why)
{
	struct stat st;

	if (!user->change || fstat(log_fd(), &st) != 0 || !S_ISREG(st.st_mode))
		return true;
	return fchown(log_fd(), user->uid, user->gid) == 0 ||
	       error_errno(why, "cannot give the log file to user \"%s\"", user->name);
}

void
system_raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_line(NULL, HM_WARN, "the limit of open files could not be raised",
		         hm_kv("error", strerror(errno)));
}
