/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/module.c - finds, loads and checks modules.  Code is never unloaded while
 * threads run: configuration reloads, code restarts.
 */
#include "core/module.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/static_modules.h"
#include "store/store.h"

#define NAME_MAX_BYTES 40

static char *path;
static struct module **loaded;
static size_t n_loaded;

void
modules_set_path(const char *directory)
{
	mem_free(path);
	path = mem_strdup(directory);
}

/* Names become parts of symbols and files: letters, digits and '_' only. */
static bool
is_module_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return len > 0 && len < NAME_MAX_BYTES && name[len] == '\0';
}

struct module *
module_find(const char *name)
{
	for (size_t i = 0; i < n_loaded; i++) {
		if (strcmp(loaded[i]->name, name) == 0)
			return loaded[i];
	}
	return NULL;
}

size_t
modules_count(void)
{
	return n_loaded;
}

struct module *
module_at(size_t i)
{
	return loaded[i];
}

static bool
check_routes(const char *name, const struct hm_module *decl, struct hm_error *why)
{
	for (size_t i = 0; i < decl->iq.n; i++) {
		const struct hm_iq_route *route = &decl->iq.v[i];

		if (!route->to || !route->from || !route->handle || !route->ns)
			return error_set(why, HM_E_INVALID, "module %s: IQ route %zu is incomplete",
			                 name, i);
	}
	for (size_t i = 0; i < decl->hooks.n; i++) {
		if (decl->hooks.v[i].event >= HM_EVENTS || decl->hooks.v[i].phase >= HM_PHASES)
			return error_set(why, HM_E_INVALID, "module %s: hook %zu is invalid", name,
			                 i);
	}
	for (size_t i = 0; i < decl->load.n; i++) {
		if (decl->load.v[i].stmt >= decl->sql.n)
			return error_set(why, HM_E_INVALID,
			                 "module %s: load %zu names no statement", name, i);
	}
	for (size_t i = 0; i < decl->services.n; i++) {
		if (decl->services.v[i].kind >= decl->entities.n)
			return error_set(why, HM_E_INVALID,
			                 "module %s: service %zu names no entity kind", name, i);
	}
	return true;
}

static struct module *
add(const char *name, const unsigned *abi, const struct hm_module *decl, void *handle,
    struct hm_error *why)
{
	struct module *m;

	if (*abi != HM_ABI) {
		error_set(why, HM_E_INVALID,
		          "module %s was built for module interface %u, this server has %u", name,
		          *abi, HM_ABI);
		return NULL;
	}
	if (!check_routes(name, decl, why))
		return NULL;
	m = mem_new(struct module);
	m->name = mem_strdup(name);
	m->decl = decl;
	m->handle = handle;
	loaded = mem_realloc(loaded, (n_loaded + 1) * sizeof(struct module *));
	loaded[n_loaded++] = m;
	return m;
}

static struct module *
load_shared(const char *name, struct hm_error *why)
{
	char *file = mem_printf("%s/mod_%s.so", path ? path : ".", name);
	char symbol[NAME_MAX_BYTES + 16];
	const unsigned *abi;
	const struct hm_module *decl;
	struct module *m = NULL;
	void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);

	mem_free(file);
	if (!handle) {
		error_set(why, HM_E_NOT_FOUND, "module %s cannot be loaded: %s", name, dlerror());
		return NULL;
	}
	snprintf(symbol, sizeof(symbol), "hm_abi_%s", name);
	abi = dlsym(handle, symbol);
	snprintf(symbol, sizeof(symbol), "hm_module_%s", name);
	decl = dlsym(handle, symbol);
	if (abi && decl)
		m = add(name, abi, decl, handle, why);
	else
		error_set(why, HM_E_INVALID,
		          "mod_%s.so is not a module: it lacks hm_abi_%s or hm_module_%s", name,
		          name, name);
	if (!m)
		dlclose(handle);
	return m;
}

struct module *
module_load(const char *name, struct hm_error *why)
{
	struct module *m = module_find(name);

	if (m)
		return m;
	if (!is_module_name(name)) {
		error_set(why, HM_E_INVALID, "\"%s\" is not the name of a module", name);
		return NULL;
	}
	for (const struct static_module *s = static_modules; s->name; s++) {
		if (strcmp(s->name, name) == 0)
			return add(name, s->abi, s->module, NULL, why);
	}
	return load_shared(name, why);
}

/* --- Tables, statements, metrics ------------------------------------------------- */

/* What does not begin with SELECT changes something (WITH ... SELECT is not used in modules). */
static bool
sql_writes(const char *sql)
{
	return strncasecmp(sql, "SELECT", 6) != 0;
}

static bool
install_tables(struct module *m, struct hm_error *why)
{
	const struct hm_module *decl = m->decl;

	_Static_assert(sizeof(struct hm_migration) == sizeof(struct store_migration),
	               "same two strings");
	_Static_assert(sizeof(struct hm_append) == sizeof(struct store_table) &&
	                       sizeof(struct hm_column) == sizeof(struct store_column),
	               "the same table");
	if (decl->schema &&
	    !store_migrate(m->name, (const struct store_migration *)decl->schema, why))
		return false;
	m->statements = mem_array(decl->sql.n + 1, sizeof(unsigned));
	m->writes = mem_array(decl->sql.n + 1, sizeof(bool));
	for (size_t i = 0; i < decl->sql.n; i++) {
		const struct hm_sql *sql = &decl->sql.v[i];

		if (sql->append)
			m->statements[i] = store_append(m->name, (unsigned)i,
			                                (const struct store_table *)sql->append);
		else
			m->statements[i] =
				store_statement(m->name, (unsigned)i, sql->sql,
			                        sql->postgresql ? sql->postgresql : sql->sql);
		m->writes[i] = sql->append || sql_writes(sql->sql);
	}
	return true;
}

bool
module_install(struct module *m, struct hm_error *why)
{
	const struct hm_module *decl = m->decl;

	if (m->has_tables ||
	    m->installing) /* those that need each other are refused by host_new() */
		return true;
	m->installing = true;
	for (size_t i = 0; i < decl->needs.n; i++) {
		struct module *needed = module_load(decl->needs.v[i], why);

		if (!needed || !module_install(needed, why))
			return false;
	}
	if (!install_tables(m, why))
		return false;
	if (decl->metrics.n > 0) {
		struct metric *table = mem_array(decl->metrics.n, sizeof(struct metric));

		for (size_t i = 0; i < decl->metrics.n; i++) {
			table[i].name = decl->metrics.v[i].name;
			table[i].help = decl->metrics.v[i].help;
			table[i].type = (enum metric_type)decl->metrics.v[i].type;
		}
		metrics_register(table, decl->metrics.n, &m->first_metric);
		mem_free(table);
	}
	m->has_tables = true;
	return true;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **
modules_available(void)
{
	size_t n = 0;
	char **names = mem_array(1, sizeof(char *));
	DIR *dir = path ? opendir(path) : NULL;

	for (const struct static_module *s = static_modules; s->name; s++) {
		names = mem_realloc(names, (n + 2) * sizeof(char *));
		names[n++] = mem_strdup(s->name);
	}
	for (struct dirent *e; dir && (e = readdir(dir));) {
		size_t len = strlen(e->d_name);

		if (len < 8 || strncmp(e->d_name, "mod_", 4) != 0 ||
		    strcmp(e->d_name + len - 3, ".so") != 0)
			continue;
		names = mem_realloc(names, (n + 2) * sizeof(char *));
		names[n++] = mem_strndup(e->d_name + 4, len - 7);
	}
	if (dir)
		closedir(dir);
	names[n] = NULL;
	qsort(names, n, sizeof(char *), by_name);
	return names;
}

void
modules_free(void)
{
	for (size_t i = 0; i < n_loaded; i++) {
		mem_free(loaded[i]->statements);
		mem_free(loaded[i]->writes);
		mem_free((char *)(uintptr_t)loaded[i]->name);
		mem_free(loaded[i]); /* the code stays mapped: leak reports need its symbols */
	}
	mem_free(loaded);
	mem_free(path);
	loaded = NULL;
	path = NULL;
	n_loaded = 0;
}
