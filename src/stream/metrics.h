/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* stream/metrics.h - what the stream side counts.  Bytes and handshakes are counted by net. */
#ifndef STREAM_METRICS_H
#define STREAM_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "stream/mechanism.h"

enum stream_metric {
	SM_STREAMS,
	SM_ACCEPTED,
	SM_REFUSED,
	SM_STANZAS_IN,
	SM_STANZAS_OUT,
	SM_ERRORS,
	SM_CUT,
	SM_HELD_CREDIT,
	SM_HELD_RATE,
	SM_TIMEOUTS,
	STREAM_METRICS
};

enum stream_metrics_of { OF_CLIENTS, OF_SERVERS };

void stream_metrics_register(void); /* once, before threads */
void stream_count_metric(enum stream_metrics_of of, enum stream_metric metric, int64_t n);
void stream_count_auth(const struct mechanism *m, bool success);

#endif
