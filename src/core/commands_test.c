/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/commands_test.c - what tests ask of a server that was started for them (--test).
 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/command.h"
#include "core/here.h"
#include "core/router.h"
#include "core/user.h"
#include "link/link.h"
#include "loop/worker.h"
#include "store/failpoint.h"
#include "store/fault_disk.h"
#include "store/store.h"
#include "xml/parser.h"
#include "xmpp/jid.h"

/*
 * drain: a token goes round all workers until a whole round has met nothing but itself: no other
 * mail, no request at the store.  It leaves a worker at the end of a turn and every turn polls its
 * sockets first, so what a client has sent before it asked is seen, and what results from it has
 * been written.
 */
struct drain {
	struct mail mail;
	struct turn_end turn_end;
	struct hm_cmd *cmd;
	unsigned next;
	unsigned quiet; /* rounds */
	uint64_t mails; /* of all workers, at the last round */
};

#define QUIET_ROUNDS 3

static uint64_t
mails_of_all(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < workers_count(); i++) {
		struct worker_view v;

		worker_view(i, &v);
		sum += v.mails;
	}
	return sum;
}

static void
drain_pass_on(struct turn_end *te)
{
	struct drain *d = HM_CONTAINER(te, struct drain, turn_end);
	uint64_t mails;

	if (d->next < workers_count()) {
		worker_post(d->next++, &d->mail);
		return;
	}
	mails = mails_of_all();
	/* One mail per worker is the token's own. */
	d->quiet = store_idle() && mails - d->mails == workers_count() ? d->quiet + 1 : 0;
	d->mails = mails;
	d->next = 0;
	if (d->quiet < QUIET_ROUNDS) {
		worker_post(d->next++, &d->mail);
		return;
	}
	hm_cmd_done(d->cmd);
	command_drop(d->cmd);
	mem_free(d);
}

static void
drain_mail(struct mail *mail)
{
	worker_at_turn_end(&HM_CONTAINER(mail, struct drain, mail)->turn_end);
}

static void
test_drain(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct drain *d = mem_new(struct drain);

	command_hold(cmd);
	d->cmd = cmd;
	d->mail.run = drain_mail;
	d->turn_end.run = drain_pass_on;
	worker_post(d->next++, &d->mail);
}

static void
wake(struct hm_cmd *cmd)
{
}

static void
test_advance(struct hm_mod *m, struct hm_cmd *cmd)
{
	clock_advance(hm_cmd_int(cmd, 0, 0));
	workers_kick();
	command_everywhere(cmd, wake, hm_cmd_done); /* each worker looks at its timers again */
}

static void
test_place(struct hm_mod *m, struct hm_cmd *cmd)
{
	if (strcmp(hm_cmd_text(cmd, 0), "*") == 0)
		link_place_all((int)hm_cmd_int(cmd, 1, -1));
	else
		link_place(hm_cmd_text(cmd, 0), (unsigned)hm_cmd_int(cmd, 1, 0));
	hm_cmd_done(cmd);
}

struct holding {
	struct mail mail;
	struct hm_cmd *cmd;
	const char *bare;
	bool release;
};

/* Its letters wait, as if it were being loaded, until it is let go. */
static void
hold_entity(struct waiter *w, struct entity *e, enum hm_cond why)
{
	if (e) {
		e->state = ENTITY_LOADING;
		e->pins++;
		here->loading++;
	}
	mem_free(w);
}

static void
hold_at_home(struct mail *mail)
{
	struct holding *h = HM_CONTAINER(mail, struct holding, mail);
	struct entity *e = entity_find(h->bare);
	struct waiter *w;

	if (h->release && e && e->state == ENTITY_LOADING) {
		entity_ready(e);
	} else if (!h->release) {
		w = mem_new(struct waiter);
		list_init(&w->link);
		w->go = hold_entity;
		user_wait(host_find(strchr(h->bare, '@') + 1), h->bare, w);
	}
	hm_cmd_done(h->cmd);
	command_drop(h->cmd);
	mem_free(h);
}

static void
test_hold(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct holding *h = mem_new(struct holding);

	command_hold(cmd);
	h->cmd = cmd;
	h->bare = hm_cmd_text(cmd, 0);
	h->release = hm_cmd_int(cmd, 1, 0) == 0;
	h->mail.run = hold_at_home;
	worker_post(link_home(h->bare), &h->mail);
}

/* A stanza as a remote server would deliver it; `from` and `to` are its own. */
static void
test_inject(struct hm_mod *m, struct hm_cmd *cmd)
{
	const char *xml = hm_cmd_text(cmd, 0), *from_text, *to_text;
	struct arena *arena = arena_new(0);
	const struct xml_limits limits = { 65536, 64, 4096 };
	struct hm_elem *root = xml_parse(arena, xml, strlen(xml), NS_CLIENT, &limits);
	struct jid from, to;
	const struct hm_stanza *s;

	from_text = root ? elem_attr(root, "from") : NULL;
	to_text = root ? elem_attr(root, "to") : NULL;
	if (!jid_parse(&from, from_text, worker_scratch()) ||
	    !jid_parse(&to, to_text, worker_scratch())) {
		arena_free(&arena);
		hm_cmd_fail(cmd, HM_E_INVALID, "This is not a stanza with from and to.");
		return;
	}
	s = stanza_take(&arena, root, from.full, NULL);
	if (s) {
		route(letter_to(s, to.full));
		hm_cmd_done(cmd);
	} else {
		hm_cmd_fail(cmd, HM_E_INVALID, "This is not a stanza.");
	}
}

static void
test_failpoint(struct hm_mod *m, struct hm_cmd *cmd)
{
	struct hm_error why = { 0 };
	int64_t after = hm_cmd_int(cmd, 2, 0);

	if (failpoint_set(hm_cmd_text(cmd, 0), hm_cmd_text(cmd, 1), after > 0 ? (uint64_t)after : 0,
	                  &why))
		hm_cmd_done(cmd);
	else
		hm_cmd_fail(cmd, why.code, why.text);
}

static void
test_disk(struct hm_mod *m, struct hm_cmd *cmd)
{
	int64_t ms = hm_cmd_int(cmd, 1, 0);

	fault_disk_set_full(hm_cmd_int(cmd, 0, 0) != 0);
	fault_disk_set_sync_ms(ms > 0 ? (uint64_t)ms : 0);
	hm_cmd_done(cmd);
}

const struct hm_command test_commands[] = {
	{ .name = "test disk",
	  .help = "Let the disk of --test-disk be full (1), and slow by so much.",
	  .args = { { "full", HM_ARG_INT }, { "sync_ms", HM_ARG_INT } },
	  .run = test_disk,
	  .hidden = true },
	{ .name = "test failpoint",
	  .help = "Let the store fail, or the process die, at a place.",
	  .args = { { "name", HM_ARG_TEXT },
	            { "action", HM_ARG_TEXT },
	            { "after", HM_ARG_INT, .optional = true } },
	  .run = test_failpoint,
	  .hidden = true },
	{ .name = "test inject",
	  .help = "Route a stanza as if a remote server had sent it.",
	  .args = { { "stanza", HM_ARG_TEXT } },
	  .run = test_inject,
	  .hidden = true },
	{ .name = "test drain",
	  .help = "Answer when nothing is left to do.",
	  .run = test_drain,
	  .hidden = true },
	{ .name = "test advance",
	  .help = "Move the clock.",
	  .args = { { "ms", HM_ARG_INT } },
	  .run = test_advance,
	  .hidden = true },
	{ .name = "test place",
	  .help = "Put an address (or all: *) at a worker.",
	  .args = { { "jid", HM_ARG_TEXT }, { "worker", HM_ARG_INT } },
	  .run = test_place,
	  .hidden = true },
	{ .name = "test hold",
	  .help = "Let what comes for an account wait (1), or no longer (0).",
	  .args = { { "jid", HM_ARG_TEXT }, { "on", HM_ARG_INT } },
	  .run = test_hold,
	  .hidden = true },
};
const size_t test_commands_n = HM_COUNT(test_commands);
