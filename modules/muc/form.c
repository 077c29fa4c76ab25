/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * muc/form.c - what an owner does with a room: its configuration (XEP-0045 10.1, 10.2, fields of
 * 15.5.3), opening it, destroying it (10.9).
 */
#include "muc.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 1024 /* bytes of a name, a description, a password */

#define FIELD(name) "muc#roomconfig_" name

static const struct hm_elem *
field_of(const struct hm_elem *x, const char *var)
{
	hm_for_each_child (c, x) {
		const char *its = hm_elem_attr(c, "var");

		if (hm_elem_is(c, NS_DATA, "field") && its && strcmp(its, var) == 0)
			return c;
	}
	return NULL;
}

const char *
form_value(const struct hm_elem *x, const char *var)
{
	const struct hm_elem *field = field_of(x, var);
	const struct hm_elem *value = field ? hm_child(field, NS_DATA, "value") : NULL;

	return value ? hm_tmp_text(value) : NULL;
}

bool
form_true(const char *value)
{
	return value && (strcmp(value, "1") == 0 || strcmp(value, "true") == 0);
}

/* --- The form ------------------------------------------------------------------------------ */

static void
open_field(struct hm_writer *w, const char *var, const char *type, const char *label)
{
	hm_open(w, NULL, "field");
	hm_attr(w, "var", var);
	hm_attr(w, "type", type);
	hm_attr(w, "label", label);
}

static void
put_text(struct hm_writer *w, const char *var, const char *type, const char *label,
         const char *value)
{
	open_field(w, var, type, label);
	hm_leaf(w, "value", value);
	hm_close(w);
}

static void
put_bool(struct hm_writer *w, const char *var, const char *label, bool value)
{
	put_text(w, var, "boolean", label, value ? "1" : "0");
}

static void
put_option(struct hm_writer *w, const char *label, const char *value)
{
	hm_open(w, NULL, "option");
	hm_attr(w, "label", label);
	hm_leaf(w, "value", value);
	hm_close(w);
}

static void
put_roles(struct hm_writer *w, const char *var, const char *label, unsigned mask)
{
	open_field(w, var, "list-multi", label);
	for (int i = ROLE_MODERATOR; i >= ROLE_VISITOR; i--) {
		if (mask & 1u << i)
			hm_leaf(w, "value", role_names[i]);
	}
	put_option(w, "Moderators", "moderator");
	put_option(w, "Participants", "participant");
	put_option(w, "Visitors", "visitor");
	hm_close(w);
}

/* What roomconfig_allowpm says, by role from which on. */
static const char *const pm_names[ROLES + 1] = { "anyone", "anyone", "participants", "moderators",
	                                         "none" };

static void
put_choices(const struct room *r, struct hm_writer *w)
{
	const struct options *o = &r->options;

	open_field(w, FIELD("whois"), "list-single", "Who may see real addresses");
	hm_leaf(w, "value", o->nonanonymous ? "anyone" : "moderators");
	put_option(w, "Moderators", "moderators");
	put_option(w, "Anyone", "anyone");
	hm_close(w);
	open_field(w, FIELD("allowpm"), "list-single", "Who may send private messages");
	hm_leaf(w, "value", pm_names[o->private_messages]);
	put_option(w, "Anyone", "anyone");
	put_option(w, "Participants", "participants");
	put_option(w, "Moderators", "moderators");
	put_option(w, "Nobody", "none");
	hm_close(w);
	put_roles(w, FIELD("presencebroadcast"), "Roles whose presence is shown", o->broadcast);
	put_roles(w, FIELD("getmemberlist"), "Roles that may get the lists of members",
	          o->member_list);
}

static void
put_fields(const struct room *r, struct hm_writer *w)
{
	const struct options *o = &r->options;

	put_text(w, "FORM_TYPE", "hidden", NULL, NS_MUC_CONFIG);
	put_text(w, FIELD("roomname"), "text-single", "Name", o->title);
	put_text(w, FIELD("roomdesc"), "text-single", "Description", o->description);
	put_text(w, FIELD("lang"), "text-single", "Language", o->lang);
	put_bool(w, FIELD("persistentroom"), "Stays when nobody is in it", o->persistent);
	put_bool(w, FIELD("publicroom"), "Is listed", o->listed);
	put_bool(w, FIELD("membersonly"), "Only members may enter", o->members_only);
	put_bool(w, FIELD("moderatedroom"), "Only who has voice may speak", o->moderated);
	put_bool(w, FIELD("changesubject"), "Participants may change the subject",
	         o->change_subject);
	put_bool(w, FIELD("allowinvites"), "Members may invite", o->invites);
	put_bool(w, FIELD("passwordprotectedroom"), "A password is needed to enter",
	         *o->password != '\0');
	put_text(w, FIELD("roomsecret"), "text-private", "Password", o->password);
	put_text(w, FIELD("maxusers"), "text-single", "Most occupants",
	         hm_tmp_printf("%lld", (long long)room_max_users(r)));
	put_text(w, "muc#maxhistoryfetch", "text-single", "Messages shown to who enters",
	         hm_tmp_printf("%lld", (long long)o->history));
	put_choices(r, w);
}

static bool
is_owner(struct hm_iq *rq, const struct room *r)
{
	if (!r->exists)
		hm_iq_fail(rq, HM_ITEM_NOT_FOUND, NULL);
	else if (room_affiliation(r, hm_iq_from_bare(rq)) != AFF_OWNER)
		hm_iq_fail(rq, HM_FORBIDDEN, NULL);
	else
		return true;
	return false;
}

void
owner_get(struct hm_mod *m, struct hm_iq *rq)
{
	const struct room *r = room_of(m, hm_iq_entity(rq));
	struct hm_writer *w;

	if (!is_owner(rq, r))
		return;
	w = hm_iq_result(rq);
	hm_open(w, NS_MUC_OWNER, "query");
	hm_open(w, NS_DATA, "x");
	hm_attr(w, "type", "form");
	hm_leaf(w, "title", hm_tmp_printf("Configuration of %s", hm_entity_jid(r->e)));
	put_fields(r, w);
	hm_close(w);
	hm_close(w);
	hm_iq_done(rq);
}

/* --- Submitted ---------------------------------------------------------------------------------- */

/* What the form asks for; a bad value leaves why. */
struct submission {
	const struct hm_elem *x;
	struct options o; /* texts are borrowed */
	bool bad;
};

static void
take_bool(struct submission *s, const char *var, bool *field)
{
	const char *value = form_value(s->x, var);

	if (value)
		*field = form_true(value);
}

static void
take_text(struct submission *s, const char *var, char **field)
{
	const char *value = form_value(s->x, var);

	if (!value)
		return;
	s->bad = s->bad || strlen(value) > TEXT_MAX;
	*field = (char *)(uintptr_t)value;
}

static void
take_number(struct submission *s, const char *var, int64_t max, int64_t *field)
{
	const char *value = form_value(s->x, var);
	char *rest;
	long long n;

	if (!value || !*value)
		return;
	if (strcmp(value, "none") == 0) { /* XEP-0045 15.5.3: no limit of its own */
		*field = 0;
		return;
	}
	n = strtoll(value, &rest, 10);
	if (*rest || n < 0)
		s->bad = true;
	else
		*field = n < max ? n : max;
}

static void
take_roles(struct submission *s, const char *var, unsigned *mask)
{
	const struct hm_elem *field = field_of(s->x, var);

	if (!field)
		return;
	*mask = 0;
	hm_for_each_child (c, field) {
		int role = hm_elem_is(c, NS_DATA, "value") ? role_of_name(hm_tmp_text(c)) : -1;

		if (role > ROLE_NONE)
			*mask |= 1u << role;
	}
}

static void
take_choices(struct submission *s)
{
	const char *whois = form_value(s->x, FIELD("whois"));
	const char *pm = form_value(s->x, FIELD("allowpm"));

	if (whois)
		s->o.nonanonymous = strcmp(whois, "anyone") == 0;
	for (int i = ROLE_VISITOR; pm && i <= ROLES; i++) {
		if (strcmp(pm, pm_names[i]) == 0)
			s->o.private_messages = (enum role)i;
	}
}

static void
take_password(struct submission *s)
{
	const char *wanted = form_value(s->x, FIELD("passwordprotectedroom"));

	take_text(s, FIELD("roomsecret"), &s->o.password);
	/* XEP-0045 10.1.3: protected, and no password: it cannot be so. */
	if (wanted && form_true(wanted) && !*s->o.password)
		s->bad = true;
	if (wanted && !form_true(wanted))
		s->o.password = (char *)(uintptr_t) "";
}

static void
take_all(struct submission *s, const struct room *r)
{
	const struct muc_config *c = room_config(r);

	take_text(s, FIELD("roomname"), &s->o.title);
	take_text(s, FIELD("roomdesc"), &s->o.description);
	take_text(s, FIELD("lang"), &s->o.lang);
	take_bool(s, FIELD("persistentroom"), &s->o.persistent);
	take_bool(s, FIELD("publicroom"), &s->o.listed);
	take_bool(s, FIELD("membersonly"), &s->o.members_only);
	take_bool(s, FIELD("moderatedroom"), &s->o.moderated);
	take_bool(s, FIELD("changesubject"), &s->o.change_subject);
	take_bool(s, FIELD("allowinvites"), &s->o.invites);
	take_number(s, FIELD("maxusers"), c->max_users_limit, &s->o.max_users);
	take_number(s, "muc#maxhistoryfetch", c->max_history, &s->o.history);
	take_roles(s, FIELD("presencebroadcast"), &s->o.broadcast);
	take_roles(s, FIELD("getmemberlist"), &s->o.member_list);
	take_choices(s);
	take_password(s);
}

static bool
options_equal(const struct options *a, const struct options *b)
{
	return a->persistent == b->persistent && a->listed == b->listed &&
	       a->members_only == b->members_only && a->moderated == b->moderated &&
	       a->nonanonymous == b->nonanonymous && a->change_subject == b->change_subject &&
	       a->invites == b->invites && a->broadcast == b->broadcast &&
	       a->member_list == b->member_list && a->private_messages == b->private_messages &&
	       a->max_users == b->max_users && a->history == b->history &&
	       strcmp(a->title, b->title) == 0 && strcmp(a->description, b->description) == 0 &&
	       strcmp(a->lang, b->lang) == 0 && strcmp(a->password, b->password) == 0;
}

static void
set_options(struct room *r, const struct options *to)
{
	struct options o = *to;

	o.title = hm_dup(to->title);
	o.description = hm_dup(to->description);
	o.lang = hm_dup(to->lang);
	o.password = hm_dup(to->password);
	options_free(&r->options);
	r->options = o;
}

/* XEP-0045 10.2.1 */
static void
configure(struct room *r, const struct options *to)
{
	unsigned codes[3] = { 0 }, n = 0;
	bool anonymity = r->options.nonanonymous != to->nonanonymous;

	if (options_equal(&r->options, to))
		return;
	set_options(r, to);
	room_save(r);
	if (anonymity)
		codes[n++] = to->nonanonymous ? CODE_NOW_NONANONYMOUS : CODE_NOW_SEMIANONYMOUS;
	else
		codes[n++] = CODE_CONFIG_CHANGED;
	message_codes(r, codes);
	room_enforce(r, CODE_MEMBERS_ONLY);
}

static void
submit(struct room *r, struct hm_iq *rq, const struct hm_elem *x)
{
	struct submission s = { .x = x, .o = r->options };
	const char *type = form_value(x, "FORM_TYPE");

	if (type && strcmp(type, NS_MUC_CONFIG) != 0) {
		hm_iq_fail(rq, HM_BAD_REQUEST, NULL);
		return;
	}
	take_all(&s, r);
	if (s.bad) {
		hm_iq_fail(rq, HM_NOT_ACCEPTABLE, NULL);
		return;
	}
	/* The answer behind what it stores. */
	if (r->locked) {
		set_options(r, &s.o);
		room_open(r);
	} else {
		configure(r, &s.o);
	}
	hm_iq_done(rq);
	room_check_empty(r);
}

static void
destroy(struct room *r, struct hm_iq *rq, const struct hm_elem *wish)
{
	const struct hm_elem *reason = hm_child(wish, NS_MUC_OWNER, "reason");
	const struct hm_elem *password = hm_child(wish, NS_MUC_OWNER, "password");
	const char *venue = hm_elem_attr(wish, "jid");

	room_destroy(r, venue ? hm_tmp_jid(venue) : NULL, password ? hm_tmp_text(password) : NULL,
	             reason ? hm_tmp_text(reason) : NULL);
	hm_iq_done(rq);
}

void
owner_set(struct hm_mod *m, struct hm_iq *rq)
{
	struct room *r = room_of(m, hm_iq_entity(rq));
	const struct hm_elem *query = hm_iq_payload(rq);
	const struct hm_elem *x = hm_child(query, NS_DATA, "x");
	const struct hm_elem *wish = hm_child(query, NS_MUC_OWNER, "destroy");
	const char *type = x ? hm_elem_attr(x, "type") : NULL;

	if (!is_owner(rq, r))
		return;
	if (wish) {
		destroy(r, rq, wish);
	} else if (type && strcmp(type, "cancel") == 0) {
		hm_iq_done(rq);
		if (r->locked) /* XEP-0045 10.1.3 */
			room_destroy(r, NULL, NULL, NULL);
	} else if (type && strcmp(type, "submit") == 0) {
		submit(r, rq, x);
	} else {
		hm_iq_fail(rq, HM_BAD_REQUEST, NULL);
	}
}
