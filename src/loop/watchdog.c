/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * loop/watchdog.c - a thread that looks twice per limit whether a worker is still
 * in the callback of the last time.  What runs too long is logged once, with the
 * stack of that thread: a signal makes it write its return addresses down, and
 * this thread turns them into names.
 *
 * Whole periods are counted, not time: a process that was stopped and goes on
 * is not stuck.  The clock is the real one, also when a test moves the server's.
 */
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/log.h"
#include "loop/worker_state.h"

#define PERIODS_PER_LIMIT 2
#define STACK_WAIT_MS 200

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t limit_ms;
	bool running, stopping;
	pthread_t thread;
	/* The thread's own: what it saw last, and for how many periods. */
	uint64_t seen[WORKERS_MAX];
	unsigned periods[WORKERS_MAX];
} dog = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct hm_logctx log_context = { .subject = "loop" };

static void
wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, uint32_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_cond_timedwait(cond, lock, &until);
}

/* On the stuck thread, wherever it is. */
static void
write_stack_down(int number)
{
	struct worker *w = worker_current;
	int saved = errno;

	if (w && atomic_exchange(&w->stack.wanted, false)) {
		w->stack.n = backtrace(w->stack.address, STACK_MAX);
		atomic_store(&w->stack.taken, true);
	}
	errno = saved;
}

/* "function+0x1b < caller+0x20 < ...", or empty when the thread doesn't answer. */
static void
get_stack(struct worker *w, struct buf *out)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	char **names;

	atomic_store(&w->stack.taken, false);
	atomic_store(&w->stack.wanted, true);
	if (pthread_kill(w->thread, WATCHDOG_SIGNAL) != 0)
		return;
	for (unsigned ms = 0; !atomic_load(&w->stack.taken); ms++) {
		if (ms == STACK_WAIT_MS && atomic_exchange(&w->stack.wanted, false))
			return;
		nanosleep(&nap, NULL);
	}
	names = backtrace_symbols(w->stack.address, w->stack.n);
	/* The first two are the handler and what the kernel returns to. */
	for (int i = 2; names && i < w->stack.n; i++)
		buf_printf(out, "%s%s", i > 2 ? " < " : "", names[i]);
	free(names);
}

static void
report(struct worker *w, int64_t ms)
{
	struct worker_view view;
	struct buf stack = { 0 };

	doing_read(w, &view);
	get_stack(w, &stack);
	log_line(&log_context, HM_WARN, "a callback is running for too long",
	         hm_kv("worker", w->number), hm_kv("ms", ms), hm_kv("module", view.module),
	         hm_kv("event", view.event), hm_kv("jid", view.address),
	         hm_kv("stack", stack.data ? stack.data : ""));
	buf_free(&stack);
}

static void
look_at(struct worker *w, uint32_t limit_ms)
{
	uint64_t now = atomic_load_explicit(&w->doing.callbacks, memory_order_relaxed);
	unsigned i = w->number;
	int64_t ms;

	dog.periods[i] = now == dog.seen[i] && now % 2 == 1 ? dog.periods[i] + 1 : 0;
	dog.seen[i] = now;
	ms = (int64_t)dog.periods[i] * limit_ms / PERIODS_PER_LIMIT;
	atomic_store_explicit(&w->busy_ms, ms, memory_order_relaxed);
	if (dog.periods[i] == PERIODS_PER_LIMIT && atomic_load(&w->running))
		report(w, ms);
}

static void *
watch(void *ctx)
{
	pthread_setname_np(pthread_self(), "watchdog");
	pthread_mutex_lock(&dog.lock);
	while (!dog.stopping) {
		uint32_t limit_ms = dog.limit_ms;

		if (limit_ms == 0) {
			pthread_cond_wait(&dog.changed, &dog.lock);
			continue;
		}
		wait_ms(&dog.changed, &dog.lock, limit_ms / PERIODS_PER_LIMIT + 1);
		if (dog.stopping || dog.limit_ms != limit_ms)
			continue;
		pthread_mutex_unlock(&dog.lock);
		for (unsigned i = 0; i < workers_count(); i++)
			look_at(worker_by_number(i), limit_ms);
		pthread_mutex_lock(&dog.lock);
	}
	pthread_mutex_unlock(&dog.lock);
	return NULL;
}

void
workers_watchdog(uint32_t limit_ms)
{
	pthread_mutex_lock(&dog.lock);
	dog.limit_ms = limit_ms;
	if (dog.running)
		pthread_cond_signal(&dog.changed);
	pthread_mutex_unlock(&dog.lock);
}

void
watchdog_start(void)
{
	struct sigaction action = { .sa_handler = write_stack_down, .sa_flags = SA_RESTART };
	pthread_condattr_t attr;
	void *one;

	/* The first call loads a library; a signal handler must not be the one to do it. */
	backtrace(&one, 1);
	sigemptyset(&action.sa_mask);
	sigaction(WATCHDOG_SIGNAL, &action, NULL);
	memset(dog.periods, 0, sizeof(dog.periods));
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_lock(&dog.lock);
	pthread_cond_init(&dog.changed, &attr);
	dog.stopping = false;
	dog.running = true;
	pthread_mutex_unlock(&dog.lock);
	pthread_condattr_destroy(&attr);
	hm_assert(pthread_create(&dog.thread, NULL, watch, NULL) == 0);
}

void
watchdog_stop(void)
{
	pthread_mutex_lock(&dog.lock);
	dog.stopping = true;
	dog.running = false;
	pthread_cond_signal(&dog.changed);
	pthread_mutex_unlock(&dog.lock);
	pthread_join(dog.thread, NULL);
	pthread_cond_destroy(&dog.changed);
}
