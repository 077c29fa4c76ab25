/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/certificates.c - a timer on worker 0. */
#include "daemon/certificates.h"

#include "base/log.h"
#include "base/mem.h"
#include "daemon/server.h"
#include "loop/timer.h"
#include "stream/s2s.h"
#include "stream/stream.h"

#define LOOK_MS (60 * 1000)

static struct timer look;
static struct server *watched;

void
certificates_use(struct server *server, const struct settings_tls *take)
{
	const struct stream_tls tls = { take->clients, take->clients };

	stream_reload(&server->settings->c2s, server->settings->c2s_hosts,
	              server->settings->n_c2s_hosts, &tls);
	s2s_reload(&server->settings->s2s, take->servers);
	settings_tls_free(&server->tls);
	server->tls = *take;
}

static void
look_now(struct timer *t)
{
	struct conf_report *report;
	struct settings_tls tls;

	timer_start(t, LOOK_MS, look_now);
	if (watched->stopping || !tls_context_stale(watched->tls.clients))
		return;
	report = mem_new(struct conf_report);
	tls = settings_tls(watched->settings, report);
	if (tls.clients) {
		certificates_use(watched, &tls);
		log_line(NULL, HM_INFO, "certificates were read again");
	}
	/* Perhaps only one of two files is there yet: the next minute tells. */
	for (size_t i = 0; i < report->n; i++)
		log_line(NULL, HM_WARN, "a certificate has changed and cannot be used",
		         hm_kv("error", report->mistakes[i].text));
	mem_free(report);
}

void
certificates_watch(struct server *server)
{
	watched = server;
	timer_start(&look, LOOK_MS, look_now);
}
