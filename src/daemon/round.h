/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/round.h - the same on every worker, then one thing on worker 0. */
#ifndef DAEMON_ROUND_H
#define DAEMON_ROUND_H

typedef void round_fn(void *ctx);

/*
 * Any thread, after workers_init().  here (may be NULL) runs on all workers, side by side; done (may be
 * NULL) in a later turn on worker 0, which has seen by then what they wrote.  Every mail that was posted to a
 * worker before has been run when here runs there.
 */
void round_run(round_fn *here, round_fn *done, void *ctx);

#endif
