/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/metrics.h - the core's own counters. */
#ifndef CORE_METRICS_H
#define CORE_METRICS_H

enum core_metric {
	CM_ROUTED,
	CM_STANZAS_IN,
	CM_STANZAS_OUT,
	CM_SESSIONS,
	CM_ENTITIES,
	CM_LOADS,
	CM_LOGINS,
	CM_AUTH_FAILED,
	CM_AUTH_LIMITED,
	CM_HOLD_TIME,
	CM_HOLDS_FAILED,
	CM_HELD,
	CM_CUSTODY_TIME,
	CM_REPEATS,
	CM_HIBERNATING,
	CM_RESUMED,
	CM_RESUMES_FAILED,
	CM_UNACKNOWLEDGED,
	CM_REMOTE_UP,
	CM_REMOTE_WAITING,
	CM_REMOTE_SENT,
	CM_REMOTE_RECEIVED,
	CM_REMOTE_BOUNCED,
	CM_REMOTE_FAILED,
	CM_REMOTE_REPEATS,
	CM_COUNT
};

void core_metrics_register(void);
unsigned core_metric(enum core_metric which); /* its id for base/metrics.h */

#endif
