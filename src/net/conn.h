/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/conn.h - a connection: TCP, with TLS at once or later.  Bytes in, bytes out;
 * it knows no stanza.  On bare events and OpenSSL (no bufferevents: those can't move).
 *
 * One read and one write per connection and turn of the loop: a read takes at most 16 KiB,
 * output is handed over once, at the end of the turn.  A connection
 * belongs to one worker at a time and is given away with conn_detach()/conn_attach().
 *
 * No function here calls back: readable and secured come from the loop, drained and ended
 * from the end of a turn.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hermod/values.h>

struct conn;
struct tls_context;

enum conn_end {
	CONN_EOF,        /* the peer closed its side (TLS: with close_notify) */
	CONN_TRUNCATED,  /* TLS without close_notify, or reset */
	CONN_TLS_FAILED, /* handshake or record error; conn_tls_error() tells */
	CONN_TIMEOUT,    /* conn_set_timeout(), conn_set_deadline() or the linger time ran out */
	CONN_WRITE_STUCK /* output has not moved for the write time-out */
};

struct conn_ops {
	/*
	 * Bytes arrived; data is borrowed (the worker's buffer).  Returns how many were used: fewer than len means "hold": the
	 * rest is kept and nothing is read until conn_resume_reading().  May call anything of conn, conn_free() too.
	 */
	size_t (*readable)(struct conn *c, const char *data, size_t len);
	/* All output given so far has gone to the kernel (only after it had not fitted). */
	void (*drained)(struct conn *c);
	/* TLS is up: negotiated after conn_start_tls() or on a direct TLS port. */
	void (*secured)(struct conn *c);
	/* The last call about c: it is over, by the peer or by a fault; free it with conn_free() here or later. */
	void (*ended)(struct conn *c, enum conn_end why);
};

/* Takes fd (non-blocking; a stream socket). The connection reads from the next turn on.  owner: conn_owner(). */
struct conn *conn_take_fd(int fd, const struct conn_ops *ops, void *owner);
/* Closes the descriptor at once and frees; no callback. Safe inside callbacks (the memory goes at the end of the turn). */
void conn_free(struct conn **c);
void *conn_owner(const struct conn *c);

/*
 * Output.  Appends to what is pending and returns false when more than the limit of conn_set_output_limit() is
 * pending (the data was still taken).  It goes out at the end of the turn by itself; conn_flush() is for who can't wait
 * until then, and inside a callback of c it does nothing more.
 */
bool conn_write(struct conn *c, const void *data, size_t len);
void conn_flush(struct conn *c);
size_t conn_pending(const struct conn *c); /* bytes not yet given to the kernel */
/* The same and those that the peer's kernel has not confirmed yet. */
size_t conn_unconfirmed(const struct conn *c);
void conn_set_output_limit(struct conn *c, size_t bytes, uint32_t stuck_ms);
/*
 * No more output; what is pending goes out, then TLS close_notify and FIN; then `ended` comes after the peer's end, or
 * linger_ms after this call whatever is still pending.  Input is read and thrown away from now on.
 */
void conn_close(struct conn *c, uint32_t linger_ms);

void conn_hold_reading(struct conn *c); /* nothing is read (back-pressure) */
/* Kept bytes are given again, in a later turn, not from inside. */
void conn_resume_reading(struct conn *c);
/*
 * `ended(CONN_TIMEOUT)` when no byte arrived for ms; 0: never. Coarse. A TLS handshake counts as a whole, whatever
 * arrives meanwhile; time with reading held does not count.
 */
void conn_set_timeout(struct conn *c, uint32_t ms);
/* `ended(CONN_TIMEOUT)` in ms from now, whatever arrives: the peer must be past its present stage by then. 0: no deadline. */
void conn_set_deadline(struct conn *c, uint32_t ms);

/* --- TLS --- */
/*
 * Server side.  Upgrades: from now on bytes are TLS; what was written before still goes out in the clear. false (and
 * nothing changed) when input of the clear is still unread: bytes pipelined behind <starttls/> are an attack (the owner
 * ends the stream). Called inside readable, which has not said yet what it used: if it then returns less than len, the
 * connection ends with CONN_TLS_FAILED. Certificates are chosen by SNI through the context (tls.h); sni_default
 * (NULL: the first host) is used without SNI, and when the name is unknown.
 */
bool conn_start_tls(struct conn *c, struct tls_context *ctx, const char *sni_default) HM_MUST_USE;
/*
 * Client side, the same otherwise.  The peer's certificate is asked for and not judged: that is the owner's, by
 * conn_tls_peer_fault() and its names, when TLS is up.
 */
struct conn_tls_client {
	const char *name;     /* whom we want to reach, as A-labels: SNI; NULL: none */
	const char *own;      /* whose certificate we show, as A-labels; NULL: the first host's */
	const char *protocol; /* ALPN; NULL: none */
};
bool conn_start_tls_client(struct conn *c, struct tls_context *ctx,
                           const struct conn_tls_client *as) HM_MUST_USE;
bool conn_is_tls(const struct conn *c);
const char *conn_tls_sni(const struct conn *c);     /* the name the client sent, or NULL */
const char *conn_tls_alpn(const struct conn *c);    /* or NULL */
const char *conn_tls_version(const struct conn *c); /* "TLSv1.3" */
const char *conn_tls_cipher(const struct conn *c);
const char *conn_tls_error(const struct conn *c); /* a sentence, after CONN_TLS_FAILED */
/*
 * The certificate that the peer showed: borrowed; NULL: none (of clients it is asked for only where
 * tls_context_judge_peers() was called).  And why its chain ends at nobody whom we trust, a sentence, or NULL
 * when it is valid now; whose names it has is not part of that (crypto/cert.h: cert_fits()).
 */
struct x509_st;
struct x509_st *conn_tls_peer_certificate(const struct conn *c);
const char *conn_tls_peer_fault(const struct conn *c);
/* Channel bindings (RFC 9266, RFC 5929): false when this connection has none of that type. */
/* TLS 1.3, or 1.2 with extended master secret. */
bool conn_tls_exporter(struct conn *c, unsigned char out[32]);
bool conn_tls_server_end_point(struct conn *c, unsigned char out[64], size_t *len);

/* --- Moving to another worker --- */
/*
 * Stops all events and timers; nothing of c may be called then but conn_attach() on the new worker, and conn_free().
 * May be called inside readable and secured, and c posted from there: what readable then says it did not use is kept and
 * given again on the new worker.
 */
void conn_detach(struct conn *c);
/* On the new worker: kept bytes (also those that were decrypted already) are given before polling. owner may change. */
void conn_attach(struct conn *c, void *owner);

/* --- About the peer --- */
#define CONN_ADDRESS_MAX 46
struct conn_peer {
	/* "192.0.2.1" or "2001:db8::1" (IPv4-mapped shown as IPv4); "local" otherwise. */
	char address[CONN_ADDRESS_MAX];
	/* What limits per address count by: the IPv4 address, or the IPv6 "2001:db8:1:2::/64". */
	char prefix[CONN_ADDRESS_MAX];
	uint16_t port;
};
uint64_t conn_id(const struct conn *c); /* as in the log */
const struct conn_peer *conn_peer(const struct conn *c);
uint64_t conn_bytes_in(const struct conn *c);
uint64_t conn_bytes_out(const struct conn *c);
const struct hm_logctx *
conn_log(const struct conn *c); /* subject "conn", fields conn=ID peer=ADDRESS */

/* Once, before the workers run: the metrics of net. */
void net_init(void);

/* Number of open connections in the process (for limits and metrics). */
size_t conn_count(void);

#endif
