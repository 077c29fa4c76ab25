/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/sasl.h - libsasl2, and all that is to be known about it.  One exchange is made
 * for one <auth/> and goes with its end.  Verifiers and the judgement of a password are there before
 * it starts: libsasl2 looks up synchronously.  On any worker; an exchange stays on one.
 */
#ifndef STREAM_SASL_H
#define STREAM_SASL_H

#include <stdbool.h>
#include <stddef.h>

#include <hermod/values.h>

#include "stream/binding.h"
#include "stream/mechanism.h"

/* Once, before threads. */
bool sasl_library_init(struct hm_error *why) HM_MUST_USE;
void sasl_library_free(void);

enum exchange_result {
	EXCHANGE_DONE,    /* out: additional data for <success/>, or NULL */
	EXCHANGE_MORE,    /* out: the next challenge */
	EXCHANGE_REFUSED, /* wrong password, unknown user, channel binding that does not fit ... */
	EXCHANGE_MALFORMED,
	EXCHANGE_UNAVAILABLE, /* no fault of the client's */
};

struct exchange_input {
	const char *data;
	size_t len;
};

struct exchange;
/* verifier: as crypto/scram.h writes it; copied.  For PLAIN NULL, and the exchange only made once the password was found right. NULL: libsasl2 refused. */
struct exchange *exchange_new(const struct mechanism *m, const char *domain, const char *verifier,
                              const struct channel_binding *binding);
/* The client's first message, then each response. out lives until the next call. */
enum exchange_result
exchange_start(struct exchange *e, struct exchange_input in, struct exchange_input *out);
enum exchange_result
exchange_step(struct exchange *e, struct exchange_input in, struct exchange_input *out);
void exchange_free(struct exchange **e);

#endif
