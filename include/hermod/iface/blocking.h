/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * hermod/iface/blocking.h - what the blocking module offers to others: whom an account has
 * blocked (XEP-0191).  At the user's home, answered from memory.
 */
#ifndef HM_IFACE_BLOCKING_H
#define HM_IFACE_BLOCKING_H

#include <hermod/module.h>

#define HM_BLOCKING_IFACE 1u

struct hm_blocking_iface {
	/* jid: normalised, bare or full. */
	bool (*blocks)(struct hm_mod *provider, const struct hm_user *u, const char *jid);
};

/* Has the account blocked this address? false where the module does not run. m: of any module. */
static inline bool
hm_blocks(const struct hm_mod *m, const struct hm_user *u, const char *jid)
{
	struct hm_mod *provider;
	const struct hm_blocking_iface *blocking =
		hm_interface(m, "blocking", HM_BLOCKING_IFACE, &provider);

	return blocking && blocking->blocks(provider, u, jid);
}

#endif
