/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/stream.c - the life of streams: begun, found by their id, freed; and
 * the start, reload and stop of the whole.  Each worker knows its own streams only.
 */
#include "stream/stream.h"

#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "stream/limits.h"
#include "stream/login.h"
#include "stream/s2s.h"
#include "stream/sasl.h"
#include "stream/stream_state.h"

_Thread_local struct stream_here stream_here;

static _Atomic size_t open_streams;

/* The newest version, for workers that start or are told to look. */
static pthread_mutex_t newest_lock = PTHREAD_MUTEX_INITIALIZER;
static struct version *newest;

static const struct conn_ops *conn_ops(void);

/* --- The worker's table ----------------------------------------------------------- */

struct stream *
stream_find(uint64_t id)
{
	return table_get_n(&stream_here.streams, &id, sizeof(id));
}

void
stream_enter(struct stream *s)
{
	s->id = link_new_id();
	table_put_n(&stream_here.streams, &s->id, sizeof(s->id), s);
}

void
stream_leave(struct stream *s)
{
	table_remove_n(&stream_here.streams, &s->id, sizeof(s->id));
	timer_stop(&s->timer);
	worker_cancel_turn_end(&s->turn_end);
}

size_t
stream_count(void)
{
	return atomic_load(&open_streams);
}

/* --- The end ------------------------------------------------------------------------ */

static const char *
end_in_words(struct stream *s, enum conn_end why)
{
	if (s->reason)
		return s->reason;
	switch (why) {
	case CONN_EOF:
		return "the peer closed the connection";
	case CONN_TRUNCATED:
		return "the connection broke";
	case CONN_TLS_FAILED:
		return conn_tls_error(s->conn);
	case CONN_TIMEOUT:
		return "the time ran out";
	case CONN_WRITE_STUCK:
		return "the peer takes no output";
	}
	return "unknown";
}

static void
log_closed(struct stream *s, const char *reason)
{
	log_line(&s->log, HM_INFO, "closed", hm_kv("reason", reason),
	         hm_kv("in", conn_bytes_in(s->conn)), hm_kv("out", conn_bytes_out(s->conn)));
}

/* The last stream of a worker that stops takes with it what they shared. */
static void
release_here(void)
{
	if (!stream_here.stopping || stream_here.walking || table_count(&stream_here.streams) > 0)
		return;
	table_free(&stream_here.streams);
	buf_free(&stream_here.out);
	if (stream_here.version)
		version_unref(&stream_here.version);
	s2s_release_here();
}

void
stream_drop(struct stream *s)
{
	stream_leave(s);
	if (s->counted)
		limits_leave(conn_peer(s->conn)->prefix);
	stream_count_metric(s->kind->metrics, SM_STREAMS, -1);
	s->kind->free(s);
	stream_forget_output(s);
	xml_stream_free(&s->xml);
	atomic_fetch_sub(&open_streams, 1); /* before the peer can see the end and come again */
	conn_free(&s->conn);
	version_unref(&s->version);
	mem_free(s->end_text);
	mem_free(s->end_app);
	mem_free(s);
	release_here();
}

void
stream_cut(struct stream *s, const char *reason)
{
	s->reason = s->reason ? s->reason : reason;
	s->kind->closed(s, LINK_CLOSED_LOST);
	log_closed(s, s->reason);
	stream_drop(s);
}

/* The connection is over, whoever ended it. */
static void
ended(struct conn *c, enum conn_end why)
{
	struct stream *s = conn_owner(c);

	s->reason = end_in_words(s, why);
	s->kind->closed(s, LINK_CLOSED_LOST);
	log_closed(s, s->reason);
	stream_drop(s);
}

/* --- The beginning -------------------------------------------------------------------- */

static void
secured(struct conn *c)
{
	struct stream *s = conn_owner(c);

	log_line(&s->log, HM_INFO, "TLS", hm_kv("version", conn_tls_version(c)),
	         hm_kv("cipher", conn_tls_cipher(c)), hm_kv("sni", conn_tls_sni(c)));
	if (s->state != SECURING)
		return;
	s->state = AT_HEADER;
	s->kind->secured(s);
}

void
stream_begin_tls(struct stream *s)
{
	xml_stream_restart(s->xml);
	s->answered = false;
	s->state = SECURING;
}

void
stream_send_header(struct stream *s, const struct header *theirs)
{
	if (s->answered)
		return;
	s->answered = true;
	s->kind->write_header(s, theirs, stream_buf());
	stream_send(s);
}

static void
timeout(struct timer *t)
{
	struct stream *s = HM_CONTAINER(t, struct stream, timer);

	switch ((enum stream_state)s->state) {
	case AT_HEADER:
	case NEGOTIATING:
	case SECURING:
	case WAITING:
		s->kind->timeout(s);
		break;
	case OPEN:
		stream_idle_timeout(s);
		break;
	case ENDING:
		stream_end_timeout(s);
		break;
	case OVER:
		break;
	}
}

void
stream_start_timer(struct stream *s, uint32_t ms)
{
	timer_start(&s->timer, ms, timeout);
}

void
stream_begin(struct stream *s, int fd, const struct stream_kind *kind, struct version *version)
{
	s->kind = kind;
	s->version = version_ref(version);
	s->conn = conn_take_fd(fd, conn_ops(), s);
	conn_set_output_limit(s->conn, 0, version->settings.write_timeout);
	s->log = (struct hm_logctx){ .parent = conn_log(s->conn), .subject = kind->subject };
	s->xml = xml_stream_new(&version->before);
	s->turn_end.run = stream_output_turn;
	stream_enter(s);
	stream_start_timer(s, version->settings.negotiation_timeout);
	atomic_fetch_add(&open_streams, 1);
	stream_count_metric(kind->metrics, SM_STREAMS, 1);
}

static const struct conn_ops *
conn_ops(void)
{
	static const struct conn_ops ops = { .readable = stream_readable,
		                             .drained = stream_drained,
		                             .secured = secured,
		                             .ended = ended };

	return &ops;
}

/* --- What the core says ------------------------------------------------------------------ */

static void
receive(struct stream *s, struct link_msg *take)
{
	switch (take->kind) {
	case LINK_CREDENTIAL:
		login_got_credential(s, take);
		break;
	case LINK_ATTACHED:
		login_attached(s, take);
		break;
	case LINK_CREDIT:
		stream_give_credit(s, take->u.credit.stanzas, take->u.credit.bytes);
		break;
	case LINK_CLOSE:
		stream_end_by_session(s, take);
		break;
	default:
		hm_assert(!"a message for the core");
	}
	link_free(take);
}

void
stream_receive(struct link_msg *take)
{
	struct stream *s = stream_find(take->stream);

	if (s && take->kind == LINK_TEXT) {
		stream_queue(s, take);
	} else if (s && take->kind == LINK_OUT) {
		login_answered(s);
		stream_queue(s, take);
	} else if (s) {
		receive(s, take);
	} else if (take->kind == LINK_ATTACHED) {
		client_refuse_session(take);
		link_free(take);
	} else {
		s2s_receive(take);
	}
}

/* --- Start, reload, stop ------------------------------------------------------------------ */

bool
stream_init(const struct stream_settings *settings, const struct stream_host_settings *hosts,
            size_t n_hosts, const struct stream_tls *tls, struct hm_error *why)
{
	stream_metrics_register();
	if (!sasl_library_init(why))
		return false;
	newest = version_new(settings, hosts, n_hosts, tls);
	return true;
}

void
stream_free(void)
{
	version_unref(&newest);
	s2s_free();
	sasl_library_free();
}

static void
take_newest(void)
{
	pthread_mutex_lock(&newest_lock);
	if (stream_here.version)
		version_unref(&stream_here.version);
	stream_here.version = version_ref(newest);
	pthread_mutex_unlock(&newest_lock);
}

static void
reload_mail(struct mail *mail)
{
	if (stream_here.version)
		take_newest();
	mem_free(mail);
}

void
stream_reload(const struct stream_settings *settings, const struct stream_host_settings *hosts,
              size_t n_hosts, const struct stream_tls *tls)
{
	struct version *v = version_new(settings, hosts, n_hosts, tls);

	pthread_mutex_lock(&newest_lock);
	version_unref(&newest);
	newest = v;
	pthread_mutex_unlock(&newest_lock);
	for (unsigned i = 0; i < workers_count(); i++) {
		struct mail *mail = mem_new(struct mail);

		mail->run = reload_mail;
		worker_post(i, mail);
	}
}

void
stream_start_here(void)
{
	stream_here.stopping = false;
	take_newest();
	s2s_start_here();
}

void
stream_stop_here(void)
{
	size_t pos = 0;
	void *value;

	stream_here.stopping = true;
	s2s_stop_here();
	while (table_next(&stream_here.streams, &pos, NULL, &value)) {
		struct stream *s = value;

		s->reason = s->reason ? s->reason : "the server shuts down";
		stream_end_as(s, STREAM_SYSTEM_SHUTDOWN, NULL, LINK_CLOSED_LOST);
	}
	release_here();
}

void
stream_end_here(void)
{
	size_t pos = 0;
	void *value;

	stream_here.stopping = true;
	stream_here.walking = true;
	/* The entry just given may be removed. */
	while (table_next(&stream_here.streams, &pos, NULL, &value))
		stream_cut(value, "the server shuts down");
	stream_here.walking = false;
	release_here();
}
