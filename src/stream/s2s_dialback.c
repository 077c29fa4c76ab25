/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/s2s_dialback.c - Server Dialback (XEP-0220) in its three roles: we show a key (initiating), have one
 * checked (receiving), or are asked about one that we gave (authoritative).  Answers that nobody asked for are
 * dropped: each is looked up among what was sent on the same stream.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "stream/s2s_state.h"
#include "xmpp/jid.h"

/* Domain pairs that one connection may have. */
#define PAIRS_MAX 256
/*
 * Each key to check may make us connect somewhere: so many at a time for one connection, and so many in all
 * before it has shown to be anybody.
 */
#define CHECKS_MAX 8
#define STRANGER_CHECKS_MAX 16
#define STREAM_ID_MAX 256 /* bytes of a stranger's */

struct packet {
	const char *from, *to, *id, *type; /* domains normalised; NULL: none */
	const char *text;
};

static bool
read_packet(struct packet *out, const struct hm_elem *root)
{
	struct arena *a = worker_scratch();

	*out = (struct packet){ .from = elem_attr(root, "from"),
		                .to = elem_attr(root, "to"),
		                .id = elem_attr(root, "id"),
		                .type = elem_attr(root, "type"),
		                .text = elem_text(root, a) };
	out->from = out->from ? jid_prepare_domain(out->from, a) : NULL;
	out->to = out->to ? jid_prepare_domain(out->to, a) : NULL;
	return out->from && out->to;
}

static void
attribute(struct buf *out, const char *name, const char *value)
{
	if (!value)
		return;
	buf_printf(out, " %s='", name);
	xml_write_value(out, value, strlen(value));
	buf_putc(out, '\'');
}

/* type NULL: a request with text; "error": text is the condition. */
static void
send_packet(struct s2s *s, const char *name, const struct packet *p)
{
	struct buf *out = stream_buf();

	buf_printf(out, "<db:%s", name);
	attribute(out, "from", p->from);
	attribute(out, "to", p->to);
	attribute(out, "id", p->id);
	attribute(out, "type", p->type);
	if (p->type && strcmp(p->type, "error") == 0)
		buf_printf(out, "><error type='%s'><%s xmlns='" NS_STANZA_ERRORS "'/></error>",
		           cond_by_name(p->text) ? cond_type(cond_by_name(p->text)) : "cancel",
		           p->text);
	else
		buf_putc(out, '>');
	if (!p->type)
		xml_write_text(out, p->text, strlen(p->text));
	buf_printf(out, "</db:%s>", name);
	stream_send(&s->stream);
	s->wrote_ms = worker_now_ms();
}

/* The answer to a request; cond: of an error, else NULL. */
static void
send_answer(struct s2s *s, const char *name, const struct packet *request, const char *type,
            const char *cond)
{
	send_packet(s, name,
	            &(struct packet){ .from = request->to,
	                              .to = request->from,
	                              .id = request->id,
	                              .type = type,
	                              .text = cond });
}

static void
refuse(struct s2s *s, const char *name, const struct packet *request, const char *cond,
       const char *why)
{
	log_line(&s->stream.log, HM_INFO, "dialback refused", hm_kv("local", request->to),
	         hm_kv("remote", request->from), hm_kv("condition", cond), hm_kv("reason", why));
	send_answer(s, name, request, "error", cond);
}

/* --- We are the authoritative server (2.2.2) ------------------------------------------------ */

static void
got_verify(struct s2s *s, const struct packet *p)
{
	struct dialback_stream stream = { p->from, p->to, p->id };
	bool right;

	if (!p->id || strlen(p->id) > STREAM_ID_MAX) {
		stream_end(&s->stream, STREAM_BAD_FORMAT, NULL);
		return;
	}
	if (!link_find_domain(p->to)) {
		refuse(s, "verify", p, "item-not-found", "the domain is not ours");
		return;
	}
	right = dialback_key_is(p->text, &s2s_secret, &stream);
	log_line(&s->stream.log, right ? HM_DEBUG : HM_INFO, "dialback key verified",
	         hm_kv("local", p->to), hm_kv("remote", p->from),
	         hm_kv("reason", right ? "it is ours" : "it is not ours"));
	send_answer(s, "verify", p, right ? "valid" : "invalid", NULL);
}

/* --- We are the receiving server (2.2.1, 2.1.2) ----------------------------------------------- */

static size_t
count_pairs(const struct s2s *s)
{
	size_t n = 0;

	for (const struct list *l = s->pairs.next; l != &s->pairs; l = l->next)
		n++;
	return n;
}

static bool
may_check(struct s2s *s)
{
	unsigned asked = 0;

	list_for_each(l, next, &s->pairs)
	{
		asked += list_entry(l, struct s2s_pair, link)->state == PAIR_ASKED;
	}
	return asked < CHECKS_MAX &&
	       (s->stream.state == OPEN || s->keys_checked < STRANGER_CHECKS_MAX);
}

static bool
may_have_pair(struct s2s *s, const struct packet *p)
{
	bool tls = conn_is_tls(s->stream.conn);
	const char *why;

	if (!tls && s2s_here.config->settings.require_tls)
		refuse(s, "result", p, "policy-violation", "the connection is not encrypted");
	else if (!link_find_domain(p->to))
		refuse(s, "result", p, "item-not-found", "the domain is not ours");
	else if (link_find_domain(p->from))
		refuse(s, "result", p, "not-acceptable", "the domain is ours");
	else if (!s2s_may_talk(p->from, &why))
		refuse(s, "result", p, "policy-violation", why);
	else if (count_pairs(s) >= PAIRS_MAX)
		refuse(s, "result", p, "resource-constraint", "too many domains on one connection");
	else
		return true;
	return false;
}

static void
check_key(struct s2s *s, const struct packet *p)
{
	const char *why;
	struct s2s *out = out_for_check(p->to, p->from, &why);
	struct s2s_check *c;
	struct s2s_pair *pair;

	if (!out) {
		refuse(s, "result", p, "resource-constraint", why);
		return;
	}
	pair = pair_new(s, p->to, p->from, 0);
	pair->state = PAIR_ASKED;
	c = mem_new(struct s2s_check);
	c->asker = pair->id;
	c->local = mem_strdup(p->to);
	c->remote = mem_strdup(p->from);
	c->id = mem_strdup(s->id);
	c->key = mem_strdup(p->text);
	c->since_ms = worker_now_ms();
	list_push_back(&out->checks, &c->link);
	s2s_tick_soon(out);
	if (out->ready)
		dialback_send_checks(out);
}

static void
got_key(struct s2s *s, const struct packet *p)
{
	struct s2s_pair *pair = pair_find(s, p->to, p->from);
	const char *fault;

	if (pair && pair->state == PAIR_UP) {
		send_answer(s, "result", p, "valid", NULL);
		return;
	}
	/* A second key while the first is being checked changes nothing. */
	if (pair || !may_have_pair(s, p))
		return;
	fault = s2s_certificate_fault(s, p->from);
	if (fault && s2s_must_have_certificate(p->from)) {
		refuse(s, "result", p, "not-authorized", fault);
		return;
	}
	if (fault && !may_check(s)) {
		refuse(s, "result", p, "resource-constraint", "too many keys to check");
		return;
	}
	if (fault) {
		s->keys_checked++;
		check_key(s, p);
		return;
	}
	/* 2.2.1: any proof will do, and the certificate is a better one. */
	send_answer(s, "result", p, "valid", NULL);
	pair = pair_new(s, p->to, p->from, 0);
	pair->proof = LINK_PROOF_CERTIFICATE;
	pair_up(pair);
}

void
dialback_got_in(struct s2s *s, const struct hm_elem *root)
{
	struct packet p;

	if (!read_packet(&p, root)) {
		stream_end(&s->stream, STREAM_IMPROPER_ADDRESSING, NULL);
		return;
	}
	/* 2.2: answers come on outgoing streams. */
	if (p.type) {
		log_line(&s->stream.log, HM_INFO, "an answer came that nobody asked for",
		         hm_kv("remote", p.from));
		return;
	}
	if (elem_is(root, NS_DIALBACK, "verify"))
		got_verify(s, &p);
	else if (elem_is(root, NS_DIALBACK, "result"))
		got_key(s, &p);
}

/* type: as in the answer; cond: of an error. */
static void
checked(uint64_t asker, const char *type, const char *cond, const char *why)
{
	struct s2s_pair *pair = table_get_n(&s2s_here.pairs, &asker, sizeof(asker));
	struct s2s *s = pair ? pair->s : NULL;
	struct packet request;
	bool others = false;

	/* 2.1.2: whoever asked may be gone. */
	if (!pair || pair->state != PAIR_ASKED || s->outgoing)
		return;
	request = (struct packet){ .from = pair->remote, .to = pair->local };
	if (strcmp(type, "error") == 0)
		refuse(s, "result", &request, cond, why);
	else
		send_answer(s, "result", &request, type, NULL);
	if (strcmp(type, "valid") == 0) {
		pair->proof = LINK_PROOF_DIALBACK;
		pair_up(pair);
		return;
	}
	if (strcmp(type, "invalid") == 0)
		log_line(&s->stream.log, HM_INFO, "a dialback key was invalid",
		         hm_kv("local", pair->local), hm_kv("remote", pair->remote));
	pair_free(pair);
	list_for_each(l, next, &s->pairs)
	{
		others |= list_entry(l, struct s2s_pair, link)->state == PAIR_UP;
	}
	/* 2.2.1: who claims to be another on a stream of his own has to go. */
	if (strcmp(type, "invalid") == 0 && !others)
		stream_end(&s->stream, 0, NULL);
}

static void
check_free(struct s2s_check *c)
{
	list_remove(&c->link);
	mem_free(c->local);
	mem_free(c->remote);
	mem_free(c->id);
	mem_free(c->key);
	mem_free(c);
}

void
dialback_send_checks(struct s2s *s)
{
	list_for_each(l, next, &s->checks)
	{
		struct s2s_check *c = list_entry(l, struct s2s_check, link);

		if (!c->sent)
			send_packet(s, "verify",
			            &(struct packet){ .from = c->local,
			                              .to = c->remote,
			                              .id = c->id,
			                              .text = c->key });
		c->sent = true;
	}
}

static void
fail_check(struct s2s_check *c, enum hm_cond cond, const char *why)
{
	uint64_t asker = c->asker;

	/* 2.4.2 */
	const char *name = cond == HM_REMOTE_SERVER_NOT_FOUND ? "remote-server-not-found"
	                   : c->sent                          ? "remote-server-timeout"
	                                                      : "remote-connection-failed";

	check_free(c);
	checked(asker, "error", name, why);
}

void
dialback_fail_checks(struct s2s *s, enum hm_cond cond, const char *why)
{
	list_for_each(l, next, &s->checks)
		fail_check(list_entry(l, struct s2s_check, link), cond, why);
}

static bool
same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static void
got_verified(struct s2s *s, const struct packet *p)
{
	list_for_each(l, next, &s->checks)
	{
		struct s2s_check *c = list_entry(l, struct s2s_check, link);
		uint64_t asker = c->asker;

		if (!c->sent || !same(p->from, c->remote) || !same(p->to, c->local) ||
		    !same(p->id, c->id))
			continue;
		check_free(c);
		if (same(p->type, "valid") || same(p->type, "invalid"))
			checked(asker, p->type, NULL, NULL);
		else
			checked(asker, "error", "remote-server-not-found",
			        "the authoritative server answers with an error");
		out_close_if_unused(s);
		return;
	}
}

/* --- We are the initiating server (2.1.1) -------------------------------------------------------- */

void
dialback_ask(struct s2s_pair *p)
{
	const struct dialback_stream stream = { p->remote, p->local, p->s->id };
	char key[DIALBACK_KEY_CHARS + 1];

	dialback_key(key, &s2s_secret, &stream);
	p->state = PAIR_ASKED;
	p->since_ms = worker_now_ms();
	send_packet(p->s, "result",
	            &(struct packet){ .from = p->local, .to = p->remote, .text = key });
	s2s_tick_soon(p->s);
}

static void
got_result(struct s2s *s, const struct packet *p, const struct hm_elem *root)
{
	struct s2s_pair *pair = pair_find(s, p->to, p->from);
	const struct hm_elem *error = elem_child(root, NULL, "error");
	const struct hm_elem *cond = error ? elem_child(error, NS_STANZA_ERRORS, NULL) : NULL;
	enum hm_cond what = HM_REMOTE_SERVER_TIMEOUT;
	char why[160];

	if (!pair || pair->state != PAIR_ASKED)
		return;
	if (same(p->type, "valid")) {
		pair->proof = LINK_PROOF_DIALBACK;
		out_accepted(pair);
		return;
	}
	if (same(p->type, "invalid")) {
		snprintf(why, sizeof(why), "the other server was told that our key is invalid");
	} else {
		snprintf(why, sizeof(why), "the other server refused our key: %.60s",
		         cond ? cond->name : "no condition");
		if (cond && strcmp(cond->name, "item-not-found") == 0)
			what = HM_REMOTE_SERVER_NOT_FOUND;
	}
	pair_down(pair, what, why, false);
	out_close_if_unused(s);
}

void
dialback_got_out(struct s2s *s, const struct hm_elem *root)
{
	struct packet p;

	if (!read_packet(&p, root) || !p.type) {
		stream_end(&s->stream, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
		return;
	}
	if (elem_is(root, NS_DIALBACK, "verify"))
		got_verified(s, &p);
	else if (elem_is(root, NS_DIALBACK, "result"))
		got_result(s, &p, root);
}

/* --- Time ------------------------------------------------------------------------------------------- */

void
dialback_tick(struct s2s *s)
{
	int64_t before = worker_now_ms() - s->stream.version->settings.negotiation_timeout;

	if (!s->outgoing)
		return;
	list_for_each(l, next, &s->checks)
	{
		struct s2s_check *c = list_entry(l, struct s2s_check, link);

		if (c->since_ms < before)
			fail_check(c, HM_REMOTE_SERVER_TIMEOUT,
			           "the authoritative server did not answer in time");
	}
	list_for_each(k, after, &s->pairs)
	{
		struct s2s_pair *p = list_entry(k, struct s2s_pair, link);

		if ((p->state == PAIR_ASKED || p->state == PAIR_GOING_UP) && p->since_ms < before)
			pair_down(p, HM_REMOTE_SERVER_TIMEOUT,
			          "the other server did not answer our key in time", false);
	}
	out_close_if_unused(s);
}
