/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* stamp.c - DateTime of XEP-0082: CCYY-MM-DDThh:mm:ss[.sss]TZD, TZD being Z or (+|-)hh:mm. */
#include "stamp.h"

#include <stddef.h>

/* Exactly n digits; -1: they are not there. */
static int
digits(const char **at, size_t n)
{
	int value = 0;

	for (; n > 0; n--) {
		if (**at < '0' || **at > '9')
			return -1;
		value = value * 10 + (*(*at)++ - '0');
	}
	return value;
}

static bool
is(const char **at, char c)
{
	if (**at != c)
		return false;
	++*at;
	return true;
}

static int
days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* Of the calendar that everybody uses, also before it was: days since 1970-01-01. */
static int64_t
days_since_1970(int year, int month, int day)
{
	int64_t y =
		month > 2 ? year : year - 1; /* a year begins in March, so a leap day is its last */
	int64_t shifted = month > 2 ? month - 3 : month + 9;

	y += 400; /* no negative numbers below */
	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * shifted + 2) / 5 + day - 1 -
	       (719468 + 146097);
}

static bool
read_zone(const char **at, int64_t *seconds)
{
	int sign = 1, h, m;

	*seconds = 0;
	if (is(at, 'Z'))
		return true;
	if (is(at, '-'))
		sign = -1;
	else if (!is(at, '+'))
		return false;
	if ((h = digits(at, 2)) < 0 || h > 23 || !is(at, ':') || (m = digits(at, 2)) < 0 || m > 59)
		return false;
	*seconds = sign * (h * 3600 + m * 60);
	return true;
}

/* What stands behind the point, as microseconds. */
static bool
read_fraction(const char **at, int64_t *us)
{
	int64_t unit = 100000;

	*us = 0;
	if (!is(at, '.'))
		return true;
	if (**at < '0' || **at > '9')
		return false;
	for (; **at >= '0' && **at <= '9'; ++*at, unit /= 10)
		*us += (**at - '0') * unit;
	return true;
}

bool
stamp_read(const char *text, int64_t *us)
{
	const char *at = text;
	int year, month, day, h, m, s;
	int64_t fraction, zone;

	if ((year = digits(&at, 4)) < 0 || !is(&at, '-') || (month = digits(&at, 2)) < 1 ||
	    month > 12 || !is(&at, '-') || (day = digits(&at, 2)) < 1 ||
	    day > days_in(year, month) || !is(&at, 'T'))
		return false;
	if ((h = digits(&at, 2)) < 0 || h > 23 || !is(&at, ':') || (m = digits(&at, 2)) < 0 ||
	    m > 59 || !is(&at, ':') || (s = digits(&at, 2)) < 0 || s > 60)
		return false;
	if (!read_fraction(&at, &fraction) || !read_zone(&at, &zone) || *at)
		return false;
	*us = ((days_since_1970(year, month, day) * 86400 + h * 3600 + m * 60 + s) - zone) *
	              INT64_C(1000000) +
	      fraction;
	return true;
}
