/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * fake_workers.h - what the store needs of loop, so that a test decides when a
 * turn ends and when mail is read.  A thread is the worker that it says it is.
 */
#ifndef TESTS_FAKE_WORKERS_H
#define TESTS_FAKE_WORKERS_H

#include <stdbool.h>

void fake_worker_is(unsigned number); /* this thread */
/* What asked for the end of the turn runs. */
void fake_turn_ends(void);
/*
 * Waits for mail or for something on a socket, and runs all of it; fails the test when none comes
 * for ten seconds.
 */
void fake_read_mail(void);

#endif
