/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/shown.h - which messages a client without stream management has got: it answers a ping that
 * was sent behind them.  At the home of its account.
 */
#ifndef CORE_SHOWN_H
#define CORE_SHOWN_H

#include "core/session.h"

/* A message that is known under this id was written to the client. */
void shown_add(struct hm_session *s, int64_t id);
/* Asks now for what was written so far. Inside a turn. */
void shown_ask(struct hm_session *s);
/* Their connection is gone, and the session goes on without them.  Inside a turn. */
void shown_lost(struct hm_session *s);
/* The session is over: what it has not confirmed is told to the modules.  Inside a turn. */
void shown_settle(struct hm_session *s);
void shown_free(struct hm_session *s);

#endif
