/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * conf/lexer.h - text becomes words, brackets and line ends.  Reports what is
 * malformed and goes on with the best guess, so that one slip is one message.
 */
#ifndef CONF_LEXER_H
#define CONF_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "conf/report.h"

#define CONF_WORD_MAX 65536 /* bytes of one word, variables resolved */

enum conf_token_type {
	CONF_T_WORD,
	CONF_T_BLOCK_OPEN,
	CONF_T_BLOCK_CLOSE,
	CONF_T_LIST_OPEN,
	CONF_T_LIST_CLOSE,
	CONF_T_LINE_END,
	CONF_T_END,
};

struct conf_token {
	enum conf_token_type type;
	unsigned line;
	bool bare;        /* WORD: it was written without quotes and without variables */
	const char *text; /* WORD: in the arena; the text is as long as the string */
};

struct conf_lexer {
	const char *pos, *end;
	struct conf_place at;
	struct arena *arena;
	struct conf_report *report;
	size_t *budget; /* bytes of words that may still be made, shared by all files */
	bool literal;   /* no variables: the defaults of a table */
	bool peeked;
	struct conf_token ahead;
};

/* The text is borrowed while the lexer is used; file lives as long as the arena. */
void conf_lexer_init(struct conf_lexer *lexer, const char *file, const char *text, size_t len);
struct conf_token conf_lexer_next(struct conf_lexer *lexer);
struct conf_token conf_lexer_peek(struct conf_lexer *lexer);

#endif
