/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Units of the configuration: sizes count by 1024, durations are at least
 * milliseconds.  The tables go from the largest to the smallest unit.
 */
#include "conf/unit.h"

#include <inttypes.h>
#include <string.h>

#include <hermod/values.h>

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit sizes[] = {
	{ "TiB", INT64_C(1) << 40 },
	{ "GiB", 1 << 30 },
	{ "MiB", 1 << 20 },
	{ "KiB", 1024 },
	{ "B", 1 },
	{ "g", 1 << 30 },
	{ "m", 1 << 20 },
	{ "k", 1024 },
	{ "G", 1 << 30 },
	{ "M", 1 << 20 },
	{ "K", 1024 },
};

static const struct unit durations[] = {
	{ "d", 24 * 60 * 60 * 1000 },
	{ "h", 60 * 60 * 1000 },
	{ "min", 60 * 1000 },
	{ "s", 1000 },
	{ "ms", 1 },
};

/* Not units here, but meant as such. */
static const char *const mistaken[] = {
	"kB", "KB", "MB",  "GB",   "TB",   "bytes",   "kb",      "mb",    "gb",
	"us", "w",  "sec", "min.", "mins", "seconds", "minutes", "hours", "days",
};

static const struct unit *
find_unit(const struct unit *units, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(units[i].name, name) == 0)
			return &units[i];
	}
	return NULL;
}

bool
conf_is_number(const char *text)
{
	if (*text == '-' || *text == '+')
		text++;
	return *text && text[strspn(text, "0123456789")] == '\0';
}

bool
conf_is_unit(const char *text)
{
	for (size_t i = 0; i < HM_COUNT(mistaken); i++) {
		if (strcmp(mistaken[i], text) == 0)
			return true;
	}
	return find_unit(sizes, HM_COUNT(sizes), text) ||
	       find_unit(durations, HM_COUNT(durations), text);
}

/* What one of the number is, 0 if the type has no such unit. */
static int64_t
factor_of(enum hm_conf_type type, const char *unit, int64_t number)
{
	const struct unit *found = NULL;

	if (type == HM_SIZE)
		found = find_unit(sizes, HM_COUNT(sizes), unit);
	else if (type == HM_DURATION)
		found = find_unit(durations, HM_COUNT(durations), unit);
	if (found)
		return found->factor;
	/* A size without a unit is in bytes; a duration could be anything, unless it is 0. */
	return *unit == '\0' && (type != HM_DURATION || number == 0) ? 1 : 0;
}

bool
conf_read_number(enum hm_conf_type type, const char *text, int64_t *value)
{
	bool negative = *text == '-';
	int64_t number = 0, factor;

	if (strcmp(text, "unlimited") == 0) {
		*value = CONF_UNLIMITED;
		return true;
	}
	if (*text == '-' || *text == '+')
		text++;
	if (!(*text >= '0' && *text <= '9') || (negative && type != HM_INT))
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, *text - '0', &number))
			return false;
	}
	text += strspn(text, " ");
	factor = factor_of(type, text, number);
	if (factor == 0 || __builtin_mul_overflow(number, factor, &number) ||
	    number == CONF_UNLIMITED || (type == HM_DURATION && number >= HM_UNLIMITED_DURATION))
		return false;
	*value = negative ? -number : number;
	return true;
}

void
conf_write_number(enum hm_conf_type type, int64_t value, struct buf *out)
{
	/* The words of the tables' heads, not the letters behind them. */
	const struct unit *unit = type == HM_SIZE ? sizes : durations;

	if (value == CONF_UNLIMITED) {
		buf_puts(out, "unlimited");
		return;
	}
	if (type == HM_INT || value == 0) {
		buf_printf(out, "%" PRId64, value);
		return;
	}
	while (value % unit->factor != 0)
		unit++;
	buf_printf(out, "%" PRId64 " %s", value / unit->factor, unit->name);
}
