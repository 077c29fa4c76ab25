/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/user.h - a local account in memory: its sessions and its modules' states.
 */
#ifndef CORE_USER_H
#define CORE_USER_H

#include "core/entity.h"
#include "core/session.h"

struct hm_user {
	struct entity entity; /* first */
	int64_t account;      /* accounts.id */
	const char *local;
	struct list sessions; /* bound */
	struct list unbound;
	unsigned n_sessions;
	int64_t look_ups; /* in thousandths that its sessions may still cause (inbox.c) */
	int64_t look_ups_ms;
	bool look_again; /* it was made while it was being looked for */
	/* requests that change the account wait here for the one before (struct hm_iq) */
	struct list sets;
	bool set_running;
	struct list custody; /* what its sessions sent that is held, see custody.c */
	char *state;
};

struct hm_user *user_find(const char *bare);
/* Finds or begins to load, then w->go with its entity. */
void user_wait(struct host *host, const char *bare, struct waiter *w);
static inline struct hm_user *
user_of(struct entity *e)
{
	return (struct hm_user *)e;
}
/* A letter for a local account has come home; takes it. */
void user_arrived(struct hm_letter *take);
/* The rules of RFC 6121 8.5 for a letter to a loaded account; takes it. (deliver.c) */
void user_receive(struct hm_user *u, struct hm_letter *take);
/*
 * One that was sent to a session of this account at sent_us, which has ended without having got it: as if it came
 * now. What is not a message is dropped.  Inside a turn; takes it. (deliver.c)
 */
void user_receive_again(struct hm_user *u, struct hm_letter *take, int64_t sent_us);
/* Does the core's plan for the letter deliver it to this session? */
bool user_letter_reaches(const struct hm_letter *l, const struct hm_session *s);
/* The account is unknown: answered as one that the asker may not see. */
void user_unknown(struct host *host, struct hm_letter *take);

/* Forgets that an account is (not) there, on the calling worker: it was just made or deleted. */
void user_directory_forget(const char *bare);

#endif
