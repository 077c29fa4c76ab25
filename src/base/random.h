/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* base/random.h - the kernel's CSPRNG (getrandom), buffered per thread. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t len);
uint64_t random_u64(void);
/* `chars` characters of [0-9a-zA-Z_-], 6 random bits each, and a NUL; out holds chars + 1. */
char *random_token(char *out, size_t chars);

#endif
