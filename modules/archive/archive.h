/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * archive.h - what the files of this module share.  Everything runs at the account's home unless
 * it says otherwise.
 *
 * An account sees a row under an id of its own: of a message between two local accounts `id` is
 * the recipient's and `sender_id` the sender's.  Ids are microseconds since 1970.
 */
#ifndef MODULES_ARCHIVE_H
#define MODULES_ARCHIVE_H

#include <hermod/custody.h>
#include <hermod/iface/archive.h>
#include <hermod/module.h>

#include "ids.h"
#include "ring.h"

#define NS_CLIENT "jabber:client"
#define NS_DATA "jabber:x:data"
#define NS_DELAY "urn:xmpp:delay"
#define NS_FORWARD "urn:xmpp:forward:0"
#define NS_HINTS "urn:xmpp:hints"
#define NS_MAM "urn:xmpp:mam:2"
#define NS_RSM "http://jabber.org/protocol/rsm"
#define NS_SID "urn:xmpp:sid:0"

#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)
#define FOR_EVER INT64_MAX

/* Column flags: these bits, and above them 32 bits of a hash of the resource that sent it. */
#define ROW_SENT 1         /* the owner sent it, and nobody else's entry is in the row */
#define ROW_TRANSIENT 2    /* the owner's queries don't show it; it goes when it was delivered */
#define ROW_OWNER_ERASED 4 /* the owner sees that there was something, not what */
#define ROW_SENDER_ERASED 8
#define ROW_TO_SELF 16 /* the owner sent it to itself */
#define ROW_BITS 256

enum statement {
	LOAD_ACCOUNT,
	LOAD_RULES,
	LOAD_WAITING,
	LOAD_SENT,
	APPEND,
	PAGE_FORWARD,
	PAGE_BACKWARD,
	WITH_FORWARD,
	WITH_BACKWARD,
	FIND,
	BY_IDS,
	ENDS,
	WAITING_PAGE,
	DELIVERED,
	TRANSIENT_GONE,
	PUT_BEHAVIOUR,
	PUT_RULE,
	DELETE_RULES,
	PUT_KEEP,
	PUT_FLOOR,
	NTH_NEWEST,
	STATS,
	MAINTAIN,
	EXPIRE,
	TAKE_TURN,
	NEXT_GONE,
	GONE_DONE,
	ERASE_OWN,
	ERASE_HAND_OVER,
	ERASE_SENT_TRANSIENT,
	ERASE_SENT,
	ERASE_WITH,
	ERASE_WITH_SENT,
	STATEMENTS
};
enum { STORED, QUERIES, RING_HITS, RING_MISSES, EXPIRED, METRICS };

enum behaviour { ALWAYS, ROSTER, NEVER, BEHAVIOURS };

struct archive_config {
	int behaviour; /* enum behaviour */
	int64_t keep_days;
	int64_t max_messages;
	int64_t page_size;
	int64_t max_page_size;
	size_t page_bytes;
	int64_t max_rules;
	size_t ring_memory;
	int64_t ring_messages;
	bool secure_all;
};

struct archive_state {
	struct ring_pool rings;
	uint64_t loads; /* of accounts */
	/* The sweep (retention.c) */
	bool awake;
	unsigned step; /* classes that are done */
	int64_t gone;  /* the deleted account whose rows go now; 0: none */
	unsigned gone_step;
};

/* One per loaded account. */
struct archive {
	struct id_key key;
	enum behaviour behaviour;
	bool has_behaviour;     /* set by the user; else the host's default counts */
	struct hm_table *rules; /* JID to ALWAYS or NEVER (pointers into rule_of[]); NULL: none */
	int64_t keep_days;      /* 0: the host's */
	int64_t floor;          /* what is older was given up or erased */
	struct hm_archive_waiting waiting; /* as loaded; delivered and transients are kept up */
	int64_t transients;                /* the newest transient row's id; 0: there is none */
	hm_archive_counted_fn *counted_fn; /* of a count under way */
	struct hm_mod *counting;
	int64_t newest; /* id of an entry of this account; 0: none since it was loaded */
	uint64_t load;  /* the number of its loading on this worker */
	uint64_t added; /* entries since it was loaded */
	bool trimming;  /* what is below the floor is being deleted, or it is being looked for */
	unsigned trim_step;
	struct ring ring;
};

struct archive_session {
	int64_t asked_below; /* for its whole archive or what is new, when this was the next id; 0: never */
	unsigned pages; /* that are being read */
	uint64_t
		load; /* of the account, when the last one was asked for; 0: something was in flight */
	hm_archive_page_fn *page_fn; /* of the page that is being read */
	struct hm_mod *asker;
	int64_t page_limit;
};

extern const struct hm_sql archive_sql[STATEMENTS];

/* --- rules.c: pure ------------------------------------------------------------------------- */
enum hm_worth archive_worth(const struct hm_stanza *s);
/* Is it worth keeping for who sent it? An invitation that a room shall pass on is not. */
bool archive_worth_to_sender(const struct hm_stanza *s);
/* Is child something that only the account `bare`, or its host, may say (XEP-0359 3, XEP-0203 5)? */
bool archive_is_forged(const struct hm_elem *child, const char *host, const char *bare);

/* --- prefs.c --------------------------------------------------------------------------------- */
/* Does the account keep messages from or to this address (full, normalised)? */
bool archive_keeps(struct hm_mod *m, struct hm_user *u, const char *peer);
void archive_prefs_get(struct hm_mod *m, struct hm_iq *rq);
void archive_prefs_set(struct hm_mod *m, struct hm_iq *rq);
void archive_rule_rows(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows);

/* --- rows.c ---------------------------------------------------------------------------------- */
hm_client_sent_fn archive_client_rewrite, archive_client_store;
hm_account_received_fn archive_account_rewrite, archive_account_store;
hm_letter_unstored_fn archive_letter_unstored;
hm_letter_failed_fn archive_letter_failed;
/* The hash of an account and the bare JID of who it talks with. */
int64_t archive_conversation(int64_t account, const char *bare);
/* Its 32 bits, shifted to their place among the flags; 0: no resource. */
int64_t archive_resource(const char *resource);
/* Days that the account keeps its messages; FOR_EVER. */
int64_t archive_days(struct hm_mod *m, const struct hm_user *u);
/* The account's own rows below this id are not shown. */
int64_t archive_floor(struct hm_mod *m, const struct hm_user *u);

/* --- query.c --------------------------------------------------------------------------------- */
void archive_query(struct hm_mod *m, struct hm_iq *rq);
void archive_form(struct hm_mod *m, struct hm_iq *rq);
void archive_metadata(struct hm_mod *m, struct hm_iq *rq);

/* --- waiting.c: the archive as others see it -------------------------------------------------- */
extern const struct hm_archive_iface archive_iface;
void archive_waiting_rows(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows);

/* --- page.c ------------------------------------------------------------------------------------ */
/* Where results go, and what they show. */
struct results {
	struct hm_mod *mod;
	struct hm_session *session;
	const struct hm_user *user;
	const char *queryid; /* NULL: none */
};
/* stanza NULL: it was erased. to NULL: the account's bare JID. */
void archive_send_result(const struct results *r, int64_t id, const struct hm_stanza *stanza,
                         const char *to);
/* Ends the request; first 0: nothing was sent. */
void archive_fin(struct hm_mod *m, struct hm_iq *rq, int64_t first, int64_t last, bool complete);

/* --- retention.c ------------------------------------------------------------------------------ */
bool archive_start(struct hm_mod *m);
/* An account was loaded: there is something to look after on this worker. */
void archive_wake(struct hm_mod *m);
/* An entry was added: too many, perhaps. */
void archive_added(struct hm_mod *m, struct hm_user *u);
/* Nothing below this id is shown any more; its rows go in the background. */
void archive_raise_floor(struct hm_mod *m, struct hm_user *u, int64_t floor);
void archive_purge(struct hm_mod *m, struct hm_cmd *cmd);

/* --- commands.c ------------------------------------------------------------------------------- */
#define ARCHIVE_COMMANDS 4
extern const struct hm_command archive_commands[ARCHIVE_COMMANDS];

#endif
