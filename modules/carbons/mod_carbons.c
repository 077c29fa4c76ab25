/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Each device of a user sees both sides of all conversations.
 * XEP-0280 1.0.1, with all rules of 6.1; XEP-0297 1.0, without a time, since it is sent at once.
 *
 * Where the text leaves a choice: a message that is refused is not copied, or devices would show
 * what its sender was told is lost; one that is stored for later is copied only to devices that
 * are available and will not get it then; of a message to oneself each other device gets one
 * copy, as received.  A room's messages are known by their <x/> (6.1).
 *
 * Copies go straight to the sessions and never pass an account's chains.  They have no id, so that
 * a bounced one can't be taken for the answer to anything (10.3).
 */
#include <string.h>

#include <hermod/custody.h>
#include <hermod/iface/archive.h>
#include <hermod/iface/carbons.h>
#include <hermod/module.h>

#define NS_CARBONS "urn:xmpp:carbons:2"
#define NS_CLIENT "jabber:client"
#define NS_FORWARD "urn:xmpp:forward:0"
#define NS_SID "urn:xmpp:sid:0"
#define NS_MUC_USER "http://jabber.org/protocol/muc#user"

enum direction { SENT, RECEIVED, DIRECTIONS };
enum { COPIES, METRICS };

/* The last eligible messages: an error that answers one of them is eligible, too. */
#define REMEMBERED 32
struct memory {
	uint64_t key[DIRECTIONS][REMEMBERED];
	unsigned next[DIRECTIONS];
};
/* One per loaded account. */
struct carbons {
	struct memory *memory; /* NULL: there was no such message yet */
};
struct carbons_session {
	bool enabled;
};

static const struct hm_metric carbons_metrics[METRICS] = {
	[COPIES] = { "hermod_carbons_copies", "Copies of messages for other devices of a user.",
	             HM_COUNTER },
};

/* --- Answers to messages ------------------------------------------------------------------------ */

/* FNV-1a. */
static uint64_t
hash_text(uint64_t hash, const char *text)
{
	do
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	while (*text++);
	return hash;
}

/* An error comes from any resource of the peer, but with the id of what it answers (RFC 6120 8.3.1). */
static uint64_t
key_of(const char *peer_bare, const char *id)
{
	return hash_text(hash_text(0xcbf29ce484222325u, peer_bare), id);
}

static void
remember(struct hm_mod *m, struct hm_user *u, enum direction way, const char *peer_bare,
         const char *id)
{
	struct carbons *c = hm_user_state(m, u);
	struct memory *memory;

	if (!id)
		return;
	if (!c->memory)
		c->memory = hm_alloc(sizeof(*c->memory));
	memory = c->memory;
	memory->key[way][memory->next[way]] = key_of(peer_bare, id);
	memory->next[way] = (memory->next[way] + 1) % REMEMBERED;
}

static bool
is_remembered(struct hm_mod *m, const struct hm_user *u, enum direction way, const char *peer_bare,
              const char *id)
{
	const struct carbons *c = hm_user_state(m, u);
	uint64_t key = id ? key_of(peer_bare, id) : 0;

	for (size_t i = 0; id && c->memory && i < REMEMBERED; i++) {
		if (c->memory->key[way][i] == key)
			return true;
	}
	return false;
}

static void
carbons_free(struct hm_mod *m, struct hm_user *u)
{
	struct carbons *c = hm_user_state(m, u);

	hm_free(c->memory);
}

/* --- Which messages: 6.1, 9 ----------------------------------------------------------------------- */

static bool
is_type(const struct hm_stanza *s, const char *type)
{
	return strcmp(hm_stanza_type(s), type) == 0;
}

/* What is not known is normal (RFC 6121 5.2.2). */
static bool
is_normal(const struct hm_stanza *s)
{
	return !is_type(s, "chat") && !is_type(s, "headline");
}

static bool
has_im_payload(const struct hm_elem *root)
{
	static const char *const payloads[] = {
		"urn:xmpp:receipts",                     /* XEP-0184 */
		"http://jabber.org/protocol/chatstates", /* XEP-0085 */
		"urn:xmpp:chat-markers:0",               /* XEP-0333 */
		"jabber:x:conference",                   /* XEP-0249 */
	};

	for (size_t i = 0; i < HM_COUNT(payloads); i++) {
		if (hm_child(root, payloads[i], NULL))
			return true;
	}
	return false;
}

/* All types but error. */
static bool
is_message_eligible(const struct hm_letter *l, enum direction way)
{
	const struct hm_stanza *s = hm_letter_stanza(l);
	const struct hm_elem *root = hm_stanza_root(s), *room = hm_child(root, NS_MUC_USER, "x");
	const char *from = hm_letter_from(l);

	if (is_type(s, "groupchat") || hm_child(root, "urn:xmpp:hints", "no-copy"))
		return false;
	if (room && hm_child(room, NS_MUC_USER, "invite"))
		return true;
	/* A private message of an occupant: the room sends it to each device that is there. */
	if (room && way == RECEIVED && from && hm_tmp_resource(from))
		return false;
	return is_type(s, "chat") || has_im_payload(root) ||
	       (is_normal(s) && hm_child(root, NS_CLIENT, "body"));
}

static const char *
peer_of(const struct hm_letter *l, enum direction way)
{
	return way == SENT ? hm_letter_to_bare(l) : hm_letter_from_bare(l);
}

static bool
is_to_self(const struct hm_letter *l)
{
	return strcmp(hm_letter_to_bare(l), hm_letter_from_bare(l)) == 0;
}

static bool
is_eligible(struct hm_mod *m, struct hm_user *u, const struct hm_letter *l, enum direction way)
{
	const struct hm_stanza *s = hm_letter_stanza(l);

	if (hm_stanza_kind(s) != HM_MESSAGE || hm_child(hm_stanza_root(s), NS_CARBONS, "private"))
		return false;
	/* XEP-0334 5: the hints in an error don't count, they may be those of what it answers. */
	if (is_type(s, "error"))
		return is_remembered(m, u, way == SENT ? RECEIVED : SENT, peer_of(l, way),
		                     hm_stanza_id(s));
	if (!is_message_eligible(l, way))
		return false;
	remember(m, u, is_to_self(l) ? SENT : way, peer_of(l, way), hm_stanza_id(s));
	return true;
}

/* --- The copies: 7, 8 -------------------------------------------------------------------------------- */

/* Not what only this server may say (XEP-0359 3). */
static bool
is_not_own_id(const struct hm_elem *child, void *ctx)
{
	const char *by = hm_elem_is(child, NS_SID, "stanza-id") ? hm_elem_attr(child, "by") : NULL;

	return !by || strcmp(by, ctx) != 0;
}

/* With the id that the sender's archive gave it, by which its devices know it again (XEP-0313 5.1.2). */
static const struct hm_stanza *
sent_ref(const struct hm_mod *m, const struct hm_user *u, const struct hm_letter *l)
{
	const struct hm_entry *entry = hm_letter_entry(l);
	struct hm_mod *archive_mod;
	const struct hm_archive_iface *archive = hm_archive(m, &archive_mod);
	struct hm_writer *w;

	if (!entry || !archive)
		return hm_stanza_ref(hm_letter_stanza(l));
	w = hm_stanza_copy(hm_letter_stanza(l), is_not_own_id, (void *)(uintptr_t)hm_user_jid(u));
	hm_open(w, NS_SID, "stanza-id");
	hm_attr(w, "by", hm_user_jid(u));
	hm_attr(w, "id", archive->tmp_id(archive_mod, u, entry->id, false));
	hm_close(w);
	return hm_stanza_done_ref(w, hm_letter_from(l));
}

static const struct hm_stanza *
wrapped_ref(const struct hm_user *u, const struct hm_letter *l, const struct hm_stanza *s,
            enum direction way)
{
	const struct hm_elem *error =
		is_type(s, "error") ? hm_child(hm_stanza_root(s), NS_CLIENT, "error") : NULL;
	const char *type = hm_stanza_type(s), *to = hm_letter_to(l);
	struct hm_writer *w = hm_stanza_new(HM_MESSAGE, *type ? type : NULL, NULL);

	hm_open(w, NS_CARBONS, way == SENT ? "sent" : "received");
	hm_open(w, NS_FORWARD, "forwarded");
	hm_put_stanza(w, s, to ? to : hm_letter_to_bare(l));
	hm_close(w);
	hm_close(w);
	/* Without it the wrapper would be no stanza of that type (RFC 6120 8.3.1). */
	if (error)
		hm_put_elem(w, error);
	return hm_stanza_done_ref(w, hm_user_jid(u));
}

/* Does the session get a copy? Never what it sent itself, nor what it gets anyway. */
static bool
is_to_copy(struct hm_mod *m, const struct hm_session *s, const struct hm_letter *l,
           enum direction way)
{
	const struct carbons_session *cs = hm_session_state(m, s);
	const char *from = hm_letter_from(l);

	if (!cs->enabled || (from && strcmp(from, hm_session_jid(s)) == 0))
		return false;
	if (way == SENT)
		return true;
	/* What is stored goes to whoever becomes available next. */
	if (hm_letter_plan(l) == HM_PLAN_STORE && !hm_session_presence(s))
		return false;
	return !hm_letter_reaches(l, s);
}

/* What the copy shows; 0: it is in no archive. */
static int64_t
id_of(const struct hm_letter *l, enum direction way)
{
	const struct hm_entry *entry = hm_letter_entry(l);

	if (way == RECEIVED)
		return hm_letter_id(l);
	return entry ? entry->id : 0;
}

static void
copy(struct hm_mod *m, struct hm_user *u, const struct hm_letter *l, enum direction way)
{
	const struct hm_stanza *carbon = NULL; /* one for all */

	hm_for_each_session(s, u)
	{
		if (!is_to_copy(m, s, l, way))
			continue;
		if (!carbon) {
			const struct hm_stanza *inner =
				way == SENT ? sent_ref(m, u, l)
					    : hm_stanza_ref(hm_letter_stanza(l));

			carbon = wrapped_ref(u, l, inner, way);
			hm_stanza_unref(&inner);
		}
		hm_show_to_session(m, s, carbon, NULL, id_of(l, way));
		hm_count(m, COPIES, 1);
	}
	hm_stanza_unref(&carbon);
}

/* To oneself: when it is known who gets it, in carbons_received(). */
static enum hm_next
carbons_sent(struct hm_mod *m, struct hm_session *s, struct hm_letter *l)
{
	struct hm_user *u = hm_session_user(s);

	if (!is_to_self(l) && is_eligible(m, u, l, SENT))
		copy(m, u, l, SENT);
	return HM_CONTINUE;
}

static enum hm_next
carbons_received(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	enum hm_plan plan = hm_letter_plan(l);

	if (!is_eligible(m, u, l, RECEIVED))
		return HM_CONTINUE;
	/* An error for a device that has gone is dropped (RFC 6121 8.5.3.2.1), but the others saw what it answers. */
	if (plan == HM_PLAN_SESSIONS || plan == HM_PLAN_STORE ||
	    is_type(hm_letter_stanza(l), "error"))
		copy(m, u, l, RECEIVED);
	return HM_CONTINUE;
}

/* --- Requests: 4, 5, 10.1 ------------------------------------------------------------------------------ */

static void
enable(struct hm_iq *rq, bool enabled)
{
	struct hm_session *s = hm_iq_session(rq);
	struct carbons_session *cs;

	if (!s) {
		hm_iq_fail(rq, HM_NOT_ALLOWED, NULL);
		return;
	}
	cs = hm_session_state(hm_iq_mod(rq), s);
	cs->enabled = enabled;
	hm_iq_done(rq);
}

static void
enable_set(struct hm_mod *m, struct hm_iq *rq)
{
	enable(rq, true);
}

static void
disable_set(struct hm_mod *m, struct hm_iq *rq)
{
	enable(rq, false);
}

/* --- For the core ------------------------------------------------------------------------------------------ */

static bool
copied(struct hm_mod *m, const struct hm_session *s, const struct hm_letter *l)
{
	const struct carbons_session *cs = hm_session_state(m, s);
	const struct hm_stanza *stanza = hm_letter_stanza(l);

	return cs->enabled && hm_stanza_kind(stanza) == HM_MESSAGE &&
	       !hm_child(hm_stanza_root(stanza), NS_CARBONS, "private") &&
	       is_message_eligible(l, RECEIVED);
}

static const struct hm_carbons_iface carbons_iface = { copied };
static const struct hm_provide carbons_provides[] = { { "carbons", HM_CARBONS_IFACE,
	                                                &carbons_iface } };

/* --- A planned restart ------------------------------------------------------------------------------------ */

static void
carbons_save(struct hm_mod *m, struct hm_session *s, struct hm_writer *w)
{
	const struct carbons_session *cs = hm_session_state(m, s);

	hm_attr_int(w, "enabled", cs->enabled);
}

static void
carbons_restore(struct hm_mod *m, struct hm_session *s, const struct hm_elem *saved)
{
	struct carbons_session *cs = hm_session_state(m, s);
	const char *enabled = hm_elem_attr(saved, "enabled");

	cs->enabled = enabled && strcmp(enabled, "1") == 0;
}

/* --- Declaration ------------------------------------------------------------------------------------------ */

static const struct hm_feature carbons_features[] = {
	{ HM_TO_HOST | HM_TO_ACCOUNT, NS_CARBONS },
	{ HM_TO_HOST | HM_TO_ACCOUNT, "urn:xmpp:carbons:rules:0" },
};
/* Others than the owner are told not-allowed, whether there is such an account or not. */
static const struct hm_iq_route carbons_iq[] = {
	{ HM_SET, HM_TO_ACCOUNT, HM_ANYONE, NS_CARBONS, "enable", enable_set,
	  .absent = HM_NOT_ALLOWED },
	{ HM_SET, HM_TO_ACCOUNT, HM_ANYONE, NS_CARBONS, "disable", disable_set,
	  .absent = HM_NOT_ALLOWED },
};
static const struct hm_hook carbons_hooks[] = {
	HM_HOOK(client_sent, HM_OBSERVE, carbons_sent),
	HM_HOOK(account_received, HM_OBSERVE, carbons_received),
};
static const struct hm_spec carbons_specs[] = {
	{ "XEP-0280", "1.0.1",
	  "Copies of private messages to somebody in a room go to all devices, not only to those that are in the room; an error is copied when it has the id of one of the last 32 messages." },
	{ "XEP-0297", "1.0", "A copy does not say when its original came (3.2)." },
};

HM_MODULE(carbons) = {
	.summary = "Copies of messages for all devices of a user",
	.specs = HM_TABLE(carbons_specs),
	.features = HM_TABLE(carbons_features),
	.iq = HM_TABLE(carbons_iq),
	.hooks = HM_TABLE(carbons_hooks),
	.metrics = HM_TABLE(carbons_metrics),
	.provides = HM_TABLE(carbons_provides),
	.user_state_size = sizeof(struct carbons),
	.user_free = carbons_free,
	.session_state_size = sizeof(struct carbons_session),
	.session_save = carbons_save,
	.session_restore = carbons_restore,
};
