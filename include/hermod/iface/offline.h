/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * hermod/iface/offline.h - what the module for offline messages offers to the archive: how much it
 * may still promise to deliver.  At the user's home, answered from memory.
 */
#ifndef HM_IFACE_OFFLINE_H
#define HM_IFACE_OFFLINE_H

#include <hermod/module.h>

#define HM_OFFLINE_IFACE 1u

struct hm_offline_iface {
	/* May a message of so many bytes wait for this account's clients? */
	bool (*has_room)(struct hm_mod *provider, struct hm_user *u, int64_t bytes);
	/*
	 * In HM_STORE of account_received: the archive has written a row of so many bytes for the
	 * account, under hm_letter_id().
	 */
	void (*stored)(struct hm_mod *provider, struct hm_user *u, struct hm_letter *l,
	               int64_t bytes);
	/* Days that a message may wait; INT64_MAX: for ever. */
	int64_t (*days)(const struct hm_mod *provider);
};

#endif
