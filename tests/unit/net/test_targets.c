/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Records of the DNS read from their bytes, and their order. */
#include <string.h>

#include "base/arena.h"
#include "net/targets.h"
#include "net_test.h"

#define BLOB(text) ((struct hm_blob){ (text), sizeof(text) - 1 })

static void
srv_records_are_read(void **state)
{
	const struct hm_blob good = BLOB("\0\12\0\5\x14\x95\4Host\7Example\0"),
			     root = BLOB("\0\0\0\0\0\0\0");
	struct target t;

	assert_true(target_read_srv(&good, &t));
	assert_int_equal(t.priority, 10);
	assert_int_equal(t.weight, 5);
	assert_int_equal(t.port, 5269);
	assert_string_equal(t.host, "host.example");
	assert_true(target_read_srv(&root, &t));
	assert_string_equal(t.host, "");
}

static void
broken_srv_records_are_refused(void **state)
{
	const struct hm_blob broken[] = {
		BLOB(""),
		BLOB("\0\0\0\0\0\1"),                  /* no name */
		BLOB("\0\0\0\0\0\1\4Host"),            /* no end of the name */
		BLOB("\0\0\0\0\0\1\5Host"),            /* a label too long */
		BLOB("\0\0\0\0\0\1\4Host\0x"),         /* something behind it */
		BLOB("\0\0\0\0\0\1\300\14"),           /* compressed */
		BLOB("\0\0\0\0\0\1\4a.b.\7example\0"), /* dots in a label */
		BLOB("\0\0\0\0\0\1\4a\0b \7example\0"),
		BLOB("\0\0\0\0\0\1\4a/b!\7example\0"),
		BLOB("\0\0\0\0\0\0\4Host\0"), /* port 0 */
	};
	struct target t;

	for (size_t i = 0; i < HM_COUNT(broken); i++)
		assert_false(target_read_srv(&broken[i], &t));
}

static void
a_name_has_its_bounds(void **state)
{
	char long_name[DNS_NAME_MAX + 3], out[DNS_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof(long_name); i++)
		long_name[i] = i % 2 ? '.' : 'a';
	long_name[DNS_NAME_MAX] = '\0';
	assert_true(target_name_read(long_name, out));
	assert_string_equal(out, long_name);
	long_name[DNS_NAME_MAX] = '.';
	long_name[DNS_NAME_MAX + 1] = 'a';
	long_name[DNS_NAME_MAX + 2] = '\0';
	assert_false(target_name_read(long_name, out));
	memset(long_name, 'a', 64);
	long_name[64] = '\0';
	assert_false(target_name_read(long_name, out));
	long_name[63] = '\0';
	assert_true(target_name_read(long_name, out));
	assert_false(target_name_read("", out));
	assert_false(target_name_read(".", out));
	assert_false(target_name_read("a..b", out));
	assert_false(target_name_read(".a", out));
	assert_false(target_name_read("m\xc3\xbcller.example", out));
}

static void
tlsa_records_have_bounds(void **state)
{
	static char data[5000];
	struct arena *arena = arena_new(0);
	struct target_tlsa tlsa;

	assert_false(target_read_tlsa(&(struct hm_blob){ data, 3 }, arena, &tlsa));
	assert_true(target_read_tlsa(&(struct hm_blob){ data, 35 }, arena, &tlsa));
	assert_int_equal(tlsa.data.len, 32);
	assert_false(target_read_tlsa(&(struct hm_blob){ data, 5000 }, arena, &tlsa));
	arena_free(&arena);
}

static void
addresses_are_bounded_and_sane(void **state)
{
	struct target t = { .port = 5269 };
	const struct hm_blob bad4[] = { BLOB("\0\0\0\0"), BLOB("\340\0\0\1"),
		                        BLOB("\377\377\377\377"), BLOB("\177\0\0") },
			     good4 = BLOB("\177\0\0\1"),
			     mapped = BLOB("\0\0\0\0\0\0\0\0\0\0\377\377\0\0\0\0");

	for (size_t i = 0; i < HM_COUNT(bad4); i++)
		target_add_address(&t, DNS_A, &bad4[i]);
	target_add_address(&t, DNS_AAAA, &mapped);
	target_add_address(&t, DNS_AAAA, &good4);
	assert_int_equal(t.n_addresses, 0);
	for (size_t i = 0; i < TARGET_ADDRESSES_MAX + 5; i++)
		target_add_address(&t, DNS_A, &good4);
	assert_int_equal(t.n_addresses, TARGET_ADDRESSES_MAX);
}

static void
families_take_turns(void **state)
{
	static const char *const before[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1",
		                              "2001:db8::2" },
				 *const after[] = { "2001:db8::1", "192.0.2.1", "2001:db8::2",
		                                    "192.0.2.2", "192.0.2.3" };
	struct target t = { 0 };
	char text[TARGET_ADDRESS_TEXT_MAX];

	for (; t.n_addresses < HM_COUNT(before); t.n_addresses++)
		assert_true(
			target_address_read(before[t.n_addresses], 1, &t.address[t.n_addresses]));
	target_interleave(&t);
	for (size_t i = 0; i < HM_COUNT(after); i++)
		assert_string_equal(target_address_text(&t.address[i], text), after[i]);
}

/* 4000 draws: the bounds are more than ten standard deviations away. */
static void
weights_decide_among_equals(void **state)
{
	unsigned first[4] = { 0 };

	for (unsigned i = 0; i < 4000; i++) {
		struct target t[4] = { { .priority = 2, .weight = 9 },
			               { .priority = 1, .weight = 10 },
			               { .priority = 1, .weight = 30 },
			               { .priority = 1, .weight = 0 } };
		struct target *v[4] = { &t[0], &t[1], &t[2], &t[3] };

		targets_sort(v, 4);
		assert_ptr_equal(v[3], &t[0]);
		first[v[0] - t]++;
	}
	assert_int_equal(first[0], 0);
	assert_in_range(first[1], 600, 1400);
	assert_in_range(first[2], 2500, 3500);
	assert_in_range(first[3], 1, 400);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(srv_records_are_read),
		cmocka_unit_test(broken_srv_records_are_refused),
		cmocka_unit_test(a_name_has_its_bounds),
		cmocka_unit_test(tlsa_records_have_bounds),
		cmocka_unit_test(addresses_are_bounded_and_sane),
		cmocka_unit_test(families_take_turns),
		cmocka_unit_test(weights_decide_among_equals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
