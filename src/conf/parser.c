/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * The statements of the grammar (hermod.conf(5)) and the files they stand in.
 * A statement ends with its line; only in a block that is opened on the same
 * line may several stand beside each other.  After a mistake the parser skips
 * to the next statement, over whole blocks if need be, so that one slip is one
 * message.  No message shows a value: it may be a password.
 */
#include "conf/parser.h"

#include <errno.h>
#include <glob.h>
#include <string.h>

#include "base/buf.h"
#include "conf/file.h"
#include "conf/lexer.h"
#include "conf/unit.h"

/* A file that is being read, and the one that includes it. */
struct source {
	const struct source *includer;
	const char *path; /* NULL: text without a file */
	struct conf_file file;
	unsigned depth;
};

struct parser {
	struct arena *arena;
	struct conf_report *report;
	const struct source *source;
	struct conf_lexer *lexer;
	size_t budget; /* bytes of words */
	unsigned files;
};

/* A block while its statements are being added. */
struct open_block {
	struct conf_node *node;
	struct conf_node *last;
	unsigned depth;
	unsigned line; /* where it was opened in this very file; 0: in no line of it */
};

static void parse_statements(struct parser *parser, struct open_block *block);
static bool parse_path(struct parser *parser, const char *path, const struct conf_place *at,
                       struct open_block *block);

static struct conf_place
here(const struct parser *parser, const struct conf_token *token)
{
	return (struct conf_place){ parser->lexer->at.file, token->line };
}

static bool
ends_statement(enum conf_token_type type)
{
	return type == CONF_T_LINE_END || type == CONF_T_BLOCK_CLOSE || type == CONF_T_END;
}

/*
 * Skips what is left of a statement or, with open = 1, of a block; brackets that
 * open on the way are skipped with all they hold.  What ends it is not taken.
 */
static void
skip(struct parser *parser, unsigned open)
{
	bool in_block = open > 0;

	for (;;) {
		enum conf_token_type type = conf_lexer_peek(parser->lexer).type;

		if (type == CONF_T_END || (!in_block && open == 0 && ends_statement(type)))
			return;
		if (type == CONF_T_BLOCK_OPEN || type == CONF_T_LIST_OPEN)
			open++;
		else if (open > 0 && (type == CONF_T_BLOCK_CLOSE || type == CONF_T_LIST_CLOSE))
			open--;
		if (in_block && open == 0)
			return;
		conf_lexer_next(parser->lexer);
	}
}

static struct conf_node *
add_node(struct parser *parser, struct open_block *block, const struct conf_token *name)
{
	struct conf_node *node = arena_new_of(parser->arena, struct conf_node);

	node->name = name->text;
	node->at = here(parser, name);
	if (block->last)
		block->last->next = node;
	else
		block->node->first = node;
	block->last = node;
	return node;
}

static bool
is_name(const struct conf_token *token)
{
	const char *c = token->text;

	if (!token->bare || !(*c >= 'a' && *c <= 'z'))
		return false;
	while ((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_' || *c == '-')
		c++;
	return *c == '\0';
}

/* --- Values, lists, blocks -------------------------------------------------- */

static void
parse_value(struct parser *parser, struct open_block *block, const struct conf_token *name,
            const struct conf_token *value)
{
	struct conf_node *node = add_node(parser, block, name);
	struct conf_word *words = arena_alloc(parser->arena, 2 * sizeof(*words));
	struct conf_token unit = conf_lexer_peek(parser->lexer);

	node->kind = CONF_VALUE;
	node->words = words;
	words[node->n_words++] = (struct conf_word){ value->text, value->line };
	if (unit.type == CONF_T_WORD && unit.bare && conf_is_number(value->text) &&
	    conf_is_unit(unit.text)) {
		conf_lexer_next(parser->lexer);
		words[node->n_words++] = (struct conf_word){ unit.text, unit.line };
	}
}

/* Behind "["; false, having said so: it has no end. */
static bool
read_list(struct parser *parser, const struct conf_token *name, struct buf *words)
{
	for (;;) {
		struct conf_token token = conf_lexer_peek(parser->lexer);
		struct conf_place at = here(parser, &token);
		struct conf_word word = { token.text, token.line };
		size_t len = token.type == CONF_T_WORD ? strlen(token.text) : 0;

		if (token.type != CONF_T_WORD && token.type != CONF_T_LINE_END &&
		    token.type != CONF_T_LIST_CLOSE) {
			conf_mistake(
				parser->report, &at,
				"the list of \"%s\" that begins in line %u has no end; expected "
				"\"]\" before this",
				name->text, name->line);
			return false;
		}
		conf_lexer_next(parser->lexer);
		if (token.type == CONF_T_LIST_CLOSE)
			return true;
		if (token.bare && len > 0 && token.text[len - 1] == ',')
			conf_mistake(
				parser->report, &at,
				"a comma in the list of \"%s\"; expected blanks between the entries",
				name->text);
		if (token.type == CONF_T_WORD)
			buf_append(words, &word, sizeof(word));
	}
}

static bool
parse_list(struct parser *parser, struct open_block *block, const struct conf_token *name)
{
	struct conf_node *node = add_node(parser, block, name);
	struct buf words = { 0 };
	bool complete = read_list(parser, name, &words);

	node->kind = CONF_LIST;
	node->n_words = words.len / sizeof(struct conf_word);
	if (node->n_words) {
		struct conf_word *kept = arena_alloc(parser->arena, words.len);

		memcpy(kept, words.data, words.len);
		node->words = kept;
	}
	buf_free(&words);
	return complete;
}

/* Behind "{". */
static void
parse_block(struct parser *parser, struct open_block *block, const struct conf_token *name,
            const char *title)
{
	struct conf_node *node = add_node(parser, block, name);
	struct open_block inner = {
		.node = node,
		.depth = block->depth + 1,
		.line = name->line,
	};

	node->kind = CONF_BLOCK;
	node->title = title;
	if (inner.depth > CONF_BLOCK_DEPTH_MAX) {
		conf_mistake(
			parser->report, &node->at,
			"\"%s\" is nested too deeply; expected at most %d blocks in each other",
			name->text, CONF_BLOCK_DEPTH_MAX);
		skip(parser, 1);
	} else {
		parse_statements(parser, &inner);
	}
	if (conf_lexer_next(parser->lexer).type == CONF_T_END)
		conf_mistake(parser->report, &node->at,
		             "the block \"%s\" has no end; expected \"}\"", name->text);
}

/* --- Includes --------------------------------------------------------------- */

/* A pattern is relative to the file it stands in. */
static const char *
resolve_path(struct parser *parser, const char *pattern)
{
	const char *slash = strrchr(parser->source->path, '/');

	if (*pattern == '/' || !slash)
		return pattern;
	return arena_printf(parser->arena, "%.*s/%s", (int)(slash - parser->source->path),
	                    parser->source->path, pattern);
}

static void
parse_include(struct parser *parser, struct open_block *block, const struct conf_token *name,
              const struct conf_token *value)
{
	struct conf_place at = here(parser, name);
	const char *pattern;
	glob_t found;
	int rc;

	if (!parser->source->path) {
		conf_mistake(parser->report, &at, "include is not possible here; expected a file");
		return;
	}
	pattern = resolve_path(parser, value->text);
	rc = glob(pattern, 0, NULL, &found);
	/* A folder of files may be empty; a file that is named must be there. */
	if (rc == GLOB_NOMATCH && !strpbrk(pattern, "*?["))
		conf_mistake(parser->report, &at, "cannot include %s: %s", pattern,
		             strerror(ENOENT));
	else if (rc != 0 && rc != GLOB_NOMATCH)
		conf_mistake(parser->report, &at, "cannot look for %s", pattern);
	if (rc != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		parse_path(parser, arena_strdup(parser->arena, found.gl_pathv[i]), &at, block);
	globfree(&found);
}

/* --- Statements ------------------------------------------------------------- */

/* Behind the name; false, having said why: the rest is to be skipped. */
static bool
parse_rest(struct parser *parser, struct open_block *block, const struct conf_token *name)
{
	struct conf_place at = here(parser, name);
	struct conf_token value = conf_lexer_peek(parser->lexer);

	if (ends_statement(value.type) || value.type == CONF_T_LIST_CLOSE) {
		conf_mistake(
			parser->report, &at,
			"\"%s\" has no value; expected a value, \"[\" or \"{\" on the same line",
			name->text);
		return false;
	}
	conf_lexer_next(parser->lexer);
	if (value.type == CONF_T_BLOCK_OPEN) {
		parse_block(parser, block, name, "");
	} else if (value.type == CONF_T_LIST_OPEN) {
		return parse_list(parser, block, name);
	} else if (conf_lexer_peek(parser->lexer).type == CONF_T_BLOCK_OPEN) {
		conf_lexer_next(parser->lexer);
		parse_block(parser, block, name, value.text);
	} else if (value.bare && strcmp(value.text, "=") == 0) {
		conf_mistake(parser->report, &at, "\"=\" behind \"%s\"; expected the value alone",
		             name->text);
		return false;
	} else if (strcmp(name->text, "include") == 0) {
		parse_include(parser, block, name, &value);
	} else {
		parse_value(parser, block, name, &value);
	}
	return true;
}

static void
parse_statement(struct parser *parser, struct open_block *block)
{
	struct conf_token name = conf_lexer_peek(parser->lexer);
	struct conf_place at = here(parser, &name);
	struct conf_token after;

	if (name.type != CONF_T_WORD || !is_name(&name)) {
		conf_mistake(
			parser->report, &at,
			"a statement cannot begin so; expected a name of small letters, digits, "
			"\"_\" and \"-\"");
		skip(parser, 0);
		return;
	}
	conf_lexer_next(parser->lexer);
	if (!parse_rest(parser, block, &name)) {
		skip(parser, 0);
		return;
	}
	after = conf_lexer_peek(parser->lexer);
	if (ends_statement(after.type) ||
	    (after.type == CONF_T_WORD && block->line && after.line == block->line))
		return;
	at = here(parser, &after);
	conf_mistake(
		parser->report, &at,
		"more behind the value of \"%s\"; expected the end of the line (several values "
		"stand in [ ], a text with blanks in quotes)",
		name.text);
	skip(parser, 0);
}

/* Up to "}" or the end of the file, which is left to the caller. */
static void
parse_statements(struct parser *parser, struct open_block *block)
{
	for (;;) {
		struct conf_token token = conf_lexer_peek(parser->lexer);
		struct conf_place at = here(parser, &token);

		if (token.type == CONF_T_END)
			return;
		if (token.type == CONF_T_BLOCK_CLOSE && block->line)
			return;
		if (token.type == CONF_T_BLOCK_CLOSE)
			conf_mistake(parser->report, &at,
			             "\"}\" closes nothing; expected a statement");
		if (token.type == CONF_T_BLOCK_CLOSE || token.type == CONF_T_LINE_END)
			conf_lexer_next(parser->lexer);
		else
			parse_statement(parser, block);
	}
}

/* --- Files ------------------------------------------------------------------ */

static void
parse_source(struct parser *parser, const struct source *source, const char *name,
             const struct hm_blob *text, struct open_block *block)
{
	const struct source *outer_source = parser->source;
	struct conf_lexer *outer_lexer = parser->lexer, lexer;

	if (!conf_text_check(name, text->data, text->len, parser->report))
		return;
	conf_lexer_init(&lexer, name, text->data, text->len);
	lexer.arena = parser->arena;
	lexer.report = parser->report;
	lexer.budget = &parser->budget;
	parser->source = source;
	parser->lexer = &lexer;
	parse_statements(parser, block);
	parser->source = outer_source;
	parser->lexer = outer_lexer;
}

static bool
may_include(struct parser *parser, const struct source *source, const struct conf_place *at)
{
	for (const struct source *s = source->includer; s; s = s->includer) {
		if (s->file.dev == source->file.dev && s->file.ino == source->file.ino) {
			conf_mistake(parser->report, at, "%s includes itself", source->path);
			return false;
		}
	}
	if (source->depth > CONF_INCLUDE_DEPTH_MAX || ++parser->files > CONF_FILES_MAX) {
		conf_mistake(parser->report, at,
		             "too many files; expected at most %d, and includes at most %d deep",
		             CONF_FILES_MAX, CONF_INCLUDE_DEPTH_MAX);
		return false;
	}
	return true;
}

/* path lives in the arena. false: the file cannot be read. */
static bool
parse_path(struct parser *parser, const char *path, const struct conf_place *at,
           struct open_block *block)
{
	struct source source = { .includer = parser->source, .path = path };
	struct open_block inside = *block;
	bool read;

	source.depth = parser->source ? parser->source->depth + 1 : 0;
	/* Statements of the file go to the block, but the block does not end in the file. */
	inside.line = 0;
	read = conf_file_read(path, at, &source.file, parser->report);
	if (read && may_include(parser, &source, at)) {
		struct hm_blob blob = { source.file.text.data, source.file.text.len };

		parse_source(parser, &source, path, &blob, &inside);
		block->last = inside.last;
	}
	buf_free(&source.file.text);
	return read;
}

static struct conf_node *
root_new(struct arena *arena, const char *file)
{
	struct conf_node *root = arena_new_of(arena, struct conf_node);

	root->kind = CONF_BLOCK;
	root->name = "";
	root->at = (struct conf_place){ file, 1 };
	return root;
}

struct conf_node *
conf_parse_file(struct arena *arena, const char *path, struct conf_report *report)
{
	struct parser parser = { .arena = arena, .report = report, .budget = CONF_WORD_BYTES_MAX };
	struct open_block block = { 0 };

	path = arena_strdup(arena, path);
	block.node = root_new(arena, path);
	return parse_path(&parser, path, NULL, &block) ? block.node : NULL;
}

struct conf_node *
conf_parse_text(struct arena *arena, const char *name, const char *text, size_t len,
                struct conf_report *report)
{
	struct parser parser = { .arena = arena, .report = report, .budget = CONF_WORD_BYTES_MAX };
	struct source source = { 0 };
	struct hm_blob blob = { text, len };
	struct open_block block = { 0 };

	name = arena_strdup(arena, name);
	block.node = root_new(arena, name);
	parse_source(&parser, &source, name, &blob, &block);
	return block.node;
}
