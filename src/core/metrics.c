/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/metrics.c - the core's own counters. */
#include "core/metrics.h"

#include "base/metrics.h"

static const struct metric table[CM_COUNT] = {
	[CM_ROUTED] = { "hermod_stanzas_routed", "Stanzas given to the router.", METRIC_COUNTER },
	[CM_STANZAS_IN] = { "hermod_client_stanzas_received", "Stanzas received from clients.",
	                    METRIC_COUNTER },
	[CM_STANZAS_OUT] = { "hermod_client_stanzas_sent", "Stanzas sent to clients.",
	                     METRIC_COUNTER },
	[CM_SESSIONS] = { "hermod_sessions", "Client sessions that are authenticated.",
	                  METRIC_GAUGE },
	[CM_ENTITIES] = { "hermod_entities", "Accounts and other entities in memory.",
	                  METRIC_GAUGE },
	[CM_LOADS] = { "hermod_entity_loads", "Entities loaded from the store.", METRIC_COUNTER },
	[CM_LOGINS] = { "hermod_logins", "Successful authentications.", METRIC_COUNTER },
	[CM_AUTH_FAILED] = { "hermod_authentications_failed", "Authentications that failed.",
	                     METRIC_COUNTER },
	[CM_AUTH_LIMITED] = { "hermod_authentications_limited",
	                      "Authentications refused because of too many failures.",
	                      METRIC_COUNTER },
	[CM_HOLD_TIME] = { "hermod_hold_seconds", "Time from a change in memory to its commit.",
	                   METRIC_HISTOGRAM },
	[CM_HIBERNATING] = { "hermod_sessions_hibernating",
	                     "Sessions that wait for their client to come back.", METRIC_GAUGE },
	[CM_RESUMED] = { "hermod_sessions_resumed", "Sessions that got a new connection.",
	                 METRIC_COUNTER },
	[CM_RESUMES_FAILED] = { "hermod_resumptions_failed",
	                        "Sessions that were asked for and were not there any more.",
	                        METRIC_COUNTER },
	[CM_UNACKNOWLEDGED] = { "hermod_stanzas_unacknowledged",
	                        "Stanzas sent to clients with stream management that these have not acknowledged.",
	                        METRIC_GAUGE },
	[CM_HOLDS_FAILED] = { "hermod_holds_failed", "Changes whose commit failed.",
	                      METRIC_COUNTER },
	[CM_HELD] = { "hermod_stanzas_held", "Stanzas of clients that are not done with yet.",
	              METRIC_GAUGE },
	[CM_CUSTODY_TIME] = { "hermod_custody_seconds",
	                      "Time from a client's stanza until it is stored where it belongs.",
	                      METRIC_HISTOGRAM },
	[CM_REPEATS] = { "hermod_messages_repeated",
	                 "Messages that a client sent again after it lost its stream: acknowledged, not delivered again.",
	                 METRIC_COUNTER },
	[CM_REMOTE_UP] = { "hermod_remote_connected",
	                   "Pairs of a local and another domain that have a stream to send on.",
	                   METRIC_GAUGE },
	[CM_REMOTE_WAITING] = { "hermod_remote_stanzas_waiting",
	                        "Stanzas for other domains that were not acknowledged there.",
	                        METRIC_GAUGE },
	[CM_REMOTE_SENT] = { "hermod_remote_stanzas_sent", "Stanzas sent to other domains.",
	                     METRIC_COUNTER },
	[CM_REMOTE_RECEIVED] = { "hermod_remote_stanzas_received",
	                         "Stanzas received from other domains.", METRIC_COUNTER },
	[CM_REMOTE_BOUNCED] = { "hermod_remote_stanzas_returned",
	                        "Stanzas for other domains that went back to their senders.",
	                        METRIC_COUNTER },
	[CM_REMOTE_REPEATS] = { "hermod_remote_messages_repeated",
	                        "Messages that another server sent again after it lost its stream: not delivered again.",
	                        METRIC_COUNTER },
	[CM_REMOTE_FAILED] = { "hermod_remote_connects_failed",
	                       "Streams to other domains that could not be had.", METRIC_COUNTER },
};
static unsigned first;

void
core_metrics_register(void)
{
	metrics_register(table, CM_COUNT, &first);
}

unsigned
core_metric(enum core_metric which)
{
	return first + which;
}
