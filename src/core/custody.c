/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/custody.c - records of what is held.  A letter carries its record, at which only its sender's home
 * looks; whoever frees it, on whatever worker, posts it back here instead.
 */
#include "core/custody.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/chain.h"
#include "core/here.h"
#include "core/metrics.h"
#include "core/nonza.h"
#include "core/outbox.h"
#include "core/remote.h"
#include "core/repeats.h"
#include "core/sm.h"
#include "core/turn.h"
#include "core/user.h"
#include "loop/worker.h"
#include "store/failpoint.h"

struct custody {
	struct list of_worker;  /* here->custody, oldest first */
	struct list of_session; /* s->custody, in the order in which they came */
	struct list of_user;    /* u->custody */
	uint64_t id;
	struct hm_user *user;       /* which does not leave memory */
	struct hm_session *session; /* NULL: it has ended */
	uint32_t number;            /* of the stanza in its session */
	int64_t since_us;
	struct outbox_mark mark; /* of the letter's entry */
	bool marked;
	struct list followers; /* struct custody, by of_worker, of copies that came again */
	struct charge charge;  /* of a follower, which has no letter */
};

/* --- What a session knows of it -------------------------------------------------------- */

uint32_t
custody_came(const struct hm_session *s)
{
	return s->came;
}

uint32_t
custody_handled(const struct hm_session *s)
{
	uint32_t handled = s->came, before;

	if (!list_empty(&s->custody))
		handled = list_entry(s->custody.next, struct custody, of_session)->number - 1;
	if (!list_empty(&s->inbox)) {
		const struct session_input *in =
			list_entry(s->inbox.next, struct session_input, link);

		before = nonza_is(in->root) ? in->number : in->number - 1;
		if ((int32_t)(before - handled) < 0)
			handled = before;
	}
	return handled;
}

static void
let_go_of_all(struct hm_session *s)
{
	list_for_each(l, next, &s->custody)
	{
		struct custody *c = list_entry(l, struct custody, of_session);

		list_remove(&c->of_session);
		c->session = NULL;
	}
}

void
custody_forget_session(struct hm_session *s)
{
	let_go_of_all(s);
}

void
custody_resumed(struct hm_session *s)
{
	s->came = custody_handled(s);
	let_go_of_all(s);
}

/* --- The beginning --------------------------------------------------------------------- */

bool
custody_is_due(const struct hm_letter *l)
{
	enum stanza_type type = l->stanza->type;

	switch (l->stanza->kind) {
	case STANZA_MESSAGE:
		return type != TYPE_HEADLINE && type != TYPE_ERROR;
	case STANZA_PRESENCE:
		return type == TYPE_SUBSCRIBE || type == TYPE_SUBSCRIBED ||
		       type == TYPE_UNSUBSCRIBE || type == TYPE_UNSUBSCRIBED;
	default:
		return l->awaited || l->holds_session;
	}
}

/* Few: what an account may have under way is limited. */
static struct custody *
find(const struct hm_user *u, uint64_t id)
{
	for (struct list *l = u->custody.next; id && l != &u->custody; l = l->next) {
		struct custody *c = list_entry(l, struct custody, of_user);

		if (c->id == id)
			return c;
	}
	return NULL;
}

static struct custody *
record_new(struct hm_session *s)
{
	struct custody *c = mem_new(struct custody);

	c->user = s->user;
	c->user->entity.away++;
	c->session = s;
	c->number = s->now;
	c->since_us = clock_mono_us();
	list_init(&c->followers);
	list_init(&c->of_worker);
	list_init(&c->of_user);
	list_push_back(&s->custody, &c->of_session);
	return c;
}

uint64_t
custody_begin(struct hm_session *s, struct hm_letter *l)
{
	struct custody *c = l->custody;

	if (c)
		return c->id;
	c = l->custody = record_new(s);
	c->id = link_new_id();
	list_push_back(&s->user->custody, &c->of_user);
	list_push_back(&here->custody, &c->of_worker);
	here->n_custody++;
	metric_add(core_metric(CM_HELD), 1);
	return c->id;
}

void
custody_follow(struct hm_session *s, uint64_t first)
{
	struct custody *c = find(s->user, first), *follower;

	if (!c)
		return;
	follower = record_new(s);
	charge_take(&follower->charge, s->credit, 1, sizeof(*follower));
	list_push_back(&c->followers, &follower->of_worker);
}

void
custody_mark(struct hm_session *s, struct hm_letter *l)
{
	struct custody *c;

	custody_begin(s, l);
	c = l->custody;
	c->marked = true;
	outbox_mark(&s->user->entity, &c->mark, false);
	outbox_mark_id(&c->mark, l->entry.id);
}

/* --- The end --------------------------------------------------------------------------- */

static void
end_one(struct custody *c)
{
	list_remove(&c->of_session);
	list_remove(&c->of_worker);
	list_remove(&c->of_user);
	if (c->session)
		sm_handled_moved(c->session);
	turn_return(&c->charge);
	c->user->entity.away--;
	mem_free(c);
}

/*
 * It is neither held nor in the way of anything any more.  kept: the sender's id is somebody's row's;
 * else nothing shows it (carbons don't go).
 */
static void
end(struct custody *c, bool kept)
{
	if (c->marked && !kept)
		outbox_take_back(&c->mark);
	here->n_custody--;
	metric_add(core_metric(CM_HELD), -1);
	if (c->marked)
		outbox_open(&c->mark);
	while (!list_empty(&c->followers))
		end_one(list_entry(c->followers.next, struct custody, of_worker));
	metric_observe(core_metric(CM_CUSTODY_TIME), clock_mono_us() - c->since_us);
	end_one(c);
}

/* A turn only for what may go now. l: of the record; NULL: nobody need look at it. */
static void
end_and_flush(struct custody *c, struct hm_letter *l, bool kept)
{
	struct entity *e = &c->user->entity;

	if (e->state != ENTITY_READY) {
		end(c, kept); /* entity_ready() flushes */
		return;
	}
	turn_begin(e, NULL);
	if (l && l->failed && c->marked)
		notice_letter_failed(c->user, l);
	end(c, kept);
	outbox_flush(e);
	turn_end();
}

/* The sender's own row is on disk, or certainly not. */
static void
own_row_done(void *ctx, bool stored)
{
	end(ctx, stored);
}

/* Nobody has stored it: the sender's modules may store their part. */
static void
came_back_unstored(struct waiter *w, struct entity *e, enum hm_cond why)
{
	struct hm_letter *l = HM_CONTAINER(w, struct hm_letter, waiter);
	struct custody *c = l->custody;

	l->custody = NULL;
	if (!e) {
		end_and_flush(c, NULL, false);
	} else {
		turn_begin(e, NULL);
		notice_letter_unstored(c->user, l);
		if (!turn_when_stored(own_row_done, c)) {
			end(c, false);
			outbox_flush(e);
		}
		turn_end();
	}
	letter_free(&l);
}

static void
came_back(struct mail *mail)
{
	struct hm_letter *l = HM_CONTAINER(mail, struct hm_letter, mail);
	struct custody *c = l->custody;

	if (l->refused && l->fingerprint)
		repeats_forget(session_find(l->session), c->user->entity.address, l->fingerprint);
	if (c->marked && !l->stored && !l->failed && !c->user->entity.doomed) {
		l->waiter.go = came_back_unstored;
		l->waiter.bytes = 0;
		entity_wait(&c->user->entity, &l->waiter);
		return;
	}
	l->custody = NULL;
	end_and_flush(c, l, l->stored);
	letter_free(&l);
}

void
custody_return(struct hm_letter *take)
{
	if (take->held) {
		remote_return(take);
		return;
	}
	failpoint(FAILPOINT_BEFORE_RETURN);
	take->mail.run = came_back;
	worker_post(link_worker(take->session), &take->mail);
}

/* --- For the administrator -------------------------------------------------------------- */

void
custody_view(struct custody_view *out)
{
	const struct custody *oldest;

	*out = (struct custody_view){ .held = here->n_custody };
	if (list_empty(&here->custody))
		return;
	oldest = list_entry(here->custody.next, struct custody, of_worker);
	out->oldest_us = oldest->since_us;
	out->account = oldest->user->entity.address;
}
