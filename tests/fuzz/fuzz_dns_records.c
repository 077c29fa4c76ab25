/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * RDATA of anybody's DNS: SRV, TLSA and address records.  A name that is accepted is one that can be asked
 * for, and comes out as it is when it is read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "net/targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_srv(const struct hm_blob *rdata)
{
	char again[DNS_NAME_MAX + 1];
	struct target t;

	if (!target_read_srv(rdata, &t) || !t.host[0])
		return;
	must(t.port != 0);
	must(target_name_read(t.host, again) && strcmp(t.host, again) == 0);
}

static void
check_tlsa(const struct hm_blob *rdata, struct arena *a)
{
	struct target_tlsa tlsa;

	if (target_read_tlsa(rdata, a, &tlsa))
		must(tlsa.data.len == rdata->len - 3 && tlsa.data.data);
}

static void
check_addresses(const struct hm_blob *rdata)
{
	struct target t = { .port = 5269 };
	char text[TARGET_ADDRESS_TEXT_MAX];
	union target_address again;

	target_add_address(&t, DNS_A, rdata);
	target_add_address(&t, DNS_AAAA, rdata);
	target_interleave(&t);
	for (size_t i = 0; i < t.n_addresses; i++) {
		must(target_address_text(&t.address[i], text));
		must(target_address_read(text, t.port, &again));
		must(memcmp(&again, &t.address[i], target_address_len(&again)) == 0);
	}
}

static void
check_name(const char *text)
{
	char once[DNS_NAME_MAX + 1], twice[DNS_NAME_MAX + 1];
	union target_address ignored;

	if (target_name_read(text, once))
		must(target_name_read(once, twice) && strcmp(once, twice) == 0);
	(void)target_address_read(text, 1, &ignored);
	(void)dns_server_valid(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	const struct hm_blob rdata = { data, size };

	check_srv(&rdata);
	check_tlsa(&rdata, a);
	check_addresses(&rdata);
	check_name(arena_strndup(a, (const char *)data, size));
	arena_free(&a);
	return 0;
}
