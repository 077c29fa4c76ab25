/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * roster.h - the contact list of an account in memory: what the files of this module share.
 * Everything runs at the account's home.
 */
#ifndef MODULES_ROSTER_H
#define MODULES_ROSTER_H

#include <hermod/iface/roster.h>
#include <hermod/module.h>

#define NS_DELAY "urn:xmpp:delay"
#define NS_ROSTER "jabber:iq:roster"
#define GROUP_END '\x1f' /* not a character of XML, so in no group's name */

enum { ROSTER_LOAD, ROSTER_PUT, ROSTER_DELETE, ROSTER_STATEMENTS };

struct roster_config {
	int64_t max_items;
	int64_t max_requests;
	int64_t max_groups;
	size_t max_bytes;
};

struct item {
	char *jid, *name, *groups; /* name and groups may be NULL */
	char *request;             /* stanza of a pending request */
	int64_t ver;
	enum hm_subscription sub;
	bool asked, pending_in, approved;
	bool listed; /* an item of the roster; else a request or the trace of a deleted one */
};

#define DELETED_MAX 100
#define FORGOTTEN "" /* no address: the row that holds roster.forgotten */

/* RFC 6121 2: one per loaded account. */
struct roster {
	int64_t forgotten;      /* changes up to this version are not all known any more */
	struct hm_table *items; /* bare JID -> struct item */
	int64_t ver;            /* grows with every change that is pushed */
	size_t listed, requests, deleted;
	size_t bytes; /* of addresses, names and groups */
};

struct roster_session {
	bool interested; /* has asked for the roster (2.2) */
};

/* --- items.c --- */
struct roster *roster_of(struct hm_mod *m, const struct hm_user *u);
struct item *item_find(struct hm_mod *m, const struct hm_user *u, const char *bare);
/* Finds or adds an unlisted one. */
struct item *item_make(struct hm_mod *m, struct hm_user *u, const char *bare);
/* Whether it (NULL: a new one) cannot become an item with this name and these groups (NULL: none). */
bool roster_is_full(struct hm_mod *m, struct hm_user *u, const struct item *it, const char *bare,
                    const char *name, const char *groups);
/*
 * Writes the row; push: also a new version, told to all interested resources.  An item that holds nothing any more goes.
 * It stands before what is sent because of the change, which so waits for the commit.
 */
void item_changed(struct hm_mod *m, struct hm_user *u, struct item *it, bool push);
/* Its halves, where something stands between them.  item_store() gives whether item_tell() must follow. */
bool item_store(struct hm_mod *m, struct hm_user *u, struct item *it, bool push);
void item_tell(struct hm_mod *m, struct hm_user *u, const struct item *it);
void item_set_text(char **field, const char *text);
void item_write(struct hm_writer *w, const struct item *it); /* <item/> in jabber:iq:roster */
/* The version of the whole roster, and one item's, as clients see it; scratch. */
const char *roster_version(const struct hm_user *u, int64_t ver);
/* One item to one client. */
void item_push(struct hm_mod *m, struct hm_session *s, const struct item *it);
/* To resources that asked for the roster (interested) or have sent presence. */
void roster_tell_interested(struct hm_mod *m, struct hm_user *u, const struct hm_stanza *stanza);

void roster_rows(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows);
void roster_free(struct hm_mod *m, struct hm_user *u);

/* --- subscription.c: RFC 6121 3 and appendix A --- */
hm_client_sent_fn subscription_sent;
hm_account_received_fn subscription_received;
hm_account_deleting_fn subscription_deleting;
/* The item is being removed by its owner (2.5): ends both directions. */
void subscription_end(struct hm_mod *m, struct hm_user *u, struct item *it);

/* --- presence.c: RFC 6121 4 --- */
hm_presence_changed_fn presence_changed;
hm_remote_back_fn remote_back;
hm_account_received_fn presence_probed;
/* Current presence of each available resource to a contact; or unavailable from each. */
void presence_show_to(struct hm_mod *m, struct hm_user *u, const char *to);
void presence_hide_from(struct hm_mod *m, struct hm_user *u, const char *to);
/* A probe whose answers all available resources get. */
void presence_ask(struct hm_mod *m, struct hm_user *u, const char *to);

#endif
