/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * proxy.h - stands between the store and the socket of a database, and cuts, or swallows what
 * comes back.  One thread; it serves a socket of the usual name in a folder of its own.
 */
#ifndef TESTS_PROXY_H
#define TESTS_PROXY_H

#include <stdbool.h>
#include <stddef.h>

struct proxy;

/* In front of folder/.s.PGSQL.5432. */
struct proxy *proxy_new(const char *folder);
void proxy_free(struct proxy **proxy);
const char *proxy_folder(const struct proxy *proxy);

/* All connections end at once, and until proxy_open() there are no new ones. */
void proxy_cut(struct proxy *proxy);
void proxy_open(struct proxy *proxy);
/*
 * When the client has sent `text`, that and all before it goes to the server; whatever the server
 * answers is swallowed, and when `answer` was in it, all connections are cut.  Once.
 */
void proxy_cut_after(struct proxy *proxy, const char *text, const char *answer);
/* The other way: what has `text` in it does not reach the server, and all connections are cut.  Once. */
void proxy_cut_before(struct proxy *proxy, const char *text);
bool proxy_has_cut(struct proxy *proxy);
unsigned proxy_connections(struct proxy *proxy); /* so far */

#endif
