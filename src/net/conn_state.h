/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/conn_state.h - what a connection consists of; for the files of conn only.
 *
 * Bytes on their way:  owner -> out -> (TLS) -> wire -> kernel -> (TLS) -> kept -> owner.
 * All three buffers hold memory only while something could not go on at once.
 *
 * Between two callbacks no decrypted byte is inside OpenSSL: what the owner does not take
 * is decrypted all the same and kept here.  So a connection may change its worker at any
 * time, and the kernel's readiness tells the whole truth.
 */
#ifndef NET_CONN_STATE_H
#define NET_CONN_STATE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "loop/timer.h"
#include "loop/worker.h"
#include "net/conn.h"

/* How the worker's shared buffer of 64 KiB is divided. */
#define READ_BYTES 16384  /* what one turn reads from one connection */
#define PLAIN_BYTES 16384 /* the largest TLS record, decrypted (RFC 8446 5.1) */
#define SEND_BYTES 32768  /* encrypted records on their way into one send() */
#define RECORD_BYTES 16384

enum conn_state {
	CONN_OPEN,
	CONN_CLOSING, /* conn_close(): output goes out, input is thrown away */
	CONN_OVER     /* `ended` is to be called or was */
};

struct conn {
	const struct conn_ops *ops;
	void *owner;
	int fd;        /* -1 after conn_free() */
	unsigned home; /* the worker it is attached to, or was last */
	/* A callback of it runs. Whoever takes it over waits until this is false. */
	_Atomic bool busy;
	uint8_t state;  /* enum conn_state */
	uint8_t why;    /* enum conn_end, of CONN_OVER and of eof */
	bool freed : 1; /* conn_free() inside a callback */
	bool detached : 1;
	bool held : 1;    /* by the owner */
	bool polled : 1;  /* the read event is added */
	bool blocked : 1; /* the kernel takes no more; the write event is added */
	bool tell_drained : 1;
	bool told : 1; /* `ended` was called */
	bool eof : 1;  /* the peer's end was read */
	bool shut : 1; /* our end was sent */
	bool in_readable : 1;
	bool tls_began : 1;  /* inside the present readable */
	bool secured : 1;    /* the handshake is done */
	bool tls_broken : 1; /* OpenSSL reported a fatal error: it may not be asked again */
	struct event readable;
	struct event *writable; /* exists only while blocked */
	struct turn_end turn_end;
	struct timer timer;
	struct buf out;  /* not yet encrypted */
	struct buf wire; /* as it goes to the kernel, before anything of out */
	struct buf kept; /* input that the owner has not taken */
	SSL *ssl;
	struct tls_context *tls;
	char *tls_error;
	size_t output_limit;
	uint32_t idle_ms, stuck_ms; /* 0: never */
	int64_t heard_ms;    /* when the last byte came; while a handshake runs, when that began */
	int64_t moved_ms;    /* while blocked: when the kernel last took something */
	int64_t deadline_ms; /* of the stage or, when closing, of lingering; 0: none */
	uint64_t bytes_in, bytes_out;
	struct conn_peer peer;
	struct hm_logctx log;
};

/* conn.c */
void conn_wake(struct conn *c); /* its end of turn will run */
void
conn_over(struct conn *c, enum conn_end why); /* no more events; `ended` at the end of the turn */
void
conn_eof(struct conn *c, enum conn_end why); /* the same, when the owner has taken what is kept */
void conn_deliver(struct conn *c, const char *data, size_t len);
void conn_begin(struct conn *c); /* around whatever may call back */
void conn_finish(struct conn *c);

/* conn_timer.c: call after each change of what the time-outs depend on. */
void conn_arm_timer(struct conn *c);

/* conn_output.c */
void conn_push(struct conn *c); /* whatever the kernel takes now */
void conn_push_events_stop(struct conn *c);
/* The same bytes as they are, behind all that is on the wire; for TLS. */
void conn_push_wire(struct conn *c, const char *data, size_t len);
/* Nothing more can be done for the output than to wait for the kernel, or there is none. */
bool conn_is_drained(const struct conn *c);

/* conn_tls.c */
void conn_tls_input(struct conn *c, const char *data, size_t len);
/* Encrypts from the front of data until the kernel is full; how many bytes went in. */
size_t conn_tls_encrypt(struct conn *c, const char *data, size_t len);
void conn_tls_shutdown(struct conn *c);
void conn_tls_free(struct conn *c);

/* peer.c */
void peer_of_socket(int fd, struct conn_peer *peer);

/* metrics of net */
enum { M_CONNECTIONS, M_BYTES_IN, M_BYTES_OUT, M_HANDSHAKES, M_HANDSHAKES_FAILED, NET_METRICS };
void net_count(unsigned metric, int64_t n);

#endif
