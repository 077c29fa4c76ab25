/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/outstanding.h - requests that the server has sent for a host, an account or an entity
 * (hm_iq_send).
 */
#ifndef CORE_OUTSTANDING_H
#define CORE_OUTSTANDING_H

#include "core/letter.h"

/*
 * Is it the answer to one of them?  Then it takes the letter, perhaps to the worker that asked.
 * Outside turns.
 */
bool outstanding_answered(struct hm_letter *take);

#endif
