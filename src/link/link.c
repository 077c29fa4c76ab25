/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * link/link.c - making, posting and freeing the messages of the link, ids, homes
 * and the published hosts.  Any thread.
 */
#include "link/link.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "base/table.h"
#include "loop/worker.h"

#define ID_WORKER_SHIFT 48

static link_receive_fn *core_receive, *stream_receive;
static _Atomic(const struct link_hosts *) hosts_now;

void
link_set_receivers(link_receive_fn *core, link_receive_fn *stream)
{
	core_receive = core;
	stream_receive = stream;
}

struct link_msg *
link_new(enum link_kind kind, uint64_t stream, uint64_t session)
{
	struct link_msg *msg = mem_new(struct link_msg);

	msg->kind = kind;
	msg->stream = stream;
	msg->session = session;
	return msg;
}

void
link_free(struct link_msg *msg)
{
	switch (msg->kind) {
	case LINK_LOOK_UP:
		mem_free(msg->u.look_up.host);
		mem_free(msg->u.look_up.local);
		mem_free(msg->u.look_up.source);
		break;
	case LINK_CREDENTIAL:
		for (unsigned i = 0; i < LINK_HASHES; i++)
			mem_free_secret(msg->u.credential.verifier[i]);
		break;
	case LINK_AUTH_OUTCOME:
		mem_free(msg->u.outcome.host);
		mem_free(msg->u.outcome.local);
		mem_free(msg->u.outcome.source);
		break;
	case LINK_ATTACH:
		mem_free(msg->u.attach.bare);
		mem_free(msg->u.attach.source);
		mem_free(msg->u.attach.tls);
		mem_free(msg->u.attach.mechanism);
		break;
	case LINK_LANG:
		mem_free(msg->u.lang.lang);
		break;
	case LINK_IN:
		arena_free(&msg->u.in.arena);
		break;
	case LINK_STRANGER_IQ:
		mem_free(msg->u.stranger.host);
		mem_free(msg->u.stranger.source);
		mem_free(msg->u.stranger.lang);
		arena_free(&msg->u.stranger.arena);
		break;
	case LINK_OUT:
		stanza_unref(&msg->u.out.stanza);
		mem_free(msg->u.out.to);
		break;
	case LINK_TEXT:
		mem_free(msg->u.text.xml);
		break;
	case LINK_CLOSE:
		mem_free(msg->u.close.text);
		mem_free(msg->u.close.app);
		break;
	case LINK_DOMAIN_OPEN:
		mem_free(msg->u.domain_open.local);
		mem_free(msg->u.domain_open.remote);
		break;
	case LINK_DOMAIN_UP:
		mem_free(msg->u.domain_up.local);
		mem_free(msg->u.domain_up.remote);
		mem_free(msg->u.domain_up.tls);
		mem_free(msg->u.domain_up.peer);
		break;
	case LINK_DOMAIN_DOWN:
		mem_free(msg->u.domain_down.local);
		mem_free(msg->u.domain_down.remote);
		mem_free(msg->u.domain_down.text);
		break;
	case LINK_DOMAIN_IN:
		mem_free(msg->u.domain_in.from);
		mem_free(msg->u.domain_in.to);
		arena_free(&msg->u.domain_in.arena);
		break;
	case LINK_DOMAIN_ACKED:
	case LINK_IDLE:
	case LINK_CLOSED:
	case LINK_ATTACHED:
	case LINK_CREDIT:
		break;
	}
	mem_free(msg);
}

static void
run_core(struct mail *mail)
{
	core_receive(HM_CONTAINER(mail, struct link_msg, mail));
}

static void
run_stream(struct mail *mail)
{
	stream_receive(HM_CONTAINER(mail, struct link_msg, mail));
}

void
link_to_core(unsigned worker, struct link_msg *take)
{
	take->mail.run = run_core;
	worker_post(worker, &take->mail);
}

void
link_to_stream(struct link_msg *take)
{
	take->mail.run = run_stream;
	worker_post(link_worker(take->stream ? take->stream : take->session), &take->mail);
}

/* --- Ids ------------------------------------------------------------------------ */

uint64_t
link_new_id(void)
{
	static _Thread_local uint64_t last;

	return ((uint64_t)worker_self() << ID_WORKER_SHIFT) | ++last;
}

unsigned
link_worker(uint64_t id)
{
	return (unsigned)(id >> ID_WORKER_SHIFT);
}

/* --- Homes ---------------------------------------------------------------------- */

/* Places are a matter of tests: a lock is taken only when there are any. */
static atomic_bool placed;
static atomic_int place_rest = -1;
static pthread_mutex_t places_lock = PTHREAD_MUTEX_INITIALIZER;
static struct table places;

static bool
find_place(const char *address, unsigned *worker)
{
	uintptr_t found;
	int rest;

	pthread_mutex_lock(&places_lock);
	found = (uintptr_t)table_get(&places, address);
	pthread_mutex_unlock(&places_lock);
	rest = atomic_load_explicit(&place_rest, memory_order_relaxed);
	if (found)
		*worker = (unsigned)(found - 1);
	else if (rest >= 0)
		*worker = (unsigned)rest;
	else
		return false;
	*worker %= workers_count();
	return true;
}

unsigned
link_home(const char *address)
{
	unsigned worker;

	if (atomic_load_explicit(&placed, memory_order_acquire) && find_place(address, &worker))
		return worker;
	return (unsigned)(hash_stable(address, strlen(address)) % LINK_SLOTS) % workers_count();
}

unsigned
link_guard(const char *source)
{
	return (unsigned)(hash_stable(source, strlen(source)) % LINK_SLOTS) % workers_count();
}

void
link_place(const char *address, unsigned worker)
{
	pthread_mutex_lock(&places_lock);
	table_put(&places, address, (void *)((uintptr_t)worker + 1));
	pthread_mutex_unlock(&places_lock);
	atomic_store_explicit(&placed, true, memory_order_release);
}

void
link_place_all(int worker)
{
	atomic_store_explicit(&place_rest, worker, memory_order_relaxed);
	atomic_store_explicit(&placed, true, memory_order_release);
}

/* --- Hosts ------------------------------------------------------------------------ */

/* Sets that somebody may still be reading: kept where a leak report finds them. */
static struct kept_hosts {
	const struct link_hosts *hosts;
	const struct kept_hosts *before;
} * kept_hosts;

void
link_publish_hosts(const struct link_hosts *hosts)
{
	struct kept_hosts *kept = mem_new(struct kept_hosts);

	*kept = (struct kept_hosts){ hosts, kept_hosts };
	kept_hosts = kept;
	atomic_store_explicit(&hosts_now, hosts, memory_order_release);
}

const struct link_host *
link_find_host(const char *domain)
{
	const struct link_hosts *hosts = atomic_load_explicit(&hosts_now, memory_order_acquire);

	for (size_t i = 0; hosts && i < hosts->n; i++) {
		if (strcmp(hosts->host[i].domain, domain) == 0)
			return &hosts->host[i];
	}
	return NULL;
}

const struct link_host *
link_find_domain(const char *domain)
{
	const struct link_hosts *hosts = atomic_load_explicit(&hosts_now, memory_order_acquire);
	const struct link_host *found = link_find_host(domain);

	for (size_t i = 0; !found && hosts && i < hosts->n; i++) {
		for (size_t k = 0; k < hosts->host[i].n_services; k++) {
			if (strcmp(hosts->host[i].services[k], domain) == 0)
				return &hosts->host[i];
		}
	}
	return found;
}

const struct link_host *
link_first_host(void)
{
	const struct link_hosts *hosts = atomic_load_explicit(&hosts_now, memory_order_acquire);

	return hosts && hosts->n > 0 ? &hosts->host[0] : NULL;
}
