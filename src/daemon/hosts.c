/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/hosts.c - each module of each host holds a reference on the snapshot that its
 * configuration lives in.  A reload exchanges all of them, also those that did not change, so
 * that the old snapshot goes; a module that the new file has no more (which takes a restart) keeps its own.
 */
#include "daemon/hosts.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "conf/write.h"
#include "core/core.h"

struct running_module {
	struct conf_snapshot *snapshot; /* of its config */
	/* While a reload is under way. */
	struct conf_snapshot *old_snapshot;
	const void *old_config; /* differs: the module is told */
};

struct running_host {
	struct host *host;
	struct conf_snapshot *admins_snapshot;
	struct conf_snapshot *old_admins_snapshot;
	struct running_module *modules; /* as in host->modules */
};

struct hosts {
	size_t n, n_fresh; /* the last n_fresh are not published yet */
	struct running_host *v;
};

static const struct settings_module *
find_module(const struct settings_host *h, const char *name)
{
	for (size_t i = 0; i < h->n_modules; i++) {
		if (strcmp(h->modules[i].name, name) == 0)
			return &h->modules[i];
	}
	return NULL;
}

/* Without service_domain, which only a host's own block has. */
static struct conf_schema
own_keys(const struct host_module *slot)
{
	const struct hm_module *decl = slot->module->decl;

	return (struct conf_schema){ .keys = decl->config.v, .n_keys = decl->config.n };
}

static bool
add_host(struct hosts *hosts, const struct settings *s, const struct settings_host *h,
         struct hm_error *why)
{
	struct arena *arena = arena_new(0);
	struct running_host *r;
	struct host_setup setup;
	struct host *host;

	settings_host_setup(h, arena, &setup);
	host = host_new(&setup, why);
	arena_free(&arena);
	if (!host || !host_try(host, why)) {
		host_free(&host);
		return false;
	}
	hosts->v = mem_realloc(hosts->v, (hosts->n + 1) * sizeof(*hosts->v));
	r = &hosts->v[hosts->n++];
	hosts->n_fresh++;
	*r = (struct running_host){ .host = host };
	r->admins_snapshot = conf_snapshot_ref(s->snapshot);
	r->modules = mem_array(host->n_modules + 1, sizeof(*r->modules));
	for (size_t i = 0; i < host->n_modules; i++)
		r->modules[i].snapshot = conf_snapshot_ref(s->snapshot);
	return true;
}

static void
unref(struct conf_snapshot **snapshot)
{
	if (*snapshot)
		conf_snapshot_unref(snapshot);
}

static void
forget_host(struct running_host *r)
{
	for (size_t i = 0; i < r->host->n_modules; i++) {
		unref(&r->modules[i].snapshot);
		unref(&r->modules[i].old_snapshot);
	}
	unref(&r->admins_snapshot);
	unref(&r->old_admins_snapshot);
	mem_free(r->modules);
}

void
hosts_discard(struct hosts *hosts)
{
	while (hosts->n_fresh > 0) {
		struct running_host *r = &hosts->v[--hosts->n];

		forget_host(r);
		host_free(&r->host);
		hosts->n_fresh--;
	}
}

static void
publish_fresh(struct hosts *hosts)
{
	struct host **fresh = mem_array(hosts->n_fresh + 1, sizeof(struct host *));

	for (size_t i = 0; i < hosts->n_fresh; i++)
		fresh[i] = hosts->v[hosts->n - hosts->n_fresh + i].host;
	hosts_publish(fresh, hosts->n_fresh);
	hosts->n_fresh = 0;
	mem_free(fresh);
}

struct hosts *
hosts_new(const struct settings *s, struct hm_error *why)
{
	struct hosts *hosts = mem_new(struct hosts);

	for (size_t i = 0; i < s->n_hosts; i++) {
		if (!add_host(hosts, s, &s->hosts[i], why)) {
			hosts_discard(hosts);
			hosts_free(&hosts);
			return NULL;
		}
	}
	publish_fresh(hosts);
	return hosts;
}

/* Published hosts stay where they are: the process ends. */
void
hosts_free(struct hosts **hosts)
{
	if (!*hosts)
		return;
	for (size_t i = 0; i < (*hosts)->n; i++)
		forget_host(&(*hosts)->v[i]);
	mem_free((*hosts)->v);
	mem_free(*hosts);
	*hosts = NULL;
}

/* --- A reload: first what cannot be done ---------------------------------------------- */

static bool
is_running(const struct hosts *hosts, const char *domain)
{
	for (size_t i = 0; i < hosts->n; i++) {
		if (strcmp(hosts->v[i].host->domain, domain) == 0)
			return true;
	}
	return false;
}

/* Its modules have their tables and statements already; else it must wait for a restart. */
static bool
can_be_added(const struct settings_host *h)
{
	for (size_t i = 0; i < h->n_modules; i++) {
		if (!h->modules[i].module || !h->modules[i].module->has_tables)
			return false;
	}
	return true;
}

static bool
has_module(const struct host *host, const char *name)
{
	for (size_t i = 0; i < host->n_modules; i++) {
		if (strcmp(host->modules[i].module->name, name) == 0)
			return true;
	}
	return false;
}

static void
compare_modules(const struct host *host, const struct settings_host *next, struct changes *changes)
{
	for (size_t i = 0; i < host->n_modules; i++) {
		if (!find_module(next, host->modules[i].module->name))
			changes_add(changes, true, "host %s: without module %s", host->domain,
			            host->modules[i].module->name);
	}
	for (size_t i = 0; i < next->n_modules; i++) {
		if (!has_module(host, next->modules[i].name))
			changes_add(changes, true, "host %s: module %s", host->domain,
			            next->modules[i].name);
	}
}

static void
compare_configs(const struct running_host *r, const struct settings_host *next,
                struct changes *changes)
{
	char prefix[256];

	for (size_t i = 0; i < r->host->n_modules; i++) {
		const struct host_module *slot = &r->host->modules[i];
		const struct settings_module *m = find_module(next, slot->module->name);
		struct conf_schema schema = own_keys(slot);

		if (!m)
			continue;
		snprintf(prefix, sizeof(prefix), "host %s: module %s: ", r->host->domain, m->name);
		changes_compare(changes, prefix, &schema, atomic_load(&slot->config),
		                atomic_load(&slot->config), m->config);
	}
}

static void
compare_services(const struct host *host, const struct settings_host *next, struct changes *changes)
{
	for (size_t i = 0; i < next->n_modules; i++) {
		const struct settings_module *m = &next->modules[i];
		const char *wanted = m->service_domain ? *m->service_domain : NULL;

		for (size_t k = 0; k < host->n_services; k++) {
			const struct host_service *s = &host->services[k];
			const struct hm_module *decl = host->modules[s->mod].module->decl;
			char usual[1100];

			if (m->module != host->modules[s->mod].module ||
			    s->service != &decl->services.v[0])
				continue;
			snprintf(usual, sizeof(usual), "%s.%s", s->service->name, host->domain);
			if (strcmp(wanted ? wanted : usual, s->domain) != 0)
				changes_add(changes, true, "host %s: module %s: service_domain",
				            host->domain, m->name);
		}
	}
}

static void
compare_admins(const struct host *host, const struct settings_host *next, struct changes *changes)
{
	const struct host_admins *now = atomic_load(&host->admins);
	bool same = now->n == next->admins.n;

	for (size_t i = 0; same && i < now->n; i++)
		same = strcmp(now->v[i], next->admins.v[i]) == 0;
	if (!same)
		changes_add(changes, false, "host %s: admins", host->domain);
}

bool
hosts_prepare(struct hosts *hosts, const struct settings *next, struct changes *changes,
              struct hm_error *why)
{
	for (size_t i = 0; i < hosts->n; i++) {
		const struct running_host *r = &hosts->v[i];
		const struct settings_host *h = settings_find_host(next, r->host->domain);

		if (!h) {
			changes_add(changes, true, "without host %s", r->host->domain);
			continue;
		}
		compare_admins(r->host, h, changes);
		compare_modules(r->host, h, changes);
		compare_services(r->host, h, changes);
		compare_configs(r, h, changes);
	}
	for (size_t i = 0; i < next->n_hosts; i++) {
		const struct settings_host *h = &next->hosts[i];

		if (is_running(hosts, h->domain))
			continue;
		changes_add(changes, !can_be_added(h), "host %s", h->domain);
		if (can_be_added(h) && !add_host(hosts, next, h, why)) {
			hosts_discard(hosts);
			return false;
		}
	}
	return true;
}

/* --- Then what is done ------------------------------------------------------------------ */

static void
exchange_config(struct running_module *r, struct host_module *slot, const struct settings_module *m,
                const struct settings *next)
{
	struct conf_schema schema = own_keys(slot);
	const void *old = atomic_load(&slot->config);

	r->old_snapshot = r->snapshot;
	r->snapshot = conf_snapshot_ref(next->snapshot);
	r->old_config = conf_compare(&schema, old, m->config, NULL, NULL) > 0 ? old : NULL;
	atomic_store(&slot->config, m->config);
}

void
hosts_commit(struct hosts *hosts, const struct settings *next)
{
	for (size_t i = 0; i < hosts->n - hosts->n_fresh; i++) {
		struct running_host *r = &hosts->v[i];
		const struct settings_host *h = settings_find_host(next, r->host->domain);

		if (!h)
			continue;
		r->old_admins_snapshot = r->admins_snapshot;
		r->admins_snapshot = conf_snapshot_ref(next->snapshot);
		host_set_admins(r->host, &h->admins);
		host_set_limits(r->host, h->limits);
		for (size_t k = 0; k < r->host->n_modules; k++) {
			struct host_module *slot = &r->host->modules[k];
			const struct settings_module *m = find_module(h, slot->module->name);

			if (m)
				exchange_config(&r->modules[k], slot, m, next);
		}
	}
	/* Also when there is none: stream features follow from configurations. */
	publish_fresh(hosts);
}

void
hosts_changed_here(struct hosts *hosts)
{
	for (size_t i = 0; i < hosts->n; i++) {
		for (unsigned k = 0; k < hosts->v[i].host->n_modules; k++) {
			const struct running_module *r = &hosts->v[i].modules[k];

			if (r->old_config)
				core_config_changed(hosts->v[i].host, k, r->old_config);
		}
	}
}

void
hosts_settled(struct hosts *hosts)
{
	for (size_t i = 0; i < hosts->n; i++) {
		for (unsigned k = 0; k < hosts->v[i].host->n_modules; k++) {
			hosts->v[i].modules[k].old_config = NULL;
			unref(&hosts->v[i].modules[k].old_snapshot);
		}
		unref(&hosts->v[i].old_admins_snapshot);
	}
}
