/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* What the tests of src/conf share: a text becomes a snapshot; its mistakes are at hand. */
#ifndef CONF_TEST_H
#define CONF_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/snapshot.h"

static struct conf_report report;

static inline struct conf_snapshot *
load(const char *text)
{
	report = (struct conf_report){ 0 };
	return conf_load_text("test.conf", text, strlen(text), &report);
}

static inline void
assert_clean(void)
{
	if (!conf_report_clean(&report))
		print_error("%s\n", report.mistakes[0].text);
	assert_true(conf_report_clean(&report));
}

/* There is one mistake, with this text in it. */
static inline void
assert_mistake(const char *part)
{
	for (size_t i = 0; i < report.n; i++) {
		if (report.n != 1 || !strstr(report.mistakes[i].text, part))
			print_error("%s\n", report.mistakes[i].text);
	}
	assert_int_equal(report.n, 1);
	assert_non_null(strstr(report.mistakes[0].text, part));
}

#endif
