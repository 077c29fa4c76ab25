/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core_test.h - a core with one worker, one host (a.example), one module and a store that the
 * test holds in its hand.  Nothing happens before run().
 */
#ifndef CORE_TEST_H
#define CORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct core_limits;

/* Group set-up of every program; test set-up of every test. */
int core_test_start(void **state);
int core_test_fresh(void **state);
extern struct core_limits core_test_limits;

/* --- fake_loop.c ------------------------------------------------------------------ */

bool run_one(void); /* one mail; false: there is none */
static inline void
run(void)
{
	while (run_one())
		;
}
void pass_ms(int64_t ms); /* and runs */

/* --- fake_store.c ------------------------------------------------------------------- */

extern bool fake_reads_fail, fake_reads_wait, fake_queue_full;
void reads_come_back(void);   /* and runs */
extern unsigned fake_reads;   /* since the test began */
extern int64_t fake_number;   /* in all rows */
extern int64_t fake_wrote[2]; /* the first arguments of the last write */
void commits(void);           /* the oldest write, and runs */
void commit_fails(void);
unsigned writes_waiting(void);
/* Of the table remote_queue; one that a former process has left, of romeo's. */
size_t remote_rows(void);
void remote_rows_forget(void);
void remote_row_was_left(const char *remote, int64_t id, const char *to, const char *xml);

/* --- Clients: streams by their numbers -------------------------------------------------- */

struct hm_session;
struct link_msg;
/* true: it has taken the message; asked before all others. */
extern bool (*other_streams)(struct link_msg *take);
struct hm_session *session_at(uint64_t stream); /* NULL: it is over */
/* Attached; and bound and available. */
uint64_t unbound(const char *bare);
uint64_t client(const char *bare, const char *resource);
uint64_t session_of(uint64_t stream);         /* its id */
void sends(uint64_t stream, const char *xml); /* does not run */
void leaves(uint64_t stream);                 /* its client has ended the stream */
void is_lost(uint64_t stream);
void is_idle(uint64_t stream); /* nothing came from it for a while */
/* An IQ of somebody who has not authenticated; runs. */
uint64_t stranger(const char *xml);
/* Everything that came since it was asked last; a closed stream ends in "[closed]" or "[CONDITION]". */
const char *got(uint64_t stream);

/*
 * The module.  A message is treated by what its id says: "store" is stored, and copied to
 * observer@a.example; "own" makes its sender's account store something; "shown" gets an id, and is kept
 * from an inactive client until its session ends; "refuse" is refused in HM_POLICY, "stop" stopped without
 * a word.  IQs of the namespace test:x likewise by their payload's name; "later" is answered when a read
 * has come back, "timer" starts one of 100 ms, "inactive" makes its client so.
 */
/*
 * When it archives: messages but headlines get ids, are appended at the recipient, or at the sender when they
 * come back unstored ("unstored"), and other sessions of the sender get copies.  With the id "flush" it reads
 * something after that.
 */
extern bool module_archives;
void begin_to_archive(void); /* with the ids' ceiling on disk */
/* What the module was told: "closed", "unavailable", "confirmed", "unconfirmed", "deliver" (to an inactive client), the domain that is there again; "!" behind it when it had not loaded the account. */
const char *module_saw(void);

#endif
