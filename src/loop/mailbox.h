/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * loop/mailbox.h - the lock-free many-producer queue in front of a worker.
 * Posting never blocks and never fails: the mail is embedded in what is posted.
 * The reader takes all at once.  Only a reader that said it goes to sleep is woken,
 * by one write to the eventfd, whoever posts how much.
 */
#ifndef LOOP_MAILBOX_H
#define LOOP_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>

struct mail {
	struct mail *next;
	/* Runs once on the worker that it was posted to; from then on the mail belongs to run. */
	void (*run)(struct mail *mail);
};

struct mailbox {
	_Atomic(struct mail *) top; /* a stack, turned round when drained */
	int event_fd;               /* poll it edge-triggered: it is never read */
};

bool mailbox_init(struct mailbox *box);
void mailbox_destroy(struct mailbox *box); /* what is still in it is not run */
/* Any thread.  Mails of one thread are run in the order in which it posted them. */
void mailbox_post(struct mailbox *box, struct mail *mail);
/* Owner only: the chain of all mails so far, oldest first, or NULL. */
struct mail *mailbox_take_all(struct mailbox *box);
/* Owner only, before it blocks: false when mails are waiting, so that it must not block. */
bool mailbox_sleep(struct mailbox *box);
/* Owner only: it woke by itself and will take the mails soon; until then nobody wakes it. */
void mailbox_awake(struct mailbox *box);
/* Any thread, also a signal handler: wakes the owner without a mail. */
void mailbox_wake(struct mailbox *box);

#endif
