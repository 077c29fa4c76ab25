/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/static_modules.h - the modules that are linked into the daemon.
 *
 * The build generates the table (tools/gen-static-modules).  It ends with a
 * NULL name; without configure's --enable-static-modules it has that entry
 * only, and every module is loaded from the module path.
 */
#ifndef CORE_STATIC_MODULES_H
#define CORE_STATIC_MODULES_H

struct hm_module;

struct static_module {
	const char *name;
	const unsigned *abi; /* hm_abi_NAME: to be compared before the struct is trusted */
	const struct hm_module *module;
};

extern const struct static_module static_modules[];

#endif
