/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/control.c - the listening socket.  Who may connect is decided by the file: 0660 in a directory of
 * 0750, both of the server's user and group.
 */
#include "daemon/control.h"

#include <errno.h>
#include <event2/event.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/control_conn.h"
#include "loop/timer.h"
#include "loop/worker.h"

#define BACKLOG 64
#define ACCEPTS_PER_TURN 16
#define PAUSE_MS 500 /* when descriptors have run out */

static struct {
	int fd;
	struct sockaddr_un address;
	struct event *event;
	struct timer pause;
	bool exhausted; /* it was said in the log */
} control = { .fd = -1 };

/* --- Memory of JSON: requests may hold passwords, so all of it is wiped ------------------------ */

struct wiped {
	size_t size;
	_Alignas(max_align_t) char data[];
};

static void *
wiped_alloc(size_t size)
{
	struct wiped *w = mem_alloc(sizeof(*w) + size);

	w->size = size;
	return w->data;
}

static void
wiped_free(void *data)
{
	struct wiped *w;

	if (!data)
		return;
	w = HM_CONTAINER(data, struct wiped, data);
	explicit_bzero(w->data, w->size);
	mem_free(w);
}

/* --- Binding ----------------------------------------------------------------------------- */

/* A file that a server left behind when it was killed. */
static bool
remove_left_behind(struct hm_error *why)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result =
		connect(fd, (const struct sockaddr *)&control.address, sizeof(control.address));
	int err = errno;

	close(fd);
	if (result == 0 || err == EAGAIN)
		return error_set(why, HM_E_EXISTS, "another server answers on %s",
		                 control.address.sun_path);
	if (err != ENOENT && unlink(control.address.sun_path) != 0)
		return error_errno(why, "cannot replace %s", control.address.sun_path);
	return true;
}

static bool
bind_file(const struct system_user *user, struct hm_error *why)
{
	mode_t before = umask(0117);
	bool ok = bind(control.fd, (const struct sockaddr *)&control.address,
	               sizeof(control.address)) == 0;

	umask(before);
	if (!ok)
		return error_errno(why, "cannot make %s", control.address.sun_path);
	return system_give_file(control.address.sun_path, user, why);
}

bool
control_bind(const char *run_directory, const struct system_user *user, struct hm_error *why)
{
	int len = snprintf(control.address.sun_path, sizeof(control.address.sun_path),
	                   "%s/control.sock", run_directory);

	json_set_alloc_funcs(wiped_alloc, wiped_free);
	control.address.sun_family = AF_UNIX;
	if (len < 0 || (size_t)len >= sizeof(control.address.sun_path))
		return error_set(
			why, HM_E_LIMIT,
			"run_directory is too long: the path of a socket has at most %zu bytes",
			sizeof(control.address.sun_path) - 1);
	if (!remove_left_behind(why))
		return false;
	control.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control.fd < 0)
		return error_errno(why, "no socket for control.sock");
	return bind_file(user, why);
}

/* --- Accepting ----------------------------------------------------------------------------- */

static void
go_on(struct timer *t)
{
	event_add(control.event, NULL);
}

static void
pause_accepting(void)
{
	if (!control.exhausted)
		log_line(NULL, HM_WARN, "the control socket cannot accept",
		         hm_kv("error", strerror(errno)));
	control.exhausted = true;
	event_del(control.event);
	timer_start(&control.pause, PAUSE_MS, go_on);
}

static void
accept_some(evutil_socket_t listening, short what, void *ctx)
{
	worker_enter();
	for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			control.exhausted = false;
			control_accept(fd);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		           errno == ENOBUFS) {
			pause_accepting();
			break;
		} else if (errno != ECONNABORTED && errno != EINTR) {
			break;
		}
	}
	worker_leave();
}

void
control_open(void)
{
	if (listen(control.fd, BACKLOG) != 0) {
		log_line(NULL, HM_ERROR, "the control socket cannot listen",
		         hm_kv("error", strerror(errno)));
		return;
	}
	control.event =
		event_new(worker_base(), control.fd, EV_READ | EV_PERSIST, accept_some, NULL);
	hm_assert(control.event && event_add(control.event, NULL) == 0);
}

void
control_close(void)
{
	timer_stop(&control.pause);
	if (control.event)
		event_free(control.event);
	control.event = NULL;
	unlink(control.address.sun_path);
	close(control.fd);
	control.fd = -1;
	control_shut_all();
}

bool
control_idle(void)
{
	return control_count() == 0;
}

void
control_free(void)
{
	if (control.event)
		event_free(control.event);
	control.event = NULL;
	if (control.fd >= 0) {
		unlink(control.address.sun_path);
		close(control.fd);
	}
	control.fd = -1;
}
