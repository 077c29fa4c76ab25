/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/custody.h - what came from a client and is not done yet.  A stanza that must not be lost
 * is held until its letter has come back from the home that stored it (DESIGN 4).
 *
 * At the home of the client's account, but for custody_return().
 */
#ifndef CORE_CUSTODY_H
#define CORE_CUSTODY_H

#include "core/letter.h"
#include "core/session.h"

/*
 * Stanzas of this session's client up to which neither it nor an earlier one is still held, or waits in
 * the inbox (some overtake): h of XEP-0198, less what it was at <enable/>.  Wraps at 2^32.
 */
uint32_t custody_handled(const struct hm_session *s);
/* All that came: custody_handled() when nothing is held and nothing waits. */
uint32_t custody_came(const struct hm_session *s);

/* The stanza that s is processing is held until l comes back; once for a letter. Returns the record's id. */
uint64_t custody_begin(struct hm_session *s, struct hm_letter *l);
/*
 * The same without a letter, until the record `first` ends, which is of the same account; nothing
 * happens when it has ended.
 */
void custody_follow(struct hm_session *s, uint64_t first);
/* Is it one that is held (by the rules of DESIGN 4), if nobody has begun already? */
bool custody_is_due(const struct hm_letter *l);
/*
 * l->entry was set: nothing is shown to the account that has a higher id, nor what this turn
 * shows, until l comes back.
 */
void custody_mark(struct hm_session *s, struct hm_letter *l);
/* Posts a letter that is done with to its sender's home, which frees it.  Any worker. */
void custody_return(struct hm_letter *take);
/*
 * The session goes on on another stream, whose client will send again what is beyond
 * custody_handled().
 */
void custody_resumed(struct hm_session *s);
/* The session ends; what it sent is still on its way. */
void custody_forget_session(struct hm_session *s);

/* For show holds: the oldest thing that is held on this worker, and how many. */
struct custody_view {
	uint64_t held;
	int64_t oldest_us;   /* since when, monotonic; 0: nothing is held */
	const char *account; /* whose that is; borrowed; NULL: nothing is held */
};
void custody_view(struct custody_view *out);

#endif
