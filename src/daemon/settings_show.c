/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* daemon/settings_show.c - the configuration in force as text of its own grammar. */
#include <string.h>

#include "conf/write.h"
#include "daemon/settings.h"

static void
show_block(const char *name, const struct conf_schema *schema, const void *filled, struct buf *out)
{
	buf_putc(out, '\n');
	conf_write_open(name, NULL, 0, out);
	conf_write_keys(schema, filled, 1, out);
	conf_write_close(0, out);
}

static void
show_modules(const struct settings_host *h, struct buf *out)
{
	for (size_t i = 0; i < h->n_modules; i++) {
		const struct settings_module *m = &h->modules[i];

		if (!m->config || m->schema.n_keys == 0)
			continue;
		buf_putc(out, '\n');
		conf_write_open("module", m->name, 1, out);
		conf_write_keys(&m->schema, m->config, 2, out);
		conf_write_close(1, out);
	}
}

static void
show_host(const struct settings *s, const struct settings_host *h, struct buf *out)
{
	struct settings_host_keys keys = h->keys;

	/* What is in force, wherever the list came from. */
	if (keys.modules.n == 0)
		keys.modules = s->top.modules.n > 0 ? s->top.modules : s->usual;
	if (out->len > 0)
		buf_putc(out, '\n');
	conf_write_open("host", h->domain, 0, out);
	conf_write_keys(&settings_host_schema, &keys, 1, out);
	if (h->limits) {
		conf_write_open("limits", NULL, 1, out);
		conf_write_keys(settings_host_limits_schema(), h->limits, 2, out);
		conf_write_close(1, out);
	}
	if (h->c2s) {
		conf_write_open("c2s", NULL, 1, out);
		conf_write_keys(&stream_host_schema, h->c2s, 2, out);
		conf_write_close(1, out);
	}
	show_modules(h, out);
	conf_write_close(0, out);
}

static void
show_listen(const struct settings_listen *l, struct buf *out)
{
	buf_putc(out, '\n');
	conf_write_open("listen", l->name, 0, out);
	conf_write_keys(&settings_listen_schema, l, 1, out);
	conf_write_close(0, out);
}

static void
show_servers(const struct s2s_config *s2s, struct buf *out)
{
	buf_putc(out, '\n');
	conf_write_open("s2s", NULL, 0, out);
	conf_write_keys(&s2s_schema, &s2s->settings, 1, out);
	for (size_t i = 0; i < s2s->n_fixed; i++) {
		conf_write_open("domain", s2s->fixed[i].domain, 1, out);
		conf_write_keys(&s2s_fixed_schema, &s2s->fixed[i], 2, out);
		conf_write_close(1, out);
	}
	conf_write_close(0, out);
}

void
settings_write(const struct settings *s, const char *host, struct buf *out)
{
	if (!host) {
		conf_write_keys(&settings_top_schema, &s->top, 0, out);
		show_block("log", &settings_log_schema, &s->log, out);
		show_block("storage", &settings_storage_schema, &s->storage, out);
		show_block("resolver", &settings_resolver_schema, &s->resolver, out);
		show_block("limits", settings_limits_schema(), &s->limits, out);
		show_block("c2s", &stream_schema, &s->c2s, out);
		show_servers(&s->s2s, out);
		for (size_t i = 0; i < s->n_listen; i++)
			show_listen(&s->listen[i], out);
	}
	for (size_t i = 0; i < s->n_hosts; i++) {
		if (!host || strcmp(host, s->hosts[i].domain) == 0)
			show_host(s, &s->hosts[i], out);
	}
}
