/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Accounts made, changed and given up by their owners' clients.
 * XEP-0077 2.4, with the plain fields and with a data form (XEP-0004).
 *
 * Who asks is a stranger, who has not authenticated, or the owner of an account here. Everybody
 * else is refused.  An administrator's name can't be registered, lest a stranger becomes one.  No password is
 * logged or answered.
 */
#include <string.h>

#include "register.h"

#define NS_REGISTER "jabber:iq:register"
#define NS_FORM "jabber:x:data"

static const struct hm_conf_key register_keys[] = {
	HM_KEY(struct register_config, open, BOOL, "no", .doc = "Strangers may register accounts."),
	HM_KEY(struct register_config, per_address, INT, "10", .min = "1", .max = "unlimited",
	       .doc = "Attempts to register from one network address in one window; an IPv6 address counts with its whole network."),
	HM_KEY(struct register_config, per_host, INT, "unlimited", .min = "1", .max = "unlimited",
	       .doc = "Attempts to register on this host in one window."),
	HM_KEY(struct register_config, window, DURATION, "1 h", .min = "1 s",
	       .doc = "The time in which attempts are counted."),
	HM_KEY(struct register_config, min_password, INT, "8", .min = "1", .max = "128",
	       .doc = "Characters that a password must have at least."),
	HM_KEY(struct register_config, reserved_names, LIST,
	       "[ abuse admin administrator hostmaster postmaster root security webmaster ]",
	       .max = "1000",
	       .doc = "Names that nobody may register; nor may those of administrators."),
	HM_KEY(struct register_config, instructions, STRING,
	       "Choose a username and a password for use with this server.", .min = "1",
	       .max = "1000", .doc = "What a client shows to those who register."),
	HM_KEY(struct register_config, change_password, BOOL, "yes",
	       .doc = "Users may change their password with their client."),
	HM_KEY(struct register_config, cancel, BOOL, "yes",
	       .doc = "Users may remove their account with their client."),
};
static const struct hm_sql register_sql[REGISTER_STATEMENTS] = {
	/* $2: now, $3: windows that began before this are over. */
	[REGISTER_COUNT] = { "INSERT INTO registrations (host, since_us, n) VALUES ($1, $2, 1)"
	                     " ON CONFLICT (host) DO UPDATE SET"
	                     " n = CASE WHEN registrations.since_us <= $3 THEN 1 ELSE registrations.n + 1 END,"
	                     " since_us = CASE WHEN registrations.since_us <= $3 THEN $2 ELSE registrations.since_us END"
	                     " RETURNING n",
	                     NULL },
};
static const struct hm_metric register_metrics[REGISTER_METRICS] = {
	[REGISTERED] = { "hermod_registrations", "Accounts registered in-band.", HM_COUNTER },
	[LIMITED] = { "hermod_registrations_limited", "Registrations refused because of a limit.",
	              HM_COUNTER },
};

/* --- Who asks, and what --------------------------------------------------------------------------- */

enum asker { STRANGER, OWNER, SOMEBODY };

static enum asker
asker_of(struct hm_mod *m, const struct hm_iq *rq)
{
	const char *bare = hm_iq_from_bare(rq);

	if (!hm_iq_from(rq))
		return STRANGER;
	return hm_tmp_local(bare) && strcmp(hm_tmp_domain(bare), hm_host(m)) == 0 ? OWNER
	                                                                          : SOMEBODY;
}

/* The value of a field of a form, or NULL. */
static const char *
form_value(const struct hm_elem *form, const char *name)
{
	hm_for_each_child (field, form) {
		const char *var = hm_elem_attr(field, "var");
		const struct hm_elem *value = hm_child(field, NS_FORM, "value");

		if (var && value && strcmp(var, name) == 0)
			return hm_tmp_text(value);
	}
	return NULL;
}

/* 4 (5): the form takes precedence. NULL: it was left out, or is empty. */
static const char *
value_of(const struct hm_iq *rq, const char *name)
{
	const struct hm_elem *query = hm_iq_payload(rq);
	const struct hm_elem *form = hm_child(query, NS_FORM, "x");
	const struct hm_elem *field = form ? NULL : hm_child(query, NS_REGISTER, name);
	const char *text = form ? form_value(form, name) : field ? hm_tmp_text(field) : NULL;

	return text && *text ? text : NULL;
}

/* The address that a name would have here, or NULL. */
static const char *
address_of(struct hm_mod *m, const char *name)
{
	const char *jid = hm_tmp_jid(hm_tmp_printf("%s@%s", name, hm_host(m)));

	return jid && hm_tmp_local(jid) && !hm_tmp_resource(jid) &&
	                       strcmp(hm_tmp_domain(jid), hm_host(m)) == 0
	               ? jid
	               : NULL;
}

static bool
is_long_enough(struct hm_mod *m, const char *password)
{
	const struct register_config *cfg = hm_config(m);
	int64_t characters = 0;

	for (const char *p = password; *p; p++)
		characters += ((unsigned char)*p & 0xc0) != 0x80;
	return characters >= cfg->min_password;
}

static bool
is_reserved(struct hm_mod *m, const char *jid)
{
	const struct register_config *cfg = hm_config(m);

	if (hm_is_admin(m, jid))
		return true;
	for (size_t i = 0; i < cfg->reserved_names.n; i++) {
		const char *reserved = address_of(m, cfg->reserved_names.v[i]);

		if (reserved && strcmp(reserved, jid) == 0)
			return true;
	}
	return false;
}

static void
fail_busy(struct hm_iq *rq)
{
	hm_iq_fail(rq, HM_RESOURCE_CONSTRAINT, "The server is busy. Try again later.");
}

static void
fail_short(struct hm_iq *rq)
{
	hm_iq_fail(rq, HM_NOT_ACCEPTABLE, "The password is too short.");
}

/* --- A stranger: 3.1 --------------------------------------------------------------------------------- */

static void
write_form_field(struct hm_writer *w, const char *type, const char *label, const char *var)
{
	hm_open(w, NS_FORM, "field");
	hm_attr(w, "type", type);
	hm_attr(w, "label", label);
	hm_attr(w, "var", var);
	hm_leaf(w, "required", NULL);
	hm_close(w);
}

static void
write_form(struct hm_writer *w, const char *instructions)
{
	hm_open(w, NS_FORM, "x");
	hm_attr(w, "type", "form");
	hm_leaf(w, "title", "Registration");
	hm_leaf(w, "instructions", instructions);
	hm_open(w, NS_FORM, "field");
	hm_attr(w, "type", "hidden");
	hm_attr(w, "var", "FORM_TYPE");
	hm_leaf(w, "value", NS_REGISTER);
	hm_close(w);
	write_form_field(w, "text-single", "Username", "username");
	write_form_field(w, "text-private", "Password", "password");
	hm_close(w);
}

static void
show_fields(struct hm_mod *m, struct hm_iq *rq)
{
	const struct register_config *cfg = hm_config(m);
	struct hm_writer *w = hm_iq_result(rq);

	hm_open(w, NS_REGISTER, "query");
	hm_leaf(w, "instructions", cfg->instructions);
	hm_leaf(w, "username", NULL);
	hm_leaf(w, "password", NULL);
	write_form(w, cfg->instructions);
	hm_close(w);
	hm_iq_done(rq);
}

static void
created(struct hm_iq *rq, enum hm_account_result result)
{
	struct hm_mod *m = hm_iq_mod(rq);

	switch (result) {
	case HM_ACCOUNT_OK:
		hm_count(m, REGISTERED, 1);
		hm_log(rq, HM_INFO, "account registered",
		       hm_kv("jid", address_of(m, value_of(rq, "username"))),
		       hm_kv("source", hm_iq_source(rq)));
		hm_iq_done(rq);
		break;
	case HM_ACCOUNT_EXISTS:
		hm_iq_fail(rq, HM_CONFLICT, "This username is taken.");
		break;
	case HM_ACCOUNT_BAD_NAME:
		hm_iq_fail(rq, HM_NOT_ACCEPTABLE, "This username is not allowed.");
		break;
	case HM_ACCOUNT_BAD_PASSWORD:
		hm_iq_fail(rq, HM_NOT_ACCEPTABLE, "This password is not allowed.");
		break;
	default:
		fail_busy(rq);
	}
}

void
register_create(struct hm_mod *m, struct hm_iq *rq)
{
	hm_account_create(m, rq, value_of(rq, "username"),
	                  (struct hm_secret){ value_of(rq, "password") }, created);
}

static void
stranger_set(struct hm_mod *m, struct hm_iq *rq)
{
	const struct register_config *cfg = hm_config(m);
	const char *name = value_of(rq, "username"), *password = value_of(rq, "password"), *jid;

	if (hm_child(hm_iq_payload(rq), NS_REGISTER, "remove")) {
		hm_iq_fail(rq, HM_UNEXPECTED_REQUEST, "Authenticate first.");
		return;
	}
	if (!cfg->open) {
		hm_iq_fail(rq, HM_SERVICE_UNAVAILABLE, NULL);
		return;
	}
	if (!name || !password) {
		hm_iq_fail(rq, HM_NOT_ACCEPTABLE, "A username and a password are wanted.");
		return;
	}
	jid = address_of(m, name);
	if (!jid || is_reserved(m, jid))
		hm_iq_fail(rq, HM_NOT_ACCEPTABLE, "This username is not allowed.");
	else if (!is_long_enough(m, password))
		fail_short(rq);
	else
		register_within_limits(m, rq);
}

/* --- The owner of an account: 3.2, 3.3 --------------------------------------------------------------- */

static void
show_registration(struct hm_mod *m, struct hm_iq *rq)
{
	const struct register_config *cfg = hm_config(m);
	struct hm_writer *w = hm_iq_result(rq);

	hm_open(w, NS_REGISTER, "query");
	hm_leaf(w, "registered", NULL);
	if (cfg->change_password)
		hm_leaf(w, "instructions", "Choose a new password.");
	hm_leaf(w, "username", hm_tmp_local(hm_iq_from_bare(rq)));
	hm_leaf(w, "password", NULL);
	hm_close(w);
	hm_iq_done(rq);
}

static void
changed(struct hm_iq *rq, enum hm_account_result result)
{
	if (result == HM_ACCOUNT_OK)
		hm_iq_done(rq);
	else if (result == HM_ACCOUNT_BAD_PASSWORD)
		hm_iq_fail(rq, HM_NOT_ACCEPTABLE, "This password is not allowed.");
	else if (result == HM_ACCOUNT_NOT_FOUND)
		hm_iq_fail(rq, HM_REGISTRATION_REQUIRED, NULL);
	else
		fail_busy(rq);
}

static void
change_password(struct hm_mod *m, struct hm_iq *rq)
{
	const struct register_config *cfg = hm_config(m);
	const char *name = value_of(rq, "username"), *password = value_of(rq, "password");
	const char *own = hm_iq_from_bare(rq), *jid, *address;

	if (!cfg->change_password) {
		hm_iq_fail(rq, HM_NOT_ALLOWED, NULL);
		return;
	}
	if (!name || !password) {
		hm_iq_fail(rq, HM_BAD_REQUEST, "A username and a password are wanted.");
		return;
	}
	/* The examples of 3.3 have a name in the plain field and an address in the form. */
	jid = address_of(m, name);
	address = hm_tmp_jid(name);
	if ((!jid || strcmp(jid, own) != 0) && (!address || strcmp(address, own) != 0))
		hm_iq_fail(rq, HM_FORBIDDEN, "This is not your username.");
	else if (!is_long_enough(m, password))
		fail_short(rq);
	else
		hm_account_set_password(m, rq, hm_tmp_local(own), (struct hm_secret){ password },
		                        changed);
}

static void
cancel(struct hm_mod *m, struct hm_iq *rq)
{
	const struct register_config *cfg = hm_config(m);

	if (!cfg->cancel)
		hm_iq_fail(rq, HM_NOT_ALLOWED, NULL);
	else if (hm_next_sibling(hm_first_child(hm_iq_payload(rq))))
		hm_iq_fail(rq, HM_BAD_REQUEST, "Nothing may stand beside <remove/>.");
	else
		hm_account_remove(m, rq, hm_tmp_local(hm_iq_from_bare(rq)), changed);
}

/* --- Routes --------------------------------------------------------------------------------------------- */

static void
register_get(struct hm_mod *m, struct hm_iq *rq)
{
	const struct register_config *cfg = hm_config(m);
	enum asker asker = asker_of(m, rq);

	if (asker == OWNER)
		show_registration(m, rq);
	else if (asker == STRANGER && cfg->open)
		show_fields(m, rq);
	else
		hm_iq_fail(rq, HM_SERVICE_UNAVAILABLE, NULL);
}

static void
register_set(struct hm_mod *m, struct hm_iq *rq)
{
	bool remove = hm_child(hm_iq_payload(rq), NS_REGISTER, "remove") != NULL;

	switch (asker_of(m, rq)) {
	case STRANGER:
		stranger_set(m, rq);
		break;
	case OWNER:
		if (remove)
			cancel(m, rq);
		else
			change_password(m, rq);
		break;
	default:
		hm_iq_fail(rq, remove ? HM_REGISTRATION_REQUIRED : HM_SERVICE_UNAVAILABLE, NULL);
	}
}

static bool
is_open(const void *config)
{
	const struct register_config *cfg = config;

	return cfg->open;
}

/* --- Declaration ------------------------------------------------------------------------------------------ */

static const struct hm_feature register_features[] = { { HM_TO_HOST, NS_REGISTER } };
static const struct hm_iq_route register_iq[] = {
	{ HM_GET, HM_TO_HOST, HM_STRANGER, NS_REGISTER, "query", register_get },
	{ HM_SET, HM_TO_HOST, HM_STRANGER, NS_REGISTER, "query", register_set },
	{ HM_GET, HM_TO_ACCOUNT, HM_OWNER, NS_REGISTER, "query", register_get },
	{ HM_SET, HM_TO_ACCOUNT, HM_OWNER, NS_REGISTER, "query", register_set },
};
static const struct hm_stream_feature register_stream_features[] = {
	{ .before_auth = true,
	  .xml = "<register xmlns='http://jabber.org/features/iq-register'/>",
	  .wanted = is_open },
};
static const struct hm_spec register_specs[] = {
	{ "XEP-0077", "2.4",
	  "No redirection to a web page (5), no further fields, no code attributes of old errors (9); password changes are not refused on unencrypted streams." },
};
extern const struct hm_migration register_schema[];

HM_MODULE(register) = {
	.summary = "In-band registration and password change",
	.specs = HM_TABLE(register_specs),
	.features = HM_TABLE(register_features),
	.iq = HM_TABLE(register_iq),
	.stream_features = HM_TABLE(register_stream_features),
	.config = HM_TABLE(register_keys),
	.config_size = sizeof(struct register_config),
	.sql = HM_TABLE(register_sql),
	.schema = register_schema,
	.metrics = HM_TABLE(register_metrics),
	.state_size = sizeof(struct register_state),
	.stop = register_stop,
};
