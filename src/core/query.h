/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/query.h - statements whose rows come back to a callback (hermod/act.h).
 */
#ifndef CORE_QUERY_H
#define CORE_QUERY_H

#include "store/store.h"

/* What a module sees of a result. */
struct hm_rows {
	struct store_rows *rows;
};

#endif
