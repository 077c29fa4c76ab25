/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Writes an answer.  The first row names the columns; the first thousand rows
 * are held back until their widths are known.
 */
#include "output.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "text.h"

/* --- Values --------------------------------------------------------------------- */

static void
write_scalar(struct buf *out, const json_t *value, bool multiline)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		text_clean(out, json_string_value(value), multiline);
		return;
	case JSON_INTEGER:
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return;
	case JSON_REAL:
		buf_printf(out, "%.6g", json_real_value(value));
		return;
	case JSON_TRUE:
	case JSON_FALSE:
		buf_puts(out, json_is_true(value) ? "yes" : "no");
		return;
	default:
		buf_putc(out, '-');
	}
}

static void
write_value(struct buf *out, const json_t *value, bool multiline)
{
	const json_t *entry;
	size_t i;

	if (!json_is_array(value)) {
		write_scalar(out, value, multiline);
		return;
	}
	json_array_foreach(value, i, entry)
	{
		if (i > 0)
			buf_puts(out, ", ");
		write_scalar(out, entry, false);
	}
}

static void
pad(struct buf *out, size_t width, size_t column)
{
	for (; width < column; width++)
		buf_putc(out, ' ');
}

/* "idle_s" is headed IDLE S. */
static char *
heading_of(const char *name)
{
	struct buf clean = { 0 };

	text_clean(&clean, name, false);
	for (char *c = clean.data; c && *c; c++) {
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
		else if (*c == '_')
			*c = ' ';
	}
	return clean.data ? clean.data : mem_strdup("");
}

/* --- Tables --------------------------------------------------------------------- */

static void
start_table(struct output *output, json_t *row)
{
	const char *name;
	json_t *value;

	json_object_foreach(row, name, value)
	{
		if (output->n_columns == OUTPUT_COLUMNS_MAX)
			return;
		output->columns[output->n_columns].name = mem_strdup(name);
		output->columns[output->n_columns].numeric = true;
		output->n_columns++;
	}
	/* No heads for one column: it goes well into a pipe. */
	for (size_t i = 0; i < output->n_columns; i++)
		output->columns[i].width =
			output->n_columns > 1 ? text_width(output->columns[i].name) : 0;
}

static void
write_row(const struct output *output, const char *const *cells)
{
	struct buf line = { 0 };

	for (size_t i = 0; i < output->n_columns; i++) {
		size_t width = text_width(cells[i]);

		if (i > 0)
			buf_puts(&line, "  ");
		if (output->columns[i].numeric)
			pad(&line, width, output->columns[i].width);
		buf_puts(&line, cells[i]);
		if (!output->columns[i].numeric)
			pad(&line, width, output->columns[i].width);
	}
	while (line.len > 0 && line.data[line.len - 1] == ' ')
		line.data[--line.len] = '\0';
	puts(line.len ? line.data : "");
	buf_free(&line);
}

static void
write_head(struct output *output)
{
	const char *cells[OUTPUT_COLUMNS_MAX];
	char *heads[OUTPUT_COLUMNS_MAX];

	output->head_written = true;
	if (output->n_columns < 2)
		return;
	for (size_t i = 0; i < output->n_columns; i++)
		cells[i] = heads[i] = heading_of(output->columns[i].name);
	if (output->bold)
		fputs("\033[1m", stdout);
	write_row(output, cells);
	if (output->bold)
		fputs("\033[0m", stdout);
	for (size_t i = 0; i < output->n_columns; i++)
		mem_free(heads[i]);
}

static void
write_waiting(struct output *output)
{
	const char *cells[OUTPUT_COLUMNS_MAX], *next = output->cells.data;

	if (!output->head_written && output->n_columns)
		write_head(output);
	for (size_t row = 0; row < output->n_waiting; row++) {
		for (size_t i = 0; i < output->n_columns; i++) {
			cells[i] = next;
			next += strlen(next) + 1;
		}
		write_row(output, cells);
	}
	output->n_waiting = 0;
	buf_clear(&output->cells);
}

static void
add_to_table(struct output *output, json_t *row)
{
	if (output->n_columns == 0)
		start_table(output, row);
	for (size_t i = 0; i < output->n_columns; i++) {
		const json_t *value = json_object_get(row, output->columns[i].name);
		size_t start = output->cells.len;

		if (value)
			write_value(&output->cells, value, false);
		buf_putc(&output->cells, '\0');
		if (output->head_written)
			continue;
		if (value && !json_is_number(value) && !json_is_null(value))
			output->columns[i].numeric = false;
		if (text_width(output->cells.data + start) > output->columns[i].width)
			output->columns[i].width = text_width(output->cells.data + start);
	}
	output->n_waiting++;
	if (output->head_written || output->n_waiting == OUTPUT_AHEAD)
		write_waiting(output);
}

/* --- Sheets, events, text --------------------------------------------------------- */

static void
write_sheet(struct output *output, json_t *row)
{
	struct buf line = { 0 };
	size_t widest = 0;
	const char *name;
	json_t *value;

	if (output->n_rows > 1)
		putchar('\n');
	json_object_foreach(row, name, value) widest =
		text_width(name) > widest ? text_width(name) : widest;
	json_object_foreach(row, name, value)
	{
		buf_clear(&line);
		text_clean(&line, name, false);
		for (size_t i = 0; i < line.len; i++)
			line.data[i] = line.data[i] == '_' ? ' ' : line.data[i];
		pad(&line, text_width(name), widest + 2);
		write_value(&line, value, false);
		puts(line.data);
	}
	buf_free(&line);
}

/* The values in their order, on one line. */
static void
write_event(json_t *event)
{
	struct buf line = { 0 };
	const char *name;
	json_t *value;

	json_object_foreach(event, name, value)
	{
		if (line.len)
			buf_puts(&line, "  ");
		write_value(&line, value, false);
	}
	puts(line.len ? line.data : "");
	fflush(stdout);
	buf_free(&line);
}

static void
write_text(json_t *row)
{
	struct buf text = { 0 };
	const json_t *value = json_object_get(row, "text");

	if (value)
		write_value(&text, value, true);
	if (text.len)
		fputs(text.data, stdout);
	buf_free(&text);
}

void
output_line(void *ctx, json_t *line)
{
	struct output *output = ctx;
	json_t *event = json_object_get(line, "event");
	json_t *row = event ? event : json_object_get(line, "row");

	if (!json_is_object(row))
		return;
	output->n_rows++;
	if (output->json) {
		json_dumpf(row, stdout, JSON_COMPACT);
		putchar('\n');
		if (event)
			fflush(stdout);
	} else if (event) {
		write_event(event);
	} else if (json_is_true(json_object_get(line, "raw"))) {
		write_text(row);
	} else if (output->sheets) {
		write_sheet(output, row);
	} else {
		add_to_table(output, row);
	}
}

bool
output_end(struct output *output)
{
	write_waiting(output);
	for (size_t i = 0; i < output->n_columns; i++)
		mem_free(output->columns[i].name);
	buf_free(&output->cells);
	output->n_columns = 0;
	return fflush(stdout) == 0 && !ferror(stdout);
}
