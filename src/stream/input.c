/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/input.c - bytes from a peer become elements, and where they go.  Reading pauses while the
 * core has too much of this peer in work (credit), and while the peer sends faster than its rate.
 * An idle stream holds no parser; white space does not even wake one.
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "stream/login.h"
#include "stream/stream_state.h"

/* --- Faults ------------------------------------------------------------------------- */

static enum stream_cond
cond_of_fault(enum xml_fault fault)
{
	switch (fault) {
	case XML_NOT_WELL_FORMED:
		return STREAM_NOT_WELL_FORMED;
	case XML_RESTRICTED:
		return STREAM_RESTRICTED_XML;
	case XML_TOO_LARGE:
		return STREAM_POLICY_VIOLATION; /* RFC 6120 13.12 */
	case XML_BAD_ENCODING:
	case XML_INVALID_UTF8: /* 4.9.3.22 names both */
		return STREAM_UNSUPPORTED_ENCODING;
	case XML_STRAY_TEXT:
		return STREAM_BAD_FORMAT;
	}
	return STREAM_INTERNAL_SERVER_ERROR;
}

static void
got_fault(struct stream *s)
{
	enum xml_fault fault = xml_stream_fault(s->xml);

	/* Nothing more of it can be understood: while we end, that is the peer's end too. */
	if (s->state == ENDING) {
		stream_ended_by_peer(s);
		return;
	}
	s->their_end = true;
	stream_end(s, cond_of_fault(fault),
	           fault == XML_TOO_LARGE ? "The element is too large." : NULL);
}

/* --- Credit --------------------------------------------------------------------------- */

static void
hold(struct stream *s, unsigned reason)
{
	s->hold |= (uint8_t)reason;
	conn_hold_reading(s->conn);
}

static void
release(struct stream *s, unsigned reason)
{
	s->hold &= (uint8_t)~reason;
	stream_read_on(s);
}

void
stream_read_on(struct stream *s)
{
	if (!s->hold)
		conn_resume_reading(s->conn);
}

void
stream_take_credit(struct stream *s, size_t bytes)
{
	const struct stream_settings *settings = &s->version->settings;

	s->in_flight++;
	s->bytes_in_flight += bytes;
	if ((int64_t)s->in_flight < settings->stanzas_in_flight &&
	    s->bytes_in_flight < settings->bytes_in_flight)
		return;
	if (!(s->hold & HOLD_CREDIT)) {
		stream_count_metric(s->kind->metrics, SM_HELD_CREDIT, 1);
		log_line(&s->log, HM_DEBUG, "reading pauses", hm_kv("stanzas", s->in_flight),
		         hm_kv("bytes", s->bytes_in_flight));
	}
	hold(s, HOLD_CREDIT);
}

void
stream_give_credit(struct stream *s, unsigned stanzas, size_t bytes)
{
	const struct stream_settings *settings = &s->version->settings;

	s->in_flight -= stanzas < s->in_flight ? stanzas : s->in_flight;
	s->bytes_in_flight -= bytes < s->bytes_in_flight ? bytes : s->bytes_in_flight;
	if ((s->hold & HOLD_CREDIT) && (int64_t)s->in_flight <= settings->stanzas_in_flight / 2 &&
	    s->bytes_in_flight <= settings->bytes_in_flight / 2)
		release(s, HOLD_CREDIT);
}

/* --- Rate and idle time ------------------------------------------------------------------ */

/* A bucket of `burst` bytes that fills with `rate` a second. */
static void
charge_rate(struct stream *s, size_t bytes)
{
	const struct stream_settings *settings = &s->version->settings;
	int64_t now_ms = worker_now_ms(), burst = (int64_t)settings->burst;
	int64_t passed_ms = now_ms - s->tokens_ms;
	int64_t rate = settings->rate > INT32_MAX ? INT32_MAX : (int64_t)settings->rate;

	if (settings->rate == HM_UNLIMITED_SIZE || s->state != OPEN)
		return;
	/* Longer pauses fill it in any case; so nothing overflows. */
	if (passed_ms >= burst * 1000 / rate)
		s->tokens = burst;
	else
		s->tokens += passed_ms * rate / 1000;
	if (s->tokens > burst)
		s->tokens = burst;
	s->tokens_ms = now_ms;
	s->tokens -= (int64_t)bytes;
	if (s->tokens >= 0)
		return;
	stream_count_metric(s->kind->metrics, SM_HELD_RATE, 1);
	log_line(&s->log, HM_DEBUG, "reading pauses", hm_kv("bytes_over_rate", -s->tokens));
	hold(s, HOLD_RATE);
	stream_start_timer(s, (uint32_t)(-s->tokens * 1000 / rate + 1));
}

void
stream_start_idle(struct stream *s)
{
	uint32_t idle = s->version->settings.idle_time;

	s->heard_ms = s->tokens_ms = worker_now_ms();
	s->tokens = (int64_t)s->version->settings.burst;
	if (idle == HM_UNLIMITED_DURATION)
		timer_stop(&s->timer);
	else
		stream_start_timer(s, idle);
}

/* The one timer of an open stream: the end of a pause for the rate, or the idle time. It is not moved by each byte. */
void
stream_idle_timeout(struct stream *s)
{
	int64_t idle = s->version->settings.idle_time;
	/* Not the turn's time, which may be older than what the wheel goes by. */
	int64_t silent = clock_mono_ms() - s->heard_ms;

	if (s->hold & HOLD_RATE)
		release(s, HOLD_RATE);
	if (idle == HM_UNLIMITED_DURATION)
		return;
	if (silent >= idle) {
		log_line(&s->log, HM_DEBUG, "silent", hm_kv("ms", silent));
		s->kind->idle(s, silent);
		silent = 0;
	}
	if (s->state == OPEN)
		stream_start_timer(s, (uint32_t)(idle - silent));
}

/* --- Elements ------------------------------------------------------------------------------ */

static void
got_stanza(struct stream *s, struct arena **arena, struct hm_elem *root)
{
	if (s->state == ENDING)
		return;
	/* RFC 6120 4.9.1.1: an error of theirs is the end. */
	if (elem_is(root, NS_STREAMS, "error")) {
		const struct hm_elem *cond = elem_child(root, NS_STREAM_ERRORS, NULL);

		log_line(&s->log, HM_INFO, "the peer sent a stream error",
		         hm_kv("condition", cond ? cond->name : NULL));
		s->their_end = true;
		s->reason = "a stream error of the peer's";
		if (s->kind->got_error)
			s->kind->got_error(s, root);
		stream_end_as(s, 0, NULL, LINK_CLOSED_FAULT);
	} else {
		s->kind->got_element(s, arena, root);
	}
}

static void
got_event(struct stream *s, enum xml_event event, struct arena **arena, struct hm_elem *root)
{
	switch (event) {
	case XML_EV_HEADER:
		if (s->state != ENDING)
			s->kind->got_header(s, root);
		break;
	case XML_EV_STANZA:
		got_stanza(s, arena, root);
		break;
	case XML_EV_END:
		stream_ended_by_peer(s);
		break;
	case XML_EV_FAULT:
		got_fault(s);
		break;
	case XML_EV_MORE:
		break;
	}
	s->element_bytes = 0;
	if (*arena)
		arena_free(arena);
}

static bool
reads_on(const struct stream *s)
{
	return s->state == AT_HEADER || s->state == NEGOTIATING || (s->state == OPEN && !s->hold) ||
	       (s->state == ENDING && !s->their_end);
}

/* As far as the stream takes it. */
static size_t
feed(struct stream *s, const char *data, size_t len)
{
	size_t used = 0, n;

	while (reads_on(s)) {
		struct arena *arena = NULL;
		struct hm_elem *root = NULL;
		enum xml_event event =
			xml_stream_feed(s->xml, data + used, len - used, &n, &arena, &root);

		used += n;
		s->element_bytes += (uint32_t)n;
		if (event == XML_EV_MORE)
			break;
		s->rest = (uint32_t)(len - used);
		got_event(s, event, &arena, root);
	}
	return used;
}

static bool
is_white(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] != ' ' && data[i] != '\t' && data[i] != '\n' && data[i] != '\r')
			return false;
	}
	return true;
}

size_t
stream_readable(struct conn *c, const char *data, size_t len)
{
	struct stream *s = conn_owner(c);
	size_t used = 0;

	s->heard_ms = worker_now_ms();
	if (s->kind->is_stranger(s) &&
	    conn_bytes_in(c) > s->version->settings.unauthenticated_bytes)
		stream_end(s, STREAM_POLICY_VIOLATION, "Too much was sent before authentication.");
	used = feed(s, data, len);
	charge_rate(s, used);
	if (s->state == OVER || s->state == SECURING || s->state == ENDING)
		return len;
	if (s->state == WAITING && used < len) {
		/* White space does not count. */
		if (is_white(data + used, len - used))
			return len;
		s->login->early = true;
	}
	return used;
}
