/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * tests/unit/stream/fake_core.h - a core for the tests of stream: hosts a.example and
 * b.example, one account (juliet@a.example, password "secret"), and sessions that answer an IQ with its
 * result.  What it is asked to do goes by the local part of other names; see fake_core.c.
 */
#ifndef FAKE_CORE_H
#define FAKE_CORE_H

#include <stdatomic.h>

#include "link/link.h"

#define FAKE_PASSWORD "secret"

/* What has come from the stream side; any thread. */
extern atomic_uint fake_seen[LINK_CLOSE + 1];
extern atomic_uint fake_closed[LINK_CLOSED_FAULT + 1]; /* by how */
extern atomic_uint fake_succeeded;                     /* of the outcomes */
extern atomic_bool fake_no_credit; /* while set, stanzas are answered, but credit is kept back */
extern atomic_uint fake_attach_worker; /* where the last LINK_ATTACH came */

/* The defaults of the keys. */
struct stream_settings;
void fake_settings(struct stream_settings *settings);
void fake_core_init(void);
void fake_core_receive(struct link_msg *take);

#endif
