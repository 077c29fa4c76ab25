/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Connections in the clear: input, holds, output, time-outs, ends. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/worker.h"
#include "net_test.h"

#define BIG (1024 * 1024)

static struct conn *conn;
static enum conn_end why_ended;
static sem_t step; /* the server has come to where the client waits for it */

static void
note_end(struct conn *c, enum conn_end why)
{
	why_ended = why;
	sem_post(&step);
	net_test_ended(&c);
}

static size_t
echo(struct conn *c, const char *data, size_t len)
{
	CHECK(len > 0 && len <= 16384);
	conn_write(c, data, len);
	return len;
}

static size_t
ignore(struct conn *c, const char *data, size_t len)
{
	return len;
}

static void
run(void (*serve)(int fd), void (*client)(int fd))
{
	sem_init(&step, 0, 0);
	net_test_run(1, 1, serve, client);
	sem_destroy(&step);
}

/* --- Echo --------------------------------------------------------------------------- */

static void
serve_echo(int fd)
{
	static const struct conn_ops ops = { .readable = echo, .ended = note_end };

	conn = conn_take_fd(fd, &ops, &step);
	CHECK(conn_owner(conn) == &step);
	CHECK(conn_count() == 1);
	CHECK(!conn_is_tls(conn));
	CHECK(strcmp(conn_peer(conn)->address, "local") == 0);
}

static void *
send_big(void *ctx)
{
	const int *fd = ctx;
	char *data = mem_alloc(BIG);

	memset(data, 'x', BIG);
	for (size_t done = 0; done < BIG;) {
		ssize_t n = send(*fd, data + done, BIG - done, MSG_NOSIGNAL);

		if (!CHECK(n > 0))
			break;
		done += (size_t)n;
	}
	mem_free(data);
	return NULL;
}

static void
talk_to_echo(int fd)
{
	pthread_t sender;
	char data[65536];
	size_t got = 0;
	ssize_t n;

	net_test_send(fd, "hello");
	net_test_expect(fd, "hello");
	pthread_create(&sender, NULL, send_big, &fd);
	while (got < BIG && (n = recv(fd, data, sizeof(data), 0)) > 0)
		got += (size_t)n;
	pthread_join(sender, NULL);
	CHECK(got == BIG);
	shutdown(fd, SHUT_WR);
	CHECK(net_test_at_end(fd));
}

static void
bytes_are_echoed_until_the_peer_ends(void **state)
{
	run(serve_echo, talk_to_echo);
	assert_int_equal(why_ended, CONN_EOF);
}

/* --- Holding -------------------------------------------------------------------------- */

static char taken[64];
static struct mail resume;

static size_t
take_two_each_time(struct conn *c, const char *data, size_t len)
{
	size_t n = len < 2 ? len : 2;

	strncat(taken, data, n);
	if (strcmp(taken, "abcdef") == 0)
		conn_write(c, "done", 4);
	if (n < len)
		sem_post(&step);
	return n;
}

static void
resume_from_outside(struct mail *mail)
{
	conn_resume_reading(conn);
}

static void
serve_in_twos(int fd)
{
	static const struct conn_ops ops = { .readable = take_two_each_time, .ended = note_end };

	taken[0] = '\0';
	conn = conn_take_fd(fd, &ops, NULL);
}

static void
talk_in_twos(int fd)
{
	struct mail mails[2] = { { .run = resume_from_outside }, { .run = resume_from_outside } };

	net_test_send(fd, "abcdef");
	shutdown(fd, SHUT_WR); /* the end comes behind what is kept */
	sem_wait(&step);
	worker_post(0, &mails[0]);
	sem_wait(&step);
	worker_post(0, &mails[1]);
	net_test_expect(fd, "done");
	CHECK(net_test_at_end(fd));
}

static void
what_the_owner_does_not_use_is_kept_and_given_again(void **state)
{
	run(serve_in_twos, talk_in_twos);
	assert_string_equal(taken, "abcdef");
	assert_int_equal(why_ended, CONN_EOF);
}

static size_t
hold_after_first(struct conn *c, const char *data, size_t len)
{
	if (conn_bytes_in(c) <= 16384) {
		conn_hold_reading(c);
		sem_post(&step);
	}
	return len;
}

static void
resume_and_look(struct mail *mail)
{
	/* Nothing but the first read went in, for all that was sent. */
	CHECK(conn_bytes_in(conn) <= 16384);
	conn_resume_reading(conn);
}

static void
serve_held(int fd)
{
	static const struct conn_ops ops = { .readable = hold_after_first, .ended = note_end };

	conn = conn_take_fd(fd, &ops, NULL);
}

static void
flood_the_holder(int fd)
{
	char data[32768] = { 0 };
	size_t sent = 0;
	ssize_t n;

	while ((n = send(fd, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
		sent += (size_t)n;
	CHECK(sent > 16384);
	sem_wait(&step);
	/* The kernel fills up again and stays full: the server doesn't read. */
	while ((n = send(fd, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
		sent += (size_t)n;
	resume.run = resume_and_look;
	worker_post(0, &resume);
	shutdown(fd, SHUT_WR);
	CHECK(net_test_at_end(fd));
}

static void
a_held_connection_is_not_read(void **state)
{
	run(serve_held, flood_the_holder);
	assert_int_equal(why_ended, CONN_EOF);
}

/* --- Output ---------------------------------------------------------------------------- */

static bool fitted;
static unsigned drained_n;
static char big[BIG];

static void
note_drained(struct conn *c)
{
	drained_n++;
	CHECK(conn_pending(c) == 0);
}

static void
serve_big(int fd)
{
	static const struct conn_ops ops = { .readable = ignore,
		                             .drained = note_drained,
		                             .ended = note_end };

	drained_n = 0;
	conn = conn_take_fd(fd, &ops, NULL);
	conn_set_output_limit(conn, BIG / 2, 30000);
	CHECK(conn_write(conn, big, BIG / 2));
	fitted = conn_write(conn, big, BIG / 2);
	CHECK(conn_pending(conn) == BIG);
}

static void
post_step(struct mail *mail)
{
	sem_post(&step);
}

/* The first byte shows that the flush began, the mail that it is over: without a reader not all fitted. */
static void
wait_for_flush(int fd)
{
	struct mail here = { .run = post_step };
	char byte;

	CHECK(recv(fd, &byte, 1, 0) == 1);
	worker_post(0, &here);
	sem_wait(&step);
}

static void
read_big(int fd)
{
	char data[32768];
	size_t got = 1;
	ssize_t n;

	wait_for_flush(fd);
	/* Time alone doesn't cut a reader that goes on reading. */
	while (got < BIG && (n = recv(fd, data, sizeof(data), 0)) > 0) {
		got += (size_t)n;
		net_test_advance(1000);
	}
	CHECK(got == BIG);
	net_test_send(fd, "enough");
}

static void
output_beyond_the_limit_is_told_and_still_sent(void **state)
{
	run(serve_big, read_big);
	assert_false(fitted);
	assert_int_equal(drained_n, 1);
	assert_int_equal(why_ended, CONN_EOF);
}

static void
read_next_to_nothing(int fd)
{
	wait_for_flush(fd);
	net_test_advance(31000);
	sem_wait(&step);
}

static void
a_peer_that_does_not_read_is_cut(void **state)
{
	run(serve_big, read_next_to_nothing);
	assert_int_equal(why_ended, CONN_WRITE_STUCK);
}

/* --- Time-outs ------------------------------------------------------------------------------ */

static void
serve_with_timeouts(int fd)
{
	serve_echo(fd);
	conn_set_timeout(conn, 60000);
}

static void
be_silent(int fd)
{
	net_test_send(fd, "a");
	net_test_expect(fd, "a");
	net_test_advance(59000);
	net_test_send(fd, "b");
	net_test_expect(fd, "b");
	net_test_advance(59000);
	net_test_send(fd, "c");
	net_test_expect(fd, "c");
	net_test_advance(60100);
	CHECK(net_test_at_end(fd));
}

static void
a_silent_peer_runs_out_of_time(void **state)
{
	run(serve_with_timeouts, be_silent);
	assert_int_equal(why_ended, CONN_TIMEOUT);
}

static void
serve_with_deadline(int fd)
{
	serve_echo(fd);
	conn_set_timeout(conn, 60000);
	conn_set_deadline(conn, 10000);
}

static void
trickle(int fd)
{
	for (unsigned i = 0; i < 9; i++) {
		net_test_send(fd, "x");
		net_test_expect(fd, "x");
		net_test_advance(1000);
	}
	net_test_advance(1100);
	CHECK(net_test_at_end(fd));
}

static void
a_deadline_passes_whatever_is_sent(void **state)
{
	run(serve_with_deadline, trickle);
	assert_int_equal(why_ended, CONN_TIMEOUT);
}

/* --- Ends ------------------------------------------------------------------------------------ */

static size_t
answer_and_close(struct conn *c, const char *data, size_t len)
{
	conn_write(c, "bye", 3);
	conn_close(c, 5000);
	CHECK(conn_write(c, "nothing more", 12));
	return len;
}

static void
serve_closing(int fd)
{
	static const struct conn_ops ops = { .readable = answer_and_close, .ended = note_end };

	conn = conn_take_fd(fd, &ops, NULL);
}

static void
close_too(int fd)
{
	net_test_send(fd, "close");
	net_test_expect(fd, "bye");
	CHECK(net_test_at_end(fd));
	net_test_send(fd, "thrown away");
}

static void
closing_sends_what_is_pending_and_waits_for_the_peer(void **state)
{
	run(serve_closing, close_too);
	assert_int_equal(why_ended, CONN_EOF);
}

static void
linger_on(int fd)
{
	net_test_send(fd, "close");
	net_test_expect(fd, "bye");
	CHECK(net_test_at_end(fd));
	net_test_advance(5100);
	/* Only after the server's end was freed does sending fail. */
	while (send(fd, "x", 1, MSG_NOSIGNAL) == 1)
		usleep(1000);
}

static void
lingering_has_an_end(void **state)
{
	run(serve_closing, linger_on);
	assert_int_equal(why_ended, CONN_TIMEOUT);
}

static size_t
free_inside(struct conn *c, const char *data, size_t len)
{
	conn_write(c, "never sent", 10);
	net_test_ended(&c);
	CHECK(c == NULL);
	return 0;
}

static void
serve_freeing(int fd)
{
	static const struct conn_ops ops = { .readable = free_inside, .ended = note_end };

	conn = conn_take_fd(fd, &ops, NULL);
}

static void
be_freed(int fd)
{
	net_test_send(fd, "free");
	CHECK(net_test_at_end(fd));
}

static void
a_connection_may_be_freed_inside_its_callback(void **state)
{
	run(serve_freeing, be_freed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_echoed_until_the_peer_ends),
		cmocka_unit_test(what_the_owner_does_not_use_is_kept_and_given_again),
		cmocka_unit_test(a_held_connection_is_not_read),
		cmocka_unit_test(output_beyond_the_limit_is_told_and_still_sent),
		cmocka_unit_test(a_peer_that_does_not_read_is_cut),
		cmocka_unit_test(a_silent_peer_runs_out_of_time),
		cmocka_unit_test(a_deadline_passes_whatever_is_sent),
		cmocka_unit_test(closing_sends_what_is_pending_and_waits_for_the_peer),
		cmocka_unit_test(lingering_has_an_end),
		cmocka_unit_test(a_connection_may_be_freed_inside_its_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
