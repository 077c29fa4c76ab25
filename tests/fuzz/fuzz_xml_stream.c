/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Bytes of a stream.  The first two bytes of the input say how the rest is cut
 * into pieces; the same must come out as without cutting, and what came
 * out, written and read again, must be the same tree.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "xml/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct xml_limits limits = { .stanza_bytes = 4000, .depth = 30, .nodes = 200 };
/* Escapes and declarations make the written form larger. */
static const struct xml_limits written = { .stanza_bytes = 1 << 20, .depth = 30, .nodes = 400 };

static void
require(int cond)
{
	if (!cond)
		abort();
}

static void
note_element(const struct hm_elem *e, struct buf *events)
{
	struct arena *a = arena_new(0);
	struct buf first = { 0 }, second = { 0 };
	const struct hm_elem *again;

	elem_write(e, "jabber:client", &first);
	again = xml_parse(a, first.data, first.len, "jabber:client", &written);
	require(again != NULL);
	require(elem_count(again) == elem_count(e));
	elem_write(again, "jabber:client", &second);
	require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	buf_append(events, first.data, first.len);
	buf_free(&first);
	buf_free(&second);
	arena_free(&a);
}

/* Pieces of 1 to 8 bytes for some seeds, of up to 1 KiB for others; 0: all at once. */
static size_t
piece_size(uint16_t *seed)
{
	*seed = (uint16_t)(*seed * 25173u + 13849u);
	return 1 + (*seed >> 4) % (*seed & 8 ? 8 : 1024);
}

/* Feeds all; returns the fault. */
static enum xml_fault
run(const char *data, size_t len, uint16_t seed, struct buf *events)
{
	struct xml_stream *s = xml_stream_new(&limits);
	size_t at = 0, used;
	enum xml_fault fault;

	while (at < len && !xml_stream_fault(s)) {
		size_t piece = seed ? piece_size(&seed) : len;
		struct arena *arena = NULL;
		struct hm_elem *elem = NULL;
		enum xml_event event;

		piece = piece < len - at ? piece : len - at;
		event = xml_stream_feed(s, data + at, piece, &used, &arena, &elem);
		require(used <= piece);
		require(event != XML_EV_MORE || used == piece);
		require((event == XML_EV_FAULT) == (xml_stream_fault(s) != 0));
		at += used;
		buf_putc(events, (char)('0' + event));
		if (event == XML_EV_MORE || event == XML_EV_FAULT)
			events->len--;
		if (elem)
			note_element(elem, events);
		arena_free(&arena);
	}
	fault = xml_stream_fault(s);
	xml_stream_free(&s);
	/* Half a character in the wrong place is not called the same as a whole one. */
	return fault == XML_INVALID_UTF8 ? XML_NOT_WELL_FORMED : fault;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = { 0 }, cut = { 0 };
	enum xml_fault whole_fault, cut_fault;
	uint16_t seed;

	if (size < 2)
		return 0;
	seed = (uint16_t)(data[0] << 8 | data[1]);
	whole_fault = run((const char *)data + 2, size - 2, 0, &whole);
	cut_fault = run((const char *)data + 2, size - 2, seed ? seed : 1, &cut);
	require(whole.len == cut.len &&
	        (whole.len == 0 || memcmp(whole.data, cut.data, whole.len) == 0));
	/* The tail of an unfinished tag may be looked at later. */
	require(whole_fault == cut_fault || !whole_fault || !cut_fault);
	buf_free(&whole);
	buf_free(&cut);
	return 0;
}
