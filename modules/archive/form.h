/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* form.h - a query as the client wrote it: XEP-0313 4.1 and 4.3, XEP-0059. */
#ifndef MODULES_ARCHIVE_FORM_H
#define MODULES_ARCHIVE_FORM_H

#include <hermod/module.h>

#define PLACES_MAX 4 /* before-id, after-id, before, after */

/* All in it lives as long as the callback. */
struct query {
	const char *queryid;           /* NULL: none */
	const char *with;              /* normalised; NULL: everybody */
	int64_t start_us, end_us;      /* both inclusive */
	const char *place[PLACES_MAX]; /* ids that must be there; NULL: not given */
	const struct hm_elem *ids;     /* the field, NULL: none */
	bool backward;                 /* the page at the end of the range */
	bool flip;
	int64_t max; /* -1: not said */
};
enum place { AFTER_ID, BEFORE_ID, RSM_AFTER, RSM_BEFORE };

/* 0: it was read; else what to answer, *why says it in words. */
enum hm_cond query_read(const struct hm_elem *payload, struct query *q, const char **why);

#endif
