/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* fake_workers.c - workers without turns: a list of mails under a lock each, and an event base. */
#include "fake_workers.h"

#include <event2/event.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <hermod/values.h>

#include "base/list.h"
#include "loop/worker.h"

#define PATIENCE_S 10
#define WORKERS 8

static struct {
	pthread_mutex_t lock;
	int came; /* eventfd */
	struct mail *first, **last;
	struct event_base *base;
	struct event *coming, *patience;
} box[WORKERS];
static _Thread_local unsigned self = WORKER_NONE;
static _Thread_local struct list turn_ends;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
mail_came(evutil_socket_t fd, short what, void *arg)
{
	uint64_t ignored;

	hm_assert(read(fd, &ignored, sizeof(ignored)) == sizeof(ignored));
}

static void
nothing_came(evutil_socket_t fd, short what, void *arg)
{
	hm_assert(!"nothing came");
}

static void
boxes_init(void)
{
	for (unsigned i = 0; i < WORKERS; i++) {
		pthread_mutex_init(&box[i].lock, NULL);
		box[i].came = eventfd(0, EFD_CLOEXEC);
		box[i].base = event_base_new();
		box[i].coming =
			event_new(box[i].base, box[i].came, EV_READ | EV_PERSIST, mail_came, NULL);
		event_add(box[i].coming, NULL);
		box[i].patience = event_new(box[i].base, -1, 0, nothing_came, NULL);
		box[i].last = &box[i].first;
	}
}

void
fake_worker_is(unsigned number)
{
	pthread_once(&once, boxes_init);
	hm_assert(number < WORKERS);
	self = number;
	list_init(&turn_ends);
	/* Of a test before. */
	box[self].first = NULL;
	box[self].last = &box[self].first;
}

unsigned
worker_self(void)
{
	return self;
}

struct event_base *
worker_base(void)
{
	return box[self].base;
}

void
worker_enter(void)
{
}

void
worker_leave(void)
{
}

void
worker_post(unsigned worker, struct mail *mail)
{
	uint64_t one = 1;

	mail->next = NULL;
	pthread_mutex_lock(&box[worker].lock);
	*box[worker].last = mail;
	box[worker].last = &mail->next;
	pthread_mutex_unlock(&box[worker].lock);
	hm_assert(write(box[worker].came, &one, sizeof(one)) == sizeof(one));
}

void
worker_at_turn_end(struct turn_end *te)
{
	if (te->link.next && !list_empty(&te->link))
		return;
	list_push_back(&turn_ends, &te->link);
}

void
fake_turn_ends(void)
{
	while (!list_empty(&turn_ends)) {
		struct turn_end *te = list_entry(turn_ends.next, struct turn_end, link);

		list_remove(&te->link);
		te->run(te);
	}
}

void
fake_read_mail(void)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	struct mail *mail;

	event_add(box[self].patience, &patience);
	event_base_loop(box[self].base, EVLOOP_ONCE);
	event_del(box[self].patience);
	pthread_mutex_lock(&box[self].lock);
	mail = box[self].first;
	box[self].first = NULL;
	box[self].last = &box[self].first;
	pthread_mutex_unlock(&box[self].lock);
	while (mail) {
		struct mail *next = mail->next;

		mail->run(mail);
		mail = next;
	}
}
