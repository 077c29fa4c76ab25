/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * store/store.c - statements, lanes and requests: all that is the same for every
 * database.
 *
 * A request is one arena: made on the worker, filled by the driver on its thread,
 * freed on the worker when the callback has run.  What a worker asks in one turn
 * goes to the driver in one piece at the end of that turn, so that one wake-up
 * and one commit serve all of it.  A lane is touched by its worker alone; its
 * counters are written by that worker and read by anybody.
 */
#include "store/store.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "loop/worker.h"
#include "store/lock.h"
#include "store/store_driver.h"

#define BATCH_MAX_DEFAULT 256
#define QUEUE_BYTES_DEFAULT ((size_t)8 * 1024 * 1024)
/* With malloc()'s and the arena's heads still a size that threads keep at hand. */
#define REQUEST_FIRST 896
#define REPORT_EVERY_MS 60000

const struct hm_logctx store_log = { .subject = "store" };

struct chain {
	struct store_request *first, **last;
};

struct lane {
	struct turn_end turn_end; /* submits the chains */
	struct chain chain[STORE_WAYS];
	struct list live;          /* all requests without an answer yet */
	struct list writes;        /* the groups of them, in their order */
	_Atomic int64_t oldest_us; /* when the first of them was asked; 0: there is none */
	_Atomic int64_t last_us, longest_us;
	_Atomic uint64_t asked, answered;
	_Atomic uint64_t reads, groups, failed; /* answered */
	_Atomic uint64_t queued_groups, queued_bytes;
} __attribute__((aligned(64)));

static struct {
	const struct store_driver *driver;
	struct store_config config;
	char *directory;
	bool locked_here;
	bool started;
	_Atomic bool closing; /* answers go nowhere any more */
	struct store_statement *statements;
	unsigned n, cap;
	_Atomic int64_t report_after_ms;
	_Atomic uint64_t unreported;
	_Atomic bool in_trouble; /* an ERROR was logged, and no INFO after it */
	unsigned metrics;
} store;
static struct lane lanes[WORKERS_MAX];

enum { M_COMMIT, M_WRITE, M_GROUPS, M_GROUPS_FAILED, M_WAITING, M_READS, M_LOST };
static const struct metric metric_table[] = {
	[M_COMMIT] = { "hermod_store_commit_seconds", "How long commits took.", METRIC_HISTOGRAM },
	[M_WRITE] = { "hermod_store_write_seconds", "From asking for a write to its answer.",
	              METRIC_HISTOGRAM },
	[M_GROUPS] = { "hermod_store_groups", "Write groups answered.", METRIC_COUNTER },
	[M_GROUPS_FAILED] = { "hermod_store_groups_failed", "Write groups that were not written.",
	                      METRIC_COUNTER },
	[M_WAITING] = { "hermod_store_groups_waiting", "Write groups without an answer yet.",
	                METRIC_GAUGE },
	[M_READS] = { "hermod_store_reads", "Read requests answered.", METRIC_COUNTER },
	[M_LOST] = { "hermod_store_connections_lost", "Connections to the database that were lost.",
	             METRIC_COUNTER },
};

static const struct store_driver *const drivers[] = { &store_sqlite, &store_postgresql };

/* Only one thread writes a counter: no read-modify-write is needed. */
static void
bump(_Atomic uint64_t *counter, uint64_t by)
{
	uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, now + by, memory_order_release);
}

static uint64_t
look(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_acquire);
}

/* --- Opening ------------------------------------------------------------------- */

static const struct store_driver *
find_driver(const char *name)
{
	for (size_t i = 0; i < HM_COUNT(drivers); i++) {
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	}
	return NULL;
}

bool
store_count_tables(void (*told)(const char *table, int64_t rows), struct hm_error *why)
{
	hm_assert(store.driver && !store.started);
	return store_tables(store.driver, told, why);
}

bool
store_copy_from(const struct store_config *from, store_progress_fn *told, struct hm_error *why)
{
	const struct store_driver *driver = find_driver(from->driver);
	bool ok;

	hm_assert(store.driver && !store.started);
	if (!driver || driver == store.driver)
		return error_set(why, HM_E_INVALID,
		                 "Both databases are of the driver %s; copies go from one to"
		                 " another.",
		                 from->driver);
	ok = driver->open(from, why) && store_copy(driver, store.driver, told, why);
	driver->close();
	return ok;
}

void
store_metrics_register(void)
{
	static bool done;

	if (!done)
		metrics_register(metric_table, HM_COUNT(metric_table), &store.metrics);
	done = true;
}

/* The lock may be there already: the daemon takes it before it does anything else. */
static bool
lock_database(const char *path, struct hm_error *why)
{
	const char *slash = strrchr(path, '/');
	bool locked_before = store_directory_locked();
	char *directory;
	bool ok;

	if (!slash)
		directory = mem_strdup(".");
	else if (slash == path)
		directory = mem_strdup("/");
	else
		directory = mem_strndup(path, (size_t)(slash - path));
	ok = store_lock_directory(directory, why);
	store.locked_here = ok && !locked_before;
	mem_free(directory);
	return ok;
}

bool
store_open(const struct store_config *cfg, struct hm_error *why)
{
	hm_assert(!store.driver);
	store.driver = find_driver(cfg->driver);
	if (!store.driver)
		return error_set(why, HM_E_INVALID, "There is no database driver \"%s\".",
		                 cfg->driver);
	store.config = *cfg;
	store.config.batch_max = cfg->batch_max ? cfg->batch_max : BATCH_MAX_DEFAULT;
	store.config.queue_bytes = cfg->queue_bytes ? cfg->queue_bytes : QUEUE_BYTES_DEFAULT;
	store_metrics_register();
	if ((cfg->path && !lock_database(cfg->path, why)) ||
	    !store.driver->open(&store.config, why) ||
	    !store_migrations_create(store.driver, why)) {
		store_close();
		return false;
	}
	return true;
}

bool
store_migrate(const char *owner, const struct store_migration *migrations, struct hm_error *why)
{
	hm_assert(store.driver && !store.started);
	return store_migrations_run(store.driver, owner, migrations, why);
}

static unsigned
add_statement(const struct store_statement *st)
{
	hm_assert(!store.started);
	if (store.n == store.cap) {
		store.cap = store.cap ? store.cap * 2 : 64;
		store.statements =
			mem_realloc(store.statements, store.cap * sizeof(*store.statements));
	}
	store.statements[store.n] = *st;
	return store.n++;
}

unsigned
store_statement(const char *owner, unsigned number, const char *sqlite, const char *postgresql)
{
	const struct store_statement st = {
		.owner = owner,
		.number = number,
		.sqlite = sqlite,
		.postgresql = postgresql,
	};

	return add_statement(&st);
}

unsigned
store_append(const char *owner, unsigned number, const struct store_table *table)
{
	struct store_statement st = { .owner = owner, .number = number, .table = table };

	store_append_make(&st);
	return add_statement(&st);
}

static void
free_statements(void)
{
	for (unsigned i = 0; i < store.n; i++) {
		mem_free(store.statements[i].made[0]);
		mem_free(store.statements[i].made[1]);
	}
	mem_free(store.statements);
	store.statements = NULL;
	store.n = store.cap = 0;
}

const struct store_statement *
store_statement_by_id(unsigned id)
{
	return id < store.n ? &store.statements[id] : NULL;
}

static void submit_lane(struct turn_end *te);

static void
lane_init(struct lane *lane)
{
	memset(lane, 0, sizeof(*lane));
	lane->turn_end.run = submit_lane;
	list_init(&lane->live);
	list_init(&lane->writes);
	for (size_t i = 0; i < STORE_WAYS; i++)
		lane->chain[i].last = &lane->chain[i].first;
}

bool
store_start(struct hm_error *why)
{
	struct hm_error inner = { 0 };

	hm_assert(store.driver && !store.started);
	for (unsigned i = 0; i < store.n; i++) {
		struct store_statement *st = &store.statements[i];

		if (!store.driver->check(i, st, &inner))
			return error_set(why, inner.code, "Statement %u of %s: %s", st->number,
			                 st->owner, inner.text);
	}
	for (size_t i = 0; i < WORKERS_MAX; i++)
		lane_init(&lanes[i]);
	store.started = store.driver->start(why);
	return store.started;
}

/* --- Asking -------------------------------------------------------------------- */

static struct hm_value
value_copy(struct arena *arena, struct hm_value v)
{
	if (v.type == HM_V_TEXT)
		v.u.text = arena_strdup(arena, v.u.text);
	else if (v.type == HM_V_BLOB)
		v.u.blob.data = arena_strndup(arena, v.u.blob.data, v.u.blob.len);
	return v;
}

static const struct store_call *
calls_copy(struct arena *arena, const struct store_call *calls, size_t n)
{
	struct store_call *copy = arena_alloc(arena, n * sizeof(*copy));

	for (size_t i = 0; i < n; i++) {
		struct hm_value *args = arena_alloc(arena, calls[i].n * sizeof(*args));

		hm_assert(calls[i].statement < store.n);
		hm_assert(calls[i].n == store.statements[calls[i].statement].params);
		for (size_t k = 0; k < calls[i].n; k++)
			args[k] = value_copy(arena, calls[i].args[k]);
		copy[i] = (struct store_call){
			.statement = calls[i].statement,
			.args = args,
			.n = calls[i].n,
		};
	}
	return copy;
}

static struct lane *
own_lane(void)
{
	unsigned worker = worker_self();

	hm_assert(worker < WORKERS_MAX);
	hm_assert(store.started);
	return &lanes[worker];
}

static void request_answered(struct mail *mail);

/* In the lane's chain; it goes out when the turn ends. */
static void
ask(struct lane *lane, enum store_way way, const struct store_call *calls, size_t n,
    store_done_fn *done, void *ctx)
{
	struct arena *arena = arena_new(REQUEST_FIRST);
	struct store_request *req = arena_new_of(arena, struct store_request);
	struct chain *chain = &lane->chain[way];

	req->mail.run = request_answered;
	req->arena = arena;
	req->way = way;
	req->worker = (unsigned)(lane - lanes);
	req->done = done;
	req->ctx = ctx;
	req->n = n;
	req->calls = calls_copy(arena, calls, n);
	req->rows = arena_zalloc(arena, n * sizeof(*req->rows));
	req->bytes = arena_bytes(arena);
	req->asked_us = clock_mono_us();
	list_push_back(&lane->live, &req->live);
	*chain->last = req;
	chain->last = &req->next;
	bump(&lane->asked, 1);
	worker_at_turn_end(&lane->turn_end);
}

void
store_read(const struct store_call *calls, size_t n, store_done_fn *done, void *ctx)
{
	ask(own_lane(), STORE_SHORT_READ, calls, n, done, ctx);
}

void
store_read_long(const struct store_call *calls, size_t n, store_done_fn *done, void *ctx)
{
	ask(own_lane(), STORE_LONG_READ, calls, n, done, ctx);
}

static void
queue_write(struct lane *lane, struct store_request *req)
{
	metric_add(store.metrics + M_WAITING, 1);
	list_push_back(&lane->writes, &req->live_write);
	if (lane->writes.next == &req->live_write)
		atomic_store_explicit(&lane->oldest_us, req->asked_us, memory_order_relaxed);
}

/* A lane takes one group beyond the bound, so that a large one is never refused for good. */
bool
store_write(const struct store_call *calls, size_t n, store_done_fn *done, void *ctx)
{
	struct lane *lane = own_lane();

	if (look(&lane->queued_bytes) >= store.config.queue_bytes)
		return false;
	ask(lane, STORE_WRITE_GROUP, calls, n, done, ctx);
	queue_write(lane, list_entry(lane->live.prev, struct store_request, live));
	bump(&lane->queued_groups, 1);
	bump(&lane->queued_bytes, list_entry(lane->live.prev, struct store_request, live)->bytes);
	return true;
}

bool
store_write_in_line(struct store_line *line, const struct store_call *calls, size_t n,
                    store_done_fn *done, void *ctx)
{
	struct lane *lane = own_lane();

	if (!store_write(calls, n, done, ctx))
		return false;
	list_entry(lane->live.prev, struct store_request, live)->line = line;
	return true;
}

void
store_line_mend(struct store_line *line)
{
	atomic_store_explicit(&line->broken, STORE_OK, memory_order_relaxed);
}

static void
submit_lane(struct turn_end *te)
{
	struct lane *lane = HM_CONTAINER(te, struct lane, turn_end);

	for (unsigned i = 0; i < STORE_WAYS; i++) {
		struct store_request *first = lane->chain[i].first;

		if (!first)
			continue;
		lane->chain[i].first = NULL;
		lane->chain[i].last = &lane->chain[i].first;
		store.driver->submit(i, first);
	}
}

/* --- Answering ------------------------------------------------------------------ */

void
store_request_finish(struct store_request *req, enum store_outcome outcome)
{
	req->outcome = outcome;
	/* While closing, the request stays in its lane's list, which is freed at the end. */
	if (!atomic_load_explicit(&store.closing, memory_order_relaxed))
		worker_post(req->worker, &req->mail);
}

static void
write_answered(struct lane *lane, struct store_request *req)
{
	int64_t us = clock_mono_us() - req->asked_us, oldest = 0;

	metric_add(store.metrics + M_WAITING, -1);
	metric_observe(store.metrics + M_WRITE, us);
	list_remove(&req->live_write);
	if (!list_empty(&lane->writes))
		oldest = list_entry(lane->writes.next, struct store_request, live_write)->asked_us;
	atomic_store_explicit(&lane->oldest_us, oldest, memory_order_relaxed);
	atomic_store_explicit(&lane->last_us, us, memory_order_relaxed);
	if (us > atomic_load_explicit(&lane->longest_us, memory_order_relaxed))
		atomic_store_explicit(&lane->longest_us, us, memory_order_relaxed);
}

static void
count_answer(struct lane *lane, const struct store_request *req)
{
	if (req->way != STORE_WRITE_GROUP) {
		bump(&lane->reads, 1);
		metric_add(store.metrics + M_READS, 1);
		return;
	}
	bump(&lane->groups, 1);
	bump(&lane->queued_groups, (uint64_t)-1);
	bump(&lane->queued_bytes, -(uint64_t)req->bytes);
	metric_add(store.metrics + M_GROUPS, 1);
	if (req->outcome != STORE_OK) {
		bump(&lane->failed, 1);
		metric_add(store.metrics + M_GROUPS_FAILED, 1);
	}
}

/* Back on the worker. */
static void
request_answered(struct mail *mail)
{
	struct store_request *req = HM_CONTAINER(mail, struct store_request, mail);
	struct lane *lane = &lanes[req->worker];
	struct arena *arena = req->arena;

	/* Counted before the callback, which may want to write again. */
	count_answer(lane, req);
	list_remove(&req->live);
	if (req->way == STORE_WRITE_GROUP)
		write_answered(lane, req);
	req->done(req->ctx, req->outcome, req->outcome == STORE_OK ? req->rows : NULL, req->n);
	arena_free(&arena);
	bump(&lane->answered, 1);
}

bool
store_idle(void)
{
	for (size_t i = 0; store.started && i < WORKERS_MAX; i++) {
		if (look(&lanes[i].asked) != look(&lanes[i].answered))
			return false;
	}
	return true;
}

void
store_view(struct store_view *out)
{
	*out = (struct store_view){ 0 };
	if (!store.started)
		return;
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		out->groups += look(&lanes[i].groups);
		out->failed += look(&lanes[i].failed);
		out->reads += look(&lanes[i].reads);
		out->queued_groups += look(&lanes[i].queued_groups);
		out->queued_bytes += look(&lanes[i].queued_bytes);
	}
	store.driver->view(out);
}

void
store_lane_view(unsigned worker, struct store_lane_view *out)
{
	const struct lane *lane = &lanes[worker];
	int64_t oldest;

	*out = (struct store_lane_view){ 0 };
	if (!store.started)
		return;
	oldest = atomic_load_explicit(&lane->oldest_us, memory_order_relaxed);
	out->connected = !store.driver->connected || store.driver->connected(worker);
	out->groups = look(&lane->groups);
	out->failed = look(&lane->failed);
	out->reads = look(&lane->reads);
	out->queued_groups = look(&lane->queued_groups);
	out->queued_bytes = look(&lane->queued_bytes);
	out->oldest_ms = oldest ? (clock_mono_us() - oldest) / 1000 : 0;
	out->last_ms = atomic_load_explicit(&lane->last_us, memory_order_relaxed) / 1000;
	out->longest_ms = atomic_load_explicit(&lane->longest_us, memory_order_relaxed) / 1000;
}

void
store_committed(int64_t us)
{
	metric_observe(store.metrics + M_COMMIT, us);
}

void
store_connection_lost(void)
{
	metric_add(store.metrics + M_LOST, 1);
}

void
store_report(const struct store_statement *st, const char *trouble)
{
	int64_t now = clock_mono_ms();
	int64_t after = atomic_load(&store.report_after_ms);

	if (now < after || !atomic_compare_exchange_strong(&store.report_after_ms, &after,
	                                                   now + REPORT_EVERY_MS)) {
		atomic_fetch_add(&store.unreported, 1);
		return;
	}
	atomic_store(&store.in_trouble, true);
	log_line(&store_log, HM_ERROR, "database trouble", hm_kv("error", trouble),
	         hm_kv("owner", st ? st->owner : "store"), hm_kv("statement", st ? st->number : 0),
	         hm_kv("left_out", atomic_exchange(&store.unreported, 0)));
}

void
store_recovered(void)
{
	if (atomic_load_explicit(&store.in_trouble, memory_order_relaxed) &&
	    atomic_exchange(&store.in_trouble, false))
		log_line(&store_log, HM_INFO, "the database can be written again",
		         hm_kv("left_out", atomic_exchange(&store.unreported, 0)));
}

/* --- Closing -------------------------------------------------------------------- */

/* Whatever has no answer yet will have none.  Gives how many groups were not written. */
static uint64_t
drop_requests(struct lane *lane)
{
	uint64_t lost = 0;

	list_for_each(l, next, &lane->live)
	{
		struct store_request *req = list_entry(l, struct store_request, live);
		struct arena *arena = req->arena;

		lost += req->way == STORE_WRITE_GROUP && req->outcome != STORE_OK;
		list_remove(l);
		arena_free(&arena);
	}
	return lost;
}

void
store_close(void)
{
	uint64_t lost = 0;

	if (!store.driver)
		return;
	atomic_store(&store.closing, true);
	/* What was asked in a turn that did not end. */
	for (size_t i = 0; store.started && i < WORKERS_MAX; i++)
		submit_lane(&lanes[i].turn_end);
	store.driver->close();
	for (size_t i = 0; store.started && i < WORKERS_MAX; i++)
		lost += drop_requests(&lanes[i]);
	if (lost)
		log_line(&store_log, HM_WARN, "not all was written at the end",
		         hm_kv("groups", lost));
	if (store.locked_here)
		store_unlock_directory();
	free_statements();
	store.driver = NULL;
	store.started = store.locked_here = false;
	atomic_store(&store.report_after_ms, 0);
	atomic_store(&store.in_trouble, false);
	atomic_store(&store.closing, false);
}
