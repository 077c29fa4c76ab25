/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/certificates.h - certificates whose files change are read again, without a reload. */
#ifndef DAEMON_CERTIFICATES_H
#define DAEMON_CERTIFICATES_H

struct server;
struct settings_tls;

/* On worker 0: looks every minute from now on. */
void certificates_watch(struct server *server);
/* New connections use take from now on. */
void certificates_use(struct server *server, const struct settings_tls *take);

#endif
