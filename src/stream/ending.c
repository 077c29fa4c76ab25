/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/ending.c - how a stream ends (RFC 6120 4.4, 4.9).
 *
 * By us: what is queued goes out, then the error, if there is one, and our closing tag.  Without an error the
 * peer's closing tag is awaited for a while, as 4.4 wants it; then the connection is closed.
 * By the peer: the core is told and a session may still answer what came before; its LINK_CLOSE, or a short time,
 * lets our closing tag go.
 */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "stream/login.h"
#include "stream/metrics.h"
#include "stream/stream_state.h"

/* A session has a second to answer what came before the client's end; it is heard out. */
#define LAST_ANSWERS_MS 1500

/* Input no longer counts, but for the peer's end. */
static void
begin_to_end(struct stream *s, uint32_t patience_ms)
{
	bool securing = s->state == SECURING;

	login_free(s);
	s->state = ENDING;
	stream_start_timer(s, patience_ms);
	if (securing) {
		/* Nothing can be said inside a handshake. */
		s->their_end = s->end_sent = true;
		stream_close_conn(s);
		return;
	}
	s->hold = 0;
	conn_resume_reading(s->conn);
}

/* Our end goes out as soon as the queue is empty. */
static void
want_end(struct stream *s, enum stream_cond cond, const char *text)
{
	if (s->state != ENDING || s->end_wanted || s->end_sent)
		return;
	s->end_cond = (uint8_t)cond;
	if (text)
		s->end_text = mem_strdup(text);
	s->end_wanted = true;
	worker_at_turn_end(&s->turn_end);
}

void
stream_end_as(struct stream *s, enum stream_cond cond, const char *text, enum link_closed_how how)
{
	if (s->state == OVER)
		return;
	s->kind->closed(s, how);
	if (s->state != ENDING)
		begin_to_end(s, s->version->settings.close_timeout);
	want_end(s, cond, text);
}

void
stream_end(struct stream *s, enum stream_cond cond, const char *text)
{
	stream_end_as(s, cond, text, cond ? LINK_CLOSED_FAULT : LINK_CLOSED_CLEANLY);
}

void
stream_end_by_session(struct stream *s, struct link_msg *close)
{
	enum stream_cond cond = close->u.close.cond;

	s->session = 0;
	if (!s->end_app) {
		s->end_app = close->u.close.app;
		close->u.close.app = NULL;
	}
	if (!s->reason)
		s->reason = cond ? stream_cond_name(cond) : "the session ended";
	stream_end(s, cond, close->u.close.text);
}

void
stream_ended_by_peer(struct stream *s)
{
	bool attached = s->session != 0;

	s->their_end = true;
	if (!s->reason)
		s->reason = "the peer closed the stream";
	if (s->end_sent) {
		stream_close_conn(s);
		return;
	}
	if (s->state == ENDING)
		return;
	s->kind->closed(s, LINK_CLOSED_CLEANLY);
	begin_to_end(s, attached ? LAST_ANSWERS_MS : s->version->settings.close_timeout);
	if (!attached)
		want_end(s, 0, NULL);
}

static void
write_error(struct stream *s)
{
	struct buf *buf = stream_buf();

	buf_printf(buf, "<stream:error><%s xmlns='" NS_STREAM_ERRORS "'/>",
	           stream_cond_name((enum stream_cond)s->end_cond));
	if (s->end_text) {
		buf_puts(buf, "<text xmlns='" NS_STREAM_ERRORS "' xml:lang='en'>");
		xml_write_text(buf, s->end_text, strlen(s->end_text));
		buf_puts(buf, "</text>");
	}
	if (s->end_app)
		buf_puts(buf, s->end_app);
	buf_puts(buf, "</stream:error></stream:stream>");
	stream_send(s);
	stream_count_metric(s->kind->metrics, SM_ERRORS, 1);
	log_line(&s->log, HM_INFO, "stream error",
	         hm_kv("condition", stream_cond_name((enum stream_cond)s->end_cond)),
	         hm_kv("text", s->end_text));
	if (!s->reason)
		s->reason = stream_cond_name((enum stream_cond)s->end_cond);
}

void
stream_write_end(struct stream *s)
{
	s->end_wanted = false;
	s->end_sent = true;
	/* 4.9.1.2: an error needs a stream that it is in; so does an end. */
	stream_send_header(s, NULL);
	if (s->end_cond)
		write_error(s);
	else
		stream_puts(s, "</stream:stream>");
	/* 4.9.1.1: after an error nothing is waited for. */
	if (s->end_cond || s->their_end)
		stream_close_conn(s);
	else
		stream_start_timer(s, s->version->settings.close_timeout);
}

void
stream_close_conn(struct stream *s)
{
	s->state = OVER;
	timer_stop(&s->timer);
	xml_stream_free(&s->xml);
	conn_close(s->conn, s->version->settings.close_timeout);
}

void
stream_end_timeout(struct stream *s)
{
	if (s->end_sent) {
		stream_close_conn(s);
	} else if (!s->end_wanted) {
		/* The session had its time to answer. */
		stream_start_timer(s, s->version->settings.close_timeout);
		want_end(s, 0, NULL);
	} else {
		stream_cut(s, "the peer takes no output");
	}
}
