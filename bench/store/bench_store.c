/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * bench_store - what a read and a write through the store cost, thread hops
 * included: one real worker keeps so many requests in flight and counts.
 *
 *     bench_store [DIRECTORY [N]]    on a disk that is like the server's; default "."
 *                                    N: only the Nth measurement, for a profiler
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "loop/worker.h"
#include "store/store.h"

#define ACCOUNTS 10000
#define CONTACTS 20

enum { FILL_ACCOUNT, FILL_CONTACT, ACCOUNT, ROSTER, MESSAGE, STATEMENTS, APPEND = STATEMENTS };
static const char *const sql[STATEMENTS] = {
	[FILL_ACCOUNT] = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
			 " WHERE i < $1) INSERT INTO account SELECT i, 'user' || i,"
			 " zeroblob(64), zeroblob(20) FROM n",
	[FILL_CONTACT] = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n"
			 " WHERE i < $1 - 1) INSERT INTO contact SELECT 1 + i / $2,"
			 " 'contact' || (i % $2) || '@b.example', 'Contact', 'both' FROM n",
	[ACCOUNT] = "SELECT id, keys, salt FROM account WHERE name = $1",
	[ROSTER] = "SELECT jid, name, subscription FROM contact WHERE account = $1",
	[MESSAGE] = "INSERT INTO message (owner, id, peer, xml) VALUES ($1, $2, $3, $4)",
};
static const char fill_postgres[] =
	"INSERT INTO account SELECT i, 'user' || i, decode(repeat('00', 64), 'hex'),"
	" decode(repeat('00', 20), 'hex') FROM generate_series(1, $1::bigint) AS n (i)";
static const struct store_column columns[] = {
	{ "owner", HM_V_INT },
	{ "id", HM_V_INT },
	{ "peer", HM_V_TEXT },
	{ "xml", HM_V_TEXT },
};
static const struct store_table messages = { "message", "owner, id", columns, HM_COUNT(columns) };
static struct store_line held;
static unsigned id[STATEMENTS + 1];
static const struct store_migration migrations[] = {
	{ "0001-create",
	  "-- [sqlite]\n"
	  "CREATE TABLE account (id BIGINT PRIMARY KEY, name TEXT UNIQUE, keys BLOB, salt BLOB);\n"
	  "-- [postgresql]\n"
	  "CREATE TABLE account (id BIGINT PRIMARY KEY, name TEXT UNIQUE, keys BYTEA, salt BYTEA);\n"
	  "-- [all]\n"
	  "CREATE TABLE contact (account BIGINT, jid TEXT, name TEXT, subscription TEXT,"
	  " PRIMARY KEY (account, jid));\n"
	  "CREATE TABLE message (owner BIGINT, id BIGINT, peer TEXT, xml TEXT,"
	  " PRIMARY KEY (owner, id));\n"
	  "CREATE INDEX message_peer ON message (peer, id);\n" },
	{ NULL, NULL },
};

/* One measurement. */
struct load {
	const char *name;
	enum { LOGIN_READ, ROSTER_READ, LOAD_READ, FILL, WRITE, HELD_WRITE, HELD_APPEND } kind;
	unsigned in_flight, total;
};
static const struct load loads[] = {
	{ "fill", FILL, 1, 1 },
	{ "read account", LOGIN_READ, 1, 20000 },
	{ "read account", LOGIN_READ, 16, 60000 },
	{ "read 20 contacts", ROSTER_READ, 1, 20000 },
	{ "read account and contacts", LOAD_READ, 1, 20000 },
	{ "read account and contacts", LOAD_READ, 16, 40000 },
	{ "write message", WRITE, 1, 5000 },
	{ "write message", WRITE, 10, 30000 },
	{ "write message", WRITE, 100, 60000 },
	{ "write message", WRITE, 1000, 60000 },
	{ "write, no rows wanted", HELD_WRITE, 1, 5000 },
	{ "write, no rows wanted", HELD_WRITE, 10, 30000 },
	{ "write, no rows wanted", HELD_WRITE, 100, 60000 },
	{ "append", HELD_APPEND, 1, 5000 },
	{ "append", HELD_APPEND, 10, 30000 },
	{ "append", HELD_APPEND, 100, 100000 },
	{ "append", HELD_APPEND, 1000, 200000 },
};

static struct {
	const struct load *load, *only;
	unsigned asked, answered;
	int64_t wall_us, cpu_us;
	uint64_t commits;
	uint64_t message;
	struct mail next;
} bench;

static int64_t
cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000LL + r.ru_utime.tv_usec +
	       r.ru_stime.tv_usec;
}

static long
memory_kib(void)
{
	char line[128];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "RssAnon: %ld", &kib) == 1)
			break;
	}
	if (f)
		fclose(f);
	return kib;
}

static uint64_t
commits(void)
{
	struct store_view view;

	store_view(&view);
	return view.commits;
}

static void
answered(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n);

static void
ask_write(void)
{
	static char xml[301];
	uint64_t m = bench.message++;
	char peer[32];
	struct store_call call;

	memset(xml, 'x', sizeof(xml) - 1);
	snprintf(peer, sizeof(peer), "user%u@b.example", (unsigned)(m * 7919 % ACCOUNTS));
	call = (struct store_call){
		id[bench.load->kind == HELD_APPEND ? APPEND : MESSAGE],
		HM_VALUES(m % ACCOUNTS, m, peer, xml),
	};

	if (bench.load->kind == WRITE)
		hm_assert(store_write(&call, 1, answered, NULL));
	else
		hm_assert(store_write_in_line(&held, &call, 1, answered, NULL));
}

static void
ask(void)
{
	unsigned account = bench.asked++ * 7919u % ACCOUNTS + 1;
	char name[32];
	struct store_call calls[2];

	snprintf(name, sizeof(name), "user%u", account);
	calls[0] = (struct store_call){ id[ACCOUNT], HM_VALUES(name) };
	calls[1] = (struct store_call){ id[ROSTER], HM_VALUES(account) };
	switch (bench.load->kind) {
	case LOGIN_READ:
		store_read(calls, 1, answered, NULL);
		break;
	case ROSTER_READ:
		store_read(calls + 1, 1, answered, NULL);
		break;
	case LOAD_READ:
		store_read(calls, 2, answered, NULL);
		break;
	case WRITE:
	case HELD_WRITE:
	case HELD_APPEND:
		ask_write();
		break;
	case FILL:
		calls[0] = (struct store_call){ id[FILL_ACCOUNT], HM_VALUES(ACCOUNTS) };
		calls[1] = (struct store_call){ id[FILL_CONTACT],
			                        HM_VALUES(ACCOUNTS * CONTACTS, CONTACTS) };
		hm_assert(store_write(calls, 2, answered, NULL));
		break;
	}
}

static void
report(void)
{
	const struct load *l = bench.load;
	double wall = (double)(clock_mono_us() - bench.wall_us);
	double cpu = (double)(cpu_us() - bench.cpu_us);
	uint64_t n = commits() - bench.commits;

	printf("%-26s %4u in flight: %7.0f/s, %5.1f us CPU each", l->name, l->in_flight,
	       l->total / wall * 1e6, cpu / l->total);
	if (l->kind >= WRITE)
		printf(", %.1f a commit", (double)l->total / (double)n);
	printf(", %ld KiB\n", memory_kib());
}

static void
begin(struct mail *mail)
{
	bench.asked = bench.answered = 0;
	bench.commits = commits();
	bench.wall_us = clock_mono_us();
	bench.cpu_us = cpu_us();
	for (unsigned i = 0; i < bench.load->in_flight; i++)
		ask();
}

static void
answered(void *ctx, enum store_outcome outcome, struct store_rows *const *rows, size_t n)
{
	hm_assert(outcome == STORE_OK);
	while (n--) {
		while (store_next(rows[n]))
			continue;
	}
	if (bench.load->kind >= WRITE)
		bench.asked++;
	if (++bench.answered + bench.load->in_flight <= bench.load->total)
		ask();
	else if (bench.answered == bench.load->total) {
		report();
		bench.load = bench.load == loads && bench.only ? bench.only : bench.load + 1;
		if (bench.load == loads + HM_COUNT(loads) ||
		    (bench.only && bench.load == bench.only + 1))
			workers_stop();
		else
			worker_post(0, &bench.next);
	}
}

static void
fatal(const struct hm_error *why)
{
	fprintf(stderr, "bench_store: %s\n", why->text);
	exit(1);
}

int
main(int argc, char **argv)
{
	char directory[512], path[640];
	const char *hosts[1], *postgres = getenv("BENCH_POSTGRES"); /* folder of its socket */
	const struct store_server server = {
		.hosts = hosts,
		.n_hosts = 1,
		.name = "postgres",
		.user = "hermod",
	};
	struct store_config cfg = { .driver = "sqlite", .path = path };
	struct hm_error why = { 0 };
	long before;

	hosts[0] = postgres;
	if (postgres)
		cfg = (struct store_config){ .driver = "postgresql",
			                     .workers = 1,
			                     .server = &server };

	snprintf(directory, sizeof(directory), "%s/bench-store-XXXXXX", argc > 1 ? argv[1] : ".");
	if (!mkdtemp(directory)) {
		perror(directory);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/store.sqlite", directory);
	if (!workers_init(1, &why))
		fatal(&why);
	before = memory_kib();
	if (!store_open(&cfg, &why) || !store_migrate("core", migrations, &why))
		fatal(&why);
	for (unsigned i = 0; i < STATEMENTS; i++)
		id[i] = store_statement("core", i, sql[i],
		                        i == FILL_ACCOUNT ? fill_postgres : sql[i]);
	id[APPEND] = store_append("core", APPEND, &messages);
	if (!store_start(&why))
		fatal(&why);
	printf("open and started: %ld KiB more than before\n", memory_kib() - before);
	bench.load = loads;
	if (argc > 2 && strtoul(argv[2], NULL, 10) < HM_COUNT(loads))
		bench.only = loads + strtoul(argv[2], NULL, 10);
	bench.next.run = begin;
	worker_post(0, &bench.next);
	workers_run();
	store_close();
	workers_free();
	printf("%s is left for you to look at\n", directory);
	return 0;
}
