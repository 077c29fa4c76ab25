/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* tests of src/stream as a whole: real connections, a fake core */
#include "stream_test.h"

#include <string.h>

/* --- Logging in ------------------------------------------------------------------- */

static void
log_in_and_ask(void)
{
	struct client *c = client_new(false);

	client_log_in(c);
	client_send(c, "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>");
	client_expect(c, "<iq to='juliet@a.example/balcony' type='result' id='1'/>");
	client_send(c, "</stream:stream>");
	client_expect(c, "</stream:stream>");
	client_expect_end(c);
	client_free(c);
	CHECK(atomic_load(&fake_closed[LINK_CLOSED_CLEANLY]) == 1);
	CHECK(atomic_load(&fake_seen[LINK_CLOSED]) == 1);
}

static void
a_client_logs_in_over_starttls(void **state)
{
	stream_test_run(log_in_and_ask);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_logs_in_over_starttls),
	};

	return cmocka_run_group_tests(tests, stream_test_begin, stream_test_end);
}
