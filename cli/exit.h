/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* cli/exit.h - how hermodctl ends; hermodctl(1) lists the same. */
#ifndef CLI_EXIT_H
#define CLI_EXIT_H

enum exit_status {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,       /* the server said no */
	EXIT_USAGE = 2,         /* the command line is wrong */
	EXIT_NO_CONNECTION = 3, /* no server, or it went away before its answer */
	EXIT_TIMEOUT = 4,       /* no answer in time */
	EXIT_PROTOCOL = 5,      /* the answer makes no sense */
	EXIT_INPUT = 6,         /* a file or a password could not be read */
	EXIT_INTERRUPTED = 130,
};

#endif
