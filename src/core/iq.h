/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/iq.h - requests: found by the tables of the modules, answered exactly once.
 */
#ifndef CORE_IQ_H
#define CORE_IQ_H

#include "core/letter.h"
#include "core/served.h"
#include "core/user.h"

struct hm_iq {
	struct mail mail;
	struct list link; /* in user->sets while it waits */
	struct hm_letter *letter;
	struct host *host;
	struct hm_mod *mod;
	const struct hm_iq_route *route;
	struct hm_user *user;     /* addressed account; pinned */
	struct hm_entity *entity; /* addressed entity of a module; pinned */
	unsigned refs;            /* the handler that runs, and each thing it waits for */
	bool done, building, is_set;
	bool no_room; /* what came back failed for want of room */
	struct stanza_build build;
	uint64_t stream; /* of a stranger, else 0 */
	char *source;    /* of a stranger */
	struct hm_logctx log;
};

/*
 * A request to an account (inside its turn), a host, or a module's service or entity; takes the
 * letter.
 */
void iq_begin(enum hm_side side, struct host *host, struct hm_user *user, struct hm_letter *take);
void iq_begin_served(enum hm_side side, const struct host_service *service,
                     struct hm_entity *entity, struct hm_letter *take);
/* A request of somebody who has not authenticated: LINK_STRANGER_IQ; takes it. */
void iq_begin_stranger(struct link_msg *take);
/* A request to an account that does not exist; takes the letter. */
void iq_refuse_unknown(struct host *host, struct hm_letter *take);

/* While something outside (query, question) will come back to it. */
void iq_hold(struct hm_iq *rq);
/*
 * It came back: runs `go` in a turn of the addressed entity, then drops the reference. go NULL: it
 * failed, answered internal-server-error.
 */
void iq_resume(struct hm_iq *rq, void (*go)(struct hm_iq *rq, void *arg), void *arg);
/* The entity that its queries wait for and its output belongs to, or NULL. */
struct entity *iq_entity(const struct hm_iq *rq);
/* Would this request hold the stream of the client that sends it (RFC 6120 10.1)? */
bool iq_holds_stream(struct host *own, const struct hm_session *s, const struct hm_letter *l);

#endif
