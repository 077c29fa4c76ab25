/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* stream/version.c - making and counting sets of settings. */
#include "stream/version.h"

#include "base/mem.h"
#include "stream/mechanism.h"

/* Before authentication there is nothing deep: SASL, or a form of XEP-0077. */
#define DEPTH_BEFORE 8
#define NODES_BEFORE 128

/* Without TLS and hosts. */
static struct version *
one_new(const struct stream_settings *settings)
{
	struct version *v = mem_new(struct version);

	v->settings = *settings;
	v->mechanisms = mechanisms_named(&settings->mechanisms);
	/* Its texts are the configuration's, which may go. */
	v->settings.mechanisms = (struct hm_conf_list){ 0 };
	v->before = (struct xml_limits){ .stanza_bytes = settings->unauthenticated_stanza_size,
		                         .depth = DEPTH_BEFORE,
		                         .nodes = NODES_BEFORE };
	v->after = (struct xml_limits){ .stanza_bytes = settings->max_stanza_size,
		                        .depth = (unsigned)settings->max_stanza_depth,
		                        .nodes = (unsigned)settings->max_stanza_nodes };
	return v;
}

struct version *
version_new(const struct stream_settings *settings, const struct stream_host_settings *hosts,
            size_t n_hosts, const struct stream_tls *tls)
{
	struct version *v = one_new(settings);

	atomic_init(&v->refs, 1);
	if (tls->starttls)
		v->tls.starttls = tls_context_ref(tls->starttls);
	if (tls->direct)
		v->tls.direct = tls_context_ref(tls->direct);
	for (size_t i = 0; i < n_hosts; i++) {
		struct version *own = one_new(hosts[i].settings);

		own->all = v;
		own->tls = v->tls; /* held by v */
		table_put(&v->hosts, hosts[i].domain, own);
	}
	return v;
}

static struct version *
counted(struct version *v)
{
	return v->all ? v->all : v;
}

struct version *
version_of_host(struct version *v, const char *domain)
{
	struct version *all = counted(v);
	struct version *own = table_count(&all->hosts) > 0 ? table_get(&all->hosts, domain) : NULL;

	return own ? own : all;
}

struct version *
version_ref(struct version *v)
{
	atomic_fetch_add_explicit(&counted(v)->refs, 1, memory_order_relaxed);
	return v;
}

void
version_unref(struct version **vp)
{
	struct version *v = *vp ? counted(*vp) : NULL;
	size_t pos = 0;
	void *own;

	*vp = NULL;
	if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
		return;
	while (table_next(&v->hosts, &pos, NULL, &own))
		mem_free(own);
	table_free(&v->hosts);
	if (v->tls.starttls)
		tls_context_unref(&v->tls.starttls);
	if (v->tls.direct)
		tls_context_unref(&v->tls.direct);
	mem_free(v);
}
