/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/database.c - the database without a server.  The lock of the data directory, and in
 * PostgreSQL that of the database, see to it that there is none.
 */
#include "daemon/database.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "core/core.h"
#include "core/module.h"
#include "daemon/system.h"
#include "store/lock.h"
#include "store/store.h"

bool
database_install(const struct settings *s, struct hm_error *why)
{
	if (!core_install(why))
		return false;
	for (size_t i = 0; i < s->n_hosts; i++) {
		for (size_t k = 0; k < s->hosts[i].n_modules; k++) {
			if (!module_install(s->hosts[i].modules[k].module, why))
				return false;
		}
	}
	return true;
}

/* As the user that the server runs as: files must be his. */
static bool
lock(const struct settings *s, struct hm_error *why)
{
	struct system_user user;

	return system_find_user(s->top.user, &user, why) &&
	       system_make_directory(s->top.data_directory, 0700, &user, why) &&
	       system_become(&user, why) && store_lock_directory(s->top.data_directory, why);
}

static void
print_place(const struct store_config *cfg)
{
	if (cfg->path)
		printf("%s, %s\n", cfg->driver, cfg->path);
	else
		printf("%s, %s%s%s\n", cfg->driver, cfg->server->name,
		       cfg->server->n_hosts ? " at " : "",
		       cfg->server->n_hosts ? cfg->server->hosts[0] : "");
}

/* Is the file there?  Opening would make it. */
static bool
is_there(const struct store_config *cfg, struct hm_error *why)
{
	return !cfg->path || access(cfg->path, F_OK) == 0 ||
	       error_set(why, HM_E_NOT_FOUND, "There is no database %s.", cfg->path);
}

static void
print_table(const char *table, int64_t rows)
{
	printf("  %-24s %12lld rows\n", table, (long long)rows);
}

bool
database_status(const struct settings *s, struct hm_error *why)
{
	struct store_config cfg;
	bool ok;

	settings_store(s, &cfg);
	print_place(&cfg);
	ok = is_there(&cfg, why) && lock(s, why) && store_open(&cfg, why) &&
	     store_count_tables(print_table, why);
	store_close();
	store_unlock_directory();
	return ok;
}

bool
database_migrate(const struct settings *s, struct hm_error *why)
{
	struct store_config cfg;
	bool ok;

	settings_store(s, &cfg);
	print_place(&cfg);
	ok = lock(s, why) && store_open(&cfg, why) && database_install(s, why);
	store_close();
	store_unlock_directory();
	if (ok)
		puts("The tables are up to date.");
	return ok;
}

/* --- Copies ------------------------------------------------------------------------- */

#define TOLD_EVERY 10000

static void
told(const char *table, int64_t done, int64_t rows)
{
	if (done == rows)
		print_table(table, rows);
	else if (done % TOLD_EVERY == 0)
		printf("  %-24s %12lld of %lld\n", table, (long long)done, (long long)rows);
	fflush(stdout);
}

bool
database_copy(const struct settings *s, const struct settings *to, struct hm_error *why)
{
	struct store_config from_cfg, to_cfg;
	bool ok;

	settings_store(s, &from_cfg);
	settings_store(to, &to_cfg);
	printf("from ");
	print_place(&from_cfg);
	printf("to   ");
	print_place(&to_cfg);
	/* The folder with the file of the one; the other has a lock of its own. */
	ok = is_there(&from_cfg, why) && lock(from_cfg.path ? s : to, why) &&
	     store_open(&to_cfg, why) && database_install(to, why) &&
	     store_copy_from(&from_cfg, told, why);
	store_close();
	store_unlock_directory();
	if (ok)
		puts("Everything is copied.");
	return ok;
}
