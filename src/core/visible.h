/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* core/visible.h - who may know that somebody is there (RFC 6121 8.5.3.1, 11). */
#ifndef CORE_VISIBLE_H
#define CORE_VISIBLE_H

#include "core/session.h"
#include "core/user.h"

/*
 * Own account, a subscription "from" or "both", or directed presence of this session, to whatever
 * resource of the asker.
 */
bool session_visible_to(const struct hm_session *s, const char *from_bare);
/* Own account or a subscription. */
bool user_visible_to(struct hm_user *u, const char *from_bare);

#endif
