/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/chain.h - fires events: chains phase by phase, notices to all.  The functions are made
 * from hermod/events.def.
 */
#ifndef CORE_CHAIN_H
#define CORE_CHAIN_H

#include "core/host.h"
#include "core/letter.h"
#include "core/session.h"
#include "core/user.h"

/*
 * Runs the hooks of phases first..last.  HM_STOP: a handler took or refused the letter (which is
 * still the caller's to free).  Inside a turn of the entity concerned.
 */
enum hm_next chain_client_sent(struct hm_session *s, struct hm_letter *l, enum hm_phase first,
                               enum hm_phase last);
enum hm_next chain_account_received(struct hm_user *u, struct hm_letter *l, enum hm_phase first,
                                    enum hm_phase last);
enum hm_next chain_client_deliver(struct hm_session *s, struct hm_letter *l);

void notice_session_bound(struct hm_session *s);
void notice_session_resumed(struct hm_session *s);
void notice_session_ending(struct hm_session *s);
void notice_session_closed(struct hm_session *s, enum hm_close_reason why);
void notice_presence_changed(struct hm_session *s, const struct hm_stanza *now,
                             const struct hm_stanza *before);
void notice_letter_unstored(struct hm_user *sender, struct hm_letter *letter);
void notice_remote_back(struct hm_user *u, const char *domain);
void notice_letter_failed(struct hm_user *sender, struct hm_letter *letter);
void notice_message_confirmed(struct hm_session *s, int64_t id);
void notice_message_unconfirmed(struct hm_session *s, int64_t id);
void notice_account_deleting(struct hm_user *u);
void notice_config_changed(struct host *h, unsigned mod, const void *old);

#endif
