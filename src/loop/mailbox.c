/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * loop/mailbox.c - a stack of mails that its owner takes as a whole and turns
 * round.  Pushing is one compare-and-exchange, taking one exchange.
 *
 * A sleeping owner leaves a mark in the place of the empty stack.  Who replaces
 * the mark is the first to post during that sleep and writes to the eventfd;
 * nobody else does, so a busy worker is never written to.
 */
#include "loop/mailbox.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The mark; nobody runs it. */
static struct mail asleep;

bool
mailbox_init(struct mailbox *box)
{
	atomic_init(&box->top, NULL);
	box->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return box->event_fd >= 0;
}

void
mailbox_destroy(struct mailbox *box)
{
	close(box->event_fd);
	box->event_fd = -1;
}

void
mailbox_wake(struct mailbox *box)
{
	const uint64_t one = 1;
	int saved = errno;

	/* It can fail only when the counter is full, that is, when the owner has been woken. */
	while (write(box->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	errno = saved;
}

void
mailbox_post(struct mailbox *box, struct mail *mail)
{
	struct mail *old = atomic_load_explicit(&box->top, memory_order_relaxed);

	do {
		mail->next = old == &asleep ? NULL : old;
	} while (!atomic_compare_exchange_weak_explicit(&box->top, &old, mail, memory_order_release,
	                                                memory_order_relaxed));
	if (old == &asleep)
		mailbox_wake(box);
}

struct mail *
mailbox_take_all(struct mailbox *box)
{
	struct mail *taken = atomic_exchange_explicit(&box->top, NULL, memory_order_acquire);
	struct mail *oldest = NULL;

	if (taken == &asleep)
		return NULL;
	while (taken) {
		struct mail *next = taken->next;

		taken->next = oldest;
		oldest = taken;
		taken = next;
	}
	return oldest;
}

bool
mailbox_sleep(struct mailbox *box)
{
	struct mail *old = NULL;

	return atomic_compare_exchange_strong_explicit(
		       &box->top, &old, &asleep, memory_order_relaxed, memory_order_relaxed) ||
	       old == &asleep;
}

void
mailbox_awake(struct mailbox *box)
{
	struct mail *old = &asleep;

	/* Acquires nothing: there is no mail behind the mark. */
	atomic_compare_exchange_strong_explicit(&box->top, &old, NULL, memory_order_relaxed,
	                                        memory_order_relaxed);
}
