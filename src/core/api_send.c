/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/api_send.c - how modules send, change and refuse stanzas (hermod/act.h).  Output of an entity's
 * callback waits behind what it stored (turn.c).
 */
#include <string.h>

#include <hermod/module.h>

#include "base/mem.h"
#include "core/accounts.h"
#include "core/here.h"
#include "core/iq.h"
#include "core/router.h"
#include "core/turn.h"
#include "core/user.h"
#include "loop/worker.h"

/* A module sees the writer only; the rest of the build is around it. */
static struct stanza_build *
build_of(struct hm_writer *w)
{
	return HM_CONTAINER(w, struct stanza_build, w);
}

struct hm_writer *
hm_stanza_new(enum hm_kind kind, const char *type, const char *id)
{
	struct stanza_build *b = mem_new(struct stanza_build);

	stanza_build_new(b, (enum stanza_kind)kind, type, id);
	return &b->w;
}

struct hm_writer *
hm_stanza_copy(const struct hm_stanza *s, bool (*keep)(const struct hm_elem *child, void *ctx),
               void *ctx)
{
	struct stanza_build *b = mem_new(struct stanza_build);

	stanza_build_from(b, s, keep, ctx);
	return &b->w;
}

void
hm_drop(struct hm_writer *take)
{
	stanza_build_drop(build_of(take));
	mem_free(build_of(take));
}

static const struct hm_stanza *
finish(struct hm_writer *take, const char *from)
{
	struct stanza_build *b = build_of(take);
	const struct hm_stanza *s = stanza_build_done(b, from);

	mem_free(b);
	return s;
}

const struct hm_stanza *
hm_stanza_done_ref(struct hm_writer *take, const char *from)
{
	return finish(take, from);
}

void
hm_send(struct hm_mod *m, struct hm_writer *take, const char *from, const char *to)
{
	turn_route(turn_entity(), letter_to(finish(take, from), to));
}

void
hm_send_to_session(struct hm_mod *m, struct hm_session *s, struct hm_writer *take, const char *from)
{
	turn_deliver(turn_entity(), s, finish(take, from), s->jid);
}

void
hm_forward(struct hm_mod *m, const struct hm_stanza *s, const char *from, const char *to)
{
	turn_route(turn_entity(), letter_to(from ? stanza_with_from(s, from) : stanza_ref(s), to));
}

void
hm_forward_to_session(struct hm_mod *m, struct hm_session *s, const struct hm_stanza *stanza,
                      const char *to)
{
	turn_deliver(turn_entity(), s, stanza_ref(stanza), to ? to : s->jid);
}

void
hm_write_to_session(struct hm_mod *m, struct hm_session *s, const struct hm_stanza *stanza,
                    const char *to, int64_t id)
{
	session_send(s, stanza_ref(stanza), to, id);
}

void
hm_session_set_inactive(struct hm_mod *m, struct hm_session *s, bool inactive)
{
	hm_assert(s->jid);
	s->inactive = inactive;
}

void
hm_put_stanza(struct hm_writer *w, const struct hm_stanza *s, const char *to)
{
	writer_open(w, NS_CLIENT, s->root->name);
	/* Those of the root are as they came, these are checked and normalised. */
	for (const struct xml_attr *a = s->root->attrs; a; a = a->next)
		if (a->ns || (strcmp(a->name, "to") != 0 && strcmp(a->name, "from") != 0))
			writer_attr_ns(w, a->ns, a->name, a->value);
	writer_attr(w, "from", s->from);
	writer_attr(w, "to", to);
	writer_attr_ns(w, XML_NS_XML, "lang", s->lang);
	for (const struct hm_elem *c = s->root->first; c; c = c->next)
		writer_copy(w, c);
	writer_close(w);
}

/* --- One body for many --------------------------------------------------------------------------- */

/* Local accounts at one worker: one post for all of them. */
struct bundle {
	struct mail mail;
	struct outbox_post waits; /* behind what the sender has stored */
	unsigned worker;
	const struct hm_stanza *stanza;
	struct charge charge; /* for all of them, until the last has arrived */
	size_t n;
	const char **to; /* in text */
	char *text;
};

static void
bundle_free(struct bundle *b)
{
	turn_return(&b->charge);
	stanza_unref(&b->stanza);
	mem_free(b->to);
	mem_free(b->text);
	mem_free(b);
}

static void
bundle_drop(struct outbox_post *p)
{
	bundle_free(HM_CONTAINER(p, struct bundle, waits));
}

static void
bundle_mail(struct mail *mail)
{
	struct bundle *b = HM_CONTAINER(mail, struct bundle, mail);

	for (size_t i = 0; i < b->n; i++) {
		struct hm_letter *l = letter_to(stanza_ref(b->stanza), b->to[i]);

		/* It may have to wait for its account. */
		if (b->charge.credit)
			charge_take(&l->charge, b->charge.credit, 1, sizeof(*l));
		user_arrived(l);
	}
	bundle_free(b);
}

static void
bundle_go(struct outbox_post *p)
{
	struct bundle *b = HM_CONTAINER(p, struct bundle, waits);

	turn_lends(&b->charge);
	b->mail.run = bundle_mail;
	worker_post(b->worker, &b->mail);
}

#define NO_WORKER UINT32_MAX

/* Where a letter to a local account goes; NO_WORKER: it is for something else. */
static unsigned
account_home(const char *to)
{
	char bare[2 * JID_PART_MAX + 2];
	const char *at = strchr(bare_of(to, bare, sizeof(bare)), '@');

	return at && host_find(at + 1) ? link_home(bare) : NO_WORKER;
}

static void
post_bundle(const struct hm_stanza *s, unsigned worker, const char *const *to,
            const unsigned *homes, size_t n)
{
	struct bundle *b = NULL;
	struct buf text = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (homes[i] != worker)
			continue;
		if (!b) {
			b = mem_new(struct bundle);
			b->to = mem_array(n, sizeof(char *));
		}
		b->to[b->n++] = (const char *)text.len; /* an offset until the text stands still */
		buf_append(&text, to[i], strlen(to[i]) + 1);
	}
	if (!b)
		return;
	b->stanza = stanza_ref(s);
	if (here->turn.payer)
		charge_take(&b->charge, here->turn.payer, (uint32_t)b->n,
		            stanza_weight(s) + n * sizeof(char *) + text.len);
	b->text = text.data;
	for (size_t i = 0; i < b->n; i++)
		b->to[i] = b->text + (size_t)b->to[i];
	b->worker = worker;
	b->waits.go = bundle_go;
	b->waits.drop = bundle_drop;
	if (turn_entity())
		outbox_post(turn_entity(), &b->waits);
	else
		bundle_go(&b->waits);
}

/*
 * What does not go to a local account is routed by itself: through a bundle it would arrive
 * later than a single letter that is sent after it.
 */
void
hm_fanout(struct hm_mod *m, const struct hm_stanza *s, const char *const *to, size_t n)
{
	struct entity *e = turn_entity();
	unsigned *homes = arena_alloc(worker_scratch(), (n + 1) * sizeof(*homes));

	for (size_t i = 0; i < n; i++) {
		homes[i] = account_home(to[i]);
		if (homes[i] == NO_WORKER)
			turn_route(e, letter_to(stanza_ref(s), to[i]));
	}
	for (unsigned worker = 0; worker < workers_count(); worker++)
		post_bundle(s, worker, to, homes, n);
}

/* --- In chains ---------------------------------------------------------------------------------------- */

struct hm_writer *
hm_change(struct hm_letter *l, bool (*keep)(const struct hm_elem *child, void *ctx), void *ctx)
{
	return hm_stanza_copy(l->stanza, keep, ctx);
}

void
hm_changed(struct hm_letter *l, struct hm_writer *take)
{
	const char *from = l->stanza->from;
	const struct hm_stanza *s = finish(take, from);

	letter_change(l, s);
}

enum hm_next
hm_refuse_app(struct hm_letter *l, enum hm_cond cond, const char *ns, const char *name,
              const char *text)
{
	const struct hm_stanza *error;
	struct hm_session *s;

	if (l->stanza->kind == STANZA_PRESENCE || !l->stanza->from)
		return HM_STOP;
	l->refused = true;
	error = stanza_error_reply(l->stanza, l->to, cond, text);
	if (error && name) {
		struct stanza_build b;
		const struct hm_elem *e = elem_child(error->root, NS_CLIENT, "error");

		stanza_build_new(&b, error->kind, "error", error->id);
		writer_open(&b.w, NS_CLIENT, "error");
		writer_attr(&b.w, "type", elem_attr(e, "type"));
		for (const struct hm_elem *c = elem_first_child(e); c; c = elem_next(c))
			writer_copy(&b.w, c);
		writer_open(&b.w, ns, name);
		writer_close(&b.w);
		writer_close(&b.w);
		stanza_unref(&error);
		error = stanza_build_done(&b, l->to);
	}
	s = l->session ? session_find(l->session) : NULL;
	if (error && s &&
	    &s->user->entity == turn_entity()) /* its own account's modules refuse it */
		turn_deliver(turn_entity(), s, error, l->stanza->from);
	else if (error)
		turn_route(turn_entity(), letter_to(error, l->stanza->from));
	return HM_STOP;
}

enum hm_next
hm_refuse(struct hm_letter *l, enum hm_cond cond, const char *text)
{
	return hm_refuse_app(l, cond, NULL, NULL, text);
}

/* --- Accounts -------------------------------------------------------------------------------------------- */

struct account_request {
	struct hm_iq *rq;
	hm_iq_account_fn *done;
	enum hm_account_result result;
};

static void
account_back(struct hm_iq *rq, void *arg)
{
	struct account_request *r = arg;

	r->done(rq, r->result);
}

static void
account_done(void *ctx, enum hm_account_result result)
{
	struct account_request *r = ctx;

	r->result = result;
	iq_resume(r->rq, account_back, r);
	mem_free(r);
}

static struct account_request *
account_request(struct hm_iq *rq, hm_iq_account_fn *done)
{
	struct account_request *r = mem_new(struct account_request);

	r->rq = rq;
	r->done = done;
	iq_hold(rq);
	return r;
}

void
hm_account_create(struct hm_mod *m, struct hm_iq *anchor, const char *local,
                  struct hm_secret password, hm_iq_account_fn *done)
{
	struct account_credentials with = { .password = password.text };

	account_create(m->host, local, &with, account_done, account_request(anchor, done));
}

void
hm_account_set_password(struct hm_mod *m, struct hm_iq *anchor, const char *local,
                        struct hm_secret password, hm_iq_account_fn *done)
{
	struct account_credentials with = { .password = password.text };

	account_set_password(m->host, local, &with, anchor->letter->session, account_done,
	                     account_request(anchor, done));
}

void
hm_account_remove(struct hm_mod *m, struct hm_iq *anchor, const char *local, hm_iq_account_fn *done)
{
	account_remove(m->host, local, account_done, account_request(anchor, done));
}
