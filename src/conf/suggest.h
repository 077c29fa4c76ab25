/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* conf/suggest.h - "did you mean ...?": the nearest of some known words. */
#ifndef CONF_SUGGEST_H
#define CONF_SUGGEST_H

struct conf_suggestion {
	const char *word;
	const char *best; /* NULL: nothing is near */
	unsigned distance;
};

struct conf_suggestion conf_suggestion_for(const char *word);
void conf_suggestion_try(struct conf_suggestion *suggestion, const char *known);

#endif
