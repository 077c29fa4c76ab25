/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/repeats.h - messages that a client sends again because it never saw that they came
 * (DESIGN 4: no duplicates).
 *
 * A repeat has the same type, addressee, id and payload (origin-id included, a delay stamp excepted) as
 * a message of the same account whose first copy came on another stream that did not end cleanly; its
 * session may hibernate still.
 * Only messages that have an id or an origin-id can be known again.  What was sent before the server
 * was started is told by the archive (hm_sent_before()).
 *
 * At the account's home.
 */
#ifndef CORE_REPEATS_H
#define CORE_REPEATS_H

#include <stdbool.h>
#include <stdint.h>

struct hm_letter;
struct hm_session;
struct hm_stanza;
struct jid;
struct sent_messages;

/* 0: it cannot be known again. to: its full address, NULL: none. */
uint64_t repeats_fingerprint(const struct hm_stanza *message, const char *to);
/*
 * Was it sent before?  *custody: of the record that holds the first copy, 0: that is done, or nobody
 * knows.
 */
bool repeats_known(const struct hm_session *s, uint64_t fingerprint, uint64_t *custody);
/* It is sent now; custody may be 0. */
void repeats_remember(struct hm_session *s, uint64_t fingerprint, uint64_t custody);
/* It was refused: the same again is a new attempt. s may be NULL: its session is over. */
void repeats_forget(struct hm_session *s, const char *bare, uint64_t fingerprint);
/* The session is over; what it sent may come again on another, unless its client ended it. */
void repeats_session_over(struct hm_session *s);

#endif
