/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/remote_pair.h - what the files remote*.c share: a worker's pairs and what waits there. */
#ifndef CORE_REMOTE_PAIR_H
#define CORE_REMOTE_PAIR_H

#include "base/list.h"
#include "base/table.h"
#include "core/remote.h"
#include "loop/timer.h"
#include "loop/worker.h"

enum remote_state {
	REMOTE_LOADING,    /* what the former process has left is looked for */
	REMOTE_IDLE,       /* nothing is wanted */
	REMOTE_CONNECTING, /* LINK_DOMAIN_OPEN is out */
	REMOTE_UP,
	REMOTE_FAILED /* until retry_ms: what need not be kept is refused at once */
};

struct remote_pair {
	uint64_t id;     /* of the link's */
	uint64_t stream; /* UP */
	const char *local, *remote;
	enum remote_state state;
	bool starting;  /* LOADING: nothing is expected of it but rows */
	bool permanent; /* FAILED: rows are given back as well */
	bool stale; /* presence was lost since it was up: both sides ask anew when it is up again */
	bool gives_up;     /* by an administrator's word: everything that waits goes back */
	struct list items; /* struct remote_item that wait, in their order */
	struct list sent;  /* those that the stream has got, not acknowledged, in their order */
	size_t n_items, n_fleeting /* of them without a row */, n_sent;
	size_t bytes;      /* of letters in items */
	size_t sent_bytes; /* of those in sent */
	unsigned reading;  /* statements under way */
	unsigned failures; /* in a row */
	int64_t retry_ms;
	int64_t close_ms; /* UP: 0, or it ends when all is acknowledged, or then */
	int64_t since_us; /* it is in this state */
	int64_t used_ms;
	enum hm_cond cond; /* of the last failure; 0: none */
	char *text;        /* and in words */
	char *tls, *peer;
	enum link_domain_proof proof;
	bool acks, verified;
	size_t max_bytes; /* UP: of a stanza (XEP-0478); 0: nobody knows */
	struct timer timer;
	struct hm_logctx log;
};

struct remote_item {
	struct list link;
	struct hm_letter *letter; /* NULL: it has to be read */
	int64_t row;              /* 0: it has none */
	unsigned worker;
	int64_t since_us;
	size_t bytes;
	bool reading;
};

/* A remote server that sends to us: a pair of the other direction. */
struct remote_source {
	uint64_t id, stream;
	char *local, *remote, *tls, *peer;
	enum link_domain_proof proof;
	bool verified;
	int64_t since_us;
	uint64_t stanzas;
	struct credit *credit;    /* what its stanzas have under way */
	struct remote_seen *seen; /* messages that came, see remote_repeats.c */
	struct list held; /* struct remote_held: stanzas that got no credit yet, in their order */
	struct turn_end turn_end;
	int64_t look_ups; /* in thousandths that it may still cause */
	int64_t look_ups_ms;
	struct timer slower;
	struct hm_logctx log;
};

/* Of one worker. */
struct remotes {
	struct table by_name, by_id; /* struct remote_pair, by "remote\nlocal" and by id */
	struct table sources, sources_by_id;
	struct table seen;    /* struct remote_seen, by name */
	struct list unused;   /* of them */
	size_t bytes;         /* of letters in items of all pairs */
	struct list removals; /* rows that are done with */
	struct turn_end remove;
	struct timer remove_again; /* running: the store did not take them */
	bool stopping;
};

/* NULL: there is none. */
struct remote_pair *remote_find(const char *remote, const char *local);
const char *remote_state_name(enum remote_state state);
/* It may do something now: connects, sends, gives back, goes. */
void remote_look(struct remote_pair *p);
void remote_retry(struct remote_pair *p);
void remote_close(struct remote_pair *p);

/* --- remote_keep.c --- */
const char *remote_domain_of(const char *jid); /* scratch */

/* --- remote_queue.c --- */
/* This row is done with: it goes at the end of this turn, with others. */
void remote_remove_row(const struct remote_pair *p, int64_t row, unsigned worker);
void remote_remove_rows(struct turn_end *te); /* runs remotes->remove */
/* To the end. false: there is no room, and the letter is still the caller's. */
bool remote_add(struct remote_pair *p, struct hm_letter *take);
/* These free an item and give its letter, which may be NULL where it waits; its row stays. */
struct hm_letter *remote_item_letter(struct remote_pair *p, struct remote_item *item);
struct hm_letter *remote_sent_letter(struct remote_pair *p, struct remote_item *item);
void remote_item_to_sent(struct remote_pair *p, struct remote_item *item);
void
remote_item_back(struct remote_pair *p, struct remote_item *item); /* from sent, to the front */
/* Reads the first letters that are only on disk; remote_look() follows. */
void remote_read(struct remote_pair *p);
/* What the former process has left; remote_look() follows. */
void remote_load(struct remote_pair *p);
/* The row of a letter, in this turn; sets l->row. */
void remote_store_row(struct hm_letter *l, const char *local);
/* Pairs of the former process on this worker: made by and by. */
void remote_load_pairs(void (*found)(const char *remote, const char *local));

/* --- remote_in.c --- */
void remote_source_up(struct link_msg *take);
void remote_source_down(struct link_msg *take);

/* --- remote_repeats.c --- */
void remote_seen_begin(struct remote_source *s);
void remote_seen_end(struct remote_source *s, bool cleanly);
/* It came on another stream before; else it is remembered. */
bool remote_is_repeat(struct remote_source *s, const struct hm_stanza *message, const char *to);

/* --- remote_again.c --- */
/* It is there again: accounts of the local domain are told (remote_back). */
void remote_tell_back(const struct remote_pair *p);

#endif
