/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/remote.h - other domains (RFC 6120 10.4).  A local and a remote domain are a pair: what is
 * sent from one to the other waits in order, while the stream side connects, and goes out to the
 * stream that it has found.
 *
 * A pair is at home where its remote domain is: link_home(remote).  What must not be lost
 * (remote_is_kept()) has a row in remote_queue, written in its sender's turn, until the other server has
 * acknowledged it or its sender has got it back.
 */
#ifndef CORE_REMOTE_H
#define CORE_REMOTE_H

#include "core/entity.h"
#include "core/letter.h"
#include "link/link.h"

void remote_register_statements(void); /* remote_queue.c */
void remote_start_here(void); /* on each worker: the pairs of the former process with rows */
void remote_stop_here(void);  /* nothing is connected any more */
/* A letter to a domain that is not ours, on any worker; takes it. */
void remote_route(struct hm_letter *take);

/* --- remote_keep.c: in the sender's turn --- */
/* It goes to another domain, and gets a row. */
bool remote_is_kept(const struct entity *e, const struct hm_letter *l);
/*
 * Stores its row, and what the sender's modules store of a letter that leaves.  Gives the letter that is to
 * be routed: one in custody goes home with the commit, and another goes on in its place.
 */
struct hm_letter *remote_keep(struct entity *e, struct hm_letter *take) HM_MUST_USE;

/* --- From the stream side; all take the message --- */
void remote_up(struct link_msg *take);
void remote_down(struct link_msg *take);
void remote_acked(struct link_msg *take);

/* --- remote_in.c --- */
/* A stanza from a remote server. */
void remote_in(struct link_msg *take);
/* Posts a letter that is done with to where it came in; any worker. */
void remote_return(struct hm_letter *take);

#endif
