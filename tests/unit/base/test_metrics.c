/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Metrics: shards, buckets, the text of OpenMetrics. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hermod/values.h>

#include "base/metrics.h"

enum { ROUTED, SESSIONS, LOGIN_SECONDS };

static const struct metric table[] = {
	[ROUTED] = { "hermod_messages_routed", "Messages that were routed.", METRIC_COUNTER },
	[SESSIONS] = { "hermod_sessions", "Sessions, \"idle\" ones\ntoo.", METRIC_GAUGE },
	[LOGIN_SECONDS] = { "hermod_login_seconds", "Time from connect to bind.",
	                    METRIC_HISTOGRAM },
};
static unsigned first;

static int
register_table(void **state)
{
	unsigned other;

	metrics_register(table, 1, &other);
	metrics_register(table, HM_COUNT(table), &first);
	return first == other + 1 ? 0 : -1;
}

static void *
count(void *shard)
{
	metrics_thread(*(unsigned *)shard);
	for (int i = 0; i < 10000; i++)
		metric_add(first + ROUTED, 1);
	metric_add(first + SESSIONS, 5);
	return NULL;
}

static void
all_shards_are_summed(void **state)
{
	unsigned shards[] = { 1, 2, 0, 0, METRIC_SHARDS_MAX - 1 };
	pthread_t threads[HM_COUNT(shards)];

	for (size_t i = 0; i < HM_COUNT(shards); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count, &shards[i]), 0);
	for (size_t i = 0; i < HM_COUNT(shards); i++)
		pthread_join(threads[i], NULL);
	metric_add(first + SESSIONS, -3);
	assert_int_equal(metric_value(first + ROUTED), 50000);
	assert_int_equal(metric_value(first + SESSIONS), 22);
}

static void
a_histogram_sorts_by_powers_of_two(void **state)
{
	static const int64_t observed[] = { -5, 0,       1,        2,        3,         4,
		                            5,  1000000, 16777216, 16777217, 3600000000 };
	struct buf out = { 0 };

	for (size_t i = 0; i < HM_COUNT(observed); i++)
		metric_observe(first + LOGIN_SECONDS, observed[i]);
	assert_int_equal(metric_value(first + LOGIN_SECONDS), 11);
	metrics_write(&out);
	assert_non_null(strstr(out.data, "\n# TYPE hermod_login_seconds histogram\n"
	                                 "# UNIT hermod_login_seconds seconds\n"
	                                 "# HELP hermod_login_seconds Time from connect to bind.\n"
	                                 "hermod_login_seconds_bucket{le=\"1e-06\"} 3\n"
	                                 "hermod_login_seconds_bucket{le=\"2e-06\"} 4\n"
	                                 "hermod_login_seconds_bucket{le=\"4e-06\"} 6\n"
	                                 "hermod_login_seconds_bucket{le=\"8e-06\"} 7\n"
	                                 "hermod_login_seconds_bucket{le=\"1.6e-05\"} 7\n"));
	assert_non_null(strstr(out.data, "hermod_login_seconds_bucket{le=\"1.048576\"} 8\n"));
	assert_non_null(strstr(out.data, "hermod_login_seconds_bucket{le=\"16.777216\"} 9\n"
	                                 "hermod_login_seconds_bucket{le=\"+Inf\"} 11\n"
	                                 "hermod_login_seconds_sum 3634.554448\n"
	                                 "hermod_login_seconds_count 11\n"));
	buf_free(&out);
}

static void
counters_and_gauges_are_written(void **state)
{
	struct buf out = { 0 };

	metrics_write(&out);
	assert_non_null(strstr(out.data,
	                       "# TYPE hermod_messages_routed counter\n"
	                       "# HELP hermod_messages_routed Messages that were routed.\n"
	                       "hermod_messages_routed_total 50000\n"
	                       "# TYPE hermod_sessions gauge\n"
	                       "# HELP hermod_sessions Sessions, \\\"idle\\\" ones\\ntoo.\n"
	                       "hermod_sessions 22\n"));
	assert_string_equal(out.data + out.len - 6, "# EOF\n");
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_shards_are_summed),
		cmocka_unit_test(a_histogram_sorts_by_powers_of_two),
		cmocka_unit_test(counters_and_gauges_are_written),
	};

	return cmocka_run_group_tests(tests, register_table, NULL);
}
