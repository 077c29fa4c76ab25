/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/sm_restore.c - before the first client is accepted, sessions that were saved (sm_store.c)
 * hibernate again, each at its account's home.  Nobody is told: to everybody else they were never away.
 *
 * Worker 0 has the list and lets some at a time be loaded.  A row goes when its session is there: if the
 * process dies later, its client begins anew.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/core.h"
#include "core/here.h"
#include "core/metrics.h"
#include "core/sm.h"
#include "core/sm_store.h"
#include "core/turn.h"
#include "core/user.h"
#include "loop/worker.h"

#define AT_ONCE 128
/* However long the server was away, a client has so much time to come back, if it asked for as much. */
#define LEAST_MS 60000

struct restoring {
	struct mail mail;
	struct waiter waiter;
	struct hm_user *user;
	char id[SM_ID_CHARS + 1];
	char *host, *bare;
	bool restored;
};

/* On worker 0. */
static struct list_of_saved {
	struct restoring **v;
	size_t n, next, under_way, restored;
	void (*done)(void);
} all;

/* --- One session ------------------------------------------------------------------------------------- */

static void
restore_queue(struct hm_session *s, struct store_rows *rows)
{
	while (store_next(rows)) {
		const char *xml = store_text(rows, SM_COL_STANZA);
		const struct hm_stanza *stanza = stanza_parse(xml, strlen(xml));

		if (!stanza) {
			log_line(&s->log, HM_ERROR, "a stanza that was saved cannot be read");
			continue;
		}
		sm_keep(s, stanza, store_text(rows, SM_COL_TO), store_int(rows, SM_COL_ARCHIVE),
		        store_int(rows, SM_COL_SENT_US));
		stanza_unref(&stanza);
	}
}

static void
restore_directed(struct hm_session *s, const char *lines)
{
	while (lines && *lines) {
		size_t len = strcspn(lines, "\n");

		table_put(&s->directed, arena_strndup(worker_scratch(), lines, len),
		          (void *)(uintptr_t)1);
		lines += len + (lines[len] == '\n');
	}
}

static uint32_t
time_left_ms(int64_t until_us, uint32_t max_ms)
{
	int64_t left = (until_us - clock_wall_us()) / 1000;
	uint32_t least = max_ms < LEAST_MS ? max_ms : LEAST_MS;

	return left > max_ms ? max_ms : left > least ? (uint32_t)left : least;
}

static void
restore_session(struct hm_user *u, struct store_rows *row, struct store_rows *stanzas)
{
	struct hm_session *s = session_new(u);
	const char *presence = store_text(row, SM_COL_PRESENCE);

	session_describe(s, store_text(row, SM_COL_LANG), store_text(row, SM_COL_SOURCE),
	                 store_text(row, SM_COL_TLS), store_text(row, SM_COL_MECHANISM));
	session_bind_to(s, store_text(row, SM_COL_RESOURCE), store_int(row, SM_COL_SINCE_US));
	if (presence)
		session_keep_presence(s, stanza_parse(presence, strlen(presence)));
	restore_directed(s, store_text(row, SM_COL_DIRECTED));
	s->came = (uint32_t)store_int(row, SM_COL_HANDLED);
	sm_new(s, store_text(row, SM_COL_ID), (uint32_t)store_int(row, SM_COL_MAX_MS));
	s->sm->came_before = 0;
	s->sm->counts = true;
	restore_queue(s, stanzas);
	/* sm_keep() has counted those: the rest had been acknowledged. */
	s->sm->sent = (uint32_t)store_int(row, SM_COL_SENT);
	turn_begin(&u->entity, NULL);
	sm_states_restore(s, store_text(row, SM_COL_STATES));
	turn_end();
	sm_sleep(s, time_left_ms(store_int(row, SM_COL_UNTIL_US), s->sm->max_ms));
}

/* --- One after the other --------------------------------------------------------------------------------- */

static void go_on(void);

static void
finished_mail(struct mail *mail)
{
	struct restoring *r = HM_CONTAINER(mail, struct restoring, mail);

	all.under_way--;
	all.restored += r->restored;
	mem_free(r->host);
	mem_free(r->bare);
	mem_free(r);
	go_on();
}

static void
finished(struct restoring *r)
{
	r->mail.run = finished_mail;
	worker_post(0, &r->mail);
}

static void
removed(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	finished(ctx);
}

static void
remove_row(struct restoring *r)
{
	struct hm_value id = hm_value_text(r->id);
	struct store_call call = sm_call(SM_REMOVE, &id, 1);

	if (!store_write(&call, 1, removed, r))
		finished(r);
}

static void
read_done(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct restoring *r = ctx;
	struct entity *e = &r->user->entity;

	if (outcome != STORE_OK) {
		e->pins--;
		finished(r);
		return;
	}
	if (store_next(rows[0])) {
		restore_session(r->user, rows[0], rows[1]);
		r->restored = true;
	}
	e->pins--;
	entity_settle(e);
	remove_row(r);
}

static void
account_ready(struct waiter *w, struct entity *e, enum hm_cond why)
{
	struct restoring *r = HM_CONTAINER(w, struct restoring, waiter);
	struct hm_value id = hm_value_text(r->id);
	struct store_call calls[2] = { sm_call(SM_READ_SESSION, &id, 1),
		                       sm_call(SM_READ_STANZAS, &id, 1) };

	if (!e && why == HM_ITEM_NOT_FOUND) {
		remove_row(r);
	} else if (!e) {
		finished(r);
	} else {
		r->user = user_of(e);
		e->pins++;
		store_read(calls, 2, read_done, r);
	}
}

static void
begin(struct mail *mail)
{
	struct restoring *r = HM_CONTAINER(mail, struct restoring, mail);
	struct host *host = host_find(r->host);

	if (!host) {
		remove_row(r);
		return;
	}
	list_init(&r->waiter.link);
	r->waiter.go = account_ready;
	user_wait(host, r->bare, &r->waiter);
}

static void
go_on(void)
{
	while (all.under_way < AT_ONCE && all.next < all.n) {
		struct restoring *r = all.v[all.next++];

		all.under_way++;
		r->mail.run = begin;
		worker_post(link_home(r->bare), &r->mail);
	}
	if (all.under_way > 0 || all.next < all.n)
		return;
	if (all.n > 0)
		log_line(NULL, HM_INFO, "sessions restored", hm_kv("sessions", all.restored));
	mem_free(all.v);
	all.v = NULL;
	all.done();
}

static void
listed(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	if (outcome != STORE_OK) {
		log_line(NULL, HM_ERROR, "the sessions that were saved cannot be read");
		all.done();
		return;
	}
	all.v = mem_array(store_count(rows[0]) + 1, sizeof(*all.v));
	while (store_next(rows[0])) {
		struct restoring *r = mem_new(struct restoring);

		snprintf(r->id, sizeof(r->id), "%s", store_text(rows[0], 0));
		r->host = mem_strdup(store_text(rows[0], 1));
		r->bare = mem_printf("%s@%s", store_text(rows[0], 2), r->host);
		all.v[all.n++] = r;
	}
	go_on();
}

void
core_restore(void (*done)(void))
{
	struct store_call call = sm_call(SM_LIST, NULL, 0);

	all.done = done;
	store_read_long(&call, 1, listed, NULL);
}
