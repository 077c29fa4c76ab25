/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/secret.h - the installation's secret, of which the salts of accounts that do not exist are
 * made: whoever asks twice sees the same, also after a restart.
 */
#ifndef CORE_SECRET_H
#define CORE_SECRET_H

#include <stdbool.h>

#include "crypto/scram.h"

void secret_register_statements(void);
/* On a worker, once.  Makes it or reads it; ready(true) in a later turn, ready(false) perhaps at once. */
void secret_load(void (*ready)(bool ok));
/* SCRAM_SECRET_LEN bytes.  Any thread, after that. */
const unsigned char *secret_bytes(void);

#endif
