/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/describe.h - everything that server and modules declare, as JSON: the source of reference lists. */
#ifndef DAEMON_DESCRIBE_H
#define DAEMON_DESCRIBE_H

#include <stdbool.h>

/* To standard output, all modules of the module path included.  false: why is on standard error. */
bool describe_print(void);

#endif
