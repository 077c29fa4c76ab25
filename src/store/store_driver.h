/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/store_driver.h - what stands between the store and a database; for the
 * files of store only.
 *
 * The store copies arguments, keeps lanes, counts and brings results home; a
 * driver runs statements.  It gets chains of requests on the worker that asked
 * and finishes each on whatever thread it likes.  So a driver may own threads
 * (SQLite) or sockets on the workers' event bases (a pipeline).
 */
#ifndef STORE_STORE_DRIVER_H
#define STORE_STORE_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hermod/values.h>

#include "base/arena.h"
#include "base/list.h"
#include "loop/mailbox.h"
#include "store/store.h"

#define STORE_PARAMS_MAX 64
/* A statement without a limit must not eat the machine: what one may return. */
#define STORE_RESULT_MAX ((size_t)32 * 1024 * 1024)

struct store_statement {
	const char *owner;
	unsigned number; /* the owner's */
	const char *sqlite, *postgresql;
	/* An append, and made[0], made[1] are the two texts; else NULL.  PostgreSQL's takes an array for each column. */
	const struct store_table *table;
	char *made[2];
	unsigned params; /* how many $n; set by check() */
};

/* Writes of one lane keep their order, and so do its answers; reads keep none. */
enum store_way { STORE_SHORT_READ, STORE_LONG_READ, STORE_WRITE_GROUP };
#define STORE_WAYS 3

/* Lives in its arena, with its calls, their arguments and the results. */
struct store_request {
	struct mail mail;
	struct store_request *next; /* in a chain or a driver's queue */
	struct list live;           /* the lane's; only its worker touches it */
	struct list live_write;     /* likewise, of groups */
	struct arena *arena;        /* whoever has the request allocates here */
	enum store_way way;
	enum store_outcome outcome;
	unsigned worker;
	size_t bytes;            /* what it counts for in its lane */
	int64_t asked_us;        /* on the monotonic clock */
	struct store_line *line; /* NULL: of no line */
	store_done_fn *done;
	void *ctx;
	struct store_rows **rows; /* rows[i]: of calls[i]; the driver's to fill */
	const struct store_call *calls;
	size_t n;
};

struct store_driver {
	const char *name; /* as in the configuration, and in "-- [name]" */

	/* Before the start, on one thread. */
	bool (*open)(const struct store_config *cfg, struct hm_error *why);
	/* Several statements as one transaction. */
	bool (*script)(const char *sql, struct hm_error *why);
	/* One statement that reads. */
	bool (*query)(const char *sql, struct arena *arena, struct store_rows **rows,
	              struct hm_error *why);
	/*
	 * For copies (copy.c), also before the start: one statement as it is; rows of a table from
	 * the place that *after holds on, in no order, and the place behind them; rows appended.
	 */
	bool (*run)(const char *sql, struct hm_error *why);
	bool (*page)(const struct store_table *table, unsigned rows, int64_t *after,
	             struct arena *arena, struct store_rows **out, struct hm_error *why);
	bool (*append)(const struct store_statement *st, const struct store_call *calls, size_t n,
	               struct hm_error *why);
	/* Texts: table, column, type of all columns; table and table that it refers to. */
	const char *columns_sql, *references_sql, *snapshot_sql;
	/* The last number that a table's counter gave (no row: it has none), and a statement that sets it. */
	char *(*counter)(struct arena *arena, const char *table);
	char *(*set_counter)(struct arena *arena, const char *table, int64_t last);
	/* Would it run?  Counts its parameters, which must be $1 .. $n without gaps. */
	bool (*check)(unsigned id, struct store_statement *st, struct hm_error *why);
	bool (*start)(struct hm_error *why);

	/* On a worker: takes the chain, oldest first, all of one way. */
	void (*submit)(enum store_way way, struct store_request *chain);

	/*
	 * Pending groups are committed, pending reads forgotten; then all is closed.
	 * Works from any state behind a successful open(), and after a failed one.
	 */
	void (*close)(void);
	/* Any thread. */
	void (*view)(struct store_view *out); /* fills commits and last_commit_us */
	bool (*connected)(unsigned worker);   /* NULL: always */
};

extern const struct store_driver store_sqlite, store_postgresql;

/* --- What the store does for drivers ------------------------------------------ */

/* Any thread.  The request is not the driver's any more. */
void store_request_finish(struct store_request *req, enum store_outcome outcome);
/* NULL behind the last. */
const struct store_statement *store_statement_by_id(unsigned id);
/*
 * An ERROR line about what an administrator must mend (disk full, damaged file): at most one
 * a minute, with the number of those that were left out.  st may be NULL.
 */
void store_report(const struct store_statement *st, const char *trouble);
/*
 * Writing works, as it has for some time: an INFO line when an ERROR line of store_report() has no
 * other after it.
 */
void store_recovered(void);
void store_connection_lost(void);
void store_committed(int64_t us); /* how long a commit took: for the metrics */

extern const struct hm_logctx store_log;

/* --- Results (rows.c) ----------------------------------------------------------- */

struct store_rows *store_rows_new(struct arena *arena, unsigned statement, unsigned cols);
/* One more row, all NULL; its cells are set by number.  false: more than STORE_RESULT_MAX. */
bool store_rows_add(struct store_rows *rows) HM_MUST_USE;
void store_set_int(struct store_rows *rows, unsigned col, int64_t num);
/* type is HM_V_TEXT or HM_V_BLOB; the bytes are copied. */
void store_set_bytes(struct store_rows *rows, unsigned col, enum hm_value_type type,
                     const void *data, size_t len);
void store_set_changed(struct store_rows *rows, int64_t changed);
void store_rewind(struct store_rows *rows); /* before the first row again */
/* Of the current row; it points into the rows. */
struct hm_value store_value(const struct store_rows *rows, unsigned col);

/* --- Appends (append.c) ----------------------------------------------------------- */

/* Writes the statements of an append into st. */
void store_append_make(struct store_statement *st);

/* --- Copies (copy.c) ---------------------------------------------------------------- */

bool store_tables(const struct store_driver *driver, void (*told)(const char *table, int64_t rows),
                  struct hm_error *why);
bool store_copy(const struct store_driver *from, const struct store_driver *to,
                store_progress_fn *told, struct hm_error *why);

/* --- Migrations (migrate.c) ----------------------------------------------------- */

/* The lines of sql that are for this driver, as a string that the caller frees. */
char *store_part_dup(const char *sql, const char *driver);
/* Makes the table in which the store keeps what was done. */
bool store_migrations_create(const struct store_driver *driver, struct hm_error *why);
bool store_migrations_run(const struct store_driver *driver, const char *owner,
                          const struct store_migration *migrations, struct hm_error *why);

#endif
