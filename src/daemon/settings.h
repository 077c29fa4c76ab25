/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/settings.h - the configuration file as the daemon needs it: every block filled into
 * its struct, every path absolute, every mistake told with file and line.
 *
 * It lives in the arena of its snapshot and is immutable once loaded.
 */
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include <hermod/conf.h>

#include "conf/schema.h"
#include "conf/snapshot.h"
#include "core/core.h"
#include "core/host.h"
#include "net/dns.h"
#include "net/tls.h"
#include "store/store.h"
#include "stream/s2s_settings.h"
#include "stream/settings.h"

struct settings_top {
	const char *data_directory, *run_directory;
	const char *user; /* NULL: stay who we are */
	int64_t workers;  /* 0: one per core */
	uint32_t shutdown_timeout;
	struct hm_conf_list modules; /* of hosts that don't say; empty: all there are */
};

struct settings_log {
	const char *file; /* NULL: standard error */
	int level;        /* enum hm_level */
	int format;       /* enum log_format */
};

struct settings_storage {
	int driver;
	int64_t readers, batch;
	size_t queue;
	/* sqlite */
	const char *file;
	/* postgresql */
	struct hm_conf_list hosts;
	int64_t port; /* 0: the usual */
	const char *name, *user, *password_file;
	int tls; /* index of libpq's sslmode */
	const char *tls_ca, *tls_certificate, *tls_key;
	const char *connection;
	bool statement_names;
	uint32_t patience;
};

struct settings_resolver {
	struct hm_conf_list servers;
	const char *trust_anchor; /* NULL: the usual; or "none" */
	uint32_t timeout;
};

enum listen_type { LISTEN_C2S, LISTEN_C2S_TLS, LISTEN_S2S, LISTEN_S2S_TLS };
struct settings_listen {
	const char *name;
	int type; /* enum listen_type */
	int64_t port;
	struct hm_conf_list addresses;
	struct conf_place at;
	bool any_address; /* the file names none: IPv6 may be missing on this machine */
};

struct settings_module {
	struct module *module; /* NULL: not loaded, and it would need a restart */
	const char *name;
	const struct conf_node *block; /* NULL: all defaults */
	struct conf_schema schema;     /* with service_domain, if it has services */
	void *config;
	const char **service_domain; /* the key's field behind the config; NULL: no services */
};

struct settings_host_keys {
	const char *certificate, *key;
	struct hm_conf_list admins, modules;
};

struct settings_host {
	const char *domain;
	const char *domain_ascii; /* for certificates */
	struct settings_host_keys keys;
	const struct core_limits *limits;  /* of its own block; NULL: the server's */
	const struct stream_settings *c2s; /* likewise */
	struct host_admins admins;         /* prepared */
	size_t n_modules;
	struct settings_module *modules;
	struct conf_place at, certificate_at, modules_at;
};

struct settings {
	struct conf_snapshot *snapshot; /* which it lives in; whoever frees this frees all */
	struct settings_top top;
	struct settings_log log;
	struct settings_storage storage;
	struct settings_resolver resolver;
	const char *trust_anchor;   /* the file; NULL: nothing is validated */
	const char *database;       /* path of the file; NULL: there is none */
	struct store_server server; /* else */
	struct core_limits limits;
	struct stream_settings c2s;
	struct s2s_config s2s;
	bool federates; /* there is a block s2s, or a port for servers */
	size_t n_c2s_hosts;
	struct stream_host_settings *c2s_hosts; /* of hosts that have a block of their own for it */
	struct hm_conf_list usual;              /* modules of hosts for which no list is given */
	size_t n_listen, n_hosts, n_shared;
	struct settings_listen *listen;
	struct settings_host *hosts;
	struct settings_module *shared; /* of all hosts without a block of their own for it */
};

extern const struct conf_schema settings_top_schema, settings_log_schema, settings_storage_schema,
	settings_resolver_schema, settings_listen_schema, settings_host_schema;
const struct conf_schema *settings_limits_schema(void);
const struct conf_schema *settings_host_limits_schema(void);

/*
 * Reads and checks everything.  running: modules that are not loaded yet stay so (they would need
 * a restart), else they are loaded.  NULL, or a report that is not clean: do not run on it.
 */
struct settings *settings_load(const char *path, bool running, struct conf_report *report);
/* The certificates, ready for connections of each kind. */
struct settings_tls {
	struct tls_context *clients, *servers; /* both NULL: there is a mistake */
};
/* All at once; each mistake is in the report. */
struct settings_tls settings_tls(const struct settings *s, struct conf_report *report);
void settings_tls_free(struct settings_tls *tls);
/* Builds each host and tries the start of its modules; what is wrong goes to the report. */
void settings_try_hosts(const struct settings *s, struct conf_report *report);

/* What host_new() takes; admins and modules of the setup are from the arena. */
void
settings_host_setup(const struct settings_host *h, struct arena *arena, struct host_setup *setup);
const struct settings_host *settings_find_host(const struct settings *s, const char *domain);

/* What store_open() takes; it points into the settings. */
void settings_store(const struct settings *s, struct store_config *out);

/* What dns_configure() takes; likewise. */
void settings_dns(const struct settings *s, struct dns_config *out);

/* As text of the configuration file with all defaults, secrets hidden. host NULL: everything. */
void settings_write(const struct settings *s, const char *host, struct buf *out);

/* --- settings_host.c, for settings.c --- */
void settings_read_hosts(struct settings *s, bool running, struct conf_report *report);
/* In the folder of the file in which the path was written, unless it is absolute. */
const char *settings_path(struct arena *arena, const struct conf_node *key, const char *path);

#endif
