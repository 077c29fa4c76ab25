/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/append.c - the statements by which rows are appended to a declared table: a
 * prepared INSERT for one row in SQLite, and one of arrays for any number of rows in
 * PostgreSQL, where a statement costs more than a row.
 */
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store_driver.h"

static const char *
array_type(enum hm_value_type type)
{
	switch (type) {
	case HM_V_INT:
		return "bigint[]";
	case HM_V_BLOB:
		return "bytea[]";
	default:
		return "text[]";
	}
}

static char *
insert(const struct store_table *t, bool arrays)
{
	struct buf sql = { 0 };

	buf_printf(&sql, "INSERT INTO %s (", t->name);
	for (size_t i = 0; i < t->n; i++)
		buf_printf(&sql, "%s%s", i ? ", " : "", t->columns[i].name);
	buf_puts(&sql, arrays ? ") OVERRIDING SYSTEM VALUE SELECT * FROM unnest(" : ") VALUES (");
	for (size_t i = 0; i < t->n; i++) {
		buf_printf(&sql, "%s$%zu", i ? ", " : "", i + 1);
		if (arrays)
			buf_printf(&sql, "::%s", array_type(t->columns[i].type));
	}
	buf_puts(&sql, ")");
	if (t->key)
		buf_printf(&sql, " ON CONFLICT (%s) DO NOTHING", t->key);
	return sql.data;
}

void
store_append_make(struct store_statement *st)
{
	hm_assert(st->table->n > 0 && st->table->n <= STORE_PARAMS_MAX);
	for (size_t i = 0; i < st->table->n; i++)
		hm_assert(st->table->columns[i].type != HM_V_NULL);
	st->sqlite = st->made[0] = insert(st->table, false);
	st->postgresql = st->made[1] = insert(st->table, true);
}
