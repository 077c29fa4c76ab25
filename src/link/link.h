/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * link/link.h - the messages between the stream side (connections, TLS, SASL) and
 * the core (sessions, entities).  DESIGN: a connection knows no accounts, a session knows no
 * sockets.
 *
 * Both ends are named by 64-bit ids which carry the worker in their upper bits; a message for an id
 * that is gone is dropped by its receiver.  A message is one heap block, posted to the worker of
 * its addressee and freed there with link_free().  Nothing may assume that both ends share a
 * process.
 *
 * A login, in order:
 *   stream: LINK_LOOK_UP -> (guard worker of the source address)   core: LINK_CREDENTIAL
 *   stream: SASL; LINK_AUTH_OUTCOME to the same guard worker
 *   stream: moves its connection to link_home(bare JID), then LINK_ATTACH to the core there
 *   core:   loads the account, makes a session; LINK_ATTACHED (or LINK_CLOSE)
 *   stream: <success/>, new stream header, LINK_LANG, features after authentication; then LINK_IN for
 *           each stanza
 *           (resource binding is an IQ like any other: the session does it)
 *   either: LINK_CLOSED (stream -> core), LINK_CLOSE (core -> stream); each ends the pair.
 *           After LINK_CLOSED_CLEANLY the core may still send LINK_OUTs that answer what came
 *           before, then LINK_CLOSE
 *           with cond 0: the stream's own end goes out behind them (it waits for 1.5 s at most)
 *
 * Between servers, in order (RFC 6120 10.4, XEP-0220): a pair is a local and a remote domain that may
 * send to each other's, one way.  Its id at the stream side is what `stream` names; several pairs may
 * share a connection, which neither side need know.
 *   core:   LINK_DOMAIN_OPEN on the home of the remote domain, session: the core's id for the pair, stream 0
 *   stream: finds, connects, authenticates; LINK_DOMAIN_UP with that session and a new stream, or
 *           LINK_DOMAIN_DOWN with stream 0
 *   core:   LINK_OUT for each stanza; LINK_CLOSE: what was sent still goes out, nothing more is said
 *   stream: LINK_DOMAIN_ACKED as they arrive there; LINK_DOMAIN_DOWN: what was not acknowledged is the
 *           core's again.  That may cross with LINK_OUTs, which are dropped then, and with LINK_CLOSE
 * A remote server that connects to us:
 *   stream: LINK_DOMAIN_UP with `incoming`, session 0, to link_home(remote); LINK_DOMAIN_IN for each
 *           stanza, to the same; LINK_DOMAIN_DOWN
 *   core:   LINK_CREDIT; LINK_CLOSE
 *
 * A stream may be given to an older session of its account (XEP-0198 5).  It isn't told: from then on the
 * core takes the id of the session that the stream was attached to for that other one's.
 */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hermod/values.h>

#include "loop/mailbox.h"
#include "xml/elem.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_error.h"

#define LINK_HASHES 3 /* SCRAM-SHA-1, -256, -512, in this order */

enum link_kind {
	/* stream -> core */
	LINK_LOOK_UP,
	LINK_AUTH_OUTCOME,
	LINK_ATTACH,
	LINK_LANG, /* the language of the stream, before its first stanza */
	LINK_IN,
	LINK_STRANGER_IQ, /* an IQ before authentication (XEP-0077); to the guard worker */
	LINK_IDLE, /* nothing came from the client for the configured time: ask whether it lives */
	LINK_CLOSED,
	LINK_DOMAIN_UP,    /* a pair of domains may send from now on */
	LINK_DOMAIN_DOWN,  /* it may not, or not any more */
	LINK_DOMAIN_ACKED, /* so many of its LINK_OUTs, the oldest, have arrived */
	LINK_DOMAIN_IN,    /* a stanza from a remote server */
	/* core -> stream */
	LINK_CREDENTIAL,
	LINK_ATTACHED,
	LINK_OUT,         /* a stanza for the client */
	LINK_TEXT,        /* other XML for the client, in its order among the stanzas */
	LINK_CREDIT,      /* so many of the stanzas sent in have been processed */
	LINK_DOMAIN_OPEN, /* this pair is wanted */
	LINK_CLOSE
};

enum link_credential_result { LINK_CRED_READY, LINK_CRED_LIMITED, LINK_CRED_UNAVAILABLE };
/* How the remote server (incoming), or we (outgoing) have shown that it is the domain. */
enum link_domain_proof { LINK_PROOF_NONE, LINK_PROOF_CERTIFICATE, LINK_PROOF_DIALBACK };
enum link_closed_how { LINK_CLOSED_CLEANLY, LINK_CLOSED_LOST, LINK_CLOSED_FAULT };

struct link_msg {
	struct mail mail;
	enum link_kind kind;
	uint64_t stream, session; /* ids; 0 where not known yet */
	union {
		struct {
			char *host, *local; /* normalised */
			char *source;       /* conn_peer()->prefix */
			int64_t at_us;      /* the core's own: when it began to read */
		} look_up;
		struct {
			enum link_credential_result result;
			/*
			 * Verifiers as crypto/scram.h writes them.  For an unknown account they are
			 * fakes of the same cost: the exchange then fails as with a wrong password.
			 * NULL: this account has none for that hash.
			 */
			char *verifier[LINK_HASHES];
			/* the account exists; only for the decision after the sums are done */
			bool real;
			int64_t at_us; /* goes back with LINK_ATTACH */
		} credential;
		struct {
			char *host, *local, *source;
			bool success;
			bool unavailable; /* neither: it was the server that could not go on */
		} outcome;
		struct {
			char *bare; /* the account */
			char *source;
			char *tls; /* "TLSv1.3 TLS_AES_256_GCM_SHA384", or NULL */
			char *mechanism;
			uint64_t conn; /* number for the log */
			int64_t at_us; /* of LINK_CREDENTIAL */
		} attach;
		struct {
			char *lang; /* or NULL */
		} lang;
		struct {
			struct arena *arena; /* the receiver's from now on */
			struct hm_elem *root;
			size_t bytes;
		} in;
		struct {
			char *host, *source, *lang;
			struct arena *arena;
			struct hm_elem *root;
		} stranger;
		struct {
			enum link_closed_how how;
		} closed;
		struct {
			const struct hm_stanza *stanza;
			char *to; /* NULL: none */
		} out;
		struct {
			char *xml;
		} text;
		struct {
			unsigned stanzas;
			size_t bytes;
		} credit;
		struct {
			enum stream_cond cond; /* 0: just </stream:stream> */
			char *text;            /* may be NULL */
			char *app; /* XML: a condition of the application's (RFC 6120 4.9.4), or NULL */
		} close;
		struct {
			char *local, *remote; /* normalised domains */
		} domain_open;
		struct {
			char *local, *remote;
			bool incoming;
			enum link_domain_proof proof;
			bool verified; /* the other server's certificate is valid for remote */
			/* XEP-0478: a larger stanza it would not take; 0: it has not said */
			size_t max_bytes;
			bool acks; /* XEP-0198: LINK_DOMAIN_ACKED says what it has acknowledged; else what was written and stayed unharmed for a while */
			char *tls; /* "TLSv1.3 TLS_AES_256_GCM_SHA384", or NULL */
			char *peer;    /* address and port */
			uint64_t conn; /* number for the log */
		} domain_up;
		struct {
			char *local, *remote;
			bool incoming;
			enum hm_cond
				cond; /* for stanzas that wait; 0: nothing is wrong (idle, closed by either) */
			char *text; /* why, for an administrator; or NULL */
			bool permanent; /* trying again soon is of no use: policy forbids it, no such domain */
			size_t unsent; /* of the LINK_OUTs so many, the newest, were never written */
		} domain_down;
		struct {
			unsigned stanzas;
		} domain_acked;
		struct {
			char *from,
				*to; /* domains, both verified for this stream; of the stanza's addresses */
			struct arena *arena;  /* the receiver's from now on */
			struct hm_elem *root; /* in jabber:server */
			size_t bytes;
		} domain_in;
	} u;
};

struct link_msg *link_new(enum link_kind kind, uint64_t stream, uint64_t session);
void link_free(struct link_msg *msg); /* with all that it owns */

typedef void link_receive_fn(struct link_msg *take);
/* Once, before the workers run. */
void link_set_receivers(link_receive_fn *core, link_receive_fn *stream);
/*
 * worker: for LOOK_UP, OUTCOME, STRANGER_IQ: link_guard(source); for what is about an incoming pair:
 * link_home(remote); else the session's worker
 */
void link_to_core(unsigned worker, struct link_msg *take);
/* To link_worker(take->stream); LINK_DOMAIN_OPEN, which has none yet, to that of take->session. */
void link_to_stream(struct link_msg *take);

uint64_t link_new_id(void); /* names something of the calling worker; never 0, never given twice */
unsigned link_worker(uint64_t id);

/* --- Homes -------------------------------------------------------------------- */

#define LINK_SLOTS 1024
/* The worker at which the entity with this address is at home: a slot table over a stable hash. */
unsigned link_home(const char *address);
/* The worker that counts attempts of one source (address prefix). */
unsigned link_guard(const char *source);
/* Tests: this address lives there, whatever its hash; before it is used first. */
void link_place(const char *address, unsigned worker);
void link_place_all(int worker); /* every address without a place of its own; -1: by hash again */

/* --- What the stream side must know of each host -------------------------------- */

/* Immutable; made by the core at start and at each reload. */
struct link_host {
	const char *domain;
	/* XML: features offered before authentication, beside STARTTLS and SASL (XEP-0077) */
	const char *features_before;
	const char *features_after; /* XML: after it, bind included */
	bool strangers;             /* LINK_STRANGER_IQ is worth sending */
	/* domains of its services, which servers talk to and clients do not log in at */
	const char *const *services;
	size_t n_services;
};
struct link_hosts {
	size_t n;
	const struct link_host *host;
};
/*
 * Publishes a new set; the old one stays alive for good (sets are small and reloads rare). Any
 * thread.
 */
void link_publish_hosts(const struct link_hosts *hosts);
const struct link_host *link_find_host(const char *domain); /* NULL: not ours */
/* The host that has this domain for itself or for a service; NULL: not ours. */
const struct link_host *link_find_domain(const char *domain);
/* who answers for a host that is not ours; NULL: nothing is published */
const struct link_host *link_first_host(void);

#endif
