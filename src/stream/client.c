/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/client.c - the streams of clients: accepted, and once they are open handed to the
 * session, one stanza after the other.
 */
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "stream/limits.h"
#include "stream/login.h"
#include "stream/stream_state.h"

/* --- The beginning -------------------------------------------------------------------- */

/* Takes fd. */
static struct stream *
client_new(int fd)
{
	struct stream *s = mem_new(struct stream);

	s->login = mem_new(struct login);
	stream_begin(s, fd, &client_kind, stream_here.version);
	stream_count_metric(OF_CLIENTS, SM_ACCEPTED, 1);
	return s;
}

/* Nothing is said to whom a limit turns away: saying it costs what the limit protects. */
static bool
is_welcome(struct stream *s)
{
	const struct stream_settings *settings = &s->version->settings;

	if (stream_count() > (uint64_t)settings->max_connections)
		s->reason = "too many connections";
	else if (!limits_enter(conn_peer(s->conn)->prefix,
	                       settings->max_unauthenticated_per_address))
		s->reason = "too many connections of this address that have not logged in";
	else
		s->counted = true;
	return s->counted;
}

static void
accept_fd(int fd, bool direct)
{
	struct stream *s;

	if (stream_here.stopping || !stream_here.version) {
		close(fd);
		return;
	}
	s = client_new(fd);
	log_line(&s->log, HM_INFO, "accepted", hm_kv("port", direct ? "c2s-tls" : "c2s"));
	if (!is_welcome(s)) {
		stream_count_metric(OF_CLIENTS, SM_REFUSED, 1);
		stream_cut(s, s->reason);
		return;
	}
	if (!direct)
		return;
	s->state = SECURING;
	if (!s->version->tls.direct || !conn_start_tls(s->conn, s->version->tls.direct, NULL))
		stream_cut(s, "no TLS is configured");
}

void
stream_accept_c2s(void *ctx, int fd)
{
	accept_fd(fd, false);
}

void
stream_accept_c2s_tls(void *ctx, int fd)
{
	accept_fd(fd, true);
}

/* --- What an open stream brings ------------------------------------------------------- */

static void
to_session(struct stream *s, struct arena **arena, struct hm_elem *root)
{
	struct link_msg *msg;

	/* The core takes jabber:server for its own; from a client it is none (RFC 6120 4.8.3). */
	if (strcmp(root->ns, NS_SERVER) == 0) {
		stream_end(s, STREAM_INVALID_NAMESPACE, NULL);
		return;
	}
	if (strcmp(root->ns, NS_TLS) == 0 || strcmp(root->ns, NS_SASL) == 0) {
		stream_end(s, STREAM_POLICY_VIOLATION, "This was negotiated already.");
		return;
	}
	msg = link_new(LINK_IN, s->id, s->session);
	msg->u.in.arena = *arena;
	msg->u.in.root = root;
	msg->u.in.bytes = s->element_bytes;
	*arena = NULL;
	stream_count_metric(OF_CLIENTS, SM_STANZAS_IN, 1);
	stream_take_credit(s, s->element_bytes);
	link_to_core(link_worker(s->session), msg);
}

static void
got_element(struct stream *s, struct arena **arena, struct hm_elem *root)
{
	if (s->state == OPEN)
		to_session(s, arena, root);
	else
		client_got_element(s, arena, root);
}

static void
idle(struct stream *s, int64_t silent_ms)
{
	link_to_core(link_worker(s->session), link_new(LINK_IDLE, s->id, s->session));
}

/* --- The end --------------------------------------------------------------------------- */

static void
tell_closed(struct stream *s, enum link_closed_how how)
{
	struct link_msg *msg;

	if (!s->session)
		return;
	msg = link_new(LINK_CLOSED, s->id, s->session);
	msg->u.closed.how = how;
	link_to_core(link_worker(s->session), msg);
	s->session = 0;
}

void
client_refuse_session(const struct link_msg *attached)
{
	struct link_msg *msg = link_new(LINK_CLOSED, attached->stream, attached->session);

	msg->u.closed.how = LINK_CLOSED_LOST;
	link_to_core(link_worker(attached->session), msg);
}

static void
free_own(struct stream *s)
{
	login_free(s);
	mem_free(s->bare);
}

/* --- All together ------------------------------------------------------------------------ */

static bool
is_stranger(const struct stream *s)
{
	return s->login;
}

static void
secured(struct stream *s)
{
	/* The client speaks first. */
}

const struct stream_kind client_kind = {
	.subject = "c2s",
	.metrics = OF_CLIENTS,
	.is_stranger = is_stranger,
	.secured = secured,
	.got_header = client_got_header,
	.got_element = got_element,
	.write_header = client_write_header,
	.timeout = client_negotiation_timeout,
	.idle = idle,
	.closed = tell_closed,
	.free = free_own,
};
