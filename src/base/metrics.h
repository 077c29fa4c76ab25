/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/metrics.h - counters, gauges and histograms.  Declared once as static
 * tables, registered at start; each thread adds to a shard of its own (relaxed atomics),
 * a reader sums over the shards.  Text form is OpenMetrics.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric {
	/* "hermod_messages_routed" without _total; fixed unit in the name (_seconds, _bytes). */
	const char *name;
	const char *help; /* one sentence */
	enum metric_type type;
};

#define METRICS_MAX 256
#define METRIC_SHARDS_MAX 72

/* Before threads start.  Ids of the table are *first, *first + 1, ... */
void metrics_register(const struct metric *table, size_t n, unsigned *first);
/* The i-th of those that are registered; NULL: there are no more. */
const struct metric *metrics_at(unsigned i);
void
metrics_thread(unsigned shard); /* which shard this thread adds to; 0 is shared by all others */
void metric_add(unsigned id, int64_t n);
/* Histogram, buckets 1 us .. 16 s by powers of two; shown in seconds. */
void metric_observe(unsigned id, int64_t microseconds);
int64_t metric_value(unsigned id);   /* sum over the shards; count for histograms */
void metrics_write(struct buf *out); /* OpenMetrics text, ends in "# EOF\n" */

#endif
