/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/user.c - accounts: the directory (does it exist, which id), activation with the load
 * statements of all modules in one round trip, and the way of a letter to the loaded account.
 */
#include "core/user.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/accounts.h"
#include "core/core.h"
#include "core/here.h"
#include "core/outstanding.h"
#include "core/query.h"
#include "core/turn.h"
#include "loop/worker.h"
#include "store/store.h"

#define ABSENT_MAX 10000 /* entries of the negative cache */
#define ABSENT_MS 30000

static const struct entity_class user_class;

/* --- Who is known not to exist -------------------------------------------------------- */

static bool
known_absent(const char *bare)
{
	uintptr_t until = (uintptr_t)table_get(&here->absent, bare);

	return until && (int64_t)until > worker_now_ms();
}

static void
remember_absent(const char *bare)
{
	if (table_count(&here->absent) >= ABSENT_MAX)
		table_free(&here->absent); /* bounded, and rebuilt at the price of one read each */
	table_put(&here->absent, bare, (void *)(uintptr_t)(worker_now_ms() + ABSENT_MS));
}

void
user_directory_forget(const char *bare)
{
	table_remove(&here->absent, bare);
}

/* --- Loading ------------------------------------------------------------------------------ */

static void
loaded(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct hm_user *u = ctx;
	struct host *h = u->entity.host;
	struct hm_mod **mods = mods_of(h);
	size_t row = 0;

	if (outcome != STORE_OK) {
		entity_load_failed(&u->entity);
		return;
	}
	for (unsigned i = 0; i < h->n_modules; i++) {
		const struct hm_module *decl = mods[i]->slot->module->decl;

		for (size_t k = 0; k < decl->load.n; k++) {
			struct hm_rows view = { rows[row++] };

			doing(mods[i], "load", u->entity.address);
			decl->load.v[k].rows(mods[i], u, &view);
			done_doing();
		}
	}
	turn_begin(&u->entity, NULL);
	for (unsigned i = 0; i < h->n_modules; i++) {
		const struct hm_module *decl = mods[i]->slot->module->decl;

		if (!decl->user_loaded)
			continue;
		doing(mods[i], "user_loaded", u->entity.address);
		decl->user_loaded(mods[i], u);
		done_doing();
	}
	turn_end();
	sessions_loaded_again(u);
	entity_ready(&u->entity);
}

static void
load_modules(struct hm_user *u)
{
	struct host *h = u->entity.host;
	struct hm_value account = hm_value_int(u->account);
	struct store_call *calls;
	size_t n = 0;

	for (unsigned i = 0; i < h->n_modules; i++)
		n += h->modules[i].module->decl->load.n;
	calls = arena_alloc(worker_scratch(), (n + 1) * sizeof(*calls));
	n = 0;
	for (unsigned i = 0; i < h->n_modules; i++) {
		const struct module *m = h->modules[i].module;

		for (size_t k = 0; k < m->decl->load.n; k++)
			calls[n++] = (struct store_call){ m->statements[m->decl->load.v[k].stmt],
				                          &account, 1 };
	}
	store_read(calls, n, loaded, u);
}

static void
found(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct hm_user *u = ctx;

	if (outcome != STORE_OK) {
		entity_load_failed(&u->entity);
	} else if (!store_next(rows[0]) && u->look_again) {
		u->look_again = false;
		accounts_read_id(u->entity.host->domain, u->local, found, u);
	} else if (store_count(rows[0]) == 0) {
		remember_absent(u->entity.address);
		entity_absent(&u->entity);
	} else {
		u->account = store_int(rows[0], 0);
		load_modules(u);
	}
}

static void
user_load(struct entity *e)
{
	struct hm_user *u = user_of(e);

	if (u->account)
		load_modules(u);
	else
		accounts_read_id(e->host->domain, u->local, found, u);
}

static bool
user_idle(const struct entity *e)
{
	const struct hm_user *u = (const struct hm_user *)e;

	return list_empty(&u->sessions) && list_empty(&u->unbound) && list_empty(&u->sets) &&
	       !u->set_running;
}

static void
user_unload(struct entity *e)
{
	struct hm_user *u = user_of(e);
	struct hm_mod **mods = mods_of(e->host);

	for (unsigned i = 0; i < e->host->n_modules; i++) {
		if (mods[i]->slot->module->decl->user_free)
			mods[i]->slot->module->decl->user_free(mods[i], u);
	}
	memset(u->state, 0, e->host->user_bytes);
}

static void
user_free(struct entity *e)
{
	struct hm_user *u = user_of(e);

	if (u->account)
		user_unload(e);
	mem_free(u->state);
	mem_free((char *)(uintptr_t)u->local);
	mem_free(u);
}

static const struct entity_class user_class = { user_load, user_idle, user_unload, user_free };

struct hm_user *
user_find(const char *bare)
{
	struct entity *e = entity_find(bare);

	return e && e->class == &user_class ? user_of(e) : NULL;
}

void
user_wait(struct host *host, const char *bare, struct waiter *w)
{
	struct entity *e = entity_find(bare);

	if (e ? e->doomed : known_absent(bare)) {
		w->go(w, NULL, HM_ITEM_NOT_FOUND);
		return;
	}
	if (!e) {
		struct hm_user *u = mem_new(struct hm_user);

		credit_looked_up(w->payer);
		list_init(&u->sessions);
		list_init(&u->unbound);
		list_init(&u->sets);
		list_init(&u->custody);
		u->local = mem_strndup(bare, strcspn(bare, "@"));
		u->state = mem_zalloc(host->user_bytes + 1);
		e = &u->entity;
		entity_add(e, &user_class, host, bare, "account");
	}
	entity_wait(e, w);
}

/* --- Letters ---------------------------------------------------------------------------------- */

static void
letter_go(struct waiter *w, struct entity *e, enum hm_cond why)
{
	struct hm_letter *l = HM_CONTAINER(w, struct hm_letter, waiter);

	if (e)
		user_receive(user_of(e), l);
	else if (why == HM_ITEM_NOT_FOUND)
		user_unknown(host_find(l->to_domain), l);
	else {
		l->failed = true;
		letter_refuse(l, why, NULL);
	}
}

/* Presence that tells, and answers: for an account without sessions there is nobody to see it (DESIGN 2). */
static bool
needs_somebody(const struct hm_stanza *s)
{
	switch (s->kind) {
	case STANZA_PRESENCE:
		return s->type == TYPE_NONE || s->type == TYPE_UNAVAILABLE || s->type == TYPE_ERROR;
	case STANZA_IQ:
		return s->type == TYPE_RESULT || s->type == TYPE_ERROR;
	case STANZA_MESSAGE:
		return s->type == TYPE_ERROR;
	default:
		return true;
	}
}

void
user_arrived(struct hm_letter *take)
{
	struct hm_user *u = user_find(take->to_bare);

	if (!take->to_resource && outstanding_answered(take))
		return;
	if (needs_somebody(take->stanza) && (!u || list_empty(&u->sessions))) {
		letter_free(&take);
		return;
	}
	take->waiter.go = letter_go;
	take->waiter.bytes = stanza_bytes(take->stanza) + sizeof(*take);
	take->waiter.payer = take->charge.credit;
	user_wait(host_find(take->to_domain), take->to_bare, &take->waiter);
}
