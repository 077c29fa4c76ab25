/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
#include "store_fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_workers.h"

static char directory[64];
static char path[96];
static unsigned answers;

static const struct store_migration migrations[] = {
	{ "0001-create", "-- [sqlite]\n"
	                 "CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT UNIQUE, data BLOB);\n"
	                 "-- [postgresql]\n"
	                 "CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT UNIQUE, data BYTEA);\n"
	                 "-- [all]\n"
	                 "CREATE TABLE child (id BIGINT PRIMARY KEY, t BIGINT NOT NULL"
	                 " REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED);\n" },
	{ NULL, NULL },
};

int
fixture_setup(void **state)
{
	snprintf(directory, sizeof(directory), "/tmp/hermod-test-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/hermod.sqlite", directory);
	fake_worker_is(0);
	answers = 0;
	return fixture_empty_database();
}

int
fixture_teardown(void **state)
{
	DIR *dir;
	struct dirent *entry;

	store_close();
	dir = opendir(directory);
	while (dir && (entry = readdir(dir))) {
		char name[512];

		snprintf(name, sizeof(name), "%s/%s", directory, entry->d_name);
		unlink(name);
	}
	if (dir)
		closedir(dir);
	return rmdir(directory);
}

const char *
fixture_directory(void)
{
	return directory;
}

const char *
fixture_path(void)
{
	return path;
}

#ifndef FIXTURE_POSTGRESQL
int
fixture_empty_database(void)
{
	return 0;
}

struct store_config
fixture_config(void)
{
	return (struct store_config){ .driver = "sqlite", .path = path, .readers = 2 };
}
#endif

bool
fixture_open(struct hm_error *why)
{
	struct store_config cfg = fixture_config();

	return store_open(&cfg, why);
}

static bool
open_tables(const struct store_config *cfg, struct hm_error *why)
{
	return store_open(cfg, why) && store_migrate("core", migrations, why);
}

void
fixture_open_tables(void)
{
	struct store_config cfg = fixture_config();
	struct hm_error why = { 0 };

	if (!open_tables(&cfg, &why))
		fail_msg("%s", why.text);
}

void
fixture_start_with(const struct store_config *cfg, const char *const *sql, unsigned n,
                   unsigned *ids)
{
	struct hm_error why = { 0 };
	bool ok = open_tables(cfg, &why);

	for (unsigned i = 0; ok && i < n; i++)
		ids[i] = store_statement("core", i, sql[i], sql[i]);
	if (!ok || !store_start(&why))
		fail_msg("%s", why.text);
}

void
fixture_start(const char *const *sql, unsigned n, unsigned *ids)
{
	struct store_config cfg = fixture_config();

	fixture_start_with(&cfg, sql, n, ids);
}

/* --- Answers ---------------------------------------------------------------------- */

/* The type is the test's to know: a cell of another one would be told as a mistake. */
static int
write_cell(char *out, size_t size, const struct store_rows *rows, unsigned col, char type)
{
	struct hm_blob blob;
	int len = 0;

	if (store_is_null(rows, col))
		return snprintf(out, size, "NULL");
	switch (type) {
	case 'i':
		return snprintf(out, size, "%lld", (long long)store_int(rows, col));
	case 't':
		return snprintf(out, size, "%s", store_text(rows, col));
	default:
		blob = store_blob(rows, col);
		len = snprintf(out, size, "x'");
		for (size_t i = 0; i < blob.len; i++)
			len += snprintf(out + len, size - (size_t)len, "%02x",
			                ((const unsigned char *)blob.data)[i]);
		return len + snprintf(out + len, size - (size_t)len, "'");
	}
}

/* The columns of t, in this order, by the statements of the tests: id, name, data. */
static const char types[] = "itb";

void
answer_came(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	struct answer *a = ctx;
	char *at = a->text, *end = a->text + sizeof(a->text);

	assert_false(a->done);
	a->done = true;
	a->outcome = outcome;
	a->place = answers++;
	if (outcome != STORE_OK) {
		assert_null(rows);
		return;
	}
	a->changed = (long long)store_changed(rows[0]);
	for (size_t i = 0; i < n; i++) {
		unsigned cols = store_count(rows[i]) ? (unsigned)strlen(types) : 0;

		at += snprintf(at, (size_t)(end - at), "%s", i ? "/" : "");
		while (store_next(rows[i])) {
			for (unsigned col = 0; col < cols; col++) {
				at += snprintf(at, (size_t)(end - at), "%s", col ? "|" : "");
				at += write_cell(at, (size_t)(end - at), rows[i], col, types[col]);
			}
			at += snprintf(at, (size_t)(end - at), ";");
		}
	}
}

void
answer_wait(struct answer *a)
{
	fake_turn_ends();
	while (!a->done) {
		fake_read_mail();
		fake_turn_ends();
	}
}

void
write_calls(const struct store_call *calls, size_t n, struct answer *a)
{
	memset(a, 0, sizeof(*a));
	assert_true(store_write(calls, n, answer_came, a));
}

const char *
read_now(struct store_call call)
{
	static struct answer a;

	memset(&a, 0, sizeof(a));
	store_read(&call, 1, answer_came, &a);
	answer_wait(&a);
	return a.outcome == STORE_OK ? a.text : "failed";
}

enum store_outcome
write_now(struct store_call call, struct answer *a)
{
	struct answer own;

	a = a ? a : &own;
	write_calls(&call, 1, a);
	answer_wait(a);
	return a->outcome;
}
