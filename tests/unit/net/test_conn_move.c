/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Connections change their worker in the middle of pipelined records: every byte is
 * echoed once and in order, whatever worker it came to.
 */
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "loop/worker.h"
#include "net_test.h"

#define WORKERS 4
#define CONNECTIONS 200
#define RECORDS 40
#define RECORD_MAX 700

static struct tls_context *context;
static _Atomic unsigned last_number, moves;

struct mover {
	struct mail mail; /* on its way to the next worker */
	struct conn *conn;
	unsigned number;
	size_t taken, move_at;
	unsigned worker;
};

static void
arrive(struct mail *mail)
{
	struct mover *m = HM_CONTAINER(mail, struct mover, mail);

	CHECK(worker_self() == m->worker);
	conn_attach(m->conn, m);
	atomic_fetch_add(&moves, 1);
}

static void
give_away(struct mover *m)
{
	m->worker = (m->worker + 1 + m->number) % WORKERS;
	m->move_at += 300 + (m->number * 37 + m->taken) % 900;
	m->mail.run = arrive;
	conn_detach(m->conn);
	worker_post(m->worker, &m->mail);
}

/* Echoes; leaves for another worker wherever its mark happens to be. */
static size_t
echo_and_move(struct conn *c, const char *data, size_t len)
{
	struct mover *m = conn_owner(c);
	size_t left = m->move_at - m->taken;
	size_t n = len < left ? len : left;

	CHECK(worker_self() == m->worker);
	conn_write(c, data, n);
	m->taken += n;
	if (m->taken == m->move_at)
		give_away(m);
	return n;
}

static void
moved_at_once(struct conn *c)
{
	struct mover *m = conn_owner(c);

	if (m->number % 3 == 0)
		give_away(m);
}

static void
ended(struct conn *c, enum conn_end why)
{
	CHECK(why == CONN_EOF);
	mem_free(conn_owner(c));
	net_test_ended(&c);
}

static const struct conn_ops ops = { .readable = echo_and_move,
	                             .secured = moved_at_once,
	                             .ended = ended };

static void
serve_clear(int fd)
{
	struct mover *m = mem_new(struct mover);

	m->number = atomic_fetch_add(&last_number, 1);
	m->move_at = 100 + m->number;
	m->conn = conn_take_fd(fd, &ops, m);
	conn_set_timeout(m->conn, 60000);
}

static void
serve_tls(int fd)
{
	struct mover *m = mem_new(struct mover);

	m->number = atomic_fetch_add(&last_number, 1);
	m->move_at = 100 + m->number;
	m->conn = conn_take_fd(fd, &ops, m);
	conn_set_timeout(m->conn, 60000);
	CHECK(conn_start_tls(m->conn, context, NULL));
}

static void
make_record(unsigned char *data, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (unsigned char)(seed * 41 + i * 7 + i / 13);
}

/* Bursts of five records, then their echoes. */
static void
talk_tls(int fd)
{
	SSL *ssl = net_test_client(fd, NULL, NULL);
	unsigned char data[RECORD_MAX], echo[RECORD_MAX];

	if (!CHECK(SSL_connect(ssl) == 1))
		return;
	for (unsigned i = 0; i < RECORDS; i += 5) {
		for (unsigned k = i; k < i + 5; k++) {
			make_record(data, RECORD_MAX - k * 13, k);
			if (!CHECK(net_test_write_all(ssl, data, RECORD_MAX - k * 13)))
				return;
		}
		for (unsigned k = i; k < i + 5; k++) {
			make_record(data, RECORD_MAX - k * 13, k);
			if (!CHECK(net_test_read_all(ssl, echo, RECORD_MAX - k * 13)))
				return;
			CHECK(memcmp(data, echo, RECORD_MAX - k * 13) == 0);
		}
	}
	CHECK(SSL_shutdown(ssl) == 0);
	CHECK(SSL_shutdown(ssl) == 1);
	net_test_client_free(&ssl);
}

static void
talk_clear(int fd)
{
	char line[16];

	for (unsigned i = 0; i < 100; i += 2) {
		/* Two writes, so that the server may see them as one or as two. */
		memset(line, 'a' + (char)(i % 26), sizeof(line) - 1);
		line[sizeof(line) - 1] = '\0';
		net_test_send(fd, line);
		net_test_send(fd, "0123456789");
		net_test_expect(fd, line);
		net_test_expect(fd, "0123456789");
	}
}

static void
tls_connections_move_without_losing_a_byte(void **state)
{
	static const char *const domains[] = { "a.example", NULL };

	atomic_store(&moves, 0);
	context = net_test_context(domains, NULL);
	net_test_run(WORKERS, CONNECTIONS, serve_tls, talk_tls);
	tls_context_unref(&context);
	assert_true(atomic_load(&moves) > CONNECTIONS * 10);
}

static void
clear_connections_move_without_losing_a_byte(void **state)
{
	atomic_store(&moves, 0);
	net_test_run(WORKERS, 20, serve_clear, talk_clear);
	assert_true(atomic_load(&moves) > 20);
}

/* --- Freed on the way ---------------------------------------------------------------- */

static void
arrive_and_free(struct mail *mail)
{
	struct mover *m = HM_CONTAINER(mail, struct mover, mail);
	struct conn *c = m->conn;

	mem_free(m);
	net_test_ended(&c);
}

static size_t
leave_to_die(struct conn *c, const char *data, size_t len)
{
	struct mover *m = conn_owner(c);

	m->mail.run = arrive_and_free;
	conn_detach(c);
	worker_post(m->number % WORKERS, &m->mail);
	return 0;
}

static void
serve_and_drop(int fd)
{
	static const struct conn_ops dying = { .readable = leave_to_die, .ended = ended };
	struct mover *m = mem_new(struct mover);

	m->number = atomic_fetch_add(&last_number, 1);
	m->conn = conn_take_fd(fd, &dying, m);
}

static void
be_dropped(int fd)
{
	char byte;

	net_test_send(fd, "hello");
	CHECK(recv(fd, &byte, 1, 0) <= 0);
}

static void
a_detached_connection_may_be_freed_elsewhere(void **state)
{
	net_test_run(WORKERS, 40, serve_and_drop, be_dropped);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_connections_move_without_losing_a_byte),
		cmocka_unit_test(clear_connections_move_without_losing_a_byte),
		cmocka_unit_test(a_detached_connection_may_be_freed_elsewhere),
	};

	return cmocka_run_group_tests(tests, net_test_begin, net_test_end);
}
