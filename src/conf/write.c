/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * From values back to text, and the comparison of two states.  What is written
 * reads as the same value; secrets are never written.
 */
#include "conf/write.h"

#include <string.h>

#include "conf/unit.h"
#include "conf/value.h"

static const void *
field_of(const struct hm_conf_key *key, const void *filled)
{
	return (const char *)filled + key->offset;
}

static int64_t
number_of(const struct hm_conf_key *key, const void *field)
{
	if (key->type == HM_INT)
		return *(const int64_t *)field;
	if (key->type == HM_SIZE) {
		size_t size = *(const size_t *)field;

		return size == HM_UNLIMITED_SIZE ? CONF_UNLIMITED : (int64_t)size;
	}
	return *(const uint32_t *)field == HM_UNLIMITED_DURATION ? CONF_UNLIMITED
	                                                         : *(const uint32_t *)field;
}

/* --- Words and values ------------------------------------------------------- */

void
conf_write_word(const char *text, struct buf *out)
{
	if (*text && !strpbrk(text, "{}[]\"#;'\\ \t\n$=") && text[strlen(text) - 1] != ',') {
		buf_puts(out, text);
		return;
	}
	buf_putc(out, '"');
	for (const char *c = text; *c; c++) {
		if (*c == '\n' || *c == '\t') {
			buf_puts(out, *c == '\n' ? "\\n" : "\\t");
			continue;
		}
		if (strchr("\"\\$", *c))
			buf_putc(out, '\\');
		buf_putc(out, *c);
	}
	buf_putc(out, '"');
}

static void
write_list(const struct hm_conf_list *list, struct buf *out)
{
	buf_puts(out, "[ ");
	for (size_t i = 0; i < list->n; i++) {
		conf_write_word(list->v[i], out);
		buf_putc(out, ' ');
	}
	buf_putc(out, ']');
}

bool
conf_value_is_set(const struct hm_conf_key *key, const void *filled)
{
	if (key->type == HM_STRING)
		return *(const char *const *)field_of(key, filled) != NULL;
	if (key->type == HM_LIST)
		return ((const struct hm_conf_list *)field_of(key, filled))->n > 0;
	return true;
}

void
conf_value_write(const struct hm_conf_key *key, const void *filled, struct buf *out)
{
	const void *field = field_of(key, filled);

	if (key->type == HM_STRING && !conf_value_is_set(key, filled))
		return;
	if (key->secret) {
		buf_puts(out, "(hidden)");
		return;
	}
	switch (key->type) {
	case HM_BOOL:
		buf_puts(out, *(const bool *)field ? "yes" : "no");
		return;
	case HM_CHOICE:
		buf_puts(out, key->choices[*(const int *)field]);
		return;
	case HM_STRING:
		conf_write_word(*(const char *const *)field, out);
		return;
	case HM_LIST:
		write_list(field, out);
		return;
	default:
		conf_write_number(key->type, number_of(key, field), out);
	}
}

/* --- What a key takes ------------------------------------------------------- */

const char *
conf_type_name(enum hm_conf_type type)
{
	static const char *const names[] = {
		[HM_BOOL] = "bool",         [HM_INT] = "int",     [HM_SIZE] = "size",
		[HM_DURATION] = "duration", [HM_STRING] = "text", [HM_CHOICE] = "choice",
		[HM_LIST] = "list",
	};

	return names[type];
}

/* "a, b or c" */
static void
write_choices(const char *const *choices, struct buf *out)
{
	for (size_t i = 0; choices[i]; i++) {
		if (i > 0)
			buf_puts(out, choices[i + 1] ? ", " : " or ");
		buf_puts(out, choices[i]);
	}
}

static void
write_bounds(const struct hm_conf_key *key, struct buf *out)
{
	bool may_be_unlimited = key->max && strcmp(key->max, "unlimited") == 0;
	const char *max = may_be_unlimited ? NULL : key->max;

	if (key->min && max)
		buf_printf(out, " from %s to %s", key->min, max);
	else if (key->min)
		buf_printf(out, " of at least %s", key->min);
	else if (max)
		buf_printf(out, " of at most %s", max);
	if (key->type == HM_STRING && (key->min || max))
		buf_puts(out, " bytes");
	if (may_be_unlimited)
		buf_puts(out, ", or unlimited");
}

void
conf_write_expected(const struct hm_conf_key *key, struct buf *out)
{
	static const char *const things[] = {
		[HM_BOOL] = "yes or no",
		[HM_INT] = "a whole number",
		[HM_SIZE] = "a size such as 64 KiB,",
		[HM_DURATION] = "a duration such as 30 s,",
		[HM_STRING] = "a text, in quotes if it contains blanks,",
		[HM_CHOICE] = "",
		[HM_LIST] = "a list in [ ],",
	};
	const char *thing = key->type == HM_STRING && key->what ? key->what : things[key->type];
	size_t bare;

	buf_puts(out, thing);
	bare = out->len;
	write_bounds(key, out);
	/* The comma stood for the bounds. */
	if (out->len == bare && *thing && thing[strlen(thing) - 1] == ',')
		out->data[--out->len] = '\0';
	if (key->type == HM_LIST && key->what)
		buf_printf(out, ", each %s", key->what);
	if (key->type == HM_LIST && key->choices)
		buf_puts(out, " out of ");
	if (key->choices)
		write_choices(key->choices, out);
}

/* --- Blocks ----------------------------------------------------------------- */

static void
indent(unsigned depth, struct buf *out)
{
	while (depth-- > 0)
		buf_putc(out, '\t');
}

void
conf_write_keys(const struct conf_schema *schema, const void *filled, unsigned depth,
                struct buf *out)
{
	for (size_t i = 0; i < schema->n_keys; i++) {
		const struct hm_conf_key *key = &schema->keys[i];
		bool is_set = key->type != HM_STRING || conf_value_is_set(key, filled);

		indent(depth, out);
		if (is_set) {
			buf_printf(out, "%s ", key->name);
			conf_value_write(key, filled, out);
		} else {
			buf_printf(out, "# %s is not set", key->name);
		}
		buf_putc(out, '\n');
	}
}

void
conf_write_open(const char *name, const char *title, unsigned depth, struct buf *out)
{
	indent(depth, out);
	buf_puts(out, name);
	buf_putc(out, ' ');
	if (title && *title) {
		conf_write_word(title, out);
		buf_putc(out, ' ');
	}
	buf_puts(out, "{\n");
}

void
conf_write_close(unsigned depth, struct buf *out)
{
	indent(depth, out);
	buf_puts(out, "}\n");
}

/* --- Comparison ------------------------------------------------------------- */

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
same_list(const struct hm_conf_list *a, const struct hm_conf_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	}
	return true;
}

bool
conf_value_equal(const struct hm_conf_key *key, const void *filled, const void *other)
{
	const void *a = field_of(key, filled), *b = field_of(key, other);

	switch (key->type) {
	case HM_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case HM_CHOICE:
		return *(const int *)a == *(const int *)b;
	case HM_STRING:
		return same_text(*(const char *const *)a, *(const char *const *)b);
	case HM_LIST:
		return same_list(a, b);
	default:
		return number_of(key, a) == number_of(key, b);
	}
}

size_t
conf_compare(const struct conf_schema *schema, const void *old_filled, const void *new_filled,
             conf_changed_fn *changed, void *ctx)
{
	size_t n = 0;

	for (size_t i = 0; i < schema->n_keys; i++) {
		if (conf_value_equal(&schema->keys[i], old_filled, new_filled))
			continue;
		n++;
		if (changed)
			changed(ctx, &schema->keys[i]);
	}
	return n;
}
