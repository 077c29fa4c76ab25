/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * muc/muc.h - rooms, who is in them, and what the files of this module share (XEP-0045).
 *
 * A room is an entity: all of it is touched at its home only.  An occupant is a nick; its devices
 * are the full JIDs that are in the room under it.
 */
#ifndef MUC_H
#define MUC_H

#include <hermod/module.h>

#define NS_MUC "http://jabber.org/protocol/muc"
#define NS_MUC_USER "http://jabber.org/protocol/muc#user"
#define NS_MUC_ADMIN "http://jabber.org/protocol/muc#admin"
#define NS_MUC_OWNER "http://jabber.org/protocol/muc#owner"
#define NS_MUC_CONFIG "http://jabber.org/protocol/muc#roomconfig"
#define NS_MUC_REQUEST "http://jabber.org/protocol/muc#request"
#define NS_MUC_INFO "http://jabber.org/protocol/muc#roominfo"
#define NS_MUC_STABLE_ID "http://jabber.org/protocol/muc#stable_id"
#define NS_SELF_PING "http://jabber.org/protocol/muc#self-ping-optimization"
#define NS_DATA "jabber:x:data"
#define NS_DELAY "urn:xmpp:delay"
#define NS_OCCUPANT_ID "urn:xmpp:occupant-id:0"
#define NS_STANZA_ID "urn:xmpp:sid:0"
#define NS_PING "urn:xmpp:ping"
#define NS_REGISTER "jabber:iq:register"
#define NS_VCARD "vcard-temp"
#define NS_DISCO_INFO "http://jabber.org/protocol/disco#info"
#define NS_DISCO_ITEMS "http://jabber.org/protocol/disco#items"
#define NS_RSM "http://jabber.org/protocol/rsm"
#define NS_ERRORS "urn:ietf:params:xml:ns:xmpp-stanzas"

/* XEP-0045 5.1, 5.2; in their order of power. */
enum role { ROLE_NONE, ROLE_VISITOR, ROLE_PARTICIPANT, ROLE_MODERATOR, ROLES };
enum affiliation { AFF_OUTCAST, AFF_NONE, AFF_MEMBER, AFF_ADMIN, AFF_OWNER, AFFILIATIONS };
extern const char *const role_names[ROLES], *const affiliation_names[AFFILIATIONS];
/* -1: no such name */
int role_of_name(const char *name);
int affiliation_of_name(const char *name);

/* Status codes, XEP-0045 15.6.2. */
enum code {
	CODE_NONANONYMOUS = 100,
	CODE_CONFIG_CHANGED = 104,
	CODE_SELF = 110,
	CODE_NOW_NONANONYMOUS = 172,
	CODE_NOW_SEMIANONYMOUS = 173,
	CODE_CREATED = 201,
	CODE_BANNED = 301,
	CODE_NICK_CHANGED = 303,
	CODE_KICKED = 307,
	CODE_AFFILIATION_LOST = 321,
	CODE_MEMBERS_ONLY = 322,
	CODE_SHUTDOWN = 332,
	CODE_ERROR = 333
};

/* --- Configuration of the module ------------------------------------------------- */

enum who { WHO_EVERYBODY, WHO_LOCAL, WHO_ADMINS };
struct muc_config {
	int create; /* enum who */
	bool lock_new, registration;
	bool persistent, listed, members_only, moderated, nonanonymous, change_subject, invites;
	int64_t max_users, max_users_limit;
	int64_t history, max_history;
	int64_t max_affiliations;
	size_t max_subject;
};

/* --- Rooms ------------------------------------------------------------------------ */

/* XEP-0045 15.5.3 */
struct options {
	bool persistent, listed;
	bool members_only, moderated, nonanonymous, change_subject, invites;
	unsigned broadcast;                          /* bits by role: whose presence is told */
	unsigned member_list;                        /* bits by role: who may get the lists */
	enum role private_messages;                  /* from which role on; ROLES: nobody */
	int64_t max_users;                           /* 0: as many as the service allows */
	int64_t history;                             /* messages */
	char *title, *description, *lang, *password; /* "" when not set */
};

struct affiliated {
	enum affiliation affiliation;
	char *nick, *reason; /* NULL: none */
};

struct occupant;
/* A full JID that is in the room. */
struct device {
	struct occupant *occupant;
	const struct hm_stanza *presence; /* the last one that it sent */
	char *jid;
	size_t index;        /* in room.devices and room.addresses */
	struct device *next; /* of the same occupant */
	/* The last private messages that went to it, by hashes of their ids; 0: none. */
	uint32_t told[8];
	unsigned n_told;
};

struct occupant {
	char *nick, *jid; /* jid: room@service/nick */
	char *bare;       /* the real one */
	const char *id;   /* XEP-0421; owned */
	enum affiliation affiliation;
	enum role role;
	struct device *devices; /* the first one's presence is shown */
	bool visible;           /* the others know of it (roomconfig_presencebroadcast) */
	/* What the others are shown: without and with the real JID; made when wanted. */
	const struct hm_stanza *shown[2];
};

struct past {
	const struct hm_stanza *stanza; /* with its delay */
	int64_t at;
};

struct room {
	struct hm_mod *m;
	struct hm_entity *e;
	bool exists, locked, stored;
	struct options options;
	char *secret; /* for XEP-0421 */
	int64_t created;
	char *subject, *subject_by; /* NULL: never set; the occupant's JID */
	int64_t subject_at;
	int64_t last_id;
	struct hm_table *affiliations; /* bare JID or domain -> struct affiliated */
	struct hm_table *by_nick;      /* -> struct occupant */
	struct hm_table *by_jid;       /* full JID -> struct device */
	/* All devices, and their addresses in the same order. */
	struct device **devices;
	const char **addresses;
	size_t n, size;
	struct past *past; /* a ring of max_past */
	size_t n_past, first_past, max_past;
	unsigned relays; /* requests between occupants that are not answered yet */
};

/* The state, ready to be used. */
struct room *room_of(struct hm_mod *m, struct hm_entity *e);
const struct muc_config *room_config(const struct room *r);
/* In memory; owner: a bare JID, or NULL. */
void room_create(struct room *r, const char *owner, bool locked);
/* Opens a locked room: from here on it is in the store. */
void room_open(struct room *r);
void room_save(struct room *r);
void room_save_subject(struct room *r);
/* From the store: before anybody is told. */
void room_delete(struct room *r);
/* Everything about it but the entity goes, also in the store; whoever is in it has been told. */
void room_end(struct room *r);
/* A room whose making was not stored has gone while it was loaded again: tells who is in it. */
bool room_still_there(struct room *r);
void room_set_text(char **field, const char *text);
void options_free(struct options *o);
int64_t room_max_users(const struct room *r);

/* Of a bare JID. */
enum affiliation room_affiliation(const struct room *r, const char *bare);
const struct affiliated *room_affiliated(const struct room *r, const char *jid);
/* false: the list is full. Stores it. */
bool room_set_affiliation(struct room *r, const char *jid, enum affiliation affiliation,
                          const char *nick, const char *reason);
/* Is the nick reserved for somebody else? */
bool room_nick_is_reserved(const struct room *r, const char *nick, const char *bare);

/* Entity callbacks, statements of the module. */
enum muc_statement {
	ROOM_LOAD,
	AFFILIATIONS_LOAD,
	ROOM_PUT,
	SUBJECT_PUT,
	ROOM_DELETE,
	AFFILIATION_PUT,
	AFFILIATION_DELETE,
	ROOMS_LISTED,
	ROOMS_ALL,
	STATEMENTS
};
void room_rows(struct hm_mod *m, struct hm_entity *e, struct hm_rows *rows);
void affiliation_rows(struct hm_mod *m, struct hm_entity *e, struct hm_rows *rows);
bool room_loaded(struct hm_mod *m, struct hm_entity *e, struct hm_letter *first);
bool room_idle(struct hm_mod *m, struct hm_entity *e);
void room_free(struct hm_mod *m, struct hm_entity *e);
void room_unload(struct hm_mod *m, struct hm_entity *e);

/* --- Occupants (occupants.c) ----------------------------------------------------------- */

struct device *room_device(const struct room *r, const char *jid);
struct occupant *room_occupant(const struct room *r, const char *nick);
/* The one who has it already, or a new one without devices. */
struct occupant *occupant_get(struct room *r, const char *nick, const char *bare);
struct device *
device_add(struct room *r, struct occupant *o, const char *jid, const struct hm_stanza *presence);
/* It becomes the shown one. */
void device_present(struct device *d, const struct hm_stanza *presence);
void device_move(struct room *r, struct device *d, struct occupant *to);
/* With its occupant when that has no other. */
void device_remove(struct room *r, struct device *d);
void occupant_rename(struct room *r, struct occupant *o, const char *nick);
/* What is shown of it has changed. */
void occupant_changed(struct occupant *o);
bool occupant_sees_jids(const struct room *r, const struct occupant *o);
enum role room_default_role(const struct room *r, enum affiliation affiliation);
/* Forgets all of them. */
void occupants_clear(struct room *r);

/* --- What presence says (presence.c) -------------------------------------------------------- */

struct notice {
	bool gone;        /* type "unavailable" */
	unsigned code;    /* for all; 0: none */
	const char *nick; /* the new one */
	const char *actor, *reason;
	const struct hm_stanza *presence; /* whose status goes along; NULL: none */
	/* Destroyed; venue, password may be NULL. */
	bool destroyed;
	const char *venue, *password;
};
/* What is shown of an occupant that is there; kept by the occupant. */
const struct hm_stanza *presence_of(struct room *r, struct occupant *o, bool with_jid);
/* To all, the occupant's own devices included: what n says, or what it shows now (n NULL). */
void presence_tell(struct room *r, struct occupant *o, const struct notice *n);
/* To one device, about its own occupant; codes end in 0. */
void
presence_tell_self(struct room *r, struct device *d, const struct notice *n, const unsigned *codes);
/* The same, but not to its own devices. */
void presence_tell_others(struct room *r, struct occupant *o, const struct notice *n);
void presence_error(struct room *r, struct hm_letter *l, enum hm_cond cond);
void write_occupant_id(struct hm_writer *w, const struct occupant *o);
void write_codes(struct hm_writer *w, const unsigned *codes);

/* --- Coming and going (enter.c) --------------------------------------------------------------- */

void muc_presence(struct room *r, struct hm_letter *l);
/* All its devices go, n is what everybody is told. */
void occupant_remove(struct room *r, struct occupant *o, const struct notice *n);
/* One of them does not exist any more. */
void device_lost(struct room *r, struct device *d);
/* The last one has gone: a temporary room goes, too. */
void room_check_empty(struct room *r);
void room_destroy(struct room *r, const char *venue, const char *password, const char *reason);

/* --- Messages (message.c, history.c, invite.c, relay.c) ------------------------------------------ */

void muc_message(struct room *r, struct hm_letter *l);
void muc_mediated(struct room *r, struct hm_letter *l); /* invitations, voice */
void muc_relay(struct room *r, struct hm_letter *l);
void history_add(struct room *r, const struct hm_stanza *s, int64_t at);
/* x: of the joining presence. */
void history_send(struct room *r, struct device *d, const struct hm_elem *x);
void history_clear(struct room *r);
void subject_send(struct room *r, struct device *d);
/* A notice to everybody: <message/> with status codes that end in 0. */
void message_codes(struct room *r, const unsigned *codes);

/* --- Owners and admins (form.c, admin.c) -------------------------------------------------------------- */

void owner_get(struct hm_mod *m, struct hm_iq *rq);
void owner_set(struct hm_mod *m, struct hm_iq *rq);
void admin_get(struct hm_mod *m, struct hm_iq *rq);
void admin_set(struct hm_mod *m, struct hm_iq *rq);
void register_get(struct hm_mod *m, struct hm_iq *rq);
void register_set(struct hm_mod *m, struct hm_iq *rq);
/* What follows from room_set_affiliation() for those who are in the room. */
void tell_affiliation(struct room *r, const char *jid, const char *actor, const char *reason);
void change_role(struct room *r, struct occupant *o, enum role to, const char *actor,
                 const char *reason);
/* Everybody who may not be in it any more goes. */
void room_enforce(struct room *r, unsigned code);
/* Of a data form: the field's first value, or NULL. */
const char *form_value(const struct hm_elem *x, const char *var);
bool form_true(const char *value);

extern const struct hm_command muc_commands[];
#define MUC_COMMANDS 6

#endif
