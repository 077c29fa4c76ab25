/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/elsewhere.c - questions and posts of a module to itself at another account's home
 * (hm_ask, hm_post).  The asker's request waits, its entity's inbox does not.
 */
#include <string.h>

#include "base/mem.h"
#include "core/here.h"
#include "core/iq.h"
#include "core/turn.h"
#include "core/user.h"
#include "link/link.h"
#include "loop/worker.h"

/* Goes to the home of the asked account and, with the answer, back. */
struct hm_question {
	struct mail mail;
	struct waiter waiter;
	struct host *host;
	unsigned module;  /* index in the modules of the addressed host */
	unsigned asker;   /* worker */
	struct hm_iq *iq; /* NULL: a post, nobody waits */
	hm_iq_answer_fn *answered;
	char *bare;
	void *data;
	size_t n;
	void *answer;
	size_t answer_n;
	struct charge charge; /* posted; a question's is its request's */
	bool posted;
	bool failed; /* nobody could be asked now */
};

static void
question_free(struct hm_question *q)
{
	charge_return(&q->charge);
	mem_free(q->bare);
	mem_free(q->data);
	mem_free(q->answer);
	mem_free(q);
}

static void
give_answer(struct hm_iq *rq, void *arg)
{
	struct hm_question *q = arg;

	q->answered(rq, q->answer, q->answer_n);
}

static void
answer_mail(struct mail *mail)
{
	struct hm_question *q = HM_CONTAINER(mail, struct hm_question, mail);

	iq_resume(q->iq, q->failed ? NULL : give_answer, q);
	question_free(q);
}

void
hm_answer(struct hm_question *q, const void *data, size_t n)
{
	if (n > 0) {
		q->answer = mem_alloc(n);
		memcpy(q->answer, data, n);
		q->answer_n = n;
	}
	q->mail.run = answer_mail;
	worker_post(q->asker, &q->mail);
}

static void
at_home(struct waiter *w, struct entity *e, enum hm_cond why)
{
	struct hm_question *q = HM_CONTAINER(w, struct hm_question, waiter);
	struct hm_mod *m = mods_of(q->host)[q->module];
	const struct hm_module *decl = m->slot->module->decl;

	if (!e) {
		q->failed = why != HM_ITEM_NOT_FOUND;
		if (q->posted)
			question_free(q);
		else
			hm_answer(q, NULL, 0);
		return;
	}
	e->pins++;
	turn_begin(e, NULL);
	doing(m, q->posted ? "posted" : "asked", e->address);
	if (q->posted)
		decl->posted(m, user_of(e), q->data, q->n);
	else
		decl->asked(m, user_of(e), q->data, q->n, q);
	done_doing();
	e->pins--;
	turn_end();
	if (q->posted)
		question_free(q);
}

static void
home_mail(struct mail *mail)
{
	struct hm_question *q = HM_CONTAINER(mail, struct hm_question, mail);

	q->waiter.go = at_home;
	q->waiter.bytes = q->n + sizeof(*q);
	user_wait(q->host, q->bare, &q->waiter);
}

/* The same module on the host of `bare`; false: it is not there. */
static bool
find_module(struct hm_question *q, const struct hm_mod *m, const char *bare)
{
	const char *at = strchr(bare, '@');

	q->host = at ? host_find(at + 1) : NULL;
	for (q->module = 0; q->host && q->module < q->host->n_modules; q->module++) {
		if (q->host->modules[q->module].module == m->slot->module)
			return true;
	}
	return false;
}

static struct hm_question *
question_new(struct hm_mod *m, const char *bare, const void *data, size_t n)
{
	struct hm_question *q = mem_new(struct hm_question);

	list_init(&q->waiter.link);
	q->asker = here->worker;
	q->bare = mem_strdup(bare);
	q->data = mem_alloc(n + 1);
	if (n > 0)
		memcpy(q->data, data, n);
	q->n = n;
	return q;
}

void
hm_ask(struct hm_mod *m, struct hm_iq *anchor, const char *bare, const void *data, size_t n,
       hm_iq_answer_fn *answered)
{
	struct hm_question *q = question_new(m, bare, data, n);

	q->iq = anchor;
	q->answered = answered;
	iq_hold(anchor);
	if (!find_module(q, m, bare)) {
		hm_answer(q, NULL, 0);
		return;
	}
	q->mail.run = home_mail;
	worker_post(link_home(bare), &q->mail);
}

void
hm_post(struct hm_mod *m, const char *bare, const void *data, size_t n)
{
	struct hm_question *q = question_new(m, bare, data, n);

	q->posted = true;
	if (here->turn.payer)
		charge_take(&q->charge, here->turn.payer, 1, sizeof(*q) + n);
	if (!find_module(q, m, bare)) {
		question_free(q);
		return;
	}
	q->mail.run = home_mail;
	worker_post(link_home(bare), &q->mail);
}
