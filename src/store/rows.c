/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/rows.c - the rows of one statement, as typed cells in the request's
 * arena.  A driver appends them on its thread; from the answer on they belong to
 * the worker, which walks them once.
 */
#include <string.h>

#include "base/log.h"
#include "store/store_driver.h"

struct cell {
	enum hm_value_type type;
	uint32_t len;
	union {
		int64_t num;
		const char *bytes; /* a NUL stands behind them */
	} u;
};

struct row {
	struct row *next;
	struct cell cell[];
};

struct store_rows {
	struct arena *arena;
	struct row *first, **last;
	struct row *at; /* appending: the newest; walking: the current */
	bool walking;
	unsigned statement, cols;
	size_t count, bytes;
	int64_t changed;
};

/* --- Filling ------------------------------------------------------------------ */

struct store_rows *
store_rows_new(struct arena *arena, unsigned statement, unsigned cols)
{
	struct store_rows *rows = arena_new_of(arena, struct store_rows);

	rows->arena = arena;
	rows->last = &rows->first;
	rows->statement = statement;
	rows->cols = cols;
	return rows;
}

bool
store_rows_add(struct store_rows *rows)
{
	size_t size = sizeof(struct row) + rows->cols * sizeof(struct cell);
	struct row *row;

	rows->bytes += size;
	if (rows->bytes > STORE_RESULT_MAX)
		return false;
	row = arena_zalloc(rows->arena, size);
	*rows->last = row;
	rows->last = &row->next;
	rows->at = row;
	rows->count++;
	return true;
}

void
store_set_int(struct store_rows *rows, unsigned col, int64_t num)
{
	rows->at->cell[col] = (struct cell){ .type = HM_V_INT, .u = { .num = num } };
}

void
store_set_bytes(struct store_rows *rows, unsigned col, enum hm_value_type type, const void *data,
                size_t len)
{
	rows->bytes += len;
	rows->at->cell[col] = (struct cell){
		.type = type,
		.len = (uint32_t)len,
		.u = { .bytes = arena_strndup(rows->arena, data, len) },
	};
}

void
store_set_changed(struct store_rows *rows, int64_t changed)
{
	rows->changed = changed;
}

/* --- Walking ------------------------------------------------------------------ */

bool
store_next(struct store_rows *rows)
{
	if (!rows->walking) {
		rows->walking = true;
		rows->at = rows->first;
	} else if (rows->at) {
		rows->at = rows->at->next;
	}
	return rows->at != NULL;
}

void
store_rewind(struct store_rows *rows)
{
	rows->walking = false;
}

struct hm_value
store_value(const struct store_rows *rows, unsigned col)
{
	const struct cell *c = &rows->at->cell[col];
	struct hm_value v = { .type = c->type };

	if (c->type == HM_V_INT)
		v.u.num = c->u.num;
	else if (c->type == HM_V_TEXT)
		v.u.text = c->u.bytes;
	else if (c->type == HM_V_BLOB)
		v.u.blob = (struct hm_blob){ .data = c->u.bytes, .len = c->len };
	return v;
}

static const struct cell *
current(const struct store_rows *rows, unsigned col)
{
	hm_assert(rows->walking && rows->at);
	hm_assert(col < rows->cols);
	return &rows->at->cell[col];
}

/*
 * The schema promised another type.  A row that somebody changed by hand must not
 * end the server: it is read like NULL, and told.
 */
static void
wrong_type(const struct store_rows *rows, unsigned col, const char *wanted)
{
	const struct store_statement *st = store_statement_by_id(rows->statement);

	log_line(&store_log, HM_ERROR, "column of an unexpected type",
	         hm_kv("owner", st ? st->owner : NULL), hm_kv("statement", st ? st->number : 0),
	         hm_kv("column", col), hm_kv("wanted", wanted));
}

const char *
store_text(const struct store_rows *rows, unsigned col)
{
	const struct cell *c = current(rows, col);

	if (c->type == HM_V_TEXT)
		return c->u.bytes;
	if (c->type != HM_V_NULL)
		wrong_type(rows, col, "text");
	return NULL;
}

int64_t
store_int(const struct store_rows *rows, unsigned col)
{
	const struct cell *c = current(rows, col);

	if (c->type == HM_V_INT)
		return c->u.num;
	if (c->type != HM_V_NULL)
		wrong_type(rows, col, "int");
	return 0;
}

struct hm_blob
store_blob(const struct store_rows *rows, unsigned col)
{
	const struct cell *c = current(rows, col);

	if (c->type == HM_V_BLOB)
		return (struct hm_blob){ .data = c->u.bytes, .len = c->len };
	if (c->type != HM_V_NULL)
		wrong_type(rows, col, "blob");
	return (struct hm_blob){ 0 };
}

bool
store_is_null(const struct store_rows *rows, unsigned col)
{
	return current(rows, col)->type == HM_V_NULL;
}

size_t
store_count(const struct store_rows *rows)
{
	return rows->count;
}

int64_t
store_changed(const struct store_rows *rows)
{
	return rows->changed;
}
