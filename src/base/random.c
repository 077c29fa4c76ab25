/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/random.c - bytes of the kernel's CSPRNG.  A system call per stream id
 * would cost more than the id; so each thread fetches a few hundred bytes at
 * once.  Bytes are wiped as they are given out, and a child of fork() never
 * gives out what its parent holds.
 */
#include "base/random.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"

#define RANDOM_BUFFER 256 /* getrandom() is never cut short up to this */

static _Thread_local struct {
	unsigned char bytes[RANDOM_BUFFER];
	size_t left; /* at the end of bytes */
} pool;

static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void
child_started(void)
{
	pool.left = 0;
}

static void
watch_forks(void)
{
	pthread_atfork(NULL, NULL, child_started);
}

static void
from_kernel(unsigned char *out, size_t len)
{
	while (len) {
		ssize_t got = getrandom(out, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			/* To go on without randomness would be worse than to end. */
			log_line(NULL, HM_ERROR, "no random bytes from the kernel",
			         hm_kv("errno", errno));
			abort();
		}
		out += got;
		len -= (size_t)got;
	}
}

void
random_bytes(void *out, size_t len)
{
	unsigned char *from;

	if (len > RANDOM_BUFFER / 4) {
		from_kernel(out, len);
		return;
	}
	if (len > pool.left) {
		pthread_once(&fork_once, watch_forks);
		from_kernel(pool.bytes, sizeof(pool.bytes));
		pool.left = sizeof(pool.bytes);
	}
	from = pool.bytes + sizeof(pool.bytes) - pool.left;
	memcpy(out, from, len);
	explicit_bzero(from, len);
	pool.left -= len;
}

uint64_t
random_u64(void)
{
	uint64_t n;

	random_bytes(&n, sizeof(n));
	return n;
}

char *
random_token(char *out, size_t chars)
{
	static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-";

	random_bytes(out, chars);
	for (size_t i = 0; i < chars; i++)
		out[i] = alphabet[out[i] & 63];
	out[chars] = '\0';
	return out;
}
