/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/notify.h - tells who started us how far we are: sd_notify(3)'s datagram. */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

/* "READY=1", "STOPPING=1", "RELOADING=1"; nothing happens when NOTIFY_SOCKET is not set. */
void notify_send(const char *state);

#endif
