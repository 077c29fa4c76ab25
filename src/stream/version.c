/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* stream/version.c - making and counting sets of settings. */
#include "stream/version.h"

#include "base/mem.h"
#include "stream/mechanism.h"

/* Before authentication there is nothing deep: SASL, or a form of XEP-0077. */
#define DEPTH_BEFORE 8
#define NODES_BEFORE 128

struct version *
version_new(const struct stream_settings *settings, const struct stream_tls *tls)
{
	struct version *v = mem_new(struct version);

	atomic_init(&v->refs, 1);
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
	if (tls->starttls)
		v->tls.starttls = tls_context_ref(tls->starttls);
	if (tls->direct)
		v->tls.direct = tls_context_ref(tls->direct);
	return v;
}

struct version *
version_ref(struct version *v)
{
	atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
	return v;
}

void
version_unref(struct version **vp)
{
	struct version *v = *vp;

	*vp = NULL;
	if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (v->tls.starttls)
		tls_context_unref(&v->tls.starttls);
	if (v->tls.direct)
		tls_context_unref(&v->tls.direct);
	mem_free(v);
}
