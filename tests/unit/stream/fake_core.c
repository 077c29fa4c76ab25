/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * A core for the tests of stream.  Names with a meaning:
 *   limited      LINK_CRED_LIMITED
 *   unavailable  LINK_CRED_UNAVAILABLE
 * and stanzas: <iq type='get'> is answered with its result; <message id='flood'> with 3000 messages of
 * 1000 bytes; <message id='bye'> with LINK_CLOSE; <message id='kick'> with a message and a conflict.
 */
#include "fake_core.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "conf/schema.h"
#include "crypto/scram.h"
#include "loop/worker.h"
#include "stream/settings.h"

#define ROUNDS 4096

atomic_uint fake_seen[LINK_CLOSE + 1];
atomic_uint fake_closed[LINK_CLOSED_FAULT + 1];
atomic_uint fake_succeeded;
atomic_bool fake_no_credit;
atomic_uint fake_attach_worker;

static char verifiers[2][LINK_HASHES][SCRAM_TEXT_MAX]; /* fakes, real ones */

static const struct link_host hosts[] = {
	{ .domain = "a.example",
	  .features_before = "<register xmlns='http://jabber.org/features/iq-register'/>",
	  .features_after = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>",
	  .strangers = true },
	{ .domain = "b.example" },
};
static const struct link_hosts all_hosts = { HM_COUNT(hosts), hosts };

void
fake_settings(struct stream_settings *settings)
{
	static struct arena *arena;
	struct conf_report report = { 0 };

	if (!arena)
		arena = arena_new(0); /* for good: the settings' texts are in it */
	hm_assert(conf_fill(arena, NULL, &stream_schema, settings, &report));
}

static void
make_verifiers(void)
{
	static const unsigned char secret[SCRAM_SECRET_LEN] = { 1 };
	struct scram_keys keys;

	for (unsigned i = 0; i < LINK_HASHES; i++) {
		scram_fake(&keys, (enum crypto_hash)i, ROUNDS, secret, "nobody@a.example");
		scram_write(&keys, verifiers[0][i]);
		scram_choose(&keys, (enum crypto_hash)i, ROUNDS);
		hm_assert(scram_derive(&keys, FAKE_PASSWORD));
		scram_write(&keys, verifiers[1][i]);
	}
}

void
fake_core_init(void)
{
	make_verifiers();
	link_publish_hosts(&all_hosts);
	for (unsigned i = 0; i <= LINK_CLOSE; i++)
		atomic_store(&fake_seen[i], 0);
	for (unsigned i = 0; i <= LINK_CLOSED_FAULT; i++)
		atomic_store(&fake_closed[i], 0);
	atomic_store(&fake_succeeded, 0);
	atomic_store(&fake_no_credit, false);
}

static void
look_up(const struct link_msg *question)
{
	struct link_msg *answer = link_new(LINK_CREDENTIAL, question->stream, 0);
	const char *local = question->u.look_up.local;

	if (strcmp(local, "limited") == 0) {
		answer->u.credential.result = LINK_CRED_LIMITED;
	} else if (strcmp(local, "unavailable") == 0) {
		answer->u.credential.result = LINK_CRED_UNAVAILABLE;
	} else {
		answer->u.credential.real = strcmp(local, "juliet") == 0 &&
		                            strcmp(question->u.look_up.host, "a.example") == 0;
		for (unsigned i = 0; i < LINK_HASHES; i++)
			answer->u.credential.verifier[i] =
				mem_strdup(verifiers[answer->u.credential.real][i]);
	}
	link_to_stream(answer);
}

static void
send(uint64_t stream, uint64_t session, const char *xml)
{
	struct link_msg *msg = link_new(LINK_OUT, stream, session);

	msg->u.out.stanza = stanza_parse(xml, strlen(xml));
	hm_assert(msg->u.out.stanza);
	msg->u.out.to = mem_strdup("juliet@a.example/balcony");
	link_to_stream(msg);
}

static void
close_stream(uint64_t stream, uint64_t session, enum stream_cond cond)
{
	struct link_msg *msg = link_new(LINK_CLOSE, stream, session);

	msg->u.close.cond = cond;
	link_to_stream(msg);
}

static void
flood(uint64_t stream, uint64_t session)
{
	char xml[1200], body[1001];

	memset(body, 'x', 1000);
	body[1000] = '\0';
	snprintf(xml, sizeof(xml), "<message xmlns='jabber:client'><body>%s</body></message>",
	         body);
	for (unsigned i = 0; i < 3000; i++)
		send(stream, session, xml);
}

static void
answer_iq(uint64_t stream, uint64_t session, const char *id)
{
	char xml[256];

	snprintf(xml, sizeof(xml), "<iq xmlns='jabber:client' type='result' id='%.100s'/>", id);
	send(stream, session, xml);
}

static void
got_stanza(const struct link_msg *msg)
{
	const char *id = elem_attr(msg->u.in.root, "id");
	struct link_msg *credit = link_new(LINK_CREDIT, msg->stream, msg->session);

	id = id ? id : "";
	if (strcmp(msg->u.in.root->name, "iq") == 0)
		answer_iq(msg->stream, msg->session, id);
	else if (strcmp(id, "flood") == 0)
		flood(msg->stream, msg->session);
	else if (strcmp(id, "bye") == 0)
		close_stream(msg->stream, msg->session, 0);
	if (strcmp(id, "kick") == 0) {
		send(msg->stream, msg->session, "<message xmlns='jabber:client' id='last'/>");
		close_stream(msg->stream, msg->session, STREAM_CONFLICT);
	}
	credit->u.credit.stanzas = 1;
	credit->u.credit.bytes = msg->u.in.bytes;
	if (atomic_load(&fake_no_credit))
		link_free(credit);
	else
		link_to_stream(credit);
}

static void
got_stranger(const struct link_msg *msg)
{
	const char *id = elem_attr(msg->u.stranger.root, "id");

	if (elem_child(msg->u.stranger.root, "jabber:iq:register", "query"))
		answer_iq(msg->stream, 0, id ? id : "");
	else
		close_stream(msg->stream, 0, STREAM_NOT_AUTHORIZED);
}

void
fake_core_receive(struct link_msg *take)
{
	atomic_fetch_add(&fake_seen[take->kind], 1);
	switch (take->kind) {
	case LINK_LOOK_UP:
		look_up(take);
		break;
	case LINK_AUTH_OUTCOME:
		atomic_fetch_add(&fake_succeeded, take->u.outcome.success);
		break;
	case LINK_ATTACH:
		atomic_store(&fake_attach_worker, worker_self());
		link_to_stream(link_new(LINK_ATTACHED, take->stream, link_new_id()));
		break;
	case LINK_IN:
		got_stanza(take);
		break;
	case LINK_STRANGER_IQ:
		got_stranger(take);
		break;
	case LINK_CLOSED:
		atomic_fetch_add(&fake_closed[take->u.closed.how], 1);
		if (take->u.closed.how == LINK_CLOSED_CLEANLY)
			close_stream(take->stream, take->session, 0);
		break;
	default:
		break;
	}
	link_free(take);
}
