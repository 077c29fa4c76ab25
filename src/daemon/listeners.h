/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/listeners.h - the ports of the configuration: opened at start, and exchanged by a
 * reload where they differ.  Worker 0, or before the workers run.
 */
#ifndef DAEMON_LISTENERS_H
#define DAEMON_LISTENERS_H

#include "daemon/settings.h"

struct listeners;

/* From one set of ports to another. */
struct listeners_change {
	struct listeners *next; /* the new sockets are bound */
	size_t opened, closed;
};

/*
 * Binds all that s names and old (may be NULL) has not.  false: why; then nothing is bound that was not before.
 * Afterwards either listeners_commit() or listeners_discard().
 */
bool listeners_prepare(struct listeners *old, const struct settings *s,
                       struct listeners_change *change, struct hm_error *why) HM_MUST_USE;
void listeners_discard(struct listeners *old, struct listeners_change *change);
/* The new set takes the sockets that stay; the old one, with what goes, is for listeners_stop(). */
struct listeners *listeners_commit(struct listeners *old, struct listeners_change *change);
/* Accepts on all of them that don't yet. */
void listeners_start(struct listeners *l);
/* Closes them on all workers, then frees them; clears the pointer.  NULL is fine. */
void listeners_stop(struct listeners **l);

#endif
