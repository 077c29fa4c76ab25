/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/pg_connect.c - opens connections, on a thread of its own: names are looked up, keys agreed
 * and passwords hashed there, all of which block.  It also keeps the guard, a connection whose open
 * transaction has the lock that makes this server the only one on its database.  (A transaction,
 * since a lock of a session is nobody's behind a pooler.)
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/worker.h"
#include "store/pg.h"

#define BACK_OFF_FIRST_MS 100
#define BACK_OFF_MAX_MS 2000
/* "Hermod" in the space of advisory locks. */
#define GUARD_KEY "5215581337911"
#define PARAMETERS_MAX 24

static struct {
	pthread_t thread;
	bool started;
	int wake;             /* eventfd */
	pthread_mutex_t lock; /* for the next two lines */
	struct pg_wish *first, **last;
	bool ending;
	/* The thread's own. */
	PGconn *guard;
	unsigned failures;
	int64_t not_before_ms;
	size_t host; /* that answered last is asked first */
} connector = { .lock = PTHREAD_MUTEX_INITIALIZER, .last = &connector.first };

/* --- Parameters ---------------------------------------------------------------------- */

struct parameters {
	const char *key[PARAMETERS_MAX], *value[PARAMETERS_MAX];
	unsigned n;
	struct buf hosts, ports;
	char port[12], password[256], name[48];
};

static void
set(struct parameters *p, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	hm_assert(p->n + 1 < PARAMETERS_MAX);
	p->key[p->n] = key;
	p->value[p->n++] = value;
}

/* "db:5433" has a port, "::1" and "/run/postgresql" have not. */
static size_t
host_length(const char *host)
{
	const char *colon = strchr(host, ':');

	if (host[0] == '/' || !colon || strchr(colon + 1, ':'))
		return strlen(host);
	return (size_t)(colon - host);
}

static void
set_hosts(struct parameters *p)
{
	const struct store_server *s = &pg_driver.server;

	if (s->port)
		snprintf(p->port, sizeof(p->port), "%u", s->port);
	for (size_t i = 0; i < s->n_hosts; i++) {
		const char *host = s->hosts[(connector.host + i) % s->n_hosts];
		size_t len = host_length(host);

		buf_printf(&p->hosts, "%s%.*s", i ? "," : "", (int)len, host);
		buf_printf(&p->ports, "%s%s", i ? "," : "", host[len] ? host + len + 1 : p->port);
	}
	set(p, "host", p->hosts.data);
	set(p, "port", s->n_hosts ? p->ports.data : p->port);
}

static bool
read_password(struct parameters *p, struct hm_error *why)
{
	const char *path = pg_driver.server.password_file;
	FILE *file;
	struct stat st;

	if (!path)
		return true;
	file = fopen(path, "re");
	if (!file)
		return error_errno(why, "The password file %s cannot be read", path);
	if (fstat(fileno(file), &st) == 0 && (st.st_mode & 077 & ~040)) {
		fclose(file);
		return error_set(
			why, HM_E_DENIED,
			"The password file %s is open to others: make its mode 0640 or less.",
			path);
	}
	if (!fgets(p->password, sizeof(p->password), file))
		p->password[0] = '\0';
	fclose(file);
	p->password[strcspn(p->password, "\r\n")] = '\0';
	set(p, "password", p->password);
	return true;
}

/* libpq would quote what it does not understand, and that may be a password. */
static bool
check_connection(const char *connection, struct hm_error *why)
{
	PQconninfoOption *options;
	char *mistake = NULL;

	if (!connection)
		return true;
	options = PQconninfoParse(connection, &mistake);
	PQfreemem(mistake);
	if (!options)
		return error_set(why, HM_E_INVALID,
		                 "The key \"connection\" of the database is no list of parameters"
		                 " of libpq, such as \"keepalives_idle=60 connect_timeout=3\".");
	PQconninfoFree(options);
	return true;
}

static bool
fill(struct parameters *p, const char *what, struct hm_error *why)
{
	const struct store_server *s = &pg_driver.server;

	if (!check_connection(s->connection, why))
		return false;
	/* The first, so that all others count more; libpq takes it apart. */
	set(p, "dbname", s->connection);
	set(p, "connect_timeout", "5");
	set(p, "keepalives_idle", "10");
	set(p, "keepalives_interval", "5");
	set(p, "keepalives_count", "3");
	set(p, "tcp_user_timeout", "15000");
	set(p, "gssencmode", "disable");
	set_hosts(p);
	set(p, "dbname", s->name);
	set(p, "user", s->user);
	set(p, "sslmode", s->tls);
	set(p, "sslrootcert", s->tls_ca);
	set(p, "sslcert", s->tls_certificate);
	set(p, "sslkey", s->tls_key);
	set(p, "client_encoding", "UTF8");
	set(p, "target_session_attrs", "read-write");
	snprintf(p->name, sizeof(p->name), "hermod %s %s", pg_driver.instance, what);
	set(p, "application_name", p->name);
	return read_password(p, why);
}

/* So that the next connection does not wait for a host that is gone. */
static void
remember_host(PGconn *pg)
{
	const struct store_server *s = &pg_driver.server;
	const char *host = PQhost(pg);

	for (size_t i = 0; host && i < s->n_hosts; i++) {
		size_t len = host_length(s->hosts[i]);

		if (strncmp(s->hosts[i], host, len) == 0 && host[len] == '\0' &&
		    (!s->hosts[i][len] || strcmp(s->hosts[i] + len + 1, PQport(pg)) == 0)) {
			connector.host = i;
			return;
		}
	}
}

PGconn *
pg_connect(const char *what, struct hm_error *why)
{
	struct parameters p = { .n = 0 };
	PGconn *pg = NULL;
	char text[200];

	if (fill(&p, what, why))
		pg = PQconnectdbParams(p.key, p.value, 1);
	if (pg && PQstatus(pg) != CONNECTION_OK) {
		pg_say(text, sizeof(text), PQerrorMessage(pg));
		error_set(why, HM_E_DATABASE, "Cannot connect to the database: %s.", text);
		PQfinish(pg);
		pg = NULL;
	}
	if (pg) {
		PQsetNoticeReceiver(pg, pg_notice, NULL);
		remember_host(pg);
	}
	explicit_bzero(p.password, sizeof(p.password));
	buf_free(&p.hosts);
	buf_free(&p.ports);
	return pg;
}

/* --- The guard ---------------------------------------------------------------------------- */

static bool
ask(PGconn *pg, const char *sql, char *out, size_t size)
{
	PGresult *result = PQexec(pg, sql);
	ExecStatusType status = PQresultStatus(result);
	bool ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;

	if (ok && out)
		snprintf(out, size, "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	return ok;
}

/* Our own of before, on a connection whose end the database has not noticed. */
static void
end_predecessors(PGconn *pg)
{
	ask(pg,
	    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
	    " WHERE application_name = current_setting('application_name')"
	    " AND usename = current_user AND pid <> pg_backend_pid()",
	    NULL, 0);
}

static bool
told_who(PGconn *pg, struct hm_error *why)
{
	char who[160];

	if (!ask(pg,
	         "SELECT format('%s, process %s%s, since %s', a.application_name, a.pid,"
	         " ' at ' || host(a.client_addr), date_trunc('second', a.backend_start))"
	         " FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)"
	         " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
	         " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
	         " AND (l.classid::bigint << 32) + l.objid::bigint = " GUARD_KEY,
	         who, sizeof(who)))
		who[0] = '\0';
	return error_set(why, HM_E_EXISTS,
	                 "Another server runs on this database already (%s). Stop it first.", who);
}

static bool
lock_database(PGconn *pg, struct hm_error *why)
{
	char got[8] = "";
	char text[200];

	for (unsigned i = 0; i < 20; i++) {
		if (!ask(pg, "SELECT pg_try_advisory_xact_lock(" GUARD_KEY ")", got, sizeof(got))) {
			pg_say(text, sizeof(text), PQerrorMessage(pg));
			return error_set(why, HM_E_DATABASE, "The database cannot be locked: %s.",
			                 text);
		}
		if (got[0] == 't')
			return true;
		/* One that has just ended, or been ended, may take a moment to go. */
		poll(NULL, 0, 50);
	}
	return told_who(pg, why);
}

bool
pg_guard_take(struct hm_error *why)
{
	PGconn *pg = pg_connect("guard", why);
	bool ok;

	if (!pg)
		return false;
	end_predecessors(pg);
	/* While it is idle it has no snapshot, so it holds nothing up. */
	ok = ask(pg, "BEGIN ISOLATION LEVEL READ COMMITTED", NULL, 0) &&
	     ask(pg, "SET LOCAL idle_in_transaction_session_timeout = 0", NULL, 0) &&
	     ask(pg, "SET LOCAL tcp_keepalives_idle = 15", NULL, 0) &&
	     ask(pg, "SET LOCAL tcp_keepalives_interval = 5", NULL, 0);
	if (!ok)
		error_set(why, HM_E_DATABASE, "The database cannot be locked.");
	if (!ok || !lock_database(pg, why)) {
		PQfinish(pg);
		return false;
	}
	connector.guard = pg;
	return true;
}

void
pg_guard_release(void)
{
	PQfinish(connector.guard);
	connector.guard = NULL;
}

static bool
guard_lives(void)
{
	if (connector.guard && !ask(connector.guard, "SELECT 1", NULL, 0))
		pg_guard_release();
	return connector.guard != NULL;
}

/*
 * Another server has the database: this one must not go on.  It ends as an administrator would
 * end it; its lanes write nothing any more.
 */
static void
end_server(const struct hm_error *why)
{
	static bool ended;

	if (!ended)
		log_line(&store_log, HM_ERROR, "the database was taken over, this server ends",
		         hm_kv("error", why->text));
	ended = true;
	kill(getpid(), SIGTERM);
}

static bool
guard_again(void)
{
	struct hm_error why = { 0 };

	if (pg_guard_take(&why))
		return true;
	if (why.code == HM_E_EXISTS)
		end_server(&why);
	else
		store_report(NULL, why.text);
	return false;
}

/* --- Wishes --------------------------------------------------------------------------------- */

/*
 * The lane's fence goes up by one: a batch of an earlier connection that is still on its way
 * fails.  What was committed before is in the sequence.
 */
static bool
fence_lane(PGconn *pg, struct pg_conn *c)
{
	const char *args[] = { c->lane };
	PGresult *result;
	bool ok;

	end_predecessors(pg);
	if (!ask(pg, "BEGIN", NULL, 0) || !ask(pg, "SET LOCAL statement_timeout = 5000", NULL, 0))
		return false;
	result = PQexecParams(
		pg,
		"INSERT INTO store_lanes AS l (lane, fence, sequence) VALUES ($1, 1, 0)"
		" ON CONFLICT (lane) DO UPDATE SET fence = l.fence + 1"
		" RETURNING fence, sequence",
		1, NULL, args, NULL, NULL, 0);
	ok = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
	if (ok) {
		c->wish.fence = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
		c->wish.sequence = strtoull(PQgetvalue(result, 0, 1), NULL, 10);
	}
	PQclear(result);
	return ok && ask(pg, "COMMIT", NULL, 0);
}

/* Behind a pooler a session is nobody's: what is set in it would be another's. */
static bool
prepare_session(PGconn *pg, struct pg_conn *c)
{
	if (c->way == STORE_WRITE_GROUP)
		return fence_lane(pg, c);
	return pg_driver.server.unnamed ||
	       ask(pg, "SET default_transaction_read_only = on", NULL, 0);
}

static const char *const ways[STORE_WAYS] = { "reader", "long", "writer" };

bool
pg_connect_now(struct pg_conn *c)
{
	struct hm_error why = { 0 };
	char what[32], text[200];
	PGconn *pg;

	if (c->wish.suspicious)
		guard_lives();
	if (!connector.guard && !guard_again())
		return false;
	c->wish.suspicious = false;
	snprintf(what, sizeof(what), "%s %s", ways[c->way], c->lane);
	pg = pg_connect(what, &why);
	if (!pg) {
		store_report(NULL, why.text);
		return false;
	}
	if (!prepare_session(pg, c) || !PQenterPipelineMode(pg) || PQsetnonblocking(pg, 1) != 0) {
		pg_say(text, sizeof(text), PQerrorMessage(pg));
		store_report(NULL, text);
		PQfinish(pg);
		return false;
	}
	c->wish.fresh = pg;
	return true;
}

static struct pg_wish *
take_wish(bool *ending)
{
	struct pg_wish *wish;

	pthread_mutex_lock(&connector.lock);
	*ending = connector.ending;
	wish = connector.first;
	if (wish)
		connector.first = wish->next;
	if (!connector.first)
		connector.last = &connector.first;
	pthread_mutex_unlock(&connector.lock);
	return wish;
}

/* Waits for a wish, the end of the guard, or the time when one may try again. */
static void
wait_for_wish(int64_t wait)
{
	struct pollfd p[2] = { { .fd = connector.wake, .events = POLLIN }, { .fd = -1 } };
	uint64_t ignored;

	if (connector.guard) {
		p[1].fd = PQsocket(connector.guard);
		p[1].events = POLLIN;
	}
	poll(p, 2, wait > 0 ? (int)wait : -1);
	if (p[0].revents)
		(void)!read(connector.wake, &ignored, sizeof(ignored));
	if (p[1].revents)
		guard_lives();
}

static void
back_off(bool worked)
{
	int64_t ms = BACK_OFF_FIRST_MS;

	if (worked) {
		connector.failures = 0;
		connector.not_before_ms = 0;
		return;
	}
	for (unsigned i = 0; i < connector.failures && ms < BACK_OFF_MAX_MS; i++)
		ms *= 2;
	connector.failures++;
	connector.not_before_ms = clock_mono_ms() + (ms < BACK_OFF_MAX_MS ? ms : BACK_OFF_MAX_MS);
}

static void
fulfil(struct pg_wish *wish)
{
	struct pg_conn *c = HM_CONTAINER(wish, struct pg_conn, wish);

	if (wish->pause) {
		wish->pause = false;
		back_off(false);
		poll(NULL, 0, (int)(connector.not_before_ms - clock_mono_ms()));
		connector.not_before_ms = 0;
		if (!pg_connect_now(c))
			back_off(false); /* and else only its use will tell */
	} else {
		back_off(pg_connect_now(c));
	}
	wish->mail.run = pg_conn_wished;
	worker_post(c->worker, &wish->mail);
}

static void *
connector_run(void *arg)
{
	bool ending = false;

	while (!ending) {
		int64_t wait = connector.not_before_ms - clock_mono_ms();
		struct pg_wish *wish = take_wish(&ending);

		if (ending)
			break;
		if (wish && wait > 0) {
			/* A new one, or the answer is late: either way nobody is kept for long. */
			poll(NULL, 0, (int)wait);
			fulfil(wish);
		} else if (wish) {
			fulfil(wish);
		} else if (!connector.guard && wait <= 0) {
			back_off(guard_again());
		} else {
			wait_for_wish(wait);
		}
	}
	return NULL;
}

void
pg_connect_wish(struct pg_wish *wish)
{
	uint64_t one = 1;

	wish->next = NULL;
	pthread_mutex_lock(&connector.lock);
	*connector.last = wish;
	connector.last = &wish->next;
	pthread_mutex_unlock(&connector.lock);
	(void)!write(connector.wake, &one, sizeof(one));
}

bool
pg_connect_start(struct hm_error *why)
{
	sigset_t all, before;
	int err;

	connector.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (connector.wake < 0)
		return error_errno(why, "Cannot start a thread for the database");
	connector.first = NULL;
	connector.last = &connector.first;
	connector.ending = false;
	connector.failures = 0;
	connector.not_before_ms = 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&connector.thread, NULL, connector_run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err != 0) {
		errno = err;
		return error_errno(why, "Cannot start a thread for the database");
	}
	pthread_setname_np(connector.thread, "store-connect");
	connector.started = true;
	return true;
}

void
pg_connect_stop(void)
{
	uint64_t one = 1;

	if (!connector.started)
		return;
	pthread_mutex_lock(&connector.lock);
	connector.ending = true;
	connector.first = NULL;
	connector.last = &connector.first;
	pthread_mutex_unlock(&connector.lock);
	(void)!write(connector.wake, &one, sizeof(one));
	pthread_join(connector.thread, NULL);
	close(connector.wake);
	connector.started = false;
}
