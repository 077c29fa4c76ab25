/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/info.h - a disco#info answer under construction.  Everything in it is in its arena.
 */
#ifndef CORE_INFO_H
#define CORE_INFO_H

#include <hermod/module.h>

#include "base/arena.h"
#include "core/host.h"

#define INFO_MAX 512 /* of each part: what modules declare, never what comes from outside */

struct info_identity {
	const char *category, *type, *name;
};
struct info_field {
	size_t form;
	const char *var, *type;
	const char **values;
	size_t n;
};

struct hm_info {
	struct arena *arena;
	struct info_identity identities[INFO_MAX]; /* by category and type */
	size_t n_identities;
	const char *features[INFO_MAX]; /* sorted, each once */
	size_t n_features;
	const char *forms[INFO_MAX]; /* FORM_TYPE */
	size_t n_forms, form;        /* which one is open */
	struct info_field fields[INFO_MAX];
	size_t n_fields;
};

/* What a host says of itself, from any thread: by its modules' tables and configuration alone. */
struct hm_info *info_published(struct host *h, struct arena *arena);

#endif
