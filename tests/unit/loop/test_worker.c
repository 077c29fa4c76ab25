/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* tests of loop/worker.c, doing.c and watchdog.c: real threads, a clock that is moved */
#include "loop/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these before it. */
#include <cmocka.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "loop/timer.h"

#define WORKERS 3

static int
begin(void **state)
{
	struct hm_error why;

	return workers_init(WORKERS, &why) ? 0 : -1;
}

static int
end(void **state)
{
	workers_free();
	return 0;
}

/* --- Mails ----------------------------------------------------------------- */

#define ROUNDS 3000

/* Goes round all workers, each time one further. */
struct ball {
	struct mail mail;
	unsigned at, hops;
	bool wrong;
};

static void
ball_came(struct mail *mail)
{
	struct ball *ball = HM_CONTAINER(mail, struct ball, mail);

	if (worker_self() != ball->at)
		ball->wrong = true;
	if (++ball->hops == ROUNDS) {
		workers_stop();
		return;
	}
	ball->at = (ball->at + 1) % WORKERS;
	worker_post(ball->at, mail);
}

static void
a_mail_runs_on_the_worker_it_was_posted_to(void **state)
{
	struct ball ball = { .mail = { .run = ball_came }, .at = 1 };

	assert_int_equal(workers_count(), WORKERS);
	assert_true(worker_self() == WORKER_NONE);
	worker_post(1, &ball.mail);
	workers_run();
	assert_int_equal(ball.hops, ROUNDS);
	assert_false(ball.wrong);
	assert_true(worker_self() == WORKER_NONE);
}

static unsigned self_n;

static void
posted_to_itself(struct mail *mail)
{
	if (++self_n == 2000)
		workers_stop();
	else
		worker_post(worker_self(), mail);
}

static void
count_socket(evutil_socket_t fd, short what, void *ctx)
{
	unsigned *n = ctx;

	worker_enter();
	(*n)++;
	worker_leave();
}

struct socket_start {
	struct mail mail;
	int fd;
	unsigned n;
	struct event *event;
};

static void
socket_started(struct mail *mail)
{
	struct socket_start *s = HM_CONTAINER(mail, struct socket_start, mail);

	s->event = event_new(worker_base(), s->fd, EV_READ | EV_PERSIST, count_socket, &s->n);
	event_add(s->event, NULL);
}

static void
a_flood_of_mails_does_not_starve_sockets(void **state)
{
	struct socket_start s = { .mail = { .run = socket_started } };
	struct mail flood = { .run = posted_to_itself };
	int fds[2];

	self_n = 0;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	s.fd = fds[0];
	worker_post(0, &s.mail);
	worker_post(0, &flood);
	workers_run();
	/* 2001 mails are four turns or more; the pipe stays readable. */
	assert_in_range(s.n, 3, 2001);
	event_free(s.event);
	close(fds[0]);
	close(fds[1]);
}

/* --- Ends of turns ------------------------------------------------------------ */

static char trail[32];
static struct turn_end first, second, cancelled, late;

static void
first_ends(struct turn_end *te)
{
	strcat(trail, "1");
	worker_at_turn_end(&late);
}

static void
second_ends(struct turn_end *te)
{
	strcat(trail, "2");
	worker_cancel_turn_end(&cancelled);
}

static void
cancelled_ends(struct turn_end *te)
{
	strcat(trail, "!");
}

static void
late_ends(struct turn_end *te)
{
	strcat(trail, "3");
	workers_stop();
}

static void
ask_for_ends(struct mail *mail)
{
	first = (struct turn_end){ .run = first_ends };
	second = (struct turn_end){ .run = second_ends };
	cancelled = (struct turn_end){ .run = cancelled_ends };
	late = (struct turn_end){ .run = late_ends };
	worker_at_turn_end(&first);
	worker_at_turn_end(&second);
	worker_at_turn_end(&first);
	worker_at_turn_end(&cancelled);
	strcat(trail, "m");
}

static void
ends_of_turns_run_once_in_order_after_the_mails(void **state)
{
	struct mail mail = { .run = ask_for_ends };

	trail[0] = '\0';
	worker_post(0, &mail);
	workers_run();
	assert_string_equal(trail, "m123");
}

/* --- Timers and the clock -------------------------------------------------------- */

static struct timer hour, minute;

static void
hour_over(struct timer *t)
{
	strcat(trail, "h");
	workers_stop();
}

/* Restarts itself and moves the clock to its next end, until the hour ends it all. */
static void
minute_over(struct timer *t)
{
	strcat(trail, "m");
	timer_start(t, 60000, minute_over);
	clock_advance(strlen(trail) < 3 ? 60000 : 3600000);
	workers_kick();
}

static void
start_timers(struct mail *mail)
{
	hour = minute = (struct timer){ 0 };
	timer_start(&hour, 3600000, hour_over);
	timer_start(&minute, 60000, minute_over);
	clock_advance(60000);
	workers_kick();
}

static void
timers_follow_the_moved_clock(void **state)
{
	struct mail mail = { .run = start_timers };

	trail[0] = '\0';
	worker_post(2, &mail);
	workers_run();
	/* The hour and the fourth minute are due at once; the minute's tick is the earlier one. */
	assert_string_equal(trail, "mmmmh");
}

static struct worker_view before, after;

static void
short_over(struct timer *t)
{
	worker_view(0, &after);
	workers_stop();
}

static void
start_short_timer(struct mail *mail)
{
	worker_view(0, &before);
	timer_start(&hour, 400, short_over);
}

static void
a_worker_sleeps_until_its_next_timer(void **state)
{
	struct mail mail = { .run = start_short_timer };
	int64_t began;

	hour = (struct timer){ 0 };
	worker_post(0, &mail);
	began = clock_mono_ms();
	workers_run();
	assert_in_range(clock_mono_ms() - began, 400, 10000);
	/* The turn of the mail, that of the alarm, and what rounding to milliseconds may add. */
	assert_in_range(after.turns - before.turns, 1, 4);
}

/* --- Scratch memory --------------------------------------------------------------- */

static size_t scratch_first, scratch_then;

static void
use_scratch(struct mail *mail)
{
	scratch_first = arena_bytes(worker_scratch());
	memset(arena_alloc(worker_scratch(), 100000), 1, 100000);
	assert_true(arena_bytes(worker_scratch()) >= 100000);
}

static void
look_at_scratch(struct mail *mail)
{
	size_t size;
	char *buffer = worker_buffer(&size);

	scratch_then = arena_bytes(worker_scratch());
	memset(buffer, 1, size);
	workers_stop();
}

static void
scratch_dies_with_the_callback(void **state)
{
	struct mail mails[2] = { { .run = use_scratch }, { .run = look_at_scratch } };

	worker_post(1, &mails[0]);
	worker_post(1, &mails[1]);
	workers_run();
	assert_true(scratch_first == scratch_then);
}

/* --- What a worker is doing --------------------------------------------------------- */

static void
do_something(struct mail *mail)
{
	char jid[] = "juliet@example.org/balcony";

	worker_doing("ping", "iq", jid);
	memset(jid, 'x', sizeof(jid) - 1);
	worker_view(worker_self(), &before);
	worker_doing(NULL, NULL, NULL);
	worker_view(worker_self(), &after);
	workers_stop();
}

static void
what_a_worker_does_can_be_looked_at(void **state)
{
	struct mail mail = { .run = do_something };

	worker_post(2, &mail);
	workers_run();
	assert_string_equal(before.module, "ping");
	assert_string_equal(before.event, "iq");
	assert_string_equal(before.address, "juliet@example.org/balcony");
	assert_string_equal(after.module, "");
	assert_string_equal(after.event, "");
	assert_string_equal(after.address, "");
	worker_view(WORKERS, &after);
	assert_true(after.turns == 0);
}

static uint64_t warnings;

/* Loops until the watchdog barks; ten seconds of real time at most. */
static void
loop_until_noticed(struct mail *mail)
{
	struct timespec start, now;

	worker_doing("loopy", "client_sent", "romeo@example.org");
	clock_gettime(CLOCK_MONOTONIC, &start);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while (log_count(HM_WARN) == warnings && now.tv_sec - start.tv_sec < 10);
	worker_doing(NULL, NULL, NULL);
	workers_stop();
}

static void
the_watchdog_logs_a_callback_that_loops(void **state)
{
	struct mail mail = { .run = loop_until_noticed };
	char path[] = "/tmp/watchdog-XXXXXX";
	char text[8192];
	struct hm_error why;
	int fd = mkstemp(path);
	ssize_t n;

	assert_true(fd >= 0);
	assert_true(log_open(path, LOG_LOGFMT, &why));
	warnings = log_count(HM_WARN);
	workers_watchdog(50);
	worker_post(1, &mail);
	workers_run();
	workers_watchdog(0);
	assert_true(log_open(NULL, LOG_LOGFMT, &why));
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	unlink(path);
	assert_true(n > 0);
	text[n] = '\0';
	assert_int_equal(log_count(HM_WARN) - warnings, 1);
	assert_non_null(strstr(text, "running for too long"));
	assert_non_null(strstr(text, "module=loopy"));
	assert_non_null(strstr(text, "jid=romeo@example.org"));
	assert_non_null(strstr(text, "stack="));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_mail_runs_on_the_worker_it_was_posted_to, begin,
		                                end),
		cmocka_unit_test_setup_teardown(a_flood_of_mails_does_not_starve_sockets, begin,
		                                end),
		cmocka_unit_test_setup_teardown(ends_of_turns_run_once_in_order_after_the_mails,
		                                begin, end),
		cmocka_unit_test_setup_teardown(timers_follow_the_moved_clock, begin, end),
		cmocka_unit_test_setup_teardown(a_worker_sleeps_until_its_next_timer, begin, end),
		cmocka_unit_test_setup_teardown(scratch_dies_with_the_callback, begin, end),
		cmocka_unit_test_setup_teardown(what_a_worker_does_can_be_looked_at, begin, end),
		cmocka_unit_test_setup_teardown(the_watchdog_logs_a_callback_that_loops, begin,
		                                end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
