/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/derive.h - verifiers of new passwords.  The sums run in loop/offload.h; what one turn asks
 * for goes there in bundles, so that the results are written in one commit.  On a worker.
 */
#ifndef CORE_DERIVE_H
#define CORE_DERIVE_H

#include <stdbool.h>

#include "crypto/hash.h"

/* Embedded in what waits for it, which must live until done. */
struct derivation {
	char *password; /* prepared (RFC 8265 4.2); wiped as soon as it is done with */
	unsigned iterations;
	char *verifier[CRYPTO_HASHES]; /* the result, as scram_write() writes it */
	bool derived;
	/* derived: false when libcrypto refused, or too many wait; then at once perhaps. */
	void (*done)(struct derivation *d, bool derived);
};

void derivation_start(struct derivation *d);
/* Overwrites and frees both texts. */
void derivation_wipe(struct derivation *d);

#endif
