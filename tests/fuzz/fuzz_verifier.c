/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Fuzz target of SCRAM verifiers: whatever is accepted is written back as the very
 * same text, so no two texts mean one verifier.
 */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_strndup((const char *)data, size);
	char again[SCRAM_TEXT_MAX];
	struct scram_keys keys;

	if (scram_parse(&keys, text)) {
		scram_write(&keys, again);
		hm_assert(strcmp(again, text) == 0);
	}
	mem_free(text);
	return 0;
}
