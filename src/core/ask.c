/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/ask.c - requests of the server to its own clients, with a time-out, and timers of modules
 * that live as long as a session, or as the module does on this worker.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "core/core.h"
#include "core/here.h"
#include "core/session.h"
#include "core/sm.h"
#include "core/turn.h"
#include "core/user.h"

#define ID_CHARS 16
#define NOT_NOW_MS 100 /* while the account is being loaded again */

struct asked {
	struct list link; /* in session->asked */
	struct timer timer;
	uint64_t session;
	char id[ID_CHARS + 1];
	struct hm_mod *mod; /* NULL: the core's own */
	hm_answered_fn *answered;
	int64_t token;
	uint32_t timeout_ms;
};

struct session_timer {
	struct list link;
	struct timer timer;
	uint64_t session;
	struct hm_mod *mod;
	hm_session_timer_fn *fn;
};

struct mod_timer {
	struct list link; /* in mod->timers */
	struct timer timer;
	struct hm_mod *mod;
	hm_timer_fn *fn;
};

static void
asked_free(struct asked *a)
{
	list_remove(&a->link);
	timer_stop(&a->timer);
	mem_free(a);
}

static void
call_back(struct asked *a, struct hm_session *s, const struct hm_stanza *reply)
{
	if (!a->answered)
		return;
	if (a->mod)
		doing(a->mod, "answered", s->jid);
	a->answered(a->mod, s, reply, a->token);
	done_doing();
}

static void
timed_out(struct timer *t)
{
	struct asked *a = HM_CONTAINER(t, struct asked, timer);
	struct hm_session *s = session_find(a->session);

	if (s->user->entity.state != ENTITY_READY) {
		timer_start(t, NOT_NOW_MS, timed_out);
		return;
	}
	if (!a->mod) {
		asked_free(a);
		session_cut(s, STREAM_CONNECTION_TIMEOUT, NULL, HM_CLOSED_TIMEOUT);
		return;
	}
	/* Its client will be asked when it is back. */
	if (s->sm && s->sm->hibernates) {
		timer_start(t, a->timeout_ms, timed_out);
		return;
	}
	turn_begin(&s->user->entity, NULL);
	call_back(a, s, NULL);
	asked_free(a);
	turn_end();
}

void
session_ask(struct hm_session *s, struct hm_mod *m, const struct hm_stanza *take,
            uint32_t timeout_ms, hm_answered_fn *answered, int64_t token)
{
	struct asked *a = mem_new(struct asked);

	memcpy(a->id, take->id,
	       strlen(take->id) < sizeof(a->id) ? strlen(take->id) + 1 : sizeof(a->id) - 1);
	a->session = s->id;
	a->mod = m;
	a->answered = answered;
	a->token = token;
	a->timeout_ms = timeout_ms;
	list_push_back(&s->asked, &a->link);
	timer_start(&a->timer, timeout_ms, timed_out);
	turn_deliver(&s->user->entity, s, take, s->jid);
}

static struct asked *
find_asked(const struct hm_session *s, const char *id)
{
	for (struct list *l = s->asked.next; l != &s->asked; l = l->next) {
		struct asked *a = list_entry(l, struct asked, link);

		if (strcmp(a->id, id) == 0)
			return a;
	}
	return NULL;
}

bool
session_is_answer(const struct hm_session *s, const struct hm_elem *root)
{
	const char *id = elem_attr(root, "id"), *type = elem_attr(root, "type");

	return strcmp(root->name, "iq") == 0 && id && type &&
	       (strcmp(type, "result") == 0 || strcmp(type, "error") == 0) && find_asked(s, id);
}

bool
session_answered(struct hm_session *s, const struct hm_stanza *iq)
{
	struct asked *a;

	if (iq->type != TYPE_RESULT && iq->type != TYPE_ERROR)
		return false;
	a = find_asked(s, iq->id);
	if (!a)
		return false;
	timer_stop(&a->timer);
	call_back(a, s, iq);
	asked_free(a);
	return true;
}

void
session_forget_pings(struct hm_session *s)
{
	list_for_each(l, next, &s->asked)
	{
		struct asked *a = list_entry(l, struct asked, link);

		if (!a->mod)
			asked_free(a);
	}
}

void
session_forget_asked(struct hm_session *s)
{
	list_for_each(l, next, &s->asked) asked_free(list_entry(l, struct asked, link));
	list_for_each(l2, next2, &s->timers)
	{
		struct session_timer *t = list_entry(l2, struct session_timer, link);

		list_remove(&t->link);
		timer_stop(&t->timer);
		mem_free(t);
	}
}

void
hm_iq_to_session(struct hm_mod *m, struct hm_session *s, struct hm_writer *take, const char *from,
                 uint32_t timeout_ms, hm_answered_fn *answered, int64_t token)
{
	struct stanza_build *b = HM_CONTAINER(take, struct stanza_build, w);
	const struct hm_stanza *iq = stanza_build_done(b, from);

	hm_assert(iq->id && strlen(iq->id) <= ID_CHARS);
	mem_free(b);
	session_ask(s, m, iq, timeout_ms, answered, token);
}

/* --- Does it live? (XEP-0199 4.1) ------------------------------------------------------------------ */

void
session_ping(struct hm_session *s, hm_answered_fn *fn, int64_t token)
{
	struct stanza_build b;
	char id[ID_CHARS + 1];

	stanza_build_new(&b, STANZA_IQ, "get", random_token(id, ID_CHARS));
	writer_open(&b.w, "urn:xmpp:ping", "ping");
	writer_close(&b.w);
	session_ask(s, NULL, stanza_build_done(&b, s->user->entity.host->domain),
	            host_limits(s->user->entity.host)->probe_timeout, fn, token);
}

void
session_probe(struct hm_session *s)
{
	if (!s->jid) {
		session_close(s, STREAM_CONNECTION_TIMEOUT, "No resource was bound.",
		              HM_CLOSED_TIMEOUT);
		return;
	}
	turn_begin(&s->user->entity, NULL);
	session_ping(s, NULL, 0);
	turn_end();
}

/* --- Timers --------------------------------------------------------------------------------------------- */

static void
fired(struct timer *timer)
{
	struct session_timer *t = HM_CONTAINER(timer, struct session_timer, timer);
	struct hm_session *s = session_find(t->session);
	struct hm_mod *m = t->mod;
	hm_session_timer_fn *fn = t->fn;

	if (s->user->entity.state != ENTITY_READY) {
		timer_start(timer, NOT_NOW_MS, fired);
		return;
	}
	list_remove(&t->link);
	mem_free(t);
	turn_begin(&s->user->entity, NULL);
	doing(m, "timer", s->jid);
	fn(m, s);
	done_doing();
	turn_end();
}

void
session_after(struct hm_session *s, struct hm_mod *m, uint32_t ms, hm_session_timer_fn *fn)
{
	struct session_timer *t = NULL;

	for (struct list *l = s->timers.next; l != &s->timers; l = l->next) {
		struct session_timer *old = list_entry(l, struct session_timer, link);

		if (old->mod == m && old->fn == fn)
			t = old;
	}
	if (!t) {
		t = mem_new(struct session_timer);
		t->session = s->id;
		t->mod = m;
		t->fn = fn;
		list_push_back(&s->timers, &t->link);
	}
	timer_start(&t->timer, ms, fired);
}

void
hm_after_session(struct hm_mod *m, struct hm_session *s, uint32_t ms, hm_session_timer_fn *fn)
{
	session_after(s, m, ms, fn);
}

static void
mod_fired(struct timer *timer)
{
	struct mod_timer *t = HM_CONTAINER(timer, struct mod_timer, timer);
	struct hm_mod *m = t->mod;
	hm_timer_fn *fn = t->fn;

	list_remove(&t->link);
	mem_free(t);
	turn_begin(NULL, NULL);
	doing(m, "timer", NULL);
	fn(m);
	done_doing();
	turn_end();
}

void
hm_after(struct hm_mod *m, uint32_t ms, hm_timer_fn *fn)
{
	struct mod_timer *t = NULL;

	for (struct list *l = m->timers.next; l != &m->timers; l = l->next) {
		struct mod_timer *old = list_entry(l, struct mod_timer, link);

		if (old->fn == fn)
			t = old;
	}
	if (!t) {
		t = mem_new(struct mod_timer);
		t->mod = m;
		t->fn = fn;
		list_push_back(&m->timers, &t->link);
	}
	timer_start(&t->timer, ms, mod_fired);
}

void
mod_timers_free(struct hm_mod *m)
{
	list_for_each(l, next, &m->timers)
	{
		struct mod_timer *t = list_entry(l, struct mod_timer, link);

		timer_stop(&t->timer);
		list_remove(&t->link);
		mem_free(t);
	}
}
