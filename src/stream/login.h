/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * stream/login.h - from <auth/> to <success/> (RFC 6120 6).  For the files of stream only.
 *
 * The steps, each of which makes the stream wait:
 *   the client's first message -> LINK_LOOK_UP -> LINK_CREDENTIAL
 *   PLAIN: the sum over the password, in the pool; SCRAM: challenge and response
 *   move to the worker where the account is at home -> LINK_ATTACH -> LINK_ATTACHED
 */
#ifndef STREAM_LOGIN_H
#define STREAM_LOGIN_H

#include "stream/header.h"
#include "stream/sasl.h"
#include "stream/stream_state.h"

enum login_step {
	LOGIN_NONE,     /* no exchange is under way */
	LOGIN_FIRST,    /* the client's first message must come: <auth/> had none */
	LOGIN_LOOK_UP,  /* waits for LINK_CREDENTIAL */
	LOGIN_SUM,      /* waits for the pool */
	LOGIN_RESPONSE, /* the client's response must come */
	LOGIN_MOVE,     /* on the way to the account's home */
	LOGIN_ATTACH,   /* waits for LINK_ATTACHED */
	LOGIN_STRANGER  /* waits for the answer to an IQ */
};

struct login {
	enum login_step step;
	unsigned failures; /* with credentials that are wrong */
	unsigned refusals; /* of any kind */
	unsigned strangers;
	bool early;              /* input came behind what is being worked on */
	bool real;               /* the account exists */
	int64_t at_us;           /* of LINK_CREDENTIAL; goes back to the core */
	char lang[LANG_MAX + 1]; /* of the stream, or "" */
	const struct mechanism *mechanism;
	struct exchange *exchange;
	char *from;    /* of the header, if it came over TLS; or NULL */
	char *local;   /* normalised; who wants to log in */
	char *message; /* the client's first, decoded; holds the password of PLAIN */
	size_t message_len;
	struct channel_binding binding;
	char *success; /* additional data, in base64; or NULL */
};

void login_free(struct stream *s);
/* Elements in the namespace of SASL. */
void login_got_element(struct stream *s, struct hm_elem *root);
void login_got_credential(struct stream *s, struct link_msg *take);
void login_attached(struct stream *s, const struct link_msg *attached);
/* A stanza for a client that has not logged in: the answer to its IQ. */
void login_answered(struct stream *s);
/* The exchange ends with <failure/>; cond is a condition of RFC 6120 6.5. */
void login_fail(struct stream *s, const char *cond, const char *reason);
/* libsasl2 and the password have said yes. */
void login_succeeded(struct stream *s);
/* The exchange under way is forgotten, its secrets wiped. */
void login_forget(struct stream *s);
void login_wait(struct stream *s, enum login_step step);
/* Out of WAITING: the client may go on. */
void login_go_on(struct stream *s);

/* plain.c: is it the password?  login_plain_done() comes later, on this worker, if the stream is still there. */
bool plain_start(struct stream *s, struct link_msg *credential) HM_MUST_USE;
void login_plain_done(struct stream *s, bool right);

/* move.c: to the account's home, then LINK_ATTACH. */
void move_start(struct stream *s);

#endif
