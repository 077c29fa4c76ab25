/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * hermod/iface/archive.h - what the archive offers to modules that show messages: what is worth
 * keeping, how an id looks on the wire, and the rows of an account in their order.  At the user's
 * home.
 */
#ifndef HM_IFACE_ARCHIVE_H
#define HM_IFACE_ARCHIVE_H

#include <hermod/module.h>

#define HM_ARCHIVE_IFACE 1u

/* Of a message, by its type, its hints (XEP-0334) and what is in it. */
enum hm_worth {
	HM_WORTH_NOTHING,  /* it is lost if nobody can take it now */
	HM_WORTH_DELIVERY, /* it is kept until somebody has got it */
	HM_WORTH_KEEPING   /* it belongs into the archive */
};

/* A received message of an account; its parts live as long as the callback. */
struct hm_archived {
	int64_t id;
	int64_t bytes;  /* as they are counted */
	bool transient; /* no query shows it, it goes when it was delivered */
	const char *to; /* as addressed */
	const struct hm_stanza *stanza;
};
/*
 * n rows in the order of their ids; more: there may be further ones behind the last. asker is who
 * asked.
 */
typedef void hm_archive_page_fn(struct hm_mod *asker, struct hm_session *s,
                                const struct hm_archived *rows, size_t n, bool more);

/* Received messages that nobody has confirmed, as they were when the account was loaded. */
struct hm_archive_waiting {
	int64_t count, bytes;
	int64_t delivered;   /* all up to this id were got by some client */
	int64_t first, last; /* ids, 0 when count is 0 */
};

typedef void hm_archive_counted_fn(struct hm_mod *asker, struct hm_user *u);

struct hm_archive_iface {
	enum hm_worth (*worth)(const struct hm_stanza *s);
	/*
	 * What a client sees as the id (XEP-0359); scratch. It is opaque and always the same.
	 * transient: of a row that no query shows.
	 */
	const char *(*tmp_id)(struct hm_mod *provider, const struct hm_user *u, int64_t id,
	                      bool transient);
	void (*waiting)(struct hm_mod *provider, const struct hm_user *u,
	                struct hm_archive_waiting *out);
	/* The same again, as it is now: then fn. It is over when the account leaves memory. */
	void (*recount)(struct hm_mod *provider, struct hm_mod *asker, struct hm_user *u,
	                hm_archive_counted_fn *fn);
	/* The newest id of the account's that this server knows of; 0: none. */
	int64_t (*newest)(struct hm_mod *provider, const struct hm_user *u);
	/*
	 * The received messages after one id up to another, at most so many rows and not much more
	 * than so many bytes; one page at a time for a session. Of those below shown_below only transient
	 * ones.
	 */
	void (*page)(struct hm_mod *provider, struct hm_mod *asker, struct hm_session *s,
	             int64_t after, int64_t upto, int64_t shown_below, hm_archive_page_fn *fn);
	/* All received messages up to this id were got by some client: transient ones go. */
	void (*delivered)(struct hm_mod *provider, struct hm_user *u, int64_t id);
	/*
	 * It has asked for its whole archive, or what is new there (XEP-0313 6.1.1): what is below this id
	 * it reads there; 0: it has not.
	 */
	int64_t (*asked_below)(struct hm_mod *provider, const struct hm_session *s);
};

static inline const struct hm_archive_iface *
hm_archive(const struct hm_mod *m, struct hm_mod **provider)
{
	return hm_interface(m, "archive", HM_ARCHIVE_IFACE, provider);
}

#endif
