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
#include "base/codec.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "core/chain.h"
#include "core/changed.h"
#include "core/core.h"
#include "core/here.h"
#include "core/turn.h"
#include "core/user.h"
#include "crypto/hash.h"
#include "crypto/scram.h"
#include "loop/offload.h"
#include "loop/worker.h"
#include "xmpp/jid.h"

enum {
	READ_ID,
	READ_CREDENTIALS,
	LIST,
	CREATE,
	SET_PASSWORD,
	REMOVE,
	ADD_SECRET,
	READ_SECRET,
	STATEMENTS
};
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
	[ADD_SECRET] =
		"INSERT INTO secrets (name, value) VALUES ('accounts', $1) ON CONFLICT (name) DO NOTHING",
	[READ_SECRET] = "SELECT value FROM secrets WHERE name = 'accounts'",
};
static unsigned statement[STATEMENTS];
static unsigned char secret[SCRAM_SECRET_LEN];

void
accounts_register_statements(void)
{
	for (unsigned i = 0; i < STATEMENTS; i++)
		statement[i] = store_statement("core", i, sql[i], sql[i]);
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
	char *password;
	char *verifier[CRYPTO_HASHES];
	unsigned iterations;
	bool derived;
	uint64_t except;
	unsigned worker; /* that asked */
	enum hm_account_result result;
	account_done_fn *done;
	void *ctx;
};

static void
operation_free(struct operation *op)
{
	mem_free_secret(op->password);
	for (unsigned i = 0; i < CRYPTO_HASHES; i++)
		mem_free_secret(op->verifier[i]);
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

	if (which == REMOVE && !changed && user_find(bare))
		user_find(bare)->entity.doomed = false;
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
		v[call.n++] = hm_value_text(op->verifier[i]);
	if (!store_write(&call, 1, written, op))
		finish(op, HM_ACCOUNT_BUSY);
}

/* --- Deriving: what one turn asks for goes to the pool in bundles, whose results are one commit ---- */

#define BUNDLE_MAX 8

struct bundle {
	struct offload sums;
	struct turn_end turn_end;
	size_t n;
	struct operation *ops[BUNDLE_MAX];
};

/* The bundle that this turn is filling. */
static _Thread_local struct bundle *filling;

static void
derive_one(struct operation *op)
{
	struct scram_keys keys[CRYPTO_HASHES];
	char text[SCRAM_TEXT_MAX];

	for (unsigned i = 0; i < CRYPTO_HASHES; i++)
		scram_choose(&keys[i], (enum crypto_hash)i, op->iterations);
	op->derived = scram_derive_all(keys, CRYPTO_HASHES, op->password);
	for (unsigned i = 0; i < CRYPTO_HASHES; i++) {
		scram_write(&keys[i], text);
		op->verifier[i] = mem_strdup(text);
	}
	crypto_wipe(keys, sizeof(keys));
	crypto_wipe(text, sizeof(text));
}

/* On a thread of the pool. */
static void
derive(struct offload *job)
{
	struct bundle *b = HM_CONTAINER(job, struct bundle, sums);

	for (size_t i = 0; i < b->n; i++)
		derive_one(b->ops[i]);
}

static void
derived(struct offload *job)
{
	struct bundle *b = HM_CONTAINER(job, struct bundle, sums);

	for (size_t i = 0; i < b->n; i++) {
		if (b->ops[i]->derived)
			write_it(b->ops[i]);
		else
			finish(b->ops[i], HM_ACCOUNT_BUSY);
	}
	mem_free(b);
}

static void
bundle_send(struct bundle *b)
{
	filling = NULL;
	if (offload_run(&b->sums))
		return;
	for (size_t i = 0; i < b->n; i++)
		finish(b->ops[i], HM_ACCOUNT_BUSY);
	mem_free(b);
}

static void
bundle_turn_end(struct turn_end *te)
{
	bundle_send(HM_CONTAINER(te, struct bundle, turn_end));
}

static void
bundle_add(struct operation *op)
{
	struct bundle *b = filling;

	if (!b) {
		b = filling = mem_new(struct bundle);
		b->sums.sum = derive;
		b->sums.done = derived;
		b->turn_end.run = bundle_turn_end;
		worker_at_turn_end(&b->turn_end);
	}
	b->ops[b->n++] = op;
	if (b->n == BUNDLE_MAX) {
		worker_cancel_turn_end(&b->turn_end);
		bundle_send(b);
	}
}

/* false: finished already. */
static bool
take_credentials(struct operation *op, const struct account_credentials *with)
{
	const char *prepared =
		with->password ? precis_opaque_string(with->password, worker_scratch()) : NULL;

	if (with->password && (!prepared || strlen(prepared) > JID_PART_MAX)) {
		finish(op, HM_ACCOUNT_BAD_PASSWORD);
		return false;
	}
	if (prepared) {
		op->password = mem_strdup(prepared);
		op->iterations = (unsigned)host_limits(op->host)->scram_iterations;
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
		op->verifier[i] = mem_strdup(with->verifier[i]);
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
	if (op->password)
		bundle_add(op);
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

/* --- The installation's secret ---------------------------------------------------------------------------------- */

static void (*secret_ready)(bool ok);

static void
secret_read(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	const char *hex =
		outcome == STORE_OK && store_next(rows[0]) ? store_text(rows[0], 0) : NULL;

	secret_ready(hex && strlen(hex) == 2 * sizeof(secret) &&
	             hex_decode(secret, hex, strlen(hex)));
}

static void
secret_made(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct store_call call = { statement[READ_SECRET], NULL, 0 };

	store_read(&call, 1, secret_read, NULL);
}

void
accounts_read_secret(void (*ready)(bool ok))
{
	unsigned char fresh[sizeof(secret)];
	char hex[2 * sizeof(secret) + 1];
	struct hm_value v;
	struct store_call call = { statement[ADD_SECRET], &v, 1 };

	secret_ready = ready;
	random_bytes(fresh, sizeof(fresh));
	hex_encode(hex, fresh, sizeof(fresh));
	v = hm_value_text(hex);
	if (!store_write(&call, 1, secret_made, NULL))
		ready(false);
}

const unsigned char *
accounts_secret(void)
{
	return secret;
}
