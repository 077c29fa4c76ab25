/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/sqlite.c - the driver for SQLite: opens the file, runs migrations, checks
 * statements, and hands requests to its threads (sqlite_writer.c,
 * sqlite_reader.c).  Before the start everything runs on the writer's connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/sqlite_threads.h"

/* In the head of the file: "Hrmd", and the version of what this driver itself relies on. */
#define APPLICATION_ID 0x48726d64
#define FORMAT 1
#define STACK_BYTES ((size_t)256 * 1024)
#define READERS_MAX 32

static struct {
	char *path;
	unsigned readers;
	struct sqlite_writer writer;
	struct sqlite_pool *pool[STORE_WAYS]; /* none for writes */
	unsigned char **places;               /* by statement */
	unsigned n;
} sqlite;

/* --- The file ------------------------------------------------------------------------ */

/*
 * The file holds what passwords are checked with: nobody else may read it.  The log and the
 * index beside it are made by SQLite with the same mode.
 */
static bool
make_file(const char *path, struct hm_error *why)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;
	bool ok = true;

	if (fd < 0)
		return error_errno(why, "Cannot open the database %s", path);
	if (fstat(fd, &st) != 0)
		ok = error_errno(why, "Cannot open the database %s", path);
	else if (!S_ISREG(st.st_mode))
		ok = error_set(why, HM_E_INVALID, "The database %s is not a file.", path);
	else if ((st.st_mode & 077) && fchmod(fd, 0600) == 0)
		log_line(&store_log, HM_WARN,
		         "the database was open to others, its mode is 0600 now",
		         hm_kv("path", path));
	close(fd);
	return ok;
}

static bool
database_error(struct hm_error *why)
{
	sqlite3 *db = sqlite.writer.conn.db;

	return error_set(why, HM_E_DATABASE, "%s (%s).", sqlite3_errmsg(db),
	                 sqlite3_errstr(sqlite3_errcode(db)));
}

static bool
run(const char *sql, struct hm_error *why)
{
	if (sqlite3_exec(sqlite.writer.conn.db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	return database_error(why);
}

static bool
query(const char *sql, struct arena *arena, struct store_rows **rows, struct hm_error *why)
{
	struct sqlite_conn *conn = &sqlite.writer.conn;
	sqlite3_stmt *stmt;
	bool ok;

	if (sqlite3_prepare_v2(conn->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return database_error(why);
	ok = sqlite_conn_rows(conn, stmt, UINT32_MAX, arena, rows) == SQLITE_OK ||
	     database_error(why);
	sqlite3_finalize(stmt);
	return ok;
}

/* Is the file ours, and not from the future?  An empty one becomes ours. */
static bool
check_format(const struct store_rows *head, struct hm_error *why)
{
	int64_t id = store_int(head, 0), format = store_int(head, 1), tables = store_int(head, 2);
	char sql[96];

	if (id == 0 && tables == 0) {
		sqlite3_snprintf(sizeof(sql), sql,
		                 "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION_ID,
		                 FORMAT);
		return run(sql, why);
	}
	if (id != APPLICATION_ID)
		return error_set(why, HM_E_INVALID, "The file %s is not a database of Hermod.",
		                 sqlite.path);
	if (format > FORMAT)
		return error_set(why, HM_E_DATABASE, "The database is newer than this program.");
	return true;
}

static bool
adopt(struct hm_error *why)
{
	struct arena *arena = arena_new(0);
	struct store_rows *head, *mode;
	bool ok;

	ok = query("SELECT i.application_id, v.user_version, (SELECT count(*) FROM sqlite_schema)"
	           " FROM pragma_application_id AS i, pragma_user_version AS v",
	           arena, &head, why) &&
	     store_next(head) && check_format(head, why) &&
	     query("PRAGMA journal_mode=WAL", arena, &mode, why);
	if (ok && (!store_next(mode) || strcmp(store_text(mode, 0), "wal") != 0))
		ok = error_set(why, HM_E_DATABASE,
		               "The file system of %s does not carry a write-ahead log.",
		               sqlite.path);
	arena_free(&arena);
	return ok;
}

static unsigned
sensible_readers(unsigned wanted)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted == 0)
		wanted = cores > 4 ? 4 : cores < 1 ? 1 : (unsigned)cores;
	return wanted < READERS_MAX ? wanted : READERS_MAX;
}

static bool
open_database(const struct store_config *cfg, struct hm_error *why)
{
	/* Counting every allocation would take a lock that all threads share. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite.path = mem_strdup(cfg->path);
	sqlite.readers = sensible_readers(cfg->readers);
	sqlite.writer.batch_max = cfg->batch_max;
	return make_file(cfg->path, why) &&
	       sqlite_conn_open(&sqlite.writer.conn, cfg->path, SQLITE_WRITER, why) && adopt(why);
}

/* --- Migrations and statements ----------------------------------------------------------- */

/* A table can only be rebuilt while references are not looked at; so they are all looked at after. */
static bool
check_references(struct hm_error *why)
{
	struct arena *arena = arena_new(0);
	struct store_rows *broken;
	bool ok = query("SELECT \"table\", parent FROM pragma_foreign_key_check LIMIT 1", arena,
	                &broken, why);

	if (ok && store_next(broken))
		ok = error_set(why, HM_E_DATABASE,
		               "Rows of %s refer to rows of %s that do not exist.",
		               store_text(broken, 0), store_text(broken, 1));
	arena_free(&arena);
	return ok;
}

static bool
script(const char *sql, struct hm_error *why)
{
	sqlite3 *db = sqlite.writer.conn.db;
	bool ok;

	/* Nothing but outside of a transaction is this setting heard. */
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
	ok = run("BEGIN", why) && run(sql, why);
	if (ok && sqlite3_get_autocommit(db))
		ok = error_set(why, HM_E_INVALID, "A script must not end its transaction.");
	/* They are all rows of all tables, and one script runs at every start, mostly for nothing. */
	if (ok && sqlite3_txn_state(db, NULL) == SQLITE_TXN_WRITE)
		ok = check_references(why);
	ok = ok && run("COMMIT", why);
	if (!ok && !sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	return ok;
}

/* SQLite numbers $1 .. $n by their first appearance. */
static bool
find_places(sqlite3_stmt *stmt, unsigned char *places, unsigned n, struct hm_error *why)
{
	for (unsigned i = 1; i <= n; i++) {
		const char *name = sqlite3_bind_parameter_name(stmt, (int)i);
		char *end = NULL;
		unsigned long k = name && name[0] == '$' ? strtoul(name + 1, &end, 10) : 0;

		if (k < 1 || k > n || *end)
			return error_set(why, HM_E_INVALID,
			                 "it has %u parameters, and one is called %s.", n,
			                 name ? name : "?");
		places[k - 1] = (unsigned char)i;
	}
	return true;
}

static bool
check_prepared(sqlite3_stmt *stmt, const char *tail, unsigned id, struct store_statement *st,
               struct hm_error *why)
{
	int n = sqlite3_bind_parameter_count(stmt);

	if (tail[strspn(tail, " \t\r\n;")])
		return error_set(why, HM_E_INVALID, "it is more than one statement.");
	if (n > STORE_PARAMS_MAX)
		return error_set(why, HM_E_INVALID, "it has more than %d parameters.",
		                 STORE_PARAMS_MAX);
	st->params = (unsigned)n;
	sqlite.places[id] = mem_zalloc(st->params);
	return find_places(stmt, sqlite.places[id], st->params, why);
}

/* The statement is not kept: connections prepare what they use. */
static bool
check(unsigned id, struct store_statement *st, struct hm_error *why)
{
	sqlite3_stmt *stmt = NULL;
	const char *tail;
	bool ok;

	hm_assert(id == sqlite.n);
	sqlite.places = mem_realloc(sqlite.places, (id + 1) * sizeof(*sqlite.places));
	sqlite.places[sqlite.n++] = NULL;
	if (!st->sqlite)
		return error_set(why, HM_E_INVALID, "it has no text for SQLite.");
	if (sqlite3_prepare_v2(sqlite.writer.conn.db, st->sqlite, -1, &stmt, &tail) != SQLITE_OK)
		return database_error(why);
	if (stmt)
		ok = check_prepared(stmt, tail, id, st, why);
	else
		ok = error_set(why, HM_E_INVALID, "it is empty.");
	sqlite3_finalize(stmt);
	return ok;
}

const unsigned char *
sqlite_places(unsigned id)
{
	return sqlite.places[id];
}

/* --- Copies --------------------------------------------------------------------------------- */

static char *
counter(struct arena *arena, const char *table)
{
	return arena_printf(arena, "SELECT seq FROM sqlite_sequence WHERE name = '%s'", table);
}

static char *
set_counter(struct arena *arena, const char *table, int64_t last)
{
	return arena_printf(arena,
	                    "DELETE FROM sqlite_sequence WHERE name = '%s';"
	                    "INSERT INTO sqlite_sequence (name, seq) VALUES ('%s', %lld)",
	                    table, table, (long long)last);
}

static void
put_columns(struct buf *sql, const struct store_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		buf_printf(sql, "%s\"%s\"", i ? ", " : "", table->columns[i].name);
}

static bool
page(const struct store_table *table, unsigned rows, int64_t *after, struct arena *arena,
     struct store_rows **out, struct hm_error *why)
{
	struct buf sql = { 0 };
	bool ok;

	buf_puts(&sql, "SELECT ");
	put_columns(&sql, table);
	buf_printf(&sql, ", rowid FROM \"%s\" WHERE rowid > %lld ORDER BY rowid LIMIT %u",
	           table->name, (long long)*after, rows);
	ok = query(sql.data, arena, out, why);
	buf_free(&sql);
	while (ok && store_next(*out))
		*after = store_int(*out, (unsigned)table->n);
	if (ok)
		store_rewind(*out);
	return ok;
}

static bool
append_rows(const struct store_statement *st, const struct store_call *calls, size_t n,
            struct hm_error *why)
{
	struct sqlite_conn *conn = &sqlite.writer.conn;
	sqlite3_stmt *stmt;
	bool ok = sqlite3_prepare_v2(conn->db, st->sqlite, -1, &stmt, NULL) == SQLITE_OK ||
	          database_error(why);

	for (size_t i = 0; i < n && ok; i++) {
		ok = (sqlite_conn_bind(stmt, NULL, &calls[i]) == SQLITE_OK &&
		      sqlite3_step(stmt) == SQLITE_DONE) ||
		     database_error(why);
		sqlite3_reset(stmt);
	}
	sqlite3_finalize(stmt);
	return ok;
}

/* --- Running -------------------------------------------------------------------------------- */

bool
sqlite_thread_start(pthread_t *thread, const char *name, void *(*thread_run)(void *), void *arg,
                    struct hm_error *why)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(thread, &attr, thread_run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (err != 0) {
		errno = err;
		return error_errno(why, "Cannot start a thread for the database");
	}
	pthread_setname_np(*thread, name);
	return true;
}

int
sqlite_run_request(struct sqlite_conn *conn, struct store_request *req, size_t *failed)
{
	int code = SQLITE_OK;

	for (size_t i = 0; i < req->n && code == SQLITE_OK; i++) {
		*failed = i;
		code = sqlite_conn_call(conn, &req->calls[i], req->arena, &req->rows[i]);
	}
	return code;
}

void
sqlite_tell(struct sqlite_conn *conn, const struct store_statement *st, int code)
{
	/* Some codes are ours and not SQLite's own. */
	const char *text = sqlite3_extended_errcode(conn->db) == code ? sqlite3_errmsg(conn->db)
	                                                              : sqlite3_errstr(code);

	if (sqlite_primary(code) != SQLITE_CONSTRAINT)
		store_report(st, text);
	else
		log_line(&store_log, HM_DEBUG, "write refused", hm_kv("error", text),
		         hm_kv("owner", st ? st->owner : "store"),
		         hm_kv("statement", st ? st->number : 0));
}

static bool
start(struct hm_error *why)
{
	unsigned slow = (sqlite.readers + 1) / 2;

	if (!sqlite_writer_start(&sqlite.writer, why))
		return false;
	sqlite.pool[STORE_SHORT_READ] =
		sqlite_pool_start(sqlite.path, "store-reader", sqlite.readers, why);
	if (!sqlite.pool[STORE_SHORT_READ])
		return false;
	sqlite.pool[STORE_LONG_READ] = sqlite_pool_start(sqlite.path, "store-long", slow, why);
	return sqlite.pool[STORE_LONG_READ] != NULL;
}

static void
submit(enum store_way way, struct store_request *chain)
{
	if (way == STORE_WRITE_GROUP)
		sqlite_writer_submit(&sqlite.writer, chain);
	else
		sqlite_pool_submit(sqlite.pool[way], chain);
}

/* The writer's connection is the last to close: SQLite then empties the log and removes it. */
static void
close_database(void)
{
	for (size_t i = 0; i < STORE_WAYS; i++)
		sqlite_pool_stop(&sqlite.pool[i]);
	sqlite_writer_stop(&sqlite.writer);
	sqlite_conn_close(&sqlite.writer.conn);
	for (unsigned i = 0; i < sqlite.n; i++)
		mem_free(sqlite.places[i]);
	mem_free(sqlite.places);
	mem_free(sqlite.path);
	memset(&sqlite, 0, sizeof(sqlite));
}

static void
view(struct store_view *out)
{
	out->commits = atomic_load_explicit(&sqlite.writer.commits, memory_order_relaxed);
	out->last_commit_us =
		atomic_load_explicit(&sqlite.writer.last_commit_us, memory_order_relaxed);
}

const struct store_driver store_sqlite = {
	.name = "sqlite",
	.open = open_database,
	.script = script,
	.query = query,
	.check = check,
	.run = run,
	.page = page,
	.append = append_rows,
	.snapshot_sql = "BEGIN",
	.columns_sql = "SELECT m.name, c.name, lower(c.type) FROM sqlite_schema AS m,"
		       " pragma_table_info(m.name) AS c WHERE m.type = 'table'"
		       " AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY m.name, c.cid",
	.references_sql = "SELECT m.name, f.\"table\" FROM sqlite_schema AS m,"
			  " pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table'",
	.counter = counter,
	.set_counter = set_counter,
	.start = start,
	.submit = submit,
	.close = close_database,
	.view = view,
};
