/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/secret.c - the first start writes it, every start reads it. */
#include "core/secret.h"

#include <string.h>

#include "base/codec.h"
#include "base/random.h"
#include "store/store.h"

enum { ADD, READ, STATEMENTS };
static const char *const sql[STATEMENTS] = {
	[ADD] = "INSERT INTO secrets (name, value) VALUES ('accounts', $1) ON CONFLICT (name) DO NOTHING",
	[READ] = "SELECT value FROM secrets WHERE name = 'accounts'",
};
static unsigned statement[STATEMENTS];
static unsigned char secret[SCRAM_SECRET_LEN];
static void (*ready_fn)(bool ok);

void
secret_register_statements(void)
{
	for (unsigned i = 0; i < STATEMENTS; i++)
		statement[i] = store_statement("secret", i, sql[i], sql[i]);
}

static void
loaded(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	const char *hex =
		outcome == STORE_OK && store_next(rows[0]) ? store_text(rows[0], 0) : NULL;

	ready_fn(hex && strlen(hex) == 2 * sizeof(secret) && hex_decode(secret, hex, strlen(hex)));
}

static void
made(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct store_call call = { statement[READ], NULL, 0 };

	store_read(&call, 1, loaded, NULL);
}

void
secret_load(void (*ready)(bool ok))
{
	unsigned char fresh[sizeof(secret)];
	char hex[2 * sizeof(secret) + 1];
	struct hm_value v;
	struct store_call call = { statement[ADD], &v, 1 };

	ready_fn = ready;
	random_bytes(fresh, sizeof(fresh));
	hex_encode(hex, fresh, sizeof(fresh));
	v = hm_value_text(hex);
	if (!store_write(&call, 1, made, NULL))
		ready(false);
}

const unsigned char *
secret_bytes(void)
{
	return secret;
}
