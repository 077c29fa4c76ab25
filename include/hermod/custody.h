/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * hermod/custody.h - what a module needs that keeps messages: ids, the sender's part of a row,
 * and what is certain (DESIGN 4, 5).
 *
 * The way of a message from a local client:
 *
 *   At the sender's home, client_sent, HM_STORE: the archive gives it an id of the sender's,
 *   hm_letter_set_entry().  Until the letter has come back, nothing goes out to the sender's
 *   sessions that shows a higher id of this account.
 *
 *   At the recipient's home, account_received, HM_STORE: hm_letter_entry() is the sender's part.
 *   The archive gives an id of the recipient's, hm_letter_set_id(), writes one row for both with
 *   hm_store(), and says hm_letter_stored().  Deliveries of this letter show that id; they wait for
 *   the commit and for lower ids of that account.
 *
 *   When that is committed, the letter comes back to the sender's home: h of XEP-0198 may
 *   move on.  If nobody stored it (it was refused, there is no such account, it left for another
 *   domain), letter_unstored is fired there, inside a turn: the archive writes a row of the
 *   sender's alone, under the same id, or gives the id up by doing nothing.  If the store
 *   failed, the message comes back to the sender as an error, the id is given up, and what would have
 *   shown it (carbons) is dropped.
 *
 * Messages that nobody gave an entry are held, too (type headline and error excepted), until the
 * recipient's home has done with them.
 */
#ifndef HM_CUSTODY_H
#define HM_CUSTODY_H

#include <hermod/handles.h>

/* The sender's part of a row. */
struct hm_entry {
	int64_t account; /* accounts.id */
	int64_t id;      /* of the sender's archive */
	int64_t keep;    /* the module's own: how long the sender keeps it */
};

/*
 * A new id of an account: greater than all before it, near the clock in microseconds.  At the
 * account's home, inside a turn.  Never given twice, also not after a crash.
 */
HM_PUBLIC int64_t hm_new_id(struct hm_mod *m, struct hm_user *u);
/*
 * All ids of the account below this one are committed or given up: what a query may show. INT64_MAX
 * when nothing is in flight.
 */
HM_PUBLIC int64_t hm_settled_below(const struct hm_user *u);
/*
 * Greater than all ids that the account has given until now. A page that goes further may have one that
 * is given while it is read, and not a lower one that takes longer to be stored.
 */
HM_PUBLIC int64_t hm_ids_below(const struct hm_user *u);
/*
 * go(rq) once all ids that the account has given until now are settled, in a turn of the account; at
 * once when they are.  A query that is answered earlier has a gap: who asks has not been shown what is
 * in flight, if it was not there yet when that came, and will not ask for it again.
 */
typedef void hm_iq_settled_fn(struct hm_iq *rq);
HM_PUBLIC void hm_iq_when_settled(struct hm_iq *rq, hm_iq_settled_fn *go);

/* client_sent, HM_STORE, once. */
HM_PUBLIC void hm_letter_set_entry(struct hm_letter *l, const struct hm_entry *entry);
/* NULL: the sender is not local, or keeps nothing. */
HM_PUBLIC const struct hm_entry *hm_letter_entry(const struct hm_letter *l);
/* account_received, HM_STORE: what its deliveries show. */
HM_PUBLIC void hm_letter_set_id(struct hm_letter *l, int64_t id);
/*
 * Of the sender's message, to be kept in its row, so that the same message can be known again after a
 * crash: 0: it cannot.  hm_sent_before(): while the account is loaded (.load), for what it sent before
 * this process started, hm_first_id().
 */
HM_PUBLIC uint64_t hm_letter_fingerprint(const struct hm_letter *l);
HM_PUBLIC void hm_sent_before(struct hm_user *u, uint64_t fingerprint);
/* Ids below were given by processes before this one. */
HM_PUBLIC int64_t hm_first_id(void);
/* 0: none */
HM_PUBLIC int64_t hm_letter_id(const struct hm_letter *l);

/*
 * As hm_forward_to_session(), of a stanza that shows this id; it goes out in the order of ids.
 * Whether the client got it is told by message_confirmed or message_unconfirmed.
 */
HM_PUBLIC void hm_show_to_session(struct hm_mod *m, struct hm_session *s,
                                  const struct hm_stanza *stanza, const char *to, int64_t id);

/*
 * Asks the client now whether it got what was shown to it, instead of after a while: behind what it
 * would otherwise be shown again if its connection were lost.
 */
HM_PUBLIC void hm_ask_confirmation(struct hm_mod *m, struct hm_session *s);

#endif
