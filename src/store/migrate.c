/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/migrate.c - brings tables up to date.  What was done stands in the table
 * store_migrations, by owner and number; a migration and its entry are one
 * transaction.  An entry that the program does not know stops the start: an older
 * program on newer tables would write what the newer one does not expect.
 */
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store_driver.h"

/* --- Parts for one database ------------------------------------------------------ */

/* Is the line "-- [name]", and whose part does it open? */
static bool
opens_part(const char *line, size_t len, const char *driver, bool *wanted)
{
	const char *end = line + len;
	const char *name;
	size_t n;

	while (end > line && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	if (end - line < 6 || memcmp(line, "-- [", 4) != 0 || end[-1] != ']')
		return false;
	name = line + 4;
	n = (size_t)(end - 1 - name);
	*wanted = (n == 3 && memcmp(name, "all", 3) == 0) ||
	          (n == strlen(driver) && memcmp(name, driver, n) == 0);
	return true;
}

char *
store_part_dup(const char *sql, const char *driver)
{
	struct buf out = { 0 };
	bool wanted = true;

	buf_puts(&out, "");
	while (*sql) {
		const char *end = strchrnul(sql, '\n');
		size_t len = (size_t)(end - sql);

		if (!opens_part(sql, len, driver, &wanted) && wanted) {
			buf_append(&out, sql, len);
			buf_putc(&out, '\n');
		}
		sql = *end ? end + 1 : end;
	}
	return out.data ? out.data : mem_strdup("");
}

/* --- Running --------------------------------------------------------------------- */

bool
store_migrations_create(const struct store_driver *driver, struct hm_error *why)
{
	return driver->script("CREATE TABLE IF NOT EXISTS store_migrations (\n"
	                      "	owner      TEXT   NOT NULL, -- \"core\" or a module\n"
	                      "	number     BIGINT NOT NULL, -- from 1, without gaps\n"
	                      "	name       TEXT   NOT NULL,\n"
	                      "	applied_us BIGINT NOT NULL, -- since 1970\n"
	                      "	PRIMARY KEY (owner, number)\n"
	                      ")",
	                      why);
}

/* Names come from the program and go into SQL as they are. */
static bool
plain_name(const char *s)
{
	return *s &&
	       !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")];
}

/* How many of the migrations are done, or false because the database has others. */
static bool
count_done(const struct store_driver *driver, const char *owner,
           const struct store_migration *migrations, size_t *done, struct hm_error *why)
{
	struct arena *arena = arena_new(0);
	char *sql = arena_printf(arena,
	                         "SELECT number, name FROM store_migrations"
	                         " WHERE owner = '%s' ORDER BY number",
	                         owner);
	struct store_rows *rows;
	bool ok = driver->query(sql, arena, &rows, why);

	*done = 0;
	while (ok && store_next(rows)) {
		const struct store_migration *m = &migrations[*done];
		const char *name = store_text(rows, 1);

		if (!m->name)
			ok = error_set(why, HM_E_DATABASE,
			               "The database is newer than this program:"
			               " it has the migration %s of %s.",
			               name, owner);
		else if (strcmp(m->name, name) != 0)
			ok = error_set(why, HM_E_DATABASE,
			               "The database does not fit this program: its migration %lld"
			               " of %s is %s, expected is %s.",
			               (long long)store_int(rows, 0), owner, name, m->name);
		else
			++*done;
	}
	arena_free(&arena);
	return ok;
}

static bool
run_one(const struct store_driver *driver, const char *owner, size_t number,
        const struct store_migration *m, struct hm_error *why)
{
	struct hm_error inner = { 0 };
	struct buf sql = { 0 };
	char *part = store_part_dup(m->sql, driver->name);
	bool ok;

	hm_assert(plain_name(m->name));
	buf_puts(&sql, part);
	/* The part may end in a comment, or without its semicolon. */
	buf_printf(&sql, "\n;INSERT INTO store_migrations VALUES ('%s', %zu, '%s', %lld);\n", owner,
	           number, m->name, (long long)clock_wall_us());
	ok = driver->script(sql.data, &inner);
	if (ok)
		log_line(&store_log, HM_INFO, "migrated", hm_kv("owner", owner),
		         hm_kv("migration", m->name));
	else
		error_set(why, inner.code, "The migration %s of %s failed: %s", m->name, owner,
		          inner.text);
	buf_free(&sql);
	mem_free(part);
	return ok;
}

bool
store_migrations_run(const struct store_driver *driver, const char *owner,
                     const struct store_migration *migrations, struct hm_error *why)
{
	size_t done;

	hm_assert(plain_name(owner));
	if (!count_done(driver, owner, migrations, &done, why))
		return false;
	for (; migrations[done].name; done++) {
		if (!run_one(driver, owner, done + 1, &migrations[done], why))
			return false;
	}
	return true;
}
