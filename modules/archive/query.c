/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * query.c - the owner asks for its archive: XEP-0313 1.1.3, 4 and 5.
 *
 * Ids that a query names are looked for first; then one statement reads the page and one row more,
 * which tells whether it is the last.  Shown is only what is below settled(): what has a
 * higher id may still get something before it.  A request is read again in each callback: it is
 * kept anyway, and nothing else needs to be.
 */
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "form.h"

/* The part of the archive that a request is about. */
struct range {
	struct query q;
	int64_t place[PLACES_MAX]; /* ids, 0: not given */
	bool of_rows[PLACES_MAX];  /* there must be a row */
	bool find;                 /* of which memory does not know */
	int64_t above, below;      /* ids between these, neither included */
	int64_t max;               /* results */
};

/* --- The range ---------------------------------------------------------------------------------- */

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool
read_id(struct hm_mod *m, struct hm_iq *rq, const char *text, int64_t *id, bool *transient)
{
	struct hm_user *u = hm_iq_user(rq);
	const struct archive *a = hm_user_state(m, u);

	return id_read(&a->key, hm_iq_account(rq), text, id, transient) &&
	       *id >= archive_floor(m, u);
}

/*
 * Not what is in flight, nor what is given an id from now on: that may be stored before something
 * lower, by another worker.
 */
static int64_t
settled(struct hm_user *u)
{
	return smaller(hm_settled_below(u), hm_ids_below(u));
}

static bool
read_places(struct hm_mod *m, struct hm_iq *rq, struct range *r)
{
	const struct archive *a = hm_user_state(m, hm_iq_user(rq));

	for (int i = 0; i < PLACES_MAX; i++) {
		bool transient;
		unsigned from;

		if (!r->q.place[i])
			continue;
		if (!read_id(m, rq, r->q.place[i], &r->place[i], &transient))
			return false;
		/* A transient message has marked a place, though no query shows it. */
		r->of_rows[i] = !transient;
		r->find |= !transient && !ring_reaches(&a->ring, r->place[i], &from);
	}
	return true;
}

/* false: the request was answered. */
static bool
read_range(struct hm_mod *m, struct hm_iq *rq, struct range *r)
{
	const struct archive_config *cfg = hm_config(m);
	struct hm_user *u = hm_iq_user(rq);
	const char *why = NULL;
	enum hm_cond cond;

	memset(r, 0, sizeof(*r));
	if ((cond = query_read(hm_iq_payload(rq), &r->q, &why))) {
		hm_iq_fail(rq, cond, why);
		return false;
	}
	if (!read_places(m, rq, r)) {
		hm_iq_fail(rq, HM_ITEM_NOT_FOUND, NULL);
		return false;
	}
	r->max = smaller(r->q.max < 0 ? cfg->page_size : r->q.max, cfg->max_page_size);
	r->above = larger(archive_floor(m, u), r->q.start_us) - 1;
	r->above = larger(r->above, larger(r->place[AFTER_ID], r->place[RSM_AFTER]));
	r->below = settled(u);
	if (r->q.end_us < r->below)
		r->below = r->q.end_us + 1;
	if (r->place[BEFORE_ID])
		r->below = smaller(r->below, r->place[BEFORE_ID]);
	if (r->place[RSM_BEFORE])
		r->below = smaller(r->below, r->place[RSM_BEFORE]);
	return true;
}

/* --- A page ----------------------------------------------------------------------------------------- */

struct item {
	int64_t id;
	const struct hm_stanza *stanza; /* a reference; NULL: erased */
	const char *to;
};
/* In the order in which they came. */
struct items {
	struct item *v;
	size_t n;
	bool more;
};

/* Exactly; the index knows hashes only. Of what was erased there is no more than that. */
static bool
is_with(const struct query *q, const struct hm_user *u, const struct item *item)
{
	const char *from, *to, *peer;

	if (!q->with || !item->stanza)
		return true;
	from = hm_stanza_from(item->stanza);
	to = item->to ? item->to : hm_user_jid(u);
	peer = from && strcmp(hm_tmp_bare(from), hm_user_jid(u)) != 0 ? from : to;
	if (strcmp(hm_tmp_bare(q->with), hm_user_jid(u)) == 0 && from)
		peer = strcmp(hm_tmp_bare(to), hm_user_jid(u)) == 0 ? from : to;
	return strcmp(strchr(q->with, '/') ? peer : hm_tmp_bare(peer), q->with) == 0;
}

static void
send_items(struct hm_mod *m, struct hm_iq *rq, const struct query *q, const struct items *items,
           bool newest_first)
{
	struct results r = { m, hm_iq_session(rq), hm_iq_user(rq), q->queryid };
	int64_t first = 0, last = 0;

	if (items->n > 0) {
		first = items->v[newest_first ? items->n - 1 : 0].id;
		last = items->v[newest_first ? 0 : items->n - 1].id;
	}
	/* Whoever asked may have gone while the page was read. */
	for (size_t i = 0; r.session && i < items->n; i++) {
		const struct item *item = &items->v[newest_first != q->flip ? items->n - 1 - i : i];

		archive_send_result(&r, item->id, item->stanza, item->to);
	}
	for (size_t i = 0; i < items->n; i++)
		hm_stanza_unref(&items->v[i].stanza);
	archive_fin(m, rq, first, last, !items->more);
}

/* Columns: id, side, flags, addressee, text (NULL: beyond the page's bytes). */
static void
read_items(struct hm_iq *rq, const struct range *r, struct hm_rows *rows, struct items *items)
{
	items->v = hm_tmp_alloc((hm_rows_count(rows) + 1) * sizeof(*items->v));
	while (hm_next_row(rows)) {
		struct item *item = &items->v[items->n];
		bool sender = hm_col_int(rows, 1) != 0;
		int64_t erased = sender ? ROW_SENDER_ERASED : ROW_OWNER_ERASED;

		if ((int64_t)items->n >= r->max || hm_col_null(rows, 4)) {
			items->more = true;
			return;
		}
		item->id = hm_col_int(rows, 0);
		item->to = hm_col_text(rows, 3);
		item->stanza = hm_col_int(rows, 2) & erased
		                       ? NULL
		                       : hm_stanza_parse_ref(hm_col_text(rows, 4));
		if (is_with(&r->q, hm_iq_user(rq), item))
			items->n++;
		else
			hm_stanza_unref(&item->stanza);
	}
}

/*
 * May the ring go on where this page ends? Not when something else has come since it was asked for, or
 * was in flight then and in the ring of an account that has been loaded again since.
 */
static bool
is_followed(struct hm_mod *m, struct hm_iq *rq, int64_t last)
{
	const struct archive *a = hm_user_state(m, hm_iq_user(rq));
	struct hm_session *s = hm_iq_session(rq);
	const struct archive_session *as = s ? hm_session_state(m, s) : NULL;

	return as && as->pages == 0 && as->load == a->load && a->newest <= last;
}

static void
page_came(struct hm_iq *rq, struct hm_rows *rows)
{
	struct hm_mod *m = hm_iq_mod(rq);
	struct archive *a = hm_user_state(m, hm_iq_user(rq));
	struct hm_session *s = hm_iq_session(rq);
	struct items items = { 0 };
	struct range r;

	if (s)
		((struct archive_session *)hm_session_state(m, s))->pages--;
	if (!read_range(m, rq, &r))
		return;
	read_items(rq, &r, rows, &items);
	/* Who has read up to the end is followed from there in memory. */
	if (!r.q.with && !items.more && !r.q.backward && r.q.end_us == INT64_MAX && items.n > 0 &&
	    !r.place[BEFORE_ID] && is_followed(m, rq, items.v[items.n - 1].id))
		ring_learn(&a->ring, items.v[items.n - 1].id);
	send_items(m, rq, &r.q, &items, r.q.backward);
}

static void
ask_page(struct hm_mod *m, struct hm_iq *rq, const struct range *r)
{
	const struct archive_config *cfg = hm_config(m);
	int64_t bytes = (int64_t)cfg->page_bytes;
	const struct hm_user *u = hm_iq_user(rq);
	struct hm_session *s = hm_iq_session(rq); /* NULL: it has ended meanwhile */
	struct archive_session *as = s ? hm_session_state(m, s) : NULL;

	if (as) {
		bool settled_all = hm_settled_below(u) == INT64_MAX;

		as->pages++;
		as->load = settled_all ? ((const struct archive *)hm_user_state(m, u))->load : 0;
	}
	if (r->q.with)
		hm_query(m, rq, r->q.backward ? WITH_BACKWARD : WITH_FORWARD, page_came,
		         hm_iq_account(rq), r->above, r->below, r->max + 1, bytes,
		         archive_conversation(hm_iq_account(rq), hm_tmp_bare(r->q.with)),
		         archive_resource(hm_tmp_resource(r->q.with)), r->q.with);
	else
		hm_query(m, rq, r->q.backward ? PAGE_BACKWARD : PAGE_FORWARD, page_came,
		         hm_iq_account(rq), r->above, r->below, r->max + 1, bytes);
}

/* --- From memory -------------------------------------------------------------------------------------- */

/* Which entries of the ring are the page: [*from, *upto); false: it can't tell. */
static bool
find_in_ring(const struct ring *ring, const struct range *r, unsigned *from, unsigned *upto)
{
	int64_t after = larger(r->place[AFTER_ID], r->place[RSM_AFTER]);
	unsigned n = ring_count(ring);

	*from = 0;
	if (after ? !ring_reaches(ring, after, from) : !r->q.backward || n == 0)
		return false;
	while (*from < n && ring_at(ring, *from)->id <= r->above)
		++*from;
	for (*upto = *from; *upto < n && ring_at(ring, *upto)->id < r->below;)
		++*upto;
	/* Without a place where it begins, it must hold a page and one more. */
	return after || *upto - *from > r->max;
}

static bool
answer_from_ring(struct hm_mod *m, struct hm_iq *rq, const struct range *r)
{
	const struct archive_config *cfg = hm_config(m);
	const struct archive *a = hm_user_state(m, hm_iq_user(rq));
	struct items items = { 0 };
	unsigned from, upto;
	size_t bytes = 0;

	if (r->q.with || r->q.ids)
		return false;
	if (!find_in_ring(&a->ring, r, &from, &upto)) {
		hm_count(m, RING_MISSES, r->place[AFTER_ID] || r->place[RSM_AFTER]);
		return false;
	}
	hm_count(m, RING_HITS, 1);
	items.v = hm_tmp_alloc((upto - from + 1) * sizeof(*items.v));
	for (; from < upto; r->q.backward ? upto-- : from++) {
		const struct ring_entry *e = ring_at(&a->ring, r->q.backward ? upto - 1 : from);

		if ((int64_t)items.n >= r->max || bytes >= cfg->page_bytes) {
			items.more = true;
			break;
		}
		bytes += e->bytes;
		items.v[items.n++] =
			(struct item){ e->id, hm_stanza_ref(e->stanza), hm_tmp_dup(e->to) };
	}
	send_items(m, rq, &r->q, &items, r->q.backward);
	return true;
}

/* --- By ids --------------------------------------------------------------------------------------------- */

static int
compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* "1,2,3", each once; sorts them. *n becomes how many there are. */
static const char *
list_of(int64_t *ids, size_t *n)
{
	char *text = hm_tmp_alloc(*n * 21 + 1), *at = text;
	size_t kept = 0;

	qsort(ids, *n, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < *n; i++) {
		const char *number;

		if (i > 0 && ids[i] == ids[i - 1])
			continue;
		number = hm_tmp_printf("%s%lld", kept ? "," : "", (long long)ids[i]);
		at = stpcpy(at, number);
		kept++;
	}
	*n = kept;
	return text;
}

/* The ids of the field; NULL: the request was answered. */
static const char *
read_ids(struct hm_mod *m, struct hm_iq *rq, const struct hm_elem *field, size_t *n)
{
	const struct archive_config *cfg = hm_config(m);
	int64_t *ids = hm_tmp_alloc((size_t)cfg->max_page_size * sizeof(*ids));

	*n = 0;
	hm_for_each_child (value, field) {
		bool transient;

		if (!hm_elem_is(value, NS_DATA, "value"))
			continue;
		if ((int64_t)*n >= cfg->max_page_size) {
			hm_iq_fail(rq, HM_NOT_ACCEPTABLE, "So many ids can't be asked for.");
			return NULL;
		}
		if (!read_id(m, rq, hm_tmp_text(value), &ids[*n], &transient) || transient) {
			hm_iq_fail(rq, HM_ITEM_NOT_FOUND, NULL);
			return NULL;
		}
		++*n;
	}
	return list_of(ids, n);
}

static void
ids_came(struct hm_iq *rq, struct hm_rows *rows)
{
	struct hm_mod *m = hm_iq_mod(rq);
	struct items items = { 0 };
	struct range r;
	size_t n, kept = 0;

	if (!read_range(m, rq, &r) || !read_ids(m, rq, r.q.ids, &n))
		return;
	if (hm_rows_count(rows) != n) {
		hm_iq_fail(rq, HM_ITEM_NOT_FOUND, NULL);
		return;
	}
	r.max = (int64_t)n;
	read_items(rq, &r, rows, &items);
	for (size_t i = 0; i < items.n; i++) {
		if (items.v[i].id > r.above && items.v[i].id < r.below)
			items.v[kept++] = items.v[i];
		else
			hm_stanza_unref(&items.v[i].stanza);
	}
	items.n = kept;
	send_items(m, rq, &r.q, &items, false);
}

/* --- The request -------------------------------------------------------------------------------------- */

static void
ask_items(struct hm_mod *m, struct hm_iq *rq, const struct range *r)
{
	const struct archive_config *cfg = hm_config(m);
	const char *ids;
	size_t n;

	if (!r->q.ids) {
		if (!answer_from_ring(m, rq, r))
			ask_page(m, rq, r);
	} else if ((ids = read_ids(m, rq, r->q.ids, &n))) {
		hm_query(m, rq, BY_IDS, ids_came, hm_iq_account(rq), ids, (int64_t)cfg->page_bytes);
	}
}

static size_t
places_to_find(const struct range *r, int64_t ids[PLACES_MAX])
{
	size_t n = 0;

	for (int i = 0; i < PLACES_MAX; i++) {
		if (r->of_rows[i])
			ids[n++] = r->place[i];
	}
	return n;
}

static void
places_came(struct hm_iq *rq, struct hm_rows *rows)
{
	struct hm_mod *m = hm_iq_mod(rq);
	int64_t ids[PLACES_MAX];
	struct range r;
	size_t n;

	if (!read_range(m, rq, &r))
		return;
	n = places_to_find(&r, ids);
	list_of(ids, &n);
	if (hm_rows_count(rows) < n)
		hm_iq_fail(rq, HM_ITEM_NOT_FOUND, NULL);
	else
		ask_items(m, rq, &r);
}

/* What was on its way when it was asked is in the answer: nobody asks for it again. */
static void
query_settled(struct hm_iq *rq)
{
	struct hm_mod *m = hm_iq_mod(rq);
	int64_t ids[PLACES_MAX];
	struct range r;
	size_t n;

	if (!read_range(m, rq, &r))
		return;
	n = places_to_find(&r, ids);
	if (r.find)
		hm_query(m, rq, FIND, places_came, hm_iq_account(rq), list_of(ids, &n));
	else
		ask_items(m, rq, &r);
}

void
archive_query(struct hm_mod *m, struct hm_iq *rq)
{
	struct hm_session *s = hm_iq_session(rq);
	struct archive_session *as = s ? hm_session_state(m, s) : NULL;
	struct range r;

	if (!s) {
		hm_iq_fail(rq, HM_FORBIDDEN, NULL);
		return;
	}
	if (!read_range(m, rq, &r))
		return;
	hm_count(m, QUERIES, 1);
	if (!r.q.with && !r.q.ids && r.q.end_us == INT64_MAX && !r.place[BEFORE_ID] &&
	    !r.place[RSM_BEFORE])
		as->asked_below = hm_ids_below(hm_iq_user(rq));
	hm_iq_when_settled(rq, query_settled);
}

/* --- The form and the ends ---------------------------------------------------------------------------- */

static void
write_field(struct hm_writer *w, const char *type, const char *var)
{
	hm_open(w, NS_DATA, "field");
	hm_attr(w, "type", type);
	hm_attr(w, "var", var);
	if (strcmp(var, "FORM_TYPE") == 0)
		hm_leaf(w, "value", NS_MAM);
	if (strcmp(var, "ids") == 0) {
		hm_open(w, "http://jabber.org/protocol/xdata-validate", "validate");
		hm_attr(w, "datatype", "xs:string");
		hm_leaf(w, "open", NULL);
		hm_close(w);
	}
	hm_close(w);
}

void
archive_form(struct hm_mod *m, struct hm_iq *rq)
{
	static const char *const fields[][2] = {
		{ "hidden", "FORM_TYPE" },      { "jid-single", "with" },
		{ "text-single", "start" },     { "text-single", "end" },
		{ "text-single", "before-id" }, { "text-single", "after-id" },
		{ "list-multi", "ids" },        { "boolean", "include-groupchat" },
	};
	struct hm_writer *w = hm_iq_result(rq);

	hm_open(w, NS_MAM, "query");
	hm_open(w, NS_DATA, "x");
	hm_attr(w, "type", "form");
	for (size_t i = 0; i < HM_COUNT(fields); i++)
		write_field(w, fields[i][0], fields[i][1]);
	hm_close(w);
	hm_close(w);
	hm_iq_done(rq);
}

static void
ends_came(struct hm_iq *rq, struct hm_rows *rows)
{
	static const char *const names[] = { "start", "end" };
	struct hm_mod *m = hm_iq_mod(rq);
	struct hm_writer *w = hm_iq_result(rq);
	bool empty = !hm_next_row(rows) || hm_col_null(rows, 0);

	hm_open(w, NS_MAM, "metadata");
	for (unsigned i = 0; i < 2 && !empty; i++) {
		int64_t id = hm_col_int(rows, i);

		hm_open(w, NS_MAM, names[i]);
		hm_attr(w, "id", archive_iface.tmp_id(m, hm_iq_user(rq), id, false));
		hm_attr(w, "timestamp", hm_tmp_stamp(id));
		hm_close(w);
	}
	hm_close(w);
	hm_iq_done(rq);
}

void
archive_metadata(struct hm_mod *m, struct hm_iq *rq)
{
	struct hm_user *u = hm_iq_user(rq);

	hm_query(m, rq, ENDS, ends_came, hm_iq_account(rq), archive_floor(m, u), settled(u));
}
