/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/paths.h - where things are when nothing says otherwise; the build gives the values. */
#ifndef DAEMON_PATHS_H
#define DAEMON_PATHS_H

#if !defined(HERMOD_MODULE_DIR) || !defined(HERMOD_CONFIG_FILE) || !defined(HERMOD_RUN_DIR) ||     \
	!defined(HERMOD_STATE_DIR)
#error "compile with PATH_CPPFLAGS of the Makefile"
#endif

#endif
