/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/bind.c - resource binding (RFC 6120 7).  What happens when a resource is taken is the
 * administrator's choice (7.7.2.2): the new session replaces the old one, gets another resource,
 * or is refused.
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "core/chain.h"
#include "core/core.h"
#include "core/session.h"
#include "core/sm.h"
#include "core/turn.h"
#include "core/user.h"
#include "loop/worker.h"
#include "xmpp/jid.h"

#define NS_BIND "urn:ietf:params:xml:ns:xmpp-bind"
#define RANDOM_RESOURCE_CHARS 16
#define FAILURES_MAX 6 /* 7.7.3: five more tries */

static void
refuse(struct hm_session *s, const struct hm_stanza *iq, enum hm_cond cond, const char *text)
{
	turn_deliver(&s->user->entity, s, stanza_error_reply(iq, NULL, cond, text), NULL);
	if (++s->bind_failures >= FAILURES_MAX)
		session_close(s, STREAM_POLICY_VIOLATION, "Too many attempts to bind.",
		              HM_CLOSED_BY_SERVER);
}

static const char *
random_resource(void)
{
	char *text = arena_alloc(worker_scratch(), RANDOM_RESOURCE_CHARS + 1);

	return random_token(text, RANDOM_RESOURCE_CHARS);
}

/* For what cannot be a resourcepart the server makes another, as for none: 7.7.2.1, 7.7.2.2. */
static const char *
wanted_resource(const struct hm_stanza *iq)
{
	const struct hm_elem *bind = elem_first_child(iq->root);
	const struct hm_elem *resource = elem_child(bind, NS_BIND, "resource");
	const char *text = resource ? elem_text(resource, worker_scratch()) : "";
	const char *prepared = *text ? jid_prepare_resource(text, worker_scratch()) : NULL;

	return prepared ? prepared : random_resource();
}

void
session_bind_to(struct hm_session *s, const char *resource, int64_t since_us)
{
	struct hm_user *u = s->user;

	s->resource = mem_strdup(resource);
	s->jid = mem_printf("%s/%s", u->entity.address, resource);
	s->since_us = since_us;
	s->state = mem_zalloc(u->entity.host->session_bytes + 1);
	s->log.field[1].value = hm_value_text(s->jid);
	list_remove(&s->link);
	list_push_back(&u->sessions, &s->link);
	s->bound = true;
	u->n_sessions++;
}

static void
bound(struct hm_session *s, const struct hm_stanza *iq, const char *resource)
{
	struct hm_user *u = s->user;
	struct stanza_build b;

	session_bind_to(s, resource, clock_wall_us());
	log_line(&s->log, HM_INFO, "resource bound");
	notice_session_bound(s);
	stanza_build_new(&b, STANZA_IQ, "result", iq->id);
	writer_open(&b.w, NS_BIND, "bind");
	writer_leaf(&b.w, "jid", s->jid);
	writer_close(&b.w);
	turn_deliver(&u->entity, s, stanza_build_done(&b, NULL), NULL);
}

/* --- Who gives way ------------------------------------------------------------------------ */

static bool
hibernates(const struct hm_session *s)
{
	return s->sm && s->sm->hibernates;
}

/* Of those without a connection; NULL: there is none. */
static struct hm_session *
longest_asleep(const struct hm_user *u)
{
	struct hm_session *found = NULL;

	for (struct list *l = u->sessions.next; l != &u->sessions; l = l->next) {
		struct hm_session *s = list_entry(l, struct hm_session, link);

		if (hibernates(s) && (!found || s->sm->since_us < found->sm->since_us))
			found = s;
	}
	return found;
}

static void
replace(struct hm_session *taken)
{
	struct hm_user *u = taken->user;

	session_close(taken, STREAM_CONFLICT, "Replaced by a new session.", HM_CLOSED_REPLACED);
	session_gone(taken);
	/* It is no longer at its address; the rest of its end comes in a later turn. */
	list_remove(&taken->link);
	taken->bound = false;
	u->n_sessions--;
	list_push_back(&u->unbound, &taken->link);
}

void
session_bind(struct hm_session *s, const struct hm_stanza *iq)
{
	struct hm_user *u = s->user;
	const struct core_limits *limits = host_limits(u->entity.host);
	const char *resource = wanted_resource(iq);
	struct hm_session *taken = hm_find_session(u, resource);
	bool asleep = taken && hibernates(taken); /* nobody is there who could mind */

	if (taken && !asleep && limits->conflict == CONFLICT_REFUSE) {
		refuse(s, iq, HM_CONFLICT, NULL);
		return;
	}
	if (taken && !asleep && limits->conflict == CONFLICT_RENAME) {
		resource = random_resource();
		taken = NULL;
	}
	if (!taken && u->n_sessions >= limits->resources)
		taken = longest_asleep(u);
	if (!taken && u->n_sessions >= limits->resources) {
		refuse(s, iq, HM_RESOURCE_CONSTRAINT, "Too many sessions of this account.");
		return;
	}
	if (taken)
		replace(taken);
	bound(s, iq, resource);
}
