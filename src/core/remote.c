/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/remote.c - a pair's life: letters come, the stream side is asked for a stream, they go out and
 * are acknowledged; what fails is tried again, later each time, and what nobody takes goes back.
 */
#include "core/remote.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/random.h"
#include "core/core.h"
#include "core/here.h"
#include "core/metrics.h"
#include "core/remote_pair.h"
#include "core/router.h"
#include "core/turn.h"
#include "loop/worker.h"

#define IDLE_MS (10 * 60 * 1000)
/* A stream that ends sooner counts as one that could not be had. */
#define SHORT_US INT64_C(5000000)
#define CLOSE_MS 5000
#define TIMER_MAX_MS (3600 * 1000)

/* --- Pairs ---------------------------------------------------------------------------- */

const char *
remote_state_name(enum remote_state state)
{
	static const char *const names[] = { "loading", "idle", "connecting", "connected",
		                             "failed" };

	return names[state];
}

static char *
key_of(const char *remote, const char *local)
{
	return arena_printf(worker_scratch(), "%s\n%s", remote, local);
}

struct remote_pair *
remote_find(const char *remote, const char *local)
{
	return table_get(&here->remotes->by_name, key_of(remote, local));
}

static void
set_state(struct remote_pair *p, enum remote_state state)
{
	if (p->state == REMOTE_UP)
		metric_add(core_metric(CM_REMOTE_UP), -1);
	if (state == REMOTE_UP)
		metric_add(core_metric(CM_REMOTE_UP), 1);
	p->state = state;
	p->since_us = clock_wall_us();
}

static struct remote_pair *
pair_new(const char *remote, const char *local)
{
	struct remote_pair *p = mem_new(struct remote_pair);

	p->id = link_new_id();
	p->remote = mem_strdup(remote);
	p->local = mem_strdup(local);
	list_init(&p->items);
	list_init(&p->sent);
	p->used_ms = worker_now_ms();
	p->since_us = clock_wall_us();
	p->log = (struct hm_logctx){ .subject = "remote",
		                     .n = 2,
		                     .field = { { "remote", hm_value_text(p->remote) },
		                                { "local", hm_value_text(p->local) } } };
	table_put(&here->remotes->by_name, key_of(remote, local), p);
	table_put_n(&here->remotes->by_id, &p->id, sizeof(p->id), p);
	remote_load(p);
	return p;
}

static void
pair_free(struct remote_pair *p)
{
	timer_stop(&p->timer);
	table_remove(&here->remotes->by_name, key_of(p->remote, p->local));
	table_remove_n(&here->remotes->by_id, &p->id, sizeof(p->id));
	mem_free((char *)(uintptr_t)p->remote);
	mem_free((char *)(uintptr_t)p->local);
	mem_free(p->text);
	mem_free(p->tls);
	mem_free(p->peer);
	mem_free(p);
}

static struct remote_pair *
pair_of(const struct link_msg *msg)
{
	return table_get_n(&here->remotes->by_id, &msg->session, sizeof(msg->session));
}

static void
found_at_start(const char *remote, const char *local)
{
	/* One that is served no longer may be so again. */
	if (host_is_ours(local) && !remote_find(remote, local))
		pair_new(remote, local);
}

void
remote_start_here(void)
{
	here->remotes = mem_new(struct remotes);
	list_init(&here->remotes->removals);
	list_init(&here->remotes->unused);
	here->remotes->remove.run = remote_remove_rows;
	if (router_has_remote())
		remote_load_pairs(found_at_start);
}

void
remote_stop_here(void)
{
	here->remotes->stopping = true;
}

/* --- Giving back ------------------------------------------------------------------------ */

static void
gives_back(struct remote_pair *p, struct hm_letter *take, enum hm_cond cond)
{
	int64_t row = take->row;
	unsigned worker = take->row_worker;

	p->stale = p->stale || take->stanza->kind == STANZA_PRESENCE;
	metric_add(core_metric(CM_REMOTE_BOUNCED), 1);
	letter_refuse(take, cond, NULL);
	if (row)
		remote_remove_row(p, row, worker);
}

static enum hm_cond
why_not(const struct remote_pair *p)
{
	return p->cond ? p->cond : HM_REMOTE_SERVER_TIMEOUT;
}

static bool
is_over(const struct remote_pair *p, const struct remote_item *item, int64_t now_us)
{
	int64_t most_ms = item->row ? core_limits()->remote_keep : core_limits()->remote_wait;

	if (p->gives_up || (p->state == REMOTE_FAILED && (p->permanent || item->row == 0)))
		return true;
	return p->state != REMOTE_UP && now_us - item->since_us >= most_ms * 1000;
}

/* true: some of them have to be read first. */
static bool
give_back_what_is_over(struct remote_pair *p)
{
	int64_t now_us = clock_wall_us();

	list_for_each(l, next, &p->items)
	{
		struct remote_item *item = list_entry(l, struct remote_item, link);

		if (!is_over(p, item, now_us)) {
			if (p->n_fleeting == 0)
				break; /* those behind it are younger */
			continue;
		}
		if (item->reading)
			return true;
		if (!item->letter) {
			remote_read(p);
			return true;
		}
		gives_back(p, remote_item_letter(p, item), why_not(p));
	}
	p->gives_up = false;
	return false;
}

/* --- Connecting ---------------------------------------------------------------------------- */

static void
ask_for_stream(struct remote_pair *p)
{
	struct link_msg *open;

	if (here->remotes->stopping)
		return;
	set_state(p, REMOTE_CONNECTING);
	open = link_new(LINK_DOMAIN_OPEN, 0, p->id);
	open->u.domain_open.local = mem_strdup(p->local);
	open->u.domain_open.remote = mem_strdup(p->remote);
	link_to_stream(open);
}

/* Doubled each time, and never the same for two that failed together. */
static int64_t
pause_ms(const struct remote_pair *p)
{
	const struct core_limits *limits = core_limits();
	int64_t ms = limits->remote_retry;

	for (unsigned i = 1; i < p->failures && ms < limits->remote_retry_most; i++)
		ms *= 2;
	if (ms > limits->remote_retry_most || p->permanent)
		ms = limits->remote_retry_most;
	return ms * 3 / 4 + (int64_t)(random_u64() % (uint64_t)(ms / 2 + 1));
}

static void
failed(struct remote_pair *p)
{
	p->failures++;
	p->retry_ms = worker_now_ms() + pause_ms(p);
	set_state(p, REMOTE_FAILED);
	metric_add(core_metric(CM_REMOTE_FAILED), 1);
	log_line(&p->log, p->failures == 1 && !here->remotes->stopping ? HM_INFO : HM_DEBUG,
	         "another server cannot be reached", hm_kv("why", p->text),
	         hm_kv("condition", cond_name(why_not(p))), hm_kv("waiting", p->n_items),
	         hm_kv("again_s", (p->retry_ms - worker_now_ms()) / 1000));
}

void
remote_retry(struct remote_pair *p)
{
	if (p->state != REMOTE_FAILED)
		return;
	p->permanent = false;
	set_state(p, REMOTE_IDLE);
	remote_look(p);
}

/* --- Sending ---------------------------------------------------------------------------------- */

static bool
has_room(const struct remote_pair *p)
{
	return p->n_sent < (size_t)core_limits()->remote_unacknowledged &&
	       p->sent_bytes < core_limits()->remote_unacknowledged_size;
}

static void
send_one(struct remote_pair *p, struct remote_item *item)
{
	struct hm_letter *l = item->letter;
	struct link_msg *out = link_new(LINK_OUT, p->stream, p->id);

	out->u.out.stanza = stanza_ref(l->stanza);
	out->u.out.to = mem_strdup(l->to);
	link_to_stream(out);
	charge_return(&l->charge);
	remote_item_to_sent(p, item);
	metric_add(core_metric(CM_REMOTE_SENT), 1);
}

/* XEP-0478 3: sent all the same, it would end the stream for everybody. */
static bool
is_too_large(const struct remote_pair *p, const struct hm_letter *l)
{
	size_t bytes = stanza_bytes(l->stanza) + strlen(l->to) + sizeof("<presence to=''");

	return p->max_bytes > 0 && bytes > p->max_bytes;
}

static void
send_what_waits(struct remote_pair *p)
{
	while (!list_empty(&p->items) && has_room(p) && !p->close_ms) {
		struct remote_item *item = list_entry(p->items.next, struct remote_item, link);

		if (!item->letter) {
			remote_read(p);
			return;
		}
		if (is_too_large(p, item->letter))
			gives_back(p, remote_item_letter(p, item), HM_POLICY_VIOLATION);
		else
			send_one(p, item);
		p->used_ms = worker_now_ms();
	}
}

/* --- Streams that end --------------------------------------------------------------------- */

/* It is not known whether it came. */
static void
is_lost(struct remote_pair *p, struct remote_item *item)
{
	struct hm_letter *l = remote_sent_letter(p, item);

	p->stale = p->stale || l->stanza->kind == STANZA_PRESENCE;
	if (l->stanza->kind == STANZA_IQ)
		letter_refuse(l, HM_REMOTE_SERVER_TIMEOUT, NULL);
	else
		letter_free(&l);
}

/* What was not acknowledged waits again: what has a row, and the newest ones, which were never written. */
static void
take_back(struct remote_pair *p, size_t unsent)
{
	while (!list_empty(&p->sent)) {
		struct remote_item *item = list_entry(p->sent.prev, struct remote_item, link);

		if (unsent > 0 || item->row)
			remote_item_back(p, item);
		else
			is_lost(p, item);
		unsent -= unsent > 0;
	}
}

/* Nothing is heard of it any more. */
static void
end_stream(struct remote_pair *p)
{
	link_to_stream(link_new(LINK_CLOSE, p->stream, p->id));
	take_back(p, 0);
	p->stream = 0;
	set_state(p, REMOTE_IDLE);
}

/* --- What is to be done ------------------------------------------------------------------------ */

static void
timer_fired(struct timer *t)
{
	remote_look(HM_CONTAINER(t, struct remote_pair, timer));
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void
set_timer(struct remote_pair *p)
{
	int64_t now_ms = worker_now_ms(), ms = TIMER_MAX_MS;

	if (p->state == REMOTE_FAILED)
		ms = least(ms, p->retry_ms - now_ms);
	else if (p->state == REMOTE_IDLE)
		ms = least(ms, p->used_ms + IDLE_MS - now_ms);
	else if (p->state == REMOTE_UP)
		ms = least(ms, p->close_ms - now_ms);
	if (p->state != REMOTE_UP && p->n_items > 0) {
		const struct remote_item *oldest =
			list_entry(p->items.next, struct remote_item, link);

		ms = least(ms, core_limits()->remote_keep -
		                       (clock_wall_us() - oldest->since_us) / 1000);
		if (p->n_fleeting > 0)
			ms = least(ms, core_limits()->remote_wait / 4 + 1);
	}
	timer_start(&p->timer, (uint32_t)(ms > 1 ? ms : 1), timer_fired);
}

void
remote_look(struct remote_pair *p)
{
	int64_t now_ms = worker_now_ms();

	if (p->state == REMOTE_LOADING)
		return;
	if (give_back_what_is_over(p))
		return; /* when they have been read */
	if (p->state == REMOTE_FAILED && now_ms >= p->retry_ms) {
		p->permanent = false;
		set_state(p, REMOTE_IDLE);
	}
	if (p->state == REMOTE_UP && p->close_ms && (p->n_sent == 0 || now_ms >= p->close_ms))
		end_stream(p);
	if (p->state == REMOTE_UP)
		send_what_waits(p);
	else if (p->state == REMOTE_IDLE && p->n_items > 0)
		ask_for_stream(p);
	if (p->state == REMOTE_IDLE && p->n_items == 0 && p->reading == 0 &&
	    now_ms - p->used_ms >= IDLE_MS) {
		pair_free(p);
		return;
	}
	if (p->state == REMOTE_UP && !p->close_ms)
		timer_stop(&p->timer);
	else if (p->reading == 0)
		set_timer(p);
}

/* --- Letters ---------------------------------------------------------------------------------- */

/* Who sent it need not wait for it: it is on disk, or nobody asks what became of it. */
static bool
is_free_of_charge(const struct hm_letter *l)
{
	return l->row != 0 || l->stanza->kind == STANZA_PRESENCE;
}

static void
take_letter(struct remote_pair *p, struct hm_letter *take)
{
	bool fleeting = take->row == 0;

	if (p->state == REMOTE_FAILED && (fleeting || p->permanent)) {
		gives_back(p, take, why_not(p));
		return;
	}
	if (p->state != REMOTE_UP && is_free_of_charge(take))
		charge_return(&take->charge);
	if (!remote_add(p, take)) {
		gives_back(p, take, HM_RESOURCE_CONSTRAINT);
		return;
	}
	p->used_ms = worker_now_ms();
	if (p->state == REMOTE_UP && p->reading == 0)
		send_what_waits(p);
	else if (p->state == REMOTE_IDLE || p->n_items == 1 || (fleeting && p->n_fleeting == 1))
		remote_look(p); /* its timer is for what is there first */
}

/* In custody it would hold back its sender until that server is there. */
static struct hm_letter *
released(struct hm_letter *take)
{
	struct hm_letter *l;

	if (!take->custody)
		return take;
	l = letter_to(stanza_ref(take->stanza), take->to);
	l->session = take->session;
	l->trace = take->trace;
	charge_move(&l->charge, &take->charge);
	letter_free(&take);
	return l;
}

static void
arrived(struct mail *mail)
{
	struct hm_letter *l = released(HM_CONTAINER(mail, struct hm_letter, mail));
	const char *local = remote_domain_of(l->stanza->from);
	struct remote_pair *p = remote_find(l->to_domain, local);

	if (!p) {
		credit_looked_up(l->charge.credit);
		p = pair_new(l->to_domain, local);
	}
	take_letter(p, l);
}

void
remote_route(struct hm_letter *take)
{
	/* RFC 6120 8.1.2.2: each stanza between servers has one, which is ours. */
	if (!take->stanza->from || !host_is_ours(remote_domain_of(take->stanza->from))) {
		log_line(NULL, HM_DEBUG, "a stanza for another server is from nobody here",
		         hm_kv("to", take->to));
		letter_free(&take);
		return;
	}
	take->mail.run = arrived;
	worker_post(link_home(take->to_domain), &take->mail);
}

/* --- From the stream side ---------------------------------------------------------------------- */

static void
replace(char **mine, char **theirs)
{
	mem_free(*mine);
	*mine = *theirs;
	*theirs = NULL;
}

void
remote_up(struct link_msg *take)
{
	struct remote_pair *p = take->u.domain_up.incoming ? NULL : pair_of(take);

	if (take->u.domain_up.incoming) {
		struct remote_pair *back =
			remote_find(take->u.domain_up.remote, take->u.domain_up.local);

		remote_source_up(take);
		if (back) /* so it is there */
			remote_retry(back);
		return;
	}
	if (!p || p->state != REMOTE_CONNECTING) {
		link_to_stream(link_new(LINK_CLOSE, take->stream, take->session));
		link_free(take);
		return;
	}
	p->stream = take->stream;
	p->failures = 0;
	p->cond = 0;
	mem_free(p->text);
	p->text = NULL;
	replace(&p->tls, &take->u.domain_up.tls);
	replace(&p->peer, &take->u.domain_up.peer);
	p->proof = take->u.domain_up.proof;
	p->acks = take->u.domain_up.acks;
	p->verified = take->u.domain_up.verified;
	p->max_bytes = take->u.domain_up.max_bytes;
	p->close_ms = 0;
	set_state(p, REMOTE_UP);
	log_line(&p->log, HM_INFO, "connected to another server", hm_kv("peer", p->peer),
	         hm_kv("tls", p->tls), hm_kv("waiting", p->n_items));
	link_free(take);
	if (p->stale)
		remote_tell_back(p);
	p->stale = false;
	remote_look(p);
}

static void
went_down(struct remote_pair *p, struct link_msg *msg)
{
	bool was_up = p->state == REMOTE_UP;
	bool was_long = was_up && clock_wall_us() - p->since_us >= SHORT_US;

	if (was_up)
		take_back(p, msg->u.domain_down.unsent);
	p->stream = 0;
	if (msg->u.domain_down.cond) {
		p->cond = msg->u.domain_down.cond;
		replace(&p->text, &msg->u.domain_down.text);
		p->stale = true;
	}
	p->permanent = msg->u.domain_down.permanent;
	/* One that was there until now is asked for again at once. */
	if (!was_long && (msg->u.domain_down.cond || p->n_items > 0))
		failed(p);
	else
		set_state(p, REMOTE_IDLE);
	remote_look(p);
}

void
remote_down(struct link_msg *take)
{
	struct remote_pair *p = take->u.domain_down.incoming ? NULL : pair_of(take);

	if (take->u.domain_down.incoming) {
		remote_source_down(take);
		return;
	}
	if (p &&
	    ((p->state == REMOTE_UP && p->stream == take->stream) || p->state == REMOTE_CONNECTING))
		went_down(p, take);
	link_free(take);
}

void
remote_acked(struct link_msg *take)
{
	struct remote_pair *p = pair_of(take);

	if (p && p->state == REMOTE_UP && p->stream == take->stream) {
		for (unsigned i = 0; i < take->u.domain_acked.stanzas && p->n_sent > 0; i++) {
			struct remote_item *item =
				list_entry(p->sent.next, struct remote_item, link);

			struct hm_letter *l;

			if (item->row)
				remote_remove_row(p, item->row, item->worker);
			l = remote_sent_letter(p, item);
			letter_free(&l);
		}
		remote_look(p);
	}
	link_free(take);
}

void
remote_close(struct remote_pair *p)
{
	if (p->state != REMOTE_UP)
		return;
	p->close_ms = worker_now_ms() + CLOSE_MS;
	remote_look(p);
}
