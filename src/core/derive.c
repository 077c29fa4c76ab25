/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/derive.c - a bundle goes when it is full, or when the turn ends. */
#include "core/derive.h"

#include <stddef.h>

#include "base/mem.h"
#include "crypto/scram.h"
#include "loop/offload.h"
#include "loop/worker.h"

#define BUNDLE_MAX 8

struct bundle {
	struct offload sums;
	struct turn_end turn_end;
	size_t n;
	struct derivation *part[BUNDLE_MAX];
};

/* The bundle that this turn is filling. */
static _Thread_local struct bundle *filling;

static void
derive_one(struct derivation *d)
{
	struct scram_keys keys[CRYPTO_HASHES];
	char text[SCRAM_TEXT_MAX];

	for (unsigned i = 0; i < CRYPTO_HASHES; i++)
		scram_choose(&keys[i], (enum crypto_hash)i, d->iterations);
	d->derived = scram_derive_all(keys, CRYPTO_HASHES, d->password);
	mem_free_secret(d->password);
	d->password = NULL;
	for (unsigned i = 0; i < CRYPTO_HASHES; i++) {
		scram_write(&keys[i], text);
		d->verifier[i] = mem_strdup(text);
	}
	crypto_wipe(keys, sizeof(keys));
	crypto_wipe(text, sizeof(text));
}

/* On a thread of the pool. */
static void
derive(struct offload *job)
{
	struct bundle *b = HM_CONTAINER(job, struct bundle, sums);

	for (size_t i = 0; i < b->n; i++)
		derive_one(b->part[i]);
}

static void
bundle_done(struct offload *job)
{
	struct bundle *b = HM_CONTAINER(job, struct bundle, sums);

	for (size_t i = 0; i < b->n; i++)
		b->part[i]->done(b->part[i], b->part[i]->derived);
	mem_free(b);
}

static void
bundle_send(struct bundle *b)
{
	filling = NULL;
	if (!offload_run(&b->sums))
		bundle_done(&b->sums); /* nothing is derived */
}

static void
bundle_turn_end(struct turn_end *te)
{
	bundle_send(HM_CONTAINER(te, struct bundle, turn_end));
}

void
derivation_start(struct derivation *d)
{
	struct bundle *b = filling;

	if (!b) {
		b = filling = mem_new(struct bundle);
		b->sums.sum = derive;
		b->sums.done = bundle_done;
		b->turn_end.run = bundle_turn_end;
		worker_at_turn_end(&b->turn_end);
	}
	d->derived = false;
	b->part[b->n++] = d;
	if (b->n == BUNDLE_MAX) {
		worker_cancel_turn_end(&b->turn_end);
		bundle_send(b);
	}
}

void
derivation_wipe(struct derivation *d)
{
	mem_free_secret(d->password);
	for (unsigned i = 0; i < CRYPTO_HASHES; i++)
		mem_free_secret(d->verifier[i]);
}
