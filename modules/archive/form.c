/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* form.c - reads queries: XEP-0313 4.1 (the form), 4.3 (pages), XEP-0004, XEP-0059. */
#include "form.h"

#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "stamp.h"

/* First value of a field, "" when there is none. */
static const char *
value_of(const struct hm_elem *field)
{
	const struct hm_elem *value = hm_child(field, NS_DATA, "value");

	return value ? hm_tmp_text(value) : "";
}

static enum hm_cond
read_time(const struct hm_elem *field, int64_t *us, const char **why)
{
	if (stamp_read(value_of(field), us))
		return 0;
	*why = "A time is not as XEP-0082 writes it.";
	return HM_BAD_REQUEST;
}

static enum hm_cond
read_field(const struct hm_elem *field, struct query *q, const char **why)
{
	const char *var = hm_elem_attr(field, "var");

	if (!var) {
		*why = "A field has no name.";
		return HM_BAD_REQUEST;
	}
	if (strcmp(var, "start") == 0)
		return read_time(field, &q->start_us, why);
	if (strcmp(var, "end") == 0)
		return read_time(field, &q->end_us, why);
	if (strcmp(var, "with") == 0) {
		*why = "\"with\" is no address.";
		return (q->with = hm_tmp_jid(value_of(field))) ? 0 : HM_BAD_REQUEST;
	}
	if (strcmp(var, "after-id") == 0)
		q->place[AFTER_ID] = value_of(field);
	else if (strcmp(var, "before-id") == 0)
		q->place[BEFORE_ID] = value_of(field);
	else if (strcmp(var, "ids") == 0)
		q->ids = field;
	else if (strcmp(var, "include-groupchat") != 0 && strcmp(var, "FORM_TYPE") != 0) {
		*why = "There is no such field.";
		return HM_FEATURE_NOT_IMPLEMENTED;
	}
	return 0;
}

static enum hm_cond
read_form(const struct hm_elem *x, struct query *q, const char **why)
{
	const char *type = hm_elem_attr(x, "type");
	bool typed = false;

	hm_for_each_child (field, x) {
		const char *var = hm_elem_attr(field, "var");

		typed |= hm_elem_is(field, NS_DATA, "field") && var &&
		         strcmp(var, "FORM_TYPE") == 0 && strcmp(value_of(field), NS_MAM) == 0;
	}
	if (!typed || !type || strcmp(type, "submit") != 0) {
		*why = "The form is not one of this protocol.";
		return HM_BAD_REQUEST;
	}
	hm_for_each_child (field, x) {
		enum hm_cond cond =
			hm_elem_is(field, NS_DATA, "field") ? read_field(field, q, why) : 0;

		if (cond)
			return cond;
	}
	return 0;
}

static enum hm_cond
read_set(const struct hm_elem *set, struct query *q, const char **why)
{
	const struct hm_elem *max = hm_child(set, NS_RSM, "max"),
			     *after = hm_child(set, NS_RSM, "after"),
			     *before = hm_child(set, NS_RSM, "before");

	if (hm_child(set, NS_RSM, "index")) {
		*why = "Pages are not found by index.";
		return HM_FEATURE_NOT_IMPLEMENTED;
	}
	if (max) {
		const char *text = hm_tmp_text(max);

		if (!*text || strspn(text, "0123456789") != strlen(text)) {
			*why = "\"max\" is no number.";
			return HM_BAD_REQUEST;
		}
		q->max = strlen(text) > 9 ? 999999999 : strtoll(text, NULL, 10);
	}
	if (after && *hm_tmp_text(after))
		q->place[RSM_AFTER] = hm_tmp_text(after);
	if (before && *hm_tmp_text(before))
		q->place[RSM_BEFORE] = hm_tmp_text(before);
	q->backward = before != NULL;
	return 0;
}

enum hm_cond
query_read(const struct hm_elem *payload, struct query *q, const char **why)
{
	const struct hm_elem *x = hm_child(payload, NS_DATA, "x"),
			     *set = hm_child(payload, NS_RSM, "set");
	enum hm_cond cond;

	*q = (struct query){ .queryid = hm_elem_attr(payload, "queryid"),
		             .end_us = INT64_MAX,
		             .flip = hm_child(payload, NS_MAM, "flip-page") != NULL,
		             .max = -1 };
	if (x && (cond = read_form(x, q, why)))
		return cond;
	return set ? read_set(set, q, why) : 0;
}
