/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * cli/output.h - rows and events on standard output: aligned columns or sheets
 * for people, one JSON object per line for programs.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"

#define OUTPUT_COLUMNS_MAX 64
/* Rows that decide the widths of a table; later ones follow as they come. */
#define OUTPUT_AHEAD 1000

struct output {
	bool json;
	bool sheets; /* one field per line, rows apart by an empty line */
	bool bold;   /* the head of a table */
	size_t n_rows;
	size_t n_columns;
	struct {
		char *name;
		size_t width;
		bool numeric;
	} columns[OUTPUT_COLUMNS_MAX];
	/* The cells of waiting rows, NUL-terminated and clean, n_columns for each row. */
	struct buf cells;
	size_t n_waiting;
	bool head_written;
};

/* A line of the server with "row" or "event"; of type client_line_fn, ctx is the struct output. */
void output_line(void *output, json_t *line);
/* Writes what waits.  false: standard output did not take everything. */
bool output_end(struct output *output);

#endif
