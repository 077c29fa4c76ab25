/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* stream/binding.h - channel bindings of a connection, in the form that SASL takes. */
#ifndef STREAM_BINDING_H
#define STREAM_BINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "net/conn.h"

#define CHANNEL_BINDING_MAX 64
struct channel_binding {
	const char *type; /* a literal; NULL: none */
	unsigned char data[CHANNEL_BINDING_MAX];
	size_t len;
};

#define BINDINGS 2
extern const char *const binding_types[BINDINGS]; /* the better one first */

/* false, and type NULL: this connection has none of that type. */
bool binding_get(struct conn *c, const char *type, struct channel_binding *out);
bool binding_any(struct conn *c, struct channel_binding *out); /* the best */

#endif
