/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Accounts: removing one, and what becomes of one that could not be removed. */
#include "core/accounts.h"

#include <string.h>

#include "core_test.h"

#define TO_ROMEO "<message to='romeo@a.example' type='chat'><body>hello</body></message>"

static enum hm_account_result result;

static void
done(void *ctx, enum hm_account_result how)
{
	result = how;
}

static void
remove_account(const char *name)
{
	result = HM_ACCOUNT_BAD_NAME;
	account_remove(host_find("a.example"), name, done, NULL);
	run();
}

static void
romeo_gets_messages(uint64_t romeo, uint64_t juliet)
{
	sends(juliet, TO_ROMEO);
	run();
	assert_non_null(strstr(got(romeo), "hello"));
	assert_null(strstr(got(juliet), "error"));
}

static void
the_sessions_of_a_removed_account_end(void **state)
{
	uint64_t mercutio = client("mercutio@a.example", "x");

	remove_account("mercutio");
	commits();
	assert_int_equal(result, HM_ACCOUNT_OK);
	assert_non_null(strstr(got(mercutio), "[not-authorized]"));
}

static void
an_account_whose_removal_fails_goes_on(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "x");

	remove_account("romeo");
	commit_fails();
	assert_int_equal(result, HM_ACCOUNT_BUSY);
	romeo_gets_messages(romeo, juliet);
}

static void
an_account_whose_removal_is_not_even_taken_goes_on(void **state)
{
	uint64_t romeo = client("romeo@a.example", "x"), juliet = client("juliet@a.example", "x");

	fake_queue_full = true;
	remove_account("romeo");
	fake_queue_full = false;
	assert_int_equal(result, HM_ACCOUNT_BUSY);
	romeo_gets_messages(romeo, juliet);
}

#define TEST(f) cmocka_unit_test_setup(f, core_test_fresh)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_sessions_of_a_removed_account_end),
		TEST(an_account_whose_removal_fails_goes_on),
		TEST(an_account_whose_removal_is_not_even_taken_goes_on),
	};

	return cmocka_run_group_tests(tests, core_test_start, NULL);
}
