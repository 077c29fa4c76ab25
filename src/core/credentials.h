/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/credentials.h - what authentication asks of the core. */
#ifndef CORE_CREDENTIALS_H
#define CORE_CREDENTIALS_H

#include "link/link.h"

void credentials_look_up(struct link_msg *take); /* LINK_LOOK_UP, at the guard of the source */
void credentials_outcome(struct link_msg *take); /* LINK_AUTH_OUTCOME, likewise */

#endif
