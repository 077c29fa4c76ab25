/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/sqlite_conn.c - opening with the settings that make SQLite behave like
 * the other database where the two differ, and running statements into rows.
 */
#include "store/sqlite_conn.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "store/store_driver.h"

/*
 * Nobody else has the database, so waiting is for the rare moments in which SQLite itself
 * locks (recovery, an administrator's backup).
 */
#define BUSY_MS 2000

/*
 * cache_size is in KiB: a writer's cache lives through commits, a reader's is
 * thrown away by every commit of the writer, so it need not be large.
 */
static const char *const settings[] = {
	[SQLITE_WRITER] = "PRAGMA synchronous=FULL;"
			  "PRAGMA wal_autocheckpoint=0;"
			  "PRAGMA journal_size_limit=16777216;"
			  "PRAGMA secure_delete=FAST;"
			  "PRAGMA cache_size=-1536;",
	[SQLITE_READER] = "PRAGMA query_only=ON;"
			  "PRAGMA wal_autocheckpoint=0;"
			  "PRAGMA cache_size=-512;",
};
/* LIKE is case-sensitive in PostgreSQL. */
static const char common_settings[] = "PRAGMA case_sensitive_like=ON;"
				      "PRAGMA temp_store=MEMORY;"
				      "PRAGMA mmap_size=0;";

static const char *const step_sql[SQLITE_STEPS] = {
	[STEP_BEGIN] = "BEGIN",          [STEP_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[STEP_COMMIT] = "COMMIT",        [STEP_ROLLBACK] = "ROLLBACK",
	[STEP_SAVE] = "SAVEPOINT grp",   [STEP_RELEASE] = "RELEASE grp",
	[STEP_BACK] = "ROLLBACK TO grp",
};

static bool
configure(struct sqlite_conn *conn, enum sqlite_role role)
{
	sqlite3 *db = conn->db;

	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_timeout(db, BUSY_MS);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	/* A string in double quotes is a mistake, not text. */
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	/* The file may have been anywhere: nothing in its schema may do harm. */
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return sqlite3_exec(db, settings[role], NULL, NULL, NULL) == SQLITE_OK &&
	       sqlite3_exec(db, common_settings, NULL, NULL, NULL) == SQLITE_OK;
}

bool
sqlite_conn_open(struct sqlite_conn *conn, const char *path, enum sqlite_role role,
                 struct hm_error *why)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

	if (sqlite3_open_v2(path, &conn->db, flags, NULL) == SQLITE_OK && configure(conn, role))
		return true;
	error_set(why, HM_E_DATABASE, "Cannot open the database %s: %s.", path,
	          conn->db ? sqlite3_errmsg(conn->db) : "out of memory");
	sqlite_conn_close(conn);
	return false;
}

void
sqlite_conn_close(struct sqlite_conn *conn)
{
	for (unsigned i = 0; i < conn->n; i++)
		sqlite3_finalize(conn->prepared[i]);
	for (unsigned i = 0; i < SQLITE_STEPS; i++)
		sqlite3_finalize(conn->step[i]);
	mem_free(conn->prepared);
	sqlite3_close(conn->db);
	*conn = (struct sqlite_conn){ 0 };
}

/* --- Statements ------------------------------------------------------------------ */

static int
prepare(struct sqlite_conn *conn, const char *sql, sqlite3_stmt **stmt)
{
	return sqlite3_prepare_v3(conn->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
}

int
sqlite_conn_step(struct sqlite_conn *conn, enum sqlite_step step)
{
	int code = SQLITE_OK;

	if (!conn->step[step])
		code = prepare(conn, step_sql[step], &conn->step[step]);
	if (code != SQLITE_OK)
		return code;
	code = sqlite3_step(conn->step[step]);
	sqlite3_reset(conn->step[step]);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int
find_prepared(struct sqlite_conn *conn, unsigned id, sqlite3_stmt **stmt)
{
	int code = SQLITE_OK;

	if (id >= conn->n) {
		unsigned n = id + 1;

		while (store_statement_by_id(n))
			n++;
		conn->prepared = mem_realloc(conn->prepared, n * sizeof(sqlite3_stmt *));
		memset(conn->prepared + conn->n, 0, (n - conn->n) * sizeof(sqlite3_stmt *));
		conn->n = n;
	}
	if (!conn->prepared[id])
		code = prepare(conn, store_statement_by_id(id)->sqlite, &conn->prepared[id]);
	*stmt = conn->prepared[id];
	return code;
}

/* The arguments lie in the request, which outlives the run: SQLite needs no copy. */
int
sqlite_conn_bind(sqlite3_stmt *stmt, const unsigned char *places, const struct store_call *call)
{
	int code = SQLITE_OK;

	for (size_t i = 0; i < call->n && code == SQLITE_OK; i++) {
		const struct hm_value *v = &call->args[i];
		int place = places ? places[i] : (int)i + 1;

		switch (v->type) {
		case HM_V_NULL:
			code = sqlite3_bind_null(stmt, place);
			break;
		case HM_V_INT:
			code = sqlite3_bind_int64(stmt, place, v->u.num);
			break;
		case HM_V_TEXT:
			code = sqlite3_bind_text(stmt, place, v->u.text, -1, SQLITE_STATIC);
			break;
		case HM_V_BLOB:
			code = sqlite3_bind_blob64(stmt, place, v->u.blob.data, v->u.blob.len,
			                           SQLITE_STATIC);
			break;
		}
	}
	return code;
}

/* The present row.  SQLITE_MISMATCH: of a type that the store does not have. */
static int
copy_row(sqlite3_stmt *stmt, struct store_rows *rows, unsigned cols)
{
	if (!store_rows_add(rows))
		return SQLITE_TOOBIG;
	for (unsigned i = 0; i < cols; i++) {
		int col = (int)i;
		const void *data;

		switch (sqlite3_column_type(stmt, col)) {
		case SQLITE_NULL:
			break;
		case SQLITE_INTEGER:
			store_set_int(rows, i, sqlite3_column_int64(stmt, col));
			break;
		case SQLITE_TEXT:
			data = sqlite3_column_text(stmt, col);
			store_set_bytes(rows, i, HM_V_TEXT, data,
			                (size_t)sqlite3_column_bytes(stmt, col));
			break;
		case SQLITE_BLOB:
			data = sqlite3_column_blob(stmt, col);
			store_set_bytes(rows, i, HM_V_BLOB, data,
			                (size_t)sqlite3_column_bytes(stmt, col));
			break;
		default: /* the statement has to cast */
			return SQLITE_MISMATCH;
		}
	}
	return SQLITE_ROW;
}

int
sqlite_conn_rows(struct sqlite_conn *conn, sqlite3_stmt *stmt, unsigned id, struct arena *arena,
                 struct store_rows **rows)
{
	unsigned cols = (unsigned)sqlite3_column_count(stmt);
	int code;

	*rows = store_rows_new(arena, id, cols);
	do {
		code = sqlite3_step(stmt);
		if (code == SQLITE_ROW)
			code = copy_row(stmt, *rows, cols);
	} while (code == SQLITE_ROW);
	if (code != SQLITE_DONE)
		return code;
	if (!sqlite3_stmt_readonly(stmt))
		store_set_changed(*rows, sqlite3_changes(conn->db));
	return SQLITE_OK;
}

int
sqlite_conn_call(struct sqlite_conn *conn, const struct store_call *call, struct arena *arena,
                 struct store_rows **rows)
{
	sqlite3_stmt *stmt;
	int code = find_prepared(conn, call->statement, &stmt);

	if (code == SQLITE_OK)
		code = sqlite_conn_bind(stmt, sqlite_places(call->statement), call);
	if (code == SQLITE_OK)
		code = sqlite_conn_rows(conn, stmt, call->statement, arena, rows);
	sqlite3_reset(stmt);
	return code;
}
