/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * hermod/iface/last.h - what the module for last activity (XEP-0012) offers to others: since when
 * an account is unavailable.  At the user's home, answered from memory.
 */
#ifndef HM_IFACE_LAST_H
#define HM_IFACE_LAST_H

#include <hermod/module.h>

#define HM_LAST_IFACE 1u

struct hm_last_iface {
	/* When the account's last available session became unavailable, in microseconds since 1970; 0: unknown. */
	int64_t (*gone_us)(struct hm_mod *provider, const struct hm_user *u);
};

/* Likewise; 0 where the module does not run.  Of an account that has available sessions: the time before them. */
static inline int64_t
hm_last_gone_us(const struct hm_mod *m, const struct hm_user *u)
{
	struct hm_mod *provider;
	const struct hm_last_iface *last = hm_interface(m, "last", HM_LAST_IFACE, &provider);

	return last ? last->gone_us(provider, u) : 0;
}

#endif
