/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/info.c - what a host, an account or a service says of itself (XEP-0030, XEP-0128), and the
 * verification string of a host's entity capabilities (XEP-0115 5.1).
 */
#include <stdlib.h>
#include <string.h>

#include <hermod/module.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/mem.h"
#include "core/here.h"
#include "core/iq.h"
#include "core/served.h"
#include "core/user.h"
#include "crypto/hash.h"
#include "loop/worker.h"

#define NS_INFO "http://jabber.org/protocol/disco#info"
#define NS_ITEMS "http://jabber.org/protocol/disco#items"
#define NS_DATA "jabber:x:data"
#define PART_MAX 512

struct identity {
	const char *category, *type, *name;
};
struct field {
	unsigned form;
	const char *var;
	const char **values;
	size_t n;
};

/* Everything in scratch memory: it lives as long as the callback. */
struct hm_info {
	struct identity identities[PART_MAX];
	size_t n_identities;
	const char *features[PART_MAX];
	size_t n_features;
	const char *forms[PART_MAX]; /* FORM_TYPE */
	size_t n_forms;
	struct field fields[PART_MAX];
	size_t n_fields;
};

void
hm_info_identity(struct hm_info *info, const char *category, const char *type, const char *name)
{
	hm_assert(info->n_identities < PART_MAX);
	info->identities[info->n_identities++] =
		(struct identity){ category, type, name ? hm_tmp_dup(name) : NULL };
}

void
hm_info_feature(struct hm_info *info, const char *var)
{
	for (size_t i = 0; i < info->n_features; i++) {
		if (strcmp(info->features[i], var) == 0)
			return; /* XEP-0115 5.4: no feature twice */
	}
	hm_assert(info->n_features < PART_MAX);
	info->features[info->n_features++] = hm_tmp_dup(var);
}

void
hm_info_form(struct hm_info *info, const char *form_type)
{
	hm_assert(info->n_forms < PART_MAX);
	info->forms[info->n_forms++] = hm_tmp_dup(form_type);
}

void
hm_info_field(struct hm_info *info, const char *var, const char *const *values, size_t n)
{
	struct field *f = &info->fields[info->n_fields++];

	hm_assert(info->n_fields <= PART_MAX && info->n_forms > 0);
	f->form = (unsigned)info->n_forms - 1;
	f->var = hm_tmp_dup(var);
	f->n = n;
	f->values = arena_alloc(worker_scratch(), (n + 1) * sizeof(char *));
	for (size_t i = 0; i < n; i++)
		f->values[i] = hm_tmp_dup(values[i]);
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
	const struct identity *x = a, *y = b;
	int order = strcmp(x->category, y->category);

	return order ? order : strcmp(x->type, y->type);
}

static void
sort_all(struct hm_info *info)
{
	qsort(info->identities, info->n_identities, sizeof(struct identity), by_identity);
	qsort(info->features, info->n_features, sizeof(char *), by_text);
}

static struct hm_info *
info_new(void)
{
	struct hm_info *info = arena_zalloc(worker_scratch(), sizeof(*info));

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
node_is_caps(struct hm_mod *m, const char *node)
{
	const char *ver = strrchr(node, '#');

	return ver && strcmp(ver + 1, hm_tmp_caps_ver(m)) == 0;
}

bool
hm_write_info(struct hm_mod *m, struct hm_iq *rq, struct hm_writer *w, const char *node)
{
	struct hm_info *info = info_new();

	if (node && (rq->user || rq->entity || !node_is_caps(m, node)))
		return false;
	if (rq->entity || service_of(rq)) {
		const struct host_service *s = service_of(rq);

		if (!rq->entity)
			hm_info_identity(info, s->service->category, s->service->type,
			                 s->service->title);
		collect_module(mods_of(s->host)[s->mod], rq->entity ? HM_TO_ENTITY : HM_TO_SERVICE,
		               NULL, info);
		if (rq->entity) {
			const struct hm_entity_kind *kind =
				&mods_of(s->host)[s->mod]
					 ->slot->module->decl->entities.v[s->service->kind];

			if (kind->info)
				kind->info(mods_of(s->host)[s->mod], rq->entity, info);
		}
		sort_all(info);
	} else {
		collect_host(rq->host, rq->user ? HM_TO_ACCOUNT : HM_TO_HOST, rq->user, info);
	}
	write_all(info, w);
	return true;
}

void
hm_write_items(struct hm_mod *m, struct hm_iq *rq, struct hm_writer *w)
{
	if (rq->user || rq->entity || service_of(rq))
		return;
	for (size_t i = 0; i < rq->host->n_services; i++) {
		writer_open(w, NS_ITEMS, "item");
		writer_attr(w, "jid", rq->host->services[i].domain);
		writer_attr(w, "name", rq->host->services[i].service->title);
		writer_close(w);
	}
}

/* --- Capabilities ------------------------------------------------------------------------------------ */

static void
put(struct buf *s, const char *text)
{
	buf_puts(s, text);
	buf_putc(s, '<');
}

static void
put_forms(struct buf *s, const struct hm_info *info)
{
	const char *forms[PART_MAX];

	memcpy(forms, info->forms, info->n_forms * sizeof(char *));
	qsort(forms, info->n_forms, sizeof(char *), by_text);
	for (size_t f = 0; f < info->n_forms; f++) {
		const char *vars[PART_MAX];
		size_t n = 0;

		put(s, forms[f]);
		for (size_t i = 0; i < info->n_fields; i++) {
			if (strcmp(info->forms[info->fields[i].form], forms[f]) == 0)
				vars[n++] = info->fields[i].var;
		}
		qsort(vars, n, sizeof(char *), by_text);
		for (size_t v = 0; v < n; v++) {
			put(s, vars[v]);
			for (size_t i = 0; i < info->n_fields; i++) {
				if (info->fields[i].var != vars[v])
					continue;
				qsort(info->fields[i].values, info->fields[i].n, sizeof(char *),
				      by_text);
				for (size_t k = 0; k < info->fields[i].n; k++)
					put(s, info->fields[i].values[k]);
			}
		}
	}
}

const char *
hm_tmp_caps_ver(struct hm_mod *m)
{
	struct hm_info *info = info_new();
	struct buf s = { 0 };
	unsigned char digest[CRYPTO_HASH_MAX];
	char *out = arena_alloc(worker_scratch(), BASE64_LEN(20) + 1);

	collect_host(m->host, HM_TO_HOST, NULL, info);
	for (size_t i = 0; i < info->n_identities; i++) {
		const struct identity *id = &info->identities[i];

		buf_printf(&s, "%s/%s//%s<", id->category, id->type, id->name ? id->name : "");
	}
	for (size_t i = 0; i < info->n_features; i++)
		put(&s, info->features[i]);
	put_forms(&s, info);
	crypto_digest(CRYPTO_SHA1, s.data, s.len, digest);
	base64_encode(out, digest, crypto_hash_len(CRYPTO_SHA1));
	buf_free(&s);
	return out;
}
