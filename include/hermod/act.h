/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * hermod/act.h - what a module can do: store, query, send, ask, wait.
 *
 * Memory first, output later: a callback changes its state in memory, calls
 * hm_store() for what must be on disk, and sends what follows from it, all at once.  The core holds
 * back what was sent, in order, until the commit; if that fails for good, the cause (stanza or
 * request) is answered with an error and the entity is loaded again.
 */
#ifndef HM_ACT_H
#define HM_ACT_H

#include <hermod/handles.h>

/* --- Writes: about the entity whose callback runs ------------------------------ */

/* One statement. Arguments are copied. */
#define hm_store(m, stmt, ...) hm_store_(m, stmt, HM_VALUES(__VA_ARGS__))
HM_PUBLIC void hm_store_(struct hm_mod *m, unsigned stmt, const struct hm_value *v, size_t n);

/* --- Queries --------------------------------------------------------------------- */

typedef void hm_iq_rows_fn(struct hm_iq *rq, struct hm_rows *rows);
typedef void hm_cmd_rows_fn(struct hm_cmd *cmd, struct hm_rows *rows);
typedef void hm_session_rows_fn(struct hm_mod *m, struct hm_session *s, struct hm_rows *rows);
typedef void hm_user_rows_fn(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows);
typedef void hm_entity_rows_fn(struct hm_mod *m, struct hm_entity *e, struct hm_rows *rows);
typedef void hm_mod_rows_fn(struct hm_mod *m, struct hm_rows *rows);

/*
 * Run statement number stmt of module m and call done on this worker, later, never before this
 * returns.  The anchor is what the answer is for.  If it dies first (client gone) done is not
 * called, except that a statement which writes still runs. If the database fails the anchor fails:
 * the request is answered internal-server-error, others are logged. So done sees success only.  A
 * query for an entity waits for that entity's pending writes.  Arguments are copied.
 */
/* clang-format off */
#define hm_query(m, anchor, stmt, done, ...) \
	_Generic((anchor), struct hm_iq *: hm_query_iq, struct hm_cmd *: hm_query_cmd, struct hm_session *: hm_query_session, \
	         struct hm_user *: hm_query_user, struct hm_entity *: hm_query_entity, struct hm_mod *: hm_query_mod) \
	(m, anchor, stmt, done, HM_VALUES(__VA_ARGS__))
/* clang-format on */
HM_PUBLIC void hm_query_iq(struct hm_mod *, struct hm_iq *, unsigned, hm_iq_rows_fn *,
                           const struct hm_value *, size_t);
HM_PUBLIC void hm_query_cmd(struct hm_mod *, struct hm_cmd *, unsigned, hm_cmd_rows_fn *,
                            const struct hm_value *, size_t);
HM_PUBLIC void hm_query_session(struct hm_mod *, struct hm_session *, unsigned,
                                hm_session_rows_fn *, const struct hm_value *, size_t);
HM_PUBLIC void hm_query_user(struct hm_mod *, struct hm_user *, unsigned, hm_user_rows_fn *,
                             const struct hm_value *, size_t);
HM_PUBLIC void hm_query_entity(struct hm_mod *, struct hm_entity *, unsigned, hm_entity_rows_fn *,
                               const struct hm_value *, size_t);
HM_PUBLIC void hm_query_mod(struct hm_mod *, struct hm_mod *, unsigned, hm_mod_rows_fn *,
                            const struct hm_value *, size_t);

HM_PUBLIC bool hm_next_row(struct hm_rows *rows);
HM_PUBLIC const char *hm_col_text(const struct hm_rows *rows, unsigned col); /* NULL for SQL NULL */
HM_PUBLIC int64_t hm_col_int(const struct hm_rows *rows, unsigned col);      /* 0 for SQL NULL */
HM_PUBLIC bool hm_col_null(const struct hm_rows *rows, unsigned col);
HM_PUBLIC int64_t hm_rows_changed(const struct hm_rows *rows);
HM_PUBLIC size_t hm_rows_count(const struct hm_rows *rows);

/* --- Sending ------------------------------------------------------------------------- */

/* A new stanza; type and id may be NULL. Ends in hm_send(), hm_send_to_session() or hm_drop(). */
HM_PUBLIC struct hm_writer *hm_stanza_new(enum hm_kind kind, const char *type, const char *id);
/* A copy of s under construction; keep chooses the children to share, NULL: all. */
HM_PUBLIC struct hm_writer *
hm_stanza_copy(const struct hm_stanza *s, bool (*keep)(const struct hm_elem *child, void *ctx),
               void *ctx);
HM_PUBLIC void hm_drop(struct hm_writer *take);
/* Closes and seals it, to be sent more than once; hm_stanza_unref() when done. from may be NULL. */
HM_PUBLIC const struct hm_stanza *hm_stanza_done_ref(struct hm_writer *take, const char *from);
/* Closes, seals and routes it, as any stanza from `from` (a JID of this entity or host) to `to`. */
HM_PUBLIC void hm_send(struct hm_mod *m, struct hm_writer *take, const char *from, const char *to);
/*
 * Straight to one client, through its client_deliver chain: pushes.  from NULL: none, which to a
 * client means its own account.
 */
HM_PUBLIC void hm_send_to_session(struct hm_mod *m, struct hm_session *s, struct hm_writer *take,
                                  const char *from);
/*
 * A stanza that exists already. from NULL: its own. to_session: `to` is what the client sees, the
 * bare JID where that was addressed; NULL: its full JID.
 */
HM_PUBLIC void
hm_forward(struct hm_mod *m, const struct hm_stanza *s, const char *from, const char *to);
HM_PUBLIC void hm_forward_to_session(struct hm_mod *m, struct hm_session *s,
                                     const struct hm_stanza *stanza, const char *to);
/*
 * Behind the client_deliver chain: what a handler of that has kept back.  stanza, to and id are what it
 * was called with (hm_letter_stanza(), perhaps changed, hm_letter_to(), hm_letter_id()).
 */
HM_PUBLIC void hm_write_to_session(struct hm_mod *m, struct hm_session *s,
                                   const struct hm_stanza *stanza, const char *to, int64_t id);
/*
 * Nobody looks at this client (XEP-0352): what it is sent passes the client_deliver chain until it is
 * active again.  Administrators see it in the list of sessions, nobody else.
 */
HM_PUBLIC void hm_session_set_inactive(struct hm_mod *m, struct hm_session *s, bool inactive);
/* One body, serialised once, to many addresses, one letter per worker. */
HM_PUBLIC void
hm_fanout(struct hm_mod *m, const struct hm_stanza *s, const char *const *to, size_t n);

/*
 * A request of the server to a client of its own: payload written by the caller, answered(session,
 * reply) once: reply NULL when time ran out; not at all when the session ended. reply is a result
 * or an error.
 */
typedef void hm_answered_fn(struct hm_mod *m, struct hm_session *s, const struct hm_stanza *reply,
                            int64_t token);
HM_PUBLIC void
hm_iq_to_session(struct hm_mod *m, struct hm_session *s, struct hm_writer *take, const char *from,
                 uint32_t timeout_ms, hm_answered_fn *answered, int64_t token);

/*
 * A request of this callback's account or entity, or of the host, to any address: from hm_iq_new(),
 * with the payload written.  answered() runs once, with the same account or entity (else both are
 * NULL): reply is a result or an error from `to`, or NULL when time ran out.  The entity stays in
 * memory until then; its inbox is not held.
 */
typedef void hm_iq_answered_fn(struct hm_mod *m, struct hm_user *u, struct hm_entity *e,
                               const struct hm_stanza *reply, int64_t token);
/* type: "get" or "set"; the id is the server's. */
HM_PUBLIC struct hm_writer *hm_iq_new(const char *type);
HM_PUBLIC void
hm_iq_send(struct hm_mod *m, struct hm_writer *take, const char *from, const char *to,
           uint32_t timeout_ms, hm_iq_answered_fn *answered, int64_t token);

/*
 * Refuse a letter in a chain: an error goes back where RFC 6120 8.3.1 allows one, presence is
 * dropped in silence.
 */
HM_PUBLIC enum hm_next hm_refuse(struct hm_letter *l, enum hm_cond cond, const char *text);
HM_PUBLIC enum hm_next hm_refuse_app(struct hm_letter *l, enum hm_cond cond, const char *ns,
                                     const char *name, const char *text);

/* --- Another home ------------------------------------------------------------------------ */

/*
 * A question to the same module at the home of an account: module.asked runs there and answers with
 * hm_answer(), at once or later. q is copied. The answer comes back anchored: not if the anchor is
 * gone; with n = 0 and data NULL when there is no such account.  When the account cannot be loaded
 * now the request fails.
 */
struct hm_question;
typedef void hm_iq_answer_fn(struct hm_iq *rq, const void *data, size_t n);
HM_PUBLIC void hm_ask(struct hm_mod *m, struct hm_iq *anchor, const char *bare, const void *q,
                      size_t n, hm_iq_answer_fn *answered);
HM_PUBLIC void hm_answer(struct hm_question *question, const void *data, size_t n);
/* Runs module.posted at the home of an account, if that exists. data is copied. */
HM_PUBLIC void hm_post(struct hm_mod *m, const char *bare, const void *data, size_t n);

/* --- Later -------------------------------------------------------------------------------- */

/*
 * Once, after ms, on this worker; not when the session ends first.  A second call with the same
 * callback and session replaces the first.
 */
typedef void hm_session_timer_fn(struct hm_mod *m, struct hm_session *s);
HM_PUBLIC void
hm_after_session(struct hm_mod *m, struct hm_session *s, uint32_t ms, hm_session_timer_fn *fn);
typedef void hm_entity_timer_fn(struct hm_mod *m, struct hm_entity *e);
HM_PUBLIC void
hm_after_entity(struct hm_mod *m, struct hm_entity *e, uint32_t ms, hm_entity_timer_fn *fn);

/*
 * Once, after ms, on this worker, about nothing but the host.  A second call with the same callback
 * replaces the first.
 */
typedef void hm_timer_fn(struct hm_mod *m);
HM_PUBLIC void hm_after(struct hm_mod *m, uint32_t ms, hm_timer_fn *fn);

/* --- Memory of a module's state --------------------------------------------------------------- */

/* Plain heap memory, for what a module's state points to: freed by the module's free callback. */
HM_PUBLIC void *hm_alloc(size_t size); /* zeroed; never NULL */
HM_PUBLIC void *hm_resize(void *p, size_t size);
HM_PUBLIC char *hm_dup(const char *s);
HM_PUBLIC void hm_free(void *p);

/* A hash table from strings to pointers (keys are copied, values are the caller's). */
struct hm_table;
HM_PUBLIC struct hm_table *hm_table_new(void);
HM_PUBLIC void hm_table_free(struct hm_table **t);
HM_PUBLIC void *hm_table_get(const struct hm_table *t, const char *key);
/* the value before, or NULL */
HM_PUBLIC void *hm_table_put(struct hm_table *t, const char *key, void *value);
HM_PUBLIC void *hm_table_remove(struct hm_table *t, const char *key);
HM_PUBLIC size_t hm_table_count(const struct hm_table *t);
/* pos starts at 0. */
HM_PUBLIC bool hm_table_next(const struct hm_table *t, size_t *pos, const char **key, void **value);

/* --- Accounts (for modules that manage them) ---------------------------------------- */

/* A password; no log call takes it. */
struct hm_secret {
	const char *text;
};
enum hm_account_result {
	HM_ACCOUNT_OK,
	HM_ACCOUNT_EXISTS,
	HM_ACCOUNT_NOT_FOUND,
	HM_ACCOUNT_BAD_NAME,
	HM_ACCOUNT_BAD_PASSWORD,
	HM_ACCOUNT_BUSY
};
typedef void hm_iq_account_fn(struct hm_iq *rq, enum hm_account_result result);
/*
 * local and password as the user typed them; the sums run off the workers.  Changing or removing
 * ends the account's other sessions (not-authorized); the session that asked stays until the answer
 * is out.
 */
HM_PUBLIC void hm_account_create(struct hm_mod *m, struct hm_iq *anchor, const char *local,
                                 struct hm_secret password, hm_iq_account_fn *done);
HM_PUBLIC void hm_account_set_password(struct hm_mod *m, struct hm_iq *anchor, const char *local,
                                       struct hm_secret password, hm_iq_account_fn *done);
HM_PUBLIC void hm_account_remove(struct hm_mod *m, struct hm_iq *anchor, const char *local,
                                 hm_iq_account_fn *done);

#endif
