/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/settings.c - the blocks of the file's top level; hosts are in settings_host.c.
 * All mistakes are collected: nothing here stops at the first.
 */
#include "daemon/settings.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "daemon/paths.h"
#include "xmpp/jid.h"

static const char *const drivers[] = { "sqlite", "postgresql", NULL };
static const char *const tls_modes[] = { "disable",   "prefer",      "require",
	                                 "verify-ca", "verify-full", NULL };
static const char *const levels[] = { "debug", "info", "warn", "error", NULL };
static const char *const formats[] = { "logfmt", "json", NULL };
static const char *const listen_types[] = { "c2s", "c2s-tls", "s2s", "s2s-tls", NULL };

enum { STORAGE_SQLITE, STORAGE_POSTGRESQL };

#define ROOT_KEY "/usr/share/dns/root.key"

_Static_assert(HM_DEBUG == 0 && HM_ERROR == 3, "levels[] is in the order of enum hm_level");
_Static_assert(LOG_LOGFMT == 0 && LOG_JSON == 1, "formats[] is in the order of enum log_format");

/* clang-format off */
#define TOP(field, type, def, ...) HM_KEY(struct settings_top, field, type, def, ##__VA_ARGS__)
static const struct hm_conf_key top_keys[] = {
	TOP(data_directory, STRING, HERMOD_STATE_DIR, .restart = true,
	    .doc = "Where the database is. Made when it is missing; one server at a time."),
	TOP(run_directory, STRING, HERMOD_RUN_DIR, .restart = true,
	    .doc = "Where the control socket is."),
	TOP(user, STRING, NULL, .restart = true,
	    .doc = "When started as root: become this user once the ports are bound."),
	TOP(workers, INT, "0", .min = "0", .max = "64", .restart = true,
	    .doc = "Worker threads; 0 is one per core."),
	TOP(shutdown_timeout, DURATION, "5 s", .min = "0 s", .max = "10 min",
	    .doc = "How long the server waits for clients to take its good-bye before it ends. What must be on disk is written in any case."),
	TOP(modules, LIST, NULL, .restart = true,
	    .doc = "Modules of the hosts that have no such list of their own. Without any list: all modules there are, but those that run on request only."),
};
static const struct conf_block_rule top_blocks[] = {
	{ .name = "log", .doc = "What is logged, and where." },
	{ .name = "storage", .doc = "The database." },
	{ .name = "limits", .doc = "Limits of accounts and sessions." },
	{ .name = "c2s", .doc = "Connections of clients." },
	{ .name = "resolver", .doc = "How names are looked up in the DNS, to find other servers." },
	{ .name = "s2s", .doc = "Connections with other servers. There are none without this block and without a port of type s2s or s2s-tls." },
	{ .name = "listen", .titled = true, .doc = "A port; the title is any name. Without such a block: 5222 for STARTTLS and 5223 for direct TLS." },
	{ .name = "module", .titled = true, .doc = "Keys of a module, for hosts that have no block of their own for it." },
	{ .name = "host", .titled = true, .required = true, .doc = "A domain that is served." },
};
const struct conf_schema settings_top_schema = { top_keys, HM_COUNT(top_keys), top_blocks, HM_COUNT(top_blocks) };

#define LOG(field, type, def, ...) HM_KEY(struct settings_log, field, type, def, ##__VA_ARGS__)
static const struct hm_conf_key log_keys[] = {
	LOG(file, STRING, NULL,
	    .doc = "The file that lines are appended to; a reload opens it again. Without it: standard error."),
	LOG(level, CHOICE, "info", .choices = levels, .doc = "Lines of this level and above are written."),
	LOG(format, CHOICE, "logfmt", .choices = formats, .doc = "How a line is written."),
};
const struct conf_schema settings_log_schema = { .keys = log_keys, .n_keys = HM_COUNT(log_keys) };

#define STORAGE(field, type, def, ...) HM_KEY(struct settings_storage, field, type, def, .restart = true, ##__VA_ARGS__)
static const struct hm_conf_key storage_keys[] = {
	STORAGE(driver, CHOICE, "sqlite", .choices = drivers, .doc = "The database: a file of the server's own, or a PostgreSQL server."),
	STORAGE(readers, INT, "0", .min = "0", .max = "32", .doc = "Connections for short reads, and half as many for long ones. With sqlite for the whole server, 0 being one per core, at most 4; with postgresql for each worker, 0 being one, at most 16."),
	STORAGE(batch, INT, "1000", .min = "1", .max = "100000", .doc = "Groups of writes in one commit, at most."),
	STORAGE(queue, SIZE, "16 MiB", .min = "64 KiB", .max = "1 GiB", .doc = "Writes of one worker that wait for the database, at most."),
	STORAGE(file, STRING, "hermod.db", .min = "1", .doc = "With sqlite: the database's file, in the data directory."),
	STORAGE(hosts, LIST, NULL, .max = "16", .doc = "With postgresql: where the database is, as db.example.org, db.example.org:5433 or the folder of a socket. Of several, the one that can be written to is used. Without it: the usual socket of this machine."),
	STORAGE(port, INT, "0", .min = "0", .max = "65535", .doc = "With postgresql: the port of hosts that name none; 0: the usual one."),
	STORAGE(name, STRING, "hermod", .min = "1", .doc = "With postgresql: the name of the database."),
	STORAGE(user, STRING, NULL, .doc = "With postgresql: the user of the database. Without it: the user that the server runs as."),
	STORAGE(password_file, STRING, NULL, .doc = "With postgresql: a file whose first line is the password; it is read for each connection, and must not be open to others."),
	STORAGE(tls, CHOICE, "prefer", .choices = tls_modes, .doc = "With postgresql: whether connections to it are encrypted, as libpq's sslmode says it; only verify-full is safe across a network."),
	STORAGE(tls_ca, STRING, NULL, .doc = "With postgresql: a file of certificates that the database's must be signed by."),
	STORAGE(tls_certificate, STRING, NULL, .doc = "With postgresql: a file with a certificate to show to the database."),
	STORAGE(tls_key, STRING, NULL, .doc = "With postgresql: the file with the key of that certificate."),
	STORAGE(connection, STRING, NULL, .secret = true, .doc = "With postgresql: further parameters of libpq, as in \"application_name=chat\"; the keys above go before."),
	STORAGE(statement_names, BOOL, "yes", .doc = "With postgresql: statements are prepared under names, which saves time. No behind a pooler whose connections belong to transactions."),
	STORAGE(patience, DURATION, "30 s", .min = "1 s", .max = "10 min", .doc = "With postgresql: how long reads wait for a database that is away, before who asked is told so. Writes wait until it is back."),
};
const struct conf_schema settings_storage_schema = { .keys = storage_keys, .n_keys = HM_COUNT(storage_keys) };

#define RESOLVER(field, type, def, ...) HM_KEY(struct settings_resolver, field, type, def, ##__VA_ARGS__)
static const struct hm_conf_key resolver_keys[] = {
	RESOLVER(servers, LIST, NULL, .max = "8", .valid = dns_server_valid, .what = "a numeric address such as 192.0.2.53 or 192.0.2.53@5353", .doc = "The DNS servers to ask, as 192.0.2.53 or 192.0.2.53@5353. Without it: those of /etc/resolv.conf, and names of /etc/hosts."),
	RESOLVER(trust_anchor, STRING, NULL, .doc = "A file of DS or DNSKEY records that DNSSEC begins with, or none: then nothing is validated, as it must be where the DNS servers strip signatures. Without it: " ROOT_KEY ", if it is there (package dns-root-data)."),
	RESOLVER(timeout, DURATION, "20 s", .min = "1 s", .max = "5 min", .doc = "How long finding the server of a domain may take."),
};
const struct conf_schema settings_resolver_schema = { .keys = resolver_keys, .n_keys = HM_COUNT(resolver_keys) };

#define LISTEN(field, type, def, ...) HM_KEY(struct settings_listen, field, type, def, ##__VA_ARGS__)
static const struct hm_conf_key listen_keys[] = {
	HM_KEY_AS("type", struct settings_listen, type, CHOICE, "c2s", .choices = listen_types,
	          .doc = "c2s: clients that begin TLS with STARTTLS; c2s-tls: clients that begin with TLS; s2s and s2s-tls: other servers, likewise."),
	LISTEN(port, INT, NULL, .min = "1", .max = "65535", .required = true, .doc = "The TCP port."),
	LISTEN(addresses, LIST, "[ \"::\" 0.0.0.0 ]", .min = "1", .max = "64", .doc = "Numeric addresses to listen on."),
};
const struct conf_schema settings_listen_schema = { .keys = listen_keys, .n_keys = HM_COUNT(listen_keys) };
/* clang-format on */

static struct conf_schema limits_schema; /* core_keys_n is no constant expression */

const struct conf_schema *
settings_limits_schema(void)
{
	limits_schema.keys = core_keys;
	limits_schema.n_keys = core_keys_n;
	return &limits_schema;
}

static struct conf_schema host_limits_schema;

const struct conf_schema *
settings_host_limits_schema(void)
{
	host_limits_schema.keys = core_keys;
	host_limits_schema.n_keys = core_host_keys_n;
	return &host_limits_schema;
}

const char *
settings_path(struct arena *arena, const struct conf_node *key, const char *path)
{
	const char *slash = key ? strrchr(key->at.file, '/') : NULL;

	if (!path || path[0] == '/' || !slash)
		return path;
	return arena_printf(arena, "%.*s/%s", (int)(slash - key->at.file), key->at.file, path);
}

static void
read_storage(struct settings *s, const struct conf_node *block, struct conf_report *report)
{
	struct arena *arena = s->snapshot->arena;
	struct settings_storage *st = &s->storage;

	conf_fill(arena, block, &settings_storage_schema, st, report);
	if (st->driver == STORAGE_SQLITE) {
		s->database = st->file[0] == '/' ? st->file
		                                 : arena_printf(arena, "%s/%s",
		                                                s->top.data_directory, st->file);
		return;
	}
	st->password_file =
		settings_path(arena, conf_find(block, "password_file"), st->password_file);
	st->tls_ca = settings_path(arena, conf_find(block, "tls_ca"), st->tls_ca);
	st->tls_certificate =
		settings_path(arena, conf_find(block, "tls_certificate"), st->tls_certificate);
	st->tls_key = settings_path(arena, conf_find(block, "tls_key"), st->tls_key);
	s->server = (struct store_server){
		.hosts = st->hosts.v,
		.n_hosts = st->hosts.n,
		.port = (unsigned)st->port,
		.name = st->name,
		.user = st->user,
		.password_file = st->password_file,
		.tls = tls_modes[st->tls],
		.tls_ca = st->tls_ca,
		.tls_certificate = st->tls_certificate,
		.tls_key = st->tls_key,
		.connection = st->connection,
		.unnamed = !st->statement_names,
		.patience_ms = st->patience,
	};
}

static void
read_resolver(struct settings *s, const struct conf_node *block, struct conf_report *report)
{
	struct settings_resolver *r = &s->resolver;
	const struct conf_node *key = conf_find(block, "trust_anchor");

	conf_fill(s->snapshot->arena, block, &settings_resolver_schema, r, report);
	if (!r->trust_anchor) {
		s->trust_anchor = access(ROOT_KEY, R_OK) == 0 ? ROOT_KEY : NULL;
	} else if (strcmp(r->trust_anchor, "none") != 0) {
		r->trust_anchor = settings_path(s->snapshot->arena, key, r->trust_anchor);
		s->trust_anchor = r->trust_anchor;
		if (key && access(r->trust_anchor, R_OK) != 0)
			conf_mistake(report, &key->at, "the file %s cannot be read",
			             r->trust_anchor);
	}
}

void
settings_dns(const struct settings *s, struct dns_config *out)
{
	*out = (struct dns_config){ .servers = s->resolver.servers.v,
		                    .n_servers = s->resolver.servers.n,
		                    .trust_anchor = s->trust_anchor };
}

static void
read_servers(struct settings *s, const struct conf_node *block, struct conf_report *report)
{
	struct arena *arena = s->snapshot->arena;
	struct s2s_settings *settings = &s->s2s.settings;
	struct s2s_fixed *fixed;
	size_t n = 0;

	s->federates = block;
	conf_fill(arena, block, &s2s_schema, settings, report);
	settings->ca_file = settings_path(arena, conf_find(block, "ca_file"), settings->ca_file);
	for (const struct conf_node *b = conf_find_block(block, "domain"); b;
	     b = conf_find_next_block(b))
		n++;
	fixed = arena_zalloc(arena, (n + 1) * sizeof(*fixed));
	s->s2s.fixed = fixed;
	for (const struct conf_node *b = conf_find_block(block, "domain"); b;
	     b = conf_find_next_block(b)) {
		conf_fill(arena, b, &s2s_fixed_schema, fixed, report);
		fixed->domain = jid_prepare_domain(b->title, arena);
		if (fixed->domain)
			s->s2s.n_fixed++, fixed++;
		else
			conf_mistake(report, &b->at, "\"%s\" is no domain", b->title);
	}
}

static void
read_top(struct settings *s, struct conf_report *report)
{
	const struct conf_node *root = s->snapshot->root;
	struct arena *arena = s->snapshot->arena;

	conf_fill(arena, root, &settings_top_schema, &s->top, report);
	s->top.data_directory =
		settings_path(arena, conf_find(root, "data_directory"), s->top.data_directory);
	s->top.run_directory =
		settings_path(arena, conf_find(root, "run_directory"), s->top.run_directory);
	conf_fill(arena, conf_find_block(root, "log"), &settings_log_schema, &s->log, report);
	s->log.file =
		settings_path(arena, conf_find(conf_find_block(root, "log"), "file"), s->log.file);
	read_storage(s, conf_find_block(root, "storage"), report);
	read_resolver(s, conf_find_block(root, "resolver"), report);
	conf_fill(arena, conf_find_block(root, "limits"), settings_limits_schema(), &s->limits,
	          report);
	conf_fill(arena, conf_find_block(root, "c2s"), &stream_schema, &s->c2s, report);
	read_servers(s, conf_find_block(root, "s2s"), report);
}

void
settings_store(const struct settings *s, struct store_config *out)
{
	*out = (struct store_config){
		.driver = drivers[s->storage.driver],
		.path = s->database,
		.readers = (unsigned)s->storage.readers,
		.batch_max = (unsigned)s->storage.batch,
		.queue_bytes = s->storage.queue,
		.server = &s->server,
	};
}

/* --- Listeners ------------------------------------------------------------------- */

static bool
is_address(const char *text)
{
	unsigned char ignored[16];

	return inet_pton(AF_INET, text, ignored) == 1 || inet_pton(AF_INET6, text, ignored) == 1;
}

static void
check_addresses(const struct conf_node *block, const struct settings_listen *l,
                struct conf_report *report)
{
	const struct conf_node *key = conf_find(block, "addresses");

	for (size_t i = 0; key && i < l->addresses.n; i++) {
		if (!is_address(l->addresses.v[i]))
			conf_mistake(report, &key->at,
			             "\"%s\" is no address; write numbers, such as 192.0.2.1 or ::",
			             l->addresses.v[i]);
	}
}

static bool
same_socket(const struct settings_listen *a, const struct settings_listen *b)
{
	if (a->port != b->port || a->port == 0)
		return false;
	for (size_t i = 0; i < a->addresses.n; i++) {
		for (size_t k = 0; k < b->addresses.n; k++) {
			if (strcmp(a->addresses.v[i], b->addresses.v[k]) == 0)
				return true;
		}
	}
	return false;
}

static void
default_listeners(struct settings *s, struct conf_report *report)
{
	static const struct {
		const char *name;
		int type, port;
	} usual[] = { { "c2s", LISTEN_C2S, 5222 }, { "c2s-tls", LISTEN_C2S_TLS, 5223 } };
	static const struct conf_node empty = { .kind = CONF_BLOCK, .name = "listen", .title = "" };
	struct conf_report ignored = { 0 }; /* that the port is missing */

	s->n_listen = HM_COUNT(usual);
	s->listen = arena_zalloc(s->snapshot->arena,
	                         sizeof(usual) / sizeof(usual[0]) * sizeof(*s->listen));
	for (size_t i = 0; i < s->n_listen; i++) {
		conf_fill(s->snapshot->arena, &empty, &settings_listen_schema, &s->listen[i],
		          &ignored);
		s->listen[i].name = usual[i].name;
		s->listen[i].type = usual[i].type;
		s->listen[i].port = usual[i].port;
		s->listen[i].any_address = true;
	}
}

static void
read_listeners(struct settings *s, struct conf_report *report)
{
	const struct conf_node *b, *root = s->snapshot->root;
	size_t n = 0;

	for (b = conf_find_block(root, "listen"); b; b = conf_find_next_block(b))
		n++;
	if (n == 0) {
		default_listeners(s, report);
		return;
	}
	s->listen = arena_zalloc(s->snapshot->arena, n * sizeof(*s->listen));
	for (b = conf_find_block(root, "listen"); b; b = conf_find_next_block(b)) {
		struct settings_listen *l = &s->listen[s->n_listen];

		l->name = b->title;
		l->at = b->at;
		l->any_address = !conf_find(b, "addresses");
		conf_fill(s->snapshot->arena, b, &settings_listen_schema, l, report);
		s->federates |= l->type == LISTEN_S2S || l->type == LISTEN_S2S_TLS;
		check_addresses(b, l, report);
		for (size_t i = 0; i < s->n_listen; i++) {
			if (same_socket(&s->listen[i], l))
				conf_mistake(
					report, &b->at,
					"\"%s\" and \"%s\" listen on the same port of the same address",
					s->listen[i].name, l->name);
		}
		s->n_listen++;
	}
}

/* --- All of it --------------------------------------------------------------------- */

struct settings *
settings_load(const char *path, bool running, struct conf_report *report)
{
	struct conf_snapshot *snapshot = conf_load(path, report);
	struct settings *s;

	if (!snapshot)
		return NULL;
	s = arena_new_of(snapshot->arena, struct settings);
	s->snapshot = snapshot;
	snapshot->view = s;
	read_top(s, report);
	read_listeners(s, report);
	settings_read_hosts(s, running, report);
	return s;
}
