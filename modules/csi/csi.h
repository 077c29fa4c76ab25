/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * What the files of module csi share: judge.c says what a stanza is, kept.c keeps those that wait.
 */
#ifndef CSI_H
#define CSI_H

#include <hermod/module.h>

#define NS_CARBONS "urn:xmpp:carbons:2"
#define NS_CLIENT "jabber:client"
#define NS_DELAY "urn:xmpp:delay"
#define NS_FORWARD "urn:xmpp:forward:0"

/*
 * Of the parts of a message the greatest counts. The words of key "hold", in this order, are those
 * behind CSI_URGENT.
 */
enum csi_kind {
	CSI_NOTHING, /* says nothing by itself */
	CSI_CHAT_STATE,
	CSI_RECEIPT,
	CSI_REACTION,
	CSI_PEP,
	CSI_PRESENCE,
	CSI_GROUPCHAT,
	CSI_URGENT
};

/* --- judge.c --- */

struct csi_verdict {
	enum csi_kind kind;
	/* Of the stanzas with the same key only the newest counts. Scratch; NULL: each counts. */
	const char *key;
	/* a message: the chat state that it makes old, likewise */
	const char *replaces;
	bool composing; /* a chat state that is of the moment */
};

/* What the stanza is to the person whose device this session is. */
struct csi_verdict csi_judge(const struct hm_session *s, const struct hm_stanza *stanza);
/* <sent/> or <received/> of a copy for this session (XEP-0280), or NULL. */
const struct hm_elem *csi_carbon(const struct hm_session *s, const struct hm_stanza *stanza);
/* The message inside, or NULL. */
const struct hm_elem *csi_carbon_message(const struct hm_elem *carbon);

/* --- kept.c --- */

struct csi_stanza;

/* In the order in which they came. Zeroed: empty. */
struct csi_kept {
	struct csi_stanza *first, *last;
	size_t n, bytes;
};

/* One more. to, id: as hm_write_to_session() takes them. */
void csi_keep(struct csi_kept *k, const struct hm_stanza *stanza, const char *to, int64_t id,
              const struct csi_verdict *v);
/* true: one with this key was there, and is gone. */
bool csi_forget(struct csi_kept *k, const char *key);
/* 0: there is none. Wall clock, microseconds. */
int64_t csi_oldest_us(const struct csi_kept *k);
/* Writes all of them to the client, in order, stamped; how many. */
unsigned csi_write(struct hm_mod *m, struct hm_session *s, struct csi_kept *k);
/* Into an element that is open, and back; what cannot be read any more is lost. */
void csi_save(const struct csi_kept *k, struct hm_writer *w);
void csi_restore(struct csi_kept *k, const struct hm_elem *saved);
void csi_kept_free(struct csi_kept *k);

#endif
