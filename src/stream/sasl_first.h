/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/sasl_first.h - reads the client's first message of PLAIN (RFC 4616) and SCRAM
 * (RFC 5802 7): who wants to log in must be known before libsasl2 is asked, which looks up
 * synchronously.  Pure functions.
 */
#ifndef STREAM_SASL_FIRST_H
#define STREAM_SASL_FIRST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

#define SASL_MESSAGE_MAX 2048 /* what libscram takes */

struct sasl_first {
	char flag;            /* SCRAM: 'n' no channel binding, 'y' could, 'p' does */
	const char *binding;  /* 'p': its type */
	const char *authzid;  /* "" when absent */
	const char *user;     /* never empty */
	const char *password; /* PLAIN: inside the message, which is a secret */
};

/* message[len] must be a NUL.  false: malformed.  Strings are in a but for the password. */
bool sasl_first_plain(struct sasl_first *out, const char *message, size_t len, struct arena *a);
bool sasl_first_scram(struct sasl_first *out, const char *message, size_t len, struct arena *a);

#endif
