/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
#include "proxy.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <hermod/values.h>

#define PAIRS 32

struct proxy {
	char folder[64], socket[96], server[96];
	int listener, wake[2];
	pthread_t thread;
	pthread_mutex_t lock; /* for all below */
	bool ending, closed, has_cut;
	unsigned connections;
	char before[64], after[64], answer[64];
	bool swallowing;
	/* The thread's own: client, server. */
	struct {
		int fd[2];
	} pair[PAIRS];
};

static int
connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
close_pair(struct proxy *p, unsigned i)
{
	close(p->pair[i].fd[0]);
	close(p->pair[i].fd[1]);
	p->pair[i].fd[0] = p->pair[i].fd[1] = -1;
}

static void
close_all(struct proxy *p)
{
	for (unsigned i = 0; i < PAIRS; i++) {
		if (p->pair[i].fd[0] >= 0)
			close_pair(p, i);
	}
	p->swallowing = false;
}

static void
welcome(struct proxy *p)
{
	int client = accept(p->listener, NULL, NULL), server;

	if (p->closed || (server = connect_to(p->server)) < 0) {
		close(client);
		return;
	}
	p->connections++;
	for (unsigned i = 0; i < PAIRS; i++) {
		if (p->pair[i].fd[0] < 0) {
			p->pair[i].fd[0] = client;
			p->pair[i].fd[1] = server;
			return;
		}
	}
	hm_assert(!"too many connections");
}

static bool
has(const char *data, size_t len, const char *text)
{
	return *text && memmem(data, len, text, strlen(text));
}

static void
cut(struct proxy *p)
{
	p->has_cut = true;
	p->before[0] = p->after[0] = p->answer[0] = '\0';
	close_all(p);
}

/* side 0: from the client. */
static void
carry(struct proxy *p, unsigned i, int side)
{
	char data[65536];
	ssize_t n = read(p->pair[i].fd[side], data, sizeof(data));

	if (n <= 0) {
		close_pair(p, i);
		return;
	}
	if (side == 0 && has(data, (size_t)n, p->before)) {
		cut(p);
		return;
	}
	if (side == 0 && has(data, (size_t)n, p->after))
		p->swallowing = true;
	if (side == 1 && p->swallowing) {
		if (has(data, (size_t)n, p->answer))
			cut(p);
		return;
	}
	if (send(p->pair[i].fd[!side], data, (size_t)n, MSG_NOSIGNAL) != n)
		close_pair(p, i);
}

static void *
proxy_run(void *arg)
{
	struct proxy *p = arg;
	struct pollfd polled[2 + 2 * PAIRS];

	for (;;) {
		bool ending;
		char c;

		polled[0] = (struct pollfd){ .fd = p->listener, .events = POLLIN };
		polled[1] = (struct pollfd){ .fd = p->wake[0], .events = POLLIN };
		for (unsigned i = 0; i < 2 * PAIRS; i++)
			polled[2 + i] =
				(struct pollfd){ .fd = p->pair[i / 2].fd[i % 2], .events = POLLIN };
		poll(polled, 2 + 2 * PAIRS, -1);
		pthread_mutex_lock(&p->lock);
		if (polled[1].revents)
			(void)!read(p->wake[0], &c, 1);
		if (p->closed || p->ending)
			close_all(p);
		for (unsigned i = 0; i < 2 * PAIRS; i++) {
			if (polled[2 + i].revents && p->pair[i / 2].fd[i % 2] == polled[2 + i].fd)
				carry(p, i / 2, (int)(i % 2));
		}
		if (polled[0].revents)
			welcome(p);
		ending = p->ending;
		pthread_mutex_unlock(&p->lock);
		if (ending)
			return NULL;
	}
}

struct proxy *
proxy_new(const char *folder)
{
	static unsigned number;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct proxy *p = calloc(1, sizeof(*p));

	hm_assert(p);
	snprintf(p->folder, sizeof(p->folder), "%s/proxy%u", folder, number++);
	snprintf(p->socket, sizeof(p->socket), "%s/.s.PGSQL.5432", p->folder);
	snprintf(p->server, sizeof(p->server), "%s/.s.PGSQL.5432", folder);
	hm_assert(mkdir(p->folder, 0755) == 0 && pipe(p->wake) == 0);
	for (unsigned i = 0; i < PAIRS; i++)
		p->pair[i].fd[0] = p->pair[i].fd[1] = -1;
	p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", p->socket);
	hm_assert(bind(p->listener, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
	          listen(p->listener, 16) == 0);
	pthread_mutex_init(&p->lock, NULL);
	hm_assert(pthread_create(&p->thread, NULL, proxy_run, p) == 0);
	return p;
}

static void
change(struct proxy *p)
{
	pthread_mutex_unlock(&p->lock);
	(void)!write(p->wake[1], "x", 1);
}

void
proxy_free(struct proxy **proxy)
{
	struct proxy *p = *proxy;

	pthread_mutex_lock(&p->lock);
	p->ending = true;
	change(p);
	pthread_join(p->thread, NULL);
	close(p->listener);
	close(p->wake[0]);
	close(p->wake[1]);
	unlink(p->socket);
	free(p);
	*proxy = NULL;
}

const char *
proxy_folder(const struct proxy *p)
{
	return p->folder;
}

void
proxy_cut(struct proxy *p)
{
	pthread_mutex_lock(&p->lock);
	p->closed = true;
	p->has_cut = true;
	change(p);
}

void
proxy_open(struct proxy *p)
{
	pthread_mutex_lock(&p->lock);
	p->closed = false;
	change(p);
}

void
proxy_cut_after(struct proxy *p, const char *text, const char *answer)
{
	pthread_mutex_lock(&p->lock);
	snprintf(p->after, sizeof(p->after), "%s", text);
	snprintf(p->answer, sizeof(p->answer), "%s", answer);
	p->has_cut = false;
	change(p);
}

void
proxy_cut_before(struct proxy *p, const char *text)
{
	pthread_mutex_lock(&p->lock);
	snprintf(p->before, sizeof(p->before), "%s", text);
	p->has_cut = false;
	change(p);
}

bool
proxy_has_cut(struct proxy *p)
{
	bool has_cut;

	pthread_mutex_lock(&p->lock);
	has_cut = p->has_cut;
	pthread_mutex_unlock(&p->lock);
	return has_cut;
}

unsigned
proxy_connections(struct proxy *p)
{
	unsigned n;

	pthread_mutex_lock(&p->lock);
	n = p->connections;
	pthread_mutex_unlock(&p->lock);
	return n;
}
