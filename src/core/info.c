/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/info.c - what a host, an account or a service says of itself (XEP-0030, XEP-0128).
 */
#include "core/info.h"

#include <stdlib.h>
#include <string.h>

#include "core/caps.h"
#include "core/here.h"
#include "core/iq.h"
#include "core/served.h"
#include "core/user.h"
#include "loop/worker.h"

#define NS_INFO "http://jabber.org/protocol/disco#info"
#define NS_ITEMS "http://jabber.org/protocol/disco#items"
#define NS_DATA "jabber:x:data"

void
hm_info_identity(struct hm_info *info, const char *category, const char *type, const char *name)
{
	hm_assert(info->n_identities < INFO_MAX);
	info->identities[info->n_identities++] =
		(struct info_identity){ category, type,
		                        name ? arena_strdup(info->arena, name) : NULL };
}

void
hm_info_feature(struct hm_info *info, const char *var)
{
	for (size_t i = 0; i < info->n_features; i++) {
		if (strcmp(info->features[i], var) == 0)
			return; /* XEP-0115 5.4: no feature twice */
	}
	hm_assert(info->n_features < INFO_MAX);
	info->features[info->n_features++] = arena_strdup(info->arena, var);
}

void
hm_info_form(struct hm_info *info, const char *form_type)
{
	/* XEP-0115 5.4: no form twice, so several modules may add to one. */
	for (info->form = 0; info->form < info->n_forms; info->form++) {
		if (strcmp(info->forms[info->form], form_type) == 0)
			return;
	}
	hm_assert(info->n_forms < INFO_MAX);
	info->forms[info->n_forms++] = arena_strdup(info->arena, form_type);
}

void
hm_info_field(struct hm_info *info, const char *var, const char *type, const char *const *values,
              size_t n)
{
	struct info_field *f = &info->fields[info->n_fields++];

	hm_assert(info->n_fields <= INFO_MAX && info->n_forms > 0);
	f->form = info->form;
	f->var = arena_strdup(info->arena, var);
	f->type = type ? arena_strdup(info->arena, type) : NULL;
	f->n = n;
	f->values = arena_alloc(info->arena, (n + 1) * sizeof(char *));
	for (size_t i = 0; i < n; i++)
		f->values[i] = arena_strdup(info->arena, values[i]);
}

/* --- Collecting ------------------------------------------------------------------------------- */

static void
collect_module(struct hm_mod *m, enum hm_side side, struct hm_user *u, struct hm_info *info)
{
	const struct hm_module *decl = m->slot->module->decl;

	for (size_t i = 0; i < decl->identities.n; i++) {
		const struct hm_identity *id = &decl->identities.v[i];

		if (id->to & side)
			hm_info_identity(info, id->category, id->type, id->name);
	}
	for (size_t i = 0; i < decl->features.n; i++) {
		if (decl->features.v[i].to & side)
			hm_info_feature(info, decl->features.v[i].var);
	}
	if (decl->info)
		decl->info(m, side, u, info);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
by_identity(const void *a, const void *b)
{
	const struct info_identity *x = a, *y = b;
	int order = strcmp(x->category, y->category);

	return order ? order : strcmp(x->type, y->type);
}

static void
sort_all(struct hm_info *info)
{
	qsort(info->identities, info->n_identities, sizeof(struct info_identity), by_identity);
	qsort(info->features, info->n_features, sizeof(char *), by_text);
}

static struct hm_info *
info_new(struct arena *arena)
{
	struct hm_info *info = arena_zalloc(arena, sizeof(*info));

	info->arena = arena;
	return info;
}

static void
collect_host(struct host *h, enum hm_side side, struct hm_user *u, struct hm_info *info)
{
	struct hm_mod **mods = mods_of(h);

	for (unsigned i = 0; i < h->n_modules; i++)
		collect_module(mods[i], side, u, info);
	sort_all(info);
}

struct hm_info *
info_published(struct host *h, struct arena *arena)
{
	struct hm_info *info = info_new(arena);

	for (unsigned i = 0; i < h->n_modules; i++) {
		struct hm_mod *m = mod_new(h, i);

		collect_module(m, HM_TO_HOST, NULL, info);
		mod_free(&m);
	}
	sort_all(info);
	return info;
}

/* A service or an entity: what its module says, and what the modules that serve all of them say. */
static void
collect_served(const struct host_service *s, enum hm_side side, struct hm_entity *e,
               struct hm_info *info)
{
	struct hm_mod **mods = mods_of(s->host);
	const struct hm_entity_kind *kind =
		&mods[s->mod]->slot->module->decl->entities.v[s->service->kind];

	if (!e)
		hm_info_identity(info, s->service->category, s->service->type, s->service->title);
	for (unsigned i = 0; i < s->host->n_modules; i++) {
		if (i == s->mod || mods[i]->slot->module->decl->services.n == 0)
			collect_module(mods[i], side, NULL, info);
	}
	if (e && kind->info)
		kind->info(mods[s->mod], e, info);
	sort_all(info);
}

/* --- Writing ------------------------------------------------------------------------------------ */

static void
write_forms(const struct hm_info *info, struct hm_writer *w)
{
	for (unsigned form = 0; form < info->n_forms; form++) {
		writer_open(w, NS_DATA, "x");
		writer_attr(w, "type", "result");
		writer_open(w, NULL, "field");
		writer_attr(w, "var", "FORM_TYPE");
		writer_attr(w, "type", "hidden");
		writer_leaf(w, "value", info->forms[form]);
		writer_close(w);
		for (size_t i = 0; i < info->n_fields; i++) {
			if (info->fields[i].form != form)
				continue;
			writer_open(w, NULL, "field");
			writer_attr(w, "var", info->fields[i].var);
			writer_attr(w, "type", info->fields[i].type);
			for (size_t k = 0; k < info->fields[i].n; k++)
				writer_leaf(w, "value", info->fields[i].values[k]);
			writer_close(w);
		}
		writer_close(w);
	}
}

static void
write_all(const struct hm_info *info, struct hm_writer *w)
{
	for (size_t i = 0; i < info->n_identities; i++) {
		writer_open(w, NS_INFO, "identity");
		writer_attr(w, "category", info->identities[i].category);
		writer_attr(w, "type", info->identities[i].type);
		writer_attr(w, "name", info->identities[i].name);
		writer_close(w);
	}
	for (size_t i = 0; i < info->n_features; i++) {
		writer_open(w, NS_INFO, "feature");
		writer_attr(w, "var", info->features[i]);
		writer_close(w);
	}
	write_forms(info, w);
}

static const struct host_service *
service_of(const struct hm_iq *rq)
{
	return service_find(rq->letter->to_domain);
}

/* The verification string of the host is also a node at which it answers (XEP-0115 6.2). */
static bool
node_is_caps(const struct hm_mod *m, const char *node)
{
	const char *ver = strrchr(node, '#');

	return ver && strcmp(ver + 1, hm_caps_ver(m)) == 0;
}

bool
hm_write_info(struct hm_mod *m, struct hm_iq *rq, struct hm_writer *w, const char *node)
{
	struct hm_info *info = info_new(worker_scratch());
	const struct host_service *service = service_of(rq);

	if (node && (rq->user || service || !node_is_caps(m, node)))
		return false;
	if (service)
		collect_served(service, rq->entity ? HM_TO_ENTITY : HM_TO_SERVICE, rq->entity,
		               info);
	else
		collect_host(rq->host, rq->user ? HM_TO_ACCOUNT : HM_TO_HOST, rq->user, info);
	write_all(info, w);
	return true;
}

void
hm_write_items(struct hm_mod *m, struct hm_iq *rq, struct hm_writer *w)
{
	if (rq->user || service_of(rq))
		return;
	for (size_t i = 0; i < rq->host->n_services; i++) {
		writer_open(w, NS_ITEMS, "item");
		writer_attr(w, "jid", rq->host->services[i].domain);
		writer_attr(w, "name", rq->host->services[i].service->title);
		writer_close(w);
	}
}
