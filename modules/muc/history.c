/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * muc/history.c - the last messages of a room in memory, and its subject, for those who enter
 * (XEP-0045 7.2.13 to 7.2.15).
 *
 * The room's archive (XEP-0313) will stand beside it: history_add() is where every message passes that is
 * kept, with its id, in the order in which all get it.
 */
#include "muc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void
write_delay(struct hm_writer *w, const struct room *r, int64_t at)
{
	hm_open(w, NS_DELAY, "delay");
	hm_attr(w, "from", hm_entity_jid(r->e));
	hm_attr(w, "stamp", hm_tmp_stamp(at));
	hm_close(w);
}

void
history_clear(struct room *r)
{
	for (size_t i = 0; i < r->n_past; i++)
		hm_stanza_unref(&r->past[(r->first_past + i) % r->max_past].stanza);
	hm_free(r->past);
	r->past = NULL;
	r->n_past = r->first_past = r->max_past = 0;
}

static size_t
wanted_size(const struct room *r)
{
	int64_t most = room_config(r)->max_history;

	return (size_t)(r->options.history < most ? r->options.history : most);
}

/* After a change of the configuration: what fits of the newest stays. */
static void
resize(struct room *r, size_t max)
{
	struct past *past = max ? hm_alloc(max * sizeof(*past)) : NULL;
	size_t drop = r->n_past > max ? r->n_past - max : 0, kept = 0;

	for (size_t i = 0; i < r->n_past; i++) {
		struct past *p = &r->past[(r->first_past + i) % r->max_past];

		if (i < drop)
			hm_stanza_unref(&p->stanza);
		else
			past[kept++] = *p;
	}
	hm_free(r->past);
	r->past = past;
	r->n_past = kept;
	r->first_past = 0;
	r->max_past = max;
}

void
history_add(struct room *r, const struct hm_stanza *s, int64_t at)
{
	struct hm_writer *w;
	struct past *p;

	if (wanted_size(r) != r->max_past)
		resize(r, wanted_size(r));
	if (r->max_past == 0)
		return;
	w = hm_stanza_copy(s, NULL, NULL);
	write_delay(w, r, at);
	if (r->n_past == r->max_past) {
		hm_stanza_unref(&r->past[r->first_past].stanza);
		r->first_past = (r->first_past + 1) % r->max_past;
		r->n_past--;
	}
	p = &r->past[(r->first_past + r->n_past++) % r->max_past];
	p->stanza = hm_stanza_done_ref(w, hm_stanza_from(s));
	p->at = at;
}

/* --- What of it (XEP-0045 7.2.14) --------------------------------------------------------- */

static int64_t
limit_of(const struct hm_elem *history, const char *name)
{
	const char *text = history ? hm_elem_attr(history, name) : NULL;
	char *rest;
	long long n;

	if (!text)
		return INT64_MAX;
	n = strtoll(text, &rest, 10);
	return *rest || rest == text || n < 0 ? INT64_MAX : n;
}

/* XEP-0082, to seconds; INT64_MIN: it is none. */
static int64_t
time_of(const char *text)
{
	struct tm tm = { 0 };
	char sign = '+';
	int hours = 0, minutes = 0, n = 0;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
	           &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &n) != 6 ||
	    tm.tm_mon < 1 || tm.tm_mon > 12)
		return INT64_MIN;
	text += n;
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	if (strcmp(text, "Z") != 0 && (sscanf(text, "%c%2d:%2d", &sign, &hours, &minutes) != 3 ||
	                               (sign != '+' && sign != '-')))
		return INT64_MIN;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return ((int64_t)timegm(&tm) - (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60)) *
	       1000000;
}

/* Messages before this are not wanted. */
static int64_t
since_of(const struct hm_elem *history)
{
	int64_t seconds = limit_of(history, "seconds"), since = INT64_MIN;
	const char *text = history ? hm_elem_attr(history, "since") : NULL;

	if (text)
		since = time_of(text);
	if (seconds < INT64_MAX / 2000000 && hm_now_us() - seconds * 1000000 > since)
		since = hm_now_us() - seconds * 1000000;
	return since;
}

/* The first that is sent. */
static size_t
first_of(const struct room *r, const struct hm_elem *history)
{
	int64_t stanzas = limit_of(history, "maxstanzas"), chars = limit_of(history, "maxchars");
	int64_t since = since_of(history);
	size_t i = r->n_past;

	while (i > 0 && stanzas-- > 0) {
		const struct past *p = &r->past[(r->first_past + i - 1) % r->max_past];

		chars -= (int64_t)hm_stanza_bytes(p->stanza);
		if (chars < 0 || p->at < since)
			break;
		i--;
	}
	return i;
}

void
history_send(struct room *r, struct device *d, const struct hm_elem *x)
{
	for (size_t i = first_of(r, hm_child(x, NS_MUC, "history")); i < r->n_past; i++)
		hm_forward(r->m, r->past[(r->first_past + i) % r->max_past].stanza, NULL, d->jid);
}

void
subject_send(struct room *r, struct device *d)
{
	struct hm_writer *w = hm_stanza_new(HM_MESSAGE, "groupchat", NULL);

	hm_leaf(w, "subject", r->subject);
	if (r->subject)
		write_delay(w, r, r->subject_at);
	hm_send(r->m, w, r->subject_by ? r->subject_by : hm_entity_jid(r->e), d->jid);
}

void
message_codes(struct room *r, const unsigned *codes)
{
	struct hm_writer *w = hm_stanza_new(HM_MESSAGE, "groupchat", NULL);
	const struct hm_stanza *s;

	hm_open(w, NS_MUC_USER, "x");
	write_codes(w, codes);
	hm_close(w);
	s = hm_stanza_done_ref(w, hm_entity_jid(r->e));
	hm_fanout(r->m, s, r->addresses, r->n);
	hm_stanza_unref(&s);
}
