/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/accounts.h - the table of accounts: who exists, and the verifiers of their passwords.
 * All calls on a worker; results come back there in a later turn.
 */
#ifndef CORE_ACCOUNTS_H
#define CORE_ACCOUNTS_H

#include <hermod/module.h>

#include "core/host.h"
#include "store/store.h"

/* The secret's, too. */
void accounts_register_statements(void);

/* Rows: id.  done as in store_read(). */
void accounts_read_id(const char *host, const char *local, store_done_fn *done, void *ctx);
/* Rows: id, three verifiers. */
void accounts_read_credentials(const char *host, const char *local, store_done_fn *done, void *ctx);
/* Rows: name, created_us; by name, after `after` ("" from the start), at most limit. */
void
accounts_list(const char *host, const char *after, int64_t limit, store_done_fn *done, void *ctx);

typedef void account_done_fn(void *ctx, enum hm_account_result result);
/*
 * name: as somebody typed it; it is prepared here.  Either password (prepared here; its sums run
 * off the workers), or verifiers: texts as crypto/scram.h writes them, NULL where there is none, by
 * enum crypto_hash.
 */
struct account_credentials {
	const char *password;
	const char *verifier[3];
};
void account_create(struct host *h, const char *name, const struct account_credentials *with,
                    account_done_fn *done, void *ctx);
/* Ends the account's sessions, but `except` (0: all). */
void account_set_password(struct host *h, const char *name, const struct account_credentials *with,
                          uint64_t except, account_done_fn *done, void *ctx);
/* Modules are told first (account_deleting), then all its rows go, then done, then its sessions. */
void account_remove(struct host *h, const char *name, account_done_fn *done, void *ctx);

#endif
