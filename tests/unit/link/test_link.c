/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Ids, homes, published hosts, and what a message owns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "link/link.h"
#include "loop/worker.h"

#define WORKERS 4

/* --- A loop that only notes where a mail goes --------------------------------------------- */

static unsigned self, posted_to;
static struct mail *posted;

unsigned
workers_count(void)
{
	return WORKERS;
}

unsigned
worker_self(void)
{
	return self;
}

void
worker_post(unsigned worker, struct mail *mail)
{
	posted_to = worker;
	posted = mail;
}

static enum link_kind core_got, stream_got;

static void
core(struct link_msg *take)
{
	core_got = take->kind;
	link_free(take);
}

static void
stream(struct link_msg *take)
{
	stream_got = take->kind;
	link_free(take);
}

/* --- Tests ----------------------------------------------------------------------------------- */

static void
ids_carry_their_worker_and_are_never_given_twice(void **state)
{
	uint64_t first, second;

	for (self = 0; self < WORKERS; self++) {
		first = link_new_id();
		second = link_new_id();
		assert_int_not_equal(first, 0);
		assert_int_not_equal(first, second);
		assert_int_equal(link_worker(first), self);
		assert_int_equal(link_worker(second), self);
	}
	self = 0;
}

static void
a_message_goes_to_the_worker_of_its_stream(void **state)
{
	struct link_msg *msg;

	link_set_receivers(core, stream);
	self = 2;
	msg = link_new(LINK_OUT, link_new_id(), 0);
	self = 0;
	link_to_stream(msg);
	assert_int_equal(posted_to, 2);
	posted->run(posted);
	assert_int_equal(stream_got, LINK_OUT);
	link_to_core(3, link_new(LINK_IDLE, 0, 7));
	assert_int_equal(posted_to, 3);
	posted->run(posted);
	assert_int_equal(core_got, LINK_IDLE);
}

/* The sanitizers tell what is lost or freed twice. */
static void
a_message_is_freed_with_all_that_it_owns(void **state)
{
	struct link_msg *msg = link_new(LINK_CREDENTIAL, 1, 0);

	for (unsigned i = 0; i < LINK_HASHES; i++)
		msg->u.credential.verifier[i] = mem_strdup("verifier");
	link_free(msg);
	msg = link_new(LINK_ATTACH, 1, 0);
	msg->u.attach.bare = mem_strdup("romeo@a.example");
	msg->u.attach.source = mem_strdup("127.0.0.1");
	msg->u.attach.tls = mem_strdup("TLSv1.3");
	msg->u.attach.mechanism = mem_strdup("PLAIN");
	link_free(msg);
	msg = link_new(LINK_STRANGER_IQ, 1, 0);
	msg->u.stranger.host = mem_strdup("a.example");
	msg->u.stranger.source = mem_strdup("127.0.0.1");
	msg->u.stranger.arena = arena_new(0);
	link_free(msg);
	msg = link_new(LINK_CLOSE, 1, 0);
	msg->u.close.text = mem_strdup("bye");
	link_free(msg);
	for (int kind = LINK_LOOK_UP; kind <= LINK_CLOSE; kind++)
		link_free(link_new((enum link_kind)kind, 0, 0)); /* with nothing */
}

static void
homes_are_spread_and_stable(void **state)
{
	unsigned at[WORKERS] = { 0 };
	char address[40];

	for (unsigned i = 0; i < 400; i++) {
		snprintf(address, sizeof(address), "user%u@a.example", i);
		assert_int_equal(link_home(address), link_home(address));
		at[link_home(address)]++;
	}
	for (unsigned i = 0; i < WORKERS; i++)
		assert_in_range(at[i], 60, 140);
	assert_in_range(link_guard("192.0.2.1"), 0, WORKERS - 1);
}

static void
tests_place_addresses(void **state)
{
	unsigned by_hash = link_home("nurse@a.example");

	link_place("romeo@a.example", 1);
	link_place("juliet@a.example", WORKERS + 2); /* there may be fewer workers than places */
	assert_int_equal(link_home("romeo@a.example"), 1);
	assert_int_equal(link_home("juliet@a.example"), 2);
	assert_int_equal(link_home("nurse@a.example"), by_hash);
	link_place_all(3);
	assert_int_equal(link_home("nurse@a.example"), 3);
	assert_int_equal(link_home("romeo@a.example"), 1);
	link_place_all(-1);
	assert_int_equal(link_home("nurse@a.example"), by_hash);
}

static void
hosts_are_found_once_they_are_published(void **state)
{
	static const struct link_host two[] = { { .domain = "a.example" },
		                                { .domain = "b.example" } };
	static const struct link_hosts before = { 1, two }, after = { 2, two };

	assert_null(link_find_host("a.example"));
	assert_null(link_first_host());
	link_publish_hosts(&before);
	assert_ptr_equal(link_find_host("a.example"), &two[0]);
	assert_null(link_find_host("b.example"));
	link_publish_hosts(&after);
	assert_ptr_equal(link_find_host("b.example"), &two[1]);
	assert_ptr_equal(link_first_host(), &two[0]);
	assert_null(link_find_host("A.EXAMPLE")); /* names are normalised before */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_carry_their_worker_and_are_never_given_twice),
		cmocka_unit_test(a_message_goes_to_the_worker_of_its_stream),
		cmocka_unit_test(a_message_is_freed_with_all_that_it_owns),
		cmocka_unit_test(homes_are_spread_and_stable),
		cmocka_unit_test(tests_place_addresses),
		cmocka_unit_test(hosts_are_found_once_they_are_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
