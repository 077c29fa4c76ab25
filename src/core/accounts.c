/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/accounts.c - making, changing and removing accounts.
 *
 * The table is written from any worker; the account's entity, if it is in memory, is told
 * by mail.  Passwords are wiped as soon as their verifiers are derived.
 */
#include "core/accounts.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/chain.h"
#include "core/changed.h"
#include "core/core.h"
#include "core/derive.h"
#include "core/here.h"
#include "core/secret.h"
#include "core/turn.h"
#include "core/user.h"
#include "crypto/hash.h"
#include "crypto/scram.h"
#include "loop/worker.h"
#include "xmpp/jid.h"

enum { READ_ID, READ_CREDENTIALS, LIST, CREATE, SET_PASSWORD, REMOVE, STATEMENTS };
static const char *const sql[STATEMENTS] = {
	[READ_ID] = "SELECT id FROM accounts WHERE host = $1 AND name = $2",
	[READ_CREDENTIALS] =
		"SELECT id, scram_sha_1, scram_sha_256, scram_sha_512 FROM accounts WHERE host = $1 AND name = $2",
	[LIST] =
		"SELECT name, created_us FROM accounts WHERE host = $1 AND name > $2 ORDER BY name LIMIT $3",
	[CREATE] =
		"INSERT INTO accounts (host, name, created_us, scram_sha_1, scram_sha_256, scram_sha_512)"
		" VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (host, name) DO NOTHING",
	[SET_PASSWORD] =
		"UPDATE accounts SET scram_sha_1 = $3, scram_sha_256 = $4, scram_sha_512 = $5"
		" WHERE host = $1 AND name = $2",
	[REMOVE] = "DELETE FROM accounts WHERE host = $1 AND name = $2",
};
static unsigned statement[STATEMENTS];

void
accounts_register_statements(void)
{
	for (unsigned i = 0; i < STATEMENTS; i++)
		statement[i] = store_statement("core", i, sql[i], sql[i]);
	secret_register_statements();
}

static void
read_two(unsigned which, const char *a, const char *b, store_done_fn *done, void *ctx)
{
	struct hm_value args[2] = { hm_value_text(a), hm_value_text(b) };
	struct store_call call = { statement[which], args, 2 };

	store_read(&call, 1, done, ctx);
}

void
accounts_read_id(const char *host, const char *local, store_done_fn *done, void *ctx)
{
	read_two(READ_ID, host, local, done, ctx);
}

void
accounts_read_credentials(const char *host, const char *local, store_done_fn *done, void *ctx)
{
	read_two(READ_CREDENTIALS, host, local, done, ctx);
}

void
accounts_list(const char *host, const char *after, int64_t limit, store_done_fn *done, void *ctx)
{
	struct hm_value args[3] = { hm_value_text(host), hm_value_text(after),
		                    hm_value_int(limit) };
	struct store_call call = { statement[LIST], args, 3 };

	store_read_long(&call, 1, done, ctx);
}

/* --- One operation --------------------------------------------------------------------------------- */

struct operation {
	struct mail mail;
	struct waiter waiter;
	unsigned which; /* CREATE, SET_PASSWORD, REMOVE */
	struct host *host;
	char *local, *bare;
	struct derivation derivation;
	uint64_t except;
	unsigned worker; /* that asked */
	enum hm_account_result result;
	account_done_fn *done;
	void *ctx;
};

static void
operation_free(struct operation *op)
{
	derivation_wipe(&op->derivation);
	mem_free(op->local);
	mem_free(op->bare);
	mem_free(op);
}

static void
finish_mail(struct mail *mail)
{
	struct operation *op = HM_CONTAINER(mail, struct operation, mail);

	op->done(op->ctx, op->result);
	operation_free(op);
}

/* Back at the worker that asked, in a later turn. */
static void
finish(struct operation *op, enum hm_account_result result)
{
	op->result = result;
	op->mail.run = finish_mail;
	worker_post(op->worker, &op->mail);
}

/* --- The account's home is told ----------------------------------------------------------------------- */

struct telling {
	struct mail mail;
	enum telling_kind { ACCOUNT_CREATED, PASSWORD_CHANGED, ACCOUNT_REMOVED } kind;
	uint64_t except;
	int64_t at_us;
	char bare[];
};

static void
close_all(struct list *sessions, uint64_t except, const char *text)
{
	list_for_each(l, next, sessions)
	{
		struct hm_session *s = list_entry(l, struct hm_session, link);

		if (s->id != except)
			session_close(s, STREAM_NOT_AUTHORIZED, text, HM_CLOSED_BY_SERVER);
	}
}

static void
told(struct mail *mail)
{
	struct telling *t = HM_CONTAINER(mail, struct telling, mail);
	struct hm_user *u = user_find(t->bare);
	const char *text = t->kind == ACCOUNT_REMOVED ? "The account was removed."
	                                              : "The password was changed.";

	user_directory_forget(t->bare);
	if (t->kind != ACCOUNT_CREATED)
		changed_remember(t->bare, t->at_us);
	if (u && t->kind == ACCOUNT_CREATED)
		u->look_again = true;
	if (u && t->kind != ACCOUNT_CREATED) {
		close_all(&u->sessions, t->except, text);
		close_all(&u->unbound, t->except, text);
		u->entity.doomed = t->kind == ACCOUNT_REMOVED;
		entity_settle(&u->entity);
	}
	mem_free(t);
}

static void
tell(unsigned worker, const char *bare, enum telling_kind kind, uint64_t except, int64_t at_us)
{
	struct telling *t = mem_zalloc(sizeof(*t) + strlen(bare) + 1);

	memcpy(t->bare, bare, strlen(bare) + 1);
	t->kind = kind;
	t->except = except;
	t->at_us = at_us;
	t->mail.run = told;
	worker_post(worker, &t->mail);
}

/* --- Writing -------------------------------------------------------------------------------------------- */

/* At its home.  It is not removed after all. */
static void
spare(const char *bare)
{
	struct hm_user *u = user_find(bare);

	if (u)
		u->entity.doomed = false;
}

static void
written(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct operation *op = ctx;
	bool changed = outcome == STORE_OK && store_changed(rows[0]) > 0;
	unsigned which = op->which;
	uint64_t except = op->except;
	char *bare = mem_strdup(op->bare);
	/* Before the answer: who logs in because of it has been looked up later. */
	int64_t now_us = clock_mono_us();

	if (which == REMOVE && !changed)
		spare(bare);
	/* The answer first: a session that is about to end has asked for it.  op is another worker's from then on. */
	if (outcome != STORE_OK)
		finish(op, HM_ACCOUNT_BUSY);
	else if (!changed)
		finish(op, which == CREATE ? HM_ACCOUNT_EXISTS : HM_ACCOUNT_NOT_FOUND);
	else
		finish(op, HM_ACCOUNT_OK);
	if (changed && which == CREATE) {
		for (unsigned i = 0; i < workers_count(); i++)
			/* It exists now: nobody may remember the contrary. */
			tell(i, bare, ACCOUNT_CREATED, 0, now_us);
	} else if (changed) {
		if (which == REMOVE)
			log_line(NULL, HM_INFO, "account removed", hm_kv("jid", bare));
		else
			log_line(NULL, HM_INFO, "password changed", hm_kv("jid", bare));
		tell(link_home(bare), bare, which == REMOVE ? ACCOUNT_REMOVED : PASSWORD_CHANGED,
		     except, now_us);
	}
	mem_free(bare);
}

static void
write_it(struct operation *op)
{
	struct hm_value v[6] = { hm_value_text(op->host->domain), hm_value_text(op->local) };
	struct store_call call = { statement[op->which], v, 2 };

	if (op->which == CREATE)
		v[call.n++] = hm_value_int(clock_wall_us());
	for (unsigned i = 0; op->which != REMOVE && i < CRYPTO_HASHES; i++)
		v[call.n++] = hm_value_text(op->derivation.verifier[i]);
	if (store_write(&call, 1, written, op))
		return;
	if (op->which == REMOVE)
		spare(op->bare);
	finish(op, HM_ACCOUNT_BUSY);
}

/* --- Passwords become verifiers ------------------------------------------------------------ */

static void
derived(struct derivation *d, bool fine)
{
	struct operation *op = HM_CONTAINER(d, struct operation, derivation);

	if (fine)
		write_it(op);
	else
		finish(op, HM_ACCOUNT_BUSY);
}

/* false: finished already. */
static bool
take_credentials(struct operation *op, const struct account_credentials *with)
{
	char *prepared = with->password ? (char *)(uintptr_t)precis_opaque_string(with->password,
	                                                                          worker_scratch())
	                                : NULL;

	if (with->password && (!prepared || strlen(prepared) > JID_PART_MAX)) {
		finish(op, HM_ACCOUNT_BAD_PASSWORD);
		return false;
	}
	if (prepared) {
		op->derivation.password = mem_strdup(prepared);
		op->derivation.iterations = (unsigned)host_limits(op->host)->scram_iterations;
		crypto_wipe(prepared, strlen(prepared));
		return true;
	}
	for (unsigned i = 0; i < CRYPTO_HASHES; i++) {
		struct scram_keys keys;

		if (!with->verifier[i])
			continue;
		if (!scram_parse(&keys, with->verifier[i]) || keys.hash != i) {
			finish(op, HM_ACCOUNT_BAD_PASSWORD);
			return false;
		}
		op->derivation.verifier[i] = mem_strdup(with->verifier[i]);
	}
	return true;
}

/* NULL: finished already. */
static struct operation *
begin(unsigned which, struct host *h, const char *name, account_done_fn *done, void *ctx)
{
	struct operation *op = mem_new(struct operation);
	const char *local = jid_prepare_local(name, worker_scratch());

	op->which = which;
	op->host = h;
	op->worker = here->worker;
	op->derivation.done = derived;
	op->done = done;
	op->ctx = ctx;
	if (!local || strlen(local) > (size_t)host_limits(h)->max_account_name) {
		finish(op, HM_ACCOUNT_BAD_NAME);
		return NULL;
	}
	op->local = mem_strdup(local);
	op->bare = mem_printf("%s@%s", local, h->domain);
	return op;
}

static void
sums_or_write(struct operation *op, const struct account_credentials *with)
{
	if (!take_credentials(op, with))
		return;
	if (op->derivation.password)
		derivation_start(&op->derivation);
	else
		write_it(op);
}

void
account_create(struct host *h, const char *name, const struct account_credentials *with,
               account_done_fn *done, void *ctx)
{
	struct operation *op = begin(CREATE, h, name, done, ctx);

	if (op)
		sums_or_write(op, with);
}

void
account_set_password(struct host *h, const char *name, const struct account_credentials *with,
                     uint64_t except, account_done_fn *done, void *ctx)
{
	struct operation *op = begin(SET_PASSWORD, h, name, done, ctx);

	if (!op)
		return;
	op->except = except;
	sums_or_write(op, with);
}

/* --- Removing: its modules say goodbye first ----------------------------------------------------------------- */

static void
goodbye_said(struct waiter *w, struct entity *e, enum hm_cond why)
{
	struct operation *op = HM_CONTAINER(w, struct operation, waiter);

	if (!e) {
		finish(op, why == HM_ITEM_NOT_FOUND ? HM_ACCOUNT_NOT_FOUND : HM_ACCOUNT_BUSY);
		return;
	}
	e->pins++;
	turn_begin(e, NULL);
	notice_account_deleting(user_of(e));
	/* What comes back to the goodbyes must not be stored behind the deletion. */
	e->doomed = true;
	e->pins--;
	turn_end();
	write_it(op);
}

static void
remove_at_home(struct mail *mail)
{
	struct operation *op = HM_CONTAINER(mail, struct operation, mail);

	op->waiter.go = goodbye_said;
	user_wait(op->host, op->bare, &op->waiter);
}

void
account_remove(struct host *h, const char *name, account_done_fn *done, void *ctx)
{
	struct operation *op = begin(REMOVE, h, name, done, ctx);

	if (!op)
		return;
	op->mail.run = remove_at_home;
	worker_post(link_home(op->bare), &op->mail);
}
