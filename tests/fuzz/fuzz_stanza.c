/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * One element becomes a stanza; its stored form must come back the same, and
 * copies and replies must be well-formed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "xml/parser.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct xml_limits limits = { .stanza_bytes = 100000, .depth = 30, .nodes = 1000 };

static void
require(int cond)
{
	if (!cond)
		abort();
}

/* Reads back what is written, compares, and lets go of it. */
static void
check(const struct hm_stanza *s)
{
	const struct hm_stanza *again;
	struct buf first = { 0 }, second = { 0 };

	stanza_write(s, NULL, &first);
	again = stanza_parse(first.data, first.len);
	require(again != NULL);
	stanza_write(again, NULL, &second);
	require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	require(s->kind == again->kind && s->type == again->type);
	buf_free(&first);
	buf_free(&second);
	stanza_unref(&again);
	stanza_unref(&s);
}

static bool
keep_some(const struct hm_elem *child, void *ctx)
{
	unsigned *turn = ctx;

	return (*turn)++ % 2;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct hm_elem *root;
	const struct hm_stanza *s, *reply;
	struct stanza_build b;
	unsigned turn = 0;

	root = size ? xml_parse(a, (const char *)data + 1, size - 1,
	                        data[0] & 1 ? NS_SERVER : NS_CLIENT, &limits)
	            : NULL;
	s = root ? stanza_take(&a, root, elem_attr(root, "from"), "en") : NULL;
	arena_free(&a);
	if (!s)
		return 0;
	reply = stanza_error_reply(s, "a.example", HM_BAD_REQUEST, s->id);
	if (reply)
		check(reply);
	stanza_payload(s);
	stanza_has_body(s);
	stanza_error_cond(s);
	stanza_build_from(&b, s, keep_some, &turn);
	writer_attr(&b.w, "type", s->id);
	check(stanza_build_done(&b, s->from));
	check(stanza_with_from(s, s->id));
	check(s);
	return 0;
}
