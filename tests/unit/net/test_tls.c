/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* TLS contexts: files that are wrong, doubtful or new, and the choice by name. */
#include <stdio.h>
#include <string.h>
#include <utime.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/tls_state.h"
#include "net_test.h"

static void
a_missing_file_is_named(void **state)
{
	struct tls_host host = { "a.example", "/nonexistent/chain.pem", "/nonexistent/key.pem" };
	struct hm_error why = { 0 };

	assert_null(tls_context_new(&host, 1, NULL, &why));
	assert_non_null(strstr(why.text, "a.example"));
	assert_non_null(strstr(why.text, "/nonexistent/chain.pem"));
	assert_non_null(strstr(why.text, "No such file"));
}

static void
a_foreign_key_is_refused(void **state)
{
	char *a = mem_strdup(net_test_certificate("a.example"));
	char *b = mem_strdup(net_test_certificate("b.example"));
	struct tls_host host = { "a.example", a, b };
	struct hm_error why = { 0 };

	assert_null(tls_context_new(&host, 1, NULL, &why));
	assert_non_null(strstr(why.text, b));
	mem_free(a);
	mem_free(b);
}

static void
a_file_of_something_else_is_refused(void **state)
{
	struct tls_host host = { "a.example", "/etc/passwd", "/etc/passwd" };
	struct hm_error why = { 0 };

	assert_null(tls_context_new(&host, 1, NULL, &why));
	assert_non_null(strstr(why.text, "/etc/passwd"));
}

static void
a_certificate_for_another_name_is_warned_about(void **state)
{
	char *file = mem_strdup(net_test_certificate("a.example"));
	struct tls_host host = { "other.example", file, file };
	struct hm_error why = { 0 };
	uint64_t warnings = log_count(HM_WARN);
	struct tls_context *ctx = tls_context_new(&host, 1, NULL, &why);

	assert_non_null(ctx);
	assert_int_equal(log_count(HM_WARN), warnings + 1);
	tls_context_unref(&ctx);
	mem_free(file);
}

static void
names_find_their_host_or_the_one_above(void **state)
{
	static const char *const domains[] = { "a.example", "rooms.a.example", NULL };
	struct tls_context *ctx = net_test_context(domains, NULL);
	char longest[300];

	assert_ptr_equal(tls_find_certificate(ctx, "a.example"), &ctx->certificate[0]);
	assert_ptr_equal(tls_find_certificate(ctx, "A.Example."), &ctx->certificate[0]);
	assert_ptr_equal(tls_find_certificate(ctx, "upload.a.example"), &ctx->certificate[0]);
	assert_ptr_equal(tls_find_certificate(ctx, "rooms.a.example"), &ctx->certificate[1]);
	assert_null(tls_find_certificate(ctx, "example"));
	assert_null(tls_find_certificate(ctx, "xa.example"));
	assert_null(tls_find_certificate(ctx, ""));
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_null(tls_find_certificate(ctx, longest));
	tls_context_unref(&ctx);
}

static void
changed_files_make_a_context_stale(void **state)
{
	static const char *const domains[] = { "c.example", NULL };
	struct tls_context *ctx = net_test_context(domains, NULL);
	struct tls_context *other = tls_context_ref(ctx);
	const struct utimbuf then = { .actime = 1000000, .modtime = 1000000 };

	assert_false(tls_context_stale(ctx));
	assert_int_equal(utime(net_test_certificate("c.example"), &then), 0);
	assert_true(tls_context_stale(ctx));
	/* One that is gone is about to be replaced. */
	assert_int_equal(remove(net_test_certificate("c.example")), 0);
	assert_false(tls_context_stale(ctx));
	tls_context_unref(&ctx);
	assert_null(ctx);
	assert_false(tls_context_stale(other));
	tls_context_unref(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(a_foreign_key_is_refused),
		cmocka_unit_test(a_file_of_something_else_is_refused),
		cmocka_unit_test(a_certificate_for_another_name_is_warned_about),
		cmocka_unit_test(names_find_their_host_or_the_one_above),
		cmocka_unit_test(changed_files_make_a_context_stale),
	};

	return cmocka_run_group_tests(tests, net_test_begin, net_test_end);
}
