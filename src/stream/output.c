/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/output.c - what goes to the peer.  Stanzas are kept as references until the
 * end of the turn, then serialised into a buffer that the worker's streams share and given to
 * the connection at once: one write per turn.  While the kernel takes no more, they stay references,
 * as far as those are small: a tree can be many times as large as its text.
 */
#include <string.h>

#include "base/mem.h"
#include "stream/metrics.h"
#include "stream/stream_state.h"

/* So much is serialised before the connection is asked whether it got it out. */
#define BATCH_BYTES (128 * 1024)
/* The shared buffer gives its memory back above this. */
#define BUF_KEEP (256 * 1024)

struct buf *
stream_buf(void)
{
	buf_clear(&stream_here.out);
	return &stream_here.out;
}

void
stream_send(struct stream *s)
{
	struct buf *buf = &stream_here.out;

	conn_write(s->conn, buf->data, buf->len);
	if (buf->cap > BUF_KEEP)
		buf_free(buf);
	else
		buf_clear(buf);
}

void
stream_puts(struct stream *s, const char *xml)
{
	conn_write(s->conn, xml, strlen(xml));
}

/* --- The queue ---------------------------------------------------------------------- */

/* In memory.  Stanzas that others hold too are counted in full. */
static size_t
cost(const struct link_msg *msg)
{
	if (msg->kind == LINK_TEXT)
		return sizeof(*msg) + strlen(msg->u.text.xml);
	return sizeof(*msg) + stanza_memory(msg->u.out.stanza);
}

static void
push(struct stream *s, struct link_msg *take)
{
	take->mail.next = NULL;
	if (s->out_last)
		s->out_last->mail.next = &take->mail;
	else
		s->out_first = take;
	s->out_last = take;
	s->out_bytes += cost(take);
}

static struct link_msg *
pop(struct stream *s)
{
	struct link_msg *msg = s->out_first;

	if (!msg)
		return NULL;
	s->out_first = msg->mail.next ? HM_CONTAINER(msg->mail.next, struct link_msg, mail) : NULL;
	if (!s->out_first)
		s->out_last = NULL;
	s->out_bytes -= cost(msg);
	return msg;
}

void
stream_forget_output(struct stream *s)
{
	struct link_msg *msg;

	while ((msg = pop(s)))
		link_free(msg);
}

static void
write_batch(struct stream *s)
{
	struct buf *buf = stream_buf();
	struct link_msg *msg;
	unsigned n = 0;

	while (buf->len < BATCH_BYTES && (msg = pop(s))) {
		if (msg->kind == LINK_TEXT) {
			buf_puts(buf, msg->u.text.xml);
		} else {
			stanza_write(msg->u.out.stanza, msg->u.out.to, buf);
			if (s->kind->wrote)
				s->kind->wrote(s, msg);
			n++;
		}
		link_free(msg);
	}
	stream_count_metric(s->kind->metrics, SM_STANZAS_OUT, n);
	if (n > 0 && s->kind->wrote_batch)
		s->kind->wrote_batch(s, buf);
	stream_send(s);
}

/* Hands over what the connection takes.  false: it is stuck, or there is more for the next time. */
static bool
write_queue(struct stream *s)
{
	if (!s->out_first)
		return true;
	/* What was written in this turn has not been tried yet. */
	if (conn_pending(s->conn) > 0)
		conn_flush(s->conn);
	if (conn_pending(s->conn) > 0)
		return false;
	write_batch(s);
	return !s->out_first;
}

/* A burst is no reason to cut a peer that reads; for one that does not, the text is kept instead of the trees. */
static void
shrink_queue(struct stream *s)
{
	write_queue(s);
	while (s->out_first && conn_pending(s->conn) <= s->version->settings.output_queue)
		write_batch(s);
}

void
stream_output_turn(struct turn_end *te)
{
	struct stream *s = HM_CONTAINER(te, struct stream, turn_end);

	if (s->state == OVER)
		return;
	if (!write_queue(s)) {
		/* Stuck: stream_drained() goes on.  Else there is more than one batch. */
		if (conn_pending(s->conn) > 0)
			conn_flush(s->conn);
		if (conn_pending(s->conn) == 0)
			worker_at_turn_end(&s->turn_end);
		return;
	}
	if (s->end_wanted)
		stream_write_end(s);
}

void
stream_drained(struct conn *c)
{
	struct stream *s = conn_owner(c);

	if (s->out_first || s->end_wanted)
		worker_at_turn_end(&s->turn_end);
}

void
stream_queue(struct stream *s, struct link_msg *take)
{
	if (s->state == OVER || s->end_wanted || s->end_sent) {
		link_free(take);
		return;
	}
	push(s, take);
	if (s->out_bytes > s->version->settings.output_queue / 4)
		shrink_queue(s);
	if (s->out_bytes + conn_pending(s->conn) > s->version->settings.output_queue)
		conn_flush(s->conn);
	if (s->out_bytes + conn_pending(s->conn) > s->version->settings.output_queue) {
		stream_count_metric(s->kind->metrics, SM_CUT, 1);
		stream_cut(s, "reads too slowly");
		return;
	}
	worker_at_turn_end(&s->turn_end);
}
