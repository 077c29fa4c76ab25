/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/remote_in.c - stanzas from other servers: from whom they may be and for whom (RFC 6120 8.1,
 * 10.4), and how many of them may be under way.  From here on they are letters without a session.
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/core.h"
#include "core/custody.h"
#include "core/here.h"
#include "core/metrics.h"
#include "core/remote_pair.h"
#include "core/session.h"
#include "core/turn.h"
#include "loop/worker.h"
#include "xmpp/jid.h"

#define LOOK_UPS_BURST_S 25

/*
 * A stanza that came.  Credit for it, which is what the other server sees as an acknowledgement
 * (XEP-0198), is given when it and all before it are done with: stored, if they are to be.
 */
struct remote_held {
	struct list link;
	struct remote_source *source; /* NULL: it is gone */
	size_t bytes;
	bool done;
};

/* --- Credit ------------------------------------------------------------------------------ */

static void return_credit(struct remote_source *s);

static void
look_ups_again(struct timer *t)
{
	return_credit(HM_CONTAINER(t, struct remote_source, slower));
}

/* As of one account's clients (inbox.c): for all users of the other server together. */
static bool
looks_up_too_much(struct remote_source *s)
{
	int64_t rate = core_limits()->remote_look_ups, most = rate * 1000 * LOOK_UPS_BURST_S;
	int64_t now_ms = worker_now_ms(), passed_ms = now_ms - s->look_ups_ms;

	if (passed_ms >= LOOK_UPS_BURST_S * 1000 || s->look_ups + passed_ms * rate > most)
		s->look_ups = most;
	else
		s->look_ups += passed_ms * rate;
	s->look_ups_ms = now_ms;
	s->look_ups -= (int64_t)credit_take_looked_up(s->credit) * 1000;
	if (s->look_ups >= 0)
		return false;
	if (!timer_running(&s->slower))
		timer_start(&s->slower, (uint32_t)(-s->look_ups / rate + 1), look_ups_again);
	return true;
}

static void
return_credit(struct remote_source *s)
{
	struct link_msg *msg = NULL;

	if (credit_is_used_up(s->credit) || looks_up_too_much(s))
		return;
	while (!list_empty(&s->held)) {
		struct remote_held *first = list_entry(s->held.next, struct remote_held, link);

		if (!first->done)
			break;
		if (!msg)
			msg = link_new(LINK_CREDIT, s->stream, s->id);
		msg->u.credit.stanzas++;
		msg->u.credit.bytes += first->bytes;
		list_remove(&first->link);
		mem_free(first);
	}
	if (msg)
		link_to_stream(msg);
}

static void
turn_is_over(struct turn_end *te)
{
	return_credit(HM_CONTAINER(te, struct remote_source, turn_end));
}

static void
done_with(struct remote_held *held)
{
	held->done = true;
	if (held->source)
		worker_at_turn_end(&held->source->turn_end);
	else
		mem_free(held);
}

static void
came_back(struct mail *mail)
{
	struct hm_letter *l = HM_CONTAINER(mail, struct hm_letter, mail);
	struct remote_held *held = l->held;

	l->held = NULL;
	letter_free(&l);
	done_with(held);
}

void
remote_return(struct hm_letter *take)
{
	take->mail.run = came_back;
	worker_post(link_worker(take->source), &take->mail);
}

static void
credit_back(uint64_t id)
{
	struct remote_source *s = table_get_n(&here->remotes->sources_by_id, &id, sizeof(id));

	if (s)
		return_credit(s);
}

/* --- Who sends --------------------------------------------------------------------------- */

static struct remote_source *
source_of(const struct link_msg *msg)
{
	return table_get_n(&here->remotes->sources, &msg->stream, sizeof(msg->stream));
}

static void
source_free(struct remote_source *s, bool cleanly)
{
	remote_seen_end(s, cleanly);
	table_remove_n(&here->remotes->sources, &s->stream, sizeof(s->stream));
	table_remove_n(&here->remotes->sources_by_id, &s->id, sizeof(s->id));
	timer_stop(&s->slower);
	worker_cancel_turn_end(&s->turn_end);
	credit_leave(&s->credit);
	while (!list_empty(&s->held)) {
		struct remote_held *held = list_entry(s->held.next, struct remote_held, link);

		list_remove(&held->link);
		held->source = NULL;
		if (held->done)
			mem_free(held);
	}
	mem_free(s->local);
	mem_free(s->remote);
	mem_free(s->tls);
	mem_free(s->peer);
	mem_free(s);
}

void
remote_source_up(struct link_msg *take)
{
	struct remote_source *s = source_of(take);

	if (s)
		source_free(s, false);
	s = mem_new(struct remote_source);
	s->id = link_new_id();
	s->stream = take->stream;
	s->local = take->u.domain_up.local;
	s->remote = take->u.domain_up.remote;
	s->tls = take->u.domain_up.tls;
	s->peer = take->u.domain_up.peer;
	take->u.domain_up.local = take->u.domain_up.remote = NULL;
	take->u.domain_up.tls = take->u.domain_up.peer = NULL;
	s->proof = take->u.domain_up.proof;
	s->verified = take->u.domain_up.verified;
	s->since_us = clock_wall_us();
	list_init(&s->held);
	s->turn_end.run = turn_is_over;
	s->credit = credit_new(s->id, credit_back, (uint32_t)core_limits()->remote_unhandled,
	                       core_limits()->remote_unhandled_bytes);
	s->log = (struct hm_logctx){ .subject = "remote",
		                     .n = 2,
		                     .field = { { "remote", hm_value_text(s->remote) },
		                                { "local", hm_value_text(s->local) } } };
	remote_seen_begin(s);
	table_put_n(&here->remotes->sources, &s->stream, sizeof(s->stream), s);
	table_put_n(&here->remotes->sources_by_id, &s->id, sizeof(s->id), s);
	log_line(&s->log, HM_INFO, "another server sends to us", hm_kv("peer", s->peer),
	         hm_kv("tls", s->tls));
	link_free(take);
}

void
remote_source_down(struct link_msg *take)
{
	struct remote_source *s = source_of(take);

	if (s)
		source_free(s, take->u.domain_down.cond == 0);
	link_free(take);
}

/* --- What it sends ------------------------------------------------------------------------- */

static void
refuse_stream(struct remote_source *s, enum stream_cond cond)
{
	struct link_msg *close = link_new(LINK_CLOSE, s->stream, s->id);

	log_line(&s->log, HM_INFO, "another server's stream is refused",
	         hm_kv("condition", stream_cond_name(cond)));
	close->u.close.cond = cond;
	link_to_stream(close);
	source_free(s, true);
}

/* RFC 6120 8.1.1.2, 8.1.2.2, 4.9.3.6. 0: fine. */
static enum stream_cond
check_addresses(const struct link_msg *in, struct jid *from, struct jid *to, bool *malformed)
{
	const struct hm_elem *root = in->u.domain_in.root;
	const char *from_text = elem_attr(root, "from"), *to_text = elem_attr(root, "to");

	if (!from_text || !to_text)
		return STREAM_IMPROPER_ADDRESSING;
	if (!jid_parse(from, from_text, worker_scratch()) ||
	    strcmp(from->domain, in->u.domain_in.from) != 0 || host_is_ours(from->domain))
		return STREAM_INVALID_FROM;
	*malformed = !jid_parse(to, to_text, worker_scratch());
	if (*malformed)
		return 0;
	if (strcmp(to->domain, in->u.domain_in.to) != 0)
		return STREAM_IMPROPER_ADDRESSING;
	return host_is_ours(to->domain) ? 0 : STREAM_HOST_UNKNOWN;
}

/* What a client's would be refused for as well. 0: fine. */
static enum hm_cond
check_stanza(const struct hm_stanza *s, const struct jid *to, size_t bytes)
{
	const struct host *h = host_find(to->domain);
	size_t most = h ? host_limits(h)->presence_size : core_limits()->presence_size;

	if (s->kind == STANZA_IQ)
		return session_check_iq(s);
	if (s->kind == STANZA_PRESENCE && s->type == TYPE_UNKNOWN)
		return HM_BAD_REQUEST; /* RFC 6121 4.7.1 */
	if (s->kind == STANZA_PRESENCE && bytes > most)
		return HM_POLICY_VIOLATION;
	return 0;
}

static void
received(struct remote_source *s, const struct hm_stanza *take, const struct jid *to,
         struct remote_held *held)
{
	struct hm_letter *l = letter_new(take, to, NULL);
	enum hm_cond wrong = check_stanza(take, to, held->bytes);
	bool is_held = !wrong && custody_is_due(l);

	if (is_held && remote_is_repeat(s, take, to->full)) {
		log_line(&s->log, HM_DEBUG, "a message came again", hm_kv("id", take->id));
		letter_free(&l);
		done_with(held);
		return;
	}

	if (is_held) {
		l->held = held;
		l->source = s->id;
	}

	turn_begin(NULL, NULL);
	turn_payer(s->credit);
	if (wrong)
		letter_refuse(l, wrong, NULL);
	else
		turn_route(NULL, l);
	turn_end();
	if (!is_held)
		done_with(held);
}

/* RFC 6120 8.3.3.8 */
static void
refuse_malformed(const struct hm_stanza *take, const char *local)
{
	letter_refuse(letter_to(take, local), HM_JID_MALFORMED, NULL);
}

void
remote_in(struct link_msg *take)
{
	struct remote_source *s = source_of(take);
	struct jid from, to;
	bool malformed = false;
	enum stream_cond cond;
	const struct hm_stanza *stanza;
	struct remote_held *held;

	if (!s) {
		link_free(take);
		return;
	}
	cond = check_addresses(take, &from, &to, &malformed);
	stanza = cond ? NULL
	              : stanza_take(&take->u.domain_in.arena, take->u.domain_in.root, from.full,
	                            NULL);
	if (!cond && !stanza)
		cond = STREAM_UNSUPPORTED_STANZA_TYPE;
	if (cond) {
		refuse_stream(s, cond);
		link_free(take);
		return;
	}
	metric_add(core_metric(CM_REMOTE_RECEIVED), 1);
	s->stanzas++;
	held = mem_new(struct remote_held);
	held->source = s;
	held->bytes = take->u.domain_in.bytes;
	list_push_back(&s->held, &held->link);
	link_free(take);
	if (!malformed) {
		received(s, stanza, &to, held);
	} else {
		refuse_malformed(stanza, s->local);
		done_with(held);
	}
}
