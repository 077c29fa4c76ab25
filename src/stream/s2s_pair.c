/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/s2s_pair.c - pairs of domains, and the stanzas that come for them.  The rule of RFC 6120 8.1: a stanza of
 * a server names both its ends, and both belong to a pair that was shown on this very stream.
 */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "stream/s2s_state.h"
#include "xmpp/jid.h"

struct s2s_pair *
pair_new(struct s2s *s, const char *local, const char *remote, uint64_t session)
{
	struct s2s_pair *p = mem_new(struct s2s_pair);

	p->s = s;
	p->id = link_new_id();
	p->session = session;
	p->local = mem_strdup(local);
	p->remote = mem_strdup(remote);
	p->since_ms = worker_now_ms();
	list_push_back(&s->pairs, &p->link);
	table_put_n(&s2s_here.pairs, &p->id, sizeof(p->id), p);
	return p;
}

void
pair_free(struct s2s_pair *p)
{
	list_remove(&p->link);
	table_remove_n(&s2s_here.pairs, &p->id, sizeof(p->id));
	mem_free(p->local);
	mem_free(p->remote);
	mem_free(p);
}

struct s2s_pair *
pair_find(struct s2s *s, const char *local, const char *remote)
{
	list_for_each(l, next, &s->pairs)
	{
		struct s2s_pair *p = list_entry(l, struct s2s_pair, link);

		if (strcmp(p->local, local) == 0 && strcmp(p->remote, remote) == 0 && !p->closing)
			return p;
	}
	return NULL;
}

/* --- What the core hears ------------------------------------------------------------------ */

static void
to_core(const struct s2s_pair *p, struct link_msg *take)
{
	link_to_core(p->session ? link_worker(p->session) : link_home(p->remote), take);
}

void
pair_up(struct s2s_pair *p)
{
	struct link_msg *msg = link_new(LINK_DOMAIN_UP, p->id, p->session);
	struct s2s *s = p->s;
	struct conn *c = s->stream.conn;
	const char *version = conn_tls_version(c);

	p->state = PAIR_UP;
	msg->u.domain_up.local = mem_strdup(p->local);
	msg->u.domain_up.remote = mem_strdup(p->remote);
	msg->u.domain_up.incoming = !s->outgoing;
	msg->u.domain_up.proof = p->proof;
	msg->u.domain_up.verified = !s2s_certificate_fault(s, p->remote);
	msg->u.domain_up.acks = s->acks;
	msg->u.domain_up.max_bytes = s->max_bytes;
	msg->u.domain_up.tls = version ? mem_printf("%s %s", version, conn_tls_cipher(c)) : NULL;
	msg->u.domain_up.peer =
		mem_printf("%s port %u", conn_peer(c)->address, (unsigned)conn_peer(c)->port);
	msg->u.domain_up.conn = conn_id(c);
	log_line(&s->stream.log, HM_INFO, "domains may talk",
	         hm_kv("direction", s->outgoing ? "out" : "in"), hm_kv("local", p->local),
	         hm_kv("remote", p->remote),
	         hm_kv("authenticated_by",
	               p->proof == LINK_PROOF_CERTIFICATE ? "certificate" : "dialback"),
	         hm_kv("certificate_valid", msg->u.domain_up.verified),
	         hm_kv("acknowledges", s->acks));
	to_core(p, msg);
	s2s_open_stream(s);
}

void
pair_down(struct s2s_pair *p, enum hm_cond cond, const char *why, bool permanent)
{
	bool was_up = p->state == PAIR_UP, outgoing = p->s->outgoing;
	struct link_msg *msg;

	/* An incoming pair that never was up is nothing to the core; one that it has closed neither. */
	if (outgoing ? p->session != 0 : was_up) {
		msg = link_new(LINK_DOMAIN_DOWN, was_up ? p->id : 0, p->session);
		msg->u.domain_down.local = mem_strdup(p->local);
		msg->u.domain_down.remote = mem_strdup(p->remote);
		msg->u.domain_down.incoming = !outgoing;
		msg->u.domain_down.cond = cond;
		msg->u.domain_down.text = why ? mem_strdup(why) : NULL;
		msg->u.domain_down.permanent = permanent;
		msg->u.domain_down.unsent = p->unsent;
		to_core(p, msg);
	}
	if (outgoing && cond)
		log_line(p->s->stream.kind ? &p->s->stream.log
		                           : &(struct hm_logctx){ .subject = "s2s" },
		         HM_DEBUG, "domain cannot be reached", hm_kv("local", p->local),
		         hm_kv("remote", p->remote), hm_kv("reason", why));
	pair_free(p);
}

/* --- Stanzas ---------------------------------------------------------------------------------- */

static bool
is_stanza(const struct hm_elem *root)
{
	return elem_is(root, NS_SERVER, "message") || elem_is(root, NS_SERVER, "presence") ||
	       elem_is(root, NS_SERVER, "iq");
}

/* Is the domain shown in some pair of this stream? */
static bool
is_shown(struct s2s *s, const char *remote)
{
	list_for_each(l, next, &s->pairs)
	{
		struct s2s_pair *p = list_entry(l, struct s2s_pair, link);

		if (p->state == PAIR_UP && strcmp(p->remote, remote) == 0)
			return true;
	}
	return false;
}

/* Of the stanza's addresses; NULL: there is none, and the stream ends. */
static struct s2s_pair *
pair_of_stanza(struct s2s *s, const struct hm_elem *root)
{
	struct arena *a = worker_scratch();
	struct jid from, to;
	struct s2s_pair *p;

	if (!jid_parse(&from, elem_attr(root, "from"), a) ||
	    !jid_parse(&to, elem_attr(root, "to"), a)) {
		s2s_fail(s, STREAM_IMPROPER_ADDRESSING, HM_REMOTE_SERVER_TIMEOUT,
		         "a stanza without valid addresses came");
		return NULL;
	}
	p = pair_find(s, to.domain, from.domain);
	if (p && p->state == PAIR_UP)
		return p;
	if (!is_shown(s, from.domain))
		s2s_fail(s, STREAM_INVALID_FROM, HM_REMOTE_SERVER_TIMEOUT,
		         "a stanza came from %.200s, which this server has not shown to be",
		         from.domain);
	else
		s2s_fail(s,
		         link_find_domain(to.domain) ? STREAM_IMPROPER_ADDRESSING
		                                     : STREAM_HOST_UNKNOWN,
		         HM_REMOTE_SERVER_TIMEOUT,
		         "a stanza came for %.200s, which this stream was not opened for",
		         to.domain);
	return NULL;
}

void
pair_got_stanza(struct s2s *s, struct arena **arena, struct hm_elem *root)
{
	struct link_msg *msg;
	struct s2s_pair *p;

	if (!is_stanza(root)) {
		stream_end(&s->stream,
		           strcmp(root->ns, NS_SERVER) == 0 ? STREAM_UNSUPPORTED_STANZA_TYPE
		                                            : STREAM_INVALID_NAMESPACE,
		           NULL);
		return;
	}
	if (s->stream.state != OPEN) {
		s2s_fail(s, STREAM_NOT_AUTHORIZED, HM_REMOTE_SERVER_TIMEOUT,
		         "a stanza came before the server has shown who it is");
		return;
	}
	p = pair_of_stanza(s, root);
	if (!p)
		return;
	msg = link_new(LINK_DOMAIN_IN, p->id, 0);
	msg->u.domain_in.from = mem_strdup(p->remote);
	msg->u.domain_in.to = mem_strdup(p->local);
	msg->u.domain_in.arena = *arena;
	msg->u.domain_in.root = root;
	msg->u.domain_in.bytes = s->stream.element_bytes;
	*arena = NULL;
	stream_count_metric(OF_SERVERS, SM_STANZAS_IN, 1);
	ack_took(p);
	stream_take_credit(&s->stream, s->stream.element_bytes);
	to_core(p, msg);
}
