/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/hosted.c - letters for a host itself: requests run where they arrive, on read-only state
 * (DESIGN 1: a local host is at home on every worker).
 */
#include "core/iq.h"
#include "core/outstanding.h"
#include "core/router.h"
#include "core/turn.h"
#include "core/user.h"

void
host_receive(struct host *h, struct hm_letter *take)
{
	const struct hm_stanza *s = take->stanza;

	if (s->kind == STANZA_IQ && (s->type == TYPE_GET || s->type == TYPE_SET) &&
	    !take->to_resource) {
		turn_begin(NULL, take);
		iq_begin(HM_TO_HOST, h, NULL, take);
		turn_end();
	} else if (outstanding_answered(take)) {
		return;
	} else if (s->kind == STANZA_IQ || s->kind == STANZA_MESSAGE) {
		/* RFC 6121 8.4: nobody reads messages here. letter_refuse() answers no errors and results. */
		letter_refuse(take, HM_SERVICE_UNAVAILABLE, NULL);
	} else {
		letter_free(&take);
	}
}
