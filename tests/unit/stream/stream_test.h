/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * tests/unit/stream/stream_test.h - the stream side with a fake core, and blocking clients
 * on threads of their own.
 */
#ifndef STREAM_TEST_H
#define STREAM_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these before it. */
#include <cmocka.h>

#include "fake_core.h"
#include "net/conn.h"
#include "stream/stream.h"

/* cmocka's checks may fail on the main thread only; this one anywhere, and the test fails at its end. */
#define CHECK(cond) stream_test_check((cond), #cond, __FILE__, __LINE__)
bool stream_test_check(bool good, const char *what, const char *file, int line);

/* Group set-up and tear-down: certificates. */
int stream_test_begin(void **state);
int stream_test_end(void **state);

/* The defaults, which a test may change before it runs something; set again after each run. */
extern struct stream_settings stream_test_settings;
extern unsigned stream_test_workers; /* 1 unless said otherwise */

/* Serves until talk() has returned and all streams are gone. */
void stream_test_run(void (*talk)(void));
/* Runs fn on worker `worker`; returns when it did. */
void stream_test_on(unsigned worker, void (*fn)(void));

struct client {
	int fd;
	struct ssl_st *ssl;
	size_t len;
	char got[70000];
};

/* direct: the port with TLS at once; the handshake is done. */
struct client *client_new(bool direct);
void client_free(struct client *c);
void client_send(struct client *c, const char *text);
/* Reads up to text; all of it, that included, which lives until the next call. A CHECK fails at the end of input. */
const char *client_until(struct client *c, const char *text);
void client_expect(struct client *c, const char *text); /* exactly that comes next */
/* Nothing more comes but the end of the connection. */
void client_expect_end(struct client *c);
void client_open(struct client *c);   /* sends a header, reads header and features */
void client_secure(struct client *c); /* STARTTLS, from the start, and the new stream */
void client_shake_hands(struct client *c);
/* SCRAM; true: <success/> with the right signature. binding NULL: none. */
bool client_scram(struct client *c, const char *mechanism, const char *user, const char *password,
                  const char *binding);
void client_plain(struct client *c, const char *user, const char *password); /* sends <auth/> */
void client_log_in(struct client *c); /* from the start to the features after authentication */

/* The client is told why, and that is the end. */
void client_expect_error(struct client *c, const char *cond);
/* Moves the clock. */
void stream_test_advance(uint32_t ms);
/* What was posted to worker 0 so far has been run. */
void stream_test_drain(void);

#define PING(id) "<iq type='get' id='" id "'><ping xmlns='urn:xmpp:ping'/></iq>"
#define PONG(id) "<iq to='juliet@a.example/balcony' type='result' id='" id "'/>"
#define ERROR(cond) "<stream:error><" cond " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
#define SUCCESS "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'></success>"
#define HEADER(to)                                                                                 \
	"<?xml version='1.0'?><stream:stream to='" to "' version='1.0' xmlns='jabber:client' "     \
	"xmlns:stream='http://etherx.jabber.org/streams'>"
#define AUTH(mechanism) "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='" mechanism "'>"
#define STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define FAILURE(cond) "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><" cond "/></failure>"

#endif
