/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* The store over PostgreSQL when connections are cut, and what else is its own. */
#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_workers.h"
#include "proxy.h"
#include "store_fixture.h"

enum { ALL, INSERT, RETURNING, COUNT, SLOW, SUM, FRACTION, STATEMENTS };
static const char *const sql[STATEMENTS] = {
	[ALL] = "SELECT id, name, data FROM t ORDER BY id",
	[INSERT] = "INSERT INTO t (id, name, data) VALUES ($1, $2, $3)",
	[RETURNING] = "INSERT INTO t (id, name) VALUES ($1, $2) RETURNING id, name, data",
	[COUNT] = "SELECT count(*), 'rows', NULL FROM t",
	[SUM] = "SELECT sum(id), count(*)::text, NULL FROM t WHERE $1 < (SELECT sum(id) FROM t)",
	[FRACTION] = "SELECT id / $1::numeric, 'x', NULL FROM t",
	[SLOW] = "SELECT count(*), 'slept', NULL FROM pg_sleep(0.5)",
};
static unsigned id[STATEMENTS];
static const struct hm_blob no_data = { 0 };
static struct proxy *proxy;
static const char *proxied[1];
static struct store_line line;

static int
behind_a_proxy(void **state)
{
	if (fixture_setup(state) != 0)
		return -1;
	proxy = proxy_new(fixture_cluster());
	proxied[0] = proxy_folder(proxy);
	fixture_server.hosts = proxied;
	memset(&line, 0, sizeof(line));
	fixture_start(sql, STATEMENTS, id);
	/* Connected, and statements have their names. */
	assert_string_equal(read_now(CALL(id[COUNT])), "0|rows|NULL;");
	assert_int_equal(write_now(CALL(id[INSERT], 0, "zero", no_data), NULL), STORE_OK);
	return 0;
}

static unsigned keyed; /* rows that are there already are left out */

static int
appends_behind_a_proxy(void **state)
{
	static const struct store_column columns[] = { { "id", HM_V_INT }, { "name", HM_V_TEXT } };
	static const struct store_table table = { "t", "id", columns, 2 };
	struct hm_error why = { 0 };

	if (fixture_setup(state) != 0)
		return -1;
	proxy = proxy_new(fixture_cluster());
	proxied[0] = proxy_folder(proxy);
	fixture_server.hosts = proxied;
	memset(&line, 0, sizeof(line));
	fixture_open_tables();
	keyed = store_append("core", 0, &table);
	if (!store_start(&why))
		fail_msg("%s", why.text);
	assert_int_equal(write_now(CALL(keyed, 0, "zero"), NULL), STORE_OK);
	return 0;
}

static int
proxy_gone(void **state)
{
	int failed = fixture_teardown(state);

	proxy_free(&proxy);
	return failed;
}

/* In a line: nobody waits for its rows. */
static void
write_in_line(int64_t number, const char *name, struct answer *a)
{
	memset(a, 0, sizeof(*a));
	assert_true(store_write_in_line(&line, &CALL(id[INSERT], number, name, no_data), 1,
	                                answer_came, a));
}

/* --- The outcome of a commit -------------------------------------------------------- */

static void
a_commit_whose_answer_is_lost_is_found_done(void **state)
{
	struct answer a, b;

	proxy_cut_after(proxy, "the one", "INSERT 0");
	write_in_line(1, "the one", &a);
	fake_turn_ends();
	write_in_line(2, "behind it", &b);
	answer_wait(&b);
	assert_true(proxy_has_cut(proxy));
	assert_int_equal(a.outcome, STORE_OK);
	assert_int_equal(b.outcome, STORE_OK);
	assert_int_equal(a.changed, -1); /* nobody knows it any more */
	assert_string_equal(read_now(CALL(id[ALL])),
	                    "0|zero|NULL;1|the one|NULL;2|behind it|NULL;");
}

/* It needs no mark, which would cost as much as the row. */
static void
rows_with_keys_are_sent_again_and_are_there_once(void **state)
{
	struct answer a = { 0 };

	assert_string_equal(fixture_ask("SELECT max(sequence) FROM store_lanes"), "0");
	proxy_cut_after(proxy, "the one", "INSERT 0");
	assert_true(store_write_in_line(&line, &CALL(keyed, 1, "the one"), 1, answer_came, &a));
	answer_wait(&a);
	assert_true(proxy_has_cut(proxy));
	assert_int_equal(a.outcome, STORE_OK);
	assert_string_equal(fixture_ask("SELECT string_agg(name, ',' ORDER BY id) FROM t"),
	                    "zero,the one");
}

static void
what_never_arrived_is_sent_again(void **state)
{
	struct answer a, b;

	proxy_cut_before(proxy, "the one");
	write_in_line(1, "the one", &a);
	fake_turn_ends();
	write_in_line(2, "behind it", &b);
	answer_wait(&b);
	assert_true(proxy_has_cut(proxy));
	assert_int_equal(a.outcome, STORE_OK);
	assert_int_equal(a.changed, 1);
	assert_int_equal(a.place, b.place - 1);
	assert_string_equal(read_now(CALL(id[ALL])),
	                    "0|zero|NULL;1|the one|NULL;2|behind it|NULL;");
}

static void
rows_are_not_lost_with_a_connection(void **state)
{
	struct answer a;

	/* The rows come before the commit is asked for: so it was not, and all is done again. */
	proxy_cut_after(proxy, "the one", "INSERT 0");
	assert_int_equal(write_now(CALL(id[RETURNING], 1, "the one"), &a), STORE_OK);
	assert_true(proxy_has_cut(proxy));
	assert_string_equal(a.text, "1|the one|NULL;");
	assert_int_equal(a.changed, 1);
	assert_string_equal(read_now(CALL(id[COUNT])), "2|rows|NULL;");
}

static void
a_batch_of_an_older_connection_is_fenced_off(void **state)
{
	/* As if this worker had got another connection, and this one still were to write. */
	assert_string_equal(fixture_ask("UPDATE store_lanes SET fence = fence + 1 RETURNING lane"),
	                    "0");
	assert_int_equal(write_now(CALL(id[INSERT], 1, "one", no_data), NULL), STORE_OK);
	assert_string_equal(read_now(CALL(id[COUNT])), "2|rows|NULL;");
	assert_string_equal(fixture_ask("SELECT fence FROM store_lanes"), "3");
}

static void
a_refused_row_is_refused_across_a_lost_connection(void **state)
{
	struct answer a[3];

	proxy_cut_before(proxy, "three");
	write_calls(&CALL(id[INSERT], 1, "one", no_data), 1, &a[0]);
	write_calls(&CALL(id[INSERT], 1, "two", no_data), 1, &a[1]);
	write_calls(&CALL(id[INSERT], 3, "three", no_data), 1, &a[2]);
	answer_wait(&a[2]);
	assert_true(proxy_has_cut(proxy));
	assert_int_equal(a[0].outcome, STORE_OK);
	assert_int_equal(a[1].outcome, STORE_FAILED);
	assert_int_equal(a[2].outcome, STORE_OK);
	assert_string_equal(read_now(CALL(id[COUNT])), "3|rows|NULL;");
}

/* --- Away and back ---------------------------------------------------------------------- */

static void
writes_wait_for_the_database_and_keep_their_order(void **state)
{
	static struct answer a[300];

	proxy_cut(proxy);
	for (int i = 0; i < 300; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		write_calls(&CALL(id[INSERT], i + 1, name, no_data), 1, &a[i]);
		if (i % 10 == 9)
			fake_turn_ends();
	}
	proxy_open(proxy);
	answer_wait(&a[299]);
	for (unsigned i = 0; i < 300; i++) {
		assert_int_equal(a[i].outcome, STORE_OK);
		assert_int_equal(a[i].place, a[0].place + i);
	}
	assert_string_equal(read_now(CALL(id[COUNT])), "301|rows|NULL;");
}

static void
reads_are_asked_again_and_given_up_in_the_end(void **state)
{
	struct answer a = { 0 }, b = { 0 };

	store_read(&CALL(id[COUNT]), 1, answer_came, &a);
	proxy_cut(proxy);
	fake_turn_ends();
	proxy_open(proxy);
	answer_wait(&a);
	assert_string_equal(a.text, "1|rows|NULL;");
	store_close();
	fake_worker_is(0);
	fixture_server.patience_ms = 200;
	fixture_start(sql, STATEMENTS, id);
	proxy_cut(proxy);
	store_read(&CALL(id[COUNT]), 1, answer_came, &b);
	answer_wait(&b);
	assert_int_equal(b.outcome, STORE_FAILED);
	proxy_open(proxy);
	assert_string_equal(read_now(CALL(id[COUNT])), "1|rows|NULL;");
}

static void
backends_that_are_ended_are_replaced(void **state)
{
	for (int i = 1; i <= 3; i++) {
		fixture_ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
		            " WHERE application_name LIKE 'hermod %'");
		assert_int_equal(write_now(CALL(id[RETURNING], i, (const char *)NULL), NULL),
		                 STORE_OK);
	}
	assert_string_equal(read_now(CALL(id[COUNT])), "4|rows|NULL;");
}

static void
a_restart_of_the_database_is_survived(void **state)
{
	struct answer a[20];

	assert_int_equal(fixture_postgres("stop", "fast"), 0);
	for (int i = 0; i < 20; i++) {
		write_calls(&CALL(id[INSERT], i + 1, (const char *)NULL, no_data), 1, &a[i]);
		fake_turn_ends();
	}
	assert_int_equal(fixture_postgres("again", ""), 0);
	answer_wait(&a[19]);
	assert_string_equal(read_now(CALL(id[COUNT])), "21|rows|NULL;");
}

static void
long_reads_do_not_hold_up_others(void **state)
{
	struct answer slow = { 0 }, b;

	store_read_long(&CALL(id[SLOW]), 1, answer_came, &slow);
	fake_turn_ends();
	assert_int_equal(write_now(CALL(id[INSERT], 1, "one", no_data), &b), STORE_OK);
	assert_string_equal(read_now(CALL(id[COUNT])), "2|rows|NULL;");
	assert_false(slow.done);
	answer_wait(&slow);
}

static void
sums_are_integers(void **state)
{
	static const int64_t numbers[] = { 7, 10000, 123456789012, -300000000,
		                           5000000000000000000 };
	char wanted[64];
	int64_t sum = 0;

	for (unsigned i = 0; i < HM_COUNT(numbers); i++) {
		write_now(CALL(id[INSERT], numbers[i], (const char *)NULL, no_data), NULL);
		sum += numbers[i];
		snprintf(wanted, sizeof(wanted), "%lld|%u|NULL;", (long long)sum, i + 2);
		assert_string_equal(read_now(CALL(id[SUM], -1)), wanted);
	}
	write_now(CALL(id[INSERT], 5000000000000000001, (const char *)NULL, no_data), NULL);
	assert_string_equal(read_now(CALL(id[SUM], -1)), "failed"); /* more than 64 bits */
	assert_string_equal(read_now(CALL(id[FRACTION], 3)), "failed");
}

/* The database learns some things a little later. */
static bool
comes_true(const char *question, const char *wanted)
{
	for (int i = 0; i < 1000; i++) {
		if (strcmp(fixture_ask(question), wanted) == 0)
			return true;
		usleep(10000);
	}
	return false;
}

/* The last of all tests: it leaves the cluster stopped. */
static void
a_failover_is_followed(void **state)
{
	static char standby[128];
	const char *hosts[] = { standby, fixture_cluster() };
	struct answer a[20];

	snprintf(standby, sizeof(standby), "%s/standby", fixture_cluster());
	assert_int_equal(fixture_postgres_at("standby", standby, fixture_cluster()), 0);
	fixture_server.hosts = hosts;
	fixture_server.n_hosts = 2;
	/* The first host is asked first, and cannot be written to. */
	fixture_start(sql, STATEMENTS, id);
	assert_int_equal(write_now(CALL(id[INSERT], 0, "before", no_data), NULL), STORE_OK);
	assert_true(comes_true("SELECT count(*) FROM pg_stat_replication"
	                       " WHERE replay_lsn = pg_current_wal_lsn()",
	                       "1"));
	assert_int_equal(fixture_postgres("stop", "immediate"), 0);
	for (int i = 0; i < 20; i++) {
		write_calls(&CALL(id[INSERT], i + 1, (const char *)NULL, no_data), 1, &a[i]);
		fake_turn_ends();
	}
	assert_int_equal(fixture_postgres_at("promote", standby, ""), 0);
	answer_wait(&a[19]);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(a[i].outcome, STORE_OK);
	assert_string_equal(read_now(CALL(id[COUNT])), "21|rows|NULL;");
	store_close();
	fixture_postgres_at("stop", standby, "immediate");
}

/* --- One server ---------------------------------------------------------------------------- */

static void
a_second_server_is_refused(void **state)
{
	struct hm_error why = { 0 };
	char where[128];
	PGconn *other;

	snprintf(where, sizeof(where),
	         "host=%s user=hermod dbname=postgres application_name='hermod other guard'",
	         fixture_cluster());
	other = PQconnectdb(where);
	PQclear(PQexec(other, "BEGIN"));
	PQclear(PQexec(other, "SELECT pg_advisory_xact_lock(5215581337911)"));
	assert_false(fixture_open(&why));
	assert_int_equal(why.code, HM_E_EXISTS);
	if (!strstr(why.text,
	            "Another server runs on this database already (hermod other guard, process "))
		fail_msg("%s", why.text);
	PQfinish(other);
	memset(&why, 0, sizeof(why));
	if (!fixture_open(&why))
		fail_msg("%s", why.text);
}

static void
the_lock_is_taken_again_when_its_connection_is_lost(void **state)
{
	static const char held[] = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";

	fixture_start(sql, STATEMENTS, id);
	assert_string_equal(fixture_ask(held), "1");
	assert_string_equal(fixture_ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
	                                " WHERE application_name LIKE 'hermod % guard'"),
	                    "t");
	assert_true(comes_true(held, "1"));
	store_close();
	assert_true(comes_true(held, "0"));
}

static void
what_cannot_be_reached_is_told(void **state)
{
	static const char *const nowhere[] = { "/nonexistent" };
	struct hm_error why = { 0 };

	fixture_server.hosts = nowhere;
	assert_false(fixture_open(&why));
	assert_non_null(strstr(why.text, "Cannot connect to the database: "));
	assert_non_null(strstr(why.text, "/nonexistent"));
}

/* --- Migrations ----------------------------------------------------------------------------- */

static void
migrations_are_transactions_and_newer_ones_are_refused(void **state)
{
	static const struct store_migration two[] = {
		{ "0001-create", "CREATE TABLE a (id BIGINT)" },
		{ "0002-more", "INSERT INTO a (id) VALUES (2); -- ends in a comment" },
		{ NULL, NULL },
	};
	static const struct store_migration one[] = {
		{ "0001-create", "CREATE TABLE a (id BIGINT)" },
		{ NULL, NULL },
	};
	static const struct store_migration bad[] = {
		{ "0001-create", "CREATE TABLE b (id BIGINT); INSERT INTO nowhere VALUES (1)" },
		{ NULL, NULL },
	};
	struct hm_error why = { 0 };

	if (!fixture_open(&why) || !store_migrate("core", one, &why) ||
	    !store_migrate("core", two, &why) || !store_migrate("core", two, &why))
		fail_msg("%s", why.text);
	assert_string_equal(fixture_ask("SELECT sum(id) FROM a"), "2");
	assert_false(store_migrate("core", one, &why));
	assert_string_equal(why.text, "The database is newer than this program:"
	                              " it has the migration 0002-more of core.");
	assert_false(store_migrate("m", bad, &why));
	if (!strstr(why.text, "0001-create of m failed: relation \"nowhere\" does not exist"))
		fail_msg("%s", why.text);
	assert_string_equal(fixture_ask("SELECT count(*) FROM pg_tables WHERE tablename = 'b'"),
	                    "0");
}

/* --- Appends ------------------------------------------------------------------------------------ */

static void
appends_of_many_groups_are_one_statement(void **state)
{
	static const struct store_column columns[] = { { "id", HM_V_INT }, { "name", HM_V_TEXT } };
	static const struct store_table table = { "t", NULL, columns, 2 };
	static struct answer a[200];
	struct hm_error why = { 0 };
	unsigned append;

	fixture_open_tables();
	append = store_append("core", 0, &table);
	if (!store_start(&why))
		fail_msg("%s", why.text);
	fixture_ask("CREATE TABLE inserts (n BIGINT)");
	fixture_ask("CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS"
	            " 'BEGIN INSERT INTO inserts VALUES (1); RETURN NULL; END'");
	fixture_ask("CREATE TRIGGER told AFTER INSERT ON t FOR EACH STATEMENT"
	            " EXECUTE FUNCTION told()");
	for (int i = 0; i < 200; i++) {
		char name[16];

		/* The 100th has the name of the 50th. */
		snprintf(name, sizeof(name), "n%d", i == 100 ? 50 : i);
		write_calls(&CALL(append, i, name), 1, &a[i]);
		if (i == 49)
			answer_wait(&a[49]);
	}
	answer_wait(&a[199]);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(a[i].outcome, i == 100 ? STORE_FAILED : STORE_OK);
	assert_string_equal(fixture_ask("SELECT count(*) FROM t"), "199");
	/* The first 50, then those before the 100th, and those after it. */
	assert_string_equal(fixture_ask("SELECT count(*) FROM inserts"), "3");
}

/* --- A pooler ------------------------------------------------------------------------------------- */

static bool has_pooler;

static int
behind_a_pooler(void **state)
{
	static char folder[96];
	static const char *hosts[1] = { folder };

	has_pooler = fixture_postgres("pooler-there", "") == 0;
	if (fixture_setup(state) != 0)
		return -1;
	if (!has_pooler)
		return 0;
	if (fixture_postgres("pooler", "") != 0)
		return -1;
	snprintf(folder, sizeof(folder), "%s/pooler", fixture_cluster());
	for (int i = 0; i < 500; i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/.s.PGSQL.5432", folder);
		if (access(path, W_OK) == 0)
			break;
		usleep(10000);
	}
	fixture_server.hosts = hosts;
	fixture_server.unnamed = true;
	memset(&line, 0, sizeof(line));
	fixture_start(sql, STATEMENTS, id);
	return 0;
}

static int
pooler_gone(void **state)
{
	int failed = fixture_teardown(state);

	return (has_pooler && fixture_postgres("unpool", "")) || failed;
}

static void
all_works_behind_a_pooler(void **state)
{
	static struct answer a[300];
	struct answer failing, rows;

	if (!has_pooler)
		skip();
	for (int i = 0; i < 300; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		write_in_line(i, name, &a[i]);
		if (i % 10 == 9)
			fake_turn_ends();
	}
	answer_wait(&a[299]);
	assert_int_equal(write_now(CALL(id[INSERT], 1, "again", no_data), &failing), STORE_FAILED);
	assert_int_equal(write_now(CALL(id[RETURNING], 300, "last"), &rows), STORE_OK);
	assert_string_equal(rows.text, "300|last|NULL;");
	assert_string_equal(read_now(CALL(id[COUNT])), "301|rows|NULL;");
	/* The lock is a transaction's, so it is the pooler's to keep. */
	assert_string_equal(
		fixture_ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), "1");
}

int
main(void)
{
#define PROXIED(test) cmocka_unit_test_setup_teardown(test, behind_a_proxy, proxy_gone)
#define PLAIN(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		PROXIED(a_commit_whose_answer_is_lost_is_found_done),
		cmocka_unit_test_setup_teardown(rows_with_keys_are_sent_again_and_are_there_once,
		                                appends_behind_a_proxy, proxy_gone),
		PROXIED(what_never_arrived_is_sent_again),
		PROXIED(rows_are_not_lost_with_a_connection),
		PROXIED(a_batch_of_an_older_connection_is_fenced_off),
		PROXIED(a_refused_row_is_refused_across_a_lost_connection),
		PROXIED(writes_wait_for_the_database_and_keep_their_order),
		PROXIED(reads_are_asked_again_and_given_up_in_the_end),
		PROXIED(backends_that_are_ended_are_replaced),
		PROXIED(a_restart_of_the_database_is_survived),
		PROXIED(long_reads_do_not_hold_up_others),
		PROXIED(sums_are_integers),
		PLAIN(a_second_server_is_refused),
		PLAIN(the_lock_is_taken_again_when_its_connection_is_lost),
		PLAIN(what_cannot_be_reached_is_told),
		PLAIN(migrations_are_transactions_and_newer_ones_are_refused),
		PLAIN(appends_of_many_groups_are_one_statement),
		cmocka_unit_test_setup_teardown(all_works_behind_a_pooler, behind_a_pooler,
		                                pooler_gone),
		PLAIN(a_failover_is_followed),
	};

	if (fixture_missing())
		return 0;
	return cmocka_run_group_tests(tests, fixture_start_cluster, fixture_stop_cluster);
}
