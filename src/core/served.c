/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/served.c - entities of modules' own kinds: their activation runs the kind's load
 * statements in one round trip, then the letters that waited are handled.
 */
#include "core/served.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/here.h"
#include "core/iq.h"
#include "core/outstanding.h"
#include "core/query.h"
#include "core/router.h"
#include "core/turn.h"
#include "loop/timer.h"
#include "loop/worker.h"
#include "xmpp/jid.h"

#define KEY_MAX (JID_MAX + 256)

struct hm_entity {
	struct entity entity; /* first */
	const struct host_service *service;
	const struct hm_entity_kind *kind;
	struct hm_mod *mod;
	const char *key;
	bool loaded; /* kind->loaded has said yes */
	struct list timers;
	void *state;
};

struct entity_timer {
	struct list link;
	struct timer timer;
	struct hm_entity *entity;
	hm_entity_timer_fn *fn;
};

struct entity *
served_entity(struct hm_entity *e)
{
	return &e->entity;
}

/* The service's own route, or else one that serves everybody's services. */
const struct host_route *
served_find_route(const struct host_service *service, enum hm_iq_type type, enum hm_side side,
                  const char *ns, const char *name)
{
	char key[512];
	const struct host_route *found = NULL;

	for (unsigned any = 0; !found && any < 2; any++) {
		int len = snprintf(key, sizeof(key), "%u %u %s\n%s%u ", (unsigned)type,
		                   (unsigned)side, ns, any ? "*" : name, service->mod);

		if (len < 0 || (size_t)len >= sizeof(key))
			return NULL;
		found = table_get_n(&service->host->routes, key, (size_t)len);
	}
	return found ? found : host_find_route(service->host, type, side, ns, name);
}

/* --- Activation ----------------------------------------------------------------------------------- */

static void
loaded(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct hm_entity *e = ctx;

	if (outcome != STORE_OK) {
		entity_load_failed(&e->entity);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct hm_rows view = { rows[i] };

		doing(e->mod, "load", e->entity.address);
		e->kind->load.v[i].rows(e->mod, e, &view);
		done_doing();
	}
	entity_ready(&e->entity);
}

static void
served_load(struct entity *base)
{
	struct hm_entity *e = (struct hm_entity *)base;
	const struct module *m = e->mod->slot->module;
	struct hm_value args[2] = { hm_value_text(e->service->domain), hm_value_text(e->key) };
	struct store_call *calls =
		arena_alloc(worker_scratch(), (e->kind->load.n + 1) * sizeof(*calls));

	for (size_t i = 0; i < e->kind->load.n; i++)
		calls[i] = (struct store_call){ m->statements[e->kind->load.v[i].stmt], args, 2 };
	store_read(calls, e->kind->load.n, loaded, e);
}

static bool
served_idle(const struct entity *base)
{
	const struct hm_entity *e = (const struct hm_entity *)base;

	return !e->loaded || !e->kind->idle ||
	       e->kind->idle(e->mod, (struct hm_entity *)(uintptr_t)e);
}

static void
forget_state(struct hm_entity *e)
{
	if (e->kind->free)
		e->kind->free(e->mod, e);
	memset(e->state, 0, e->kind->state_size);
	e->loaded = false;
}

static void
served_unload(struct entity *base)
{
	struct hm_entity *e = (struct hm_entity *)base;

	if (e->loaded && e->kind->unload)
		e->kind->unload(e->mod, e);
	else
		forget_state(e);
}

static void
forget_timers(struct hm_entity *e)
{
	list_for_each(l, next, &e->timers)
	{
		struct entity_timer *t = list_entry(l, struct entity_timer, link);

		list_remove(&t->link);
		timer_stop(&t->timer);
		mem_free(t);
	}
}

static void
served_free(struct entity *base)
{
	struct hm_entity *e = (struct hm_entity *)base;

	forget_timers(e);
	forget_state(e);
	mem_free(e->state);
	mem_free((char *)(uintptr_t)e->key);
	mem_free(e);
}

static const struct entity_class served_class = { served_load, served_idle, served_unload,
	                                          served_free };

struct hm_entity *
served_of(struct entity *e)
{
	return e->class == &served_class ? (struct hm_entity *)e : NULL;
}

bool
served_may_ask(struct hm_entity *e, const struct hm_iq_route *route, const char *from)
{
	bool may;

	if (!e->kind->may_ask)
		return true;
	doing(e->mod, "may_ask", e->entity.address);
	may = e->kind->may_ask(e->mod, e, route, from);
	done_doing();
	return may;
}

/* --- Letters ------------------------------------------------------------------------------------------ */

static bool
is_request(const struct hm_stanza *s)
{
	return s->kind == STANZA_IQ && (s->type == TYPE_GET || s->type == TYPE_SET);
}

bool
served_exists(struct hm_entity *e, struct hm_letter *first)
{
	if (!e->loaded) {
		doing(e->mod, "loaded", e->entity.address);
		e->loaded = !e->kind->loaded || e->kind->loaded(e->mod, e, first);
		done_doing();
	}
	return e->loaded;
}

struct hm_mod *
served_mod(const struct hm_entity *e)
{
	return e->mod;
}

static void
receive(struct hm_entity *e, struct hm_letter *l)
{
	enum hm_side side = l->to_resource ? HM_TO_OCCUPANT : HM_TO_ENTITY;
	enum hm_next next;

	if (!served_exists(e, l)) {
		letter_refuse(l, HM_ITEM_NOT_FOUND, NULL);
		return;
	}
	if (is_request(l->stanza)) {
		const struct hm_elem *payload = elem_first_child(l->stanza->root);

		if (payload &&
		    served_find_route(e->service, l->stanza->type == TYPE_SET ? HM_SET : HM_GET,
		                      side, payload->ns, payload->name)) {
			iq_begin_served(side, e->service, e, l);
			return;
		}
	}
	doing(e->mod, "received", e->entity.address);
	next = e->kind->received ? e->kind->received(e->mod, e, l) : HM_CONTINUE;
	done_doing();
	if (next == HM_CONTINUE)
		letter_refuse(l, HM_SERVICE_UNAVAILABLE, NULL);
	else
		letter_free(&l);
}

static void
letter_go(struct waiter *w, struct entity *base, enum hm_cond why)
{
	struct hm_letter *l = HM_CONTAINER(w, struct hm_letter, waiter);

	if (!base) {
		letter_refuse(l, why, NULL);
		return;
	}
	if (outstanding_answered(l))
		return;
	base->pins++;
	turn_begin(base, l);
	receive((struct hm_entity *)base, l);
	base->pins--;
	turn_end();
}

/* The key of the entity; false: the service itself. */
static bool
key_of(const struct host_service *service, const struct hm_letter *l, char *key)
{
	if (service->service->key)
		return service->service->key(l->to ? l->to : l->to_bare, l->stanza, key, KEY_MAX);
	if (!l->to_local)
		return false;
	snprintf(key, KEY_MAX, "%s", l->to_local);
	return true;
}

void
served_wait(const struct host_service *service, const char *key, struct waiter *w)
{
	char *address = mem_printf("%s@%s", key, service->domain);
	struct entity *base = entity_find(address);

	if (!base) {
		struct hm_entity *e = mem_new(struct hm_entity);

		e->service = service;
		e->mod = mods_of(service->host)[service->mod];
		e->kind = &e->mod->slot->module->decl->entities.v[service->service->kind];
		e->key = mem_strdup(key);
		e->state = mem_zalloc(e->kind->state_size + 1);
		list_init(&e->timers);
		base = &e->entity;
		entity_add(base, &served_class, service->host, address, e->mod->slot->module->name);
	}
	mem_free(address);
	entity_wait(base, w);
}

static void
home_mail(struct mail *mail)
{
	struct hm_letter *l = HM_CONTAINER(mail, struct hm_letter, mail);
	const struct host_service *service = service_find(l->to_domain);
	char key[KEY_MAX];

	key_of(service, l, key);
	l->waiter.go = letter_go;
	l->waiter.bytes = stanza_bytes(l->stanza) + sizeof(*l);
	served_wait(service, key, &l->waiter);
}

static void
service_mail(struct mail *mail)
{
	struct hm_letter *l = HM_CONTAINER(mail, struct hm_letter, mail);
	const struct host_service *service = service_find(l->to_domain);

	if (!is_request(l->stanza)) {
		letter_refuse(l, HM_SERVICE_UNAVAILABLE, NULL);
		return;
	}
	turn_begin(NULL, l);
	iq_begin_served(HM_TO_SERVICE, service, NULL, l);
	turn_end();
}

void
served_route(const struct host_service *service, struct hm_letter *take)
{
	char key[KEY_MAX], *address;
	unsigned worker = here->worker;

	if (key_of(service, take, key)) {
		address = mem_printf("%s@%s", key, service->domain);
		worker = link_home(address);
		mem_free(address);
		take->mail.run = home_mail;
	} else {
		take->mail.run = service_mail;
	}
	worker_post(worker, &take->mail);
}

/* --- For modules --------------------------------------------------------------------------------------------- */

void *
hm_entity_state(const struct hm_mod *m, const struct hm_entity *e)
{
	hm_assert(m->worker == here->worker && e->mod == m);
	return e->state;
}

const char *
hm_entity_jid(const struct hm_entity *e)
{
	return e->entity.address;
}

const char *
hm_entity_key(const struct hm_entity *e)
{
	return e->key;
}

void
hm_entity_gone(struct hm_mod *m, struct hm_entity *e)
{
	hm_assert(m == e->mod);
	e->loaded = false;
}

const struct hm_logctx *
hm_ctx_entity(const struct hm_entity *e)
{
	return &e->entity.log;
}

static void
fired(struct timer *timer)
{
	struct entity_timer *t = HM_CONTAINER(timer, struct entity_timer, timer);
	struct hm_entity *e = t->entity;
	hm_entity_timer_fn *fn = t->fn;

	list_remove(&t->link);
	mem_free(t);
	if (e->entity.state != ENTITY_READY)
		return;
	turn_begin(&e->entity, NULL);
	doing(e->mod, "timer", e->entity.address);
	fn(e->mod, e);
	done_doing();
	turn_end();
}

void
hm_after_entity(struct hm_mod *m, struct hm_entity *e, uint32_t ms, hm_entity_timer_fn *fn)
{
	struct entity_timer *t = mem_new(struct entity_timer);

	hm_assert(m == e->mod);
	t->entity = e;
	t->fn = fn;
	list_push_back(&e->timers, &t->link);
	timer_start(&t->timer, ms, fired);
}
