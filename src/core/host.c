/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/host.c - builds a host's dispatch from its modules' tables and publishes it.
 * Published sets are replaced, never changed: readers on any thread take no lock.  The old set is
 * kept for good (sets are small, reloads are rare).
 */
#include "core/host.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"
#include "core/caps.h"
#include "core/core.h"
#include "core/here.h"
#include "link/link.h"
#include "xml/writer.h"

struct host_set {
	const struct host_set *before; /* kept: somebody may be reading it */
	const struct link_hosts *told; /* made of it */
	size_t n;
	struct host **v;
	struct table hosts;    /* domain -> struct host */
	struct table services; /* domain -> struct host_service */
};

static _Atomic(struct host_set *) published;
static uint64_t shuffle_seed;

void
hosts_set_seed(uint64_t seed)
{
	shuffle_seed = seed;
}

/* --- Order of modules: what is needed comes first -------------------------------- */

enum mark { UNSEEN, OPEN, DONE };

struct ordering {
	const struct host_setup *setup;
	enum mark *marks;
	struct host *host;
	struct hm_error *why;
};

static const struct host_setup_module *
setup_find(const struct host_setup *setup, const char *name, size_t *index)
{
	for (*index = 0; *index < setup->n_modules; ++*index) {
		if (strcmp(setup->modules[*index].name, name) == 0)
			return &setup->modules[*index];
	}
	return NULL;
}

static size_t
aligned(size_t n)
{
	return (n + 15) & ~(size_t)15;
}

static bool
order_one(struct ordering *o, size_t i)
{
	const struct host_setup_module *wanted = &o->setup->modules[i];
	struct module *m = module_load(wanted->name, o->why);
	struct host_module *slot;

	if (!m)
		return false;
	if (o->marks[i] == OPEN)
		return error_set(o->why, HM_E_INVALID, "module %s needs itself through others",
		                 wanted->name);
	o->marks[i] = OPEN;
	for (size_t k = 0; k < m->decl->needs.n; k++) {
		size_t needed;

		if (!setup_find(o->setup, m->decl->needs.v[k], &needed))
			return error_set(
				o->why, HM_E_INVALID,
				"host %s: module %s needs module %s, which is not in the list of modules",
				o->setup->domain, wanted->name, m->decl->needs.v[k]);
		if (o->marks[needed] != DONE && !order_one(o, needed))
			return false;
	}
	o->marks[i] = DONE;
	slot = &o->host->modules[o->host->n_modules++];
	slot->module = m;
	atomic_init(&slot->config, wanted->config);
	slot->user_offset = o->host->user_bytes;
	slot->session_offset = o->host->session_bytes;
	o->host->user_bytes += aligned(m->decl->user_state_size);
	o->host->session_bytes += aligned(m->decl->session_state_size);
	return true;
}

/* --- Events ------------------------------------------------------------------------ */

static void
build_chain(struct host *h, enum hm_event event)
{
	struct host_chain *chain = &h->chains[event];
	uint64_t state = shuffle_seed + event;

	for (unsigned phase = 0; phase < HM_PHASES; phase++) {
		size_t first = chain->n;

		for (unsigned i = 0; i < h->n_modules; i++) {
			const struct hm_module *decl = h->modules[i].module->decl;

			for (size_t k = 0; k < decl->hooks.n; k++) {
				if (decl->hooks.v[k].event != event ||
				    decl->hooks.v[k].phase != phase)
					continue;
				chain->v =
					mem_realloc(chain->v, (chain->n + 1) * sizeof(*chain->v));
				chain->v[chain->n++] =
					(struct host_hook){ i, phase, &decl->hooks.v[k] };
			}
		}
		for (size_t i = chain->n; shuffle_seed && i > first + 1; i--) { /* Fisher-Yates */
			size_t other;
			struct host_hook tmp;

			state = hash_stable(&state, sizeof(state));
			other = first + state % (i - first);
			tmp = chain->v[i - 1];
			chain->v[i - 1] = chain->v[other];
			chain->v[other] = tmp;
		}
	}
}

/* --- Routes -------------------------------------------------------------------------- */

static const char *
route_key(struct buf *key, enum hm_iq_type type, unsigned side, const char *ns, const char *name)
{
	buf_clear(key);
	buf_printf(key, "%u %u %s\n%s", (unsigned)type, side, ns, name);
	return key->data;
}

static bool
add_routes(struct host *h, unsigned mod, struct hm_error *why)
{
	const struct hm_module *decl = h->modules[mod].module->decl;
	struct buf key = { 0 };
	bool ok = true;

	for (size_t i = 0; ok && i < decl->iq.n; i++) {
		for (unsigned side = HM_TO_HOST; ok && side <= HM_TO_OCCUPANT; side <<= 1) {
			const struct hm_iq_route *route = &decl->iq.v[i];
			struct host_route *slot;

			if (!(route->to & side))
				continue;
			/* Of a module with services of its own it is theirs; else (disco, ping) everybody's. */
			slot = mem_new(struct host_route);
			*slot = (struct host_route){ mod, route };
			route_key(&key, route->type, side, route->ns,
			          route->name ? route->name : "*");
			if (side >= HM_TO_SERVICE && decl->services.n > 0)
				buf_printf(&key, "%u ", mod);
			if (table_put(&h->routes, key.data, slot))
				ok = error_set(why, HM_E_INVALID, "host %s: two routes for %s %s",
				               h->domain, route->ns,
				               route->name ? route->name : "*");
		}
	}
	buf_free(&key);
	return ok;
}

const struct host_route *
host_find_route(const struct host *h, enum hm_iq_type type, enum hm_side side, const char *ns,
                const char *name)
{
	char key[512];
	int len = snprintf(key, sizeof(key), "%u %u %s\n%s", (unsigned)type, (unsigned)side, ns,
	                   name);
	const struct host_route *found;

	if (len < 0 || (size_t)len >= sizeof(key))
		return NULL; /* no declared namespace is that long */
	found = table_get_n(&h->routes, key, (size_t)len);
	if (found)
		return found;
	len = snprintf(key, sizeof(key), "%u %u %s\n*", (unsigned)type, (unsigned)side, ns);
	return table_get_n(&h->routes, key, (size_t)len);
}

/* --- Services -------------------------------------------------------------------------- */

static void
add_services(struct host *h, unsigned mod, const char *override)
{
	const struct hm_module *decl = h->modules[mod].module->decl;

	for (size_t i = 0; i < decl->services.n; i++) {
		struct host_service *s;

		h->services = mem_realloc(h->services, (h->n_services + 1) * sizeof(*h->services));
		s = &h->services[h->n_services++];
		s->host = h;
		s->mod = mod;
		s->service = &decl->services.v[i];
		s->domain = i == 0 && override ? mem_strdup(override)
		                               : mem_printf("%s.%s", s->service->name, h->domain);
	}
}

struct host *
host_new(const struct host_setup *setup, struct hm_error *why)
{
	struct host *h = mem_new(struct host);
	struct ordering o = { setup, mem_array(setup->n_modules + 1, sizeof(enum mark)), h, why };
	bool ok = true;

	h->domain = mem_strdup(setup->domain);
	atomic_init(&h->admins, setup->admins);
	atomic_init(&h->limits, setup->limits);
	h->modules = mem_zalloc((setup->n_modules + 1) * sizeof(*h->modules));
	memset(o.marks, 0, (setup->n_modules + 1) * sizeof(enum mark));
	for (size_t i = 0; ok && i < setup->n_modules; i++)
		ok = o.marks[i] == DONE || order_one(&o, i);
	mem_free(o.marks);
	for (unsigned i = 0; ok && i < h->n_modules; i++) {
		size_t at;

		ok = add_routes(h, i, why);
		add_services(h, i,
		             setup_find(setup, h->modules[i].module->name, &at)->service_domain);
	}
	if (!ok) {
		host_free(&h);
		return NULL;
	}
	for (unsigned event = 0; event < HM_EVENTS; event++)
		build_chain(h, (enum hm_event)event);
	return h;
}

void
host_free(struct host **h)
{
	struct host *host = *h;
	size_t pos = 0;
	void *route;

	if (!host)
		return;
	*h = NULL;
	while (table_next(&host->routes, &pos, NULL, &route))
		mem_free(route);
	table_free(&host->routes);
	for (size_t i = 0; i < host->n_services; i++)
		mem_free((char *)(uintptr_t)host->services[i].domain);
	for (unsigned event = 0; event < HM_EVENTS; event++)
		mem_free(host->chains[event].v);
	mem_free(host->services);
	mem_free(host->modules);
	mem_free((char *)(uintptr_t)host->domain);
	mem_free(host);
}

/* --- What the stream side may know ---------------------------------------------------------- */

static bool
feature_wanted(const struct host *h, unsigned mod, const struct hm_stream_feature *f)
{
	return !f->wanted || f->wanted(atomic_load(&h->modules[mod].config));
}

static void
write_feature(struct host *h, unsigned mod, const struct hm_stream_feature *f, struct buf *xml)
{
	struct arena *arena = arena_new(0);
	struct hm_mod *m = mod_new(h, mod);
	struct hm_writer w;

	writer_init(&w, arena);
	f->write(m, &w);
	hm_assert(writer_done(&w));
	elem_write(w.root, "", xml);
	mod_free(&m);
	arena_free(&arena);
}

static char *
features(struct host *h, bool before_auth)
{
	struct buf xml = { 0 };
	char *text;

	if (!before_auth)
		buf_puts(
			&xml,
			"<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
			"<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>"
			"<sm xmlns='urn:xmpp:sm:3'/>");
	for (unsigned i = 0; i < h->n_modules; i++) {
		const struct hm_module *decl = h->modules[i].module->decl;

		for (size_t k = 0; k < decl->stream_features.n; k++) {
			const struct hm_stream_feature *f = &decl->stream_features.v[k];

			if (f->before_auth != before_auth || !feature_wanted(h, i, f))
				continue;
			if (f->write)
				write_feature(h, i, f, &xml);
			else
				buf_puts(&xml, f->xml);
		}
	}
	text = mem_strdup(xml.data ? xml.data : "");
	buf_free(&xml);
	return text;
}

static bool
serves_strangers(const struct host *h)
{
	for (unsigned i = 0; i < h->n_modules; i++) {
		const struct hm_module *decl = h->modules[i].module->decl;

		for (size_t k = 0; k < decl->iq.n; k++) {
			if (decl->iq.v[k].from == HM_STRANGER)
				return true;
		}
	}
	return false;
}

/* Kept as long as the set. */
static void
tell_services(const struct host *h, struct link_host *out)
{
	const char **services = mem_array(h->n_services + 1, sizeof(*services));

	for (size_t i = 0; i < h->n_services; i++)
		services[i] = h->services[i].domain;
	out->services = services;
	out->n_services = h->n_services;
}

static void
tell_stream_side(struct host_set *set)
{
	struct link_hosts *out = mem_new(struct link_hosts);
	struct link_host *v = mem_array(set->n + 1, sizeof(*v));

	for (size_t i = 0; i < set->n; i++) {
		caps_renew(set->v[i]);
		v[i].domain = set->v[i]->domain;
		v[i].features_before = features(set->v[i], true);
		v[i].features_after = features(set->v[i], false);
		v[i].strangers = serves_strangers(set->v[i]);
		tell_services(set->v[i], &v[i]);
	}
	out->n = set->n;
	out->host = v;
	set->told = out;
	link_publish_hosts(out);
}

void
hosts_publish(struct host *const *hosts, size_t n)
{
	const struct host_set *old = atomic_load(&published);
	struct host_set *set = mem_new(struct host_set);

	set->before = old;
	set->n = (old ? old->n : 0) + n;
	set->v = mem_array(set->n + 1, sizeof(*set->v));
	if (old)
		memcpy(set->v, old->v, old->n * sizeof(*set->v));
	for (size_t i = 0; i < n; i++) {
		hosts[i]->index = (unsigned)(set->n - n + i);
		set->v[hosts[i]->index] = hosts[i];
	}
	for (size_t i = 0; i < set->n; i++) {
		table_put(&set->hosts, set->v[i]->domain, set->v[i]);
		for (size_t k = 0; k < set->v[i]->n_services; k++)
			table_put(&set->services, set->v[i]->services[k].domain,
			          &set->v[i]->services[k]);
	}
	atomic_store(&published, set);
	tell_stream_side(set);
}

struct host *
host_find(const char *domain)
{
	const struct host_set *set = atomic_load_explicit(&published, memory_order_acquire);

	return set ? table_get(&set->hosts, domain) : NULL;
}

const struct host_service *
service_find(const char *domain)
{
	const struct host_set *set = atomic_load_explicit(&published, memory_order_acquire);

	return set ? table_get(&set->services, domain) : NULL;
}

bool
host_is_ours(const char *domain)
{
	return host_find(domain) || service_find(domain);
}

size_t
hosts_count(void)
{
	const struct host_set *set = atomic_load_explicit(&published, memory_order_acquire);

	return set ? set->n : 0;
}

struct host *
host_at(size_t i)
{
	return atomic_load_explicit(&published, memory_order_acquire)->v[i];
}

bool
host_is_admin(const struct host *h, const char *bare)
{
	const struct host_admins *admins = atomic_load_explicit(&h->admins, memory_order_acquire);

	for (size_t i = 0; admins && i < admins->n; i++) {
		if (strcmp(admins->v[i], bare) == 0)
			return true;
	}
	return false;
}

void
host_set_admins(struct host *h, const struct host_admins *admins)
{
	atomic_store(&h->admins, admins);
}

void
host_set_limits(struct host *h, const struct core_limits *limits)
{
	atomic_store(&h->limits, limits);
}

const struct core_limits *
host_limits(const struct host *h)
{
	const struct core_limits *own = atomic_load_explicit(&h->limits, memory_order_acquire);

	return own ? own : core_limits();
}
