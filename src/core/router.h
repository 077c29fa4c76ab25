/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/router.h - where a stanza goes: asks what its address is (DESIGN 1) and posts it to the
 * home of what stands behind it.  Any worker.
 */
#ifndef CORE_ROUTER_H
#define CORE_ROUTER_H

#include "core/letter.h"

void route(struct hm_letter *take);
/*
 * What carries stanzas to remote domains; NULL: every remote domain is unreachable. Takes the
 * letter.
 */
void router_set_remote(void (*remote)(struct hm_letter *take));
bool router_has_remote(void);
/* A letter for a host itself, on the worker where it arrived. (hosted.c) */
void host_receive(struct host *h, struct hm_letter *take);

#endif
