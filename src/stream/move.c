/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/move.c - an authenticated connection goes to the worker where its account is at
 * home, before <success/> is sent: from then on everything about the account is one thread's.
 *
 * First a mail to the own worker, so that the connection is not given away from inside its callbacks; then,
 * detached and in no table, by a mail to the other.
 */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "stream/login.h"

struct move {
	struct mail mail;
	uint64_t id;
	struct stream *s; /* while it is between two workers */
	int64_t left_ms;  /* of the time for the login */
};

static void
attach(struct stream *s)
{
	struct link_msg *msg = link_new(LINK_ATTACH, s->id, 0);
	const char *version = conn_tls_version(s->conn);

	msg->u.attach.bare = mem_strdup(s->bare);
	msg->u.attach.source = mem_strdup(conn_peer(s->conn)->prefix);
	msg->u.attach.tls = version ? mem_printf("%s %s", version, conn_tls_cipher(s->conn)) : NULL;
	msg->u.attach.mechanism = mem_strdup(s->login->mechanism->name);
	msg->u.attach.conn = conn_id(s->conn);
	msg->u.attach.at_us = s->login->at_us;
	s->login->step = LOGIN_ATTACH;
	link_to_core(worker_self(), msg);
}

static void
arrived(struct mail *mail)
{
	struct move *move = HM_CONTAINER(mail, struct move, mail);
	struct stream *s = move->s;

	/* First: it waits until the worker it came from has let go of it. */
	conn_attach(s->conn, s);
	stream_enter(s);
	stream_start_timer(s, move->left_ms > 1 ? (uint32_t)move->left_ms : 1);
	mem_free(move);
	log_line(&s->log, HM_DEBUG, "moved", hm_kv("worker", worker_self()));
	if (stream_here.stopping)
		stream_end(s, STREAM_SYSTEM_SHUTDOWN, NULL);
	else
		attach(s);
}

static void
leave(struct mail *mail)
{
	struct move *move = HM_CONTAINER(mail, struct move, mail);
	struct stream *s = stream_find(move->id);
	unsigned home;

	if (!s || !s->login || s->login->step != LOGIN_MOVE) {
		mem_free(move);
		return;
	}
	if (s->login->early) {
		mem_free(move);
		stream_end(s, STREAM_POLICY_VIOLATION, "Nothing may be sent before <success/>.");
		return;
	}
	home = link_home(s->bare);
	if (home == worker_self()) {
		mem_free(move);
		attach(s);
		return;
	}
	move->s = s;
	move->left_ms = s->timer.due_ms - worker_now_ms();
	move->mail.run = arrived;
	stream_leave(s);
	conn_detach(s->conn);
	worker_post(home, &move->mail);
}

void
move_start(struct stream *s)
{
	struct move *move = mem_new(struct move);

	s->bare = mem_printf("%s@%s", s->login->local, s->host->domain);
	s->log.n = 1;
	s->log.field[0] = hm_kv("jid", s->bare);
	log_line(&s->log, HM_INFO, "authenticated", hm_kv("mechanism", s->login->mechanism->name),
	         hm_kv("binding", s->login->binding.type));
	move->id = s->id;
	move->mail.run = leave;
	worker_post(worker_self(), &move->mail);
}
