/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * base/clock.c - the time, and its text form of XEP-0082.  Dates are computed
 * here and not by gmtime_r(), which takes a lock of the whole process for the
 * time zone that we don't want.
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)
#define YEAR_0_DAYS 719468 /* from 1 March of the year 0 to 1 January 1970 */

static _Atomic int64_t advanced_us;

static int64_t
now_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * SECOND_US + ts.tv_nsec / 1000 +
	       atomic_load_explicit(&advanced_us, memory_order_relaxed);
}

int64_t
clock_wall_us(void)
{
	return now_us(CLOCK_REALTIME);
}

int64_t
clock_mono_us(void)
{
	return now_us(CLOCK_MONOTONIC);
}

int64_t
clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

void
clock_advance(int64_t ms)
{
	atomic_fetch_add_explicit(&advanced_us, ms * 1000, memory_order_relaxed);
}

struct date {
	int year, month, day;
};

/* Days since 1970.  Years begin in March here: then the leap day is the last one. */
static int64_t
days_of(struct date d)
{
	int64_t year = d.month > 2 ? d.year : d.year - 1;
	int64_t month = d.month > 2 ? d.month - 3 : d.month + 9;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t in_era = year - era * 400;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + (153 * month + 2) / 5 +
	       d.day - 1 - YEAR_0_DAYS;
}

static struct date
date_of(int64_t days)
{
	int64_t since_0 = days + YEAR_0_DAYS;
	int64_t era = (since_0 >= 0 ? since_0 : since_0 - 146096) / 146097;
	int64_t day = since_0 - era * 146097; /* of 400 years */
	int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int64_t month;

	day -= year * 365 + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	year += era * 400 + (month >= 10);
	return (struct date){
		.year = (int)year,
		.month = (int)(month < 10 ? month + 3 : month - 9),
		.day = (int)(day - (153 * month + 2) / 5 + 1),
	};
}

/* Writes n decimal digits; returns what is behind them. */
static char *
put_digits(char *at, unsigned n, int64_t number)
{
	for (unsigned i = n; i-- > 0; number /= 10)
		at[i] = (char)('0' + number % 10);
	return at + n;
}

char *
clock_stamp(int64_t wall_us, unsigned digits, char out[CLOCK_STAMP_MAX])
{
	static const int64_t unit_us[] = { SECOND_US, 100000, 10000, 1000, 100, 10, 1 };
	static const int64_t first_us = -62135596800 * SECOND_US;    /* the year 1 */
	static const int64_t last_us = 253402300800 * SECOND_US - 1; /* the year 9999 */
	int64_t days, us, seconds;
	struct date d;
	char *at = out;

	/* Outside of four digits there is no such date-time. */
	wall_us = wall_us < first_us ? first_us : wall_us > last_us ? last_us : wall_us;
	days = wall_us / DAY_US - (wall_us % DAY_US < 0);
	us = wall_us - days * DAY_US;
	seconds = us / SECOND_US;
	d = date_of(days);
	at = put_digits(at, 4, d.year);
	*at++ = '-';
	at = put_digits(at, 2, d.month);
	*at++ = '-';
	at = put_digits(at, 2, d.day);
	*at++ = 'T';
	at = put_digits(at, 2, seconds / 3600);
	*at++ = ':';
	at = put_digits(at, 2, seconds / 60 % 60);
	*at++ = ':';
	at = put_digits(at, 2, seconds % 60);
	if (digits > 6)
		digits = 6;
	if (digits) {
		*at++ = '.';
		at = put_digits(at, digits, us % SECOND_US / unit_us[digits]);
	}
	*at++ = 'Z';
	*at = '\0';
	return out;
}

/* Reads exactly n digits, with a value of lowest to highest. */
static bool
take_number(const char **s, unsigned n, int lowest, int highest, int *number)
{
	*number = 0;
	for (unsigned i = 0; i < n; i++, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		*number = *number * 10 + (**s - '0');
	}
	return *number >= lowest && *number <= highest;
}

static bool
take_char(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static int
days_in_month(int year, int month)
{
	static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* ".123": at least one digit, of which more than six are cut off. */
static bool
take_fraction(const char **s, int64_t *us)
{
	int64_t unit = 100000;

	*us = 0;
	if (!take_char(s, '.'))
		return true;
	if (**s < '0' || **s > '9')
		return false;
	for (; **s >= '0' && **s <= '9'; (*s)++, unit /= 10)
		*us += (**s - '0') * unit;
	return true;
}

/* "Z", "+05:30", "-08:00". */
static bool
take_zone(const char **s, int64_t *minutes)
{
	bool west = **s == '-';
	int hour, minute;

	*minutes = 0;
	if (take_char(s, 'Z'))
		return true;
	if (!take_char(s, '+') && !take_char(s, '-'))
		return false;
	if (!take_number(s, 2, 0, 14, &hour) || !take_char(s, ':') ||
	    !take_number(s, 2, 0, 59, &minute))
		return false;
	*minutes = (west ? -1 : 1) * (hour * 60 + minute);
	return true;
}

bool
clock_parse_stamp(const char *s, int64_t *wall_us)
{
	int64_t fraction_us, zone_minutes;
	int hour, minute, second;
	struct date d;

	if (!take_number(&s, 4, 1, 9999, &d.year) || !take_char(&s, '-') ||
	    !take_number(&s, 2, 1, 12, &d.month) || !take_char(&s, '-') ||
	    !take_number(&s, 2, 1, days_in_month(d.year, d.month), &d.day) || !take_char(&s, 'T') ||
	    !take_number(&s, 2, 0, 23, &hour) || !take_char(&s, ':') ||
	    !take_number(&s, 2, 0, 59, &minute) || !take_char(&s, ':') ||
	    !take_number(&s, 2, 0, 59, &second) || !take_fraction(&s, &fraction_us) ||
	    !take_zone(&s, &zone_minutes) || *s != '\0')
		return false;
	*wall_us = days_of(d) * DAY_US +
	           ((hour * 60 + minute - zone_minutes) * 60 + second) * SECOND_US + fraction_us;
	return true;
}
