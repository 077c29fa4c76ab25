/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* fake_remote.c - the stream side of other servers. */
#include "fake_remote.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/core.h"
#include "core/here.h"
#include "core/remote_pair.h"
#include "core_test.h"
#include "link/link.h"
#include "xml/parser.h"
#include "xmpp/stanza_error.h"

static struct buf asked;
static uint64_t session, stream, incoming;
static bool up;
size_t takes_bytes;

static bool
took(struct link_msg *msg)
{
	switch (msg->kind) {
	case LINK_DOMAIN_OPEN:
		session = msg->session;
		up = false;
		buf_printf(&asked, "[open %s %s]", msg->u.domain_open.local,
		           msg->u.domain_open.remote);
		break;
	case LINK_OUT:
		if (msg->stream != stream)
			return false;
		stanza_write(msg->u.out.stanza, msg->u.out.to, &asked);
		break;
	case LINK_CREDIT:
		if (msg->stream != incoming)
			return false;
		buf_printf(&asked, "[credit %u]", msg->u.credit.stanzas);
		break;
	case LINK_CLOSE:
		if (msg->stream != stream && msg->stream != incoming)
			return false;
		buf_printf(&asked, "[close%s%s]", msg->u.close.cond ? " " : "",
		           msg->u.close.cond ? stream_cond_name(msg->u.close.cond) : "");
		break;
	default:
		return false;
	}
	link_free(msg);
	return true;
}

const char *
remote_got(void)
{
	static char text[20000];

	snprintf(text, sizeof(text), "%s", asked.data ? asked.data : "");
	buf_clear(&asked);
	return text;
}

static struct link_msg *
about_pair(enum link_kind kind)
{
	return link_new(kind, stream, session);
}

void
is_up(void)
{
	struct link_msg *msg;

	stream = link_new_id();
	msg = about_pair(LINK_DOMAIN_UP);
	msg->u.domain_up.local = mem_strdup("a.example");
	msg->u.domain_up.remote = mem_strdup("b.example");
	msg->u.domain_up.proof = LINK_PROOF_DIALBACK;
	msg->u.domain_up.peer = mem_strdup("192.0.2.1");
	msg->u.domain_up.max_bytes = takes_bytes;
	up = true;
	link_to_core(0, msg);
	run();
}

void
acknowledges(unsigned n)
{
	struct link_msg *msg = about_pair(LINK_DOMAIN_ACKED);

	msg->u.domain_acked.stanzas = n;
	link_to_core(0, msg);
	run();
}

static void
down(enum hm_cond cond, size_t unsent, bool permanent)
{
	struct link_msg *msg = link_new(LINK_DOMAIN_DOWN, up ? stream : 0, session);

	up = false;
	msg->u.domain_down.cond = cond;
	msg->u.domain_down.text = mem_strdup("because");
	msg->u.domain_down.unsent = unsent;
	msg->u.domain_down.permanent = permanent;
	link_to_core(0, msg);
	run();
}

void
goes_down(enum hm_cond cond, size_t unsent)
{
	down(cond, unsent, false);
}

void
is_down_for_good(enum hm_cond cond)
{
	down(cond, 0, true);
}

void
comes_in(void)
{
	struct link_msg *msg;

	incoming = link_new_id();
	msg = link_new(LINK_DOMAIN_UP, incoming, 0);
	msg->u.domain_up.incoming = true;
	msg->u.domain_up.local = mem_strdup("a.example");
	msg->u.domain_up.remote = mem_strdup("b.example");
	link_to_core(0, msg);
	run();
}

static void
source_ends(enum hm_cond cond)
{
	struct link_msg *msg = link_new(LINK_DOMAIN_DOWN, incoming, 0);

	msg->u.domain_down.incoming = true;
	msg->u.domain_down.cond = cond;
	msg->u.domain_down.local = mem_strdup("a.example");
	msg->u.domain_down.remote = mem_strdup("b.example");
	link_to_core(0, msg);
	run();
}

void
far_sends(const char *xml)
{
	static const struct xml_limits limits = { 100000, 20, 500 };
	struct link_msg *in = link_new(LINK_DOMAIN_IN, incoming, 0);

	in->u.domain_in.from = mem_strdup("b.example");
	in->u.domain_in.to = mem_strdup("a.example");
	in->u.domain_in.arena = arena_new(0);
	in->u.domain_in.root =
		xml_parse(in->u.domain_in.arena, xml, strlen(xml), NS_SERVER, &limits);
	in->u.domain_in.bytes = strlen(xml);
	assert_non_null(in->u.domain_in.root);
	link_to_core(0, in);
}

void
goes_out(void)
{
	source_ends(0);
}

void
is_cut(void)
{
	source_ends(HM_REMOTE_SERVER_TIMEOUT);
}

int
remote_test_start(void **state)
{
	core_federate();
	other_streams = took;
	return core_test_start(state);
}

int
remote_test_fresh(void **state)
{
	size_t pos = 0;
	void *value;

	while (table_next(&here->remotes->by_id, &pos, NULL, &value)) {
		struct remote_pair *p = value;

		remote_close(p);
		if (p->close_ms)
			p->close_ms = 1;
		remote_look(p);
		p->gives_up = p->n_items > 0;
		remote_look(p);
		session = p->id;
		up = false;
		goes_down(0, 0);
	}
	while (writes_waiting() > 0)
		commits();
	core_test_fresh(state); /* an hour passes */
	remote_rows_forget();
	remote_got();
	return 0;
}
