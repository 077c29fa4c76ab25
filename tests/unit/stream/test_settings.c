/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* tests of stream/settings.c, stream/version.c and stream/limits.c */
#include "stream/settings.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants these before it. */
#include <cmocka.h>

#include "conf/schema.h"
#include "stream/limits.h"
#include "stream/mechanism.h"
#include "stream/version.h"

static struct arena *a;

static int
begin(void **state)
{
	a = arena_new(0);
	return 0;
}

static int
end(void **state)
{
	arena_free(&a);
	return 0;
}

static void
the_keys_are_right(void **state)
{
	struct conf_report report = { 0 };

	assert_true(conf_schema_check("c2s", &stream_schema, &report));
}

static void
the_defaults_are_safe(void **state)
{
	struct conf_report report = { 0 };
	struct stream_settings s;

	assert_true(conf_fill(a, NULL, &stream_schema, &s, &report));
	assert_true(s.require_tls);
	assert_int_equal(s.mechanisms.n, 4);
	assert_int_equal(s.negotiation_timeout, 30000);
	assert_int_equal(s.stanzas_in_flight, 64);
	assert_int_equal(s.bytes_in_flight, 256 * 1024);
	assert_true(s.unauthenticated_stanza_size <= 16384);
	/* RFC 6120 13.12 */
	assert_true(s.unauthenticated_stanza_size >= 10000 && s.max_stanza_size >= 10000);
	assert_true(s.output_queue > s.max_stanza_size);
}

static void
a_version_outlives_the_configuration(void **state)
{
	struct conf_report report = { 0 };
	const struct stream_tls none = { 0 };
	struct stream_settings s;
	struct version *v, *second;

	conf_fill(a, NULL, &stream_schema, &s, &report);
	v = version_new(&s, NULL, 0, &none);
	assert_null(v->settings.mechanisms.v);
	assert_int_equal(v->mechanisms, (1u << MECHANISMS) - 1);
	assert_int_equal(v->after.stanza_bytes, s.max_stanza_size);
	second = version_ref(v);
	version_unref(&v);
	assert_null(v);
	assert_int_equal(second->before.stanza_bytes, s.unauthenticated_stanza_size);
	version_unref(&second);
}

static void
a_host_may_have_its_own(void **state)
{
	struct conf_report report = { 0 };
	const struct stream_tls none = { 0 };
	struct stream_settings s, own;
	const struct stream_host_settings host = { "b.example", &own };
	struct version *v, *b;

	conf_fill(a, NULL, &stream_schema, &s, &report);
	own = s;
	own.max_stanza_size = 77777;
	v = version_new(&s, &host, 1, &none);
	assert_ptr_equal(version_of_host(v, "a.example"), v);
	b = version_of_host(v, "b.example");
	assert_int_equal(b->after.stanza_bytes, 77777);
	/* From one host to another, and whichever the last reference is to. */
	assert_ptr_equal(version_of_host(b, "a.example"), v);
	b = version_ref(b);
	version_unref(&v);
	assert_int_equal(b->settings.max_stanza_size, 77777);
	version_unref(&b);
}

static void
addresses_are_counted_apart(void **state)
{
	assert_true(limits_enter("192.0.2.1", 2));
	assert_true(limits_enter("192.0.2.1", 2));
	assert_false(limits_enter("192.0.2.1", 2));
	limits_leave("192.0.2.1");
	assert_true(limits_enter("192.0.2.1", 2));
	limits_leave("192.0.2.1");
	limits_leave("192.0.2.1");
	assert_true(limits_enter("192.0.2.1", 1));
	limits_leave("192.0.2.1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_keys_are_right),
		cmocka_unit_test(the_defaults_are_safe),
		cmocka_unit_test(a_version_outlives_the_configuration),
		cmocka_unit_test(a_host_may_have_its_own),
		cmocka_unit_test(addresses_are_counted_apart),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
