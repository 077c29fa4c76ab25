/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/api.c - what modules may ask of their handles (hermod/handles.h, hermod/module.h).  Each
 * accessor of something with a home checks that it is called there.
 */
#include <config.h>

#include <string.h>

#include <hermod/module.h>

#include "base/metrics.h"
#include "core/here.h"
#include "core/iq.h"
#include "core/user.h"
#include "loop/worker.h"

/* --- Modules ---------------------------------------------------------------------------------- */

static void
check_home(const struct hm_mod *m)
{
	hm_assert(m->worker == worker_self());
}

const void *
hm_config(const struct hm_mod *m)
{
	return atomic_load_explicit(&m->slot->config, memory_order_acquire);
}

void *
hm_state(const struct hm_mod *m)
{
	check_home(m);
	return m->state;
}

void *
hm_user_state(const struct hm_mod *m, const struct hm_user *u)
{
	check_home(m);
	hm_assert(m->host == u->entity.host);
	return u->state + m->slot->user_offset;
}

void *
hm_session_state(const struct hm_mod *m, const struct hm_session *s)
{
	check_home(m);
	hm_assert(m->host == s->user->entity.host && s->state);
	return s->state + m->slot->session_offset;
}

const char *
hm_host(const struct hm_mod *m)
{
	return m->host->domain;
}

bool
hm_is_local_account(const struct hm_mod *m, const char *bare)
{
	const char *at = strchr(bare, '@');

	return at && host_find(at + 1);
}

struct hm_mod *
hm_mod_of_user(const struct hm_mod *any, const struct hm_user *u)
{
	struct host *h = u->entity.host;

	for (unsigned i = 0; i < h->n_modules; i++) {
		if (h->modules[i].module == any->slot->module)
			return mods_of(h)[i];
	}
	return NULL;
}

const char *
hm_version(void)
{
	return PACKAGE_VERSION;
}

const void *
hm_interface(const struct hm_mod *m, const char *name, unsigned version, struct hm_mod **provider)
{
	struct hm_mod **mods = mods_of(m->host);

	for (unsigned i = 0; i < m->host->n_modules; i++) {
		const struct hm_module *decl = mods[i]->slot->module->decl;

		for (size_t k = 0; k < decl->provides.n; k++) {
			if (decl->provides.v[k].version == version &&
			    strcmp(decl->provides.v[k].name, name) == 0) {
				*provider = mods[i];
				return decl->provides.v[k].functions;
			}
		}
	}
	*provider = NULL;
	return NULL;
}

void
hm_count(struct hm_mod *m, unsigned metric, int64_t n)
{
	metric_add(m->slot->module->first_metric + metric, n);
}

void
hm_observe_us(struct hm_mod *m, unsigned metric, int64_t microseconds)
{
	metric_observe(m->slot->module->first_metric + metric, microseconds);
}

/* --- Users and sessions ---------------------------------------------------------------------------- */

const char *
hm_user_jid(const struct hm_user *u)
{
	return u->entity.address;
}

const char *
hm_user_local(const struct hm_user *u)
{
	return u->local;
}

int64_t
hm_user_account(const struct hm_user *u)
{
	return u->account;
}

bool
hm_user_is_admin(const struct hm_user *u)
{
	return host_is_admin(u->entity.host, u->entity.address);
}

struct hm_session *
hm_first_session(const struct hm_user *u)
{
	return list_empty(&u->sessions) ? NULL
	                                : list_entry(u->sessions.next, struct hm_session, link);
}

struct hm_session *
hm_next_session(const struct hm_session *s)
{
	return s->link.next == &s->user->sessions
	               ? NULL
	               : list_entry(s->link.next, struct hm_session, link);
}

struct hm_session *
hm_find_session(const struct hm_user *u, const char *resource)
{
	hm_for_each_session(s, u)
	{
		if (strcmp(s->resource, resource) == 0)
			return s;
	}
	return NULL;
}

struct hm_user *
hm_session_user(const struct hm_session *s)
{
	return s->user;
}

const char *
hm_session_jid(const struct hm_session *s)
{
	return s->jid;
}

const char *
hm_session_resource(const struct hm_session *s)
{
	return s->resource;
}

const struct hm_stanza *
hm_session_presence(const struct hm_session *s)
{
	return s->presence;
}

int
hm_session_priority(const struct hm_session *s)
{
	return s->priority;
}

int64_t
hm_session_since_us(const struct hm_session *s)
{
	return s->since_us;
}

const char *
hm_session_lang(const struct hm_session *s)
{
	return s->lang;
}

void
hm_session_close(struct hm_session *s, const char *stream_condition, const char *text)
{
	for (int cond = 1; cond < STREAM_CONDS; cond++) {
		if (strcmp(stream_cond_name((enum stream_cond)cond), stream_condition) == 0) {
			session_close(s, (enum stream_cond)cond, text, HM_CLOSED_BY_SERVER);
			return;
		}
	}
	hm_assert(!"a stream error condition of RFC 6120 4.9.3");
}

bool
hm_session_directed_to(const struct hm_session *s, const char *to)
{
	return table_get(&s->directed, to);
}

const char *
hm_tmp_session_directed(const struct hm_session *s, const char *bare)
{
	size_t pos = 0, len = strlen(bare);
	const char *to;

	while (table_next(&s->directed, &pos, &to, NULL)) {
		if (strncmp(to, bare, len) == 0 && to[len] == '/')
			return hm_tmp_dup(to);
	}
	return NULL;
}

void
hm_session_hide_directed(struct hm_session *s, bool (*covered)(const char *to, void *ctx),
                         void *ctx)
{
	session_hide_directed(s, covered, ctx);
}

/* --- Letters and stanzas --------------------------------------------------------------------------------- */

const struct hm_stanza *
hm_letter_stanza(const struct hm_letter *l)
{
	return l->stanza;
}

const char *
hm_letter_to(const struct hm_letter *l)
{
	return l->to;
}

const char *
hm_letter_to_bare(const struct hm_letter *l)
{
	return l->to_bare;
}

const char *
hm_letter_to_resource(const struct hm_letter *l)
{
	return l->to_resource;
}

const char *
hm_letter_from(const struct hm_letter *l)
{
	return l->stanza->from;
}

const char *
hm_letter_from_bare(const struct hm_letter *l)
{
	return l->from_bare;
}

enum hm_plan
hm_letter_plan(const struct hm_letter *l)
{
	return l->plan;
}

bool
hm_letter_reaches(const struct hm_letter *l, const struct hm_session *s)
{
	return user_letter_reaches(l, s);
}

void
hm_letter_withhold(struct hm_letter *l, const struct hm_session *s)
{
	hm_assert(l->plan == HM_PLAN_SESSIONS);
	l->withheld = s->id;
}

enum hm_kind
hm_stanza_kind(const struct hm_stanza *s)
{
	return (enum hm_kind)s->kind;
}

const char *
hm_stanza_type(const struct hm_stanza *s)
{
	return s->type_text ? s->type_text : "";
}

const char *
hm_stanza_id(const struct hm_stanza *s)
{
	return s->id;
}

const char *
hm_stanza_from(const struct hm_stanza *s)
{
	return s->from;
}

const struct hm_elem *
hm_stanza_root(const struct hm_stanza *s)
{
	return s->root;
}

size_t
hm_stanza_bytes(const struct hm_stanza *s)
{
	return stanza_bytes(s);
}

size_t
hm_stanza_memory(const struct hm_stanza *s)
{
	return stanza_memory(s);
}

const struct hm_stanza *
hm_stanza_ref(const struct hm_stanza *s)
{
	return stanza_ref(s);
}

void
hm_stanza_unref(const struct hm_stanza **s)
{
	stanza_unref(s);
}

const char *
hm_tmp_stanza_xml(const struct hm_stanza *s)
{
	struct buf out = { 0 };
	const char *text;

	stanza_write(s, NULL, &out);
	text = arena_strndup(worker_scratch(), out.data, out.len);
	buf_free(&out);
	return text;
}

const struct hm_stanza *
hm_stanza_parse_ref(const char *xml)
{
	return stanza_parse(xml, strlen(xml));
}

/* --- Requests ------------------------------------------------------------------------------------------------ */

const struct hm_elem *
hm_iq_payload(const struct hm_iq *rq)
{
	return elem_first_child(rq->letter->stanza->root);
}

const char *
hm_iq_from(const struct hm_iq *rq)
{
	return rq->letter->stanza->from;
}

const char *
hm_iq_from_bare(const struct hm_iq *rq)
{
	return rq->letter->from_bare;
}

const char *
hm_iq_to(const struct hm_iq *rq)
{
	return rq->letter->to ? rq->letter->to : rq->letter->to_bare;
}

const char *
hm_iq_source(const struct hm_iq *rq)
{
	return rq->source;
}

struct hm_user *
hm_iq_user(const struct hm_iq *rq)
{
	return rq->user;
}

struct hm_entity *
hm_iq_entity(const struct hm_iq *rq)
{
	return rq->entity;
}

int64_t
hm_iq_account(const struct hm_iq *rq)
{
	return rq->user ? rq->user->account : 0;
}

struct hm_session *
hm_iq_session(const struct hm_iq *rq)
{
	struct hm_session *s =
		rq->letter->session && link_worker(rq->letter->session) == here->worker
			? session_find(rq->letter->session)
			: NULL;

	return s && (!rq->user || s->user == rq->user) ? s : NULL;
}

bool
hm_iq_from_admin(const struct hm_iq *rq)
{
	return host_is_admin(rq->host, rq->letter->from_bare);
}

bool
hm_is_admin(const struct hm_mod *m, const char *bare)
{
	return host_is_admin(m->host, bare);
}

struct hm_mod *
hm_iq_mod(const struct hm_iq *rq)
{
	return rq->mod;
}

/* --- Logging ------------------------------------------------------------------------------------------------------ */

const struct hm_logctx *
hm_ctx_mod(const struct hm_mod *m)
{
	return &m->log;
}

const struct hm_logctx *
hm_ctx_iq(const struct hm_iq *rq)
{
	return &rq->log;
}

const struct hm_logctx *
hm_ctx_user(const struct hm_user *u)
{
	return &u->entity.log;
}

const struct hm_logctx *
hm_ctx_session(const struct hm_session *s)
{
	return &s->log;
}
