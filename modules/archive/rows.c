/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * rows.c - a message becomes a row (DESIGN 5).
 *
 * Of a message between two local accounts that both keep it there is one row, written at the
 * recipient's home, with an entry for each. A row that no account's queries show is transient: it
 * waits for its delivery.  What is kept by its sender only becomes a row at the sender's home, when
 * its letter has come back.
 */
#include <string.h>

#include <hermod/iface/offline.h>

#include "archive.h"

/*
 * Entries of one row are this near to each other, the sender's first: so the sender's queries need
 * to look at the same partitions only.  Else there are two rows.
 */
#define NEAR_US (3600 * SECOND_US)

/* What a row keeps of a message, as both sides see it. */
struct row {
	int64_t owner, id;
	const struct hm_entry *sender; /* NULL: no entry of the sender's */
	int64_t conversation, flags, days;
	uint64_t fingerprint;
	const char *to;
	const struct hm_stanza *stanza;
	const char *xml;
};

/* --- Hashes ----------------------------------------------------------------------------------- */

static uint64_t
hash_bytes(uint64_t hash, const void *data, size_t n)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ p[i]) * 0x100000001b3u;
	return hash;
}

/* FNV-1a mixes its last bytes badly into the low ones. */
static uint64_t
stir(uint64_t x)
{
	x = (x ^ (x >> 32)) * 0x9e3779b97f4a7c15u;
	return x ^ (x >> 29);
}

int64_t
archive_conversation(int64_t account, const char *bare)
{
	uint64_t hash = hash_bytes(0xcbf29ce484222325u, &account, sizeof(account));

	return (int64_t)stir(hash_bytes(hash, bare, strlen(bare)));
}

int64_t
archive_resource(const char *resource)
{
	uint64_t hash;

	if (!resource)
		return 0;
	hash = stir(hash_bytes(0xcbf29ce484222325u, resource, strlen(resource)));
	return (int64_t)(hash >> 32) * ROW_BITS;
}

/* --- How long ----------------------------------------------------------------------------------- */

int64_t
archive_days(struct hm_mod *m, const struct hm_user *u)
{
	const struct archive_config *cfg = hm_config(m);
	const struct archive *a = hm_user_state(m, u);

	return a->keep_days ? a->keep_days : cfg->keep_days;
}

int64_t
archive_floor(struct hm_mod *m, const struct hm_user *u)
{
	const struct archive *a = hm_user_state(m, u);
	int64_t days = archive_days(m, u), now = hm_now_us();
	int64_t oldest = days < now / DAY_US ? now - days * DAY_US : 0;

	return oldest > a->floor ? oldest : a->floor;
}

/* Retention works by class: the partitions of a class are dropped when they are that old. */
static int64_t
class_of(int64_t days)
{
	if (days <= 7)
		return 1;
	if (days <= 31)
		return 2;
	return days <= 366 ? 3 : 4;
}

static int64_t
longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* --- Writing ------------------------------------------------------------------------------------- */

static void
put_row(struct hm_mod *m, const struct row *r)
{
	const char *from = hm_stanza_from(r->stanza);
	bool shared = r->sender != NULL;
	/* A sender must be shown the address; the owner knows its own. */
	bool names_to = shared || (r->flags & ROW_SENT) || strchr(r->to, '/');
	struct hm_value v[] = {
		hm_value_int(class_of(r->days)),
		hm_value_int(r->owner),
		hm_value_int(r->id),
		shared ? hm_value_int(r->sender->account) : (struct hm_value){ .type = HM_V_NULL },
		shared ? hm_value_int(r->sender->id) : (struct hm_value){ .type = HM_V_NULL },
		hm_value_int(r->conversation),
		shared ? hm_value_int(archive_conversation(r->sender->account, hm_tmp_bare(r->to)))
		       : (struct hm_value){ .type = HM_V_NULL },
		hm_value_int(r->flags | archive_resource(from ? hm_tmp_resource(from) : NULL)),
		hm_value_int((int64_t)strlen(r->xml)),
		hm_value_int((int64_t)r->fingerprint),
		hm_value_text(names_to ? r->to : NULL),
		hm_value_text(r->xml),
	};

	hm_store_(m, APPEND, v, HM_COUNT(v));
	hm_count(m, STORED, 1);
}

static const char *
addressed_to(const struct hm_letter *l)
{
	return hm_letter_to(l) ? hm_letter_to(l) : hm_letter_to_bare(l);
}

/* The sender's row. */
static void
put_sent(struct hm_mod *m, const struct hm_letter *l, const struct hm_stanza *stanza)
{
	const struct hm_entry *entry = hm_letter_entry(l);
	const char *to = addressed_to(l);
	struct row r = { .owner = entry->account,
		         .id = entry->id,
		         .conversation = archive_conversation(entry->account, hm_tmp_bare(to)),
		         .flags = ROW_SENT,
		         .days = entry->keep,
		         .fingerprint = hm_letter_fingerprint(l),
		         .to = to,
		         .stanza = stanza,
		         .xml = hm_tmp_stanza_xml(stanza) };

	put_row(m, &r);
}

/* --- The sender's side ----------------------------------------------------------------------------- */

/* What was said in somebody's name is not believed (XEP-0359 3, XEP-0203 5). */
struct forged {
	const char *host, *bare; /* NULL: who may have said so */
};

static bool
keep_unforged(const struct hm_elem *child, void *ctx)
{
	const struct forged *f = ctx;

	return !archive_is_forged(child, f->host, f->bare);
}

static enum hm_next
strip(struct hm_letter *l, struct forged f)
{
	const struct hm_stanza *s = hm_letter_stanza(l);

	if (hm_stanza_kind(s) == HM_IQ)
		return HM_CONTINUE;
	hm_for_each_child (child, hm_stanza_root(s)) {
		if (archive_is_forged(child, f.host, f.bare)) {
			hm_changed(l, hm_change(l, keep_unforged, &f));
			break;
		}
	}
	return HM_CONTINUE;
}

/* Whoever gets it may judge by itself what a delay of our host is worth. */
enum hm_next
archive_client_rewrite(struct hm_mod *m, struct hm_session *from, struct hm_letter *l)
{
	return strip(l, (struct forged){ .bare = hm_user_jid(hm_session_user(from)) });
}

enum hm_next
archive_client_store(struct hm_mod *m, struct hm_session *from, struct hm_letter *l)
{
	struct hm_user *u = hm_session_user(from);
	struct archive *a = hm_user_state(m, u);
	const struct hm_stanza *s = hm_letter_stanza(l);
	struct hm_entry entry = { .account = hm_user_account(u) };

	if (!archive_worth_to_sender(s) || !archive_keeps(m, u, addressed_to(l)))
		return HM_CONTINUE;
	entry.id = hm_new_id(m, u);
	entry.keep = archive_days(m, u);
	a->newest = entry.id;
	hm_letter_set_entry(l, &entry);
	ring_add(hm_state(m), &a->ring, entry.id, s, addressed_to(l));
	archive_added(m, u);
	return HM_CONTINUE;
}

void
archive_letter_unstored(struct hm_mod *m, struct hm_user *sender, struct hm_letter *l)
{
	if (hm_letter_entry(l))
		put_sent(m, l, hm_letter_stanza(l));
}

/* What stands in memory only is not there. */
void
archive_letter_failed(struct hm_mod *m, struct hm_user *sender, struct hm_letter *l)
{
	struct archive *a = hm_user_state(m, sender);

	ring_clear(&((struct archive_state *)hm_state(m))->rings, &a->ring);
}

/* --- The recipient's side ------------------------------------------------------------------------- */

enum hm_next
archive_account_rewrite(struct hm_mod *m, struct hm_user *to, struct hm_letter *l)
{
	return strip(l, (struct forged){ .host = hm_host(m), .bare = hm_user_jid(to) });
}

static void
add_stanza_id(struct hm_mod *m, struct hm_user *u, struct hm_letter *l, int64_t id, bool transient)
{
	struct hm_writer *w = hm_change(l, NULL, NULL);

	hm_open(w, NS_SID, "stanza-id");
	hm_attr(w, "by", hm_user_jid(u));
	hm_attr(w, "id", archive_iface.tmp_id(m, u, id, transient));
	hm_close(w);
	hm_changed(l, w);
}

/* Of a message to oneself there is one entry, which its sender has made. */
static bool
is_own(const struct hm_user *u, const struct hm_entry *entry)
{
	return entry && entry->account == hm_user_account(u);
}

/* Returns its bytes. */
static int64_t
store_received(struct hm_mod *m, struct hm_user *u, struct hm_letter *l, bool keeps,
               int64_t delivery_days)
{
	struct archive *a = hm_user_state(m, u);
	const struct hm_stanza *s = hm_letter_stanza(l);
	const struct hm_entry *entry = hm_letter_entry(l);
	struct row r = { .owner = hm_user_account(u),
		         .id = is_own(u, entry) ? entry->id : hm_new_id(m, u),
		         .conversation =
		                 archive_conversation(hm_user_account(u), hm_letter_from_bare(l)),
		         .flags =
		                 (keeps ? 0 : ROW_TRANSIENT) | (is_own(u, entry) ? ROW_TO_SELF : 0),
		         .days = longer(delivery_days, keeps ? archive_days(m, u) : 0),
		         .fingerprint = hm_letter_fingerprint(l),
		         .to = addressed_to(l),
		         .stanza = s,
		         .xml = hm_tmp_stanza_xml(s) };

	if (entry && !is_own(u, entry)) {
		if (entry->id < r.id && r.id - entry->id < NEAR_US) {
			r.sender = entry;
			r.days = longer(r.days, entry->keep);
		} else {
			put_sent(m, l, s);
		}
	}
	put_row(m, &r);
	a->newest = longer(a->newest, r.id);
	hm_letter_set_id(l, r.id);
	hm_letter_stored(l);
	if (!keeps) {
		a->transients = r.id;
	} else if (!is_own(u, entry)) {
		ring_add(hm_state(m), &a->ring, r.id, s, r.to);
		archive_added(m, u);
	}
	add_stanza_id(m, u, l, r.id, !keeps);
	return (int64_t)strlen(r.xml);
}

/* What nobody keeps is stored only where a module delivers it again after a loss. */
enum hm_next
archive_account_store(struct hm_mod *m, struct hm_user *u, struct hm_letter *l)
{
	const struct archive_config *cfg = hm_config(m);
	const struct hm_stanza *s = hm_letter_stanza(l);
	const char *from = hm_letter_from(l); /* NULL: the server itself */
	enum hm_plan plan = hm_letter_plan(l);
	enum hm_worth worth = archive_worth(s);
	struct hm_mod *offline_mod;
	const struct hm_offline_iface *offline;
	int64_t bytes;
	bool keeps;

	if (worth == HM_WORTH_NOTHING || (plan != HM_PLAN_SESSIONS && plan != HM_PLAN_STORE))
		return HM_CONTINUE;
	keeps = worth == HM_WORTH_KEEPING &&
	        (is_own(u, hm_letter_entry(l)) || archive_keeps(m, u, from ? from : hm_host(m)));
	offline = hm_interface(m, "offline", HM_OFFLINE_IFACE, &offline_mod);
	if (!keeps && (!offline || (plan == HM_PLAN_SESSIONS && !cfg->secure_all)))
		return HM_CONTINUE;
	if (offline && plan == HM_PLAN_STORE &&
	    !offline->has_room(offline_mod, u, (int64_t)hm_stanza_bytes(s)))
		return HM_CONTINUE; /* the sender is told */
	bytes = store_received(
		m, u, l, keeps,
		offline && (!keeps || plan == HM_PLAN_STORE) ? offline->days(offline_mod) : 0);
	if (offline)
		offline->stored(offline_mod, u, l, bytes);
	return HM_CONTINUE;
}
