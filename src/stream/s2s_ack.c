/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/s2s_ack.c - when a stanza has arrived: with XEP-0198 when the other server says so; without it
 * when the kernel of the other side has confirmed its bytes and the stream has stayed unharmed for some
 * seconds more.  And the other way round: h of ours counts, in order, what the core has given credit back for.
 */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "stream/s2s_state.h"

/* --- Which pair each stanza belongs to ------------------------------------------------ */

static void
ring_push(struct s2s_ring *r, uint64_t id)
{
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 64;
		uint64_t *v = mem_array(cap, sizeof(*v));

		for (size_t i = 0; i < r->n; i++)
			v[i] = r->v[(r->first + i) % r->cap];
		mem_free(r->v);
		*r = (struct s2s_ring){ .v = v, .cap = cap, .n = r->n };
	}
	r->v[(r->first + r->n++) % r->cap] = id;
}

static uint64_t
ring_first(const struct s2s_ring *r)
{
	return r->n > 0 ? r->v[r->first] : 0;
}

static void
ring_pop(struct s2s_ring *r)
{
	r->first = (r->first + 1) % r->cap;
	r->n--;
}

void
ack_forget(struct s2s *s)
{
	mem_free(s->ring.v);
	s->ring = (struct s2s_ring){ 0 };
}

static struct s2s_pair *
find_pair(uint64_t id)
{
	return table_get_n(&s2s_here.pairs, &id, sizeof(id));
}

/* --- What we have written ----------------------------------------------------------------- */

static void
tell(struct s2s_pair *p, unsigned stanzas)
{
	struct link_msg *msg;

	if (stanzas == 0 || !p->session)
		return;
	msg = link_new(LINK_DOMAIN_ACKED, p->id, p->session);
	msg->u.domain_acked.stanzas = stanzas;
	link_to_core(link_worker(p->session), msg);
}

void
ack_wrote(struct stream *stream, const struct link_msg *msg)
{
	struct s2s_pair *p = find_pair(msg->stream);
	struct s2s *s = s2s_of(stream);

	if (s->acks)
		ring_push(&s->ring, msg->stream);
	if (!p)
		return;
	p->unsent--;
	if (!s->acks)
		p->young++;
}

void
ack_wrote_batch(struct stream *stream, struct buf *out)
{
	struct s2s *s = s2s_of(stream);

	s->wrote_ms = worker_now_ms();
	if (s->acks && !s->request_out) {
		buf_puts(out, "<r xmlns='" NS_SM "'/>");
		s->request_out = true;
		s->request_ms = s->wrote_ms;
	}
	s2s_tick_soon(s);
}

bool
ack_waits(const struct s2s *s)
{
	if (s->ring.n > 0 || s->stream.out_first)
		return true;
	list_for_each(l, next, &s->pairs)
	{
		const struct s2s_pair *p = list_entry(l, struct s2s_pair, link);

		if (p->young + p->old + p->unsent > 0)
			return true;
	}
	return false;
}

/* XEP-0198 4: h of theirs. */
static void
got_answer(struct s2s *s, const struct hm_elem *root)
{
	const char *text = elem_attr(root, "h");
	uint32_t n, h = 0;
	bool number = text && *text && strlen(text) <= 10;

	for (; number && *text; text++) {
		number = *text >= '0' && *text <= '9';
		h = h * 10 + (uint32_t)(*text - '0');
	}
	n = h - s->acked;
	if (!number || n > s->ring.n) {
		s2s_fail(s, STREAM_UNDEFINED_CONDITION, HM_REMOTE_SERVER_TIMEOUT,
		         "the other server has acknowledged more than it was sent");
		return;
	}
	s->acked = h;
	s->request_out = false;
	while (n > 0) {
		uint64_t id = ring_first(&s->ring);
		struct s2s_pair *p = find_pair(id);
		unsigned same = 0;

		for (; n > 0 && ring_first(&s->ring) == id; n--, same++)
			ring_pop(&s->ring);
		if (p)
			tell(p, same);
	}
	/* What was written behind the request. */
	if (s->ring.n > 0) {
		struct buf *out = stream_buf();

		ack_wrote_batch(&s->stream, out);
		stream_send(&s->stream);
	}
}

/* Without XEP-0198, each few seconds. */
static void
tick_without(struct s2s *s)
{
	bool arrived = conn_unconfirmed(s->stream.conn) == 0;

	list_for_each(l, next, &s->pairs)
	{
		struct s2s_pair *p = list_entry(l, struct s2s_pair, link);

		if (!arrived)
			continue;
		tell(p, p->old);
		p->old = p->young;
		p->young = 0;
	}
}

static void
answer(struct s2s *s)
{
	s->request_out = false;
	buf_printf(stream_buf(), "<a xmlns='" NS_SM "' h='%u'/>", (unsigned)s->handled);
	stream_send(&s->stream);
}

void
ack_tick(struct s2s *s)
{
	uint32_t patience = s->stream.version->settings.write_timeout;

	if (s->stream.state != OPEN)
		return;
	if (!s->outgoing) {
		/* XEP-0198 4: who asks is not kept waiting for long. */
		if (s->request_out)
			answer(s);
		return;
	}
	if (!s->acks)
		tick_without(s);
	else if (s->request_out && worker_now_ms() - s->request_ms > patience)
		s2s_fail(s, STREAM_CONNECTION_TIMEOUT, HM_REMOTE_SERVER_TIMEOUT,
		         "the other server does not acknowledge what it was sent");
	if (s->told)
		return;
	list_for_each(l, next, &s->pairs)
	{
		struct s2s_pair *p = list_entry(l, struct s2s_pair, link);

		if (p->closing && p->unsent == 0)
			pair_free(p);
	}
	out_close_if_unused(s);
}

/* --- What we have received ------------------------------------------------------------------- */

void
ack_took(struct s2s_pair *p)
{
	p->in_flight++;
	if (p->s->acks)
		ring_push(&p->s->ring, p->id);
}

void
ack_handled(struct s2s_pair *p, unsigned stanzas)
{
	struct s2s *s = p->s;

	if (stanzas > p->in_flight)
		stanzas = p->in_flight;
	p->in_flight -= stanzas;
	if (!s->acks || s->outgoing)
		return;
	for (; p->uncounted > 0 && stanzas > 0; stanzas--)
		p->uncounted--;
	p->handled += stanzas;
	while (s->ring.n > 0) {
		struct s2s_pair *first = find_pair(ring_first(&s->ring));

		/* Of a pair that was closed meanwhile nobody will say any more. */
		if (first && first->handled == 0)
			break;
		if (first)
			first->handled--;
		ring_pop(&s->ring);
		s->handled++;
		s->request_left -= s->request_left > 0;
	}
	if (s->request_out && s->request_left == 0 && s->stream.state == OPEN)
		answer(s);
}

/* --- Elements ----------------------------------------------------------------------------------- */

static void
enable(struct s2s *s)
{
	if (s->acks || s->stream.state != OPEN) {
		buf_puts(stream_buf(),
		         "<failed xmlns='" NS_SM "'><unexpected-request xmlns='" NS_STANZA_ERRORS
		         "'/></failed>");
		stream_send(&s->stream);
		return;
	}
	s->acks = true;
	list_for_each(l, next, &s->pairs)
	{
		struct s2s_pair *p = list_entry(l, struct s2s_pair, link);

		p->uncounted = p->in_flight;
	}
	stream_puts(&s->stream, "<enabled xmlns='" NS_SM "'/>");
}

static void
settled(struct s2s *s, bool acks)
{
	if (!s->acks_asked)
		return;
	s->acks_asked = false;
	s->acks = acks;
	list_for_each(l, next, &s->pairs)
	{
		struct s2s_pair *p = list_entry(l, struct s2s_pair, link);

		if (p->state == PAIR_GOING_UP)
			pair_up(p);
	}
}

void
ack_got_element(struct s2s *s, const struct hm_elem *root)
{
	if (s->outgoing && elem_is(root, NS_SM, "enabled")) {
		settled(s, true);
	} else if (s->outgoing && elem_is(root, NS_SM, "failed")) {
		settled(s, false);
	} else if (s->outgoing && s->acks && elem_is(root, NS_SM, "a")) {
		got_answer(s, root);
	} else if (!s->outgoing && elem_is(root, NS_SM, "enable")) {
		enable(s);
	} else if (s->acks && elem_is(root, NS_SM, "r")) {
		s->request_left = s->outgoing ? 0 : s->ring.n;
		s->request_out = true;
		if (s->request_left == 0)
			answer(s);
	}
}
