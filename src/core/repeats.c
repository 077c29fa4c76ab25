/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/repeats.c - a ring of fingerprints for each session that sends messages, and for each account
 * what sessions left behind that did not end cleanly, for an hour.
 */
#include "core/repeats.h"

#include <string.h>

#include <hermod/custody.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "core/here.h"
#include "core/metrics.h"
#include "core/session.h"
#include "core/user.h"
#include "loop/worker.h"

#define NS_DELAY "urn:xmpp:delay"
#define NS_SID "urn:xmpp:sid:0"
/* More than a client may have under way; the oldest give way. */
#define REMEMBERED 256
#define FIRST_SIZE 16
#define LEFT_MS 3600000
#define LEFT_MAX 10000 /* accounts per worker */

struct sent {
	uint64_t fingerprint;
	uint64_t stream;  /* on which it came; 0: on one that is over */
	uint64_t custody; /* of the first copy */
};
struct sent_messages {
	unsigned n, size, next; /* next: to be overwritten when full */
	struct sent *v;
};

/* What sessions of one account left behind. */
struct left {
	struct list link; /* here->left_behind, oldest first */
	int64_t until_ms;
	char *bare;
	struct sent_messages sent;
};

/* --- Fingerprints ------------------------------------------------------------------------ */

static uint64_t
mix(uint64_t hash, const char *text)
{
	return text ? (hash ^ hash_stable(text, strlen(text))) * 0x9e3779b97f4a7c15u
	            : (hash + 1) * 0x9e3779b97f4a7c15u;
}

static uint64_t
mix_elem(uint64_t hash, const struct hm_elem *e)
{
	if (e->node != XML_ELEMENT)
		return (hash ^ hash_stable(e->text, e->text_len)) * 0x9e3779b97f4a7c15u;
	hash = mix(mix(hash, e->ns), e->name);
	/* Attributes have no order, children have. */
	for (const struct xml_attr *a = e->attrs; a; a = a->next)
		hash += mix(mix(mix(0, a->ns), a->name), a->value);
	for (const struct hm_elem *c = e->first; c; c = c->next)
		hash = mix_elem(hash, c);
	return mix(hash, NULL);
}

uint64_t
repeats_fingerprint(const struct hm_stanza *message, const char *to)
{
	uint64_t hash;

	if (message->kind != STANZA_MESSAGE ||
	    (!message->id && !elem_child(message->root, NS_SID, "origin-id")))
		return 0;
	hash = mix(mix(mix(0, message->type_text), to), message->id);
	for (const struct hm_elem *c = message->root->first; c; c = c->next) {
		if (!elem_is(c, NS_DELAY, "delay"))
			hash = mix_elem(hash, c);
	}
	return hash ? hash : 1;
}

/* --- Rings --------------------------------------------------------------------------------- */

static void
ring_put(struct sent_messages *ring, struct sent sent)
{
	if (ring->n == ring->size && ring->size < REMEMBERED) {
		ring->size = ring->size ? 2 * ring->size : FIRST_SIZE;
		ring->v = mem_realloc(ring->v, ring->size * sizeof(*ring->v));
	}
	if (ring->n < ring->size) {
		ring->v[ring->n++] = sent;
	} else {
		ring->v[ring->next] = sent;
		ring->next = (ring->next + 1) % ring->size;
	}
}

/* Of another stream than this one, or, stream 0, of any. */
static struct sent *
ring_find(const struct sent_messages *ring, uint64_t fingerprint, uint64_t stream)
{
	for (unsigned i = 0; ring && i < ring->n; i++) {
		if (ring->v[i].fingerprint == fingerprint && ring->v[i].stream != stream)
			return &ring->v[i];
	}
	return NULL;
}

static void
ring_forget(struct sent_messages *ring, uint64_t fingerprint)
{
	struct sent *sent;

	/* The place stays; a fingerprint is never 0. */
	while ((sent = ring_find(ring, fingerprint, UINT64_MAX)))
		sent->fingerprint = 0;
}

/* --- What was left behind ------------------------------------------------------------------- */

static void
left_free(struct left *l)
{
	table_remove(&here->left_of, l->bare);
	list_remove(&l->link);
	mem_free(l->bare);
	mem_free(l->sent.v);
	mem_free(l);
}

static void
forget_old(void)
{
	while (!list_empty(&here->left_behind)) {
		struct left *l = list_entry(here->left_behind.next, struct left, link);

		if (l->until_ms > worker_now_ms() && table_count(&here->left_of) < LEFT_MAX)
			return;
		left_free(l);
	}
}

static struct left *
left_of(const char *bare)
{
	struct left *l = table_get(&here->left_of, bare);

	return l && l->until_ms > worker_now_ms() ? l : NULL;
}

static void
leave(const char *bare, const struct sent *v, unsigned n)
{
	struct left *l;

	forget_old();
	l = table_get(&here->left_of, bare);
	if (!l) {
		l = mem_new(struct left);
		l->bare = mem_strdup(bare);
		list_init(&l->link);
		table_put(&here->left_of, bare, l);
	}
	list_remove(&l->link);
	list_push_back(&here->left_behind, &l->link);
	l->until_ms = worker_now_ms() + LEFT_MS;
	for (unsigned i = 0; i < n; i++) {
		if (v[i].fingerprint)
			ring_put(&l->sent, (struct sent){ v[i].fingerprint, 0, v[i].custody });
	}
}

void
hm_sent_before(struct hm_user *u, uint64_t fingerprint)
{
	struct sent sent = { fingerprint, 0, 0 };

	if (fingerprint)
		leave(u->entity.address, &sent, 1);
}

static bool
ended_cleanly(const struct hm_session *s)
{
	return s->ended_by == HM_CLOSED_BY_CLIENT;
}

/* --- Sessions ---------------------------------------------------------------------------------- */

static const struct sent *
find_among(const struct list *sessions, const struct hm_session *s, uint64_t fingerprint)
{
	for (struct list *l = sessions->next; l != sessions; l = l->next) {
		const struct hm_session *other = list_entry(l, struct hm_session, link);
		bool broken = !other->stream || (other->closing && !ended_cleanly(other));
		const struct sent *found =
			broken ? ring_find(other->sent, fingerprint, s->stream) : NULL;

		if (found)
			return found;
	}
	return NULL;
}

/* Sessions that have lost their stream and hibernate, or are about to end. */
static const struct sent *
find_in_others(const struct hm_session *s, uint64_t fingerprint)
{
	const struct sent *found = find_among(&s->user->sessions, s, fingerprint);

	return found ? found : find_among(&s->user->unbound, s, fingerprint);
}

bool
repeats_known(const struct hm_session *s, uint64_t fingerprint, uint64_t *custody)
{
	const struct sent *found = ring_find(s->sent, fingerprint, s->stream);
	const struct left *l;

	if (!found && (l = left_of(s->user->entity.address)))
		found = ring_find(&l->sent, fingerprint, s->stream);
	if (!found)
		found = find_in_others(s, fingerprint);
	if (!found)
		return false;
	*custody = found->custody;
	metric_add(core_metric(CM_REPEATS), 1);
	return true;
}

void
repeats_remember(struct hm_session *s, uint64_t fingerprint, uint64_t custody)
{
	if (!s->sent)
		s->sent = mem_new(struct sent_messages);
	ring_put(s->sent, (struct sent){ fingerprint, s->stream, custody });
}

void
repeats_forget(struct hm_session *s, const char *bare, uint64_t fingerprint)
{
	struct left *l = left_of(bare);

	if (s)
		ring_forget(s->sent, fingerprint);
	if (l)
		ring_forget(&l->sent, fingerprint);
}

void
repeats_session_over(struct hm_session *s)
{
	if (!s->sent)
		return;
	if (!ended_cleanly(s))
		leave(s->user->entity.address, s->sent->v, s->sent->n);
	mem_free(s->sent->v);
	mem_free(s->sent);
	s->sent = NULL;
}
