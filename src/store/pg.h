/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/pg.h - the parts of the PostgreSQL driver among themselves.
 *
 * A worker has connections of its own: one that writes (its lane), and some for short and for
 * long reads.  They are touched by that worker alone, on its event base; only while one is being
 * opened has it the thread of pg_connect.c, since that blocks.
 */
#ifndef STORE_PG_H
#define STORE_PG_H

#include <libpq-fe.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/store_driver.h"

struct event;

/* A statement about which no answer is expected to come, but of the driver's own. */
#define PG_NO_STATEMENT UINT_MAX
/* Batches of reads that one connection may have sent and not had answered; of writes it is one. */
#define PG_FLIGHT_MAX 4

/* --- Types and statements (pg_types.c) -------------------------------------------- */

/* Of the catalogue pg_type, which are the same in every database. */
enum pg_oid {
	PG_OID_BOOL = 16,
	PG_OID_BYTEA = 17,
	PG_OID_NAME = 19,
	PG_OID_INT8 = 20,
	PG_OID_INT2 = 21,
	PG_OID_INT4 = 23,
	PG_OID_TEXT = 25,
	PG_OID_BYTEA_ARRAY = 1001,
	PG_OID_TEXT_ARRAY = 1009,
	PG_OID_INT8_ARRAY = 1016,
	PG_OID_VARCHAR = 1043,
	PG_OID_NUMERIC = 1700
};

/* What a checked statement is to the driver. */
struct pg_statement {
	char *name;      /* module and number: "roster_3" */
	const char *sql; /* of the store */
	unsigned n;
	Oid types[STORE_PARAMS_MAX];
	unsigned char *touches; /* by statement: names the table of that append */
};

/* Arguments as libpq wants them. */
struct pg_params {
	const char *value[STORE_PARAMS_MAX];
	int len[STORE_PARAMS_MAX], format[STORE_PARAMS_MAX];
	struct buf bytes; /* that values point into; the caller frees */
};

bool pg_type_known(Oid type);
void
pg_params_row(struct pg_params *p, const struct pg_statement *st, const struct store_call *call);
/* One array for each column of the append. */
void pg_params_rows(struct pg_params *p, const struct store_table *table,
                    const struct store_call *const *calls, size_t n);
/* NULL: a column is of a type that the store does not have, or it is too much. */
struct store_rows *pg_rows(const PGresult *result, unsigned statement, struct arena *arena);

/* --- A connection (pg_conn.c, pg_send.c) ------------------------------------------- */

enum pg_step_kind { PG_PREPARE, PG_MARK, PG_CALL, PG_APPEND };

/* A command that was sent: its results come in the order of the steps. */
struct pg_step {
	enum pg_step_kind kind;
	unsigned statement;
	struct store_request *req; /* that it is for; of an append of several groups NULL */
	size_t call;
};

/* Requests that were sent with one synchronisation: one transaction. */
struct pg_batch {
	struct store_request *first, **last;
	unsigned n;
	struct pg_step *step;
	size_t steps, size;
	size_t at;         /* the step whose results come next */
	size_t failed;     /* the first that did; SIZE_MAX: none; `steps`: the commit */
	bool apart;        /* appends are not joined, so that the one that fails is known */
	bool wants_rows;   /* they are had before the commit is asked for */
	bool synced;       /* the commit was asked for: it may have happened */
	bool marked;       /* it leaves a mark; else it may be sent twice without harm */
	uint64_t sequence; /* its mark in the table store_lanes, or the last one before */
	int64_t sent_us;
	char state[6]; /* SQLSTATE and text of what failed */
	char text[200];
};

/* Rows that wait to become one statement. */
struct pg_pending {
	unsigned statement;
	const struct store_call **calls;
	size_t n, size;
	struct store_request *req; /* of all of them; NULL: of several */
};

/* What pg_connect.c makes of a wish to be connected. */
struct pg_wish {
	struct pg_wish *next;
	struct mail mail; /* back to the worker */
	PGconn *fresh;    /* NULL: it did not succeed */
	uint64_t fence, sequence;
	bool pause;      /* the last connection was good for nothing: not at once */
	bool suspicious; /* somebody else writes to our lane: look whether the database is still ours */
};

struct pg_conn {
	struct pg_wish wish;
	bool wishing; /* the wish is on its way */
	bool useful;  /* something was done on it */
	unsigned worker;
	enum store_way way;
	char lane[24]; /* as in store_lanes */
	PGconn *pg;    /* NULL: not connected */
	struct event *readable, *writable;
	struct store_request *first, **last; /* not sent yet */
	struct pg_batch
		batch[PG_FLIGHT_MAX]; /* sent, from `head` on; the others keep their memory */
	unsigned head, flying;
	struct pg_batch
		unknown; /* sent on a connection that was lost: n is 0 or it has been committed or not */
	unsigned char *prepared; /* by statement: 0, PG_ASKED, PG_PREPARED */
	unsigned char mark_prepared;
	uint64_t fence, sequence;
	/* How many groups the next batches take, after one has failed. */
	unsigned narrow, single, apart, tries;
	bool then_one;
	struct pg_pending *pending; /* while a batch is sent */
	size_t n_pending;
	_Atomic bool connected;
	_Atomic uint64_t commits;
	_Atomic int64_t last_commit_us;
};

#define PG_ASKED 1
#define PG_PREPARED 2

/* Before it is needed. */
void pg_conn_open(struct pg_conn *c);
/* Appends to what waits, and sends what may be sent. */
void pg_conn_submit(struct pg_conn *c, struct store_request *chain);
/* The mail of a wish. */
void pg_conn_wished(struct mail *mail);
/* Without a worker's loop, when the store is closed: what there is to read or write now. */
void pg_conn_step(struct pg_conn *c);
bool pg_conn_idle(const struct pg_conn *c); /* nothing waits and nothing flies */
unsigned pg_conn_load(const struct pg_conn *c);
void pg_conn_free(struct pg_conn *c);

/* pg_send.c: false, the connection is lost. */
bool pg_send_batch(struct pg_conn *c, struct pg_batch *b);
bool pg_send_sync(struct pg_conn *c, struct pg_batch *b);

/* --- Connecting (pg_connect.c) ------------------------------------------------------ */

/* The thread; before it, pg_connect() is for the thread of the start. */
bool pg_connect_start(struct hm_error *why) HM_MUST_USE;
void pg_connect_wish(struct pg_wish *wish); /* any thread */
/* Wishes that were not fulfilled are forgotten. */
void pg_connect_stop(void);
/* Blocks; the wish of one connection, when there is no thread. */
bool pg_connect_now(struct pg_conn *c);
/* A connection for `what`; in blocking mode. */
PGconn *pg_connect(const char *what, struct hm_error *why);
/* Takes the database for this process.  false: it has another one, or is away. */
bool pg_guard_take(struct hm_error *why) HM_MUST_USE;
void pg_guard_release(void);

/* --- The driver (pg.c) ----------------------------------------------------------------- */

extern struct pg_driver {
	struct store_config config;
	struct store_server server;
	char instance[9]; /* of this process, in the names of its connections */
	PGconn *setup;    /* until the start */
	struct pg_statement *statement;
	unsigned n;
	bool draining;                  /* the workers have ended */
	unsigned readers, long_readers; /* of each worker */
	struct pg_conn **conn;          /* of worker 0, then of worker 1 ... */
	unsigned workers, per_worker;
} pg_driver;

/* What a lane is in when its outcome is unknown: the table that tells. */
extern const char pg_mark_sql[];
void pg_notice(void *ctx, const PGresult *result);
/* The first line of what libpq says, without its end of line. */
void pg_say(char *out, size_t size, const char *text);

#endif
