/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/sm_queue.c - the ring of stanzas that a client has not acknowledged (XEP-0198 4).  It holds
 * references; of the address only which of the usual ones it was.
 */
#include <string.h>

#include "base/mem.h"
#include "core/sm.h"
#include "core/user.h"

#define SIZE_MIN 8
#define SIZE_KEPT 16 /* an empty ring above this gives its memory back */

static size_t
cost(const struct sm_stanza *x)
{
	return sizeof(*x) + stanza_memory(x->stanza);
}

static void
resize(struct sm_queue *q, unsigned size)
{
	struct sm_stanza *ring = mem_array(size, sizeof(*ring));

	for (unsigned i = 0; i < q->n; i++)
		ring[i] = *sm_at(q, i);
	mem_free(q->ring);
	q->ring = ring;
	q->first = 0;
	q->size = size;
}

void
sm_push(struct sm_queue *q, const struct sm_stanza *take)
{
	if (q->n == q->size)
		resize(q, q->size ? 2 * q->size : SIZE_MIN);
	q->ring[(q->first + q->n) & (q->size - 1)] = *take;
	q->n++;
	q->bytes += cost(take);
}

struct sm_stanza
sm_pop(struct sm_queue *q)
{
	struct sm_stanza x = q->ring[q->first];

	q->first = (q->first + 1) & (q->size - 1);
	q->n--;
	q->bytes -= cost(&x);
	if (q->n == 0 && q->size > SIZE_KEPT)
		sm_queue_free(q);
	return x;
}

const struct sm_stanza *
sm_at(const struct sm_queue *q, unsigned i)
{
	return &q->ring[(q->first + i) & (q->size - 1)];
}

void
sm_stanza_free(struct sm_stanza *x)
{
	stanza_unref(&x->stanza);
	mem_free(x->other);
}

void
sm_queue_free(struct sm_queue *q)
{
	for (unsigned i = 0; i < q->n; i++) {
		struct sm_stanza x = *sm_at(q, i);

		sm_stanza_free(&x);
	}
	mem_free(q->ring);
	*q = (struct sm_queue){ 0 };
}

const char *
sm_to_text(const struct hm_session *s, const struct sm_stanza *x)
{
	switch (x->to) {
	case SM_TO_FULL:
		return s->jid;
	case SM_TO_BARE:
		return s->user->entity.address;
	case SM_TO_OTHER:
		return x->other;
	case SM_TO_NOBODY:
		break;
	}
	return NULL;
}
