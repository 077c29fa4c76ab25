/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* Counts signals, which are blocked but in ppoll(2). */
#include "interrupt.h"

#include <stddef.h>

#include <hermod/values.h>

static volatile sig_atomic_t count;
static sigset_t open_mask;

static void
count_signal(int signal_number)
{
	count = count + 1;
}

void
interrupt_init(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = count_signal };
	struct sigaction before;
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < HM_COUNT(signals); i++) {
		/* nohup(1) and the like have their way. */
		if (sigaction(signals[i], NULL, &before) != 0 || before.sa_handler == SIG_IGN)
			continue;
		sigaction(signals[i], &action, NULL);
		sigaddset(&blocked, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, &open_mask);
}

unsigned
interrupt_count(void)
{
	return (unsigned)count;
}

const sigset_t *
interrupt_mask(void)
{
	return &open_mask;
}
