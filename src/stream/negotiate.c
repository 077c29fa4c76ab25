/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/negotiate.c - a client's headers, STARTTLS and what else is handled on the stream side
 * (RFC 6120 4.2 to 4.8, 5).  Before authentication nothing is accepted but STARTTLS, SASL and, where the host
 * has something for strangers, an IQ (XEP-0077).
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "stream/login.h"
#include "stream/metrics.h"
#include "stream/stream_state.h"
#include "xmpp/jid.h"

#define STRANGER_IQS_MAX 20

/* --- Headers ------------------------------------------------------------------------- */

void
client_write_header(struct stream *s, const struct header *theirs, struct buf *out)
{
	const struct link_host *host = s->host ? s->host : link_first_host();
	char id[HEADER_ID_CHARS + 1];

	header_write(out, host ? host->domain : NULL, theirs, random_token(id, HEADER_ID_CHARS));
}

/* After authentication the stream is that account's, at its host. */
static enum stream_cond
judge_identity(const struct stream *s, const struct header *h)
{
	const char *domain = strchr(s->bare, '@') + 1;

	if (strcmp(h->to, domain) != 0)
		return STREAM_HOST_UNKNOWN;
	if (h->from && strcmp(h->from, s->bare) != 0)
		return STREAM_INVALID_FROM; /* 4.9.3.9 */
	return 0;
}

static void
open_stream(struct stream *s, const struct header *h)
{
	struct link_msg *msg = link_new(LINK_LANG, s->id, s->session);

	msg->u.lang.lang = h->lang ? mem_strdup(h->lang) : NULL;
	link_to_core(link_worker(s->session), msg);
	s->state = OPEN;
	stream_start_idle(s);
}

static void
begin_login(struct stream *s, const struct header *h)
{
	struct login *l = s->login;

	s->state = NEGOTIATING;
	snprintf(l->lang, sizeof(l->lang), "%s", h->lang ? h->lang : "");
	/* What was said in the clear proves nothing. */
	mem_free(l->from);
	l->from = h->from && conn_is_tls(s->conn) ? mem_strdup(h->from) : NULL;
}

/* What the host in the header has of its own counts from here on. */
static void
use_host_settings(struct stream *s)
{
	struct version *v = s->host ? version_of_host(s->version, s->host->domain) : s->version;

	if (v == s->version)
		return;
	s->version = v;
	conn_set_output_limit(s->conn, 0, v->settings.write_timeout);
}

void
client_got_header(struct stream *s, const struct hm_elem *root)
{
	struct arena *a = worker_scratch();
	enum stream_cond wrong;
	struct header h;

	header_read(&h, root, xml_stream_content_ns(s->xml), NS_CLIENT, a);
	wrong = h.wrong;
	s->host = h.to ? link_find_host(h.to) : NULL;
	use_host_settings(s);
	if (!wrong && !s->host)
		wrong = STREAM_HOST_UNKNOWN;
	if (!wrong && s->session)
		wrong = judge_identity(s, &h);
	stream_send_header(s, &h);
	log_line(&s->log, HM_DEBUG, "header", hm_kv("to", h.to), hm_kv("from", h.from),
	         hm_kv("lang", h.lang));
	if (wrong) {
		stream_end(s, wrong, NULL);
		return;
	}
	if (s->session)
		open_stream(s, &h);
	else
		begin_login(s, &h);
	stream_send_features(s);
}

/* --- STARTTLS ---------------------------------------------------------------------------- */

static void
start_tls(struct stream *s)
{
	struct tls_context *tls = s->version->tls.starttls;
	const char *name = jid_domain_ascii(s->host->domain, worker_scratch());

	if (conn_is_tls(s->conn) || !tls) {
		/* RFC 6120 5.4.2.2: failure, then the end. */
		stream_puts(s, "<failure xmlns='" NS_TLS "'/>");
		s->their_end = true;
		s->reason = "STARTTLS was not offered";
		stream_end(s, 0, NULL);
		return;
	}
	if (s->rest > 0) {
		/* 5.4.3.3: it would count as sent under TLS otherwise. */
		stream_end(s, STREAM_POLICY_VIOLATION, "Nothing may be sent behind <starttls/>.");
		return;
	}
	login_forget(s);
	stream_puts(s, "<proceed xmlns='" NS_TLS "'/>");
	stream_begin_tls(s);
	if (!conn_start_tls(s->conn, tls, name))
		stream_end(s, STREAM_POLICY_VIOLATION, NULL);
}

/* --- Strangers ------------------------------------------------------------------------------ */

static bool
may_ask(const struct stream *s, const struct hm_elem *root)
{
	return elem_is(root, NS_CLIENT, "iq") && s->host->strangers &&
	       (conn_is_tls(s->conn) || !s->version->settings.require_tls);
}

static void
ask_as_stranger(struct stream *s, struct arena **arena, struct hm_elem *root)
{
	const char *source = conn_peer(s->conn)->prefix;
	struct link_msg *msg;

	if (s->login->strangers++ >= STRANGER_IQS_MAX) {
		stream_end(s, STREAM_POLICY_VIOLATION, "Too many requests before authentication.");
		return;
	}
	msg = link_new(LINK_STRANGER_IQ, s->id, 0);
	msg->u.stranger.host = mem_strdup(s->host->domain);
	msg->u.stranger.source = mem_strdup(source);
	msg->u.stranger.lang = *s->login->lang ? mem_strdup(s->login->lang) : NULL;
	msg->u.stranger.arena = *arena;
	msg->u.stranger.root = root;
	*arena = NULL;
	login_forget(s);
	login_wait(s, LOGIN_STRANGER);
	link_to_core(link_guard(source), msg);
}

/* --- All elements ------------------------------------------------------------------------------ */

void
client_got_element(struct stream *s, struct arena **arena, struct hm_elem *root)
{
	if (elem_is(root, NS_TLS, "starttls"))
		start_tls(s);
	else if (strcmp(root->ns, NS_SASL) == 0)
		login_got_element(s, root);
	else if (may_ask(s, root))
		ask_as_stranger(s, arena, root);
	else
		stream_end(s, STREAM_NOT_AUTHORIZED, NULL); /* RFC 6120 4.9.3.12 */
}

void
client_negotiation_timeout(struct stream *s)
{
	stream_count_metric(s->kind->metrics, SM_TIMEOUTS, 1);
	s->reason = s->state == SECURING ? "the TLS handshake took too long"
	                                 : "the client did not log in in time";
	stream_end(s, STREAM_CONNECTION_TIMEOUT, NULL);
}
