/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store_fixture.h - a store in a directory of its own, and answers as text.
 * The test's thread is worker 0 of the fake workers.
 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

/* What came back: rows as "1|two|NULL|x'00ff';", several results with "/" between them. */
struct answer {
	bool done;
	enum store_outcome outcome;
	unsigned place;    /* how many answers came before */
	long long changed; /* of the first statement */
	char text[2048];
};

#define CALL(id, ...) ((struct store_call){ (id), HM_VALUES(__VA_ARGS__) })

int fixture_setup(void **state);
int fixture_teardown(void **state);
const char *fixture_directory(void);
const char *fixture_path(void); /* of the database */

/* Opens; *why is filled when it returns false. */
bool fixture_open(struct hm_error *why);
/* Opens with the tables of fixture_start(), for a test that registers its statements itself. */
void fixture_open_tables(void);
/* Opens with a table `t (id BIGINT PRIMARY KEY, name TEXT UNIQUE, data BLOB)`, and starts. */
void fixture_start(const char *const *sql, unsigned n, unsigned *ids);
void fixture_start_with(const struct store_config *cfg, const char *const *sql, unsigned n,
                        unsigned *ids);
struct store_config fixture_config(void);

/*
 * In programs for PostgreSQL (FIXTURE_POSTGRESQL, postgres_fixture.c) these two are another's, and the
 * group has a setup that starts a cluster for all its tests.
 */
int fixture_empty_database(void);
bool fixture_missing(void); /* no PostgreSQL here; it has been told */
int fixture_start_cluster(void **state);
int fixture_stop_cluster(void **state);
const char *fixture_cluster(void); /* its folder, with its socket */
int
fixture_postgres(const char *command, const char *more); /* tests/postgres COMMAND FOLDER MORE */
int fixture_postgres_at(const char *command, const char *folder, const char *more);
/* One value of the database, or "" */
const char *fixture_ask(const char *sql);
/* What fixture_config() says of the server; a test may change it. */
extern struct store_server fixture_server;

/* Asked, and waited for where the name says so. */
void write_calls(const struct store_call *calls, size_t n, struct answer *a);
void answer_wait(struct answer *a);
const char *read_now(struct store_call call);
enum store_outcome write_now(struct store_call call, struct answer *a); /* a may be NULL */
store_done_fn answer_came;

#endif
