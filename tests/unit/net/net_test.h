/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * tests/unit/net/net_test.h - what the tests of net share: workers with a server side
 * on them, clients on threads of their own with blocking sockets and a real OpenSSL
 * client, and certificates made on the spot.
 */
#ifndef NET_TEST_H
#define NET_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these before it. */
#include <cmocka.h>

#include <openssl/ssl.h>

#include "net/conn.h"
#include "net/tls.h"

/* cmocka's checks may fail on the main thread only; this one anywhere, and the test fails at its end. */
#define CHECK(cond) net_test_check((cond), #cond, __FILE__, __LINE__)
bool net_test_check(bool good, const char *what, const char *file, int line);

/*
 * Runs `workers` workers, calls serve(fd) on worker 0 for the server's end of each of
 * n socket pairs, and client(fd) on a thread for each other end; returns when no connection is left
 * and all clients have returned.  Fails the test when a CHECK failed.
 */
void net_test_run(unsigned workers, unsigned n, void (*serve)(int fd), void (*client)(int fd));
/* For `ended`: frees it; the last one stops the workers. */
void net_test_ended(struct conn **c);
/* Moves the clock, from a client. */
void net_test_advance(uint32_t ms);

/* Directory of certificates, made by group set-up, removed by tear-down. */
int net_test_begin(void **state);
int net_test_end(void **state);
/* PEM of key and self-signed P-256 certificate for the domain. */
const char *net_test_certificate(const char *domain);
/* A context with these hosts (NULL-terminated list), accepting alpn or NULL. */
struct tls_context *net_test_context(const char *const *domains, const char *const *alpn);

/* --- Clients: blocking, and never longer than ten seconds for one call --- */
void net_test_send(int fd, const char *text);
/* Reads until text was read; a CHECK fails when something else comes. */
void net_test_expect(int fd, const char *text);
bool net_test_at_end(int fd); /* orderly end, and nothing before it */
/* A client that offers SNI and one ALPN protocol (NULLs: none); the handshake is not done yet. */
SSL *net_test_client(int fd, const char *sni, const char *alpn);
void net_test_client_free(SSL **ssl);
void net_test_ssl_expect(SSL *ssl, const char *text);
bool net_test_write_all(SSL *ssl, const void *data, size_t len);
bool net_test_read_all(SSL *ssl, void *data, size_t len);

#endif
