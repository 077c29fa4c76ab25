/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/s2s_in.c - what a server says that has connected to us, until it has shown who it is: header, STARTTLS,
 * SASL EXTERNAL (XEP-0178 2), and dialback at any time.
 */
#include <string.h>

#include "base/codec.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "stream/s2s_state.h"
#include "xmpp/jid.h"

#define AUTHZID_MAX 3072
#define FAILURES_MAX 3

/* --- Headers ---------------------------------------------------------------------------- */

void
in_write_header(struct s2s *s, const struct header *theirs, struct buf *out)
{
	const struct link_host *first = link_first_host();
	const char *from = s->local ? s->local : first ? first->domain : NULL;
	char id[HEADER_ID_CHARS + 1];

	mem_free(s->id);
	s->id = mem_strdup(random_token(id, HEADER_ID_CHARS));
	buf_puts(out, "<?xml version='1.0'?><stream:stream xmlns='" NS_SERVER
	              "' xmlns:stream='" NS_STREAMS "' xmlns:db='" NS_DIALBACK "'");
	if (from) {
		buf_puts(out, " from='");
		xml_write_value(out, from, strlen(from));
		buf_putc(out, '\'');
	}
	if (theirs && theirs->from) {
		buf_puts(out, " to='");
		xml_write_value(out, theirs->from, strlen(theirs->from));
		buf_putc(out, '\'');
	}
	buf_printf(out, " id='%s'%s xml:lang='en'>", s->id,
	           theirs && theirs->unversioned ? "" : " version='1.0'");
}

/* May it log in with its certificate?  RFC 6120 6.3.4: only what can succeed is offered. */
static bool
offers_external(struct s2s *s)
{
	const char *why;

	return s->remote && !s->external && !link_find_domain(s->remote) &&
	       s2s_may_talk(s->remote, &why) && !s2s_certificate_fault(s, s->remote);
}

static void
send_features(struct s2s *s)
{
	const struct s2s_settings *settings = &s2s_here.config->settings;
	const struct version *v = s->stream.version;
	bool tls = conn_is_tls(s->stream.conn), open = s->external;
	struct buf *out = stream_buf();

	buf_puts(out, "<stream:features>");
	if (!tls && v->tls.starttls)
		buf_printf(out, "<starttls xmlns='" NS_TLS "'>%s</starttls>",
		           settings->require_tls ? "<required/>" : "");
	if (tls || !settings->require_tls) {
		if (offers_external(s))
			buf_puts(out, "<mechanisms xmlns='" NS_SASL
			              "'><mechanism>EXTERNAL</mechanism></mechanisms>");
		buf_puts(out, "<dialback xmlns='" NS_DIALBACK_FEATURE "'><errors/></dialback>"
		              "<sm xmlns='" NS_SM "'/>");
		buf_printf(out, "<limits xmlns='" NS_LIMITS "'><max-bytes>%zu</max-bytes>",
		           v->after.stanza_bytes);
		if (open && v->settings.idle_time != HM_UNLIMITED_DURATION)
			buf_printf(out, "<idle-seconds>%u</idle-seconds>",
			           (unsigned)(v->settings.idle_time / 1000));
		buf_puts(out, "</limits>");
	}
	buf_puts(out, "</stream:features>");
	stream_send(&s->stream);
}

static enum stream_cond
judge(struct s2s *s, const struct header *h)
{
	const char *why;

	if (h->wrong)
		return h->wrong;
	if (!link_find_domain(h->to))
		return STREAM_HOST_UNKNOWN;
	if (h->from && strchr(h->from, '@'))
		return STREAM_INVALID_FROM;
	if (h->from && !s2s_may_talk(h->from, &why)) {
		log_line(&s->stream.log, HM_INFO, "refused", hm_kv("remote", h->from),
		         hm_kv("reason", why));
		return STREAM_POLICY_VIOLATION;
	}
	/* After SASL it is the one that has authenticated; before, it may not change either. */
	if (s->external && (!h->from || strcmp(h->from, s->remote) != 0))
		return STREAM_INVALID_FROM;
	return 0;
}

static void
keep(char **where, const char *text)
{
	mem_free(*where);
	*where = text ? mem_strdup(text) : NULL;
}

void
in_got_header(struct s2s *s, const struct hm_elem *root)
{
	enum stream_cond wrong;
	struct s2s_pair *p;
	struct header h;

	header_read(&h, root, xml_stream_content_ns(s->stream.xml), NS_SERVER, worker_scratch());
	wrong = judge(s, &h);
	if (h.to && link_find_domain(h.to))
		keep(&s->local, h.to);
	if (!wrong)
		keep(&s->remote, h.from);
	stream_send_header(&s->stream, &h);
	log_line(&s->stream.log, HM_DEBUG, "header", hm_kv("to", h.to), hm_kv("from", h.from));
	if (wrong) {
		stream_end(&s->stream, wrong, NULL);
		return;
	}
	s->stream.state = NEGOTIATING;
	send_features(s);
	if (!s->external)
		return;
	p = pair_new(s, s->local, s->remote, 0);
	p->proof = LINK_PROOF_CERTIFICATE;
	pair_up(p);
}

/* --- STARTTLS ------------------------------------------------------------------------------ */

static void
start_tls(struct s2s *s)
{
	struct stream *stream = &s->stream;
	struct tls_context *tls = stream->version->tls.starttls;
	const char *name = jid_domain_ascii(s->local, worker_scratch());

	if (conn_is_tls(stream->conn) || !tls || stream->state != NEGOTIATING) {
		stream_puts(stream, "<failure xmlns='" NS_TLS "'/>");
		stream->their_end = true;
		stream->reason = "STARTTLS was not offered";
		stream_end(stream, 0, NULL);
		return;
	}
	if (stream->rest > 0) {
		/* RFC 6120 5.4.3.3 */
		stream_end(stream, STREAM_POLICY_VIOLATION,
		           "Nothing may be sent behind <starttls/>.");
		return;
	}
	stream_puts(stream, "<proceed xmlns='" NS_TLS "'/>");
	stream_begin_tls(stream);
	if (!conn_start_tls(stream->conn, tls, name))
		stream_end(stream, STREAM_POLICY_VIOLATION, NULL);
}

/* --- SASL EXTERNAL ---------------------------------------------------------------------------- */

static void
refuse(struct s2s *s, const char *cond, const char *why)
{
	log_line(&s->stream.log, HM_INFO, "authentication failed", hm_kv("mechanism", "EXTERNAL"),
	         hm_kv("remote", s->remote), hm_kv("condition", cond), hm_kv("reason", why));
	buf_printf(stream_buf(), "<failure xmlns='" NS_SASL "'><%s/></failure>", cond);
	stream_send(&s->stream);
	if (++s->failures >= FAILURES_MAX)
		stream_end(&s->stream, STREAM_POLICY_VIOLATION, "Too many failed attempts.");
}

/* The authorization identity: that of the header, "=" or nothing for it (XEP-0178 2). */
static bool
is_who_was_announced(struct s2s *s, const char *text)
{
	struct arena *a = worker_scratch();
	size_t len = strlen(text);
	const char *domain;
	char *name;

	if (len == 0 || strcmp(text, "=") == 0)
		return true;
	if (len > BASE64_LEN(AUTHZID_MAX))
		return false;
	name = arena_alloc(a, len + 1);
	if (!base64_decode(name, &len, text, len) || memchr(name, '\0', len))
		return false;
	name[len] = '\0';
	domain = jid_prepare_domain(name, a);
	return domain && strcmp(domain, s->remote) == 0;
}

static void
got_auth(struct s2s *s, const struct hm_elem *root)
{
	const char *mechanism = elem_attr(root, "mechanism");
	const char *fault;

	if (!mechanism || strcmp(mechanism, "EXTERNAL") != 0) {
		refuse(s, "invalid-mechanism", "the mechanism is not offered");
		return;
	}
	fault = s->remote ? s2s_certificate_fault(s, s->remote)
	                  : "the header did not say who it is";
	if (fault) {
		refuse(s, "not-authorized", fault);
		return;
	}
	if (!offers_external(s)) {
		refuse(s, "not-authorized", "the domain may not talk to us");
		return;
	}
	if (!is_who_was_announced(s, elem_text(root, worker_scratch()))) {
		refuse(s, "invalid-authzid", "another domain than that of the header");
		return;
	}
	stream_puts(&s->stream, "<success xmlns='" NS_SASL "'/>");
	s->external = true;
	xml_stream_restart(s->stream.xml);
	s->stream.answered = false;
	s->stream.state = AT_HEADER;
}

/* --- All elements -------------------------------------------------------------------------------- */

void
in_got_element(struct s2s *s, struct arena **arena, struct hm_elem *root)
{
	if (elem_is(root, NS_TLS, "starttls"))
		start_tls(s);
	else if (elem_is(root, NS_SASL, "auth") && s->stream.state == NEGOTIATING && !s->external)
		got_auth(s, root);
	else if (strcmp(root->ns, NS_SASL) == 0)
		stream_end(&s->stream, STREAM_POLICY_VIOLATION, NULL);
	else if (strcmp(root->ns, NS_DIALBACK) == 0)
		dialback_got_in(s, root);
	else if (strcmp(root->ns, NS_SM) == 0)
		ack_got_element(s, root);
	else
		pair_got_stanza(s, arena, root);
}
