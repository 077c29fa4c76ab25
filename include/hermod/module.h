/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * hermod/module.h - what a loadable module declares, and the calls it lives on.
 *
 * Threads: a callback runs on the worker that owns the thing it is about, so a
 * module never locks.  Only struct hm_stanza may be kept by another worker.
 * Memory: every pointer a callback receives is borrowed for that callback.
 */
#ifndef HM_MODULE_H
#define HM_MODULE_H

#include <hermod/conf.h>
#include <hermod/handles.h>
#include <hermod/values.h>

enum hm_next { HM_CONTINUE, HM_STOP };
enum hm_close_reason {
	HM_CLOSED_BY_CLIENT,
	HM_CLOSED_LOST,
	HM_CLOSED_TIMEOUT,
	HM_CLOSED_REPLACED,
	HM_CLOSED_BY_SERVER
};

#include <hermod/act.h>

#define HM_ABI 1u

/* --- What the specifications say it is ---------------------------------- */

/* struct hm_spec is in values.h: the server's own folders have such tables too. */

/* What is addressed; bits where several are meant. */
enum hm_side {
	HM_TO_HOST = 1,    /* the domain itself */
	HM_TO_ACCOUNT = 2, /* a bare JID of the host, or no "to" */
	/*
	 * Of a module with services: those.  Of one without (disco, ping): the services of all
	 * modules that have no such route of their own.
	 */
	HM_TO_SERVICE = 4,  /* the domain of a service */
	HM_TO_ENTITY = 8,   /* an entity behind it */
	HM_TO_OCCUPANT = 16 /* a resource of such an entity */
};

struct hm_feature {
	unsigned to;     /* hm_side bits: whose disco#info shows it (XEP-0030) */
	const char *var; /* the feature string */
};
struct hm_identity {
	unsigned to;
	const char *category, *type, *name; /* name may be NULL */
};

/* --- IQ requests -------------------------------------------------------- */

enum hm_iq_type { HM_GET = 1, HM_SET = 2 };

/*
 * Who may ask; checked before the handler runs.  0 is refused at load. HM_OWNER: the account
 * itself. HM_STRANGER: also who has not authenticated.
 */
enum hm_asker { HM_OWNER = 1, HM_LOCAL_USER, HM_ADMIN, HM_ANYONE, HM_STRANGER };

struct hm_iq_route {
	enum hm_iq_type type;
	unsigned to; /* hm_side bits */
	enum hm_asker from;
	const char *ns, *name; /* of the payload; name NULL: any */
	void (*handle)(struct hm_mod *m, struct hm_iq *rq);
	/*
	 * A set by the user's own client to its own account or host holds that client's stream
	 * until it is answered (RFC 6120 10.1), unless:
	 */
	bool may_overtake;
	bool hidden; /* the namespace is not advertised as a feature, on purpose */
	/*
	 * HM_TO_ACCOUNT: what is answered for an account that does not exist, the same as for one
	 * that the asker may not see; 0: service-unavailable.
	 */
	enum hm_cond absent;
	/*
	 * HM_TO_ACCOUNT: it answers for accounts that do not exist as well: hm_iq_user() is NULL
	 * then. Instead of .absent.
	 */
	bool answers_absent;
};

/* --- Hooks -------------------------------------------------------------- */

/* Phases run in this order; inside one phase the order is unspecified. */
enum hm_phase {
	HM_POLICY,  /* may it pass?  rate limits, blocking, permissions */
	HM_REWRITE, /* replace the stanza: ids, delays, stripping */
	HM_STORE,   /* queue the writes that must be committed before anyone sees it (DESIGN 4) */
	HM_HANDLE,  /* take it: deliver, answer */
	HM_OBSERVE, /* look at what was decided: copy, count */
	HM_PHASES
};

#define HM_CHAIN(name, ...) typedef enum hm_next hm_##name##_fn(struct hm_mod *m, __VA_ARGS__);
#define HM_NOTICE(name, ...) typedef void hm_##name##_fn(struct hm_mod *m, __VA_ARGS__);
#include <hermod/events.def>
#undef HM_CHAIN
#undef HM_NOTICE

#define HM_CHAIN(name, ...) HM_EV_##name,
#define HM_NOTICE(name, ...) HM_EV_##name,
enum hm_event {
#include <hermod/events.def>
	HM_EVENTS
};
#undef HM_CHAIN
#undef HM_NOTICE

#define HM_CHAIN(name, ...) hm_##name##_fn *name;
#define HM_NOTICE(name, ...) hm_##name##_fn *name;
struct hm_hook {
	enum hm_event event;
	enum hm_phase phase; /* chains only */
	union {
#include <hermod/events.def>
	} fn;
};
#undef HM_CHAIN
#undef HM_NOTICE

/* A handler of the wrong type does not compile. */
/* clang-format off */
#define HM_HOOK(ev, ph, handler) { .event = HM_EV_##ev, .phase = (ph), .fn = { .ev = (handler) } }
#define HM_ON(ev, handler) { .event = HM_EV_##ev, .fn = { .ev = (handler) } }
/* clang-format on */

/* --- Admin commands: the command line, later ad-hoc (XEP-0050) and HTTP --- */

/*
 * HM_ARG_ACCOUNT: a bare JID of an account that exists. HM_ARG_JID: any address, normalised.
 * HM_ARG_ENTITY: the bare JID of an entity of this module's service, whose key is the localpart.
 * HM_ARG_LINES: text that is sent line by line.
 */
enum hm_arg_type {
	HM_ARG_NONE,
	HM_ARG_ACCOUNT,
	HM_ARG_JID,
	HM_ARG_ENTITY,
	HM_ARG_HOST,
	HM_ARG_TEXT,
	HM_ARG_INT,
	HM_ARG_DURATION, /* hm_cmd_int(): milliseconds */
	HM_ARG_SECRET,
	HM_ARG_LINES
};
struct hm_arg {
	const char *name;
	enum hm_arg_type type;
	bool optional;
};

struct hm_command {
	const char *name; /* "private list" */
	const char *help; /* one sentence */
	struct hm_arg args[5];
	/*
	 * At the home of its first HM_ARG_ACCOUNT (which must exist) or HM_ARG_ENTITY (which the
	 * kind's .loaded says yes to), else on any worker. m is NULL for the server's own commands.
	 */
	void (*run)(struct hm_mod *m, struct hm_cmd *cmd);
	bool streams; /* sends events until it is cancelled */
	bool record;  /* its rows have many fields: shown one field a line */
	bool hidden;  /* works, but is not listed */
};

/* accounts.id of the first account argument */
HM_PUBLIC int64_t hm_cmd_account(const struct hm_cmd *cmd);
HM_PUBLIC struct hm_user *hm_cmd_user(const struct hm_cmd *cmd);
HM_PUBLIC struct hm_entity *hm_cmd_entity(const struct hm_cmd *cmd);
HM_PUBLIC const char *hm_cmd_text(const struct hm_cmd *cmd, unsigned arg); /* NULL: left out */
HM_PUBLIC int64_t hm_cmd_int(const struct hm_cmd *cmd, unsigned arg, int64_t otherwise);
HM_PUBLIC void hm_cmd_done(struct hm_cmd *cmd);
HM_PUBLIC void hm_cmd_fail(struct hm_cmd *cmd, enum hm_error_code code, const char *text);
/* clang-format off */
#define hm_cmd_row(cmd, ...) hm_cmd_row_(cmd, HM_FIELDS(__VA_ARGS__))
/* clang-format on */
HM_PUBLIC void hm_cmd_row_(struct hm_cmd *cmd, const struct hm_field *f, size_t n);

/* --- Storage ------------------------------------------------------------ */

struct hm_migration {
	const char *name, *sql; /* generated from schema/NNNN-*.sql */
};
struct hm_column {
	const char *name;
	enum hm_value_type type;
};
/* A table, or some of its columns, to which rows are appended in numbers: see store/store.h. */
struct hm_append {
	const char *table;
	const char *key; /* a row whose key is there is left out; NULL: it fails */
	const struct hm_column *columns;
	size_t n;
};
struct hm_sql {
	const char *sql;        /* $1.. in both databases */
	const char *postgresql; /* where it must differ, or NULL */
	/* instead of both: hm_store() with the columns' values appends one row */
	const struct hm_append *append;
	/* A read that may be long (pages, counts): it does not stand in the way of short ones. */
	bool slow;
};

/* --- What is in memory of an entity --------------------------------------- */

/*
 * Rows of one load statement of an account: $1 is accounts.id.  All run in one round trip when the
 * account is activated.
 */
struct hm_user_load {
	unsigned stmt;
	void (*rows)(struct hm_mod *m, struct hm_user *u, struct hm_rows *rows);
};
/* Of an entity of a module's own kind: $1 is the service's domain, $2 the key. */
struct hm_entity_load {
	unsigned stmt;
	void (*rows)(struct hm_mod *m, struct hm_entity *e, struct hm_rows *rows);
};

struct hm_entity_kind {
	const char *name; /* "room" */
	struct {
		const struct hm_entity_load *v;
		size_t n;
	} load;
	size_t state_size; /* zeroed */
	/*
	 * All loads are done.  false: there is no such entity, and the letter that woke it does not
	 * make one; the core refuses it with item-not-found, and asks again with the next letter.
	 * first is NULL: a command (HM_ARG_ENTITY).
	 */
	bool (*loaded)(struct hm_mod *m, struct hm_entity *e, struct hm_letter *first);
	/* Messages, presence, IQs without a route, and errors.  HM_CONTINUE: the core refuses. */
	enum hm_next (*received)(struct hm_mod *m, struct hm_entity *e, struct hm_letter *l);
	/*
	 * The kind's own right to ask (affiliation, access model), after the route's. NULL:
	 * everybody.
	 */
	bool (*may_ask)(struct hm_mod *m, struct hm_entity *e, const struct hm_iq_route *route,
	                const char *from);
	/* May it leave memory now?  NULL: yes. */
	bool (*idle)(struct hm_mod *m, struct hm_entity *e);
	/* Frees what the state points to. */
	void (*free)(struct hm_mod *m, struct hm_entity *e);
	/*
	 * A write failed: forgets what was loaded and keeps the rest (occupants); the load statements
	 * run again, and .loaded is not asked.  NULL: .free, and the state is zeroed.
	 */
	void (*unload)(struct hm_mod *m, struct hm_entity *e);
	/* disco#info of one entity, from its state. */
	void (*info)(struct hm_mod *m, struct hm_entity *e, struct hm_info *info);
};

/*
 * A domain that a module serves beside each host: "conference" gives conference.HOST unless the key
 * service.NAME of the configuration says otherwise.
 */
struct hm_service {
	const char *name;                    /* default first label */
	const char *category, *type, *title; /* identity (XEP-0030) */
	unsigned kind;                       /* index into .entities */
	/*
	 * Pure, any worker: the key of the entity that a stanza is for. false: it is for the
	 * service itself. NULL: the bare JID's localpart.
	 */
	bool (*key)(const char *to, const struct hm_stanza *s, char *key, size_t max);
};

HM_PUBLIC void *hm_entity_state(const struct hm_mod *m, const struct hm_entity *e);
/*
 * There is no such entity any more: .loaded is asked again with the next letter.  The module has
 * emptied the state before.
 */
HM_PUBLIC void hm_entity_gone(struct hm_mod *m, struct hm_entity *e);
HM_PUBLIC const char *hm_entity_jid(const struct hm_entity *e); /* bare: key@domain */
HM_PUBLIC const char *hm_entity_key(const struct hm_entity *e);

/* --- Disco (XEP-0030, XEP-0128) ----------------------------------------------- */

HM_PUBLIC void
hm_info_identity(struct hm_info *info, const char *category, const char *type, const char *name);
HM_PUBLIC void hm_info_feature(struct hm_info *info, const char *var);
/* Opens a result form, which several modules may add to. */
HM_PUBLIC void hm_info_form(struct hm_info *info, const char *form_type);
/* Of the form that was opened last. type: of XEP-0004 3.3, or NULL. */
HM_PUBLIC void hm_info_field(struct hm_info *info, const char *var, const char *type,
                             const char *const *values, size_t n);

/* --- Before authentication and stream features ----------------------------------- */

struct hm_stream_feature {
	bool before_auth;                   /* else after it */
	const char *xml;                    /* self-contained */
	bool (*wanted)(const void *config); /* NULL: always; pure */
	/*
	 * Instead of xml: writes it, at start and after each reload, outside of any worker: from
	 * hm_config(), hm_host() and hm_caps_ver() alone.
	 */
	void (*write)(struct hm_mod *m, struct hm_writer *w);
};

/*
 * An element beside stanzas, from a bound client, in its order among them; inside a turn of its
 * account. Two modules of a host can't have the same.
 */
struct hm_nonza {
	const char *ns, *name;
	void (*received)(struct hm_mod *m, struct hm_session *s, const struct hm_elem *e);
};

/* --- Metrics ------------------------------------------------------------------------ */

enum hm_metric_type { HM_COUNTER, HM_GAUGE, HM_HISTOGRAM };
struct hm_metric {
	const char *name, *help;
	enum hm_metric_type type;
};
HM_PUBLIC void hm_count(struct hm_mod *m, unsigned metric, int64_t n);
HM_PUBLIC void hm_observe_us(struct hm_mod *m, unsigned metric, int64_t microseconds);

/* --- Interfaces between modules --------------------------------------------------------- */

struct hm_provide {
	const char *name; /* "roster"; its struct is in <hermod/iface/NAME.h> */
	unsigned version;
	const void *functions;
};
/*
 * The functions of an interface on this host, or NULL when no module there provides it in that
 * version. Handles of the same home only.
 */
HM_PUBLIC const void *
hm_interface(const struct hm_mod *m, const char *name, unsigned version, struct hm_mod **provider);

/* --- The declaration ---------------------------------------------------- */

#define HM_TABLE(a)                                                                                \
	{                                                                                          \
		(a), sizeof(a) / sizeof((a)[0])                                                    \
	}

struct hm_module {
	const char *summary;
	/* runs only where the configuration lists it, not where that lists nothing */
	bool on_request;
	struct {
		const struct hm_spec *v;
		size_t n;
	} specs;
	struct {
		const struct hm_feature *v;
		size_t n;
	} features;
	struct {
		const struct hm_identity *v;
		size_t n;
	} identities;
	struct {
		const struct hm_iq_route *v;
		size_t n;
	} iq;
	struct {
		const struct hm_hook *v;
		size_t n;
	} hooks;
	struct {
		const struct hm_command *v;
		size_t n;
	} commands;
	struct {
		const struct hm_conf_key *v;
		size_t n;
	} config;
	size_t config_size; /* of the struct the keys fill */
	struct {
		const struct hm_sql *v;
		size_t n;
	} sql;
	const struct hm_migration *schema; /* ends in {NULL, NULL} */
	struct {
		const char *const *v;
		size_t n;
	} needs; /* modules that must run on the same host; started before this one */
	struct {
		const struct hm_provide *v;
		size_t n;
	} provides;
	struct {
		const struct hm_user_load *v;
		size_t n;
	} load;
	struct {
		const struct hm_service *v;
		size_t n;
	} services;
	struct {
		const struct hm_entity_kind *v;
		size_t n;
	} entities;
	struct {
		const struct hm_stream_feature *v;
		size_t n;
	} stream_features;
	struct {
		const struct hm_nonza *v;
		size_t n;
	} nonzas;
	struct {
		const struct hm_metric *v;
		size_t n;
	} metrics;

	size_t state_size; /* zeroed, one per host and worker */
	/* on each worker; false, having logged why: the server does not start */
	bool (*start)(struct hm_mod *m);
	void (*stop)(struct hm_mod *m);
	size_t user_state_size; /* zeroed, one per loaded account */
	void (*user_loaded)(struct hm_mod *m, struct hm_user *u); /* after all loads */
	void (*user_free)(struct hm_mod *m, struct hm_user *u); /* frees what the state points to */
	size_t session_state_size;                              /* zeroed, one per bound session */
	void (*session_free)(struct hm_mod *m, struct hm_session *s);
	/*
	 * A planned restart, over which the session lives on (XEP-0198 5): the state goes into an element that is
	 * open, and comes back from it into the session of the next process, whose state is zeroed.  Either
	 * may be NULL.
	 */
	void (*session_save)(struct hm_mod *m, struct hm_session *s, struct hm_writer *w);
	void (*session_restore)(struct hm_mod *m, struct hm_session *s,
	                        const struct hm_elem *saved);
	/*
	 * disco#info of the host (HM_TO_HOST), an account (u), a service or an entity, beyond the
	 * tables.  Of the host it runs outside of any worker too, for hm_caps_ver(): from
	 * hm_config() and hm_host() alone.
	 */
	void (*info)(struct hm_mod *m, enum hm_side side, struct hm_user *u, struct hm_info *info);
	void (*asked)(struct hm_mod *m, struct hm_user *u, const void *q, size_t n,
	              struct hm_question *question);
	void (*posted)(struct hm_mod *m, struct hm_user *u, const void *data, size_t n);
};

/* The ABI number is a symbol of its own: it is read before the struct is trusted. */
#define HM_MODULE(id)                                                                              \
	extern HM_PUBLIC const unsigned hm_abi_##id;                                               \
	extern HM_PUBLIC const struct hm_module hm_module_##id;                                    \
	HM_PUBLIC const unsigned hm_abi_##id = HM_ABI;                                             \
	HM_PUBLIC const struct hm_module hm_module_##id

HM_PUBLIC const void *hm_config(const struct hm_mod *m);
HM_PUBLIC void *hm_state(const struct hm_mod *m);
HM_PUBLIC void *hm_user_state(const struct hm_mod *m, const struct hm_user *u);
HM_PUBLIC void *hm_session_state(const struct hm_mod *m, const struct hm_session *s);
HM_PUBLIC const char *hm_host(const struct hm_mod *m); /* the domain */
/* Its domain is a local host; nothing about whether the account exists. */
HM_PUBLIC bool hm_is_local_account(const struct hm_mod *m, const char *bare);
/* this module on u's host */
HM_PUBLIC struct hm_mod *hm_mod_of_user(const struct hm_mod *any, const struct hm_user *u);
HM_PUBLIC const char *hm_version(void); /* of the server */
/*
 * Writes the disco#info of what the request addressed, from all modules' tables and callbacks, into
 * an open <query/>. false: no such node.
 */
HM_PUBLIC bool
hm_write_info(struct hm_mod *m, struct hm_iq *rq, struct hm_writer *w, const char *node);
HM_PUBLIC void hm_write_items(struct hm_mod *m, struct hm_iq *rq, struct hm_writer *w);
/* The verification string of what the host says of itself (XEP-0115 5.1). */
HM_PUBLIC const char *hm_caps_ver(const struct hm_mod *m);

#endif
