/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/caps.h - the verification string of a host's entity capabilities (XEP-0115 5.1). */
#ifndef CORE_CAPS_H
#define CORE_CAPS_H

#include "core/host.h"

/*
 * Computes it anew: the host is published, or its configuration has changed. One thread at a time.
 */
void caps_renew(struct host *h);

#endif
