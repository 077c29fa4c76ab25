/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/here.c - the core's state of one worker, made when the worker first runs core code.
 */
#include "core/here.h"

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/worker.h"

_Thread_local struct here *here;

/* So that nothing counts as lost when the threads have ended: the process ends with it. */
static struct here *of_all[WORKERS_MAX];

void
here_new(void)
{
	here = mem_new(struct here);
	here->worker = worker_self();
	here->traces = (uint64_t)here->worker << 48;
	list_init(&here->idle);
	list_init(&here->to_load);
	list_init(&here->expired);
	list_init(&here->attempts);
	list_init(&here->changes);
	here->changes_since_us = INT64_MIN;
	list_init(&here->custody);
	list_init(&here->left_behind);
	of_all[here->worker] = here;
}

struct hm_mod *
mod_new(struct host *h, unsigned index)
{
	struct hm_mod *m = mem_new(struct hm_mod);

	m->host = h;
	m->slot = &h->modules[index];
	m->index = index;
	m->worker = worker_self();
	m->state = mem_zalloc(m->slot->module->decl->state_size + 1);
	list_init(&m->timers);
	m->log = (struct hm_logctx){ .subject = m->slot->module->name,
		                     .n = 1,
		                     .field = { { "host", hm_value_text(h->domain) } } };
	return m;
}

void
mod_free(struct hm_mod **m)
{
	mod_timers_free(*m);
	mem_free((*m)->state);
	mem_free(*m);
	*m = NULL;
}

struct hm_mod **
mods_of(struct host *h)
{
	struct hm_mod **mods = here->mods[h->index];

	if (mods)
		return mods;
	mods = mem_array(h->n_modules + 1, sizeof(*mods));
	for (unsigned i = 0; i < h->n_modules; i++)
		mods[i] = mod_new(h, i);
	mods[h->n_modules] = NULL;
	here->mods[h->index] = mods;
	for (unsigned i = 0; i < h->n_modules; i++) {
		const struct hm_module *decl = mods[i]->slot->module->decl;

		/* The daemon has tried this module's start on the same configuration before it published the host. */
		if (decl->start && !decl->start(mods[i]))
			log_line(&mods[i]->log, HM_ERROR, "module does not start");
	}
	return mods;
}

bool
host_try(struct host *h, struct hm_error *why)
{
	bool ok = true;

	for (unsigned i = 0; ok && i < h->n_modules; i++) {
		struct hm_mod *m = mod_new(h, i);
		const struct hm_module *decl = m->slot->module->decl;

		ok = !decl->start || decl->start(m);
		if (!ok)
			error_set(why, HM_E_INVALID,
			          "host %s: module %s does not start; the log says why", h->domain,
			          m->slot->module->name);
		else if (decl->stop)
			decl->stop(m);
		mod_free(&m);
	}
	return ok;
}

void
doing(const struct hm_mod *m, const char *event, const char *address)
{
	worker_doing(m->slot->module->name, event, address);
}

void
done_doing(void)
{
	worker_doing(NULL, NULL, NULL);
}
