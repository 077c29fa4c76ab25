/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * hermod/iface/roster.h - what the roster module offers to others: who may see
 * whose presence.  All calls at the user's home, answered from memory.
 */
#ifndef HM_IFACE_ROSTER_H
#define HM_IFACE_ROSTER_H

#include <hermod/handles.h>

#define HM_ROSTER_IFACE 1u

enum hm_subscription { HM_SUB_NONE = 0, HM_SUB_TO = 1, HM_SUB_FROM = 2, HM_SUB_BOTH = 3 };

struct hm_roster_iface {
	enum hm_subscription (*subscription)(struct hm_mod *provider, struct hm_user *u, const char *bare);
	bool (*has)(struct hm_mod *provider, struct hm_user *u, const char *bare);
	/* Calls fn for each item; stops when it returns false. */
	void (*each)(struct hm_mod *provider, struct hm_user *u,
	             bool (*fn)(const char *bare, enum hm_subscription sub, const char *const *groups, size_t n, void *ctx), void *ctx);
	/* Blocking (XEP-0191 3.2, 3.3): behave as if this contact saw us go, or tell it our presence now. */
	void (*hide_from)(struct hm_mod *provider, struct hm_user *u, const char *jid);
	void (*show_to)(struct hm_mod *provider, struct hm_user *u, const char *jid);
};

#endif
