/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/commands_remote.c - hermodctl s2s: what goes to other domains, and comes from them. */
#include <string.h>

#include "base/clock.h"
#include "core/command.h"
#include "core/here.h"
#include "core/remote_pair.h"
#include "loop/worker.h"
#include "xmpp/jid.h"

static const char *
proof_name(enum link_domain_proof proof)
{
	static const char *const names[] = { "none", "certificate", "dialback" };

	return names[proof];
}

static const char *
yes_or_no(bool is)
{
	return is ? "yes" : "no";
}

/* The domain of the command's first argument, or any. */
static bool
is_meant(const struct hm_cmd *cmd, const char *remote)
{
	const char *domain;

	if (!cmd->arg[0])
		return true;
	domain = jid_prepare_domain(cmd->arg[0], worker_scratch());
	return domain && strcmp(domain, remote) == 0;
}

/* fn for each pair that is meant; it may free its pair. */
static void
for_each_pair(struct hm_cmd *cmd, void (*fn)(struct hm_cmd *cmd, struct remote_pair *p))
{
	struct remotes *rs = here->remotes;
	size_t pos = 0, n = 0;
	void *value;
	struct remote_pair **pairs =
		arena_alloc(worker_scratch(), (table_count(&rs->by_id) + 1) * sizeof(*pairs));

	while (table_next(&rs->by_id, &pos, NULL, &value)) {
		struct remote_pair *p = value;

		if (is_meant(cmd, p->remote))
			pairs[n++] = p;
	}
	for (size_t i = 0; i < n; i++)
		fn(cmd, pairs[i]);
}

static void
for_each_source(struct hm_cmd *cmd, void (*fn)(struct hm_cmd *cmd, const struct remote_source *s))
{
	size_t pos = 0;
	void *value;

	while (table_next(&here->remotes->sources, &pos, NULL, &value)) {
		const struct remote_source *s = value;

		if (is_meant(cmd, s->remote))
			fn(cmd, s);
	}
}

/* --- list, show ------------------------------------------------------------------------ */

static void
list_pair(struct hm_cmd *cmd, struct remote_pair *p)
{
	hm_cmd_row(cmd, hm_kv("remote", p->remote), hm_kv("local", p->local),
	           hm_kv("direction", "out"), hm_kv("state", remote_state_name(p->state)),
	           hm_kv("peer", p->state == REMOTE_UP ? p->peer : NULL),
	           hm_kv("waiting", p->n_items), hm_kv("unacknowledged", p->n_sent),
	           hm_kv("last_error", p->cond ? cond_name(p->cond) : NULL));
}

static void
list_source(struct hm_cmd *cmd, const struct remote_source *s)
{
	hm_cmd_row(cmd, hm_kv("remote", s->remote), hm_kv("local", s->local),
	           hm_kv("direction", "in"), hm_kv("state", "connected"), hm_kv("peer", s->peer));
}

static void
list_here(struct hm_cmd *cmd)
{
	for_each_pair(cmd, list_pair);
	for_each_source(cmd, list_source);
}

static void
s2s_list(struct hm_mod *m, struct hm_cmd *cmd)
{
	command_everywhere(cmd, list_here, hm_cmd_done);
}

static void
show_pair(struct hm_cmd *cmd, struct remote_pair *p)
{
	char since[CLOCK_STAMP_MAX];
	bool up = p->state == REMOTE_UP;
	int64_t retry_ms = p->retry_ms - worker_now_ms();

	hm_cmd_row(cmd, hm_kv("remote", p->remote), hm_kv("local", p->local),
	           hm_kv("direction", "out"), hm_kv("state", remote_state_name(p->state)),
	           hm_kv("since", clock_stamp(p->since_us, 0, since)),
	           hm_kv("peer", up ? p->peer : NULL), hm_kv("tls", up ? p->tls : NULL),
	           hm_kv("authenticated_by", up ? proof_name(p->proof) : NULL),
	           hm_kv("certificate_valid", yes_or_no(up && p->verified)),
	           hm_kv("acknowledges", yes_or_no(up && p->acks)), hm_kv("waiting", p->n_items),
	           hm_kv("unacknowledged", p->n_sent), hm_kv("failures", p->failures),
	           hm_kv("retry_s", p->state == REMOTE_FAILED ? retry_ms / 1000 : 0),
	           hm_kv("last_error", p->cond ? cond_name(p->cond) : NULL), hm_kv("why", p->text),
	           hm_kv("worker", here->worker));
}

static void
show_source(struct hm_cmd *cmd, const struct remote_source *s)
{
	char since[CLOCK_STAMP_MAX];

	hm_cmd_row(cmd, hm_kv("remote", s->remote), hm_kv("local", s->local),
	           hm_kv("direction", "in"), hm_kv("state", "connected"),
	           hm_kv("since", clock_stamp(s->since_us, 0, since)), hm_kv("peer", s->peer),
	           hm_kv("tls", s->tls), hm_kv("authenticated_by", proof_name(s->proof)),
	           hm_kv("certificate_valid", yes_or_no(s->verified)), hm_kv("stanzas", s->stanzas),
	           hm_kv("worker", here->worker));
}

static void
show_here(struct hm_cmd *cmd)
{
	for_each_pair(cmd, show_pair);
	for_each_source(cmd, show_source);
}

static void
s2s_show(struct hm_mod *m, struct hm_cmd *cmd)
{
	command_everywhere(cmd, show_here, hm_cmd_done);
}

/* --- close ------------------------------------------------------------------------------ */

static void
close_pair(struct hm_cmd *cmd, struct remote_pair *p)
{
	remote_close(p);
}

static void
close_source(struct hm_cmd *cmd, const struct remote_source *s)
{
	link_to_stream(link_new(LINK_CLOSE, s->stream, s->id));
}

static void
close_here(struct hm_cmd *cmd)
{
	for_each_pair(cmd, close_pair);
	for_each_source(cmd, close_source);
}

static void
s2s_close(struct hm_mod *m, struct hm_cmd *cmd)
{
	command_everywhere(cmd, close_here, hm_cmd_done);
}

/* --- queue --------------------------------------------------------------------------------- */

static void
list_queue(struct hm_cmd *cmd, struct remote_pair *p)
{
	char oldest[CLOCK_STAMP_MAX];
	const struct remote_item *first = list_entry(
		list_empty(&p->sent) ? p->items.next : p->sent.next, struct remote_item, link);

	if (p->n_items + p->n_sent == 0)
		return;
	hm_cmd_row(cmd, hm_kv("remote", p->remote), hm_kv("local", p->local),
	           hm_kv("waiting", p->n_items), hm_kv("not_kept", p->n_fleeting),
	           hm_kv("unacknowledged", p->n_sent), hm_kv("memory_bytes", p->bytes),
	           hm_kv("oldest", clock_stamp(first->since_us, 0, oldest)),
	           hm_kv("state", remote_state_name(p->state)));
}

static void
queue_list_here(struct hm_cmd *cmd)
{
	for_each_pair(cmd, list_queue);
}

static void
queue_list(struct hm_mod *m, struct hm_cmd *cmd)
{
	command_everywhere(cmd, queue_list_here, hm_cmd_done);
}

static void
retry_pair(struct hm_cmd *cmd, struct remote_pair *p)
{
	remote_retry(p);
}

static void
queue_retry_here(struct hm_cmd *cmd)
{
	for_each_pair(cmd, retry_pair);
}

static void
queue_retry(struct hm_mod *m, struct hm_cmd *cmd)
{
	command_everywhere(cmd, queue_retry_here, hm_cmd_done);
}

static void
drop_queue(struct hm_cmd *cmd, struct remote_pair *p)
{
	if (p->n_items == 0)
		return;
	hm_cmd_row(cmd, hm_kv("remote", p->remote), hm_kv("local", p->local),
	           hm_kv("stanzas", p->n_items));
	p->gives_up = true;
	remote_look(p);
}

static void
queue_drop_here(struct hm_cmd *cmd)
{
	for_each_pair(cmd, drop_queue);
}

static void
queue_drop(struct hm_mod *m, struct hm_cmd *cmd)
{
	command_everywhere(cmd, queue_drop_here, hm_cmd_done);
}

const struct hm_command remote_commands[] = {
	{ .name = "s2s list",
	  .help = "List the other domains with which there is, or was lately, a connection.",
	  .run = s2s_list },
	{ .name = "s2s show",
	  .help = "Show what is known of the connections with another domain.",
	  .args = { { "domain", HM_ARG_TEXT } },
	  .run = s2s_show,
	  .record = true },
	{ .name = "s2s close",
	  .help = "Close the connections with another domain. What it does not acknowledge in time is sent to it again.",
	  .args = { { "domain", HM_ARG_TEXT } },
	  .run = s2s_close },
	{ .name = "s2s queue list",
	  .help = "List what waits for other domains, or for one.",
	  .args = { { "domain", HM_ARG_TEXT, true } },
	  .run = queue_list },
	{ .name = "s2s queue retry",
	  .help = "Try now to reach the domains for which something waits, or one.",
	  .args = { { "domain", HM_ARG_TEXT, true } },
	  .run = queue_retry },
	{ .name = "s2s queue drop",
	  .help = "Give what waits for another domain back to its senders, as errors.",
	  .args = { { "domain", HM_ARG_TEXT } },
	  .run = queue_drop },
};
const size_t remote_commands_n = HM_COUNT(remote_commands);
