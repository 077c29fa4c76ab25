/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/failpoint.h - named places at which a test lets the store fail, or the process die.
 *
 * Armed by the command "test failpoint" of a server that was started for tests; in every other
 * server passing one is a load and a branch that is never taken.
 */
#ifndef STORE_FAILPOINT_H
#define STORE_FAILPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum failpoint {
	/* The writer of SQLite is about to begin a batch.  wait only. */
	FAILPOINT_WRITER, /* "store.writer" */
	/* A batch has run and is not committed yet.  fail: as if the disk were full. */
	FAILPOINT_BEFORE_COMMIT, /* "store.before_commit" */
	/* fail: as if the log were written and could not be synchronised: the outcome is unknown. */
	FAILPOINT_SYNC, /* "store.sync" */
	/* A batch is on disk, nobody knows it yet.  kill only. */
	FAILPOINT_AFTER_COMMIT, /* "store.after_commit" */
	/* A group's outcome is certain and is about to be reported to its worker.  kill only. */
	FAILPOINT_BEFORE_REPORT, /* "store.before_report" */
	/* A message is done with where it arrived, and its sender's home is about to hear.  kill only. */
	FAILPOINT_BEFORE_RETURN, /* "core.before_return" */
	/* Something that shows an id of the archive is about to be sent to a client.  kill only. */
	FAILPOINT_BEFORE_DELIVERY, /* "core.before_delivery" */
	/* A client is about to be told what is done (XEP-0198).  kill only. */
	FAILPOINT_BEFORE_ACK, /* "core.before_ack" */
	FAILPOINTS
};

/*
 * action is "fail", "kill" (SIGKILL, nothing is flushed), "wait" (until it is changed) or "off"; it
 * holds from the pass after the next `after` ones on, until it is changed.  "fail" fails every pass.  false: there is no such
 * point or it cannot do this; *why says what there is.  Any thread.
 */
bool failpoint_set(const char *name, const char *action, uint64_t after,
                   struct hm_error *why) HM_MUST_USE;
/* Passing one: true: fail here.  Does not return when it kills.  Any thread. */
bool failpoint(enum failpoint point);

#endif
