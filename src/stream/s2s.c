/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/s2s.c - the life of server streams: accepted or opened, failed, freed; what the core says to them;
 * and the start, reload and stop of the whole.
 */
#include "stream/s2s.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "crypto/cert.h"
#include "stream/limits.h"
#include "stream/s2s_state.h"
#include "xmpp/jid.h"

_Thread_local struct s2s_here s2s_here;
struct dialback_secret s2s_secret;

/* The newest, for workers that start or are told to look. */
static pthread_mutex_t newest_lock = PTHREAD_MUTEX_INITIALIZER;
static struct version *newest;
static const struct s2s_config *newest_config;

/* --- Policy -------------------------------------------------------------------------- */

bool
s2s_may_talk(const char *domain, const char **why)
{
	const struct s2s_settings *settings = &s2s_here.config->settings;

	*why = NULL;
	if (s2s_list_names(&settings->deny, domain))
		*why = "the configuration denies this domain (s2s: deny)";
	else if (settings->allow.n > 0 && !s2s_list_names(&settings->allow, domain))
		*why = "the configuration does not allow this domain (s2s: allow)";
	return !*why;
}

bool
s2s_must_have_certificate(const char *domain)
{
	const struct s2s_settings *settings = &s2s_here.config->settings;

	return !settings->dialback || s2s_list_names(&settings->require_certificate, domain);
}

const char *
s2s_certificate_fault(struct s2s *s, const char *domain)
{
	const char *ascii = jid_domain_ascii(domain, worker_scratch()), *fault;
	struct cert_domain name = { .ascii = ascii ? ascii : domain, .unicode = domain };
	struct cert *cert;
	bool fits;

	if (!conn_is_tls(s->stream.conn))
		return "the connection is not encrypted";
	fault = conn_tls_peer_fault(s->stream.conn);
	if (fault)
		return fault;
	cert = cert_new_from_x509(conn_tls_peer_certificate(s->stream.conn));
	fits = cert_fits(cert, name, CERT_XMPP_SERVER);
	cert_free(&cert);
	return fits ? NULL : "the certificate is for another name";
}

/* --- Life ------------------------------------------------------------------------------ */

struct s2s *
s2s_new(bool outgoing)
{
	struct s2s *s = mem_new(struct s2s);

	s->outgoing = outgoing;
	list_init(&s->pairs);
	list_init(&s->checks);
	list_push_back(&s2s_here.all, &s->link);
	return s;
}

/* Whoever waits for it must know, once. */
static void
tell_all(struct s2s *s)
{
	const char *why = s->why ? s->why : s->stream.reason;

	if (s->told)
		return;
	s->told = true;
	timer_stop(&s->tick);
	dialback_fail_checks(s, s->cond ? s->cond : HM_REMOTE_SERVER_TIMEOUT, why);
	list_for_each(l, next, &s->pairs)
		pair_down(list_entry(l, struct s2s_pair, link), s->cond, why, s->permanent);
}

static void
free_own(struct stream *stream)
{
	struct s2s *s = s2s_of(stream);

	tell_all(s);
	list_remove(&s->link);
	s2s_connect_stop(s);
	ack_forget(s);
	mem_free(s->local);
	mem_free(s->remote);
	mem_free(s->id);
	mem_free(s->why);
}

void
s2s_discard(struct s2s *s)
{
	free_own(&s->stream);
	mem_free(s);
}

static void
set_why(struct s2s *s, enum hm_cond cond, const char *fmt, va_list args) HM_PRINTF(3, 0);

static void
set_why(struct s2s *s, enum hm_cond cond, const char *fmt, va_list args)
{
	char text[512];

	if (s->why)
		return;
	vsnprintf(text, sizeof(text), fmt, args);
	s->why = mem_strdup(text);
	s->cond = cond;
	if (!s->stream.reason)
		s->stream.reason = s->why;
}

void
s2s_fail(struct s2s *s, enum stream_cond stream_cond, enum hm_cond cond, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_why(s, cond, fmt, args);
	va_end(args);
	stream_end(&s->stream, stream_cond, NULL);
}

void
s2s_fail_for_good(struct s2s *s, enum hm_cond cond, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_why(s, cond, fmt, args);
	va_end(args);
	s->permanent = true;
	stream_end(&s->stream, 0, NULL);
}

static void
closed(struct stream *stream, enum link_closed_how how)
{
	struct s2s *s = s2s_of(stream);

	/* The peer's own end is no fault, once it has taken us for who we are. */
	if (!s->why && how != LINK_CLOSED_CLEANLY)
		s->cond = HM_REMOTE_SERVER_TIMEOUT;
	if (!s->why && stream->state != OPEN)
		s->cond = HM_REMOTE_SERVER_TIMEOUT;
	tell_all(s);
}

void
s2s_open_stream(struct s2s *s)
{
	struct stream *stream = &s->stream;

	if (stream->state == OPEN)
		return;
	stream->state = OPEN;
	if (stream->counted)
		limits_leave(conn_peer(stream->conn)->prefix);
	stream->counted = false;
	xml_stream_limits(stream->xml, &stream->version->after);
	s->wrote_ms = worker_now_ms();
	stream_start_idle(stream);
	s2s_tick_soon(s);
}

/* --- Time -------------------------------------------------------------------------------- */

#define TICK_MS 5000
#define PING_MS 60000

static void
tick(struct timer *t)
{
	struct s2s *s = HM_CONTAINER(t, struct s2s, tick);

	if (s->told || !s->stream.kind)
		return;
	timer_start(&s->tick, TICK_MS, tick);
	dialback_tick(s);
	if (!s->told)
		ack_tick(s);
	if (!s->told && s->outgoing && s->stream.state == OPEN &&
	    worker_now_ms() - s->wrote_ms >= PING_MS &&
	    worker_now_ms() - s->request_ms >= PING_MS) {
		/* White space finds out whether the other end is still there. */
		s->request_ms = worker_now_ms();
		stream_puts(&s->stream, " ");
	}
}

void
s2s_tick_soon(struct s2s *s)
{
	if (!timer_running(&s->tick))
		timer_start(&s->tick, TICK_MS, tick);
}

static void
idle(struct stream *stream, int64_t silent_ms)
{
	struct s2s *s = s2s_of(stream);
	int64_t quiet = worker_now_ms() - s->wrote_ms;

	if (s->outgoing && (quiet < stream->version->settings.idle_time || ack_waits(s)))
		return;
	if (!s->outgoing && stream->in_flight > 0)
		return;
	stream->reason = "nothing was sent for a while";
	stream_end(stream, 0, NULL);
}

static void
timeout(struct stream *stream)
{
	struct s2s *s = s2s_of(stream);

	stream_count_metric(OF_SERVERS, SM_TIMEOUTS, 1);
	s2s_fail(s, STREAM_CONNECTION_TIMEOUT, HM_REMOTE_SERVER_TIMEOUT, "%s",
	         stream->state == SECURING ? "the TLS handshake took too long"
	                                   : "the other server did not answer in time");
}

/* --- What both directions share -------------------------------------------------------------- */

static bool
is_stranger(const struct stream *stream)
{
	const struct s2s *s = (const struct s2s *)stream;

	return stream->state != OPEN && !s->ready;
}

static void
secured(struct stream *stream)
{
	if (s2s_of(stream)->outgoing)
		out_secured(s2s_of(stream));
}

static void
got_header(struct stream *stream, const struct hm_elem *root)
{
	if (s2s_of(stream)->outgoing)
		out_got_header(s2s_of(stream), root);
	else
		in_got_header(s2s_of(stream), root);
}

static void
got_element(struct stream *stream, struct arena **arena, struct hm_elem *root)
{
	if (s2s_of(stream)->outgoing)
		out_got_element(s2s_of(stream), root);
	else
		in_got_element(s2s_of(stream), arena, root);
}

static void
got_error(struct stream *stream, const struct hm_elem *error)
{
	const struct hm_elem *cond = elem_child(error, NS_STREAM_ERRORS, NULL);
	const struct hm_elem *text = elem_child(error, NS_STREAM_ERRORS, "text");
	struct s2s *s = s2s_of(stream);
	bool unknown = cond && strcmp(cond->name, "host-unknown") == 0;

	if (s->why)
		return;
	s->why = mem_printf("the other server ended the stream: %.60s%s%.200s",
	                    cond ? cond->name : "no condition", text ? ": " : "",
	                    text ? elem_text(text, worker_scratch()) : "");
	s->cond = unknown ? HM_REMOTE_SERVER_NOT_FOUND : HM_REMOTE_SERVER_TIMEOUT;
}

static void
write_header(struct stream *stream, const struct header *theirs, struct buf *out)
{
	if (s2s_of(stream)->outgoing)
		out_write_header(s2s_of(stream), out);
	else
		in_write_header(s2s_of(stream), theirs, out);
}

const struct stream_kind s2s_kind = {
	.subject = "s2s",
	.metrics = OF_SERVERS,
	.is_stranger = is_stranger,
	.secured = secured,
	.got_header = got_header,
	.got_element = got_element,
	.got_error = got_error,
	.write_header = write_header,
	.timeout = timeout,
	.idle = idle,
	.wrote = ack_wrote,
	.wrote_batch = ack_wrote_batch,
	.closed = closed,
	.free = free_own,
};

/* --- Accepting ---------------------------------------------------------------------------------- */

static const char *
why_not_welcome(struct s2s *s)
{
	const struct stream_settings *settings = &s->stream.version->settings;

	if (stream_count() > (uint64_t)settings->max_connections)
		return "too many connections";
	if (!limits_enter(conn_peer(s->stream.conn)->prefix,
	                  settings->max_unauthenticated_per_address))
		return "too many connections of this address that have not shown who they are";
	s->stream.counted = true;
	return NULL;
}

static void
accept_fd(int fd, bool direct)
{
	const char *reason;
	struct s2s *s;

	if (!s2s_here.running || s2s_here.stopping) {
		close(fd);
		return;
	}
	s = s2s_new(false);
	stream_begin(&s->stream, fd, &s2s_kind, s2s_here.version);
	stream_count_metric(OF_SERVERS, SM_ACCEPTED, 1);
	log_line(&s->stream.log, HM_INFO, "accepted", hm_kv("port", direct ? "s2s-tls" : "s2s"));
	reason = why_not_welcome(s);
	if (reason) {
		stream_count_metric(OF_SERVERS, SM_REFUSED, 1);
		stream_cut(&s->stream, reason);
		return;
	}
	if (!direct)
		return;
	s->stream.state = SECURING;
	if (!s->stream.version->tls.direct ||
	    !conn_start_tls(s->stream.conn, s->stream.version->tls.direct, NULL))
		stream_cut(&s->stream, "no TLS is configured");
}

void
s2s_accept(void *ctx, int fd)
{
	accept_fd(fd, false);
}

void
s2s_accept_tls(void *ctx, int fd)
{
	accept_fd(fd, true);
}

/* --- What the core says --------------------------------------------------------------------------- */

static void
close_pair(struct s2s_pair *p, const struct link_msg *msg)
{
	struct s2s *s = p->s;
	enum stream_cond cond = msg->u.close.cond;

	if (s->outgoing && p->unsent > 0) {
		p->closing = true;
		p->session = 0;
		return;
	}
	pair_free(p);
	if (!list_empty(&s->pairs) || s->told)
		return;
	if (!s->outgoing)
		stream_end(&s->stream, cond, msg->u.close.text);
	else
		out_close_if_unused(s);
}

static void
send_stanza(struct s2s_pair *p, struct link_msg *take)
{
	if (p->state != PAIR_UP || p->closing || !p->s->outgoing) {
		link_free(take);
		return;
	}
	p->unsent++;
	stream_queue(&p->s->stream, take);
}

void
s2s_receive(struct link_msg *take)
{
	struct s2s_pair *p =
		s2s_here.running ? table_get_n(&s2s_here.pairs, &take->stream, sizeof(take->stream))
				 : NULL;

	if (take->kind == LINK_DOMAIN_OPEN) {
		out_open(take->u.domain_open.local, take->u.domain_open.remote, take->session);
	} else if (p && take->kind == LINK_OUT) {
		send_stanza(p, take);
		return;
	} else if (p && take->kind == LINK_CREDIT) {
		struct s2s *s = p->s;

		ack_handled(p, take->u.credit.stanzas);
		stream_give_credit(&s->stream, take->u.credit.stanzas, take->u.credit.bytes);
	} else if (p && take->kind == LINK_CLOSE) {
		close_pair(p, take);
	}
	link_free(take);
}

/* --- Start, reload, stop ---------------------------------------------------------------------------- */

static struct version *
make_version(const struct s2s_config *config, struct tls_context *tls)
{
	const struct stream_tls both = { tls, tls };

	return version_new(&config->settings.common, NULL, 0, &both);
}

void
s2s_init(const struct s2s_config *config, struct tls_context *tls)
{
	newest = make_version(config, tls);
	newest_config = config;
}

void
s2s_free(void)
{
	version_unref(&newest);
}

void
s2s_set_secret(const void *secret, size_t len)
{
	dialback_secret(&s2s_secret, secret, len);
}

static void
take_newest(void)
{
	pthread_mutex_lock(&newest_lock);
	if (s2s_here.version)
		version_unref(&s2s_here.version);
	s2s_here.version = version_ref(newest);
	s2s_here.config = newest_config;
	pthread_mutex_unlock(&newest_lock);
}

static void
reload_mail(struct mail *mail)
{
	if (s2s_here.version)
		take_newest();
	mem_free(mail);
}

void
s2s_reload(const struct s2s_config *config, struct tls_context *tls)
{
	struct version *v = make_version(config, tls);

	pthread_mutex_lock(&newest_lock);
	version_unref(&newest);
	newest = v;
	newest_config = config;
	pthread_mutex_unlock(&newest_lock);
	for (unsigned i = 0; i < workers_count(); i++) {
		struct mail *mail = mem_new(struct mail);

		mail->run = reload_mail;
		worker_post(i, mail);
	}
}

void
s2s_start_here(void)
{
	if (!newest)
		return;
	list_init(&s2s_here.all);
	s2s_here.stopping = false;
	s2s_here.running = true;
	take_newest();
}

void
s2s_stop_here(void)
{
	if (!s2s_here.running)
		return;
	s2s_here.stopping = true;
	list_for_each(l, next, &s2s_here.all)
	{
		struct s2s *s = list_entry(l, struct s2s, link);

		if (!s->stream.kind)
			s2s_discard(s);
	}
}

void
s2s_release_here(void)
{
	if (!s2s_here.running || !list_empty(&s2s_here.all))
		return;
	s2s_here.running = false;
	table_free(&s2s_here.pairs);
	version_unref(&s2s_here.version);
}
