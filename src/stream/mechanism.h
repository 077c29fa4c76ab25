/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* stream/mechanism.h - the SASL mechanisms that we know, strongest first. */
#ifndef STREAM_MECHANISM_H
#define STREAM_MECHANISM_H

#include <stdbool.h>

#include <hermod/conf.h>

#include "crypto/hash.h"

struct mechanism {
	const char *name;
	enum crypto_hash hash; /* of SCRAM */
	bool plus;             /* with channel binding (RFC 5802 6) */
	bool plain;            /* PLAIN (RFC 4616), else SCRAM */
};

#define MECHANISMS 7
extern const struct mechanism mechanisms[MECHANISMS];

/* By its exact name; NULL: unknown. */
const struct mechanism *mechanism_find(const char *name);
/* Bits (1 << index) of what the configuration names, each with its -PLUS. */
unsigned mechanisms_named(const struct hm_conf_list *names);

static inline unsigned
mechanism_bit(const struct mechanism *m)
{
	return 1u << (m - mechanisms);
}

#endif
