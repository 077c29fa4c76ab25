/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/core.c - start and stop of the core, its configuration keys, and the door for what the
 * stream side sends.
 */
#include "core/core.h"

#include <stdatomic.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/accounts.h"
#include "core/chain.h"
#include "core/changed.h"
#include "core/command.h"
#include "core/credentials.h"
#include "core/here.h"
#include "core/ids.h"
#include "core/iq.h"
#include "core/metrics.h"
#include "core/remote.h"
#include "core/router.h"
#include "core/session.h"
#include "core/sm_store.h"
#include "core/user.h"
#include "loop/worker.h"
#include "store/store.h"

static const char *const conflicts[] = { "replace", "rename", "refuse", NULL };
static const char *const deliveries[] = { "committed", "immediate", NULL };

const struct hm_conf_key core_keys[] = {
	HM_KEY(struct core_limits, resources, INT, "20", .min = "1", .max = "1000",
	       .doc = "Sessions that one account may have at the same time."),
	HM_KEY(struct core_limits, conflict, CHOICE, "replace", .choices = conflicts,
	       .doc = "What happens when a client binds a resource that is taken: the new session replaces the old one, gets another "
	              "resource, or is refused (RFC 6120 7.7.2.2)."),
	HM_KEY(struct core_limits, directed, INT, "1000", .min = "0", .max = "100000",
	       .doc = "Addresses of one session's directed presence that are told when it ends."),
	HM_KEY(struct core_limits, probe_timeout, DURATION, "60 s", .min = "1 s", .max = "1 h",
	       .doc = "A silent client that is asked whether it lives must answer in this time."),
	HM_KEY(struct core_limits, scram_iterations, INT, "4096", .min = "4096", .max = "1000000",
	       .doc = "Hash rounds for new passwords (RFC 5802)."),
	HM_KEY(struct core_limits, max_account_name, INT, "256", .min = "1", .max = "1023",
	       .doc = "Bytes that the name of a new account may have."),
	HM_KEY(struct core_limits, presence_size, SIZE, "16 KiB", .min = "1 KiB", .max = "1 MiB",
	       .doc = "The largest presence stanza of a client. Presence stays in memory as long as its session, and a request to "
	              "subscribe until it is answered."),
	HM_KEY(struct core_limits, unhandled_stanzas, INT, "256", .min = "16", .max = "1000000",
	       .doc = "Stanzas of one session that are under way to others, each addressee counted, or wait there for the database; beyond it "
	              "its client is not read."),
	HM_KEY(struct core_limits, unhandled_bytes, SIZE, "2 MiB", .min = "64 KiB", .max = "1 GiB",
	       .doc = "The memory that those may take."),
	HM_KEY(struct core_limits, look_ups, INT, "200", .min = "1", .max = "1000000",
	       .doc = "Accounts a second that must be read from the database because of what one account's clients send, existing or not, over "
	              "a longer time (25 times as many at once); beyond it they are read more slowly."),
	HM_KEY(struct core_limits, delivery, CHOICE, "committed", .choices = deliveries,
	       .doc = "A message goes to its recipient's clients when it is on disk, or at once; it is acknowledged to its sender when it "
	              "is on disk, in any case."),
	HM_KEY(struct core_limits, resume_time, DURATION, "5 min", .min = "0 s", .max = "1 d",
	       .doc = "How long a client that has lost its connection may take to resume its session (XEP-0198); 0: none can."),
	HM_KEY(struct core_limits, unacknowledged, INT, "2000", .min = "100", .max = "1000000",
	       .doc = "Stanzas for a client with stream management that it has not acknowledged. Beyond it the connection is cut; without "
	              "a connection a session may have twice as many, then it ends."),
	HM_KEY(struct core_limits, unacknowledged_size, SIZE, "4 MiB", .min = "256 KiB",
	       .max = "1 GiB", .doc = "Likewise, what they take of memory."),
	HM_KEY(struct core_limits, ask_stanzas, INT, "16", .min = "1", .max = "1000",
	       .doc = "A client with stream management is asked to acknowledge when it has not done so for so many stanzas,"),
	HM_KEY(struct core_limits, ask_size, SIZE, "128 KiB", .min = "1 KiB", .max = "64 MiB",
	       .doc = "or for so much memory of them,"),
	HM_KEY(struct core_limits, ask_time, DURATION, "5 s", .min = "100 ms", .max = "1 h",
	       .doc = "or for so long."),
	HM_KEY(struct core_limits, confirm_messages, INT, "100", .min = "1", .max = "10000",
	       .doc = "A client without stream management is asked by a ping whether it got so many messages that are kept for it,"),
	HM_KEY(struct core_limits, confirm_time, DURATION, "30 s", .min = "1 s", .max = "1 h",
	       .doc = "or one, so long ago."),
	HM_KEY(struct core_limits, idle_entities, INT, "10000", .min = "0", .max = "100000000",
	       .doc = "Accounts per worker that stay in memory though nobody needs them just now."),
	HM_KEY(struct core_limits, auth_failures, INT, "20", .min = "1", .max = "1000000",
	       .doc = "Failed logins from one address (IPv6: one /64) in auth_window before further ones are refused unseen."),
	HM_KEY(struct core_limits, auth_unfinished, INT, "1000", .min = "16", .max = "1000000",
	       .doc = "Logins of one address that are under way, or were given up in auth_window after the account had been looked up, before "
	              "further ones are refused unseen."),
	HM_KEY(struct core_limits, auth_window, DURATION, "5 min", .min = "1 s", .max = "1 d",
	       .doc = "How long failed logins of an address are counted."),
	HM_KEY(struct core_limits, remote_keep, DURATION, "4 h", .min = "1 s", .max = "30 d",
	       .doc = "How long messages and subscriptions for another domain wait until that can be reached; then their senders get them back."),
	HM_KEY(struct core_limits, remote_wait, DURATION, "60 s", .min = "1 s", .max = "1 h",
	       .doc = "Likewise what need not be kept: requests, presence."),
	HM_KEY(struct core_limits, remote_retry, DURATION, "10 s", .min = "100 ms", .max = "1 h",
	       .doc = "The pause after another domain could not be reached, about; it doubles each time. Meanwhile requests to it are refused at once."),
	HM_KEY(struct core_limits, remote_retry_most, DURATION, "15 min", .min = "1 s",
	       .max = "1 d", .doc = "The longest such pause."),
	HM_KEY(struct core_limits, remote_letters, INT, "10000", .min = "10", .max = "10000000",
	       .doc = "Stanzas from one of the server's domains that may wait for one other domain."),
	HM_KEY(struct core_limits, remote_memory, SIZE, "1 MiB", .min = "64 KiB", .max = "1 GiB",
	       .doc = "The memory that those may take. Beyond it, messages and subscriptions wait in the database only, and others are refused."),
	HM_KEY(struct core_limits, remote_memory_total, SIZE, "64 MiB", .min = "1 MiB",
	       .max = "64 GiB", .doc = "Likewise for all domains together, of one worker."),
	HM_KEY(struct core_limits, remote_unacknowledged, INT, "10000", .min = "10",
	       .max = "1000000",
	       .doc = "Stanzas sent to another domain that it has not acknowledged; more wait."),
	HM_KEY(struct core_limits, remote_unacknowledged_size, SIZE, "8 MiB", .min = "256 KiB",
	       .max = "1 GiB", .doc = "The memory that those may take."),
	HM_KEY(struct core_limits, remote_unhandled, INT, "1000", .min = "16", .max = "1000000",
	       .doc = "Stanzas of another domain that are under way here, each addressee counted; beyond it that server is not read."),
	HM_KEY(struct core_limits, remote_unhandled_bytes, SIZE, "8 MiB", .min = "64 KiB",
	       .max = "1 GiB", .doc = "The memory that those may take."),
	HM_KEY(struct core_limits, remote_look_ups, INT, "1000", .min = "1", .max = "1000000",
	       .doc = "Accounts a second that must be read from the database because of what another domain sends, as look_ups."),
};
const size_t core_keys_n = HM_COUNT(core_keys);
const size_t core_host_keys_n = 19; /* up to confirm_time */

extern const struct hm_migration core_schema[];

static _Atomic(const struct core_limits *) limits_now;

void
core_set_limits(const struct core_limits *limits)
{
	atomic_store(&limits_now, limits);
}

const struct core_limits *
core_limits(void)
{
	return atomic_load_explicit(&limits_now, memory_order_acquire);
}

void
core_register_statements(void)
{
	accounts_register_statements();
	ids_register_statements();
	sm_register_statements();
	remote_register_statements();
}

void
core_federate(void)
{
	router_set_remote(remote_route);
}

bool
core_install(struct hm_error *why)
{
	if (!store_migrate("core", (const struct store_migration *)core_schema, why))
		return false;
	core_register_statements();
	core_metrics_register();
	command_add_table(account_commands, account_commands_n);
	command_add_table(server_commands, server_commands_n);
	command_add_table(remote_commands, remote_commands_n);
	return true;
}

void
core_start_here(void)
{
	here_new();
	ids_start_here();
	remote_start_here();
	for (size_t i = 0; i < hosts_count(); i++)
		mods_of(host_at(i));
}

void
core_stop_here(void)
{
	size_t pos = 0;
	void *value;

	remote_stop_here();
	while (table_next(&here->sessions, &pos, NULL, &value))
		session_cut(value, STREAM_SYSTEM_SHUTDOWN, NULL, HM_CLOSED_BY_SERVER);
}

void
core_config_changed(struct host *h, unsigned mod, const void *old)
{
	notice_config_changed(h, mod, old);
}

/* --- From the stream side --------------------------------------------------------------------------- */

struct attaching {
	struct waiter waiter;
	struct link_msg *msg;
};

static void
attach_go(struct waiter *w, struct entity *e, enum hm_cond why)
{
	struct attaching *a = HM_CONTAINER(w, struct attaching, waiter);
	struct link_msg *msg = a->msg;

	mem_free(a);
	if (e && !changed_since(msg->u.attach.bare, msg->u.attach.at_us)) {
		session_attach(user_of(e), msg);
	} else {
		struct link_msg *close = link_new(LINK_CLOSE, msg->stream, 0);

		close->u.close.cond = e || why == HM_ITEM_NOT_FOUND ? STREAM_NOT_AUTHORIZED
		                                                    : STREAM_INTERNAL_SERVER_ERROR;
		link_to_stream(close);
		link_free(msg);
	}
}

static void
attach(struct link_msg *take)
{
	struct attaching *a = mem_new(struct attaching);
	const char *bare = take->u.attach.bare;

	list_init(&a->waiter.link);
	a->waiter.go = attach_go;
	a->msg = take;
	a->waiter.login = true;
	user_wait(host_find(strchr(bare, '@') + 1), bare, &a->waiter);
}

static void
closed(struct link_msg *take)
{
	struct hm_session *s = session_find(take->session);

	if (!s || s->stream != take->stream)
		; /* it has another one, or none */
	else if (take->u.closed.how == LINK_CLOSED_CLEANLY)
		session_leaves(s);
	else
		session_lost(s, HM_CLOSED_LOST);
	link_free(take);
}

static void
idle(struct link_msg *take)
{
	struct hm_session *s = session_find(take->session);

	if (s && !s->closing && s->stream == take->stream)
		session_probe(s);
	link_free(take);
}

/* RFC 6120 4.7.4 */
static void
speaks(struct link_msg *take)
{
	struct hm_session *s = session_find(take->session);

	if (s && take->u.lang.lang) {
		mem_free((char *)(uintptr_t)s->lang);
		s->lang = mem_strdup(take->u.lang.lang);
	}
	link_free(take);
}

void
core_receive(struct link_msg *take)
{
	switch (take->kind) {
	case LINK_LOOK_UP:
		credentials_look_up(take);
		break;
	case LINK_AUTH_OUTCOME:
		credentials_outcome(take);
		break;
	case LINK_ATTACH:
		attach(take);
		break;
	case LINK_LANG:
		speaks(take);
		break;
	case LINK_IN:
		session_receive(take);
		break;
	case LINK_STRANGER_IQ:
		iq_begin_stranger(take);
		break;
	case LINK_IDLE:
		idle(take);
		break;
	case LINK_CLOSED:
		closed(take);
		break;
	case LINK_DOMAIN_UP:
		remote_up(take);
		break;
	case LINK_DOMAIN_DOWN:
		remote_down(take);
		break;
	case LINK_DOMAIN_ACKED:
		remote_acked(take);
		break;
	case LINK_DOMAIN_IN:
		remote_in(take);
		break;
	default:
		hm_assert(!"a message for the stream side");
	}
}
