/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/pg.c - the driver for PostgreSQL: opens the database, runs migrations, checks statements,
 * and hands requests to the connections of the worker that asks (pg_conn.c).  Until the start
 * everything runs on one connection of its own, blocking.
 */
#include "store/pg.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "loop/worker.h"

#define OLDEST_VERSION 130000
#define READERS_MAX 16
/* How long an unwritten rest is tried for at the end. */
#define DRAIN_MS 10000

struct pg_driver pg_driver;

/* --- What the database says -------------------------------------------------------------- */

void
pg_say(char *out, size_t size, const char *text)
{
	size_t len = strcspn(text, "\n");

	/* "ERROR:  relation ... " */
	if (strncmp(text, "ERROR:  ", 8) == 0 || strncmp(text, "FATAL:  ", 8) == 0) {
		text += 8;
		len -= 8;
	}
	while (len > 0 && (text[len - 1] == '.' || text[len - 1] == ' '))
		len--;
	snprintf(out, size, "%.*s", (int)len, text);
}

void
pg_notice(void *ctx, const PGresult *result)
{
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (text)
		log_line(&store_log, HM_DEBUG, "the database remarks", hm_kv("text", text));
}

static bool
database_error(const PGresult *result, struct hm_error *why)
{
	const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	char text[300];

	pg_say(text, sizeof(text), primary ? primary : PQerrorMessage(pg_driver.setup));
	return error_set(why, HM_E_DATABASE, "%s.", text);
}

static bool
run(const char *sql, struct hm_error *why)
{
	PGresult *result = PQexec(pg_driver.setup, sql);
	ExecStatusType status = PQresultStatus(result);
	bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
	          database_error(result, why);

	PQclear(result);
	return ok;
}

static bool
query(const char *sql, struct arena *arena, struct store_rows **rows, struct hm_error *why)
{
	PGresult *result = PQexecParams(pg_driver.setup, sql, 0, NULL, NULL, NULL, NULL, 1);
	bool ok = PQresultStatus(result) == PGRES_TUPLES_OK || database_error(result, why);

	if (ok) {
		*rows = pg_rows(result, PG_NO_STATEMENT, arena);
		ok = *rows || error_set(why, HM_E_DATABASE, "The result cannot be read.");
	}
	PQclear(result);
	return ok;
}

/* --- Opening -------------------------------------------------------------------------------- */

static void
warn_unless(const struct store_rows *rows, unsigned col, const char *bad, const char *name)
{
	const char *value = store_text(rows, col);

	if (value && strcmp(value, bad) == 0)
		log_line(&store_log, HM_WARN,
		         "the database may lose what it has acknowledged when it crashes",
		         hm_kv("key", name));
}

static bool
check_settings(struct hm_error *why)
{
	struct arena *arena = arena_new(0);
	struct store_rows *rows;
	bool ok = query("SELECT current_setting('server_version_num')::bigint,"
	                " current_setting('server_version'), current_setting('server_encoding'),"
	                " current_setting('fsync'), current_setting('full_page_writes'),"
	                " current_setting('synchronous_commit'), current_database()::text,"
	                " pg_is_in_recovery()",
	                arena, &rows, why) &&
	          store_next(rows);

	if (ok && store_int(rows, 0) < OLDEST_VERSION)
		ok = error_set(why, HM_E_INVALID,
		               "PostgreSQL %s is too old, the oldest that will do is 13.",
		               store_text(rows, 1));
	else if (ok && strcmp(store_text(rows, 2), "UTF8") != 0)
		ok = error_set(why, HM_E_INVALID,
		               "The database %s has the encoding %s, it must have UTF8.",
		               store_text(rows, 6), store_text(rows, 2));
	else if (ok && store_int(rows, 7))
		ok = error_set(why, HM_E_INVALID, "The database server is a standby.");
	if (ok) {
		warn_unless(rows, 3, "off", "fsync");
		warn_unless(rows, 4, "off", "full_page_writes");
		warn_unless(rows, 5, "off", "synchronous_commit");
	}
	arena_free(&arena);
	return ok;
}

static bool
open_database(const struct store_config *cfg, struct hm_error *why)
{
	uint32_t instance;

	memset(&pg_driver, 0, sizeof(pg_driver));
	pg_driver.config = *cfg;
	if (cfg->server)
		pg_driver.server = *cfg->server;
	pg_driver.readers = cfg->readers == 0            ? 1
	                    : cfg->readers > READERS_MAX ? READERS_MAX
	                                                 : cfg->readers;
	pg_driver.long_readers = (pg_driver.readers + 1) / 2;
	random_bytes(&instance, sizeof(instance));
	snprintf(pg_driver.instance, sizeof(pg_driver.instance), "%08x", instance);
	if (!pg_guard_take(why))
		return false;
	pg_driver.setup = pg_connect("start", why);
	return pg_driver.setup && check_settings(why) &&
	       run("CREATE TABLE IF NOT EXISTS store_lanes ("
	           "lane TEXT PRIMARY KEY, fence BIGINT NOT NULL, sequence BIGINT NOT NULL)",
	           why);
}

static bool
script(const char *sql, struct hm_error *why)
{
	struct hm_error ignored;
	bool ok = run("BEGIN", why) && run(sql, why);

	if (ok && PQtransactionStatus(pg_driver.setup) != PQTRANS_INTRANS)
		ok = error_set(why, HM_E_INVALID, "A script must not end its transaction.");
	ok = ok && run("COMMIT", why);
	if (!ok && PQtransactionStatus(pg_driver.setup) != PQTRANS_IDLE)
		run("ROLLBACK", &ignored);
	return ok;
}

/* --- Statements --------------------------------------------------------------------------------- */

static bool
describe(const PGresult *d, struct pg_statement *st, struct hm_error *why)
{
	st->n = (unsigned)PQnparams(d);
	if (st->n > STORE_PARAMS_MAX)
		return error_set(why, HM_E_INVALID, "it has more than %d parameters.",
		                 STORE_PARAMS_MAX);
	for (unsigned i = 0; i < st->n; i++)
		st->types[i] = PQparamtype(d, (int)i); /* other types than ours take text */
	for (int i = 0; i < PQnfields(d); i++) {
		if (!pg_type_known(PQftype(d, i)))
			return error_set(why, HM_E_INVALID,
			                 "its column %s has a type (%u) that is not known here: "
			                 "cast it.",
			                 PQfname(d, i), PQftype(d, i));
	}
	return true;
}

/* In a transaction, so that a pooler has one server prepare and describe it. */
static bool
prepare_once(struct pg_statement *st, struct hm_error *why)
{
	PGresult *made = NULL, *described = NULL;
	struct hm_error ignored;
	bool ok;

	if (!run("BEGIN", why))
		return false;
	made = PQprepare(pg_driver.setup, "", st->sql, 0, NULL);
	ok = PQresultStatus(made) == PGRES_COMMAND_OK || database_error(made, why);
	if (ok) {
		described = PQdescribePrepared(pg_driver.setup, "");
		ok = (PQresultStatus(described) == PGRES_COMMAND_OK ||
		      database_error(described, why)) &&
		     describe(described, st, why);
	}
	PQclear(made);
	PQclear(described);
	run("ROLLBACK", &ignored);
	return ok;
}

static bool
check(unsigned id, struct store_statement *st, struct hm_error *why)
{
	struct pg_statement *own;

	hm_assert(id == pg_driver.n);
	pg_driver.statement =
		mem_realloc(pg_driver.statement, (id + 1) * sizeof(*pg_driver.statement));
	own = &pg_driver.statement[pg_driver.n++];
	memset(own, 0, sizeof(*own));
	own->name = mem_printf("%s_%u", st->owner, st->number);
	own->sql = st->postgresql;
	if (!st->postgresql)
		return error_set(why, HM_E_INVALID, "it has no text for PostgreSQL.");
	if (!st->postgresql[strspn(st->postgresql, " \t\r\n;")])
		return error_set(why, HM_E_INVALID, "it is empty.");
	if (!prepare_once(own, why))
		return false;
	st->params = own->n;
	return true;
}

/* Does the text have the name, as a word? */
static bool
names(const char *sql, const char *table)
{
	size_t len = strlen(table);

	for (const char *at = sql; (at = strcasestr(at, table)); at += len) {
		bool begins = at == sql || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
		bool ends = !(isalnum((unsigned char)at[len]) || at[len] == '_');

		if (begins && ends)
			return true;
	}
	return false;
}

static void
find_touches(void)
{
	for (unsigned i = 0; i < pg_driver.n; i++) {
		struct pg_statement *st = &pg_driver.statement[i];

		st->touches = mem_zalloc(pg_driver.n);
		for (unsigned k = 0; k < pg_driver.n; k++) {
			const struct store_table *table = store_statement_by_id(k)->table;

			st->touches[k] = table && names(st->sql, table->name);
		}
	}
}

/* --- Copies --------------------------------------------------------------------------------- */

/* The column of a counter is called "id". */
static char *
counter(struct arena *arena, const char *table)
{
	return arena_printf(arena,
	                    "SELECT last_value FROM pg_sequences WHERE sequencename = '%s_id_seq'"
	                    " AND schemaname = current_schema() AND last_value IS NOT NULL",
	                    table);
}

static char *
set_counter(struct arena *arena, const char *table, int64_t last)
{
	return arena_printf(arena, "SELECT setval(pg_get_serial_sequence('%s', 'id'), %lld)", table,
	                    (long long)last);
}

/* *after counts pages: a cursor knows its place. */
static bool
page(const struct store_table *table, unsigned rows, int64_t *after, struct arena *arena,
     struct store_rows **out, struct hm_error *why)
{
	struct buf sql = { 0 };
	bool ok = true;

	if ((*after)++ == INT64_MIN) {
		buf_puts(&sql, "DECLARE copied NO SCROLL CURSOR FOR SELECT ");
		for (size_t i = 0; i < table->n; i++)
			buf_printf(&sql, "%s\"%s\"", i ? ", " : "", table->columns[i].name);
		buf_printf(&sql, " FROM \"%s\"", table->name);
		ok = run(sql.data, why);
		buf_clear(&sql);
	}
	buf_printf(&sql, "FETCH FORWARD %u FROM copied", rows);
	ok = ok && query(sql.data, arena, out, why);
	if (ok && store_count(*out) == 0)
		ok = run("CLOSE copied", why);
	buf_free(&sql);
	return ok;
}

static bool
append_rows(const struct store_statement *st, const struct store_call *calls, size_t n,
            struct hm_error *why)
{
	const struct store_call **list = mem_array(n + 1, sizeof(*list));
	struct pg_params p;
	PGresult *result;
	bool ok;

	for (size_t i = 0; i < n; i++)
		list[i] = &calls[i];
	pg_params_rows(&p, st->table, list, n);
	result = PQexecParams(pg_driver.setup, st->postgresql, (int)st->table->n, NULL, p.value,
	                      p.len, p.format, 1);
	ok = PQresultStatus(result) == PGRES_COMMAND_OK || database_error(result, why);
	PQclear(result);
	buf_free(&p.bytes);
	mem_free(list);
	return ok;
}

/* --- Running --------------------------------------------------------------------------------------- */

static enum store_way
way_of(unsigned i)
{
	return i == 0                   ? STORE_WRITE_GROUP
	       : i <= pg_driver.readers ? STORE_SHORT_READ
	                                : STORE_LONG_READ;
}

static struct pg_conn *
make_conn(unsigned worker, unsigned i)
{
	struct pg_conn *c = mem_new(struct pg_conn);

	c->worker = worker;
	c->way = way_of(i);
	c->last = &c->first;
	if (c->way == STORE_WRITE_GROUP)
		snprintf(c->lane, sizeof(c->lane), "%u", worker);
	else
		snprintf(c->lane, sizeof(c->lane), "%u.%u", worker, i);
	return c;
}

static bool
start(struct hm_error *why)
{
	pg_driver.workers = pg_driver.config.workers ? pg_driver.config.workers : WORKERS_MAX;
	pg_driver.per_worker = 1 + pg_driver.readers + pg_driver.long_readers;
	pg_driver.conn =
		mem_array(pg_driver.workers * pg_driver.per_worker, sizeof(struct pg_conn *));
	for (unsigned i = 0; i < pg_driver.workers * pg_driver.per_worker; i++)
		pg_driver.conn[i] = make_conn(i / pg_driver.per_worker, i % pg_driver.per_worker);
	find_touches();
	PQfinish(pg_driver.setup);
	pg_driver.setup = NULL;
	if (!pg_connect_start(why))
		return false;
	for (unsigned i = 0; i < pg_driver.config.workers * pg_driver.per_worker; i++) {
		if (pg_driver.conn[i]->way != STORE_LONG_READ)
			pg_conn_open(pg_driver.conn[i]);
	}
	return true;
}

static void
submit(enum store_way way, struct store_request *chain)
{
	struct pg_conn **of_worker = pg_driver.conn + chain->worker * pg_driver.per_worker;
	struct pg_conn *best = NULL;

	hm_assert(chain->worker < pg_driver.workers);
	for (unsigned i = 0; i < pg_driver.per_worker; i++) {
		struct pg_conn *c = of_worker[i];

		if (c->way == way && (!best || pg_conn_load(c) < pg_conn_load(best)))
			best = c;
	}
	pg_conn_submit(best, chain);
}

/* --- Closing ------------------------------------------------------------------------------------------ */

/* What is written after this is not, and is told by the store. */
static void
drain(void)
{
	int64_t until = clock_mono_ms() + DRAIN_MS;
	bool busy = pg_driver.conn != NULL;

	while (busy && clock_mono_ms() < until) {
		busy = false;
		for (unsigned i = 0; i < pg_driver.workers; i++) {
			struct pg_conn *c = pg_driver.conn[i * pg_driver.per_worker];

			if (!pg_conn_idle(c)) {
				busy = true;
				pg_conn_step(c);
			}
		}
	}
}

static void
close_database(void)
{
	pg_connect_stop();
	pg_driver.draining = true;
	drain();
	for (unsigned i = 0; pg_driver.conn && i < pg_driver.workers * pg_driver.per_worker; i++)
		pg_conn_free(pg_driver.conn[i]);
	mem_free(pg_driver.conn);
	PQfinish(pg_driver.setup);
	pg_guard_release();
	for (unsigned i = 0; i < pg_driver.n; i++) {
		mem_free(pg_driver.statement[i].name);
		mem_free(pg_driver.statement[i].touches);
	}
	mem_free(pg_driver.statement);
	memset(&pg_driver, 0, sizeof(pg_driver));
}

static void
view(struct store_view *out)
{
	for (unsigned i = 0; i < pg_driver.workers; i++) {
		const struct pg_conn *c = pg_driver.conn[i * pg_driver.per_worker];
		int64_t us = atomic_load_explicit(&c->last_commit_us, memory_order_relaxed);

		out->commits += atomic_load_explicit(&c->commits, memory_order_relaxed);
		out->last_commit_us = us > out->last_commit_us ? us : out->last_commit_us;
	}
}

static bool
connected(unsigned worker)
{
	return worker < pg_driver.workers &&
	       atomic_load_explicit(&pg_driver.conn[worker * pg_driver.per_worker]->connected,
	                            memory_order_relaxed);
}

const struct store_driver store_postgresql = {
	.name = "postgresql",
	.open = open_database,
	.script = script,
	.query = query,
	.check = check,
	.run = run,
	.page = page,
	.append = append_rows,
	.snapshot_sql = "BEGIN ISOLATION LEVEL REPEATABLE READ",
	.columns_sql = "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL)"
		       " FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid"
		       " WHERE c.relnamespace = current_schema()::regnamespace"
		       " AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
		       " AND a.attnum > 0 AND NOT a.attisdropped"
		       " ORDER BY c.relname COLLATE \"C\", a.attnum",
	.references_sql = "SELECT a.relname::text, b.relname::text FROM pg_constraint AS k"
			  " JOIN pg_class AS a ON a.oid = k.conrelid"
			  " JOIN pg_class AS b ON b.oid = k.confrelid WHERE k.contype = 'f'",
	.counter = counter,
	.set_counter = set_counter,
	.start = start,
	.submit = submit,
	.close = close_database,
	.view = view,
	.connected = connected,
};
