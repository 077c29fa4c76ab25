/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * hermod/iface/roster.h - what the roster module offers to others: who may see
 * whose presence.  All calls at the user's home, answered from memory.
 */
#ifndef HM_IFACE_ROSTER_H
#define HM_IFACE_ROSTER_H

#include <string.h>

#include <hermod/module.h>

#define HM_ROSTER_IFACE 1u

enum hm_subscription { HM_SUB_NONE = 0, HM_SUB_TO = 1, HM_SUB_FROM = 2, HM_SUB_BOTH = 3 };

struct hm_roster_iface {
	enum hm_subscription (*subscription)(struct hm_mod *provider, struct hm_user *u,
	                                     const char *bare);
	bool (*has)(struct hm_mod *provider, struct hm_user *u, const char *bare);
	/* Calls fn for each item; stops when it returns false. */
	void (*each)(struct hm_mod *provider, struct hm_user *u,
	             bool (*fn)(const char *bare, enum hm_subscription sub,
	                        const char *const *groups, size_t n, void *ctx),
	             void *ctx);
	/*
	 * Blocking (XEP-0191 3.3, 3.4): the contact sees us go; or it is told our presence now, and
	 * asked for its own.  jid: a bare or full JID or a domain.
	 */
	void (*hide_from)(struct hm_mod *provider, struct hm_user *u, const char *jid);
	void (*show_to)(struct hm_mod *provider, struct hm_user *u, const char *jid);
};

/* May `bare` see the account's presence: it is its own, or it has a subscription (RFC 6121 11)? m: of any module. */
static inline bool
hm_roster_sees_presence(const struct hm_mod *m, struct hm_user *u, const char *bare)
{
	struct hm_mod *provider;
	const struct hm_roster_iface *roster =
		hm_interface(m, "roster", HM_ROSTER_IFACE, &provider);

	if (strcmp(bare, hm_user_jid(u)) == 0)
		return true;
	return roster && (roster->subscription(provider, u, bare) & HM_SUB_FROM);
}

#endif
