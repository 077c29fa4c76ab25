/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/round.c - each worker gets a mail of its own; the last one to run sends the round home. */
#include "daemon/round.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "loop/worker.h"

struct round_seat {
	struct mail mail;
	struct round *round;
};

struct round {
	struct mail mail; /* home to worker 0 */
	round_fn *here, *done;
	void *ctx;
	atomic_uint left;
	struct round_seat seat[];
};

static void
round_over(struct mail *mail)
{
	struct round *round = HM_CONTAINER(mail, struct round, mail);
	round_fn *done = round->done;
	void *ctx = round->ctx;

	mem_free(round);
	if (done)
		done(ctx);
}

static void
round_here(struct mail *mail)
{
	struct round *round = HM_CONTAINER(mail, struct round_seat, mail)->round;

	if (round->here)
		round->here(round->ctx);
	if (atomic_fetch_sub(&round->left, 1) == 1)
		worker_post(0, &round->mail);
}

void
round_run(round_fn *here, round_fn *done, void *ctx)
{
	unsigned n = workers_count();
	struct round *round = mem_zalloc(sizeof(*round) + n * sizeof(round->seat[0]));

	round->here = here;
	round->done = done;
	round->ctx = ctx;
	round->mail.run = round_over;
	atomic_init(&round->left, n);
	for (unsigned i = 0; i < n; i++) {
		round->seat[i].round = round;
		round->seat[i].mail.run = round_here;
	}
	for (unsigned i = 0; i < n; i++) /* the last one run frees the round: n is a copy */
		worker_post(i, &round->seat[i].mail);
}
