/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Reads a value by its key.  All numbers are an int64_t on the way, "unlimited"
 * being the largest; only the last step knows the C type of the field.
 */
#include "conf/value.h"

#include <string.h>

#include <hermod/values.h>

#include "conf/lexer.h"
#include "conf/suggest.h"
#include "conf/unit.h"

#define SHOWN_MAX 64 /* bytes of a wrong value in a message */

static void *
field_of(const struct hm_conf_key *key, void *filled)
{
	return (char *)filled + key->offset;
}

/* --- Mistakes --------------------------------------------------------------- */

/* `"port" cannot be "x"; expected a whole number`, without the value if it is secret. */
static void
report_wrong(const struct hm_conf_key *key, const struct conf_place *at, const char *text,
             struct conf_report *report)
{
	struct conf_suggestion suggestion = conf_suggestion_for(text);
	struct buf shown = { 0 }, expected = { 0 };

	for (size_t i = 0; key->choices && key->choices[i]; i++)
		conf_suggestion_try(&suggestion, key->choices[i]);
	/* Escaped, so that it stays on its line; quotes as for every other word. */
	conf_write_word(text, &shown);
	if (shown.data[0] != '"') {
		buf_clear(&shown);
		buf_printf(&shown, "\"%s\"", text);
	}
	if (key->secret || shown.len > SHOWN_MAX) {
		buf_clear(&shown);
		buf_puts(&shown, "what is written");
	}
	conf_write_expected(key, &expected);
	if (suggestion.best && !key->secret)
		buf_printf(&expected, "; did you mean \"%s\"?", suggestion.best);
	conf_mistake(report, at, "\"%s\" cannot be %s; expected %s", key->name, shown.data,
	             expected.data);
	buf_free(&shown);
	buf_free(&expected);
}

static void
report_shape(const struct hm_conf_key *key, const struct conf_place *at, const char *is,
             struct conf_report *report)
{
	struct buf expected = { 0 };

	conf_write_expected(key, &expected);
	conf_mistake(report, at, "\"%s\" cannot be %s; expected %s", key->name, is, expected.data);
	buf_free(&expected);
}

/* --- Reading ---------------------------------------------------------------- */

static enum hm_conf_type
bound_type(const struct hm_conf_key *key)
{
	return key->type == HM_SIZE || key->type == HM_DURATION ? key->type : HM_INT;
}

static bool
within_bounds(const struct hm_conf_key *key, int64_t number)
{
	bool may_be_unlimited = key->max && strcmp(key->max, "unlimited") == 0;
	int64_t bound;

	if (number == CONF_UNLIMITED)
		return may_be_unlimited;
	if (key->min && conf_read_number(bound_type(key), key->min, &bound) && number < bound)
		return false;
	return !key->max || !conf_read_number(bound_type(key), key->max, &bound) || number <= bound;
}

static bool
read_bool(const char *text, bool *value)
{
	static const char *const words[] = { "no", "off", "false", "yes", "on", "true" };

	for (size_t i = 0; i < HM_COUNT(words); i++) {
		if (strcmp(text, words[i]) == 0) {
			*value = i >= 3;
			return true;
		}
	}
	return false;
}

static bool
read_choice(const struct hm_conf_key *key, const char *text, int *value)
{
	for (int i = 0; key->choices && key->choices[i]; i++) {
		if (strcmp(key->choices[i], text) == 0) {
			*value = i;
			return true;
		}
	}
	return false;
}

static void
store_number(const struct hm_conf_key *key, int64_t number, void *field)
{
	bool unlimited = number == CONF_UNLIMITED;

	if (key->type == HM_INT)
		*(int64_t *)field = number;
	else if (key->type == HM_SIZE)
		*(size_t *)field = unlimited ? HM_UNLIMITED_SIZE : (size_t)number;
	else
		*(uint32_t *)field = unlimited ? HM_UNLIMITED_DURATION : (uint32_t)number;
}

/* Everything but lists.  false: the text is no such value. */
static bool
read_text(const struct hm_conf_key *key, const char *text, void *field)
{
	int64_t number;

	switch (key->type) {
	case HM_BOOL:
		return read_bool(text, field);
	case HM_CHOICE:
		return read_choice(key, text, field);
	case HM_INT:
	case HM_SIZE:
	case HM_DURATION:
		if (!conf_read_number(key->type, text, &number) || !within_bounds(key, number))
			return false;
		store_number(key, number, field);
		return true;
	case HM_STRING:
		if (!within_bounds(key, (int64_t)strlen(text)) || (key->valid && !key->valid(text)))
			return false;
		*(const char **)field = text;
		return true;
	case HM_LIST:
		break;
	}
	return false;
}

static bool
may_be_entry(const struct hm_conf_key *key, const char *text)
{
	int choice;

	return (!key->choices || read_choice(key, text, &choice)) &&
	       (!key->valid || key->valid(text));
}

static bool
read_list(const struct hm_conf_key *key, const struct conf_node *node, struct arena *arena,
          void *field, struct conf_report *report)
{
	const char **entries;
	bool valid = true;

	for (size_t i = 0; i < node->n_words; i++) {
		struct conf_place at = { node->at.file, node->words[i].line };

		if (!may_be_entry(key, node->words[i].text)) {
			report_wrong(key, &at, node->words[i].text, report);
			valid = false;
		}
	}
	if (!within_bounds(key, (int64_t)node->n_words)) {
		report_shape(key, &node->at, "a list of so many entries", report);
		valid = false;
	}
	if (!valid)
		return false;
	entries = node->n_words ? arena_alloc(arena, node->n_words * sizeof(*entries)) : NULL;
	for (size_t i = 0; i < node->n_words; i++)
		entries[i] = node->words[i].text;
	*(struct hm_conf_list *)field = (struct hm_conf_list){ entries, node->n_words };
	return true;
}

bool
conf_value_read(const struct hm_conf_key *key, const struct conf_node *node, struct arena *arena,
                void *filled, struct conf_report *report)
{
	void *field = field_of(key, filled);
	const char *text;

	if (node->kind == CONF_BLOCK) {
		report_shape(key, &node->at, "a block", report);
		return false;
	}
	if (key->type == HM_LIST && (node->kind == CONF_LIST || node->n_words == 1))
		return read_list(key, node, arena, field, report);
	if (node->kind == CONF_LIST) {
		report_shape(key, &node->at, "a list", report);
		return false;
	}
	text = node->words[0].text;
	if (node->n_words == 2 && (key->type == HM_STRING || key->type == HM_LIST)) {
		report_shape(key, &node->at, "two words without quotes", report);
		return false;
	}
	if (node->n_words == 2)
		text = arena_printf(arena, "%s %s", text, node->words[1].text);
	if (!read_text(key, text, field)) {
		report_wrong(key, &node->at, text, report);
		return false;
	}
	return true;
}

/* --- Defaults --------------------------------------------------------------- */

/* The words of a default, brackets of a list left out.  false: it is not written well. */
static bool
split_default(const char *text, struct arena *arena, struct conf_node *node,
              struct conf_report *report)
{
	/* Words are at least one letter and one blank. */
	struct conf_word *words = arena_alloc(arena, (strlen(text) / 2 + 1) * sizeof(*words));
	size_t budget = CONF_WORD_MAX, mistakes = report->n;
	struct conf_lexer lexer;
	struct conf_token token;

	conf_lexer_init(&lexer, NULL, text, strlen(text));
	lexer.arena = arena;
	lexer.report = report;
	lexer.budget = &budget;
	lexer.literal = true;
	node->words = words;
	for (token = conf_lexer_next(&lexer); token.type != CONF_T_END;
	     token = conf_lexer_next(&lexer)) {
		if (token.type == CONF_T_WORD)
			words[node->n_words++] = (struct conf_word){ token.text, 0 };
		else if (token.type == CONF_T_LIST_OPEN)
			node->kind = CONF_LIST;
		else if (token.type != CONF_T_LIST_CLOSE || node->kind != CONF_LIST)
			return false;
	}
	return report->n == mistakes;
}

static void
clear_field(const struct hm_conf_key *key, void *field)
{
	switch (key->type) {
	case HM_BOOL:
		*(bool *)field = false;
		return;
	case HM_CHOICE:
		*(int *)field = 0;
		return;
	case HM_STRING:
		*(const char **)field = NULL;
		return;
	case HM_LIST:
		*(struct hm_conf_list *)field = (struct hm_conf_list){ NULL, 0 };
		return;
	default:
		store_number(key, 0, field);
	}
}

bool
conf_value_default(const struct hm_conf_key *key, struct arena *arena, void *filled,
                   struct conf_report *report)
{
	static const struct conf_word empty = { "", 0 };
	struct conf_node node = { .kind = CONF_VALUE, .name = key->name };

	clear_field(key, field_of(key, filled));
	if (!key->def)
		return true;
	if (!split_default(key->def, arena, &node, report)) {
		conf_mistake(report, NULL, "\"%s\" has a malformed default", key->name);
		return false;
	}
	if (key->type == HM_LIST) {
		node.kind = CONF_LIST;
	} else if (node.n_words == 0) {
		node.words = &empty;
		node.n_words = 1;
	}
	return conf_value_read(key, &node, arena, filled, report);
}
