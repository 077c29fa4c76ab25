/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* stream/binding.c - tls-exporter (RFC 9266) and tls-server-end-point (RFC 5929 4). */
#include "stream/binding.h"

#include <string.h>

#define EXPORTER "tls-exporter"
#define END_POINT "tls-server-end-point"

const char *const binding_types[BINDINGS] = { EXPORTER, END_POINT };

bool
binding_get(struct conn *c, const char *type, struct channel_binding *out)
{
	*out = (struct channel_binding){ 0 };
	if (!conn_is_tls(c))
		return false;
	if (strcmp(type, EXPORTER) == 0 && conn_tls_exporter(c, out->data)) {
		out->type = EXPORTER;
		out->len = 32;
	} else if (strcmp(type, END_POINT) == 0 &&
	           conn_tls_server_end_point(c, out->data, &out->len)) {
		out->type = END_POINT;
	}
	return out->type != NULL;
}

bool
binding_any(struct conn *c, struct channel_binding *out)
{
	for (unsigned i = 0; i < BINDINGS; i++) {
		if (binding_get(c, binding_types[i], out))
			return true;
	}
	return false;
}
