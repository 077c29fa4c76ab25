/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * The race of connections on loopback addresses.  An address that swallows everything is a listening socket
 * whose queue is full: the kernel drops what comes then.  The clock is moved, never waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "dns_server.h"
#include "loop/timer.h"
#include "loop/worker.h"
#include "net/connect.h"
#include "net/listener.h"
#include "net_test.h"

/* --- Listening sockets --------------------------------------------------------------------- */

/* Of an address and a port, which are taken from 0. */
static int
listen_on(const char *text, uint16_t *port, int queue)
{
	union target_address a;
	socklen_t len;
	int fd, on = 1;

	assert_true(target_address_read(text, *port, &a));
	len = target_address_len(&a);
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &a.any, len) != 0 || listen(fd, queue) != 0) {
		close(fd);
		return -1;
	}
	getsockname(fd, &a.any, &len);
	*port = ntohs(a.any.sa_family == AF_INET ? a.in.sin_port : a.in6.sin6_port);
	return fd;
}

static int
connect_blocking(const char *text, uint16_t port)
{
	union target_address a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(target_address_read(text, port, &a));
	assert_int_equal(connect(fd, &a.any, target_address_len(&a)), 0);
	return fd;
}

/* A queue of 0 holds one. */
static int
swallow_on(const char *text, uint16_t *port, int *filler)
{
	int fd = listen_on(text, port, 0);

	assert_true(fd >= 0);
	*filler = connect_blocking(text, *port);
	return fd;
}

static uint16_t
closed_port(const char *text)
{
	uint16_t port = 0;
	int fd = listen_on(text, &port, 1);

	close(fd);
	return port;
}

/* --- Runs ------------------------------------------------------------------------------------- */

static struct targets *targets;
static struct connect_result result;
static struct connecting *connecting;
static size_t first;
static uint32_t advance; /* ms that the clock moves in each turn */
static struct mail mail_begin;
static struct timer tick;

static void
add(const char *host, uint16_t port)
{
	struct target *t;

	if (!targets)
		targets = targets_new("romeo.example");
	t = &targets->v[targets->n++];
	snprintf(t->host, sizeof(t->host), "%s", host);
	t->port = port;
	assert_true(target_address_read(host, port, &t->address[t->n_addresses++]));
}

static void
came(void *ctx, const struct connect_result *r)
{
	CHECK(ctx == &result);
	result = *r;
	connecting = NULL;
	workers_stop();
}

/* Events and timers of the turn have been looked at. */
static void
move_clock(struct timer *timer)
{
	if (!connecting)
		return;
	clock_advance(advance);
	timer_start(timer, 1, move_clock);
}

static void
begin(struct mail *mail)
{
	connecting = connect_targets(targets, first, 30000, came, &result);
	CHECK(!result.targets);
	if (advance > 0)
		timer_start(&tick, 1, move_clock);
}

static void
run(void)
{
	struct hm_error why;

	result = (struct connect_result){ .outcome = CONNECT_LOCAL, .fd = -1 };
	assert_true(workers_init(1, &why));
	mail_begin.run = begin;
	worker_post(0, &mail_begin);
	workers_run();
	timer_stop(&tick);
	workers_free();
	assert_ptr_equal(result.targets, targets);
}

static void
done(void)
{
	if (result.fd >= 0)
		close(result.fd);
	targets_free(&targets);
	first = 0;
	advance = 0;
}

static void
expect_address(const char *text)
{
	char out[TARGET_ADDRESS_TEXT_MAX];

	assert_string_equal(result.text, "");
	assert_int_equal(result.outcome, CONNECT_DONE);
	assert_string_equal(target_address_text(result.address, out), text);
}

/* --- Tests -------------------------------------------------------------------------------------- */

static void
the_first_that_answers_is_taken(void **state)
{
	uint16_t port = 0;
	int server = listen_on("127.0.0.2", &port, 5), on = 0;
	socklen_t len = sizeof(on);

	add("127.0.0.1", closed_port("127.0.0.1"));
	add("127.0.0.2", port);
	add("127.0.0.3", port);
	run();
	expect_address("127.0.0.2");
	assert_ptr_equal(result.target, &targets->v[1]);
	assert_int_equal(result.next, 2);
	assert_true(fcntl(result.fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(result.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(getsockopt(result.fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
	assert_true(on);
	done();
	close(server);
}

static void
a_silent_address_holds_nobody_up(void **state)
{
	uint16_t port = 0;
	int filler, silent = swallow_on("127.0.0.1", &port, &filler),
		    server = listen_on("127.0.0.2", &port, 5);

	add("127.0.0.1", port);
	add("127.0.0.2", port);
	advance = CONNECT_STAGGER_MS;
	run();
	expect_address("127.0.0.2");
	done();
	close(server);
	close(filler);
	close(silent);
}

static void
more_silent_ones_than_slots(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4",
		                             "127.0.0.5", "127.0.0.6", "127.0.0.7" };
	uint16_t port = 0;
	int fd[HM_COUNT(hosts)], filler[CONNECT_IN_FLIGHT];

	_Static_assert(HM_COUNT(hosts) == CONNECT_IN_FLIGHT + 1, "one more than slots");
	for (size_t i = 0; i < CONNECT_IN_FLIGHT; i++) {
		fd[i] = swallow_on(hosts[i], &port, &filler[i]);
		add(hosts[i], port);
	}
	fd[CONNECT_IN_FLIGHT] = listen_on(hosts[CONNECT_IN_FLIGHT], &port, 5);
	add(hosts[CONNECT_IN_FLIGHT], port);
	/* All slots fill by and by; then the first is given up. */
	advance = CONNECT_STAGGER_MS;
	run();
	expect_address("127.0.0.7");
	done();
	for (size_t i = 0; i < HM_COUNT(hosts); i++)
		close(fd[i]);
	for (size_t i = 0; i < CONNECT_IN_FLIGHT; i++)
		close(filler[i]);
}

static void
all_refuse(void **state)
{
	uint16_t port = closed_port("127.0.0.1");

	for (unsigned i = 0; i < 9; i++)
		add("127.0.0.1", port);
	run();
	assert_int_equal(result.outcome, CONNECT_REFUSED);
	assert_int_equal(result.fd, -1);
	assert_non_null(
		strstr(result.text, "The server of romeo.example cannot be reached: 127.0.0.1"));
	assert_non_null(strstr(result.text, "Connection refused"));
	assert_non_null(strstr(result.text, "and so on."));
	done();
}

static void
nothing_is_answered_in_time(void **state)
{
	uint16_t port = 0;
	int filler, silent = swallow_on("127.0.0.1", &port, &filler);

	add("127.0.0.1", port);
	advance = 1000;
	run();
	assert_int_equal(result.outcome, CONNECT_TIMED_OUT);
	assert_non_null(strstr(result.text, "timed out"));
	done();
	close(filler);
	close(silent);
}

static void
no_route(void **state)
{
	/* A port of a multicast address: connect(2) says at once that it can't be. */
	add("224.0.0.1", 5269);
	run();
	assert_int_equal(result.outcome, CONNECT_UNREACHABLE);
	assert_non_null(strstr(result.text, "unreachable"));
	done();
}

static void
it_goes_on_behind_one_of_no_use(void **state)
{
	uint16_t port = 0;
	int server = listen_on("127.0.0.1", &port, 5);

	add("127.0.0.1", port);
	add("127.0.0.1", port);
	first = 1;
	run();
	expect_address("127.0.0.1");
	assert_ptr_equal(result.target, &targets->v[1]);
	close(result.fd);
	first = result.next;
	run();
	assert_int_equal(result.outcome, CONNECT_NO_MORE);
	assert_non_null(strstr(result.text, "no further address"));
	done();
	close(server);
}

#define WORKER_FDS 3

static void
the_last_descriptors_are_kept(void **state)
{
	struct rlimit before, few;
	uint16_t port = 0;
	int server = listen_on("127.0.0.1", &port, 5), taken[128], n = 0;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 100;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	do {
		taken[n] = dup(server);
		assert_true(taken[n] >= 0);
	} while (taken[n++] < listener_fd_end());
	/* For the worker, and one for the connection. */
	for (unsigned i = 0; i < WORKER_FDS; i++)
		close(taken[--n]);
	add("127.0.0.1", port);
	run();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(result.outcome, CONNECT_LOCAL);
	assert_non_null(strstr(result.text, "Too many open files"));
	done();
	while (n-- > 0)
		close(taken[n]);
	close(server);
}

static void
begin_and_cancel(struct mail *mail)
{
	const struct resolver_request request = { .domain = "127.0.0.1", .timeout_ms = 1000 };

	connecting = connect_targets(targets, 0, 30000, came, &result);
	connect_cancel(&connecting);
	assert_null(connecting);
	connecting = connect_domain(&request, came, &result);
	connect_cancel(&connecting);
	connect_cancel(&connecting);
	workers_stop();
}

static void
it_can_be_cancelled(void **state)
{
	uint16_t port = 0;
	int filler, silent = swallow_on("127.0.0.1", &port, &filler), next = dup(filler);
	struct hm_error why;

	result = (struct connect_result){ .outcome = CONNECT_LOCAL, .fd = -1 };
	add("127.0.0.1", port);
	assert_true(workers_init(1, &why));
	mail_begin.run = begin_and_cancel;
	worker_post(0, &mail_begin);
	workers_run();
	workers_free();
	targets = NULL;
	assert_null(result.targets);
	/* No descriptor is left behind. */
	close(next);
	assert_int_equal(dup(filler), next);
	close(next);
	close(filler);
	close(silent);
}

/* --- A domain ------------------------------------------------------------------------------------- */

static const char *domain;

static void
begin_domain(struct mail *mail)
{
	const struct resolver_request request = { .domain = domain, .timeout_ms = 30000 };

	connecting = connect_domain(&request, came, &result);
}

static void
run_domain(const char *name, const char *srv)
{
	const struct dns_server_record table[] = {
		{ "_xmpp-server._tcp.both.example", "SRV", srv },
		{ "host.example", "AAAA", "::1" },
		{ "host.example", "A", "127.0.0.1" },
		{ 0 },
	};
	const char *server = dns_server_start(table);
	const struct dns_config config = { .servers = &server, .n_servers = 1 };
	struct hm_error why;

	result = (struct connect_result){ .outcome = CONNECT_LOCAL, .fd = -1 };
	domain = name;
	dns_configure(&config);
	assert_true(workers_init(1, &why));
	mail_begin.run = begin_domain;
	worker_post(0, &mail_begin);
	workers_run();
	dns_server_stop();
	dns_free();
	workers_free();
	targets = result.targets;
	assert_non_null(targets);
}

static void
a_domain_is_found_and_reached(void **state)
{
	uint16_t port = 0;
	int server = listen_on("127.0.0.1", &port, 5), server6 = listen_on("::1", &port, 5);
	char srv[64];

	snprintf(srv, sizeof(srv), "0 0 %u host.example", port);
	run_domain("both.example", srv);
	/* A machine without IPv6 has the other. */
	expect_address(server6 >= 0 ? "::1" : "127.0.0.1");
	assert_string_equal(result.target->host, "host.example");
	assert_int_equal(result.target->port, port);
	done();
	close(server);
	if (server6 >= 0)
		close(server6);
}

static void
a_domain_is_not_found(void **state)
{
	run_domain("other.example", "0 0 5269 host.example");
	assert_int_equal(result.outcome, CONNECT_NOT_FOUND);
	assert_int_equal(result.targets->found, TARGETS_NO_DOMAIN);
	assert_string_equal(result.text, "There is no domain other.example in the DNS.");
	done();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_that_answers_is_taken),
		cmocka_unit_test(a_silent_address_holds_nobody_up),
		cmocka_unit_test(more_silent_ones_than_slots),
		cmocka_unit_test(all_refuse),
		cmocka_unit_test(nothing_is_answered_in_time),
		cmocka_unit_test(no_route),
		cmocka_unit_test(it_goes_on_behind_one_of_no_use),
		cmocka_unit_test(the_last_descriptors_are_kept),
		cmocka_unit_test(it_can_be_cancelled),
		cmocka_unit_test(a_domain_is_found_and_reached),
		cmocka_unit_test(a_domain_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
