/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/pg_types.c - values on their way to PostgreSQL and back, in its binary form: integers
 * in network order, texts and bytes as they are, arrays for appended rows.
 */
#include <endian.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/pg.h"

bool
pg_type_known(Oid type)
{
	switch ((enum pg_oid)type) {
	case PG_OID_BOOL:
	case PG_OID_BYTEA:
	case PG_OID_NAME:
	case PG_OID_INT8:
	case PG_OID_INT2:
	case PG_OID_INT4:
	case PG_OID_TEXT:
	case PG_OID_VARCHAR:
	case PG_OID_NUMERIC:
	case PG_OID_BYTEA_ARRAY:
	case PG_OID_TEXT_ARRAY:
	case PG_OID_INT8_ARRAY:
		return true;
	}
	return false;
}

/* --- Parameters ------------------------------------------------------------------- */

static void
put32(struct buf *b, uint32_t n)
{
	uint32_t be = htobe32(n);

	buf_append(b, &be, sizeof(be));
}

static void
put64(struct buf *b, uint64_t n)
{
	uint64_t be = htobe64(n);

	buf_append(b, &be, sizeof(be));
}

/* How many bytes an integer of the type has; 0: the type is none, or is too small for it. */
static int
int_size(Oid type, int64_t num)
{
	if (type == PG_OID_INT8)
		return 8;
	if (type == PG_OID_INT4 && num >= INT32_MIN && num <= INT32_MAX)
		return 4;
	if (type == PG_OID_INT2 && num >= INT16_MIN && num <= INT16_MAX)
		return 2;
	return type == PG_OID_BOOL && (num == 0 || num == 1) ? 1 : 0;
}

static void
put_int(struct pg_params *p, size_t i, Oid type, int64_t num)
{
	int size = int_size(type, num);
	uint64_t be = htobe64((uint64_t)num);

	if (size == 0) { /* as text every type takes it, or says what is wrong */
		buf_printf(&p->bytes, "%lld", (long long)num);
		buf_putc(&p->bytes, '\0');
		p->format[i] = 0;
		return;
	}
	buf_append(&p->bytes, (const char *)&be + 8 - size, (size_t)size);
	p->len[i] = size;
	p->format[i] = 1;
}

void
pg_params_row(struct pg_params *p, const struct pg_statement *st, const struct store_call *call)
{
	size_t at[STORE_PARAMS_MAX];

	memset(&p->bytes, 0, sizeof(p->bytes));
	for (size_t i = 0; i < call->n; i++) {
		const struct hm_value *v = &call->args[i];

		at[i] = SIZE_MAX;
		p->value[i] = NULL;
		p->len[i] = p->format[i] = 0;
		if (v->type == HM_V_INT) {
			at[i] = p->bytes.len;
			put_int(p, i, st->types[i], v->u.num);
		} else if (v->type == HM_V_TEXT) {
			p->value[i] = v->u.text;
		} else if (v->type == HM_V_BLOB) {
			p->value[i] = v->u.blob.len ? v->u.blob.data : "";
			p->len[i] = (int)v->u.blob.len;
			p->format[i] = 1;
		}
	}
	for (size_t i = 0; i < call->n; i++) {
		if (at[i] != SIZE_MAX)
			p->value[i] = p->bytes.data + at[i];
	}
}

static void
put_element(struct buf *b, const struct hm_value *v)
{
	switch (v->type) {
	case HM_V_NULL:
		put32(b, UINT32_MAX);
		break;
	case HM_V_INT:
		put32(b, 8);
		put64(b, (uint64_t)v->u.num);
		break;
	case HM_V_TEXT:
		put32(b, (uint32_t)strlen(v->u.text));
		buf_append(b, v->u.text, strlen(v->u.text));
		break;
	case HM_V_BLOB:
		put32(b, (uint32_t)v->u.blob.len);
		buf_append(b, v->u.blob.data, v->u.blob.len);
		break;
	}
}

static void
put_array(struct buf *b, Oid element, const struct store_call *const *calls, size_t n, size_t col)
{
	bool nulls = false;

	for (size_t i = 0; i < n && !nulls; i++)
		nulls = calls[i]->args[col].type == HM_V_NULL;
	put32(b, 1); /* dimensions */
	put32(b, nulls);
	put32(b, element);
	put32(b, (uint32_t)n);
	put32(b, 1); /* the first index */
	for (size_t i = 0; i < n; i++)
		put_element(b, &calls[i]->args[col]);
}

void
pg_params_rows(struct pg_params *p, const struct store_table *table,
               const struct store_call *const *calls, size_t n)
{
	size_t at[STORE_PARAMS_MAX];

	memset(&p->bytes, 0, sizeof(p->bytes));
	for (size_t i = 0; i < table->n; i++) {
		enum hm_value_type type = table->columns[i].type;

		at[i] = p->bytes.len;
		put_array(&p->bytes,
		          type == HM_V_INT    ? PG_OID_INT8
		          : type == HM_V_BLOB ? PG_OID_BYTEA
		                              : PG_OID_TEXT,
		          calls, n, i);
		p->len[i] = (int)(p->bytes.len - at[i]);
		p->format[i] = 1;
	}
	for (size_t i = 0; i < table->n; i++)
		p->value[i] = p->bytes.data + at[i];
}

/* --- Results ------------------------------------------------------------------------ */

static int64_t
get_int(const char *data, int len)
{
	uint64_t be = 0;
	int64_t num;

	memcpy((char *)&be + 8 - len, data, (size_t)len);
	num = (int64_t)be64toh(be);
	/* The sign of shorter ones. */
	return len == 4 ? (int32_t)num : len == 2 ? (int16_t)num : num;
}

/*
 * What sum() makes of integers.  In the form: how many digits to the base of 10000, the power of
 * the first, the sign, how many decimals are shown, the digits.
 */
static bool
get_numeric(const char *data, int len, int64_t *num)
{
	int64_t digits = get_int(data, 2), weight = get_int(data + 2, 2);
	bool negative = (get_int(data + 4, 2) & 0xffff) == 0x4000;

	*num = 0;
	if ((get_int(data + 4, 2) & 0xffff) > 0x4000 || digits > weight + 1 ||
	    len != 8 + 2 * digits)
		return false; /* no number, or no integer */
	for (int64_t i = 0; i <= weight; i++) {
		int64_t digit = i < digits ? get_int(data + 8 + 2 * i, 2) : 0;

		if (__builtin_mul_overflow(*num, 10000, num) ||
		    __builtin_add_overflow(*num, negative ? -digit : digit, num))
			return false;
	}
	return true;
}

static bool
put_cell(struct store_rows *rows, const PGresult *result, int row, int col)
{
	const char *data = PQgetvalue(result, row, col);
	int len = PQgetlength(result, row, col);
	int64_t num;

	switch ((enum pg_oid)PQftype(result, col)) {
	case PG_OID_BOOL:
	case PG_OID_INT2:
	case PG_OID_INT4:
	case PG_OID_INT8:
		store_set_int(rows, (unsigned)col, get_int(data, len));
		break;
	case PG_OID_NUMERIC:
		if (!get_numeric(data, len, &num))
			return false;
		store_set_int(rows, (unsigned)col, num);
		break;
	case PG_OID_BYTEA:
		store_set_bytes(rows, (unsigned)col, HM_V_BLOB, data, (size_t)len);
		break;
	default:
		store_set_bytes(rows, (unsigned)col, HM_V_TEXT, data, (size_t)len);
	}
	return true;
}

static bool
types_known(const PGresult *result)
{
	for (int i = 0; i < PQnfields(result); i++) {
		if (!pg_type_known(PQftype(result, i)))
			return false;
	}
	return true;
}

struct store_rows *
pg_rows(const PGresult *result, unsigned statement, struct arena *arena)
{
	int cols = PQnfields(result), n = PQntuples(result);
	struct store_rows *rows;
	const char *changed;
	int64_t count = 0;

	if (!types_known(result) || PQresultMemorySize(result) > STORE_RESULT_MAX)
		return NULL;
	rows = store_rows_new(arena, statement, (unsigned)cols);
	for (int i = 0; i < n; i++) {
		if (!store_rows_add(rows))
			return NULL;
		for (int k = 0; k < cols; k++) {
			if (!PQgetisnull(result, i, k) && !put_cell(rows, result, i, k))
				return NULL;
		}
	}
	/* A SELECT has a number of rows here, too, which nobody asks for. */
	changed = PQcmdTuples((PGresult *)(uintptr_t)result);
	for (; *changed >= '0' && *changed <= '9'; changed++)
		count = count * 10 + (*changed - '0');
	store_set_changed(rows, count);
	return rows;
}
