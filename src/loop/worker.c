/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * loop/worker.c - the turn of a worker, and the life of all of them.
 *
 * One event base per worker, without libevent's locks: only its own thread ever touches
 * it.  Other threads reach a worker by its mailbox alone.  The base holds, besides
 * what the server adds, two events: the mailbox's eventfd and one alarm for the timer wheel,
 * so an idle worker sleeps until something is due.
 */
#include "loop/worker.h"

#include <errno.h>
#include <event2/event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "loop/worker_state.h"

#define BUFFER_BYTES 65536
#define SCRATCH_BYTES 4096
/* So many mails are run before sockets are looked at again. */
#define MAILS_PER_TURN 512
/* What runs at the end of a turn may ask for its end again; beyond this it waits for the next. */
#define TURN_END_ROUNDS 8

_Thread_local struct worker *worker_current;

static struct {
	unsigned n;
	struct worker *worker[WORKERS_MAX];
	_Atomic bool stopping;
} all;

enum { M_TURNS, M_MAILS, M_WAKEUPS, METRICS };
static const struct metric metrics[METRICS] = {
	[M_TURNS] = { "hermod_loop_turns", "Turns of the workers' loops.", METRIC_COUNTER },
	[M_MAILS] = { "hermod_loop_mails", "Mails that the workers ran.", METRIC_COUNTER },
	[M_WAKEUPS] = { "hermod_loop_sleeps", "Turns that began with a sleep.", METRIC_COUNTER },
};
static unsigned first_metric;

struct worker *
worker_here(void)
{
	hm_assert(worker_current);
	return worker_current;
}

struct worker *
worker_by_number(unsigned number)
{
	return number < all.n ? all.worker[number] : NULL;
}

unsigned
workers_count(void)
{
	return all.n;
}

unsigned
worker_self(void)
{
	return worker_current ? worker_current->number : WORKER_NONE;
}

void
worker_post(unsigned worker, struct mail *mail)
{
	hm_assert(worker < all.n);
	mailbox_post(&all.worker[worker]->box, mail);
}

struct event_base *
worker_base(void)
{
	return worker_here()->base;
}

struct arena *
worker_scratch(void)
{
	struct worker *w = worker_here();

	w->scratch_used = true;
	return w->scratch;
}

char *
worker_buffer(size_t *size)
{
	*size = BUFFER_BYTES;
	return worker_here()->buffer;
}

int64_t
worker_now_ms(void)
{
	struct worker *w = worker_here();

	if (!w->now_known) {
		w->now_ms = clock_mono_ms();
		w->now_known = true;
	}
	return w->now_ms;
}

void
worker_at_turn_end(struct turn_end *te)
{
	if (te->link.next && !list_empty(&te->link))
		return;
	list_push_back(&worker_here()->turn_ends, &te->link);
}

void
worker_cancel_turn_end(struct turn_end *te)
{
	if (te->link.next)
		list_remove(&te->link);
}

/* --- Callbacks ------------------------------------------------------------ */

/* Only this thread writes the counter: no read-modify-write is needed. */
static void
count_callback(struct worker *w)
{
	uint64_t n = atomic_load_explicit(&w->doing.callbacks, memory_order_relaxed);

	atomic_store_explicit(&w->doing.callbacks, n + 1, memory_order_relaxed);
}

void
worker_enter(void)
{
	struct worker *w = worker_here();

	/* A socket ended the sleep: whoever posts now, this thread included, need not wake it. */
	if (w->asleep) {
		w->asleep = false;
		mailbox_awake(&w->box);
	}
	count_callback(w);
}

void
worker_leave(void)
{
	struct worker *w = worker_here();

	count_callback(w);
	if (w->scratch_used) {
		arena_reset(w->scratch);
		w->scratch_used = false;
	}
}

static void
run_timer(struct timer *t)
{
	worker_enter();
	t->fire(t);
	worker_leave();
}

static void
run_mails(struct worker *w)
{
	unsigned n = 0;

	while (n < MAILS_PER_TURN) {
		struct mail *mail;

		if (!w->mails && !(w->mails = mailbox_take_all(&w->box)))
			break;
		mail = w->mails;
		w->mails = mail->next;
		n++;
		worker_enter();
		mail->run(mail);
		worker_leave();
	}
	if (n) {
		atomic_fetch_add_explicit(&w->mails_run, n, memory_order_relaxed);
		metric_add(first_metric + M_MAILS, n);
	}
}

static void
run_turn_ends(struct worker *w)
{
	for (unsigned round = 0; round < TURN_END_ROUNDS && !list_empty(&w->turn_ends); round++) {
		struct list mark;

		/* What is queued behind the mark came while this round ran. */
		list_push_back(&w->turn_ends, &mark);
		while (w->turn_ends.next != &mark) {
			struct turn_end *te = list_entry(w->turn_ends.next, struct turn_end, link);

			list_remove(&te->link);
			worker_enter();
			te->run(te);
			worker_leave();
		}
		list_remove(&mark);
	}
}

/* --- The turn --------------------------------------------------------------- */

/* The mails are run after all events of the turn, not here: this only ended the sleep. */
static void
mailbox_woken(evutil_socket_t fd, short what, void *ctx)
{
}

static void
alarm_rang(evutil_socket_t fd, short what, void *ctx)
{
	struct worker *w = ctx;

	w->alarm_ms = INT64_MAX;
}

/* Sees to it that the poll ends when the wheel wants to be looked at. */
static void
set_alarm(struct worker *w)
{
	int64_t next = wheel_next_ms(&w->wheel);
	int64_t wait;
	struct timeval tv;

	if (next == w->alarm_ms)
		return;
	w->alarm_ms = next;
	if (next == INT64_MAX) {
		event_del(w->alarm);
		return;
	}
	wait = next - clock_mono_ms();
	if (wait < 0)
		wait = 0;
	tv.tv_sec = wait / 1000;
	tv.tv_usec = wait % 1000 * 1000;
	event_add(w->alarm, &tv);
}

static void
poll_events(struct worker *w)
{
	bool sleep;

	set_alarm(w);
	sleep = !w->mails && list_empty(&w->turn_ends) && mailbox_sleep(&w->box);
	w->asleep = sleep;
	/* The time is asked for when the first callback wants it, that is, after the sleep. */
	w->now_known = false;
	/* EVLOOP_NONBLOCK alone goes on as long as there is a ready socket. */
	event_base_loop(w->base, sleep ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
	if (sleep)
		metric_add(first_metric + M_WAKEUPS, 1);
}

static void
turn(struct worker *w)
{
	poll_events(w);
	run_mails(w);
	/* With the clock as it is now: a mail may have taken long, or have moved a test's clock. */
	w->now_known = false;
	wheel_run(&w->wheel, worker_now_ms(), run_timer);
	run_turn_ends(w);
	atomic_fetch_add_explicit(&w->turns, 1, memory_order_relaxed);
	metric_add(first_metric + M_TURNS, 1);
}

static void
run(struct worker *w)
{
	worker_current = w;
	w->thread = pthread_self();
	metrics_thread(w->number + 1);
	crash_thread_begin();
	atomic_store(&w->running, true);
	while (!atomic_load_explicit(&all.stopping, memory_order_relaxed))
		turn(w);
	atomic_store(&w->running, false);
	crash_thread_end();
	worker_current = NULL;
}

/* --- The workers' life ----------------------------------------------------- */

static unsigned
count_cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (unsigned)n;
}

static struct event_base *
base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0 &&
	    event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV) == 0 &&
	    event_config_require_features(config, EV_FEATURE_ET) == 0)
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	return base;
}

static bool
worker_init(struct worker *w, unsigned number)
{
	w->number = number;
	w->box.event_fd = -1;
	w->alarm_ms = INT64_MAX;
	list_init(&w->turn_ends);
	wheel_init(&w->wheel, clock_mono_ms());
	w->scratch = arena_new(SCRATCH_BYTES);
	w->buffer = mem_alloc(BUFFER_BYTES);
	w->base = base_new();
	if (!w->base || !mailbox_init(&w->box))
		return false;
	w->woken =
		event_new(w->base, w->box.event_fd, EV_READ | EV_ET | EV_PERSIST, mailbox_woken, w);
	w->alarm = event_new(w->base, -1, 0, alarm_rang, w);
	return w->woken && w->alarm && event_add(w->woken, NULL) == 0;
}

static void
worker_free(struct worker *w)
{
	if (w->woken)
		event_free(w->woken);
	if (w->alarm)
		event_free(w->alarm);
	if (w->base)
		event_base_free(w->base);
	if (w->box.event_fd >= 0)
		mailbox_destroy(&w->box);
	arena_free(&w->scratch);
	mem_free(w->buffer);
	mem_free(w);
}

void
workers_metrics_register(void)
{
	static bool registered;

	if (!registered)
		metrics_register(metrics, METRICS, &first_metric);
	registered = true;
}

bool
workers_init(unsigned n, struct hm_error *why)
{
	hm_assert(all.n == 0);
	if (n > WORKERS_MAX)
		return error_set(why, HM_E_INVALID, "more than %d workers are asked for",
		                 WORKERS_MAX);
	workers_metrics_register();
	/* A peer that has gone shows as EPIPE where it matters. */
	signal(SIGPIPE, SIG_IGN);
	atomic_store(&all.stopping, false);
	if (n == 0)
		n = count_cores();
	for (unsigned i = 0; i < n; i++) {
		all.worker[i] = mem_new(struct worker);
		all.n = i + 1;
		if (!worker_init(all.worker[i], i)) {
			error_errno(why, "the event loop of a worker can't be made");
			workers_free();
			return false;
		}
	}
	return true;
}

static void *
worker_thread(void *ctx)
{
	struct worker *w = ctx;
	char name[16];

	snprintf(name, sizeof(name), "worker-%u", w->number);
	pthread_setname_np(pthread_self(), name);
	run(w);
	return NULL;
}

/* Signals to the process are for its first thread; a fault still goes to who made it. */
static void
start_threads(pthread_t thread[])
{
	sigset_t blocked, before;

	sigfillset(&blocked);
	sigdelset(&blocked, SIGSEGV);
	sigdelset(&blocked, SIGBUS);
	sigdelset(&blocked, SIGFPE);
	sigdelset(&blocked, SIGILL);
	sigdelset(&blocked, SIGABRT);
	sigdelset(&blocked, WATCHDOG_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	for (unsigned i = 1; i < all.n; i++)
		hm_assert(pthread_create(&thread[i], NULL, worker_thread, all.worker[i]) == 0);
	watchdog_start();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void
workers_run(void)
{
	pthread_t thread[WORKERS_MAX];

	start_threads(thread);
	run(all.worker[0]);
	for (unsigned i = 1; i < all.n; i++)
		pthread_join(thread[i], NULL);
	watchdog_stop();
}

void
workers_kick(void)
{
	for (unsigned i = 0; i < all.n; i++)
		mailbox_wake(&all.worker[i]->box);
}

void
workers_stop(void)
{
	atomic_store_explicit(&all.stopping, true, memory_order_relaxed);
	workers_kick();
}

void
workers_free(void)
{
	for (unsigned i = 0; i < all.n; i++) {
		worker_free(all.worker[i]);
		all.worker[i] = NULL;
	}
	all.n = 0;
}

void
worker_view(unsigned worker, struct worker_view *out)
{
	const struct worker *w = worker_by_number(worker);
	clockid_t clock;
	struct timespec ts;

	memset(out, 0, sizeof(*out));
	if (!w)
		return;
	doing_read(w, out);
	out->busy_ms = atomic_load_explicit(&w->busy_ms, memory_order_relaxed);
	if (atomic_load(&w->running) && pthread_getcpuclockid(w->thread, &clock) == 0 &&
	    clock_gettime(clock, &ts) == 0)
		out->cpu_us = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}
