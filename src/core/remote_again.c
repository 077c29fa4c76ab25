/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/remote_again.c - a domain that was away is there again: presence of both sides was lost meanwhile,
 * so modules ask and tell anew (remote_back), account by account and some at a time.
 */
#include <string.h>

#include "base/mem.h"
#include "core/chain.h"
#include "core/here.h"
#include "core/remote_pair.h"
#include "core/turn.h"
#include "core/user.h"
#include "loop/worker.h"

#define AT_ONCE 100 /* accounts */
#define PAUSE_MS 50

/* On one worker. */
struct telling {
	struct mail mail;
	struct timer timer;
	char *remote, *local;
	uint64_t *sessions;
	size_t n, next;
};

static void
tell(struct hm_session *s, const char *remote)
{
	struct hm_user *u = s->user;

	/* Once for an account: its first session stands for it. */
	if (list_entry(u->sessions.next, struct hm_session, link) != s ||
	    !entity_is_open(&u->entity))
		return;
	u->entity.pins++;
	turn_begin(&u->entity, NULL);
	notice_remote_back(u, remote);
	u->entity.pins--;
	turn_end();
}

static void
tell_some(struct timer *timer)
{
	struct telling *t = HM_CONTAINER(timer, struct telling, timer);

	for (unsigned i = 0; i < AT_ONCE && t->next < t->n; i++) {
		struct hm_session *s = session_find(t->sessions[t->next++]);

		if (s && s->bound && !s->closing)
			tell(s, t->remote);
	}
	if (t->next < t->n) {
		timer_start(&t->timer, PAUSE_MS, tell_some);
		return;
	}
	mem_free(t->sessions);
	mem_free(t->remote);
	mem_free(t->local);
	mem_free(t);
}

static void
begin(struct mail *mail)
{
	struct telling *t = HM_CONTAINER(mail, struct telling, mail);
	size_t pos = 0;
	void *value;

	t->sessions = mem_array(table_count(&here->sessions) + 1, sizeof(*t->sessions));
	while (table_next(&here->sessions, &pos, NULL, &value)) {
		const struct hm_session *s = value;

		if (s->bound && strcmp(s->user->entity.host->domain, t->local) == 0)
			t->sessions[t->n++] = s->id;
	}
	tell_some(&t->timer);
}

void
remote_tell_back(const struct remote_pair *p)
{
	if (!host_find(p->local))
		return;
	for (unsigned i = 0; i < workers_count(); i++) {
		struct telling *t = mem_new(struct telling);

		t->remote = mem_strdup(p->remote);
		t->local = mem_strdup(p->local);
		t->mail.run = begin;
		worker_post(i, &t->mail);
	}
}
