/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Collects mistakes.  A sentence longer than a struct hm_error holds is cut;
 * mistakes beyond the fiftieth are counted only.
 */
#include "conf/report.h"

#include <stdarg.h>
#include <stdio.h>

void
conf_mistake(struct conf_report *report, const struct conf_place *at, const char *fmt, ...)
{
	struct hm_error *mistake;
	size_t used = 0;
	va_list args;

	if (report->n == CONF_MISTAKES_MAX) {
		report->more++;
		return;
	}
	mistake = &report->mistakes[report->n++];
	mistake->code = HM_E_INVALID;
	mistake->text[0] = '\0';
	if (at && at->file) {
		int len =
			at->line ? snprintf(mistake->text, sizeof(mistake->text),
		                            "%s:%u: ", at->file, at->line)
				 : snprintf(mistake->text, sizeof(mistake->text), "%s: ", at->file);

		used = len < 0 ? 0 : (size_t)len;
	}
	if (used >= sizeof(mistake->text))
		return;
	va_start(args, fmt);
	vsnprintf(mistake->text + used, sizeof(mistake->text) - used, fmt, args);
	va_end(args);
}

bool
conf_report_clean(const struct conf_report *report)
{
	return report->n == 0;
}

void
conf_report_write(const struct conf_report *report, struct buf *out)
{
	for (size_t i = 0; i < report->n; i++) {
		buf_puts(out, report->mistakes[i].text);
		buf_putc(out, '\n');
	}
	if (report->more)
		buf_printf(out, "and %zu more\n", report->more);
}
