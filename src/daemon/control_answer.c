/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/control_answer.c - what a command says becomes lines of JSON.
 */
#include <string.h>

#include "base/mem.h"
#include "daemon/control_conn.h"

#define RAW_PIECE (128 * 1024) /* escaped it may be six times as long */
#define CUT_BYTES (10 * 1024)  /* what is left of each text of a row that is too long */

static json_t *
text_value(const char *text, size_t len)
{
	json_t *value = json_stringn(text, len);

	/* Not UTF-8: a value from the wire or a file name. */
	return value ? value : json_string("(not UTF-8)");
}

static json_t *
field_value(const struct hm_value *v)
{
	switch (v->type) {
	case HM_V_TEXT:
		return text_value(v->u.text, strlen(v->u.text));
	case HM_V_INT:
		return json_integer(v->u.num);
	default:
		return json_null();
	}
}

/* The length of the longest beginning of at most max bytes that cuts no character. */
static size_t
whole_characters(const char *text, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max > 0 && ((unsigned char)text[max] & 0xC0) == 0x80)
		max--;
	return max;
}

static json_t *
row_of(const struct command_message *m)
{
	json_t *row = json_object();

	for (size_t i = 0; i < m->n; i++)
		json_object_set_new(row, m->fields[i].key, field_value(&m->fields[i].value));
	return row;
}

/* --- Lines ------------------------------------------------------------------------------- */

/* Shortens all texts of a row. */
static void
cut_row(json_t *object)
{
	json_t *row = json_object_get(object, "row"), *value;
	const char *name;
	void *tmp;

	if (!row)
		row = json_object_get(object, "event");
	json_object_foreach_safe(row, tmp, name, value)
	{
		const char *text = json_string_value(value);
		size_t len = json_string_length(value);

		if (text && len > CUT_BYTES)
			json_object_set_new(
				row, name,
				text_value(text, whole_characters(text, len, CUT_BYTES)));
	}
	json_object_set_new(object, "cut", json_true());
}

char *
control_text(json_t *object, size_t *len)
{
	char *out;

	*len = json_dumpb(object, NULL, 0, JSON_COMPACT);
	if (*len >= CONTROL_ANSWER_MAX) {
		cut_row(object);
		*len = json_dumpb(object, NULL, 0, JSON_COMPACT);
	}
	if (*len == 0 || *len >= CONTROL_ANSWER_MAX)
		return NULL;
	out = mem_alloc(*len + 1);
	json_dumpb(object, out, *len, JSON_COMPACT);
	out[(*len)++] = '\n';
	return out;
}

json_t *
control_failure(const char *code, const char *text)
{
	return json_pack("{sb ss ss}", "ok", 0, "code", code, "error", text);
}

void
control_fail(struct control_conn *c, json_int_t id, const char *code, const char *text)
{
	control_write(c,
	              json_pack("{sI sb ss ss}", "id", id, "ok", 0, "code", code, "error", text));
}

static void
answer_raw(struct control_request *r, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t n = whole_characters(text, left, RAW_PIECE);

		if (n == 0)
			n = left < RAW_PIECE ? left : RAW_PIECE;
		control_write(r->conn, json_pack("{sI s{so} sb}", "id", r->id, "row", "text",
		                                 text_value(text, n), "raw", 1));
		text += n;
		left -= n;
	}
}

static void
answer_end(struct control_request *r, const struct command_message *m)
{
	if (m->code == HM_E_NONE)
		control_write(r->conn,
		              json_pack("{sI sb ss*}", "id", r->id, "ok", 1, "message", m->text));
	else
		control_fail(r->conn, r->id, command_code(m->code),
		             m->text ? m->text : "The command failed.");
}

void
control_answer(struct control_request *r, const struct command_message *m)
{
	switch (m->kind) {
	case COMMAND_ROW:
		control_write(r->conn, json_pack("{sI so}", "id", r->id, "row", row_of(m)));
		break;
	case COMMAND_EVENT:
		control_write(r->conn, json_pack("{sI so}", "id", r->id, "event", row_of(m)));
		break;
	case COMMAND_RAW:
		answer_raw(r, m->text);
		break;
	case COMMAND_END:
		answer_end(r, m);
		break;
	case COMMAND_LINE_DONE:
		break;
	}
}
