/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* fake_remote.h - the stream side of other servers: what is asked of it, and what it says. */
#ifndef FAKE_REMOTE_H
#define FAKE_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include <hermod/values.h>

int remote_test_start(void **state);
/* Everything that waits goes, and pairs with it. */
int remote_test_fresh(void **state);

/* What was asked since the last time: "[open LOCAL REMOTE]", "<stanza/>", "[close]", "[credit N]". */
const char *remote_got(void);
/* The pair that was asked for last; each runs. */
void is_up(void);
extern size_t takes_bytes; /* of a stanza, from the next is_up() on; 0: it does not say */
void acknowledges(unsigned n);
void goes_down(enum hm_cond cond, size_t unsent);
void is_down_for_good(enum hm_cond cond);

/* A server of b.example is there, and sends; the first runs. */
void comes_in(void);
void goes_out(void);
void is_cut(void);               /* it does not end cleanly */
void far_sends(const char *xml); /* does not run */

#endif
