/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * fake_store.c - a store that has one row for everybody whose name does not begin with "no".
 * Reads are answered in the next mail, or fail; writes wait for the test's word.
 */
#include <string.h>

#include "base/mem.h"
#include "core_test.h"
#include "loop/worker.h"
#include "store/store.h"

bool fake_reads_fail, fake_reads_wait, fake_queue_full;
unsigned fake_reads;
int64_t fake_number = 1, fake_wrote[2];

#define CALLS_MAX 16

struct store_rows {
	bool there, walked;
	int64_t id;
};

struct request {
	struct mail mail;
	struct request *next;
	store_done_fn *done;
	void *ctx;
	size_t n;
	bool failed;
	struct store_rows rows[CALLS_MAX];
};
static struct request *writes, *reads;
static unsigned n_statements;

static void
answer(struct mail *mail)
{
	struct request *r = HM_CONTAINER(mail, struct request, mail);
	struct store_rows *rows[CALLS_MAX];

	for (size_t i = 0; i < r->n; i++)
		rows[i] = &r->rows[i];
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
store_append(const char *owner, unsigned number, const struct store_table *table)
{
	return n_statements++;
}

bool
store_next(struct store_rows *rows)
{
	bool more = rows->there && !rows->walked;

	rows->walked = true;
	return more;
}

const char *
store_text(const struct store_rows *rows, unsigned col)
{
	return NULL;
}

int64_t
store_int(const struct store_rows *rows, unsigned col)
{
	return rows->id;
}

bool
store_is_null(const struct store_rows *rows, unsigned col)
{
	return false;
}

size_t
store_count(const struct store_rows *rows)
{
	return rows->there;
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
