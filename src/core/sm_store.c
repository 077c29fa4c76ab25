/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/sm_store.c - at the end of the process, when nothing moves any more, each worker writes its
 * sessions that hibernate: one group of statements each, some at a time.
 */
#include "core/sm_store.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/core.h"
#include "core/here.h"
#include "core/sm.h"
#include "core/turn.h"
#include "core/user.h"
#include "loop/worker.h"
#include "xml/parser.h"

#define GROUPS_AT_ONCE 32
#define AGAIN_MS 20 /* the lane's queue was full */

#define SESSION_COLUMNS                                                                            \
	"id, account, resource, handled, sent, max_ms, until_us, since_us, presence, directed,"    \
	" lang, source, tls, mechanism, states"

static const char *const sql[SM_STATEMENTS] = {
	[SM_SAVE_SESSION] = "INSERT INTO sm_sessions (" SESSION_COLUMNS ") VALUES"
			    " ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
	[SM_SAVE_STANZA] =
		"INSERT INTO sm_stanzas (session, seq, archive, sent_us, addressee, stanza)"
		" VALUES ($1, $2, $3, $4, $5, $6)",
	[SM_LIST] = "SELECT s.id, a.host, a.name FROM sm_sessions AS s"
		    " JOIN accounts AS a ON a.id = s.account ORDER BY s.account, s.since_us",
	[SM_READ_SESSION] = "SELECT " SESSION_COLUMNS " FROM sm_sessions WHERE id = $1",
	[SM_READ_STANZAS] =
		"SELECT session, seq, archive, sent_us, addressee, stanza FROM sm_stanzas"
		" WHERE session = $1 ORDER BY seq",
	[SM_REMOVE] = "DELETE FROM sm_sessions WHERE id = $1",
};
static unsigned statement[SM_STATEMENTS];

void
sm_register_statements(void)
{
	for (unsigned i = 0; i < SM_STATEMENTS; i++)
		statement[i] = store_statement("sm", i, sql[i], sql[i]);
}

struct store_call
sm_call(enum sm_statement which, const struct hm_value *args, size_t n)
{
	return (struct store_call){ statement[which], args, n };
}

/* --- What modules know of a session -------------------------------------------------------------- */

const char *
sm_states_xml(struct hm_session *s)
{
	struct host *h = s->user->entity.host;
	struct hm_mod **mods = mods_of(h);
	struct hm_writer w;
	struct buf out = { 0 };
	const char *text;

	writer_init(&w, worker_scratch());
	writer_open(&w, "", "states");
	for (unsigned i = 0; i < h->n_modules; i++) {
		const struct module *module = mods[i]->slot->module;

		if (!module->decl->session_save)
			continue;
		writer_open(&w, "", "state");
		writer_attr(&w, "module", module->name);
		doing(mods[i], "session_save", s->jid);
		module->decl->session_save(mods[i], s, &w);
		done_doing();
		writer_close(&w);
	}
	writer_close(&w);
	if (!w.root->first)
		return NULL;
	elem_write(w.root, "", &out);
	text = arena_strndup(worker_scratch(), out.data, out.len);
	buf_free(&out);
	return text;
}

static void
restore_one(struct hm_session *s, const struct hm_elem *state)
{
	struct host *h = s->user->entity.host;
	struct hm_mod **mods = mods_of(h);
	const char *name = elem_attr(state, "module");

	for (unsigned i = 0; i < h->n_modules; i++) {
		const struct module *module = mods[i]->slot->module;

		if (!module->decl->session_restore || !name || strcmp(module->name, name) != 0)
			continue;
		doing(mods[i], "session_restore", s->jid);
		module->decl->session_restore(mods[i], s, state);
		done_doing();
	}
}

void
sm_states_restore(struct hm_session *s, const char *xml)
{
	static const struct xml_limits limits = { .stanza_bytes = 16 * 1024 * 1024,
		                                  .depth = 64,
		                                  .nodes = 100000 };
	const struct hm_elem *states =
		xml ? xml_parse(worker_scratch(), xml, strlen(xml), "", &limits) : NULL;

	for (const struct hm_elem *e = states ? elem_first_child(states) : NULL; e;
	     e = elem_next(e))
		restore_one(s, e);
}

/* --- Saving ------------------------------------------------------------------------------------------- */

/* Of one worker. */
struct saving {
	struct timer again;
	uint64_t *ids;
	size_t n, next, under_way, written;
};

static atomic_uint workers_saving;

bool
core_saving(void)
{
	return atomic_load(&workers_saving) > 0;
}

static const char *
xml_of(const struct hm_stanza *stanza)
{
	struct buf out = { 0 };
	const char *text;

	stanza_write(stanza, NULL, &out);
	text = arena_strndup(worker_scratch(), out.data, out.len);
	buf_free(&out);
	return text;
}

static const char *
directed(const struct hm_session *s)
{
	struct buf out = { 0 };
	const char *to, *text = NULL;
	size_t pos = 0;

	while (table_next(&s->directed, &pos, &to, NULL))
		buf_printf(&out, "%s\n", to);
	if (out.len > 0)
		text = arena_strndup(worker_scratch(), out.data, out.len);
	buf_free(&out);
	return text;
}

static struct store_call
session_call(struct hm_session *s)
{
	struct hm_value *v = arena_alloc(worker_scratch(), SM_COLS * sizeof(*v));
	int64_t left_ms = s->sm->timer.due_ms - clock_mono_ms();

	v[SM_COL_ID] = hm_value_text(s->sm->id);
	v[SM_COL_ACCOUNT] = hm_value_int(s->user->account);
	v[SM_COL_RESOURCE] = hm_value_text(s->resource);
	v[SM_COL_HANDLED] = hm_value_int(sm_handled(s));
	v[SM_COL_SENT] = hm_value_int(s->sm->sent);
	v[SM_COL_MAX_MS] = hm_value_int(s->sm->max_ms);
	v[SM_COL_UNTIL_US] = hm_value_int(clock_wall_us() + left_ms * 1000);
	v[SM_COL_SINCE_US] = hm_value_int(s->since_us);
	v[SM_COL_PRESENCE] = hm_value_text(s->presence ? xml_of(s->presence) : NULL);
	v[SM_COL_DIRECTED] = hm_value_text(directed(s));
	v[SM_COL_LANG] = hm_value_text(s->lang);
	v[SM_COL_SOURCE] = hm_value_text(s->source);
	v[SM_COL_TLS] = hm_value_text(s->tls);
	v[SM_COL_MECHANISM] = hm_value_text(s->mechanism);
	v[SM_COL_STATES] = hm_value_text(sm_states_xml(s));
	return sm_call(SM_SAVE_SESSION, v, SM_COLS);
}

static struct store_call
stanza_call(const struct hm_session *s, unsigned i)
{
	const struct sm_stanza *x = sm_at(&s->sm->queue, i);
	struct hm_value *v = arena_alloc(worker_scratch(), 6 * sizeof(*v));

	v[SM_COL_SESSION] = hm_value_text(s->sm->id);
	v[SM_COL_SEQ] = hm_value_int(i);
	v[SM_COL_ARCHIVE] = hm_value_int(x->id);
	v[SM_COL_SENT_US] = hm_value_int(x->sent_us);
	v[SM_COL_TO] = hm_value_text(sm_to_text(s, x));
	v[SM_COL_STANZA] = hm_value_text(xml_of(x->stanza));
	return sm_call(SM_SAVE_STANZA, v, 6);
}

static void go_on(struct saving *saving);

static void
saved(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct saving *saving = ctx;

	saving->under_way--;
	saving->written += outcome == STORE_OK;
	go_on(saving);
}

static bool
save(struct hm_session *s, struct saving *saving)
{
	struct entity *e = &s->user->entity;
	size_t n = 0;
	struct store_call *calls =
		arena_alloc(worker_scratch(), (s->sm->queue.n + 1) * sizeof(*calls));

	turn_begin(e, NULL);
	calls[n++] = session_call(s);
	for (unsigned i = 0; i < s->sm->queue.n; i++)
		calls[n++] = stanza_call(s, i);
	turn_end();
	return store_write(calls, n, saved, saving);
}

static void
again(struct timer *t)
{
	go_on(HM_CONTAINER(t, struct saving, again));
}

static void
end(struct saving *saving)
{
	if (saving->n > 0)
		log_line(NULL, HM_INFO, "sessions saved", hm_kv("worker", here->worker),
		         hm_kv("sessions", saving->written));
	mem_free(saving->ids);
	mem_free(saving);
	atomic_fetch_sub(&workers_saving, 1);
}

static void
go_on(struct saving *saving)
{
	while (saving->under_way < GROUPS_AT_ONCE && saving->next < saving->n) {
		struct hm_session *s = session_find(saving->ids[saving->next]);

		if (s && !s->closing && s->user->entity.state == ENTITY_READY) {
			if (!save(s, saving)) {
				timer_start(&saving->again, AGAIN_MS, again);
				return;
			}
			saving->under_way++;
			/* Nothing happens to it any more. */
			timer_stop(&s->sm->timer);
		}
		saving->next++;
	}
	if (saving->under_way == 0 && !timer_running(&saving->again))
		end(saving);
}

void
core_save_here(void)
{
	struct saving *saving = mem_new(struct saving);
	size_t pos = 0;
	void *value;

	atomic_fetch_add(&workers_saving, 1);
	saving->ids = mem_array(table_count(&here->sessions) + 1, sizeof(*saving->ids));
	while (table_next(&here->sessions, &pos, NULL, &value)) {
		const struct hm_session *s = value;

		if (s->sm && s->sm->hibernates && !s->closing)
			saving->ids[saving->n++] = s->id;
	}
	go_on(saving);
}
