/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Addresses and PRECIS strings from anywhere: what is accepted is within its
 * limits, is UTF-8, and comes out of a second enforcement as it went in.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/codec.h"
#include "xmpp/jid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
equals(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* A part is its own prepared form. */
static void
check_part(const char *part, const char *(*prepare)(const char *, struct arena *), struct arena *a)
{
	if (!part)
		return;
	must(*part && strlen(part) <= JID_PART_MAX);
	must(utf8_valid(part, strlen(part)));
	must(equals(prepare(part, a), part));
}

static void
check_jid(const char *text, struct arena *a)
{
	const char *ascii;
	struct jid first, second;

	if (!jid_parse(&first, text, a))
		return;
	must(jid_parse(&second, first.full, a));
	must(equals(first.full, second.full));
	must(equals(first.bare, second.bare));
	must(equals(first.local, second.local));
	must(equals(first.domain, second.domain));
	must(equals(first.resource, second.resource));
	must(equals(first.full, jid_join(first.local, first.domain, first.resource, a)));
	must(equals(first.bare, jid_join(first.local, first.domain, NULL, a)));
	check_part(first.local, jid_prepare_local, a);
	check_part(first.domain, jid_prepare_domain, a);
	check_part(first.resource, jid_prepare_resource, a);
	ascii = jid_domain_ascii(first.domain, a);
	must(!ascii == (first.domain[0] == '['));
	if (ascii) {
		must(strlen(ascii) <= 253);
		must(equals(jid_prepare_domain(ascii, a), first.domain));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	const char *text = arena_strndup(a, (const char *)data, size);

	check_jid(text, a);
	check_part(precis_username(text, a), precis_username, a);
	check_part(precis_opaque_string(text, a), precis_opaque_string, a);
	check_part(precis_nickname(text, a), precis_nickname, a);
	arena_free(&a);
	return 0;
}
