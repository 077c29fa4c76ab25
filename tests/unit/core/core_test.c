/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core_test.c - the module of the tests, and the stream side of their clients. */
#include "core_test.h"

#include <stdio.h>
#include <string.h>

#include <hermod/custody.h>
#include <hermod/module.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/core.h"
#include "core/here.h"
#include "core/host.h"
#include "core/ids.h"
#include "core/session.h"
#include "core/static_modules.h"
#include "link/link.h"
#include "xml/parser.h"
#include "xmpp/stanza_error.h"

#define CLIENTS 8

/* --- The module ----------------------------------------------------------------------------- */

struct state {
	bool loaded;
};

static struct buf saw;
bool module_archives;

static void
see(struct hm_mod *m, struct hm_user *u, const char *what)
{
	const struct state *state = hm_user_state(m, u);

	buf_printf(&saw, "%s%s ", what, state->loaded ? "" : "!");
}

static void
rows(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows_)
{
	struct state *state = hm_user_state(m, u);

	state->loaded = hm_next_row(rows_);
}

static bool
id_is(const struct hm_letter *l, const char *id)
{
	const char *its = hm_stanza_id(hm_letter_stanza(l));

	return hm_stanza_kind(hm_letter_stanza(l)) == HM_MESSAGE && its && strcmp(its, id) == 0;
}

static enum hm_next
policy(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	const struct hm_elem *payload = hm_first_child(hm_stanza_root(hm_letter_stanza(l)));
	const char *name = payload ? hm_elem_name(payload) : "";

	if (strcmp(hm_stanza_type(hm_letter_stanza(l)), "error") == 0)
		return HM_CONTINUE;
	if (id_is(l, "refuse") || strcmp(name, "refuse") == 0)
		return hm_refuse(l, HM_POLICY_VIOLATION, NULL);
	return id_is(l, "stop") || strcmp(name, "stop") == 0 ? HM_STOP : HM_CONTINUE;
}

static enum hm_next
keep(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	if (id_is(l, "shown"))
		hm_letter_set_id(l, hm_new_id(m, u));
	if (id_is(l, "store") && strcmp(hm_stanza_type(hm_letter_stanza(l)), "error") != 0) {
		hm_store(m, 1, hm_user_account(u));
		hm_send(m, hm_stanza_new(HM_MESSAGE, NULL, "copy"), hm_user_jid(u),
		        "observer@a.example");
	}
	return HM_CONTINUE;
}

static bool
is_archived(const struct hm_letter *l)
{
	const struct hm_stanza *s = hm_letter_stanza(l);

	return module_archives && hm_stanza_kind(s) == HM_MESSAGE &&
	       strcmp(hm_stanza_type(s), "headline") != 0 &&
	       strcmp(hm_stanza_type(s), "error") != 0;
}

static enum hm_next
entered(struct hm_mod *m, struct hm_session *s, struct hm_letter *l)
{
	struct hm_user *u = hm_session_user(s);
	struct hm_entry entry = { .account = hm_user_account(u) };

	if (!is_archived(l))
		return HM_CONTINUE;
	entry.id = hm_new_id(m, u);
	hm_letter_set_entry(l, &entry);
	return HM_CONTINUE;
}

/* A subscription is its module's. */
static enum hm_next
subscribes(struct hm_mod *m, struct hm_session *s, struct hm_letter *l)
{
	if (id_is(l, "own"))
		hm_store(m, 1, hm_user_account(hm_session_user(s)));
	if (strcmp(hm_stanza_type(hm_letter_stanza(l)), "subscribe") != 0)
		return HM_CONTINUE;
	hm_store(m, 1, hm_user_account(hm_session_user(s)));
	return HM_STOP;
}

static enum hm_next
copies(struct hm_mod *m, struct hm_session *from, struct hm_letter *l)
{
	const struct hm_entry *entry = hm_letter_entry(l);

	if (!entry || strcmp(hm_letter_to_bare(l), hm_letter_from_bare(l)) == 0)
		return HM_CONTINUE;
	hm_for_each_session(s, hm_session_user(from))
	{
		if (s != from)
			hm_show_to_session(m, s, hm_letter_stanza(l), NULL, entry->id);
	}
	return HM_CONTINUE;
}

static void
read_something(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows_)
{
}

static enum hm_next
archived(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	const struct hm_entry *entry = hm_letter_entry(l);
	bool own = entry && strcmp(hm_letter_from_bare(l), hm_user_jid(u)) == 0;

	if (!is_archived(l) || hm_letter_plan(l) != HM_PLAN_SESSIONS)
		return HM_CONTINUE;
	hm_letter_set_id(l, own ? entry->id : hm_new_id(m, u));
	hm_store(m, 2, hm_user_account(u), hm_letter_id(l));
	hm_letter_stored(l);
	if (id_is(l, "flush"))
		hm_query(m, u, 0, read_something, hm_user_account(u));
	return HM_CONTINUE;
}

static void
failed(struct hm_mod *m, struct hm_user *sender, struct hm_letter *l)
{
	see(m, sender, "failed");
}

static void
unstored(struct hm_mod *m, struct hm_user *sender, struct hm_letter *l)
{
	see(m, sender, "unstored");
	hm_store(m, 2, hm_user_account(sender), hm_letter_entry(l)->id);
}

/* --- An inactive client -------- */

static const struct hm_stanza *held;
static int64_t held_id;

static enum hm_next
hold(struct hm_mod *m, struct hm_session *s, struct hm_letter *l)
{
	see(m, hm_session_user(s), "deliver");
	if (!id_is(l, "shown"))
		return HM_CONTINUE;
	held = hm_stanza_ref(hm_letter_stanza(l));
	held_id = hm_letter_id(l);
	return HM_STOP;
}

static void
ending(struct hm_mod *m, struct hm_session *s)
{
	if (held)
		hm_write_to_session(m, s, held, NULL, held_id);
	hm_stanza_unref(&held);
}

static void
closed(struct hm_mod *m, struct hm_session *s, enum hm_close_reason why)
{
	see(m, hm_session_user(s), "closed");
}

static void
presence(struct hm_mod *m, struct hm_session *s, const struct hm_stanza *now,
         const struct hm_stanza *before)
{
	if (strcmp(hm_stanza_type(now), "unavailable") == 0)
		see(m, hm_session_user(s), "unavailable");
}

static void
confirmed(struct hm_mod *m, struct hm_session *s, int64_t id)
{
	see(m, hm_session_user(s), "confirmed");
}

static void
unconfirmed(struct hm_mod *m, struct hm_session *s, int64_t id)
{
	see(m, hm_session_user(s), "unconfirmed");
}

static void
back(struct hm_mod *m, struct hm_user *u, const char *domain)
{
	see(m, u, domain);
}

static void
timer(struct hm_mod *m, struct hm_session *s)
{
	see(m, hm_session_user(s), "timer");
}

static void
found(struct hm_iq *rq, struct hm_rows *rows_)
{
	hm_iq_done(rq);
}

static void
found_and_stores(struct hm_iq *rq, struct hm_rows *rows_)
{
	hm_store(hm_iq_mod(rq), 1, hm_iq_account(rq));
	hm_iq_done(rq);
}

static void
request(struct hm_mod *m, struct hm_iq *rq)
{
	const char *what = hm_elem_name(hm_iq_payload(rq));

	if (strcmp(what, "store") == 0)
		hm_store(m, 1, hm_iq_account(rq));
	if (strcmp(what, "timer") == 0)
		hm_after_session(m, hm_iq_session(rq), 100, timer);
	if (strcmp(what, "inactive") == 0)
		hm_session_set_inactive(m, hm_iq_session(rq), true);
	if (strcmp(what, "later") == 0)
		hm_query(m, rq, 0, found, hm_iq_account(rq));
	else if (strcmp(what, "look") == 0)
		hm_query(m, rq, 0, found_and_stores, hm_iq_account(rq));
	else
		hm_iq_done(rq);
}

static const struct hm_column row[] = { { "account", HM_V_INT }, { "id", HM_V_INT } };
static const struct hm_append rows_of_it = { "rows", NULL, row, HM_COUNT(row) };
static const struct hm_sql sql[] = { { "SELECT 1", NULL },
	                             { "INSERT", NULL },
	                             { .append = &rows_of_it } };
static const struct hm_user_load load[] = { { 0, rows } };
static const struct hm_iq_route iq[] = {
	{ HM_SET, HM_TO_ACCOUNT | HM_TO_HOST, HM_ANYONE, "test:x", NULL, request },
	{ HM_GET, HM_TO_ACCOUNT | HM_TO_HOST, HM_ANYONE, "test:x", NULL, request },
	{ HM_GET, HM_TO_HOST, HM_STRANGER, "test:open", NULL, request },
};
static const struct hm_hook hooks[] = {
	HM_HOOK(client_sent, HM_STORE, entered),
	HM_HOOK(client_sent, HM_HANDLE, subscribes),
	HM_HOOK(client_sent, HM_OBSERVE, copies),
	HM_HOOK(account_received, HM_STORE, archived),
	HM_ON(letter_unstored, unstored),
	HM_ON(letter_failed, failed),
	HM_HOOK(account_received, HM_POLICY, policy),
	HM_HOOK(account_received, HM_STORE, keep),
	HM_ON(session_closed, closed),
	HM_ON(presence_changed, presence),
	HM_ON(message_confirmed, confirmed),
	HM_HOOK(client_deliver, HM_HANDLE, hold),
	HM_ON(session_ending, ending),
	HM_ON(message_unconfirmed, unconfirmed),
	HM_ON(remote_back, back),
};

HM_MODULE(probe) = {
	.summary = "What the tests look at",
	.sql = HM_TABLE(sql),
	.load = HM_TABLE(load),
	.iq = HM_TABLE(iq),
	.hooks = HM_TABLE(hooks),
	.user_state_size = sizeof(struct state),
};
const struct static_module static_modules[] = { { "probe", &hm_abi_probe, &hm_module_probe },
	                                        { NULL, NULL, NULL } };

const char *
module_saw(void)
{
	static char text[1000];

	snprintf(text, sizeof(text), "%s", saw.data ? saw.data : "");
	buf_clear(&saw);
	return text;
}

/* --- The stream side ---------------------------------------------------------------------------- */

static struct {
	uint64_t stream, session;
	struct buf got;
} clients[CLIENTS];
static unsigned n_clients;

static unsigned
index_of(uint64_t stream)
{
	for (unsigned i = 0; i < n_clients; i++) {
		if (clients[i].stream == stream)
			return i;
	}
	fail_msg("no such stream");
	return 0;
}

bool (*other_streams)(struct link_msg *take);

static void
stream_receive(struct link_msg *take)
{
	unsigned i;

	if (other_streams && other_streams(take))
		return;
	i = index_of(take->stream);
	switch (take->kind) {
	case LINK_ATTACHED:
		clients[i].session = take->session;
		break;
	case LINK_OUT:
		stanza_write(take->u.out.stanza, NULL, &clients[i].got);
		break;
	case LINK_TEXT:
		buf_puts(&clients[i].got, take->u.text.xml);
		break;
	case LINK_CLOSE:
		buf_printf(&clients[i].got, "[%s]",
		           take->u.close.cond ? stream_cond_name(take->u.close.cond) : "closed");
		break;
	default:
		break;
	}
	link_free(take);
}

const char *
got(uint64_t stream)
{
	static char text[10000];
	struct buf *all = &clients[index_of(stream)].got;

	snprintf(text, sizeof(text), "%s", all->data ? all->data : "");
	buf_clear(all);
	return text;
}

uint64_t
session_of(uint64_t stream)
{
	return clients[index_of(stream)].session;
}

void
sends(uint64_t stream, const char *xml)
{
	static const struct xml_limits limits = { 100000, 20, 500 };
	struct link_msg *in = link_new(LINK_IN, stream, clients[index_of(stream)].session);

	in->u.in.arena = arena_new(0);
	in->u.in.root = xml_parse(in->u.in.arena, xml, strlen(xml), NS_CLIENT, &limits);
	in->u.in.bytes = strlen(xml);
	assert_non_null(in->u.in.root);
	link_to_core(0, in);
}

static void
ends(uint64_t stream, enum link_closed_how how)
{
	struct link_msg *msg = link_new(LINK_CLOSED, stream, clients[index_of(stream)].session);

	msg->u.closed.how = how;
	link_to_core(0, msg);
}

void
leaves(uint64_t stream)
{
	ends(stream, LINK_CLOSED_CLEANLY);
}

void
is_lost(uint64_t stream)
{
	ends(stream, LINK_CLOSED_LOST);
}

void
is_idle(uint64_t stream)
{
	link_to_core(0, link_new(LINK_IDLE, stream, clients[index_of(stream)].session));
}

uint64_t
stranger(const char *xml)
{
	static const struct xml_limits limits = { 10000, 20, 500 };
	uint64_t stream = link_new_id();
	struct link_msg *iq_ = link_new(LINK_STRANGER_IQ, stream, 0);

	assert_true(n_clients < CLIENTS);
	clients[n_clients++].stream = stream;
	iq_->u.stranger.host = mem_strdup("a.example");
	iq_->u.stranger.source = mem_strdup("127.0.0.1");
	iq_->u.stranger.arena = arena_new(0);
	iq_->u.stranger.root =
		xml_parse(iq_->u.stranger.arena, xml, strlen(xml), NS_CLIENT, &limits);
	link_to_core(0, iq_);
	run();
	return stream;
}

struct hm_session *
session_at(uint64_t stream)
{
	return session_find(session_of(stream));
}

uint64_t
unbound(const char *bare)
{
	uint64_t stream = link_new_id();
	struct link_msg *attach = link_new(LINK_ATTACH, stream, 0);

	assert_true(n_clients < CLIENTS);
	clients[n_clients++].stream = stream;
	attach->u.attach.bare = mem_strdup(bare);
	attach->u.attach.source = mem_strdup("127.0.0.1");
	attach->u.attach.mechanism = mem_strdup("PLAIN");
	link_to_core(0, attach);
	run();
	return stream;
}

uint64_t
client(const char *bare, const char *resource)
{
	uint64_t stream = unbound(bare);
	char xml[300];

	snprintf(xml, sizeof(xml),
	         "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
	         "<resource>%s</resource></bind></iq>",
	         resource);
	sends(stream, xml);
	sends(stream, "<presence/>");
	run();
	got(stream);
	return stream;
}

/* --- Set-up --------------------------------------------------------------------------------------- */

struct core_limits core_test_limits = {
	.idle_entities = 100,
	.resources = 5,
	.directed = 3,
	.probe_timeout = 60000,
	.auth_failures = 5,
	.auth_unfinished = 1000,
	.unhandled_stanzas = 256,
	.unhandled_bytes = 2 * 1024 * 1024,
	.look_ups = 200,
	.auth_window = 60000,
	.scram_iterations = 4096,
	.max_account_name = 256,
	.presence_size = 10000,
	.resume_time = 60000,
	.unacknowledged = 100,
	.unacknowledged_size = 1024 * 1024,
	.ask_stanzas = 50,
	.ask_size = 1024 * 1024,
	.ask_time = 5000,
	.confirm_messages = 3,
	.confirm_time = 30000,
	.remote_keep = 3600000,
	.remote_wait = 60000,
	.remote_retry = 10000,
	.remote_retry_most = 40000,
	.remote_letters = 10,
	.remote_memory = 100000,
	.remote_memory_total = 1000000,
	.remote_unacknowledged = 5,
	.remote_unacknowledged_size = 1000000,
	.remote_unhandled = 20,
	.remote_unhandled_bytes = 1000000,
	.remote_look_ups = 1000,
};

/* The core's own tables: the store of these tests has none. */
const struct hm_migration core_schema[1];

void
begin_to_archive(void)
{
	module_archives = true;
	ids_new();
	commits();
}

int
core_test_start(void **state)
{
	struct host_setup_module module = { .name = "probe" };
	const struct host_setup setup = { .domain = "a.example",
		                          .modules = &module,
		                          .n_modules = 1 };
	struct hm_error why;
	struct host *h;

	log_set_level(HM_ERROR);
	link_set_receivers(core_receive, stream_receive);
	core_set_limits(&core_test_limits);
	assert_true(core_install(&why));
	assert_non_null(module_load("probe", &why));
	assert_true(module_install(module_find("probe"), &why));
	h = host_new(&setup, &why);
	assert_non_null(h);
	core_start_here();
	hosts_publish(&h, 1);
	run();
	return 0;
}

/* Everybody of the test before goes. */
int
core_test_fresh(void **state)
{
	fake_reads_fail = fake_queue_full = module_archives = false;
	core_test_limits.delivery = DELIVERY_COMMITTED;
	reads_come_back();
	for (unsigned i = 0; i < n_clients; i++)
		is_lost(clients[i].stream);
	run();
	while (writes_waiting() > 0)
		commits();
	pass_ms(core_test_limits.resume_time + 100); /* nor can they come back */
	pass_ms(4000000); /* what lost clients had sent is no repeat any more */
	for (unsigned i = 0; i < n_clients; i++)
		buf_free(&clients[i].got);
	n_clients = 0;
	core_test_limits.idle_entities = 0;
	client("sweeper@a.example", "x"); /* its end makes all idle ones leave */
	is_lost(clients[0].stream);
	run();
	buf_free(&clients[0].got);
	n_clients = 0;
	core_test_limits.idle_entities = 100;
	module_saw();
	fake_reads = 0;
	return 0;
}
