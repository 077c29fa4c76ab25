/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/settings_host.c - the blocks `host` and `module`.  Hosts without a block of their own
 * for a module share one configuration struct, so that a thousand hosts cost little.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/table.h"
#include "daemon/settings.h"
#include "xmpp/jid.h"

/* clang-format off */
#define HOST(field, type, def, ...) HM_KEY(struct settings_host_keys, field, type, def, ##__VA_ARGS__)
static const struct hm_conf_key host_keys[] = {
	HOST(certificate, STRING, NULL, .required = true, .min = "1",
	     .doc = "The file with the certificate and its chain (PEM). Read again when it changes."),
	HOST(key, STRING, NULL, .required = true, .min = "1", .doc = "The file with the certificate's key (PEM)."),
	HOST(admins, LIST, NULL, .max = "1000", .doc = "Addresses of accounts that administer this host."),
	HOST(modules, LIST, NULL, .max = "1000", .restart = true,
	     .doc = "The modules of this host, instead of those that the top level names."),
};
static const struct conf_block_rule host_blocks[] = {
	{ .name = "module", .titled = true, .doc = "Keys of a module on this host." },
	{ .name = "limits", .doc = "Limits of this host's accounts and sessions; what does not stand there is the server's." },
	{ .name = "c2s", .doc = "Connections of this host's clients, from their stream header on; what does not stand there is the server's." },
};
const struct conf_schema settings_host_schema = { host_keys, HM_COUNT(host_keys), host_blocks, HM_COUNT(host_blocks) };

static const struct hm_conf_key service_key = {
	.name = "service_domain", .type = HM_STRING, .min = "1", .restart = true,
	.doc = "The domain of the service, where it is not to be the default.",
};
/* clang-format on */

/* --- Modules --------------------------------------------------------------------- */

static size_t
aligned(size_t n)
{
	return (n + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
}

/* The module's own keys and, in a host's block, the domain of its service. */
static void
module_schema(struct settings_module *m, struct arena *arena, bool in_host)
{
	const struct hm_module *decl = m->module->decl;
	struct hm_conf_key *keys;

	m->schema.keys = decl->config.v;
	m->schema.n_keys = decl->config.n;
	if (!in_host || decl->services.n == 0)
		return;
	keys = arena_alloc(arena, (decl->config.n + 1) * sizeof(*keys));
	if (decl->config.n > 0)
		memcpy(keys, decl->config.v, decl->config.n * sizeof(*keys));
	keys[decl->config.n] = service_key;
	keys[decl->config.n].offset = aligned(decl->config_size);
	m->schema.keys = keys;
	m->schema.n_keys++;
}

/* at: where it is asked for, for mistakes. */
static void
module_read(struct settings *s, struct settings_module *m, bool in_host, bool running,
            const struct conf_place *at, struct conf_report *report)
{
	struct arena *arena = s->snapshot->arena;
	struct hm_error why;
	size_t size;

	m->module = running ? module_find(m->name) : module_load(m->name, &why);
	if (!m->module) {
		if (!running)
			conf_mistake(report, at, "%s", why.text);
		return;
	}
	module_schema(m, arena, in_host);
	size = aligned(m->module->decl->config_size);
	m->config = arena_zalloc(arena, size + sizeof(char *));
	if (m->schema.n_keys > m->module->decl->config.n)
		m->service_domain = (const char **)((char *)m->config + size);
	if (!conf_schema_check(m->name, &m->schema, report))
		return;
	conf_fill(arena, m->block, &m->schema, m->config, report);
	if (m->service_domain && *m->service_domain) {
		const char *domain = jid_prepare_domain(*m->service_domain, arena);

		if (!domain)
			conf_mistake(report, at, "\"%s\" is not a domain", *m->service_domain);
		*m->service_domain = domain;
	}
}

static struct settings_module *
shared_find(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->n_shared; i++) {
		if (strcmp(s->shared[i].name, name) == 0)
			return &s->shared[i];
	}
	return NULL;
}

static const struct settings_module *
shared_module(struct settings *s, const char *name, bool running, const struct conf_place *at,
              struct conf_report *report)
{
	const struct settings_module *known = shared_find(s, name);
	struct settings_module *grown;

	if (known)
		return known;
	grown = arena_zalloc(s->snapshot->arena, (s->n_shared + 1) * sizeof(*grown));
	if (s->n_shared > 0)
		memcpy(grown, s->shared, s->n_shared * sizeof(*grown));
	s->shared = grown;
	grown = &s->shared[s->n_shared++];
	grown->name = name;
	grown->block = conf_find_titled(s->snapshot->root, "module", name);
	module_read(s, grown, false, running, grown->block ? &grown->block->at : at, report);
	return grown;
}

/*
 * Those that run where no list says otherwise.  At start, what cannot be loaded is among them, to be
 * told; a running server goes by what it has loaded.
 */
static struct hm_conf_list
usual_modules(struct settings *s, bool running)
{
	char **available = modules_available();
	const char **v;
	size_t n = 0;

	while (available[n])
		n++;
	v = arena_alloc(s->snapshot->arena, (n + 1) * sizeof(*v));
	n = 0;
	for (size_t i = 0; available[i]; i++) {
		struct hm_error why;
		const struct module *m =
			running ? module_find(available[i]) : module_load(available[i], &why);

		if (m ? !m->decl->on_request : !running)
			v[n++] = arena_strdup(s->snapshot->arena, available[i]);
		mem_free(available[i]);
	}
	mem_free(available);
	return (struct hm_conf_list){ v, n };
}

/* The names, from the most to the least special place that has any. */
static struct hm_conf_list
module_names(struct settings *s, const struct settings_host *h, bool running)
{
	if (h->keys.modules.n > 0)
		return h->keys.modules;
	if (s->top.modules.n > 0)
		return s->top.modules;
	if (s->usual.n == 0)
		s->usual = usual_modules(s, running);
	return s->usual;
}

static const struct settings_module *
host_module_find(const struct settings_host *h, const char *name)
{
	for (size_t i = 0; i < h->n_modules; i++) {
		if (strcmp(h->modules[i].name, name) == 0)
			return &h->modules[i];
	}
	return NULL;
}

static void
read_modules(struct settings *s, struct settings_host *h, const struct conf_node *block,
             bool running, struct conf_report *report)
{
	struct hm_conf_list names = module_names(s, h, running);

	h->modules = arena_zalloc(s->snapshot->arena, (names.n + 1) * sizeof(*h->modules));
	for (size_t i = 0; i < names.n; i++) {
		struct settings_module *m = &h->modules[h->n_modules];
		const struct conf_node *own = conf_find_titled(block, "module", names.v[i]);

		if (host_module_find(h, names.v[i])) {
			conf_mistake(report, &h->modules_at, "module %s is listed twice",
			             names.v[i]);
			continue;
		}
		m->name = names.v[i];
		m->block = own;
		if (own)
			module_read(s, m, true, running, &own->at, report);
		else
			*m = *shared_module(s, names.v[i], running, &h->modules_at, report);
		h->n_modules++;
	}
	for (const struct conf_node *b = conf_find_block(block, "module"); b;
	     b = conf_find_next_block(b)) {
		if (!host_module_find(h, b->title))
			conf_mistake(report, &b->at,
			             "module %s is not in the list of this host's modules",
			             b->title);
	}
}

/* --- Hosts ----------------------------------------------------------------------- */

static void
read_admins(struct settings *s, struct settings_host *h, const struct conf_node *block,
            struct conf_report *report)
{
	const struct conf_node *key = conf_find(block, "admins");
	struct arena *arena = s->snapshot->arena;
	const char **admins = arena_alloc(arena, (h->keys.admins.n + 1) * sizeof(*admins));

	h->admins.v = admins;
	for (size_t i = 0; key && i < h->keys.admins.n; i++) {
		const char *text = h->keys.admins.v[i];
		struct jid jid;

		if (jid_parse(&jid, text, arena) && jid.local && !jid.resource)
			admins[h->admins.n++] = jid.full;
		else
			conf_mistake(report, &key->at,
			             "\"%s\" is not the address of an account, such as admin@%s",
			             text, h->domain);
	}
}

static void
read_domain(struct settings *s, struct settings_host *h, const struct conf_node *block,
            struct conf_report *report)
{
	h->domain = jid_prepare_domain(block->title, s->snapshot->arena);
	if (!h->domain) {
		conf_mistake(report, &block->at, "\"%s\" is not a domain", block->title);
		h->domain = block->title;
		return;
	}
	h->domain_ascii = jid_domain_ascii(h->domain, s->snapshot->arena);
	if (!h->domain_ascii)
		h->domain_ascii = h->domain; /* an address: it is what the certificate names */
}

static void
read_host(struct settings *s, struct settings_host *h, const struct conf_node *block, bool running,
          struct conf_report *report)
{
	struct arena *arena = s->snapshot->arena;
	const struct conf_node *certificate = conf_find(block, "certificate");
	const struct conf_node *modules = conf_find(block, "modules");

	h->at = block->at;
	h->certificate_at = certificate ? certificate->at : block->at;
	if (!modules)
		modules = conf_find(s->snapshot->root, "modules");
	h->modules_at = modules ? modules->at : block->at;
	read_domain(s, h, block, report);
	conf_fill(arena, block, &settings_host_schema, &h->keys, report);
	h->keys.certificate = settings_path(arena, certificate, h->keys.certificate);
	h->keys.key = settings_path(arena, conf_find(block, "key"), h->keys.key);
	if (conf_find_block(block, "limits")) {
		struct core_limits *limits = arena_new_of(arena, struct core_limits);

		*limits = s->limits;
		conf_fill_over(arena, conf_find_block(block, "limits"),
		               settings_host_limits_schema(), limits, report);
		h->limits = limits;
	}
	if (conf_find_block(block, "c2s")) {
		struct stream_settings *c2s = arena_new_of(arena, struct stream_settings);

		*c2s = s->c2s;
		conf_fill_over(arena, conf_find_block(block, "c2s"), &stream_host_schema, c2s,
		               report);
		h->c2s = c2s;
		s->c2s_hosts[s->n_c2s_hosts++] = (struct stream_host_settings){ h->domain, c2s };
	}
	read_admins(s, h, block, report);
	read_modules(s, h, block, running, report);
}

/* Domains of hosts and of their services are all different. */
static void
check_domain(struct table *domains, const char *domain, const struct settings_host *h,
             struct conf_report *report)
{
	if (table_get(domains, domain))
		conf_mistake(report, &h->at, "the domain %s is served twice", domain);
	else
		table_put(domains, domain, (void *)(uintptr_t)h);
}

static void
check_domains(const struct settings *s, struct conf_report *report)
{
	struct table domains = { 0 };

	for (size_t i = 0; i < s->n_hosts; i++)
		check_domain(&domains, s->hosts[i].domain, &s->hosts[i], report);
	for (size_t i = 0; i < s->n_hosts; i++) {
		for (size_t k = 0; k < s->hosts[i].n_modules; k++) {
			const struct settings_module *m = &s->hosts[i].modules[k];

			for (size_t v = 0; m->module && v < m->module->decl->services.n; v++) {
				const char *own =
					v == 0 && m->service_domain ? *m->service_domain : NULL;
				char *usual =
					mem_printf("%s.%s", m->module->decl->services.v[v].name,
				                   s->hosts[i].domain);

				check_domain(&domains, own ? own : usual, &s->hosts[i], report);
				mem_free(usual);
			}
		}
	}
	table_free(&domains);
}

static void
check_shared_blocks(const struct settings *s, struct conf_report *report)
{
	const struct conf_node *b = conf_find_block(s->snapshot->root, "module");

	for (; b; b = conf_find_next_block(b)) {
		bool used = false;

		for (size_t i = 0; !used && i < s->n_hosts; i++)
			used = host_module_find(&s->hosts[i], b->title) != NULL;
		if (!used)
			conf_mistake(report, &b->at, "module %s is in no host's list of modules",
			             b->title);
	}
}

void
settings_read_hosts(struct settings *s, bool running, struct conf_report *report)
{
	const struct conf_node *b, *root = s->snapshot->root;
	size_t n = 0;

	for (b = conf_find_block(root, "host"); b; b = conf_find_next_block(b))
		n++;
	s->hosts = arena_zalloc(s->snapshot->arena, (n + 1) * sizeof(*s->hosts));
	s->c2s_hosts = arena_zalloc(s->snapshot->arena, (n + 1) * sizeof(*s->c2s_hosts));
	for (b = conf_find_block(root, "host"); b; b = conf_find_next_block(b)) {
		if (s->n_hosts == HOSTS_MAX) {
			conf_mistake(report, &b->at, "more than %d hosts", HOSTS_MAX);
			break;
		}
		read_host(s, &s->hosts[s->n_hosts++], b, running, report);
	}
	check_domains(s, report);
	check_shared_blocks(s, report);
}

const struct settings_host *
settings_find_host(const struct settings *s, const char *domain)
{
	for (size_t i = 0; i < s->n_hosts; i++) {
		if (strcmp(s->hosts[i].domain, domain) == 0)
			return &s->hosts[i];
	}
	return NULL;
}

/* --- What others make of it --------------------------------------------------------- */

/* The certificates that the file names; one that is missing there has been told already. */
static size_t
certificates(const struct settings *s, struct tls_host *hosts, const struct conf_place **at)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_hosts; i++) {
		const struct settings_host *h = &s->hosts[i];

		if (!h->domain_ascii || !h->keys.certificate || !h->keys.key)
			continue;
		at[n] = &h->certificate_at;
		hosts[n++] = (struct tls_host){ h->domain_ascii, h->keys.certificate, h->keys.key };
	}
	return n;
}

/* Connections between servers have the same certificates, but another protocol, and judge each other. */
static struct tls_context *
tls_of_servers(const struct settings *s, const struct tls_host *hosts, size_t n,
               struct conf_report *report)
{
	static const char *const alpn[] = { "xmpp-server", NULL };
	const struct conf_node *key =
		conf_find(conf_find_block(s->snapshot->root, "s2s"), "ca_file");
	struct hm_error why;
	struct tls_context *ctx = tls_context_new(hosts, n, alpn, &why);

	if (ctx && tls_context_judge_peers(ctx, s->s2s.settings.ca_file, &why))
		return ctx;
	conf_mistake(report, key ? &key->at : NULL, "%s", why.text);
	if (ctx)
		tls_context_unref(&ctx);
	return NULL;
}

void
settings_tls_free(struct settings_tls *tls)
{
	if (tls->clients)
		tls_context_unref(&tls->clients);
	if (tls->servers)
		tls_context_unref(&tls->servers);
}

struct settings_tls
settings_tls(const struct settings *s, struct conf_report *report)
{
	static const char *const alpn[] = { "xmpp-client", NULL };
	struct settings_tls tls = { 0 };
	struct tls_host *hosts = mem_array(s->n_hosts + 1, sizeof(*hosts));
	const struct conf_place **at = mem_array(s->n_hosts + 1, sizeof(*at));
	size_t n = certificates(s, hosts, at);
	struct tls_context *ctx = NULL;
	struct hm_error why;

	if (n == s->n_hosts && n > 0)
		ctx = tls_context_new(hosts, n, alpn, &why);
	/* Which of them it was, and whether there are more. */
	for (size_t i = 0; !ctx && i < n; i++) {
		struct tls_context *one = tls_context_new(&hosts[i], 1, alpn, &why);

		if (one)
			tls_context_unref(&one);
		else
			conf_mistake(report, at[i], "%s", why.text);
	}
	tls.clients = ctx;
	if (ctx)
		tls.servers = tls_of_servers(s, hosts, n, report);
	if (ctx && !tls.servers)
		settings_tls_free(&tls);
	mem_free(hosts);
	mem_free(at);
	return tls;
}

void
settings_host_setup(const struct settings_host *h, struct arena *arena, struct host_setup *setup)
{
	struct host_setup_module *modules =
		arena_zalloc(arena, (h->n_modules + 1) * sizeof(*modules));

	for (size_t i = 0; i < h->n_modules; i++) {
		modules[i].name = h->modules[i].name;
		modules[i].config = h->modules[i].config;
		modules[i].service_domain =
			h->modules[i].service_domain ? *h->modules[i].service_domain : NULL;
	}
	*setup = (struct host_setup){ .domain = h->domain,
		                      .admins = &h->admins,
		                      .limits = h->limits,
		                      .modules = modules,
		                      .n_modules = h->n_modules };
}

void
settings_try_hosts(const struct settings *s, struct conf_report *report)
{
	for (size_t i = 0; i < s->n_hosts; i++) {
		struct arena *arena = arena_new(0);
		struct host_setup setup;
		struct hm_error why;
		struct host *host;

		settings_host_setup(&s->hosts[i], arena, &setup);
		host = host_new(&setup, &why);
		if (!host || !host_try(host, &why))
			conf_mistake(report, &s->hosts[i].modules_at, "%s", why.text);
		host_free(&host);
		arena_free(&arena);
	}
}
