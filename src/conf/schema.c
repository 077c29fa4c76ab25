/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Statements meet their table.  Blocks and tables are short: everything is a
 * plain walk.
 */
#include "conf/schema.h"

#include <string.h>

#include "base/buf.h"
#include "conf/suggest.h"
#include "conf/unit.h"
#include "conf/value.h"

static const struct hm_conf_key *
find_key(const struct conf_schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->n_keys; i++) {
		if (schema->keys[i].name && strcmp(schema->keys[i].name, name) == 0)
			return &schema->keys[i];
	}
	return NULL;
}

static const struct conf_block_rule *
find_rule(const struct conf_schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->n_blocks; i++) {
		if (schema->blocks[i].name && strcmp(schema->blocks[i].name, name) == 0)
			return &schema->blocks[i];
	}
	return NULL;
}

/* --- Statements ------------------------------------------------------------- */

static void
report_unknown(const struct conf_schema *schema, const struct conf_node *node,
               struct conf_report *report)
{
	struct conf_suggestion suggestion = conf_suggestion_for(node->name);
	const char *what = node->kind == CONF_BLOCK ? "block" : "key";

	for (size_t i = 0; i < schema->n_keys; i++)
		conf_suggestion_try(&suggestion, schema->keys[i].name);
	for (size_t i = 0; i < schema->n_blocks; i++)
		conf_suggestion_try(&suggestion, schema->blocks[i].name);
	if (suggestion.best)
		conf_mistake(report, &node->at, "unknown %s \"%s\"; did you mean \"%s\"?", what,
		             node->name, suggestion.best);
	else
		conf_mistake(report, &node->at,
		             "unknown %s \"%s\"; hermod.conf(5) lists what may stand here", what,
		             node->name);
}

/* The statement of the same name, and for blocks of the same title, that stands before this one. */
static const struct conf_node *
find_earlier(const struct conf_node *block, const struct conf_node *node)
{
	const struct conf_node *earlier = block->first;

	while (earlier != node &&
	       !(strcmp(earlier->name, node->name) == 0 &&
	         strcmp(earlier->title ? earlier->title : "", node->title ? node->title : "") == 0))
		earlier = earlier->next;
	return earlier != node ? earlier : NULL;
}

static void
report_repeated(const struct conf_node *node, const struct conf_node *earlier,
                struct conf_report *report)
{
	const char *blank = node->title && *node->title ? " " : "";

	conf_mistake(report, &node->at,
	             "\"%s%s%s\" stands here again; expected it only once (first in %s, line %u)",
	             node->name, blank, node->title ? node->title : "", earlier->at.file,
	             earlier->at.line);
}

static void
check_block(const struct conf_block_rule *rule, const struct conf_node *node,
            struct conf_report *report)
{
	if (node->kind != CONF_BLOCK)
		conf_mistake(report, &node->at, "\"%s\" is not a key; expected the block %s%s { }",
		             node->name, node->name, rule->titled ? " NAME" : "");
	else if (rule->titled && !*node->title)
		conf_mistake(report, &node->at,
		             "the block \"%s\" has no name; expected %s NAME { }", node->name,
		             node->name);
	else if (!rule->titled && *node->title)
		conf_mistake(report, &node->at, "the block \"%s\" has no names; expected %s { }",
		             node->name, node->name);
}

static void
read_statement(struct arena *arena, const struct conf_node *block, const struct conf_node *node,
               const struct conf_schema *schema, void *filled, struct conf_report *report)
{
	const struct hm_conf_key *key = find_key(schema, node->name);
	const struct conf_block_rule *rule = find_rule(schema, node->name);
	const struct conf_node *earlier;

	if (!key && !rule) {
		report_unknown(schema, node, report);
		return;
	}
	earlier = rule && rule->repeats ? NULL : find_earlier(block, node);
	if (earlier) {
		report_repeated(node, earlier, report);
		return;
	}
	if (key)
		conf_value_read(key, node, arena, filled, report);
	else
		check_block(rule, node, report);
}

/* --- What is not there ------------------------------------------------------ */

static void
report_missing(const struct conf_node *block, const char *name, const char *expected,
               struct conf_report *report)
{
	bool in_file = !block || !*block->name;
	struct conf_place at = { block ? block->at.file : NULL, in_file ? 0 : block->at.line };

	if (in_file)
		conf_mistake(report, &at, "\"%s\" is missing; expected %s", name, expected);
	else
		conf_mistake(report, &at, "\"%s\" is missing in the block \"%s%s%s\"; expected %s",
		             name, block->name, *block->title ? " " : "", block->title, expected);
}

static void
check_required(const struct conf_node *block, const struct conf_schema *schema,
               struct conf_report *report)
{
	for (size_t i = 0; i < schema->n_keys; i++) {
		const struct hm_conf_key *key = &schema->keys[i];
		struct buf expected = { 0 };

		if (!key->required || conf_find(block, key->name))
			continue;
		conf_write_expected(key, &expected);
		report_missing(block, key->name, expected.data, report);
		buf_free(&expected);
	}
	for (size_t i = 0; i < schema->n_blocks; i++) {
		const struct conf_block_rule *rule = &schema->blocks[i];

		if (rule->required && !conf_find(block, rule->name))
			report_missing(block, rule->name,
			               rule->titled ? "one block of that name at least"
			                            : "a block of that name",
			               report);
	}
}

bool
conf_fill(struct arena *arena, const struct conf_node *block, const struct conf_schema *schema,
          void *filled, struct conf_report *report)
{
	size_t mistakes = report->n + report->more;

	for (size_t i = 0; i < schema->n_keys; i++)
		conf_value_default(&schema->keys[i], arena, filled, report);
	return conf_fill_over(arena, block, schema, filled, report) &&
	       report->n + report->more == mistakes;
}

bool
conf_fill_over(struct arena *arena, const struct conf_node *block, const struct conf_schema *schema,
               void *filled, struct conf_report *report)
{
	size_t mistakes = report->n + report->more;

	/* That it is no block has been reported where its own block was read. */
	if (block && block->kind != CONF_BLOCK)
		return false;
	for (const struct conf_node *node = block ? block->first : NULL; node; node = node->next)
		read_statement(arena, block, node, schema, filled, report);
	check_required(block, schema, report);
	return report->n + report->more == mistakes;
}

/* --- The table itself ------------------------------------------------------- */

static bool
is_name(const char *name)
{
	return name && *name >= 'a' && *name <= 'z' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0' &&
	       strcmp(name, "include") != 0 && !conf_is_unit(name);
}

static bool
are_bounds_right(const struct hm_conf_key *key)
{
	enum hm_conf_type type =
		key->type == HM_SIZE || key->type == HM_DURATION ? key->type : HM_INT;
	int64_t min = INT64_MIN, max = CONF_UNLIMITED;

	if ((key->min || key->max) && (key->type == HM_BOOL || key->type == HM_CHOICE))
		return false;
	if (key->min && (!conf_read_number(type, key->min, &min) || min == CONF_UNLIMITED))
		return false;
	if (key->max && !conf_read_number(type, key->max, &max))
		return false;
	/* Texts and lists without a bound need no word for it. */
	if (key->max && max == CONF_UNLIMITED && (key->type == HM_STRING || key->type == HM_LIST))
		return false;
	return min <= max;
}

static size_t
size_of_field(const struct hm_conf_key *key)
{
	static const size_t sizes[] = {
		[HM_BOOL] = sizeof(bool),
		[HM_INT] = sizeof(int64_t),
		[HM_SIZE] = sizeof(size_t),
		[HM_DURATION] = sizeof(uint32_t),
		[HM_STRING] = sizeof(const char *),
		[HM_CHOICE] = sizeof(int),
		[HM_LIST] = sizeof(struct hm_conf_list),
	};

	return sizes[key->type];
}

static void
check_key(const char *owner, const struct hm_conf_key *key, struct arena *arena,
          struct conf_report *report)
{
	struct conf_place at = { owner, 0 };
	size_t mistakes = report->n;
	void *filled;

	if (!is_name(key->name))
		conf_mistake(report, &at, "a key is called \"%s\"; expected a name that is no unit",
		             key->name ? key->name : "");
	if ((unsigned)key->type > HM_LIST)
		conf_mistake(report, &at, "\"%s\" is of no known type", key->name);
	else if ((key->type == HM_CHOICE && (!key->choices || !key->choices[0])) ||
	         (key->choices && key->type != HM_CHOICE && key->type != HM_LIST))
		conf_mistake(report, &at, "\"%s\" has choices and is no choice, or the reverse",
		             key->name);
	else if (!key->valid != !key->what ||
	         (key->valid && key->type != HM_STRING && key->type != HM_LIST))
		conf_mistake(report, &at, "\"%s\" checks what is no text, or does not say for what",
		             key->name);
	else if (!are_bounds_right(key))
		conf_mistake(report, &at, "\"%s\" has malformed bounds", key->name);
	else if (key->required && key->def)
		conf_mistake(report, &at, "\"%s\" is required and has a default", key->name);
	if (report->n != mistakes || (key->required && !key->def))
		return;
	filled = arena_zalloc(arena, key->offset + size_of_field(key));
	if (!conf_value_default(key, arena, filled, report))
		conf_mistake(report, &at, "the default of \"%s\" is not one of its values",
		             key->name);
}

bool
conf_schema_check(const char *owner, const struct conf_schema *schema, struct conf_report *report)
{
	struct conf_place at = { owner, 0 };
	size_t mistakes = report->n + report->more;
	struct arena *arena = arena_new(0);

	for (size_t i = 0; i < schema->n_keys; i++) {
		check_key(owner, &schema->keys[i], arena, report);
		if (schema->keys[i].name &&
		    (find_key(schema, schema->keys[i].name) != &schema->keys[i] ||
		     find_rule(schema, schema->keys[i].name)))
			conf_mistake(report, &at, "\"%s\" is declared twice", schema->keys[i].name);
	}
	for (size_t i = 0; i < schema->n_blocks; i++) {
		if (!is_name(schema->blocks[i].name) ||
		    find_rule(schema, schema->blocks[i].name) != &schema->blocks[i])
			conf_mistake(report, &at,
			             "the block \"%s\" is declared twice or has no proper name",
			             schema->blocks[i].name ? schema->blocks[i].name : "");
	}
	arena_free(&arena);
	return report->n + report->more == mistakes;
}
