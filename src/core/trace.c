/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/trace.c - who watches which account, per worker.  What may hold a password is not shown:
 * registration (XEP-0077) and private data of unknown meaning are the client's business.
 */
#include "core/trace.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/here.h"
#include "core/user.h"
#include "loop/worker.h"

#define TRACES_MAX 16

static _Thread_local struct hm_cmd *watchers[TRACES_MAX];
static _Thread_local unsigned n_watchers;

static void
trace_stop(struct hm_cmd *cmd)
{
	for (unsigned i = 0; i < n_watchers; i++) {
		if (watchers[i] != cmd)
			continue;
		watchers[i] = watchers[--n_watchers];
		command_drop(cmd);
		return;
	}
}

void
trace_start(struct hm_cmd *cmd)
{
	if (atomic_load(&cmd->ended))
		return;
	if (n_watchers == TRACES_MAX) {
		hm_cmd_fail(cmd, HM_E_LIMIT, "Too many traces are running.");
		return;
	}
	/* Its account may leave memory, be loaded again or be removed meanwhile. */
	command_let_go(cmd);
	cmd->stop = trace_stop;
	command_hold(cmd);
	watchers[n_watchers++] = cmd;
}

static bool
is_secret(const struct hm_stanza *s)
{
	for (const struct hm_elem *c = elem_first_child(s->root); c; c = elem_next(c)) {
		if (strcmp(c->ns, "jabber:iq:register") == 0)
			return true;
	}
	return false;
}

static void
tell(struct hm_cmd *cmd, const struct hm_session *s, bool in, const struct hm_stanza *stanza,
     const char *to)
{
	char stamp[CLOCK_STAMP_MAX];
	struct buf xml = { 0 };

	if (is_secret(stanza))
		buf_printf(&xml, "<%s/> (registration, not shown)", stanza_kind_name(stanza->kind));
	else
		stanza_write(stanza, to, &xml);
	command_event(cmd, hm_kv("time", clock_stamp(clock_wall_us(), 6, stamp)),
	              hm_kv("direction", in ? "in" : "out"),
	              hm_kv("jid", s->jid ? s->jid : s->user->entity.address),
	              hm_kv("text", xml.data));
	buf_free(&xml);
}

void
trace_stanza(const struct hm_session *s, bool in, const struct hm_stanza *stanza, const char *to)
{
	for (unsigned i = 0; i < n_watchers; i++) {
		if (strcmp(hm_cmd_text(watchers[i], 0), s->user->entity.address) == 0 &&
		    !atomic_load(&watchers[i]->ended))
			tell(watchers[i], s, in, stanza, to);
	}
}
