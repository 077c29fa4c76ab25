/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Distance of two words: how many letters must be put in, left out, changed or
 * swapped with their neighbour to make one of the other (optimal string
 * alignment).  A third of the letters may differ.
 */
#include "conf/suggest.h"

#include <string.h>

#define WORD_MAX 40 /* longer ones are not compared */

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

static unsigned
distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned table[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= a_len; i++)
		table[i][0] = (unsigned)i;
	for (size_t j = 0; j <= b_len; j++)
		table[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		for (size_t j = 1; j <= b_len; j++) {
			unsigned changed = table[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			table[i][j] = min3(table[i - 1][j] + 1, table[i][j - 1] + 1, changed);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    table[i - 2][j - 2] + 1 < table[i][j])
				table[i][j] = table[i - 2][j - 2] + 1;
		}
	}
	return table[a_len][b_len];
}

struct conf_suggestion
conf_suggestion_for(const char *word)
{
	return (struct conf_suggestion){ .word = word };
}

void
conf_suggestion_try(struct conf_suggestion *suggestion, const char *known)
{
	size_t word_len = strlen(suggestion->word), known_len = strlen(known);
	unsigned apart;

	if (word_len > WORD_MAX || known_len > WORD_MAX)
		return;
	apart = distance(suggestion->word, word_len, known, known_len);
	if (apart > (known_len + 2) / 3 || (suggestion->best && apart >= suggestion->distance))
		return;
	suggestion->best = known;
	suggestion->distance = apart;
}
