/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * The words of the grammar (hermod.conf(5)).  A word is bare or in double
 * quotes; both may contain ${NAME} and ${NAME:-default} of the environment.
 * What a variable brings is never read as grammar again: it stays one word.
 *
 * No message shows a value: it may be a password.
 */
#include "conf/lexer.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"

#define VARIABLE_NAME_MAX 128

void
conf_lexer_init(struct conf_lexer *lexer, const char *file, const char *text, size_t len)
{
	*lexer = (struct conf_lexer){
		.pos = text,
		.end = text + len,
		.at = { .file = file, .line = 1 },
	};
	/* Some editors begin a file with a byte order mark. */
	if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
		lexer->pos += 3;
}

static int
next_byte(const struct conf_lexer *lexer)
{
	return lexer->pos < lexer->end ? (unsigned char)*lexer->pos : -1;
}

/* Takes the text from the input if it stands there. */
static bool
take(struct conf_lexer *lexer, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(lexer->end - lexer->pos) < len || memcmp(lexer->pos, text, len) != 0)
		return false;
	lexer->pos += len;
	return true;
}

static bool
ends_word(int c)
{
	return c <= ' ' || strchr("{}[];", c);
}

/* --- Variables ------------------------------------------------------------ */

static size_t
variable_name_len(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len &&
	       (text[i] == '_' || (text[i] >= 'A' && text[i] <= 'Z') ||
	        (text[i] >= 'a' && text[i] <= 'z') || (i > 0 && text[i] >= '0' && text[i] <= '9')))
		i++;
	return i;
}

/* The environment is not ours: what it says becomes text of the file only if a file could say it. */
static bool
is_clean(const char *value)
{
	for (const char *c = value; *c; c++) {
		if (((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t') || *c == 0x7f)
			return false;
	}
	return utf8_valid(value, strlen(value));
}

static void
put_variable(struct conf_lexer *lexer, struct buf *word, const char *name, const char *fallback,
             size_t fallback_len)
{
	const char *value = getenv(name);

	if (fallback && (!value || !*value)) {
		buf_append(word, fallback, fallback_len);
	} else if (!value) {
		conf_mistake(
			lexer->report, &lexer->at,
			"the environment variable %s is not set; set it, or write ${%s:-default}",
			name, name);
	} else if (strlen(value) > CONF_WORD_MAX || !is_clean(value)) {
		conf_mistake(
			lexer->report, &lexer->at,
			"the environment variable %s is not usable; expected UTF-8 text without "
			"control characters, of at most %d bytes",
			name, CONF_WORD_MAX);
	} else {
		buf_puts(word, value);
	}
}

/* Behind "${". */
static void
read_variable(struct conf_lexer *lexer, struct buf *word)
{
	const char *newline = memchr(lexer->pos, '\n', (size_t)(lexer->end - lexer->pos));
	size_t line_len = (size_t)((newline ? newline : lexer->end) - lexer->pos);
	const char *close = memchr(lexer->pos, '}', line_len);
	size_t name_len = variable_name_len(lexer->pos, line_len);
	const char *rest = lexer->pos + name_len;
	char name[VARIABLE_NAME_MAX];
	bool has_default;

	if (!close || name_len == 0 || name_len >= sizeof(name)) {
		conf_mistake(
			lexer->report, &lexer->at,
			"\"${\" without a name and \"}\"; expected ${NAME} or ${NAME:-default}, "
			"or \"\\$\" in quotes for a plain dollar sign");
		return;
	}
	has_default = close - rest >= 2 && memcmp(rest, ":-", 2) == 0;
	if (rest != close && !has_default) {
		conf_mistake(lexer->report, &lexer->at,
		             "a variable is malformed; expected ${NAME} or ${NAME:-default}");
	} else {
		memcpy(name, lexer->pos, name_len);
		name[name_len] = '\0';
		put_variable(lexer, word, name, has_default ? rest + 2 : NULL,
		             has_default ? (size_t)(close - rest - 2) : 0);
	}
	lexer->pos = close + 1;
}

/* --- Words ---------------------------------------------------------------- */

/* Behind a backslash in quotes. */
static void
read_escape(struct conf_lexer *lexer, struct buf *word)
{
	static const char escapes[][2] = {
		{ 'n', '\n' }, { 't', '\t' }, { '"', '"' }, { '\\', '\\' }, { '$', '$' },
	};
	int c = next_byte(lexer);

	for (size_t i = 0; i < HM_COUNT(escapes); i++) {
		if (escapes[i][0] == c) {
			buf_putc(word, escapes[i][1]);
			lexer->pos++;
			return;
		}
	}
	conf_mistake(lexer->report, &lexer->at,
	             "unknown escape in quotes; expected \\\\ \\\" \\$ \\n or \\t");
}

static void
read_quoted(struct conf_lexer *lexer, struct buf *word)
{
	for (;;) {
		int c = next_byte(lexer);

		if (c < 0 || c == '\n') {
			conf_mistake(lexer->report, &lexer->at,
			             "a quoted string has no end; expected '\"' on the same line");
			return;
		}
		if (!lexer->literal && take(lexer, "${")) {
			read_variable(lexer, word);
			continue;
		}
		lexer->pos++;
		if (c == '"')
			break;
		if (c == '\\')
			read_escape(lexer, word);
		else
			buf_putc(word, (char)c);
	}
	if (ends_word(next_byte(lexer)))
		return;
	conf_mistake(lexer->report, &lexer->at,
	             "text right behind a quoted string; expected a blank between them");
	while (!ends_word(next_byte(lexer)))
		lexer->pos++;
}

static void
read_bare(struct conf_lexer *lexer, struct buf *word, bool *bare)
{
	bool odd = false;

	for (;;) {
		int c = next_byte(lexer);

		if (!lexer->literal && take(lexer, "${")) {
			read_variable(lexer, word);
			*bare = false;
			continue;
		}
		if (ends_word(c))
			break;
		odd = odd || strchr("\"'\\#", c);
		buf_putc(word, (char)c);
		lexer->pos++;
	}
	if (odd)
		conf_mistake(
			lexer->report, &lexer->at,
			"a word with a quote, a backslash or \"#\" in it; expected it in double "
			"quotes");
}

static struct conf_token
read_word(struct conf_lexer *lexer)
{
	struct conf_token token = { .type = CONF_T_WORD, .line = lexer->at.line, .bare = true };
	struct buf word = { 0 };

	if (take(lexer, "\"")) {
		token.bare = false;
		read_quoted(lexer, &word);
	} else {
		read_bare(lexer, &word, &token.bare);
	}
	if (word.len > CONF_WORD_MAX || word.len > *lexer->budget) {
		conf_mistake(lexer->report, &lexer->at,
		             "the text is too long; expected at most %d bytes in a word, and a "
		             "configuration that stays within bounds",
		             CONF_WORD_MAX);
		word.len = 0;
	}
	*lexer->budget -= word.len;
	token.text = word.len ? arena_strndup(lexer->arena, word.data, word.len) : "";
	buf_free(&word);
	return token;
}

/* --- Tokens --------------------------------------------------------------- */

static void
skip_blanks(struct conf_lexer *lexer)
{
	int c = next_byte(lexer);

	while (c == ' ' || c == '\t' || c == '\r') {
		lexer->pos++;
		c = next_byte(lexer);
	}
	while (c == '#' && next_byte(lexer) >= 0 && next_byte(lexer) != '\n')
		lexer->pos++;
}

static struct conf_token
read_token(struct conf_lexer *lexer)
{
	static const struct {
		char c;
		enum conf_token_type type;
	} marks[] = {
		{ '{', CONF_T_BLOCK_OPEN }, { '}', CONF_T_BLOCK_CLOSE }, { '[', CONF_T_LIST_OPEN },
		{ ']', CONF_T_LIST_CLOSE }, { '\n', CONF_T_LINE_END },
	};
	struct conf_token token = { .type = CONF_T_END };
	int c;

	skip_blanks(lexer);
	while (take(lexer, ";")) {
		conf_mistake(lexer->report, &lexer->at,
		             "\";\" ends nothing here; expected the end of the line, or quotes "
		             "around a text that contains it");
		skip_blanks(lexer);
	}
	token.line = lexer->at.line;
	c = next_byte(lexer);
	if (c < 0)
		return token;
	for (size_t i = 0; i < HM_COUNT(marks); i++) {
		if (marks[i].c == c) {
			lexer->pos++;
			lexer->at.line += c == '\n';
			token.type = marks[i].type;
			return token;
		}
	}
	return read_word(lexer);
}

struct conf_token
conf_lexer_next(struct conf_lexer *lexer)
{
	if (!lexer->peeked)
		return read_token(lexer);
	lexer->peeked = false;
	return lexer->ahead;
}

struct conf_token
conf_lexer_peek(struct conf_lexer *lexer)
{
	if (!lexer->peeked) {
		lexer->ahead = read_token(lexer);
		lexer->peeked = true;
	}
	return lexer->ahead;
}
