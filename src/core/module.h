/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/module.h - the modules that this process has, loaded or linked in.  Filled before
 * the workers start, read-only afterwards.
 */
#ifndef CORE_MODULE_H
#define CORE_MODULE_H

#include <hermod/module.h>

struct module {
	const char *name;
	const struct hm_module *decl;
	void *handle;         /* of dlopen, NULL when linked in */
	unsigned *statements; /* number in the store of each entry of decl->sql */
	bool *writes;         /* does statement i change anything? */
	unsigned first_metric;
	bool has_tables; /* migrated and its statements registered */
	bool installing; /* that has begun */
};

/* Where mod_NAME.so are looked for. */
void modules_set_path(const char *directory);
/* Finds or loads it; checks ABI and declaration. NULL: why. */
struct module *module_load(const char *name, struct hm_error *why);
struct module *module_find(const char *name);
size_t modules_count(void);
struct module *module_at(size_t i);
/* Migrations, statements and metrics of a module and those that it needs, once, after the store was opened. */
bool module_install(struct module *m, struct hm_error *why) HM_MUST_USE;
/*
 * Names of all modules that can be loaded, for --describe; a NULL-terminated array from the heap.
 */
char **modules_available(void);
void modules_free(void);

#endif
