/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* stream/mechanism.c - the table of SASL mechanisms. */
#include "stream/mechanism.h"

#include <string.h>

/* Channel binding counts more than the hash: it is what a man in the middle cannot pass. */
const struct mechanism mechanisms[MECHANISMS] = {
	{ "SCRAM-SHA-512-PLUS", CRYPTO_SHA512, .plus = true },
	{ "SCRAM-SHA-256-PLUS", CRYPTO_SHA256, .plus = true },
	{ "SCRAM-SHA-1-PLUS", CRYPTO_SHA1, .plus = true },
	{ "SCRAM-SHA-512", CRYPTO_SHA512 },
	{ "SCRAM-SHA-256", CRYPTO_SHA256 },
	{ "SCRAM-SHA-1", CRYPTO_SHA1 },
	{ "PLAIN", .plain = true },
};

const struct mechanism *
mechanism_find(const char *name)
{
	for (unsigned i = 0; i < MECHANISMS; i++) {
		if (strcmp(mechanisms[i].name, name) == 0)
			return &mechanisms[i];
	}
	return NULL;
}

unsigned
mechanisms_named(const struct hm_conf_list *names)
{
	unsigned bits = 0;

	for (size_t i = 0; i < names->n; i++) {
		const struct mechanism *named = mechanism_find(names->v[i]);

		for (unsigned k = 0; named && k < MECHANISMS; k++) {
			if (mechanisms[k].plain == named->plain &&
			    (named->plain || mechanisms[k].hash == named->hash))
				bits |= 1u << k;
		}
	}
	return bits;
}
