/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * hermod/handles.h - the handles that callbacks receive, what can be asked of
 * them, and where their log lines belong.  All are borrowed for the callback;
 * all but struct hm_stanza belong to one worker, which each accessor checks.
 */
#ifndef HM_HANDLES_H
#define HM_HANDLES_H

#include <hermod/xml.h>

struct hm_mod;     /* this module, on one host, on one worker */
struct hm_iq;      /* an IQ request; somebody answers it exactly once */
struct hm_cmd;     /* an admin command; likewise */
struct hm_user;    /* a local account that is loaded, with its sessions */
struct hm_session; /* one stream of an account, from authentication on */
struct hm_entity;  /* an entity of a module's own kind: a room, a node */
struct hm_remote;  /* a remote domain */
struct hm_letter;  /* to + stanza, on its way */
struct hm_rows;    /* an SQL result, valid during its callback */
struct hm_info;    /* a disco#info answer under construction */

/* --- Accounts and their sessions -------------------------------------------- */

HM_PUBLIC const char *hm_user_jid(const struct hm_user *u); /* bare */
HM_PUBLIC const char *hm_user_local(const struct hm_user *u);
/* accounts.id, $1 of the load statements */
HM_PUBLIC int64_t hm_user_account(const struct hm_user *u);
HM_PUBLIC bool hm_user_is_admin(const struct hm_user *u);

/* bound ones, oldest first */
HM_PUBLIC struct hm_session *hm_first_session(const struct hm_user *u);
HM_PUBLIC struct hm_session *hm_next_session(const struct hm_session *s);
#define hm_for_each_session(s, u)                                                                  \
	for (struct hm_session *s = hm_first_session(u), *s##_next_;                               \
	     s && ((s##_next_ = hm_next_session(s)), true); s = s##_next_)
HM_PUBLIC struct hm_session *hm_find_session(const struct hm_user *u, const char *resource);

HM_PUBLIC struct hm_user *hm_session_user(const struct hm_session *s);
/* full JID; NULL before binding */
HM_PUBLIC const char *hm_session_jid(const struct hm_session *s);
HM_PUBLIC const char *hm_session_resource(const struct hm_session *s);
/* The last broadcast available presence, NULL: not available. */
HM_PUBLIC const struct hm_stanza *hm_session_presence(const struct hm_session *s);
/* of that presence, RFC 6121 4.7.2.3 */
HM_PUBLIC int hm_session_priority(const struct hm_session *s);
HM_PUBLIC int64_t hm_session_since_us(const struct hm_session *s); /* of binding, wall clock */
/* xml:lang of the stream or NULL */
HM_PUBLIC const char *hm_session_lang(const struct hm_session *s);
/*
 * Ends the session with a stream error (RFC 6120 4.9.3): "conflict", "policy-violation",
 * "not-authorized", "reset".
 */
HM_PUBLIC void
hm_session_close(struct hm_session *s, const char *stream_condition, const char *text);
/* Has directed available presence gone to this address, and not been taken back (RFC 6121 4.6)? */
HM_PUBLIC bool hm_session_directed_to(const struct hm_session *s, const char *to);
/* Scratch: such an address whose bare JID is this (in a room: under the own name), or NULL. */
HM_PUBLIC const char *hm_tmp_session_directed(const struct hm_session *s, const char *bare);
/*
 * Takes back the directed presence (RFC 6121 4.6) that went to the addresses which covered()
 * chooses: they get "unavailable".
 */
HM_PUBLIC void hm_session_hide_directed(struct hm_session *s,
                                        bool (*covered)(const char *to, void *ctx), void *ctx);

/* --- Letters and stanzas ------------------------------------------------------ */

enum hm_kind { HM_MESSAGE = 1, HM_PRESENCE, HM_IQ };

HM_PUBLIC const struct hm_stanza *hm_letter_stanza(const struct hm_letter *l);
/* as addressed, normalised; NULL: no "to" */
HM_PUBLIC const char *hm_letter_to(const struct hm_letter *l);
/* the sender's own bare JID when there is no "to" */
HM_PUBLIC const char *hm_letter_to_bare(const struct hm_letter *l);
HM_PUBLIC const char *hm_letter_to_resource(const struct hm_letter *l); /* NULL: none */
HM_PUBLIC const char *hm_letter_from(const struct hm_letter *l);        /* full JID */
HM_PUBLIC const char *hm_letter_from_bare(const struct hm_letter *l);
/*
 * The replaced stanza goes on in the letter's place (phase HM_REWRITE only); takes the writer of
 * hm_change().
 */
HM_PUBLIC struct hm_writer *
hm_change(struct hm_letter *l, bool (*keep)(const struct hm_elem *child, void *ctx), void *ctx);
HM_PUBLIC void hm_changed(struct hm_letter *l, struct hm_writer *take);

/*
 * What the core has decided for a message or IQ to a local account (RFC 6121 8); from phase
 * HM_STORE on. In HM_OBSERVE what nobody has stored is HM_PLAN_REFUSE.
 */
enum hm_plan {
	HM_PLAN_SESSIONS, /* at least one session gets it */
	/*
	 * nobody can get it now, and it should be kept (RFC 6121 8.5.2.2.1): a module may
	 * hm_store() it
	 */
	HM_PLAN_STORE,
	HM_PLAN_REFUSE, /* an error goes back */
	HM_PLAN_DROP    /* silently ignored */
};
HM_PUBLIC enum hm_plan hm_letter_plan(const struct hm_letter *l);
/* A module has kept it. When nobody has, a message of HM_PLAN_STORE is answered service-unavailable. */
HM_PUBLIC void hm_letter_stored(struct hm_letter *l);
/* HM_PLAN_SESSIONS: is s among those that get it? */
HM_PUBLIC bool hm_letter_reaches(const struct hm_letter *l, const struct hm_session *s);
/*
 * Phase HM_STORE: the core leaves this one session out; a module has stored the letter and delivers
 * it there itself, later.
 */
HM_PUBLIC void hm_letter_withhold(struct hm_letter *l, const struct hm_session *s);

HM_PUBLIC enum hm_kind hm_stanza_kind(const struct hm_stanza *s);
HM_PUBLIC const char *hm_stanza_type(const struct hm_stanza *s); /* "" when absent */
HM_PUBLIC const char *hm_stanza_id(const struct hm_stanza *s);   /* NULL when absent */
HM_PUBLIC const char *hm_stanza_from(const struct hm_stanza *s);
HM_PUBLIC const struct hm_elem *hm_stanza_root(const struct hm_stanza *s);
HM_PUBLIC size_t hm_stanza_bytes(const struct hm_stanza *s);
/* all that it takes while somebody holds it */
HM_PUBLIC size_t hm_stanza_memory(const struct hm_stanza *s);
HM_PUBLIC const struct hm_stanza *hm_stanza_ref(const struct hm_stanza *s);
HM_PUBLIC void hm_stanza_unref(const struct hm_stanza **s);
/* The text that a store keeps and its way back (NULL: not a stanza). "to" is not in it. */
HM_PUBLIC const char *hm_tmp_stanza_xml(const struct hm_stanza *s);
HM_PUBLIC const struct hm_stanza *hm_stanza_parse_ref(const char *xml);

/* --- IQ requests ------------------------------------------------------------------ */

HM_PUBLIC const struct hm_elem *hm_iq_payload(const struct hm_iq *rq);
/* full JID of who asks; NULL: a stranger (HM_STRANGER) */
HM_PUBLIC const char *hm_iq_from(const struct hm_iq *rq);
HM_PUBLIC const char *hm_iq_from_bare(const struct hm_iq *rq);
/* what is addressed; the own account where there was no "to" */
HM_PUBLIC const char *hm_iq_to(const struct hm_iq *rq);
/* address prefix of a stranger, for limits; else NULL */
HM_PUBLIC const char *hm_iq_source(const struct hm_iq *rq);
/* the addressed account (HM_TO_ACCOUNT) */
HM_PUBLIC struct hm_user *hm_iq_user(const struct hm_iq *rq);
HM_PUBLIC struct hm_entity *hm_iq_entity(const struct hm_iq *rq);
HM_PUBLIC int64_t hm_iq_account(const struct hm_iq *rq); /* accounts.id of the addressed account */
/* the asker's session when it belongs to the addressed account, else NULL */
HM_PUBLIC struct hm_session *hm_iq_session(const struct hm_iq *rq);
HM_PUBLIC bool hm_iq_from_admin(const struct hm_iq *rq); /* an administrator of this host asks */
HM_PUBLIC bool hm_is_admin(const struct hm_mod *m, const char *bare); /* of this host */
HM_PUBLIC struct hm_mod *hm_iq_mod(const struct hm_iq *rq);           /* whose route it is */
HM_PUBLIC struct hm_mod *hm_cmd_mod(const struct hm_cmd *cmd);

/*
 * End the request.  result() opens a result whose payload may be written before done() sends it;
 * fail() sends an error of RFC 6120 8.3.3 with the type that section gives it.  A request that is
 * dropped unanswered is answered internal-server-error and logged against the module.
 */
HM_PUBLIC struct hm_writer *hm_iq_result(struct hm_iq *rq);
HM_PUBLIC void hm_iq_done(struct hm_iq *rq);
HM_PUBLIC void hm_iq_fail(struct hm_iq *rq, enum hm_cond cond, const char *text);
/*
 * The same with an element of the application beside the condition (XEP-0191 3.3: "blocked"): ns
 * and name, empty.
 */
HM_PUBLIC void hm_iq_fail_app(struct hm_iq *rq, enum hm_cond cond, const char *ns, const char *name,
                              const char *text);

/* --- Addresses ------------------------------------------------------------------------ */

/* Scratch: normalised, or NULL when it is no address. */
HM_PUBLIC const char *hm_tmp_jid(const char *text);
HM_PUBLIC const char *hm_tmp_bare(const char *jid); /* of a normalised JID */
HM_PUBLIC const char *hm_tmp_domain(const char *jid);
HM_PUBLIC const char *hm_tmp_local(const char *jid);    /* NULL: none */
HM_PUBLIC const char *hm_tmp_resource(const char *jid); /* NULL: none */
HM_PUBLIC const char *hm_tmp_printf(const char *fmt, ...) HM_PRINTF(1, 2);
HM_PUBLIC const char *hm_tmp_dup(const char *s);
HM_PUBLIC void *hm_tmp_alloc(size_t size);

/* --- Time --------------------------------------------------------------------------------- */

HM_PUBLIC int64_t hm_now_us(void);                   /* wall clock, microseconds since 1970 */
HM_PUBLIC const char *hm_tmp_stamp(int64_t wall_us); /* XEP-0082, UTC, seconds or milliseconds */
HM_PUBLIC int64_t hm_uptime_s(void);
HM_PUBLIC const char *hm_tmp_token(size_t chars); /* random, URL-safe, 6 bits a character */
/*
 * What only who has the key can make of this text (HMAC-SHA-256, 24 hexadecimal digits): a name that is
 * always the same and tells nothing (XEP-0421).
 */
HM_PUBLIC const char *hm_tmp_keyed_name(const char *key, const char *text);

/* --- Logging about a handle ------------------------------------------------------------------ */

HM_PUBLIC const struct hm_logctx *hm_ctx_mod(const struct hm_mod *m);
HM_PUBLIC const struct hm_logctx *hm_ctx_iq(const struct hm_iq *rq);
HM_PUBLIC const struct hm_logctx *hm_ctx_cmd(const struct hm_cmd *cmd);
HM_PUBLIC const struct hm_logctx *hm_ctx_user(const struct hm_user *u);
HM_PUBLIC const struct hm_logctx *hm_ctx_session(const struct hm_session *s);
HM_PUBLIC const struct hm_logctx *hm_ctx_entity(const struct hm_entity *e);
/* clang-format off */
#define HM_CTX(c) \
	_Generic((c), struct hm_mod *: hm_ctx_mod, struct hm_iq *: hm_ctx_iq, struct hm_cmd *: hm_ctx_cmd, \
	         struct hm_user *: hm_ctx_user, struct hm_session *: hm_ctx_session, struct hm_entity *: hm_ctx_entity)(c)
#define hm_log(about, level, msg, ...) \
	hm_log_(HM_CTX(about), level, __FILE__, __LINE__, "" msg, HM_FIELDS(__VA_ARGS__))
/* clang-format on */

#endif
