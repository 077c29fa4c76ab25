/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Listening sockets on all workers, and running out of descriptors. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "loop/worker.h"
#include "net/listener.h"
#include "net_test.h"

#define WORKERS 3
#define CLIENTS 60

static struct listener *listener;
static _Atomic unsigned accepted, stopped, failed;
static unsigned wanted;
static char first_peer[CONN_ADDRESS_MAX], first_prefix[CONN_ADDRESS_MAX];
static struct mail start[WORKERS], stop[WORKERS];

static void
start_here(struct mail *mail)
{
	listener_start_here(listener);
}

static void
stop_here(struct mail *mail)
{
	listener_stop_here(listener);
	if (atomic_fetch_add(&stopped, 1) + 1 == WORKERS)
		workers_stop();
}

static void
ended(struct conn *c, enum conn_end why)
{
	conn_free(&c);
}

static size_t
ignore(struct conn *c, const char *data, size_t len)
{
	return len;
}

static void
connection_came(void *ctx, int fd)
{
	static const struct conn_ops ops = { .readable = ignore, .ended = ended };
	struct conn *c = conn_take_fd(fd, &ops, NULL);
	int on = 0;
	socklen_t len = sizeof(on);
	unsigned n = atomic_fetch_add(&accepted, 1) + 1;

	CHECK(ctx == &accepted);
	CHECK(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len) == 0 && on);
	CHECK(conn_peer(c)->port != 0);
	if (n == 1) {
		memcpy(first_peer, conn_peer(c)->address, sizeof(first_peer));
		memcpy(first_prefix, conn_peer(c)->prefix, sizeof(first_prefix));
	}
	conn_free(&c);
	if (n == wanted)
		for (unsigned i = 0; i < WORKERS; i++) {
			stop[i].run = stop_here;
			worker_post(i, &stop[i]);
		}
}

static bool
connect_and_wait(const char *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		                  .sin_port = htons(listener_port(listener)) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		                    .sin6_port = htons(listener_port(listener)) };
	bool ipv4 = inet_pton(AF_INET, address, &in.sin_addr) == 1;
	int fd;
	bool good;

	if (!ipv4)
		CHECK(inet_pton(AF_INET6, address, &in6.sin6_addr) == 1);
	fd = socket(ipv4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	good = fd >= 0 && (ipv4 ? connect(fd, (struct sockaddr *)&in, sizeof(in))
	                        : connect(fd, (struct sockaddr *)&in6, sizeof(in6))) == 0;
	/* The server frees at once. */
	good = good && net_test_at_end(fd);
	close(fd);
	return good;
}

static void *
connect_all(void *ctx)
{
	for (unsigned i = 0; i < wanted; i++)
		if (!connect_and_wait(ctx))
			atomic_fetch_add(&failed, 1);
	return NULL;
}

static bool
begin(const char *address)
{
	struct hm_error why = { 0 };

	atomic_store(&accepted, 0);
	atomic_store(&stopped, 0);
	atomic_store(&failed, 0);
	assert_true(workers_init(WORKERS, &why));
	listener = listener_new(address, 0, connection_came, &accepted, &why);
	for (unsigned i = 0; listener && i < WORKERS; i++) {
		start[i].run = start_here;
		worker_post(i, &start[i]);
	}
	if (!listener)
		workers_free();
	return listener != NULL;
}

static void
run(char *address)
{
	pthread_t client;

	assert_int_equal(pthread_create(&client, NULL, connect_all, address), 0);
	workers_run();
	pthread_join(client, NULL);
	listener_free(&listener);
	workers_free();
	assert_int_equal(atomic_load(&accepted), wanted);
	assert_int_equal(atomic_load(&failed), 0);
}

static void
every_worker_accepts_on_one_port(void **state)
{
	static char address[] = "127.0.0.1";

	wanted = CLIENTS;
	assert_true(begin(address));
	assert_true(listener_port(listener) != 0);
	run(address);
	assert_string_equal(first_peer, "127.0.0.1");
	assert_string_equal(first_prefix, "127.0.0.1");
}

static void
ipv6_peers_are_counted_by_their_network(void **state)
{
	static char address[] = "::1";

	wanted = 1;
	if (!begin(address))
		skip(); /* a machine without IPv6 */
	run(address);
	assert_string_equal(first_peer, "::1");
	assert_string_equal(first_prefix, "::/64");
}

static void
a_port_in_use_and_a_name_are_refused(void **state)
{
	static char address[] = "127.0.0.1";
	struct hm_error why = { 0 };
	struct listener *second;

	wanted = 1;
	assert_true(begin(address));
	second = listener_new(address, listener_port(listener), connection_came, NULL, &why);
	assert_null(second);
	assert_non_null(strstr(why.text, "in use"));
	assert_null(listener_new("localhost", 0, connection_came, NULL, &why));
	assert_non_null(strstr(why.text, "localhost"));
	run(address);
}

/* --- Out of descriptors ----------------------------------------------------------------- */

static struct rlimit before;

static void *
connect_while_exhausted(void *ctx)
{
	struct rlimit none = before;
	struct sockaddr_in in = { .sin_family = AF_INET,
		                  .sin_port = htons(listener_port(listener)),
		                  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	uint64_t warnings = log_count(HM_WARN);

	/* The next descriptor would be one too many. */
	none.rlim_cur = (rlim_t)fd + 1;
	setrlimit(RLIMIT_NOFILE, &none);
	CHECK(connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	while (log_count(HM_WARN) == warnings)
		usleep(1000);
	setrlimit(RLIMIT_NOFILE, &before);
	CHECK(atomic_load(&accepted) == 0);
	/* After the pause it is accepted. */
	net_test_advance(1000);
	CHECK(net_test_at_end(fd));
	CHECK(log_count(HM_WARN) == warnings + 1);
	close(fd);
	return NULL;
}

static void
out_of_descriptors_accepting_pauses(void **state)
{
	static char address[] = "127.0.0.1";
	pthread_t client;

	wanted = 1;
	getrlimit(RLIMIT_NOFILE, &before);
	assert_true(begin(address));
	assert_int_equal(pthread_create(&client, NULL, connect_while_exhausted, NULL), 0);
	workers_run();
	pthread_join(client, NULL);
	listener_free(&listener);
	workers_free();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_worker_accepts_on_one_port),
		cmocka_unit_test(ipv6_peers_are_counted_by_their_network),
		cmocka_unit_test(a_port_in_use_and_a_name_are_refused),
		cmocka_unit_test(out_of_descriptors_accepting_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
