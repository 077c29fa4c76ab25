/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * daemon/describe.c - the tables, one to one.  Nothing is opened or started for it.
 */
#include "daemon/describe.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "conf/value.h"
#include "core/accounts.h"
#include "core/command.h"
#include "core/core.h"
#include "core/metrics.h"
#include "core/module.h"
#include "daemon/commands.h"
#include "daemon/settings.h"
#include "loop/worker.h"
#include "net/conn.h"
#include "store/store_driver.h"
#include "stream/metrics.h"
#include "stream/stream.h"

/* NULL becomes null. */
static json_t *
text(const char *s)
{
	return s ? json_string(s) : json_null();
}

static void
append(json_t *array, json_t *take)
{
	json_array_append_new(array, take);
}

/* --- Configuration --------------------------------------------------------------------- */

static json_t *
describe_key(const struct hm_conf_key *key)
{
	struct buf expected = { 0 };
	json_t *choices = NULL, *o;

	if (key->choices) {
		choices = json_array();
		for (size_t i = 0; key->choices[i]; i++)
			append(choices, json_string(key->choices[i]));
	}
	conf_write_expected(key, &expected);
	o = json_pack("{ss ss so so so ss so* ss* sb sb sb}", "name", key->name, "type",
	              conf_type_name(key->type), "default", text(key->def), "min", text(key->min),
	              "max", text(key->max), "expected", expected.data ? expected.data : "",
	              "choices", choices, "help", key->doc, "restart", key->restart, "required",
	              key->required, "secret", key->secret);
	buf_free(&expected);
	return o;
}

static json_t *
describe_keys(const struct conf_schema *schema)
{
	json_t *array = json_array();

	for (size_t i = 0; i < schema->n_keys; i++)
		append(array, describe_key(&schema->keys[i]));
	return array;
}

static json_t *
describe_block(const char *name, const char *title, const char *doc,
               const struct conf_schema *schema)
{
	return json_pack("{ss so ss* so}", "block", name, "title", text(title), "help", doc, "keys",
	                 describe_keys(schema));
}

static const char *
block_help(const struct conf_schema *outer, const char *name)
{
	for (size_t i = 0; i < outer->n_blocks; i++) {
		if (strcmp(outer->blocks[i].name, name) == 0)
			return outer->blocks[i].doc;
	}
	return NULL;
}

static json_t *
describe_configuration(void)
{
	const struct {
		const char *name, *title;
		const struct conf_schema *schema;
	} blocks[] = {
		{ "log", NULL, &settings_log_schema },
		{ "storage", NULL, &settings_storage_schema },
		{ "resolver", NULL, &settings_resolver_schema },
		{ "limits", NULL, settings_limits_schema() },
		{ "c2s", NULL, &stream_schema },
		{ "s2s", NULL, &s2s_schema },
		{ "listen", "NAME", &settings_listen_schema },
		{ "host", "DOMAIN", &settings_host_schema },
	};
	json_t *array = json_array(), *host;

	append(array, describe_block("", NULL, NULL, &settings_top_schema));
	for (size_t i = 0; i < HM_COUNT(blocks); i++)
		append(array, describe_block(blocks[i].name, blocks[i].title,
		                             block_help(&settings_top_schema, blocks[i].name),
		                             blocks[i].schema));
	host = json_array_get(array, json_array_size(array) - 1);
	json_object_set_new(host, "limits",
	                    describe_block("limits", NULL,
	                                   block_help(&settings_host_schema, "limits"),
	                                   settings_host_limits_schema()));
	json_object_set_new(host, "c2s",
	                    describe_block("c2s", NULL, block_help(&settings_host_schema, "c2s"),
	                                   &stream_host_schema));
	return array;
}

/* --- Commands ----------------------------------------------------------------------------- */

static json_t *
describe_command(const struct hm_command *c)
{
	json_t *args = json_array();

	for (size_t i = 0; i < HM_COUNT(c->args) && c->args[i].name; i++)
		append(args, json_pack("{ss ss sb}", "name", c->args[i].name, "type",
		                       command_arg_type(c->args[i].type), "optional",
		                       c->args[i].optional));
	return json_pack("{ss ss so sb sb sb}", "command", c->name, "help", c->help ? c->help : "",
	                 "args", args, "streams", c->streams, "record", c->record, "hidden",
	                 c->hidden);
}

static void
describe_commands(json_t *array, const struct hm_command *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		append(array, describe_command(&v[i]));
}

/* --- The server's own parts -------------------------------------------------------------- */

static json_t *
describe_specs(const struct hm_spec *v, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		append(array,
		       json_pack("{ss ss so}", "name", v[i].name, "version",
		                 v[i].version ? v[i].version : "", "missing", text(v[i].missing)));
	return array;
}

static json_t *
describe_metric(const char *name, const char *help, unsigned type)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };

	return json_pack("{ss ss ss}", "name", name, "help", help, "type", types[type]);
}

/* Registered as at a start; nothing is counted. */
static json_t *
describe_metrics(void)
{
	json_t *array = json_array();
	const struct metric *metric;

	workers_metrics_register();
	net_init();
	store_metrics_register();
	stream_metrics_register();
	core_metrics_register();
	for (unsigned i = 0; (metric = metrics_at(i)); i++)
		append(array, describe_metric(metric->name, metric->help, metric->type));
	return array;
}

static json_t *
describe_statement(const char *sqlite, const char *postgresql)
{
	return json_pack("{ss ss}", "sqlite", sqlite, "postgresql",
	                 postgresql ? postgresql : sqlite);
}

static json_t *
describe_statements(void)
{
	json_t *array = json_array();
	const struct store_statement *statement;

	core_register_statements();
	for (unsigned i = 0; (statement = store_statement_by_id(i)); i++)
		append(array, describe_statement(statement->sqlite, statement->postgresql));
	return array;
}

static json_t *
describe_sql(const struct hm_sql *sql)
{
	struct store_statement st = { .table = (const struct store_table *)sql->append };
	json_t *o;

	if (!sql->append)
		return describe_statement(sql->sql, sql->postgresql);
	store_append_make(&st);
	o = describe_statement(st.sqlite, st.postgresql);
	mem_free(st.made[0]);
	mem_free(st.made[1]);
	return o;
}

static json_t *
describe_parts(void)
{
	return json_pack("[{ss so} {ss so}]", "part", "stream", "specs",
	                 describe_specs(stream_specs, stream_specs_n), "part", "core", "specs",
	                 describe_specs(core_specs, core_specs_n));
}

/* --- Modules -------------------------------------------------------------------------------- */

/* The bits of enum hm_side in words. */
static json_t *
sides(unsigned to)
{
	static const char *const names[] = { "host", "account", "service", "entity", "occupant" };
	json_t *array = json_array();

	for (size_t i = 0; i < HM_COUNT(names); i++) {
		if (to & (1u << i))
			append(array, json_string(names[i]));
	}
	return array;
}

_Static_assert(HM_TO_HOST == 1 && HM_TO_ACCOUNT == 2 && HM_TO_SERVICE == 4 && HM_TO_ENTITY == 8 &&
                       HM_TO_OCCUPANT == 16,
               "sides() names them in this order");

static json_t *
describe_iq(const struct hm_iq_route *r)
{
	static const char *const askers[] = { [HM_OWNER] = "owner",
		                              [HM_LOCAL_USER] = "local user",
		                              [HM_ADMIN] = "admin",
		                              [HM_ANYONE] = "anyone",
		                              [HM_STRANGER] = "stranger" };

	return json_pack("{ss so ss ss so sb sb}", "type", r->type == HM_GET ? "get" : "set", "to",
	                 sides(r->to), "from", askers[r->from], "ns", r->ns, "name", text(r->name),
	                 "may_overtake", r->may_overtake, "hidden", r->hidden);
}

#define HM_CHAIN(name, ...) #name,
#define HM_NOTICE(name, ...) #name,
static const char *const events[] = {
#include <hermod/events.def>
};
#undef HM_CHAIN
#undef HM_NOTICE
#define HM_CHAIN(name, ...) true,
#define HM_NOTICE(name, ...) false,
static const bool is_chain[] = {
#include <hermod/events.def>
};
#undef HM_CHAIN
#undef HM_NOTICE

static json_t *
describe_hook(const struct hm_hook *h)
{
	static const char *const phases[] = { [HM_POLICY] = "policy",
		                              [HM_REWRITE] = "rewrite",
		                              [HM_STORE] = "store",
		                              [HM_HANDLE] = "handle",
		                              [HM_OBSERVE] = "observe" };

	return json_pack("{ss so}", "event", events[h->event], "phase",
	                 is_chain[h->event] ? json_string(phases[h->phase]) : json_null());
}

static json_t *
describe_protocol(const struct hm_module *d)
{
	json_t *features = json_array(), *iq = json_array(), *services = json_array();

	for (size_t i = 0; i < d->features.n; i++)
		append(features, json_pack("{ss so}", "var", d->features.v[i].var, "to",
		                           sides(d->features.v[i].to)));
	for (size_t i = 0; i < d->iq.n; i++)
		append(iq, describe_iq(&d->iq.v[i]));
	for (size_t i = 0; i < d->services.n; i++)
		append(services, json_pack("{ss so so so}", "name", d->services.v[i].name,
		                           "category", text(d->services.v[i].category), "type",
		                           text(d->services.v[i].type), "title",
		                           text(d->services.v[i].title)));
	return json_pack("{so so so so}", "specs", describe_specs(d->specs.v, d->specs.n),
	                 "features", features, "iq", iq, "services", services);
}

static json_t *
describe_module(const struct module *m)
{
	const struct hm_module *d = m->decl;
	const struct conf_schema schema = { .keys = d->config.v, .n_keys = d->config.n };
	json_t *o = describe_protocol(d), *hooks = json_array(), *commands = json_array(),
	       *sql = json_array(), *metrics = json_array(), *needs = json_array();

	for (size_t i = 0; i < d->hooks.n; i++)
		append(hooks, describe_hook(&d->hooks.v[i]));
	describe_commands(commands, d->commands.v, d->commands.n);
	for (size_t i = 0; i < d->sql.n; i++)
		append(sql, describe_sql(&d->sql.v[i]));
	for (size_t i = 0; i < d->metrics.n; i++)
		append(metrics, describe_metric(d->metrics.v[i].name, d->metrics.v[i].help,
		                                d->metrics.v[i].type));
	for (size_t i = 0; i < d->needs.n; i++)
		append(needs, json_string(d->needs.v[i]));
	json_object_update_new(o, json_pack("{ss ss sb so so so so so so}", "module", m->name,
	                                    "summary", d->summary ? d->summary : "", "on_request",
	                                    d->on_request, "needs", needs, "hooks", hooks,
	                                    "commands", commands, "config", describe_keys(&schema),
	                                    "statements", sql, "metrics", metrics));
	return o;
}

bool
describe_print(void)
{
	json_t *modules = json_array(), *commands = json_array(), *all;
	char **names = modules_available();
	bool ok = true;

	for (size_t i = 0; names[i]; i++) {
		struct hm_error why;
		const struct module *m = module_load(names[i], &why);

		if (m)
			append(modules, describe_module(m));
		else
			fprintf(stderr, "hermod: %s\n", why.text);
		ok = ok && m;
		mem_free(names[i]);
	}
	mem_free(names);
	describe_commands(commands, account_commands, account_commands_n);
	describe_commands(commands, server_commands, server_commands_n);
	describe_commands(commands, daemon_commands, daemon_commands_n);
	all = json_pack("{ss so so so so so so}", "server", "hermod", "parts", describe_parts(),
	                "configuration", describe_configuration(), "commands", commands,
	                "statements", describe_statements(), "metrics", describe_metrics(),
	                "modules", modules);
	json_dumpf(all, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(all);
	return ok;
}
