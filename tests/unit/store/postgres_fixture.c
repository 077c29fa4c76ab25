/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* postgres_fixture.c - a cluster of PostgreSQL for the tests of a program, and a schema for each test. */
#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"

static char cluster[64];
static const char *hosts[1] = { cluster };
static const struct store_server usual = {
	.hosts = hosts,
	.n_hosts = 1,
	.name = "postgres",
	.user = "hermod",
};
struct store_server fixture_server;

int
fixture_postgres(const char *command, const char *more)
{
	return fixture_postgres_at(command, cluster, more);
}

int
fixture_postgres_at(const char *command, const char *folder, const char *more)
{
	char line[512];

	snprintf(line, sizeof(line), "HERMOD_CALLER=%ld %s/tests/postgres %s %s %s", (long)getpid(),
	         SOURCE_FOLDER, command, folder, more);
	return system(line);
}

bool
fixture_missing(void)
{
	bool missing = fixture_postgres("there", "") != 0;

	if (missing)
		puts("1..0 # SKIP PostgreSQL is not installed");
	return missing;
}

int
fixture_start_cluster(void **state)
{
	snprintf(cluster, sizeof(cluster), "/tmp/hermod-test-XXXXXX");
	if (!mkdtemp(cluster) || chmod(cluster, 0755) != 0)
		return -1;
	return fixture_postgres("start", "'log_min_messages=fatal' 'max_prepared_transactions=0'");
}

int
fixture_stop_cluster(void **state)
{
	char line[128];

	fixture_postgres("stop", "");
	snprintf(line, sizeof(line), "rm -rf %s", cluster);
	return system(line);
}

const char *
fixture_cluster(void)
{
	return cluster;
}

const char *
fixture_ask(const char *sql)
{
	static char out[256];
	char where[128];
	PGconn *pg;
	PGresult *result;

	snprintf(where, sizeof(where), "host=%s user=hermod dbname=postgres", cluster);
	pg = PQconnectdb(where);
	result = PQexec(pg, sql);
	out[0] = '\0';
	if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0)
		snprintf(out, sizeof(out), "%s", PQgetvalue(result, 0, 0));
	else if (PQresultStatus(result) == PGRES_FATAL_ERROR)
		snprintf(out, sizeof(out), "%s", PQerrorMessage(pg));
	PQclear(result);
	PQfinish(pg);
	return out;
}

int
fixture_empty_database(void)
{
	fixture_server = usual;
	return fixture_ask("SET client_min_messages = error; DROP SCHEMA IF EXISTS public CASCADE;"
	                   " CREATE SCHEMA public")[0]
	               ? -1
	               : 0;
}

struct store_config
fixture_config(void)
{
	return (struct store_config){
		.driver = "postgresql",
		.workers = 1,
		.server = &fixture_server,
	};
}
