/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/nonza.h - elements from a client that are no stanzas: stream management's, and modules'. */
#ifndef CORE_NONZA_H
#define CORE_NONZA_H

#include "core/session.h"

bool nonza_is(const struct hm_elem *root);
/* Inside a turn. What nobody knows ends the stream (RFC 6120 4.9.3.24). */
void nonza_received(struct hm_session *s, const struct hm_elem *root);

#endif
