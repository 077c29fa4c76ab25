/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * hermod/iface/carbons.h - what the module carbons knows of who has seen a message (XEP-0280).
 * Provided under the name "carbons"; where no module provides it, nobody gets copies.
 */
#ifndef HM_IFACE_CARBONS_H
#define HM_IFACE_CARBONS_H

#include <hermod/handles.h>

#define HM_CARBONS_IFACE 1

struct hm_carbons_iface {
	/*
	 * Did this session, if it was there and its client has changed nothing since, get a copy of the
	 * message that this letter brought to another session of its account?
	 */
	bool (*copied)(struct hm_mod *carbons, const struct hm_session *s,
	               const struct hm_letter *l);
};

#endif
