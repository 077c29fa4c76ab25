/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * prefs.c - whose messages an account keeps: XEP-0441 0.2.0.  From memory, loaded with the account.
 */
#include <string.h>

#include <hermod/iface/roster.h>

#include "archive.h"

static const char *const behaviour_names[BEHAVIOURS] = { "always", "roster", "never" };
/* What the values of the table of rules point to. */
static const enum behaviour rule_of[BEHAVIOURS] = { ALWAYS, ROSTER, NEVER };

static void *
rule_value(enum behaviour b)
{
	return (void *)(uintptr_t)&rule_of[b];
}

static enum behaviour
rule_behaviour(const void *value)
{
	return *(const enum behaviour *)value;
}

static bool
behaviour_of(const char *name, enum behaviour *b)
{
	for (int i = 0; i < BEHAVIOURS; i++) {
		if (strcmp(name, behaviour_names[i]) == 0) {
			*b = (enum behaviour)i;
			return true;
		}
	}
	return false;
}

/* --- In memory ------------------------------------------------------------------------------------ */

static void
rule_put(struct archive *a, const char *jid, enum behaviour b)
{
	if (!a->rules)
		a->rules = hm_table_new();
	hm_table_put(a->rules, jid, rule_value(b));
}

void
archive_rule_rows(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows)
{
	while (hm_next_row(rows))
		rule_put(hm_user_state(m, u), hm_col_text(rows, 0),
		         hm_col_int(rows, 1) ? NEVER : ALWAYS);
}

static enum behaviour
behaviour_in_force(struct hm_mod *m, const struct archive *a)
{
	const struct archive_config *cfg = hm_config(m);

	return a->has_behaviour ? a->behaviour : (enum behaviour)cfg->behaviour;
}

static bool
is_in_roster(struct hm_mod *m, struct hm_user *u, const char *bare)
{
	struct hm_mod *provider;
	const struct hm_roster_iface *roster =
		hm_interface(m, "roster", HM_ROSTER_IFACE, &provider);

	return strcmp(bare, hm_user_jid(u)) == 0 || (roster && roster->has(provider, u, bare));
}

bool
archive_keeps(struct hm_mod *m, struct hm_user *u, const char *peer)
{
	const struct archive *a = hm_user_state(m, u);
	const char *bare = hm_tmp_bare(peer);
	const void *rule = NULL;
	enum behaviour b;

	if (a->rules && !(rule = hm_table_get(a->rules, peer)))
		rule = hm_table_get(a->rules, bare);
	b = rule ? rule_behaviour(rule) : behaviour_in_force(m, a);
	return b == ALWAYS || (b == ROSTER && is_in_roster(m, u, bare));
}

/* --- Requests -------------------------------------------------------------------------------------- */

static void
write_rules(struct hm_writer *w, const struct archive *a, const char *name, enum behaviour b)
{
	const char *jid;
	void *value;

	hm_open(w, NS_MAM, name);
	for (size_t pos = 0; a->rules && hm_table_next(a->rules, &pos, &jid, &value);) {
		if (rule_behaviour(value) == b)
			hm_leaf(w, "jid", jid);
	}
	hm_close(w);
}

void
archive_prefs_get(struct hm_mod *m, struct hm_iq *rq)
{
	const struct archive *a = hm_user_state(m, hm_iq_user(rq));
	struct hm_writer *w = hm_iq_result(rq);

	hm_open(w, NS_MAM, "prefs");
	hm_attr(w, "default", behaviour_names[behaviour_in_force(m, a)]);
	write_rules(w, a, "always", ALWAYS);
	write_rules(w, a, "never", NEVER);
	hm_close(w);
	hm_iq_done(rq);
}

/* The addresses of one list; false: one of them is none, or there are too many of them. */
static bool
read_rules(struct hm_table *into, const struct hm_elem *list, enum behaviour b, int64_t max)
{
	if (!list)
		return true;
	hm_for_each_child (child, list) {
		const char *jid =
			hm_elem_is(child, NS_MAM, "jid") ? hm_tmp_jid(hm_tmp_text(child)) : NULL;

		if (!jid || (int64_t)hm_table_count(into) >= max)
			return false;
		hm_table_put(into, jid, rule_value(b)); /* in both lists: never, which comes last */
	}
	return true;
}

void
archive_prefs_set(struct hm_mod *m, struct hm_iq *rq)
{
	const struct archive_config *cfg = hm_config(m);
	const struct hm_elem *prefs = hm_iq_payload(rq);
	const char *name = hm_elem_attr(prefs, "default"), *jid;
	struct archive *a = hm_user_state(m, hm_iq_user(rq));
	int64_t account = hm_iq_account(rq);
	struct hm_table *rules;
	enum behaviour b;
	void *value;

	if (!name || !behaviour_of(name, &b)) {
		hm_iq_fail(rq, HM_BAD_REQUEST, "The default must be always, roster or never.");
		return;
	}
	rules = hm_table_new();
	if (!read_rules(rules, hm_child(prefs, NS_MAM, "always"), ALWAYS, cfg->max_rules) ||
	    !read_rules(rules, hm_child(prefs, NS_MAM, "never"), NEVER, cfg->max_rules)) {
		hm_table_free(&rules);
		hm_iq_fail(rq, HM_NOT_ACCEPTABLE, "Too many addresses, or one that is none.");
		return;
	}
	hm_table_free(&a->rules);
	a->rules = rules;
	a->behaviour = b;
	a->has_behaviour = true;
	hm_store(m, PUT_BEHAVIOUR, account, (int)b);
	hm_store(m, DELETE_RULES, account);
	for (size_t pos = 0; hm_table_next(rules, &pos, &jid, &value);)
		hm_store(m, PUT_RULE, account, jid, rule_behaviour(value) == NEVER);
	archive_prefs_get(m, rq);
}
