/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* stream/metrics.c - the table of what the stream side counts. */
#include "stream/metrics.h"

#include <hermod/values.h>

#include "base/metrics.h"

static const struct metric of_clients[STREAM_METRICS] = {
	[SM_STREAMS] = { "hermod_c2s_connections", "Open client connections.", METRIC_GAUGE },
	[SM_ACCEPTED] = { "hermod_c2s_accepted", "Client connections that were accepted.",
	                  METRIC_COUNTER },
	[SM_REFUSED] = { "hermod_c2s_refused",
	                 "Client connections that were closed at once by a limit.",
	                 METRIC_COUNTER },
	[SM_STANZAS_IN] = { "hermod_c2s_stanzas_received", "Stanzas from clients.",
	                    METRIC_COUNTER },
	[SM_STANZAS_OUT] = { "hermod_c2s_stanzas_sent", "Stanzas to clients.", METRIC_COUNTER },
	[SM_ERRORS] = { "hermod_c2s_stream_errors", "Stream errors sent to clients.",
	                METRIC_COUNTER },
	[SM_CUT] = { "hermod_c2s_cut", "Clients that were cut because they read too slowly.",
	             METRIC_COUNTER },
	[SM_HELD_CREDIT] = { "hermod_c2s_held_credit",
	                     "Times that reading from a client paused for stanzas in flight.",
	                     METRIC_COUNTER },
	[SM_HELD_RATE] = { "hermod_c2s_held_rate",
	                   "Times that reading from a client paused for its rate.",
	                   METRIC_COUNTER },
	[SM_TIMEOUTS] = { "hermod_c2s_negotiation_timeouts", "Clients that did not log in in time.",
	                  METRIC_COUNTER },
};

static const struct metric of_servers[STREAM_METRICS] = {
	[SM_STREAMS] = { "hermod_s2s_connections", "Open connections with servers.", METRIC_GAUGE },
	[SM_ACCEPTED] = { "hermod_s2s_accepted", "Connections of servers that were accepted.",
	                  METRIC_COUNTER },
	[SM_REFUSED] = { "hermod_s2s_refused",
	                 "Connections of servers that were closed at once by a limit.",
	                 METRIC_COUNTER },
	[SM_STANZAS_IN] = { "hermod_s2s_stanzas_received", "Stanzas from servers.",
	                    METRIC_COUNTER },
	[SM_STANZAS_OUT] = { "hermod_s2s_stanzas_sent", "Stanzas to servers.", METRIC_COUNTER },
	[SM_ERRORS] = { "hermod_s2s_stream_errors", "Stream errors sent to servers.",
	                METRIC_COUNTER },
	[SM_CUT] = { "hermod_s2s_cut", "Servers that were cut because they read too slowly.",
	             METRIC_COUNTER },
	[SM_HELD_CREDIT] = { "hermod_s2s_held_credit",
	                     "Times that reading from a server paused for stanzas in flight.",
	                     METRIC_COUNTER },
	[SM_HELD_RATE] = { "hermod_s2s_held_rate",
	                   "Times that reading from a server paused for its rate.",
	                   METRIC_COUNTER },
	[SM_TIMEOUTS] = { "hermod_s2s_negotiation_timeouts",
	                  "Servers that did not show who they are, or did not answer, in time.",
	                  METRIC_COUNTER },
};

/* Outcomes of SASL: two for each of mechanisms[], in its order. */
#define OUTCOMES(id, name)                                                                         \
	{ "hermod_sasl_" id "_succeeded", "Logins by " name ".", METRIC_COUNTER },                 \
	{                                                                                          \
		"hermod_sasl_" id "_failed", "Failed exchanges of " name ".", METRIC_COUNTER       \
	}
static const struct metric outcomes[MECHANISMS * 2] = {
	OUTCOMES("scram_sha_512_plus", "SCRAM-SHA-512-PLUS"),
	OUTCOMES("scram_sha_256_plus", "SCRAM-SHA-256-PLUS"),
	OUTCOMES("scram_sha_1_plus", "SCRAM-SHA-1-PLUS"),
	OUTCOMES("scram_sha_512", "SCRAM-SHA-512"),
	OUTCOMES("scram_sha_256", "SCRAM-SHA-256"),
	OUTCOMES("scram_sha_1", "SCRAM-SHA-1"),
	OUTCOMES("plain", "PLAIN"),
};

static unsigned first_metric[2], first_outcome;
static bool registered;

void
stream_metrics_register(void)
{
	if (registered)
		return;
	registered = true;
	metrics_register(of_clients, STREAM_METRICS, &first_metric[OF_CLIENTS]);
	metrics_register(of_servers, STREAM_METRICS, &first_metric[OF_SERVERS]);
	metrics_register(outcomes, HM_COUNT(outcomes), &first_outcome);
}

void
stream_count_metric(enum stream_metrics_of of, enum stream_metric metric, int64_t n)
{
	metric_add(first_metric[of] + metric, n);
}

void
stream_count_auth(const struct mechanism *m, bool success)
{
	metric_add(first_outcome + 2 * (unsigned)(m - mechanisms) + (success ? 0 : 1), 1);
}
