/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/login.c - SASL as RFC 6120 6 carries it.  A wrong password and an unknown user take
 * the same steps and get the same answer: the core sends a verifier in both cases, and whether the account is
 * real is looked at last.
 */
#include "stream/login.h"

#include <string.h>

#include "base/codec.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "stream/limits.h"
#include "stream/metrics.h"
#include "stream/sasl_first.h"
#include "xmpp/jid.h"

#define REFUSALS_MAX 16 /* of one stream */

/* --- Memory ---------------------------------------------------------------------------- */

static void
wipe_message(struct login *l)
{
	if (l->message)
		crypto_wipe(l->message, l->message_len);
	mem_free(l->message);
	l->message = NULL;
	l->message_len = 0;
}

void
login_forget(struct stream *s)
{
	struct login *l = s->login;

	exchange_free(&l->exchange);
	wipe_message(l);
	mem_free(l->local);
	mem_free(l->success);
	l->local = l->success = NULL;
	l->mechanism = NULL;
	l->binding = (struct channel_binding){ 0 };
	l->real = false;
	l->step = LOGIN_NONE;
}

void
login_free(struct stream *s)
{
	if (!s->login)
		return;
	login_forget(s);
	mem_free(s->login->from);
	mem_free(s->login);
	s->login = NULL;
}

void
login_wait(struct stream *s, enum login_step step)
{
	s->login->step = step;
	s->state = WAITING;
}

void
login_go_on(struct stream *s)
{
	s->login->early = false;
	s->state = NEGOTIATING;
	stream_read_on(s);
}

void
login_answered(struct stream *s)
{
	if (!s->login || s->login->step != LOGIN_STRANGER)
		return;
	s->login->step = LOGIN_NONE;
	login_go_on(s);
}

/* --- Outcomes ---------------------------------------------------------------------------- */

/* For the limits per address. */
static struct link_msg *
outcome(struct stream *s)
{
	const char *source = conn_peer(s->conn)->prefix;
	struct link_msg *msg = link_new(LINK_AUTH_OUTCOME, s->id, 0);

	msg->u.outcome.host = mem_strdup(s->host->domain);
	msg->u.outcome.local = mem_strdup(s->login->local);
	msg->u.outcome.source = mem_strdup(source);
	return msg;
}

static void
report_outcome(struct stream *s, bool success)
{
	struct link_msg *msg = outcome(s);

	msg->u.outcome.success = success;
	link_to_core(link_guard(msg->u.outcome.source), msg);
}

static void
report_unavailable(struct stream *s)
{
	struct link_msg *msg = outcome(s);

	msg->u.outcome.unavailable = true;
	link_to_core(link_guard(msg->u.outcome.source), msg);
}

void
login_fail(struct stream *s, const char *cond, const char *reason)
{
	struct login *l = s->login;

	log_line(&s->log, HM_INFO, "authentication failed",
	         hm_kv("mechanism", l->mechanism ? l->mechanism->name : NULL),
	         hm_kv("user", l->local), hm_kv("host", s->host->domain), hm_kv("condition", cond),
	         hm_kv("reason", reason));
	if (l->mechanism)
		stream_count_auth(l->mechanism, false);
	buf_printf(stream_buf(), "<failure xmlns='" NS_SASL "'><%s/></failure>", cond);
	stream_send(s);
	login_forget(s);
	/* RFC 6120 6.4.5 is about wrong credentials; who tries one mechanism after the other shows
	 * none.  slixmpp does, and logs in with the seventh when it knows none of our bindings. */
	if (l->failures >= s->version->settings.login_attempts || ++l->refusals >= REFUSALS_MAX)
		stream_end(s, STREAM_POLICY_VIOLATION, "Too many failed attempts to log in.");
	else
		login_go_on(s);
}

static void
refuse(struct stream *s, const char *reason)
{
	report_outcome(s, false);
	s->login->failures++;
	login_fail(s, "not-authorized", reason);
}

/* RFC 6120 6.4.6: under TLS the client has said in its header who it is. */
static bool
is_who_was_announced(const struct stream *s)
{
	const struct login *l = s->login;

	return !l->from ||
	       strcmp(l->from, jid_join(l->local, s->host->domain, NULL, worker_scratch())) == 0;
}

void
login_succeeded(struct stream *s)
{
	struct login *l = s->login;

	if (!is_who_was_announced(s)) {
		log_line(&s->log, HM_INFO, "authenticated as another", hm_kv("from", l->from),
		         hm_kv("user", l->local), hm_kv("host", s->host->domain));
		stream_end(s, STREAM_INVALID_FROM, NULL);
		return;
	}
	exchange_free(&l->exchange);
	wipe_message(l);
	stream_count_auth(l->mechanism, true);
	report_outcome(s, true);
	login_wait(s, LOGIN_MOVE);
	move_start(s);
}

/* <challenge/> or the data of <success/>; NULL for none. */
static char *
encode(struct exchange_input data)
{
	char *text = mem_alloc(BASE64_LEN(data.len) + 1);

	base64_encode(text, data.data, data.len);
	return text;
}

static void
send_challenge(struct stream *s, struct exchange_input data)
{
	char *text = encode(data);

	buf_printf(stream_buf(), "<challenge xmlns='" NS_SASL "'>%s</challenge>", text);
	stream_send(s);
	mem_free(text);
}

static void
got_result(struct stream *s, enum exchange_result result, struct exchange_input out)
{
	struct login *l = s->login;

	switch (result) {
	case EXCHANGE_MORE:
		send_challenge(s, out);
		wipe_message(l);
		login_go_on(s);
		l->step = LOGIN_RESPONSE;
		break;
	case EXCHANGE_DONE:
		if (!l->real) {
			refuse(s, "no such account");
			break;
		}
		l->success = out.data && out.len > 0 ? encode(out) : NULL;
		login_succeeded(s);
		break;
	case EXCHANGE_REFUSED:
		refuse(s, l->real ? "wrong password or channel binding" : "no such account");
		break;
	case EXCHANGE_MALFORMED:
		login_fail(s, "malformed-request", "the message is malformed");
		break;
	case EXCHANGE_UNAVAILABLE:
		login_fail(s, "temporary-auth-failure", "libsasl2 failed");
		break;
	}
}

/* --- The client's first message ------------------------------------------------------------- */

/* RFC 6120 6.3.8: empty, or the account itself. */
static bool
authzid_is_own(const char *authzid, const char *bare, struct arena *a)
{
	struct jid jid;

	return *authzid == '\0' || (jid_parse(&jid, authzid, a) && strcmp(jid.full, bare) == 0);
}

/* What is wrong, as a condition; NULL: nothing, and local is who it is about. */
static const char *
judge_first(struct stream *s, const struct sasl_first *first, const char **local)
{
	struct login *l = s->login;
	struct arena *a = worker_scratch();

	/* libsasl2 would take a -PLUS mechanism without binding. */
	if (l->mechanism->plus != (first->flag == 'p'))
		return "malformed-request";
	if (first->flag == 'p')
		binding_get(s->conn, first->binding, &l->binding);
	else
		binding_any(s->conn, &l->binding);
	if (first->flag == 'p' && !l->binding.type)
		return "not-authorized";
	/* RFC 5802 6: somebody has hidden our -PLUS mechanisms, or the client has none of our bindings. */
	if (first->flag == 'y' && l->binding.type)
		return "not-authorized";
	*local = jid_prepare_local(first->user, a);
	if (!*local)
		return "not-authorized";
	if (!authzid_is_own(first->authzid, jid_join(*local, s->host->domain, NULL, a), a))
		return "invalid-authzid";
	return NULL;
}

static void
look_up(struct stream *s)
{
	const char *source = conn_peer(s->conn)->prefix;
	struct link_msg *msg = link_new(LINK_LOOK_UP, s->id, 0);

	msg->u.look_up.host = mem_strdup(s->host->domain);
	msg->u.look_up.local = mem_strdup(s->login->local);
	msg->u.look_up.source = mem_strdup(source);
	login_wait(s, LOGIN_LOOK_UP);
	link_to_core(link_guard(source), msg);
}

static void
got_first(struct stream *s)
{
	struct login *l = s->login;
	struct sasl_first first;
	const char *local = NULL, *wrong;
	bool fine =
		l->mechanism->plain
			? sasl_first_plain(&first, l->message, l->message_len, worker_scratch())
			: sasl_first_scram(&first, l->message, l->message_len, worker_scratch());

	if (!fine) {
		login_fail(s, "malformed-request", "the first message is malformed");
		return;
	}
	wrong = judge_first(s, &first, &local);
	if (local)
		l->local = mem_strdup(local);
	if (wrong)
		login_fail(s, wrong, "the first message asks for what cannot be");
	else
		look_up(s);
}

/* --- Elements -------------------------------------------------------------------------------- */

/* "=" stands for no data. */
static bool
decode_text(struct login *l, const char *text, size_t len)
{
	if (len > BASE64_LEN(SASL_MESSAGE_MAX))
		return false;
	l->message = mem_zalloc(len / 4 * 3 + 1);
	if (strcmp(text, "=") == 0)
		return true;
	if (!base64_decode(l->message, &l->message_len, text, len)) {
		l->message_len = 0;
		return false;
	}
	l->message[l->message_len] = '\0';
	return true;
}

/* Into l->message.  The text held a password perhaps: it is wiped, also when it is refused. */
static bool
decode(struct login *l, struct hm_elem *root)
{
	char *text = (char *)(uintptr_t)elem_text(root, worker_scratch());
	size_t len = strlen(text);
	bool fine;

	wipe_message(l);
	fine = decode_text(l, text, len);
	crypto_wipe(text, len);
	return fine;
}

static void
got_message(struct stream *s, struct hm_elem *root)
{
	struct login *l = s->login;
	struct exchange_input out;
	enum exchange_result result;

	if (!decode(l, root)) {
		login_fail(s, "incorrect-encoding", "the message is not in base64");
	} else if (l->step == LOGIN_FIRST) {
		got_first(s);
	} else {
		result = exchange_step(l->exchange,
		                       (struct exchange_input){ l->message, l->message_len }, &out);
		got_result(s, result, out);
	}
}

/* NULL: it may be used. */
static const char *
judge_mechanism(struct stream *s, const struct mechanism *m)
{
	bool tls = conn_is_tls(s->conn);

	if (!tls && s->version->settings.require_tls)
		return "encryption-required";
	if (!m)
		return "invalid-mechanism";
	if (stream_mechanisms(s) & mechanism_bit(m))
		return NULL;
	if (!(s->version->mechanisms & mechanism_bit(m)))
		return "mechanism-too-weak";
	return m->plain ? "encryption-required" : "invalid-mechanism";
}

static void
got_auth(struct stream *s, struct hm_elem *root)
{
	const char *name = elem_attr(root, "mechanism");
	const struct mechanism *m = name ? mechanism_find(name) : NULL;
	const char *wrong = judge_mechanism(s, m);

	/* RFC 6120 6.4.2: another exchange is over with this. */
	login_forget(s);
	if (wrong) {
		login_fail(s, wrong, "the mechanism was not offered");
		return;
	}
	log_line(&s->log, HM_DEBUG, "authentication begins", hm_kv("mechanism", m->name));
	s->login->mechanism = m;
	s->login->step = LOGIN_FIRST;
	if (*elem_text(root, worker_scratch()) == '\0')
		stream_puts(s, "<challenge xmlns='" NS_SASL "'/>");
	else
		got_message(s, root);
}

void
login_got_element(struct stream *s, struct hm_elem *root)
{
	enum login_step step = s->login->step;

	if (strcmp(root->name, "auth") == 0)
		got_auth(s, root);
	else if (strcmp(root->name, "abort") == 0)
		login_fail(s, "aborted", "the client gave up");
	else if (strcmp(root->name, "response") == 0 &&
	         (step == LOGIN_FIRST || step == LOGIN_RESPONSE))
		got_message(s, root);
	else
		stream_end(s, STREAM_NOT_AUTHORIZED, NULL);
}

/* --- The verifier is there ---------------------------------------------------------------------- */

static void
start_scram(struct stream *s, const struct link_msg *take)
{
	struct login *l = s->login;
	const char *verifier = take->u.credential.verifier[l->mechanism->hash];
	struct exchange_input out = { 0 };
	enum exchange_result result = EXCHANGE_UNAVAILABLE;

	if (!verifier) {
		refuse(s, "no verifier for this mechanism");
		return;
	}
	l->exchange = exchange_new(l->mechanism, s->host->domain, verifier, &l->binding);
	if (l->exchange)
		result = exchange_start(
			l->exchange, (struct exchange_input){ l->message, l->message_len }, &out);
	got_result(s, result, out);
}

void
login_got_credential(struct stream *s, struct link_msg *take)
{
	struct login *l = s->login;

	if (!l || l->step != LOGIN_LOOK_UP)
		return;
	l->real = take->u.credential.real;
	l->at_us = take->u.credential.at_us;
	switch (take->u.credential.result) {
	case LINK_CRED_LIMITED:
		login_fail(s, "temporary-auth-failure", "too many failures of this address");
		stream_end(s, STREAM_POLICY_VIOLATION, "Too many failed attempts to log in.");
		break;
	case LINK_CRED_UNAVAILABLE:
		report_unavailable(s);
		login_fail(s, "temporary-auth-failure", "the accounts cannot be read");
		break;
	case LINK_CRED_READY:
		if (!l->mechanism->plain) {
			start_scram(s, take);
		} else if (plain_start(s, take)) {
			l->step = LOGIN_SUM;
		} else {
			report_unavailable(s);
			login_fail(s, "temporary-auth-failure", "too many logins at once");
		}
		break;
	}
}

void
login_plain_done(struct stream *s, bool right)
{
	struct login *l = s->login;
	struct exchange_input out = { 0 };
	enum exchange_result result = EXCHANGE_UNAVAILABLE;

	if (!right) {
		refuse(s, l->real ? "wrong password" : "no such account");
		return;
	}
	l->exchange = exchange_new(l->mechanism, s->host->domain, NULL, &l->binding);
	if (l->exchange)
		result = exchange_start(
			l->exchange, (struct exchange_input){ l->message, l->message_len }, &out);
	got_result(s, result, out);
}

/* --- The session is there -------------------------------------------------------------------------- */

void
login_attached(struct stream *s, const struct link_msg *attached)
{
	struct login *l = s->login;
	struct buf *buf;

	if (!l || l->step != LOGIN_ATTACH) {
		client_refuse_session(attached);
		return;
	}
	s->session = attached->session;
	if (l->early) {
		stream_end(s, STREAM_POLICY_VIOLATION, "Nothing may be sent before <success/>.");
		return;
	}
	buf = stream_buf();
	buf_printf(buf, "<success xmlns='" NS_SASL "'>%s</success>", l->success ? l->success : "");
	stream_send(s);
	login_free(s);
	limits_leave(conn_peer(s->conn)->prefix);
	s->counted = false;
	xml_stream_restart(s->xml);
	xml_stream_limits(s->xml, &s->version->after);
	s->answered = false;
	s->state = AT_HEADER;
	stream_read_on(s);
}
