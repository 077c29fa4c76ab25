/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/trace.h - live stanzas of one account, for `hermodctl trace`. */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include "core/command.h"
#include "core/session.h"

/* Costs one look at a flag while nothing is traced. in: from the client. */
void
trace_stanza(const struct hm_session *s, bool in, const struct hm_stanza *stanza, const char *to);
/* At the account's home: events go to cmd until it is cancelled. */
void trace_start(struct hm_cmd *cmd);

#endif
