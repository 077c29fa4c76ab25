/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * fake_store.c - a store that has one row for everybody whose name does not begin with "no".
 * Reads are answered in the next mail, or fail; writes wait for the test's word.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "core_test.h"
#include "loop/worker.h"
#include "store/store.h"

bool fake_reads_fail, fake_reads_wait, fake_queue_full;
unsigned fake_reads;
int64_t fake_number = 1, fake_wrote[2];

#define CALLS_MAX 16

/*
 * The table remote_queue (core/remote_queue.c) is there: its statements have these numbers, from the
 * first that was registered for "remote".
 */
enum { REMOTE_APPEND, REMOTE_PAIRS, REMOTE_LIST, REMOTE_READ, REMOTE_REMOVE, REMOTE_STATEMENTS };
#define ROWS_MAX 64

static struct fake_row {
	char remote[100], local[100], to[100], xml[1000];
	int64_t id, worker, run;
} table[ROWS_MAX];
static size_t n_rows;
static unsigned remote_first;

struct store_rows {
	bool there, walked;
	int64_t id;
	bool of_remote;
	unsigned what;
	struct fake_row row[ROWS_MAX]; /* of_remote */
	size_t n, at;
};

struct request {
	struct mail mail;
	struct request *next;
	store_done_fn *done;
	void *ctx;
	size_t n;
	bool failed;
	size_t n_appends, n_removes;
	struct fake_row append[CALLS_MAX], remove[CALLS_MAX];
	struct store_rows rows[CALLS_MAX];
};
static struct request *writes, *reads;
static unsigned n_statements;

/* --- remote_queue ---------------------------------------------------------------------- */

static void
put(char *out, size_t max, const char *text)
{
	snprintf(out, max, "%s", text);
}

static bool
is_of(const struct fake_row *a, const char *remote, const char *local)
{
	return strcmp(a->remote, remote) == 0 && strcmp(a->local, local) == 0;
}

static struct fake_row *
row_find(const char *remote, const char *local, int64_t id, int64_t worker)
{
	for (size_t i = 0; i < n_rows; i++) {
		if (is_of(&table[i], remote, local) && table[i].id == id &&
		    table[i].worker == worker)
			return &table[i];
	}
	return NULL;
}

static void
apply(const struct request *r)
{
	for (size_t i = 0; i < r->n_appends; i++) {
		hm_assert(n_rows < ROWS_MAX);
		table[n_rows++] = r->append[i];
	}
	for (size_t i = 0; i < r->n_removes; i++) {
		const struct fake_row *x = &r->remove[i];
		struct fake_row *row = row_find(x->remote, x->local, x->id, x->worker);

		if (row) {
			memmove(row, row + 1, (size_t)(table + n_rows - row - 1) * sizeof(*row));
			n_rows--;
		}
	}
}

static void
select_rows(struct store_rows *out, const struct hm_value *v)
{
	for (size_t i = 0; i < n_rows; i++) {
		const struct fake_row *row = &table[i];

		if (out->what == REMOTE_PAIRS
		            ? row->run != v[0].u.num
		            : is_of(row, v[0].u.text, v[1].u.text) && row->run != v[2].u.num)
			out->row[out->n++] = *row;
	}
}

static void
remote_call(struct request *r, size_t i, const struct store_call *call)
{
	const struct hm_value *v = call->args;
	struct fake_row row = { .run = 0 };
	const struct fake_row *found;

	r->rows[i].of_remote = true;
	r->rows[i].what = call->statement - remote_first;
	switch (r->rows[i].what) {
	case REMOTE_APPEND:
		put(row.to, sizeof(row.to), v[5].u.text);
		put(row.xml, sizeof(row.xml), v[6].u.text);
		row.run = v[4].u.num;
		break;
	case REMOTE_READ:
		found = row_find(v[0].u.text, v[1].u.text, v[2].u.num, v[3].u.num);
		if (found)
			r->rows[i].row[r->rows[i].n++] = *found;
		return;
	case REMOTE_REMOVE:
		break;
	default:
		select_rows(&r->rows[i], v);
		return;
	}
	put(row.remote, sizeof(row.remote), v[0].u.text);
	put(row.local, sizeof(row.local), v[1].u.text);
	row.id = v[2].u.num;
	row.worker = v[3].u.num;
	if (r->rows[i].what == REMOTE_APPEND)
		r->append[r->n_appends++] = row;
	else
		r->remove[r->n_removes++] = row;
}

size_t
remote_rows(void)
{
	return n_rows;
}

void
remote_rows_forget(void)
{
	n_rows = 0;
}

void
remote_row_was_left(const char *remote, int64_t id, const char *to, const char *xml)
{
	struct fake_row *row = &table[n_rows++];

	*row = (struct fake_row){ .id = id, .run = 1 };
	put(row->remote, sizeof(row->remote), remote);
	put(row->local, sizeof(row->local), "a.example");
	put(row->to, sizeof(row->to), to);
	put(row->xml, sizeof(row->xml), xml);
}

/* --- Requests ----------------------------------------------------------------------------- */

static void
answer(struct mail *mail)
{
	struct request *r = HM_CONTAINER(mail, struct request, mail);
	struct store_rows *rows[CALLS_MAX];

	for (size_t i = 0; i < r->n; i++)
		rows[i] = &r->rows[i];
	if (!r->failed)
		apply(r);
	if (r->failed)
		r->done(r->ctx, STORE_FAILED, NULL, 0);
	else
		r->done(r->ctx, STORE_OK, rows, r->n);
	mem_free(r);
}

static struct request *
request(const struct store_call *calls, size_t n, store_done_fn *done, void *ctx)
{
	struct request *r = mem_new(struct request);

	hm_assert(n <= CALLS_MAX);
	r->mail.run = answer;
	r->done = done;
	r->ctx = ctx;
	r->n = n;
	for (size_t i = 0; i < n; i++) {
		/* An account's id: host and name; the module's state: the id. */
		const char *name = calls[i].n == 2 && calls[i].args[1].type == HM_V_TEXT
		                           ? calls[i].args[1].u.text
		                           : "";

		if (calls[i].statement - remote_first < REMOTE_STATEMENTS) {
			remote_call(r, i, &calls[i]);
			continue;
		}
		r->rows[i].there = strncmp(name, "no", 2) != 0;
		r->rows[i].id = fake_number;
	}
	return r;
}

static void
append(struct request **list, struct request *r)
{
	while (*list)
		list = &(*list)->next;
	*list = r;
}

void
store_read(const struct store_call *calls, size_t n, store_done_fn *done, void *ctx)
{
	struct request *r = request(calls, n, done, ctx);

	fake_reads++;
	r->failed = fake_reads_fail;
	if (fake_reads_wait)
		append(&reads, r);
	else
		worker_post(0, &r->mail);
}

void
reads_come_back(void)
{
	fake_reads_wait = false;
	while (reads) {
		struct request *r = reads;

		reads = r->next;
		worker_post(0, &r->mail);
	}
	run();
}

void
store_read_long(const struct store_call *calls, size_t n, store_done_fn *done, void *ctx)
{
	store_read(calls, n, done, ctx);
}

bool
store_write(const struct store_call *calls, size_t n, store_done_fn *done, void *ctx)
{
	if (fake_queue_full)
		return false;
	for (size_t i = 0; i < 2; i++)
		fake_wrote[i] = calls->n > i ? calls->args[i].u.num : 0;
	append(&writes, request(calls, n, done, ctx));
	return true;
}

bool
store_write_in_line(struct store_line *line, const struct store_call *calls, size_t n,
                    store_done_fn *done, void *ctx)
{
	return store_write(calls, n, done, ctx);
}

void
store_line_mend(struct store_line *line)
{
}

/* The oldest write comes back. */
static void
come_back(bool failed)
{
	struct request *r = writes;

	hm_assert(r);
	writes = r->next;
	r->failed = failed;
	worker_post(0, &r->mail);
	run();
}

void
commits(void)
{
	come_back(false);
}

void
commit_fails(void)
{
	come_back(true);
}

unsigned
writes_waiting(void)
{
	unsigned n = 0;

	for (const struct request *r = writes; r; r = r->next)
		n++;
	return n;
}

/* --- What the core needs besides ------------------------------------------------------- */

bool
store_migrate(const char *owner, const struct store_migration *migrations, struct hm_error *why)
{
	return true;
}

unsigned
store_statement(const char *owner, unsigned number, const char *sqlite, const char *postgresql)
{
	return n_statements++;
}

unsigned
store_append(const char *owner, unsigned number, const struct store_table *rows)
{
	if (strcmp(owner, "remote") == 0)
		remote_first = n_statements;
	return n_statements++;
}

bool
store_next(struct store_rows *rows)
{
	bool more = rows->there && !rows->walked;

	if (rows->of_remote)
		return rows->at++ < rows->n;

	rows->walked = true;
	return more;
}

const char *
store_text(const struct store_rows *rows, unsigned col)
{
	const struct fake_row *row = rows->row;

	if (!rows->of_remote)
		return NULL;
	row += rows->at - 1;
	if (rows->what == REMOTE_PAIRS)
		return col == 0 ? row->remote : row->local;
	return col == 0 ? row->to : row->xml;
}

int64_t
store_int(const struct store_rows *rows, unsigned col)
{
	const struct fake_row *row = rows->row;

	if (!rows->of_remote)
		return rows->id;
	row += rows->at - 1;
	return col == 0 ? row->id : col == 1 ? row->worker : (int64_t)strlen(row->xml);
}

bool
store_is_null(const struct store_rows *rows, unsigned col)
{
	return false;
}

size_t
store_count(const struct store_rows *rows)
{
	return rows->of_remote ? rows->n : rows->there;
}

int64_t
store_changed(const struct store_rows *rows)
{
	return 1;
}

bool
store_idle(void)
{
	return !writes;
}

void
store_view(struct store_view *out)
{
	*out = (struct store_view){ 0 };
}

void
store_lane_view(unsigned worker, struct store_lane_view *out)
{
	*out = (struct store_lane_view){ 0 };
}
