/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/sqlite_conn.h - one connection to the SQLite database with its prepared
 * statements.  Used by one thread at a time.
 */
#ifndef STORE_SQLITE_CONN_H
#define STORE_SQLITE_CONN_H

#include <sqlite3.h>
#include <stdbool.h>

#include <hermod/values.h>

#include "base/arena.h"
#include "store/store.h"

/* Statements about transactions, which every connection keeps prepared. */
enum sqlite_step {
	STEP_BEGIN,
	STEP_BEGIN_WRITE,
	STEP_COMMIT,
	STEP_ROLLBACK,
	STEP_SAVE,
	STEP_RELEASE,
	STEP_BACK
};
#define SQLITE_STEPS 7

struct sqlite_conn { /* zeroed is closed */
	sqlite3 *db;
	sqlite3_stmt **prepared; /* by the store's number, each made when first used */
	unsigned n;
	sqlite3_stmt *step[SQLITE_STEPS];
};

enum sqlite_role { SQLITE_WRITER, SQLITE_READER };

bool sqlite_conn_open(struct sqlite_conn *conn, const char *path, enum sqlite_role role,
                      struct hm_error *why) HM_MUST_USE;
void sqlite_conn_close(struct sqlite_conn *conn);

/* Both give SQLITE_OK or an extended result code; sqlite3_errmsg() tells more until the next call. */
int sqlite_conn_step(struct sqlite_conn *conn, enum sqlite_step step);
int sqlite_conn_call(struct sqlite_conn *conn, const struct store_call *call, struct arena *arena,
                     struct store_rows **rows);
/* Steps through a statement and gives its rows; the caller finalizes. */
int sqlite_conn_rows(struct sqlite_conn *conn, sqlite3_stmt *stmt, unsigned id, struct arena *arena,
                     struct store_rows **rows);
/* The arguments must outlive the run. places: of $1 .. $n; NULL: in their order. */
int
sqlite_conn_bind(sqlite3_stmt *stmt, const unsigned char *places, const struct store_call *call);
/* For lines that only name the reason: constraint, full, damaged ... */
static inline int
sqlite_primary(int code)
{
	return code & 0xff;
}

/* sqlite.c: where $1 .. $n of a statement are bound. */
const unsigned char *sqlite_places(unsigned id);

#endif
