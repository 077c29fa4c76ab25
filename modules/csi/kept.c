/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * The stanzas that wait for one client. A list: there are a few hundred at most. What was kept back
 * says when it came (XEP-0203), but for chat states, which are still true.
 */
#include <stdlib.h>
#include <string.h>

#include "csi.h"

#define COMPOSING_US INT64_C(30000000) /* nobody types so long without a message */

struct csi_stanza {
	struct csi_stanza *next;
	const struct hm_stanza *stanza;
	char *to; /* NULL: the session's full JID */
	char *key;
	int64_t id, since_us;
	size_t bytes;
	bool state, composing;
};

static struct csi_stanza *
take_first(struct csi_kept *k)
{
	struct csi_stanza *x = k->first;

	k->first = x->next;
	if (!k->first)
		k->last = NULL;
	k->n--;
	k->bytes -= x->bytes;
	return x;
}

static void
stanza_free(struct csi_stanza *x)
{
	hm_stanza_unref(&x->stanza);
	hm_free(x->to);
	hm_free(x->key);
	hm_free(x);
}

void
csi_kept_free(struct csi_kept *k)
{
	while (k->first)
		stanza_free(take_first(k));
}

static void
append(struct csi_kept *k, struct csi_stanza *x)
{
	x->bytes = sizeof(*x) + hm_stanza_memory(x->stanza) + (x->to ? strlen(x->to) : 0) +
	           (x->key ? strlen(x->key) : 0);
	if (k->last)
		k->last->next = x;
	else
		k->first = x;
	k->last = x;
	k->n++;
	k->bytes += x->bytes;
}

static char *
dup_or_null(const char *s)
{
	return s ? hm_dup(s) : NULL;
}

void
csi_keep(struct csi_kept *k, const struct hm_stanza *stanza, const char *to, int64_t id,
         const struct csi_verdict *v)
{
	struct csi_stanza *x = hm_alloc(sizeof(*x));

	x->stanza = hm_stanza_ref(stanza);
	x->to = dup_or_null(to);
	/* What an archive shows is never dropped: somebody waits to hear of it. */
	x->key = id <= 0 ? dup_or_null(v->key) : NULL;
	x->id = id;
	x->since_us = hm_now_us();
	x->state = v->kind == CSI_CHAT_STATE;
	x->composing = v->composing;
	append(k, x);
}

bool
csi_forget(struct csi_kept *k, const char *key)
{
	struct csi_stanza *before = NULL;

	for (struct csi_stanza *x = k->first; x; before = x, x = x->next) {
		if (!x->key || strcmp(x->key, key) != 0)
			continue;
		if (before)
			before->next = x->next;
		else
			k->first = x->next;
		if (k->last == x)
			k->last = before;
		k->n--;
		k->bytes -= x->bytes;
		stanza_free(x);
		return true;
	}
	return false;
}

int64_t
csi_oldest_us(const struct csi_kept *k)
{
	return k->first ? k->first->since_us : 0;
}

/* --- Over a restart ------------------------------------------------------------------------------------ */

void
csi_save(const struct csi_kept *k, struct hm_writer *w)
{
	for (const struct csi_stanza *x = k->first; x; x = x->next) {
		hm_open(w, NULL, "kept");
		hm_attr(w, "to", x->to);
		hm_attr(w, "key", x->key);
		hm_attr_int(w, "id", x->id);
		hm_attr_int(w, "since", x->since_us);
		hm_attr_int(w, "state", x->state);
		hm_attr_int(w, "composing", x->composing);
		hm_put_stanza(w, x->stanza, NULL);
		hm_close(w);
	}
}

static int64_t
number(const struct hm_elem *e, const char *name)
{
	const char *text = hm_elem_attr(e, name);

	return text ? strtoll(text, NULL, 10) : 0;
}

void
csi_restore(struct csi_kept *k, const struct hm_elem *saved)
{
	hm_for_each_child (e, saved) {
		const struct hm_stanza *stanza = hm_stanza_parse_ref(hm_tmp_inner_xml(e));
		struct csi_stanza *x;

		if (!stanza)
			continue;
		x = hm_alloc(sizeof(*x));
		x->stanza = stanza;
		x->to = dup_or_null(hm_elem_attr(e, "to"));
		x->key = dup_or_null(hm_elem_attr(e, "key"));
		x->id = number(e, "id");
		x->since_us = number(e, "since");
		x->state = number(e, "state");
		x->composing = number(e, "composing");
		append(k, x);
	}
}

/* --- Out --------------------------------------------------------------------------------------------- */

static void
put_delay(struct hm_mod *m, struct hm_writer *w, int64_t since_us)
{
	hm_open(w, NS_DELAY, "delay");
	hm_attr(w, "from", hm_host(m));
	hm_attr(w, "stamp", hm_tmp_stamp(since_us));
	hm_close(w);
}

static bool
is_other(const struct hm_elem *child, void *ctx)
{
	return child != ctx;
}

/* XEP-0297 3.2: a copy says inside when its original came. */
static struct hm_writer *
stamped_carbon(struct hm_mod *m, const struct csi_stanza *x, const struct hm_elem *carbon)
{
	const struct hm_elem *forwarded = hm_child(carbon, NS_FORWARD, "forwarded");
	struct hm_writer *w = hm_stanza_copy(x->stanza, is_other, (void *)(uintptr_t)carbon);

	hm_open(w, NS_CARBONS, hm_elem_name(carbon));
	hm_open(w, NS_FORWARD, "forwarded");
	put_delay(m, w, x->since_us);
	hm_for_each_child (e, forwarded)
		hm_put_elem(w, e);
	hm_close(w);
	hm_close(w);
	return w;
}

static bool
says_when(const struct hm_elem *e)
{
	return e && hm_child(e, NS_DELAY, "delay");
}

static const struct hm_stanza *
stamped_ref(struct hm_mod *m, const struct hm_session *s, const struct csi_stanza *x)
{
	const struct hm_elem *carbon = csi_carbon(s, x->stanza);
	struct hm_writer *w;

	if (x->state || says_when(hm_stanza_root(x->stanza)))
		return hm_stanza_ref(x->stanza);
	if (carbon && csi_carbon_message(carbon)) {
		if (says_when(hm_child(carbon, NS_FORWARD, "forwarded")) ||
		    says_when(csi_carbon_message(carbon)))
			return hm_stanza_ref(x->stanza);
		w = stamped_carbon(m, x, carbon);
	} else {
		w = hm_stanza_copy(x->stanza, NULL, NULL);
		put_delay(m, w, x->since_us);
	}
	return hm_stanza_done_ref(w, hm_stanza_from(x->stanza));
}

static bool
is_stale(const struct csi_stanza *x)
{
	return x->composing && x->id <= 0 && hm_now_us() - x->since_us > COMPOSING_US;
}

unsigned
csi_write(struct hm_mod *m, struct hm_session *s, struct csi_kept *k)
{
	unsigned written = 0;

	while (k->first) {
		struct csi_stanza *x = take_first(k);

		if (!is_stale(x)) {
			const struct hm_stanza *out = stamped_ref(m, s, x);

			hm_write_to_session(m, s, out, x->to, x->id);
			hm_stanza_unref(&out);
			written++;
		}
		stanza_free(x);
	}
	return written;
}
