/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/copy.c - all rows of one database into another, of another kind.
 *
 * Both have the same migrations behind them, so the same tables.  Tables come after those that they
 * refer to.  Rows are read in pages and appended in one transaction, so that a copy that is broken
 * off leaves nothing behind, and memory holds one page.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store_driver.h"

#define PAGE_ROWS 100
#define TABLES_MAX 512

struct copied {
	struct store_table table; /* its columns */
	struct store_column *columns;
	bool done;
	int64_t rows;
};

struct copy {
	const struct store_driver *from, *to;
	store_progress_fn *told;
	struct arena *arena; /* of the names */
	struct copied tables[TABLES_MAX];
	size_t n;
};

/* Of the store itself: each database has its own. */
static bool
is_own(const char *table)
{
	return strcmp(table, "store_migrations") == 0 || strcmp(table, "store_lanes") == 0;
}

static bool
count(const struct store_driver *driver, const char *table, int64_t *rows, struct hm_error *why)
{
	struct arena *arena = arena_new(0);
	char *sql = arena_printf(arena, "SELECT count(*) FROM \"%s\"", table);
	struct store_rows *found;
	bool ok = driver->query(sql, arena, &found, why) && store_next(found);

	*rows = ok ? store_int(found, 0) : 0;
	arena_free(&arena);
	return ok;
}

/* --- What there is ------------------------------------------------------------------- */

static enum hm_value_type
kind_of(const char *type)
{
	if (strcmp(type, "text") == 0 || strncmp(type, "character", 9) == 0)
		return HM_V_TEXT;
	if (strcmp(type, "blob") == 0 || strcmp(type, "bytea") == 0)
		return HM_V_BLOB;
	return HM_V_INT;
}

static void
add_column(struct copy *c, const char *table, const char *column, const char *type)
{
	struct copied *t = c->n ? &c->tables[c->n - 1] : NULL;

	if (!t || strcmp(t->table.name, table) != 0) {
		hm_assert(c->n < TABLES_MAX);
		t = &c->tables[c->n++];
		t->table.name = arena_strdup(c->arena, table);
	}
	t->columns = mem_realloc(t->columns, (t->table.n + 1) * sizeof(*t->columns));
	t->columns[t->table.n++] = (struct store_column){
		.name = arena_strdup(c->arena, column),
		.type = kind_of(type),
	};
	t->table.columns = t->columns;
}

static bool
find_tables(struct copy *c, struct hm_error *why)
{
	struct store_rows *rows;

	if (!c->to->query(c->to->columns_sql, c->arena, &rows, why))
		return false;
	while (store_next(rows)) {
		if (!is_own(store_text(rows, 0)))
			add_column(c, store_text(rows, 0), store_text(rows, 1),
			           store_text(rows, 2));
	}
	return true;
}

static struct copied *
find_table(struct copy *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->tables[i].table.name, name) == 0)
			return &c->tables[i];
	}
	return NULL;
}

/* What is only on the one side would be lost. */
static bool
check_tables(struct copy *c, struct hm_error *why)
{
	struct store_rows *rows;
	int64_t n;

	if (!c->from->query(c->from->columns_sql, c->arena, &rows, why))
		return false;
	while (store_next(rows)) {
		const char *name = store_text(rows, 0);

		if (!is_own(name) && !find_table(c, name))
			return error_set(why, HM_E_INVALID,
			                 "The new database has no table %s: list the module that it"
			                 " is of among the modules of the configuration.",
			                 name);
	}
	for (size_t i = 0; i < c->n; i++) {
		if (!count(c->to, c->tables[i].table.name, &n, why))
			return false;
		if (n > 0)
			return error_set(
				why, HM_E_EXISTS,
				"The new database is not empty: its table %s has %lld rows.",
				c->tables[i].table.name, (long long)n);
	}
	return true;
}

/* Every step that one has taken, the other has too. */
static bool
check_migrations(struct copy *c, struct hm_error *why)
{
	static const char sql[] = "SELECT owner, number, name FROM store_migrations";
	struct store_rows *from, *to;

	if (!c->from->query(sql, c->arena, &from, why) || !c->to->query(sql, c->arena, &to, why))
		return false;
	while (store_next(to)) {
		bool owner = false, same = false;

		store_rewind(from);
		while (store_next(from) && !same) {
			bool of_owner = strcmp(store_text(from, 0), store_text(to, 0)) == 0;

			owner |= of_owner;
			same = of_owner && store_int(from, 1) == store_int(to, 1) &&
			       strcmp(store_text(from, 2), store_text(to, 2)) == 0;
		}
		if (owner && !same)
			return error_set(why, HM_E_DATABASE,
			                 "The old database lacks the migration %s of %s: run"
			                 " \"hermodctl db migrate\" with its configuration first.",
			                 store_text(to, 2), store_text(to, 0));
	}
	return true;
}

/* --- Rows -------------------------------------------------------------------------------- */

static bool
append_page(struct copy *c, const struct store_statement *st, struct store_rows *rows,
            struct arena *arena, struct hm_error *why)
{
	size_t n = 0, cols = st->table->n;
	struct store_call *calls = arena_alloc(arena, (store_count(rows) + 1) * sizeof(*calls));

	while (store_next(rows)) {
		struct hm_value *args = arena_alloc(arena, cols * sizeof(*args));

		for (unsigned i = 0; i < cols; i++) {
			args[i] = store_value(rows, i);
			if (args[i].type != HM_V_NULL && args[i].type != st->table->columns[i].type)
				return error_set(why, HM_E_DATABASE,
				                 "The column %s of %s has a value of another type.",
				                 st->table->columns[i].name, st->table->name);
		}
		calls[n++] = (struct store_call){ .args = args, .n = cols };
	}
	return n == 0 || c->to->append(st, calls, n, why);
}

static bool
copy_rows(struct copy *c, struct copied *t, struct hm_error *why)
{
	struct store_statement st = { .owner = "copy", .table = &t->table };
	int64_t after = INT64_MIN, done = 0;
	bool ok = true, more = true;

	store_append_make(&st);
	while (ok && more) {
		struct arena *arena = arena_new(0);
		struct store_rows *rows;

		ok = c->from->page(&t->table, PAGE_ROWS, &after, arena, &rows, why);
		more = ok && store_count(rows) > 0;
		if (more) {
			done += (int64_t)store_count(rows);
			ok = append_page(c, &st, rows, arena, why);
			c->told(t->table.name, done, t->rows);
		}
		arena_free(&arena);
	}
	mem_free(st.made[0]);
	mem_free(st.made[1]);
	if (ok && done != t->rows)
		ok = error_set(why, HM_E_DATABASE, "Of %lld rows of %s %lld were read.",
		               (long long)t->rows, t->table.name, (long long)done);
	return ok;
}

/* Numbers that were given once are not given again, also when their rows are gone. */
static bool
copy_counter(struct copy *c, const char *table, struct hm_error *why)
{
	char *get = c->from->counter(c->arena, table);
	struct store_rows *rows;
	int64_t last;

	if (!c->from->query(get, c->arena, &rows, why))
		return false;
	if (!store_next(rows) || (last = store_int(rows, 0)) <= 0)
		return true;
	return c->to->run(c->to->set_counter(c->arena, table, last), why);
}

static bool
copy_table(struct copy *c, struct copied *t, struct hm_error *why)
{
	int64_t arrived;

	t->done = true;
	if (!count(c->from, t->table.name, &t->rows, why) || !copy_rows(c, t, why) ||
	    !copy_counter(c, t->table.name, why) || !count(c->to, t->table.name, &arrived, why))
		return false;
	if (arrived != t->rows)
		return error_set(why, HM_E_DATABASE, "Of %lld rows of %s %lld arrived.",
		                 (long long)t->rows, t->table.name, (long long)arrived);
	return true;
}

/* Has every table that it refers to been copied? */
static bool
may_come(struct copy *c, struct store_rows *references, const struct copied *t)
{
	bool free = true;

	store_rewind(references);
	while (store_next(references)) {
		const struct copied *other = find_table(c, store_text(references, 1));

		if (strcmp(store_text(references, 0), t->table.name) == 0 && other && other != t)
			free = free && other->done;
	}
	return free;
}

static bool
copy_all(struct copy *c, struct hm_error *why)
{
	struct store_rows *references;
	size_t left = c->n;

	if (!c->to->query(c->to->references_sql, c->arena, &references, why))
		return false;
	while (left > 0) {
		size_t before = left;

		for (size_t i = 0; i < c->n; i++) {
			struct copied *t = &c->tables[i];

			if (t->done || !may_come(c, references, t))
				continue;
			if (!copy_table(c, t, why))
				return false;
			left--;
		}
		if (left == before)
			return error_set(why, HM_E_DATABASE,
			                 "Tables refer to each other in a circle.");
	}
	return true;
}

bool
store_copy(const struct store_driver *from, const struct store_driver *to, store_progress_fn *told,
           struct hm_error *why)
{
	struct copy *c = mem_new(struct copy);
	struct hm_error ignored;
	bool ok;

	c->from = from;
	c->to = to;
	c->told = told;
	c->arena = arena_new(0);
	ok = from->run(from->snapshot_sql, why);
	if (ok) {
		ok = find_tables(c, why) && check_migrations(c, why) && check_tables(c, why) &&
		     to->run("BEGIN", why);
		if (ok) {
			ok = copy_all(c, why) && to->run("COMMIT", why);
			if (!ok)
				to->run("ROLLBACK", &ignored);
		}
		from->run("ROLLBACK", &ignored);
	}
	for (size_t i = 0; i < c->n; i++)
		mem_free(c->tables[i].columns);
	arena_free(&c->arena);
	mem_free(c);
	return ok;
}

bool
store_tables(const struct store_driver *driver, void (*told)(const char *table, int64_t rows),
             struct hm_error *why)
{
	struct copy *c = mem_new(struct copy);
	bool ok;
	int64_t rows;

	c->to = driver;
	c->arena = arena_new(0);
	ok = find_tables(c, why);
	for (size_t i = 0; i < c->n; i++) {
		ok = ok && count(driver, c->tables[i].table.name, &rows, why);
		if (ok)
			told(c->tables[i].table.name, rows);
		mem_free(c->tables[i].columns);
	}
	arena_free(&c->arena);
	mem_free(c);
	return ok;
}
