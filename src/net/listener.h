/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/listener.h - listening sockets.  Every worker accepts on every listener, on an
 * SO_REUSEPORT socket of its own, so that one connection wakes one worker; a connection
 * starts on the worker that accepted it.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include <hermod/values.h>

struct listener;

/* On the worker that accepted; takes fd (non-blocking, close-on-exec, TCP_NODELAY). */
typedef void listener_accept_fn(void *ctx, int fd);

/*
 * After workers_init().  Binds and listens for all workers (IPv6 sockets are IPV6_V6ONLY).  Not accepting yet. port 0:
 * any (listener_port tells). address is numeric. A port on which anybody listens, this user's other processes included, is refused.
 * Out of descriptors: accepting pauses for a moment on that worker and says so in the log once; nothing crashes.
 */
struct listener *listener_new(const char *address, uint16_t port, listener_accept_fn *accept,
                              void *ctx, struct hm_error *why);
void listener_start_here(struct listener *l); /* on each worker, once */
void listener_stop_here(struct listener *l);  /* on each worker */
uint16_t listener_port(const struct listener *l);
/* Connections have descriptors below this; the rest is for the control socket, files and the database. Any thread. */
int listener_fd_end(void);
void listener_free(struct listener **l); /* closes; after all workers stopped it */

#endif
