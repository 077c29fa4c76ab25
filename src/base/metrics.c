/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/metrics.c - counting that costs nothing.  Each worker adds to a shard of
 * its own, aligned to cache lines, with plain loads and stores (relaxed
 * atomics, so that a reader on another thread is in order); shard 0 belongs to
 * all other threads together and is added to atomically.  The shards are in
 * .bss: pages that nobody counts on take no memory.
 */
#include "base/metrics.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <hermod/values.h>

#define BUCKETS 25 /* up to 1 us, 2 us, ... 2^24 us */
/* Of a histogram: the buckets, what lies above them, and the sum in microseconds. */
#define CELL_ABOVE BUCKETS
#define CELL_SUM (BUCKETS + 1)
#define HISTOGRAM_CELLS (BUCKETS + 2)
#define CELLS_MAX 4096
#define CACHE_LINE 64

struct shard {
	_Alignas(CACHE_LINE) _Atomic int64_t cell[CELLS_MAX];
};

static struct shard shards[METRIC_SHARDS_MAX];
static _Atomic unsigned shards_used = 1;
static _Thread_local unsigned own_shard;

static struct {
	struct metric metric;
	unsigned cell; /* the first one */
} metrics[METRICS_MAX];
static unsigned metrics_n, cells_n;

void
metrics_register(const struct metric *table, size_t n, unsigned *first)
{
	hm_assert(n <= METRICS_MAX - metrics_n);
	*first = metrics_n;
	for (size_t i = 0; i < n; i++, metrics_n++) {
		unsigned cells = table[i].type == METRIC_HISTOGRAM ? HISTOGRAM_CELLS : 1;

		hm_assert(cells <= CELLS_MAX - cells_n);
		metrics[metrics_n].metric = table[i];
		metrics[metrics_n].cell = cells_n;
		cells_n += cells;
	}
}

const struct metric *
metrics_at(unsigned i)
{
	return i < metrics_n ? &metrics[i].metric : NULL;
}

void
metrics_thread(unsigned shard)
{
	unsigned used = atomic_load(&shards_used);

	hm_assert(shard < METRIC_SHARDS_MAX);
	own_shard = shard;
	while (used <= shard && !atomic_compare_exchange_weak(&shards_used, &used, shard + 1))
		;
}

static void
cell_add(unsigned cell, int64_t n)
{
	_Atomic int64_t *c = &shards[own_shard].cell[cell];

	if (own_shard == 0)
		atomic_fetch_add_explicit(c, n, memory_order_relaxed);
	else
		atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
		                      memory_order_relaxed);
}

static int64_t
cell_sum(unsigned cell)
{
	unsigned used = atomic_load_explicit(&shards_used, memory_order_relaxed);
	int64_t sum = 0;

	for (unsigned i = 0; i < used; i++)
		sum += atomic_load_explicit(&shards[i].cell[cell], memory_order_relaxed);
	return sum;
}

void
metric_add(unsigned id, int64_t n)
{
	hm_assert(id < metrics_n && metrics[id].metric.type != METRIC_HISTOGRAM);
	cell_add(metrics[id].cell, n);
}

/* Bucket i takes what is at most 2^i us. */
static unsigned
bucket_of(int64_t microseconds)
{
	unsigned i;

	if (microseconds <= 1)
		return 0;
	i = 64 - (unsigned)__builtin_clzll((unsigned long long)microseconds - 1);
	return i < BUCKETS ? i : CELL_ABOVE;
}

void
metric_observe(unsigned id, int64_t microseconds)
{
	hm_assert(id < metrics_n && metrics[id].metric.type == METRIC_HISTOGRAM);
	if (microseconds < 0)
		microseconds = 0;
	cell_add(metrics[id].cell + bucket_of(microseconds), 1);
	cell_add(metrics[id].cell + CELL_SUM, microseconds);
}

int64_t
metric_value(unsigned id)
{
	int64_t sum = 0;

	hm_assert(id < metrics_n);
	if (metrics[id].metric.type != METRIC_HISTOGRAM)
		return cell_sum(metrics[id].cell);
	for (unsigned i = 0; i <= CELL_ABOVE; i++)
		sum += cell_sum(metrics[id].cell + i);
	return sum;
}

/* --- OpenMetrics text ------------------------------------------------------ */

static bool
ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len > end_len && strcmp(name + len - end_len, end) == 0;
}

static void
write_head(struct buf *out, const struct metric *m)
{
	static const char *const types[] = {
		[METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge",
		[METRIC_HISTOGRAM] = "histogram",
	};

	buf_printf(out, "# TYPE %s %s\n", m->name, types[m->type]);
	if (ends_in(m->name, "_seconds"))
		buf_printf(out, "# UNIT %s seconds\n", m->name);
	else if (ends_in(m->name, "_bytes"))
		buf_printf(out, "# UNIT %s bytes\n", m->name);
	buf_printf(out, "# HELP %s ", m->name);
	for (const char *s = m->help; *s; s++) {
		if (*s == '\\' || *s == '"')
			buf_putc(out, '\\');
		if (*s == '\n')
			buf_puts(out, "\\n");
		else
			buf_putc(out, *s);
	}
	buf_putc(out, '\n');
}

static void
write_histogram(struct buf *out, const char *name, unsigned cell)
{
	long long count = 0;
	double sum = (double)cell_sum(cell + CELL_SUM) / 1e6;

	for (unsigned i = 0; i < BUCKETS; i++) {
		count += cell_sum(cell + i);
		buf_printf(out, "%s_bucket{le=\"%.9g\"} %lld\n", name, (double)(1u << i) / 1e6,
		           count);
	}
	count += cell_sum(cell + CELL_ABOVE);
	buf_printf(out, "%s_bucket{le=\"+Inf\"} %lld\n", name, count);
	buf_printf(out, "%s_sum %.6f\n%s_count %lld\n", name, sum, name, count);
}

void
metrics_write(struct buf *out)
{
	for (unsigned id = 0; id < metrics_n; id++) {
		const struct metric *m = &metrics[id].metric;

		write_head(out, m);
		if (m->type == METRIC_HISTOGRAM)
			write_histogram(out, m->name, metrics[id].cell);
		else
			buf_printf(out, "%s%s %lld\n", m->name,
			           m->type == METRIC_COUNTER ? "_total" : "",
			           (long long)metric_value(id));
	}
	buf_puts(out, "# EOF\n");
}
