/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* store/failpoint.c - what is armed, in atomics: it is set by a worker and passed by the writer. */
#include "store/failpoint.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { OFF, FAIL, KILL, WAIT };

static const struct {
	const char *name;
	bool fails;
	bool waits; /* a thread of its own passes it, and can't be killed there */
} points[FAILPOINTS] = {
	[FAILPOINT_WRITER] = { "store.writer", .waits = true },
	[FAILPOINT_BEFORE_COMMIT] = { "store.before_commit", true },
	[FAILPOINT_SYNC] = { "store.sync", true },
	[FAILPOINT_AFTER_COMMIT] = { "store.after_commit", false },
	[FAILPOINT_BEFORE_REPORT] = { "store.before_report", false },
	[FAILPOINT_BEFORE_RETURN] = { "core.before_return", false },
	[FAILPOINT_BEFORE_DELIVERY] = { "core.before_delivery", false },
	[FAILPOINT_BEFORE_ACK] = { "core.before_ack", false },
};

/* Shared by all threads on purpose: there is one disk. */
static struct {
	_Atomic int action;
	_Atomic uint64_t pass_by; /* so often nothing happens */
} armed[FAILPOINTS];

static bool
can(size_t point, int action)
{
	switch (action) {
	case FAIL:
		return points[point].fails;
	case KILL:
		return !points[point].waits;
	case WAIT:
		return points[point].waits;
	default:
		return true;
	}
}

bool
failpoint_set(const char *name, const char *action, uint64_t after, struct hm_error *why)
{
	static const char *const actions[] = {
		[OFF] = "off", [FAIL] = "fail", [KILL] = "kill", [WAIT] = "wait"
	};

	for (size_t i = 0; i < FAILPOINTS; i++) {
		if (strcmp(points[i].name, name) != 0)
			continue;
		for (int k = OFF; k <= WAIT; k++) {
			if (strcmp(actions[k], action) != 0 || !can(i, k))
				continue;
			atomic_store(&armed[i].action, OFF);
			atomic_store(&armed[i].pass_by, after);
			atomic_store(&armed[i].action, k);
			return true;
		}
		return error_set(why, HM_E_INVALID, "%s can be off, %s.", name,
		                 points[i].waits   ? "wait"
		                 : points[i].fails ? "kill or fail"
		                                   : "kill");
	}
	return error_set(why, HM_E_NOT_FOUND, "There is no failpoint %s.", name);
}

bool
failpoint(enum failpoint point)
{
	int action = atomic_load_explicit(&armed[point].action, memory_order_relaxed);
	uint64_t left;

	if (__builtin_expect(action == OFF, 1))
		return false;
	left = atomic_load(&armed[point].pass_by);
	while (left > 0) {
		if (atomic_compare_exchange_weak(&armed[point].pass_by, &left, left - 1))
			return false;
	}
	if (action == FAIL)
		return true;
	while (action == WAIT) {
		usleep(1000);
		action = atomic_load(&armed[point].action);
		if (action == OFF)
			return false;
	}
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}
