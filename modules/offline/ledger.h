/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * ledger.h - what becomes of an account's received messages: which wait, which were shown and to
 * whom, which somebody has got.  Values, no I/O; at the account's home.
 *
 * In the order of ids: stretches of messages that wait or were got, and single ones that were
 * shown and not yet confirmed.
 */
#ifndef MODULES_OFFLINE_LEDGER_H
#define MODULES_OFFLINE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stretch_state { WAITING, SHOWN, GOT };

struct stretch {
	int64_t first, last; /* ids */
	enum stretch_state state;
	int64_t count, bytes; /* of WAITING; of SHOWN what counts when it waits again */
	bool waited;          /* SHOWN: it has waited before, and counts until it was got */
	uint64_t to;          /* SHOWN: sessions, a bit for each */
};
struct ledger {
	struct stretch *v;
	size_t n, size;
	int64_t count, bytes; /* of what waits, or has waited and was not got */
	int64_t last;         /* the newest id it knows */
};

void ledger_free(struct ledger *l);
/* When the account is loaded. */
void ledger_add_old(struct ledger *l, int64_t first, int64_t last, int64_t count, int64_t bytes);
/* A new message. */
void ledger_add_waiting(struct ledger *l, int64_t id, int64_t bytes);
void ledger_add_shown(struct ledger *l, int64_t id, int64_t bytes, uint64_t to);
/* The first stretch that waits; NULL: none. */
const struct stretch *ledger_waiting(const struct ledger *l);
/* A message that waits is shown to a session; nothing before it in its stretch is there any more. */
void ledger_show(struct ledger *l, int64_t id, int64_t bytes, uint64_t to);
/* Of a stretch that waits: so many of those up to this id are not there any more, or need nobody. */
void ledger_pass(struct ledger *l, int64_t upto, int64_t count, int64_t bytes);
/* true: it was not known before that it was got. */
bool ledger_got(struct ledger *l, int64_t id);
/* One of the sessions has ended without; true: nobody else was shown it, so it waits. */
bool ledger_lost(struct ledger *l, int64_t id, uint64_t to);
/* Of what was shown, that waits again which was shown to none of these sessions. */
void ledger_only(struct ledger *l, uint64_t sessions);
/* A stretch of a ledger that was saved, behind all others. */
void ledger_append(struct ledger *l, const struct stretch *s);
/* All up to this id were got; INT64_MIN: nothing is known. Forgets them. */
int64_t ledger_cursor(struct ledger *l);

#endif
