/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Random bytes and tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"

static void
no_two_numbers_are_alike(void **state)
{
	uint64_t numbers[500];

	for (int i = 0; i < 500; i++) {
		numbers[i] = random_u64();
		for (int k = 0; k < i; k++)
			assert_true(numbers[i] != numbers[k]);
	}
}

static void
every_length_is_filled(void **state)
{
	for (size_t len = 0; len <= 600; len += 7) {
		unsigned char bytes[610], all = 0;

		memset(bytes, 0, sizeof(bytes));
		random_bytes(bytes, len);
		for (size_t i = len; i < sizeof(bytes); i++)
			assert_int_equal(bytes[i], 0);
		/* The last ten bytes are all zero once in 2^80. */
		for (size_t i = len > 10 ? len - 10 : 0; i < len; i++)
			all |= bytes[i];
		assert_true(len < 10 || all);
	}
}

static void
a_token_is_made_of_its_alphabet(void **state)
{
	char seen[256] = { 0 }, token[41];

	for (int i = 0; i < 100; i++) {
		assert_ptr_equal(random_token(token, 40), token);
		assert_int_equal(strlen(token), 40);
		for (int k = 0; k < 40; k++)
			seen[(unsigned char)token[k]] = 1;
	}
	for (int c = 0; c < 256; c++) {
		int in_alphabet = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		                  (c >= 'A' && c <= 'Z') || c == '_' || c == '-';

		assert_int_equal(seen[c], in_alphabet);
	}
}

static void
a_child_draws_other_bytes_than_its_parent(void **state)
{
	uint64_t mine, of_child = 0;
	int ends[2];
	pid_t pid;

	random_u64(); /* the buffer is filled */
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		of_child = random_u64();
		_exit(write(ends[1], &of_child, sizeof(of_child)) == sizeof(of_child) ? 0 : 1);
	}
	mine = random_u64();
	assert_int_equal(read(ends[0], &of_child, sizeof(of_child)), sizeof(of_child));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ends[0]);
	close(ends[1]);
	assert_true(mine != of_child);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_numbers_are_alike),
		cmocka_unit_test(every_length_is_filled),
		cmocka_unit_test(a_token_is_made_of_its_alphabet),
		cmocka_unit_test(a_child_draws_other_bytes_than_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
