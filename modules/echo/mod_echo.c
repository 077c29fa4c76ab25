/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Echo: a service that sends back what it is told, to try a client with.  anything@echo.HOST is
 * an address; each counts its calls.  RFC 6121 5.
 *
 * It is also the shortest module with a service and an entity kind of its own: what a room or a
 * node needs is here in small.
 */
#include <string.h>

#include <hermod/module.h>

#define NS_VERSION "jabber:iq:version"
#define ANSWER_TIMEOUT_MS 10000

enum { LOAD, CALLED, STATEMENTS };
static const struct hm_sql echo_sql[STATEMENTS] = {
	[LOAD] = { "SELECT calls FROM echo WHERE domain = $1 AND name = $2", NULL },
	[CALLED] = { "INSERT INTO echo (domain, name, calls) VALUES ($1, $2, $3)"
	             " ON CONFLICT (domain, name) DO UPDATE SET calls = excluded.calls",
	             NULL },
};

struct voice {
	int64_t calls;
};

static void
voice_rows(struct hm_mod *m, struct hm_entity *e, struct hm_rows *rows)
{
	struct voice *v = hm_entity_state(m, e);

	if (hm_next_row(rows))
		v->calls = hm_col_int(rows, 0);
}

/* --- "version": what the client says of itself (XEP-0092) --------------------------------- */

static const char *
child_text(const struct hm_elem *query, const char *name)
{
	const struct hm_elem *e = query ? hm_child(query, NS_VERSION, name) : NULL;

	return e ? hm_tmp_text(e) : "?";
}

static void
version_told(struct hm_mod *m, struct hm_user *u, struct hm_entity *e,
             const struct hm_stanza *reply, int64_t token)
{
	const struct hm_elem *query =
		reply ? hm_child(hm_stanza_root(reply), NS_VERSION, "query") : NULL;
	struct hm_writer *w;

	if (!reply)
		return;
	w = hm_stanza_new(HM_MESSAGE, "chat", NULL);
	hm_leaf(w, "body",
	        hm_tmp_printf("%s %s", child_text(query, "name"), child_text(query, "version")));
	hm_send(m, w, hm_entity_jid(e), hm_stanza_from(reply));
}

static void
ask_version(struct hm_mod *m, struct hm_entity *e, const char *whom)
{
	struct hm_writer *w = hm_iq_new("get");

	hm_open(w, NS_VERSION, "query");
	hm_close(w);
	hm_iq_send(m, w, hm_entity_jid(e), whom, ANSWER_TIMEOUT_MS, version_told, 0);
}

/* --- Messages -------------------------------------------------------------------------------- */

static bool
is_body(const struct hm_elem *child, void *ctx)
{
	return hm_elem_is(child, NULL, "body") || hm_elem_is(child, NULL, "thread");
}

static enum hm_next
voice_received(struct hm_mod *m, struct hm_entity *e, struct hm_letter *l)
{
	const struct hm_stanza *s = hm_letter_stanza(l);
	struct voice *v = hm_entity_state(m, e);

	/* Answers to answers would never end: only what a person sends is sent back. */
	if (hm_stanza_kind(s) != HM_MESSAGE)
		return hm_stanza_kind(s) == HM_PRESENCE ? HM_STOP : HM_CONTINUE;
	if (strcmp(hm_stanza_type(s), "error") == 0 || !hm_child(hm_stanza_root(s), NULL, "body"))
		return HM_STOP;
	if (strcmp(hm_tmp_text(hm_child(hm_stanza_root(s), NULL, "body")), "version") == 0) {
		ask_version(m, e, hm_letter_from(l));
		return HM_STOP;
	}
	v->calls++;
	hm_store(m, CALLED, hm_tmp_domain(hm_entity_jid(e)), hm_entity_key(e), v->calls);
	hm_send(m, hm_stanza_copy(s, is_body, NULL), hm_entity_jid(e), hm_letter_from(l));
	return HM_STOP;
}

static void
voice_info(struct hm_mod *m, struct hm_entity *e, struct hm_info *info)
{
	const struct voice *v = hm_entity_state(m, e);
	const char *calls = hm_tmp_printf("%lld", (long long)v->calls);

	hm_info_identity(info, "client", "bot", "Echo");
	hm_info_form(info, "urn:hermod:echo");
	hm_info_field(info, "calls", NULL, &calls, 1);
}

static const struct hm_entity_load voice_load[] = { { LOAD, voice_rows } };
static const struct hm_entity_kind echo_kinds[] = {
	{
		.name = "voice",
		.load = HM_TABLE(voice_load),
		.state_size = sizeof(struct voice),
		.received = voice_received,
		.info = voice_info,
	},
};
static const struct hm_service echo_services[] = {
	{ .name = "echo", .category = "component", .type = "generic", .title = "Echo", .kind = 0 },
};
static const struct hm_spec echo_specs[] = { { "RFC 6121", "", "Presence is not answered." } };
extern const struct hm_migration echo_schema[];

HM_MODULE(echo) = {
	.summary = "A service that sends back what it is told",
	.on_request = true,
	.specs = HM_TABLE(echo_specs),
	.services = HM_TABLE(echo_services),
	.entities = HM_TABLE(echo_kinds),
	.sql = HM_TABLE(echo_sql),
	.schema = echo_schema,
};
