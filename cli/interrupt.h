/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * cli/interrupt.h - SIGINT, SIGTERM and SIGHUP are counted, not obeyed: the
 * first cancels what the server does for us, the second ends the program.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <signal.h>

void interrupt_init(void);
unsigned interrupt_count(void);
/* The mask for ppoll(2): they arrive in it and nowhere else, so that none falls between a check and a wait. */
const sigset_t *interrupt_mask(void);

#endif
