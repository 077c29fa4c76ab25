/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/store.h - the asynchronous door to the database, with group commit.
 *
 * Callers run on worker threads; callbacks come back on the worker that asked,
 * in a later turn.  Made for both an embedded writer thread (SQLite) and a
 * connection in pipeline mode (PostgreSQL): nothing here blocks, no transaction
 * spans two calls, every statement is known by number before the workers start.
 *
 * Each worker has a lane.  Write groups of one lane are committed in the order
 * given; a batch is what queued up while the previous one was in flight.  A
 * group commits or fails as a whole, and fails alone: when a batch fails its groups are run again one by one.
 * A read sees every write of any lane whose callback has already run.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hermod/values.h>

#include "base/arena.h"
#include "base/buf.h"

/* --- Before the workers start (one thread) --------------------------------- */

struct store_migration {
	const char *name; /* "0001-create" */
	const char *
		sql; /* several statements; may hold lines "-- [sqlite]" / "-- [postgresql]" / "-- [all]" that open a part for one database */
};

/* Where the database server is; what is NULL or zero is libpq's default. */
struct store_server {
	const char *const
		*hosts; /* "db.example.org", "db.example.org:5433", or a socket's directory */
	size_t n_hosts;
	unsigned port; /* of hosts that name none */
	const char *name, *user;
	const char *password_file; /* its first line is the password */
	const char *tls;           /* libpq's sslmode: "verify-full" */
	const char *tls_ca, *tls_certificate, *tls_key;
	const char *connection; /* further parameters: "keepalives_idle=10" */
	bool unnamed;           /* no prepared statement has a name: there is a pooler in between */
	uint32_t
		patience_ms; /* how long reads wait for the database while it is away; 0: 30 seconds */
};

struct store_config {
	const char *driver; /* "sqlite", "postgresql" */
	const char *path;   /* of the database file; NULL: there is none */
	unsigned
		readers; /* reading connections, of PostgreSQL for each worker; 0: a sensible number */
	unsigned workers;   /* that will ask; 0: all there may be */
	unsigned batch_max; /* write groups per commit, at most */
	size_t queue_bytes; /* writes waiting, per lane, before store_write() refuses */
	const struct store_server *server; /* NULL: all of it is the default */
};

/* By store_open() itself; alone for who wants to list them. */
void store_metrics_register(void);
/* Opens (and creates) the database. Refuses a database whose schema is newer than the program. */
bool store_open(const struct store_config *cfg, struct hm_error *why) HM_MUST_USE;
/*
 * Brings the tables of one owner ("core", a module's name) up to date, in one transaction per migration.
 * migrations is terminated by {NULL, NULL} and must outlive the store.  Core first.
 */
bool store_migrate(const char *owner, const struct store_migration *migrations,
                   struct hm_error *why) HM_MUST_USE;

/* Registers a statement with $1.. parameters and gives it its number; sql must outlive the store. Both variants may be the same pointer. */
unsigned
store_statement(const char *owner, unsigned number, const char *sqlite, const char *postgresql);

struct store_column {
	const char *name;
	enum hm_value_type type; /* HM_V_INT: BIGINT, HM_V_TEXT: TEXT, HM_V_BLOB: BYTEA or BLOB */
};
/* A table to which rows are appended, many at a time; or some of its columns. */
struct store_table {
	const char *name;
	const char *
		key; /* "account, id": a row whose key is there is left out, so that it may come twice; NULL: it fails */
	const struct store_column *columns;
	size_t n;
};
/*
 * Registers the append to a table under a number as of a statement.  A call of it in a write group has
 * one row: its arguments are the columns, in their order.  What a batch appends to one table becomes one
 * statement where the database gains by it, so nobody learns which rows were left out, and store_changed()
 * says nothing.  Statements of the same batch that name the table still find what came before them.
 * table must outlive the store.
 */
unsigned store_append(const char *owner, unsigned number, const struct store_table *table);
/* Prepares every statement once, so that a mistake is found at start; then starts the threads. */
bool store_start(struct hm_error *why) HM_MUST_USE;
/*
 * store_count_tables(): the tables of the open database and their rows.
 *
 * Copies everything from another database into the open, migrated and otherwise empty one, in one
 * transaction, and compares the numbers of rows.  Instead of store_start().  told is called
 * for each table now and then, and with done == rows at its end.
 */
bool
store_count_tables(void (*told)(const char *table, int64_t rows), struct hm_error *why) HM_MUST_USE;
typedef void store_progress_fn(const char *table, int64_t done, int64_t rows);
bool store_copy_from(const struct store_config *from, store_progress_fn *told,
                     struct hm_error *why) HM_MUST_USE;
/* All pending writes are committed, then threads end and the database is closed. The workers have stopped, callbacks no longer run. */
void store_close(void);

/* --- Results ----------------------------------------------------------------- */

/* The rows of one statement, in memory; valid during the callback. */
struct store_rows;
bool store_next(struct store_rows *rows); /* to the first, then the next row */
const char *store_text(const struct store_rows *rows, unsigned col); /* NULL for SQL NULL */
int64_t store_int(const struct store_rows *rows, unsigned col);      /* 0 for NULL */
struct hm_blob store_blob(const struct store_rows *rows, unsigned col);
bool store_is_null(const struct store_rows *rows, unsigned col);
size_t store_count(const struct store_rows *rows);    /* number of rows returned */
int64_t store_changed(const struct store_rows *rows); /* rows that the statement changed */

/* --- On a worker -------------------------------------------------------------- */

struct store_call { /* one statement with its arguments */
	unsigned statement;
	const struct hm_value *args;
	size_t n;
};

/*
 * Outcome of a request.  On STORE_OK rows[i] is the result of calls[i]; else rows is NULL.
 * STORE_FAILED: certainly not written (constraint, type, store closed).  STORE_NO_ROOM: likewise,
 * for want of room on the disk: it may work later.  The drivers retry what can be retried
 * idempotently themselves, so an unknown outcome never comes here.
 */
enum store_outcome { STORE_OK, STORE_FAILED, STORE_NO_ROOM };
typedef void
store_done_fn(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n);

/*
 * Reads, in one round trip, in the order given.  Arguments are copied before this returns.  ctx is
 * handed back untouched; the caller keeps it alive until done has run (it runs exactly once, unless the process ends).
 */
void store_read(const struct store_call *calls, size_t n, store_done_fn *done, void *ctx);
/* The same, on a lane for long reads that may be slow (archive pages, lists of accounts). */
void store_read_long(const struct store_call *calls, size_t n, store_done_fn *done, void *ctx);
/* A write group on this worker's lane. Statements with RETURNING give rows. false: the lane's queue is full, nothing was taken, done will not run. */
bool
store_write(const struct store_call *calls, size_t n, store_done_fn *done, void *ctx) HM_MUST_USE;

/*
 * Groups whose rows were made from one memory, each on the ones before: when one is not written,
 * none that was asked for after it is, and all have its outcome.  Zeroed is whole; kept by the
 * caller until all its groups were answered.
 */
struct store_line {
	_Atomic int broken; /* enum store_outcome */
	unsigned left_out;  /* the driver's */
};
/* As store_write(), in a line of groups. */
bool store_write_in_line(struct store_line *line, const struct store_call *calls, size_t n,
                         store_done_fn *done, void *ctx) HM_MUST_USE;
/* All groups of the line were answered: what comes now is written again.  Its worker. */
void store_line_mend(struct store_line *line);

/* Nothing queued and nothing in flight on any lane: for tests and for stopping. Any thread. */
bool store_idle(void);

struct store_view {
	uint64_t commits, groups, failed, reads;
	uint64_t queued_groups, queued_bytes; /* now, all lanes */
	int64_t last_commit_us;
};
void store_view(struct store_view *out); /* any thread */

/* The lane of one worker. */
struct store_lane_view {
	bool connected; /* to a database that can be written to */
	uint64_t groups, failed, reads;
	uint64_t queued_groups, queued_bytes; /* without an answer yet */
	int64_t oldest_ms;                    /* how long the oldest of them waits */
	int64_t last_ms,
		longest_ms; /* from asking to the answer: of the last group, and since the start */
};
void store_lane_view(unsigned worker, struct store_lane_view *out); /* any thread */

#endif
