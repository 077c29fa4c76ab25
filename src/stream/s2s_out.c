/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/s2s_out.c - streams that we open: connect, TLS, the other server's certificate, SASL EXTERNAL or
 * dialback for each pair.  One stream per remote domain and worker, unless the other server takes one pair only.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "base/mem.h"
#include "stream/s2s_state.h"
#include "xmpp/jid.h"

#define STREAM_ID_MAX 256

/* --- Wanted -------------------------------------------------------------------------------- */

static void
refuse(const char *local, const char *remote, uint64_t session, const char *why)
{
	struct link_msg *msg = link_new(LINK_DOMAIN_DOWN, 0, session);

	msg->u.domain_down.local = mem_strdup(local);
	msg->u.domain_down.remote = mem_strdup(remote);
	msg->u.domain_down.cond = HM_NOT_ALLOWED;
	msg->u.domain_down.text = mem_strdup(why);
	msg->u.domain_down.permanent = true;
	link_to_core(link_worker(session), msg);
}

/* May it carry one more pair?  Of a domain that it was not opened for only by dialback. */
static bool
takes(const struct s2s *s, const char *local, const char *remote, bool check)
{
	if (!s->outgoing || s->told || strcmp(s->remote, remote) != 0)
		return false;
	if (s->stream.kind && (s->stream.state == ENDING || s->stream.state == OVER))
		return false;
	return check || strcmp(s->local, local) == 0 || !s->ready || s->has_dialback;
}

static struct s2s *
find(const char *local, const char *remote, bool check)
{
	list_for_each(l, next, &s2s_here.all)
	{
		struct s2s *s = list_entry(l, struct s2s, link);

		if (takes(s, local, remote, check))
			return s;
	}
	return NULL;
}

static struct s2s *
open_new(const char *local, const char *remote)
{
	struct s2s *s = s2s_new(true);

	s->local = mem_strdup(local);
	s->remote = mem_strdup(remote);
	s2s_connect(s);
	return s;
}

/* The proof of one pair: by certificate for the stream's own, else by dialback. */
static void
ask(struct s2s_pair *p)
{
	if (!s2s_here.config->settings.dialback)
		pair_down(p, HM_REMOTE_SERVER_TIMEOUT,
		          "the other server does not take our certificate, and dialback is not "
		          "allowed (s2s: dialback)",
		          false);
	else
		dialback_ask(p);
}

void
out_open(const char *local, const char *remote, uint64_t session)
{
	struct s2s_pair *p;
	const char *why;
	struct s2s *s;

	if (!s2s_here.running || s2s_here.stopping)
		return;
	if (!s2s_may_talk(remote, &why)) {
		refuse(local, remote, session, why);
		return;
	}
	s = find(local, remote, false);
	if (!s)
		s = open_new(local, remote);
	p = pair_new(s, local, remote, session);
	if (s->ready)
		ask(p);
}

struct s2s *
out_for_check(const char *local, const char *remote, const char **why)
{
	struct s2s *s;

	*why = "the server shuts down";
	if (s2s_here.stopping || !s2s_may_talk(remote, why))
		return NULL;
	s = find(local, remote, true);
	return s ? s : open_new(local, remote);
}

void
out_close_if_unused(struct s2s *s)
{
	if (!s->outgoing || s->told || !list_empty(&s->pairs) || !list_empty(&s->checks))
		return;
	if (!s->stream.kind) {
		s2s_discard(s);
		return;
	}
	if (!s->stream.reason)
		s->stream.reason = "nothing more is to be sent";
	stream_end(&s->stream, 0, NULL);
}

/* --- Connected -------------------------------------------------------------------------------- */

static void
start_tls(struct s2s *s, const char *protocol)
{
	struct arena *a = worker_scratch();
	struct conn_tls_client as = { .name = jid_domain_ascii(s->remote, a),
		                      .own = jid_domain_ascii(s->local, a),
		                      .protocol = protocol };
	struct tls_context *tls = s->stream.version->tls.direct;

	stream_begin_tls(&s->stream);
	if (!tls || !conn_start_tls_client(s->stream.conn, tls, &as))
		s2s_fail(s, 0, HM_REMOTE_SERVER_TIMEOUT, "TLS could not be started");
}

void
out_connected(struct s2s *s, int fd, enum hm_cond cond, const char *why)
{
	if (fd < 0) {
		s->cond = cond;
		s->why = mem_strdup(why);
		s2s_discard(s);
		return;
	}
	stream_begin(&s->stream, fd, &s2s_kind, s2s_here.version);
	log_line(&s->stream.log, HM_INFO, "connected", hm_kv("local", s->local),
	         hm_kv("remote", s->remote));
	s2s_tick_soon(s);
	if (s->direct_tls)
		start_tls(s, "xmpp-server");
	else
		stream_send_header(&s->stream, NULL);
}

void
out_secured(struct s2s *s)
{
	stream_send_header(&s->stream, NULL);
}

void
out_write_header(struct s2s *s, struct buf *out)
{
	buf_puts(out, "<?xml version='1.0'?><stream:stream xmlns='" NS_SERVER
	              "' xmlns:stream='" NS_STREAMS "' xmlns:db='" NS_DIALBACK "' from='");
	xml_write_value(out, s->local, strlen(s->local));
	buf_puts(out, "' to='");
	xml_write_value(out, s->remote, strlen(s->remote));
	buf_puts(out, "' version='1.0' xml:lang='en'>");
}

void
out_got_header(struct s2s *s, const struct hm_elem *root)
{
	const char *id = elem_attr(root, "id"), *version = elem_attr(root, "version");

	mem_free(s->id);
	s->id = NULL;
	if (!elem_is(root, NS_STREAMS, "stream"))
		s2s_fail(s, STREAM_INVALID_NAMESPACE, HM_REMOTE_SERVER_TIMEOUT,
		         "the other server does not speak XMPP");
	else if (!id || strlen(id) > STREAM_ID_MAX)
		s2s_fail(s, STREAM_BAD_FORMAT, HM_REMOTE_SERVER_TIMEOUT,
		         "the other server gave no usable stream id");
	else if (!version)
		s2s_fail(s, STREAM_UNSUPPORTED_VERSION, HM_REMOTE_SERVER_TIMEOUT,
		         "the other server does not speak XMPP 1.0");
	else
		s->id = mem_strdup(id);
	if (s->id)
		s->stream.state = NEGOTIATING;
}

/* --- Features --------------------------------------------------------------------------------------- */

static void
read_features(struct s2s *s, const struct hm_elem *root)
{
	const struct hm_elem *offered = elem_child(root, NS_SASL, "mechanisms");
	const struct hm_elem *limits = elem_child(root, NS_LIMITS, "limits");
	const struct hm_elem *bytes = limits ? elem_child(limits, NS_LIMITS, "max-bytes") : NULL;

	s->has_external = false;
	for (const struct hm_elem *m = offered ? elem_first_child(offered) : NULL; m;
	     m = elem_next(m))
		s->has_external |= elem_is(m, NS_SASL, "mechanism") &&
		                   strcmp(elem_text(m, worker_scratch()), "EXTERNAL") == 0;
	s->has_dialback = elem_child(root, NS_DIALBACK_FEATURE, "dialback");
	s->has_acks = elem_child(root, NS_SM, "sm");
	if (bytes)
		s->max_bytes = strtoul(elem_text(bytes, worker_scratch()), NULL, 10);
}

/* Each pair asks for itself. */
static void
get_ready(struct s2s *s)
{
	s->ready = true;
	list_for_each(l, next, &s->pairs)
	{
		struct s2s_pair *p = list_entry(l, struct s2s_pair, link);

		if (p->state != PAIR_WAITING)
			continue;
		if (s->external && strcmp(p->local, s->local) == 0) {
			p->proof = LINK_PROOF_CERTIFICATE;
			out_accepted(p);
		} else {
			ask(p);
		}
	}
	dialback_send_checks(s);
	out_close_if_unused(s);
}

static void
authenticate(struct s2s *s)
{
	size_t len = strlen(s->local);
	struct buf *out = stream_buf();
	char *text = arena_alloc(worker_scratch(), BASE64_LEN(len) + 1);

	s->external_tried = true;
	base64_encode(text, s->local, len);
	buf_printf(out, "<auth xmlns='" NS_SASL "' mechanism='EXTERNAL'>%s</auth>", text);
	stream_send(&s->stream);
}

static void
got_features(struct s2s *s, const struct hm_elem *root)
{
	const struct s2s_settings *settings = &s2s_here.config->settings;
	const char *fault;

	if (!conn_is_tls(s->stream.conn) && elem_child(root, NS_TLS, "starttls") &&
	    s->stream.version->tls.starttls) {
		stream_puts(&s->stream, "<starttls xmlns='" NS_TLS "'/>");
		return;
	}
	if (!conn_is_tls(s->stream.conn) && settings->require_tls) {
		s2s_fail(s, STREAM_POLICY_VIOLATION, HM_REMOTE_SERVER_TIMEOUT,
		         "the other server offers no TLS");
		return;
	}
	fault = s2s_certificate_fault(s, s->remote);
	if (fault && s2s_must_have_certificate(s->remote)) {
		s2s_fail(s, 0, HM_REMOTE_SERVER_TIMEOUT, "the other server is not trusted: %s",
		         fault);
		return;
	}
	read_features(s, root);
	if (s->has_external && !s->external_tried && pair_find(s, s->local, s->remote))
		authenticate(s);
	else
		get_ready(s);
}

static void
got_sasl(struct s2s *s, const struct hm_elem *root)
{
	if (!s->external_tried || s->external || s->ready) {
		stream_end(&s->stream, STREAM_POLICY_VIOLATION, NULL);
	} else if (elem_is(root, NS_SASL, "success")) {
		s->external = true;
		xml_stream_restart(s->stream.xml);
		s->stream.answered = false;
		s->stream.state = AT_HEADER;
		stream_send_header(&s->stream, NULL);
	} else if (elem_is(root, NS_SASL, "challenge")) {
		/* RFC 4422 3.1 allows an empty one; it gets what <auth/> said already. */
		stream_puts(&s->stream, "<response xmlns='" NS_SASL "'/>");
	} else {
		const struct hm_elem *cond = elem_first_child(root);

		log_line(&s->stream.log, HM_INFO, "the other server refused our certificate",
		         hm_kv("remote", s->remote), hm_kv("condition", cond ? cond->name : NULL));
		get_ready(s);
	}
}

void
out_accepted(struct s2s_pair *p)
{
	struct s2s *s = p->s;

	p->state = PAIR_GOING_UP;
	p->since_ms = worker_now_ms();
	/* XEP-0198 3: once authenticated. */
	if (s->has_acks && !s->acks && !s->acks_asked && s->stream.state != OPEN) {
		s->acks_asked = true;
		stream_puts(&s->stream, "<enable xmlns='" NS_SM "'/>");
	}
	if (!s->acks_asked)
		pair_up(p);
}

/* --- All elements ------------------------------------------------------------------------------------- */

void
out_got_element(struct s2s *s, struct hm_elem *root)
{
	if (s->stream.state == NEGOTIATING && !s->ready && elem_is(root, NS_STREAMS, "features"))
		got_features(s, root);
	else if (elem_is(root, NS_TLS, "proceed") && !conn_is_tls(s->stream.conn))
		start_tls(s, NULL);
	else if (elem_is(root, NS_TLS, "failure"))
		s2s_fail(s, 0, HM_REMOTE_SERVER_TIMEOUT, "the other server cannot do TLS now");
	else if (strcmp(root->ns, NS_SASL) == 0)
		got_sasl(s, root);
	else if (strcmp(root->ns, NS_DIALBACK) == 0 && s->ready)
		dialback_got_out(s, root);
	else if (strcmp(root->ns, NS_SM) == 0)
		ack_got_element(s, root);
	else
		/* Stanzas come the other way on a stream of their own. */
		s2s_fail(s, STREAM_NOT_AUTHORIZED, HM_REMOTE_SERVER_TIMEOUT,
		         "the other server sent <%.60s/>, which has no place here", root->name);
}
