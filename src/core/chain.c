/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * core/chain.c - one loop per event.  Every call into a module is noted for the watchdog.
 */
#include "core/chain.h"

#include "core/here.h"

/* clang-format off */
#define CHAIN_RUN(event, host_, address, about, letter, first, last) \
	do { \
		struct host *h_ = (host_); \
		const struct host_chain *chain_ = &h_->chains[HM_EV_##event]; \
		struct hm_mod **mods_ = chain_->n ? mods_of(h_) : NULL; \
		for (size_t i_ = 0; i_ < chain_->n; i_++) { \
			const struct host_hook *hook_ = &chain_->v[i_]; \
			enum hm_next next_; \
			if (hook_->phase < (first) || hook_->phase > (last)) \
				continue; \
			doing(mods_[hook_->mod], #event, (address)); \
			next_ = hook_->hook->fn.event(mods_[hook_->mod], (about), (letter)); \
			done_doing(); \
			if (next_ == HM_STOP) \
				return HM_STOP; \
		} \
	} while (0)

#define NOTICE_RUN(event, host_, address, ...) \
	do { \
		struct host *h_ = (host_); \
		const struct host_chain *chain_ = &h_->chains[HM_EV_##event]; \
		struct hm_mod **mods_ = chain_->n ? mods_of(h_) : NULL; \
		for (size_t i_ = 0; i_ < chain_->n; i_++) { \
			const struct host_hook *hook_ = &chain_->v[i_]; \
			doing(mods_[hook_->mod], #event, (address)); \
			hook_->hook->fn.event(mods_[hook_->mod], __VA_ARGS__); \
			done_doing(); \
		} \
	} while (0)
/* clang-format on */

enum hm_next
chain_client_sent(struct hm_session *s, struct hm_letter *l, enum hm_phase first,
                  enum hm_phase last)
{
	CHAIN_RUN(client_sent, s->user->entity.host, s->jid, s, l, first, last);
	return HM_CONTINUE;
}

enum hm_next
chain_account_received(struct hm_user *u, struct hm_letter *l, enum hm_phase first,
                       enum hm_phase last)
{
	CHAIN_RUN(account_received, u->entity.host, u->entity.address, u, l, first, last);
	return HM_CONTINUE;
}

enum hm_next
chain_client_deliver(struct hm_session *s, struct hm_letter *l)
{
	CHAIN_RUN(client_deliver, s->user->entity.host, s->jid, s, l, HM_POLICY, HM_OBSERVE);
	return HM_CONTINUE;
}

void
notice_session_bound(struct hm_session *s)
{
	NOTICE_RUN(session_bound, s->user->entity.host, s->jid, s);
}

void
notice_session_resumed(struct hm_session *s)
{
	NOTICE_RUN(session_resumed, s->user->entity.host, s->jid, s);
}

void
notice_session_ending(struct hm_session *s)
{
	NOTICE_RUN(session_ending, s->user->entity.host, s->jid, s);
}

void
notice_session_closed(struct hm_session *s, enum hm_close_reason why)
{
	NOTICE_RUN(session_closed, s->user->entity.host, s->jid, s, why);
}

void
notice_presence_changed(struct hm_session *s, const struct hm_stanza *now,
                        const struct hm_stanza *before)
{
	NOTICE_RUN(presence_changed, s->user->entity.host, s->jid, s, now, before);
}

void
notice_letter_unstored(struct hm_user *sender, struct hm_letter *letter)
{
	NOTICE_RUN(letter_unstored, sender->entity.host, sender->entity.address, sender, letter);
}

void
notice_remote_back(struct hm_user *u, const char *domain)
{
	NOTICE_RUN(remote_back, u->entity.host, u->entity.address, u, domain);
}

void
notice_letter_failed(struct hm_user *sender, struct hm_letter *letter)
{
	NOTICE_RUN(letter_failed, sender->entity.host, sender->entity.address, sender, letter);
}

void
notice_message_confirmed(struct hm_session *s, int64_t id)
{
	NOTICE_RUN(message_confirmed, s->user->entity.host, s->jid, s, id);
}

void
notice_message_unconfirmed(struct hm_session *s, int64_t id)
{
	NOTICE_RUN(message_unconfirmed, s->user->entity.host, s->jid, s, id);
}

void
notice_account_deleting(struct hm_user *u)
{
	NOTICE_RUN(account_deleting, u->entity.host, u->entity.address, u);
}

/* Only the module that it is about is told. */
void
notice_config_changed(struct host *h, unsigned mod, const void *old)
{
	const struct host_chain *chain = &h->chains[HM_EV_config_changed];
	struct hm_mod **mods = mods_of(h);

	for (size_t i = 0; i < chain->n; i++) {
		if (chain->v[i].mod != mod)
			continue;
		doing(mods[mod], "config_changed", NULL);
		chain->v[i].hook->fn.config_changed(mods[mod], old);
		done_doing();
	}
}
