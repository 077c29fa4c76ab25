/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * tests/fuzz/fuzz_sasl_first.c - the client's first message, as both PLAIN and SCRAM.  What
 * is accepted must keep its promises: a user, strings inside the bounds, and for PLAIN a password that is
 * part of the message.
 */
#include <stdint.h>
#include <string.h>

#include <hermod/values.h>

#include "base/mem.h"
#include "stream/sasl_first.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(const struct sasl_first *first, size_t len)
{
	hm_assert(first->user && *first->user && strlen(first->user) <= len);
	hm_assert(first->authzid && strlen(first->authzid) <= len);
	hm_assert((first->flag == 'p') == (first->binding != NULL));
	hm_assert(first->flag == 'p' || first->flag == 'n' || first->flag == 'y');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new(0);
	/* A copy of its own, so that the sanitizer sees who reads beyond the NUL. */
	char *message = mem_alloc(len + 1);
	struct sasl_first first;

	memcpy(message, data, len);
	message[len] = '\0';
	if (sasl_first_scram(&first, message, len, a)) {
		check(&first, len);
		hm_assert(!first.password);
	}
	if (sasl_first_plain(&first, message, len, a)) {
		check(&first, len);
		hm_assert(first.password + strlen(first.password) == message + len);
	}
	mem_free(message);
	arena_free(&a);
	return 0;
}
