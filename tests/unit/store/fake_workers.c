/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* fake_workers.c - workers without a loop: a list of mails under a lock each. */
#include "fake_workers.h"

#include <pthread.h>
#include <time.h>

#include <hermod/values.h>

#include "base/list.h"
#include "loop/worker.h"

#define PATIENCE_S 10
#define WORKERS 8

static struct {
	pthread_mutex_t lock;
	pthread_cond_t came;
	struct mail *first, **last;
} box[WORKERS];
static _Thread_local unsigned self = WORKER_NONE;
static _Thread_local struct list turn_ends;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
boxes_init(void)
{
	for (unsigned i = 0; i < WORKERS; i++) {
		pthread_mutex_init(&box[i].lock, NULL);
		pthread_cond_init(&box[i].came, NULL);
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

void
worker_post(unsigned worker, struct mail *mail)
{
	mail->next = NULL;
	pthread_mutex_lock(&box[worker].lock);
	*box[worker].last = mail;
	box[worker].last = &mail->next;
	pthread_cond_signal(&box[worker].came);
	pthread_mutex_unlock(&box[worker].lock);
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
	struct timespec until;
	struct mail *mail;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&box[self].lock);
	while (!box[self].first)
		hm_assert(pthread_cond_timedwait(&box[self].came, &box[self].lock, &until) == 0);
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
