/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/s2s_connect.c - the way to the server of a domain: where the configuration says, or the DNS.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/connect.h"
#include "stream/s2s_state.h"
#include "xmpp/jid.h"

static struct hm_logctx log_context = { .subject = "s2s" };

static const struct s2s_fixed *
find_fixed(const char *domain)
{
	const struct s2s_config *config = s2s_here.config;

	for (size_t i = 0; i < config->n_fixed; i++) {
		if (strcmp(config->fixed[i].domain, domain) == 0)
			return &config->fixed[i];
	}
	return NULL;
}

static enum hm_cond
cond_of(const struct connect_result *result)
{
	if (result->outcome != CONNECT_NOT_FOUND)
		return HM_REMOTE_SERVER_TIMEOUT;
	switch (result->targets->found) {
	case TARGETS_BAD_DOMAIN:
	case TARGETS_NO_DOMAIN:
	case TARGETS_NOT_OFFERED:
		return HM_REMOTE_SERVER_NOT_FOUND;
	default:
		return HM_REMOTE_SERVER_TIMEOUT;
	}
}

static void
done(void *ctx, const struct connect_result *result)
{
	/* As conn's write_timeout is for what the kernel does not take: for what the other end does not confirm. */
	unsigned patience = s2s_here.config->settings.common.write_timeout;
	struct targets *targets = result->targets;
	struct s2s *s = ctx;

	s->connecting = NULL;
	if (result->outcome != CONNECT_DONE) {
		enum hm_cond cond = cond_of(result);
		char text[sizeof(result->text)];

		memcpy(text, result->text, sizeof(text));
		targets_free(&targets);
		out_connected(s, -1, cond, text);
		return;
	}
	setsockopt(result->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
	s->direct_tls = result->target->direct_tls;
	log_line(&log_context, HM_DEBUG, "found", hm_kv("remote", s->remote),
	         hm_kv("host", result->target->host));
	targets_free(&targets);
	out_connected(s, result->fd, 0, NULL);
}

void
s2s_connect(struct s2s *s)
{
	const struct s2s_fixed *where = find_fixed(s->remote);
	const char *ascii = jid_domain_ascii(s->remote, worker_scratch());
	struct resolver_fixed fixed = { 0 };
	struct resolver_request request = {
		.domain = ascii ? ascii : s->remote,
		.fixed = &fixed,
		.timeout_ms = s2s_here.config->settings.connect_timeout,
	};

	if (where) {
		fixed = (struct resolver_fixed){ where->address, (uint16_t)where->port,
			                         where->direct_tls };
		request.n_fixed = 1;
	}
	s->connecting = connect_domain(&request, done, s);
}

void
s2s_connect_stop(struct s2s *s)
{
	connect_cancel(&s->connecting);
}
