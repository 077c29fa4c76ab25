/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/iq.c - IQ requests: route, right to ask, the order of changes to one account, the answer.
 *
 * A request lives until it was answered and nothing more will come back to it.  One that nobody
 * answers is answered internal-server-error and logged against its module.
 */
#include "core/iq.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/here.h"
#include "core/router.h"
#include "core/turn.h"
#include "loop/worker.h"

static void iq_free(struct hm_iq *rq);

/* --- May it be asked? ------------------------------------------------------------------------ */

static const struct hm_elem *
payload_of(const struct hm_stanza *s)
{
	return elem_first_child(s->root);
}

static bool
may_ask(const struct host *h, const struct hm_iq_route *route, const struct hm_letter *l)
{
	switch (route->from) {
	case HM_OWNER:
		return strcmp(l->from_bare, l->to_bare) == 0;
	case HM_LOCAL_USER: {
		const char *domain = strchr(l->from_bare, '@');

		return domain && host_find(domain + 1);
	}
	case HM_ADMIN:
		return host_is_admin(h, l->from_bare);
	case HM_ANYONE:
	case HM_STRANGER:
		return true;
	}
	return false;
}

static enum hm_iq_type
type_of(const struct hm_stanza *s)
{
	return s->type == TYPE_SET ? HM_SET : HM_GET;
}

static const struct host_route *
find(const struct host *h, enum hm_side side, const struct hm_stanza *s)
{
	const struct hm_elem *payload = payload_of(s);

	return payload ? host_find_route(h, type_of(s), side, payload->ns, payload->name) : NULL;
}

bool
iq_holds_stream(struct host *own, const struct hm_session *s, const struct hm_letter *l)
{
	bool to_account = strcmp(l->to_bare, s->user->entity.address) == 0 && !l->to_resource;
	bool to_host = !l->to_local && strcmp(l->to_domain, own->domain) == 0;
	const struct host_route *found;

	if (l->stanza->type != TYPE_SET || !(to_account || to_host))
		return false;
	found = find(own, to_account ? HM_TO_ACCOUNT : HM_TO_HOST, l->stanza);
	return found && !found->route->may_overtake;
}

/* --- The answer --------------------------------------------------------------------------------- */

struct entity *
iq_entity(const struct hm_iq *rq)
{
	return rq->user ? &rq->user->entity : rq->entity ? served_entity(rq->entity) : NULL;
}

static void
answer_stranger(struct hm_iq *rq, const struct hm_stanza *take)
{
	struct link_msg *out = link_new(LINK_OUT, rq->stream, 0);

	out->u.out.stanza = take;
	link_to_stream(out);
}

static void
answer(struct hm_iq *rq, const struct hm_stanza *take)
{
	const char *asker = rq->letter->stanza->from;
	/* Straight to the client when its own account or host answers: nothing else may stand between. */
	struct hm_session *s =
		!rq->entity && rq->letter->session ? session_find(rq->letter->session) : NULL;

	rq->done = true;
	turn_shows_memory(rq->letter->stanza->type == TYPE_GET && take->type == TYPE_RESULT);
	if (rq->stream)
		answer_stranger(rq, take);
	else if (s && (!rq->user || s->user == rq->user))
		turn_deliver(iq_entity(rq), s, take, asker);
	else
		turn_route(iq_entity(rq), letter_to(take, asker));
	turn_shows_memory(false);
}

static void
open_answer(struct hm_iq *rq, const char *type)
{
	hm_assert(!rq->done && !rq->building);
	stanza_build_new(&rq->build, STANZA_IQ, type, rq->letter->stanza->id);
	rq->building = true;
}

static void
close_answer(struct hm_iq *rq)
{
	rq->building = false;
	answer(rq, stanza_build_done(&rq->build, rq->letter->to));
}

struct hm_writer *
hm_iq_result(struct hm_iq *rq)
{
	open_answer(rq, "result");
	return &rq->build.w;
}

void
hm_iq_done(struct hm_iq *rq)
{
	if (!rq->building)
		open_answer(rq, "result");
	close_answer(rq);
}

void
hm_iq_fail_app(struct hm_iq *rq, enum hm_cond cond, const char *ns, const char *name,
               const char *text)
{
	struct hm_writer *w = &rq->build.w;

	if (rq->building)
		stanza_build_drop(&rq->build);
	rq->building = false;
	open_answer(rq, "error");
	cond_open(w, cond, text);
	if (name) {
		writer_open(w, ns, name);
		writer_close(w);
	}
	writer_close(w);
	close_answer(rq);
}

void
hm_iq_fail(struct hm_iq *rq, enum hm_cond cond, const char *text)
{
	hm_iq_fail_app(rq, cond, NULL, NULL, text);
}

/* --- Life ------------------------------------------------------------------------------------------ */

void
iq_hold(struct hm_iq *rq)
{
	rq->refs++;
}

static void
unref(struct hm_iq *rq)
{
	if (--rq->refs > 0)
		return;
	if (!rq->done) {
		log_line(&rq->log, HM_ERROR, "request was not answered",
		         hm_kv("ns", rq->route->ns));
		hm_iq_fail(rq, HM_INTERNAL_SERVER_ERROR, NULL);
	}
	iq_free(rq);
}

static void
run_handler(struct hm_iq *rq)
{
	rq->refs++;
	doing(rq->mod, rq->route->ns, rq->letter->to_bare);
	rq->route->handle(rq->mod, rq);
	done_doing();
	unref(rq);
}

void
iq_resume(struct hm_iq *rq, void (*go)(struct hm_iq *rq, void *arg), void *arg)
{
	struct entity *e = iq_entity(rq);

	/* The turn's end may let the entity go: not before the request has. */
	if (e)
		e->pins++;
	turn_begin(e, rq->letter);
	doing(rq->mod, rq->route->ns, rq->letter->to_bare);
	if (go)
		go(rq, arg);
	else if (!rq->done)
		hm_iq_fail(rq, rq->no_room ? HM_RESOURCE_CONSTRAINT : HM_INTERNAL_SERVER_ERROR,
		           "It could not be stored or read.");
	done_doing();
	turn_flush();
	unref(rq);
	if (e)
		e->pins--;
	turn_end();
}

/* The next change of the account may begin. */
static void
set_mail(struct mail *mail)
{
	struct hm_iq *rq = HM_CONTAINER(mail, struct hm_iq, mail);
	struct hm_user *u = rq->user;

	u->entity.pins++;
	turn_begin(&u->entity, rq->letter);
	run_handler(rq);
	u->entity.pins--;
	turn_end();
}

static void
set_ended(struct hm_user *u)
{
	struct hm_iq *next;

	u->set_running = false;
	if (list_empty(&u->sets))
		return;
	next = list_entry(u->sets.next, struct hm_iq, link);
	list_remove(&next->link);
	u->set_running = true;
	next->mail.run = set_mail;
	worker_post(here->worker, &next->mail);
}

static void
iq_free(struct hm_iq *rq)
{
	struct hm_user *u = rq->user;

	if (u && rq->is_set)
		set_ended(u);
	if (u)
		u->entity.pins--;
	if (rq->entity)
		served_entity(rq->entity)->pins--;
	letter_free(&rq->letter);
	mem_free(rq->source);
	mem_free(rq);
}

static struct hm_iq *
iq_new(struct host *h, const struct host_route *found, struct hm_letter *take)
{
	struct hm_iq *rq = mem_new(struct hm_iq);

	list_init(&rq->link);
	rq->letter = take;
	rq->host = h;
	rq->mod = mods_of(h)[found->mod];
	rq->route = found->route;
	rq->log =
		(struct hm_logctx){ .parent = &rq->mod->log,
		                    .n = 3,
		                    .field = { { "from", hm_value_text(take->stanza->from) },
		                               { "to", hm_value_text(take->to_bare) },
		                               { "trace", hm_value_int((int64_t)take->trace) } } };
	return rq;
}

static void
refuse(struct entity *e, struct hm_letter *take, enum hm_cond cond)
{
	const struct hm_stanza *error = stanza_error_reply(take->stanza, take->to, cond, NULL);

	if (error && take->stanza->from)
		turn_route(e, letter_to(error, take->stanza->from));
	letter_free(&take);
}

void
iq_begin(enum hm_side side, struct host *host, struct hm_user *user, struct hm_letter *take)
{
	const struct host_route *found = find(host, side, take->stanza);
	struct entity *e = user ? &user->entity : NULL;
	struct hm_iq *rq;

	if (!found || !may_ask(host, found->route, take)) {
		refuse(e, take, found ? HM_FORBIDDEN : HM_SERVICE_UNAVAILABLE);
		return;
	}
	rq = iq_new(host, found, take);
	rq->user = user;
	if (user) {
		user->entity.pins++;
		rq->is_set = take->stanza->type == TYPE_SET;
		if (rq->is_set && user->set_running) {
			list_push_back(&user->sets, &rq->link);
			return;
		}
		if (rq->is_set)
			user->set_running = true;
	}
	run_handler(rq);
}

void
iq_begin_served(enum hm_side side, const struct host_service *service, struct hm_entity *entity,
                struct hm_letter *take)
{
	struct hm_iq *rq;
	const struct hm_elem *payload = payload_of(take->stanza);
	const struct host_route *found =
		payload ? served_find_route(service, type_of(take->stanza), side, payload->ns,
	                                    payload->name)
			: NULL;

	if (!found || !may_ask(service->host, found->route, take)) {
		refuse(entity ? served_entity(entity) : NULL, take,
		       found ? HM_FORBIDDEN : HM_SERVICE_UNAVAILABLE);
		return;
	}
	if (entity && !served_may_ask(entity, found->route, take->stanza->from)) {
		refuse(served_entity(entity), take, HM_FORBIDDEN);
		return;
	}
	rq = iq_new(service->host, found, take);
	rq->entity = entity;
	if (entity)
		served_entity(entity)->pins++;
	run_handler(rq);
}

void
iq_refuse_unknown(struct host *host, struct hm_letter *take)
{
	const struct host_route *found =
		take->to_resource ? NULL : find(host, HM_TO_ACCOUNT, take->stanza);
	enum hm_cond cond = HM_SERVICE_UNAVAILABLE;

	if (found && !may_ask(host, found->route, take)) {
		cond = HM_FORBIDDEN;
	} else if (found && found->route->answers_absent) {
		struct hm_iq *rq = iq_new(host, found, take);

		turn_begin(NULL, take);
		run_handler(rq);
		turn_end();
		return;
	} else if (found && found->route->absent) {
		cond = found->route->absent;
	}
	letter_refuse(take, cond, NULL);
}

void
iq_begin_stranger(struct link_msg *take)
{
	struct host *h = host_find(take->u.stranger.host);
	const struct hm_stanza *s = h ? stanza_take(&take->u.stranger.arena, take->u.stranger.root,
	                                            NULL, take->u.stranger.lang)
	                              : NULL;
	bool asks = s && s->kind == STANZA_IQ && (s->type == TYPE_GET || s->type == TYPE_SET);
	const struct host_route *found = asks ? find(h, HM_TO_HOST, s) : NULL;
	struct hm_letter *l = s ? letter_new(s, NULL, h->domain) : NULL;
	struct hm_iq *rq;

	if (found && found->route->from == HM_STRANGER) {
		rq = iq_new(h, found, l);
		rq->stream = take->stream;
		rq->source = mem_strdup(take->u.stranger.source);
		turn_begin(NULL, l);
		run_handler(rq);
		turn_end();
	} else {
		struct link_msg *close = link_new(LINK_CLOSE, take->stream, 0);

		close->u.close.cond = STREAM_NOT_AUTHORIZED; /* RFC 6120 4.9.3.12 */
		link_to_stream(close);
		letter_free(&l);
	}
	link_free(take);
}
