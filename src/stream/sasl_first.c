/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* stream/sasl_first.c - the grammar of RFC 4616 2 and RFC 5802 7, first messages only. */
#include "stream/sasl_first.h"

#include <string.h>

#include "base/codec.h"

bool
sasl_first_plain(struct sasl_first *out, const char *message, size_t len, struct arena *a)
{
	const char *end = message + len, *user, *password;

	*out = (struct sasl_first){ .flag = 'n' };
	if (len > SASL_MESSAGE_MAX || !utf8_valid(message, len))
		return false;
	user = memchr(message, '\0', len);
	if (!user)
		return false;
	user++;
	password = memchr(user, '\0', (size_t)(end - user));
	if (!password || password == user)
		return false;
	password++;
	/* A NUL inside the password shows here: the end of the string is not the end of the message. */
	if (*password == '\0' || strlen(password) != (size_t)(end - password))
		return false;
	out->authzid = arena_strdup(a, message);
	out->user = arena_strdup(a, user);
	out->password = password;
	return true;
}

/* --- SCRAM -------------------------------------------------------------------- */

struct cursor {
	const char *at, *end;
};

static bool
skip(struct cursor *c, const char *literal)
{
	size_t len = strlen(literal);

	if ((size_t)(c->end - c->at) < len || memcmp(c->at, literal, len) != 0)
		return false;
	c->at += len;
	return true;
}

/* Up to the comma, or NULL when there is none; the comma is skipped. */
static const char *
field(struct cursor *c, size_t *len, struct arena *a)
{
	const char *start = c->at;
	const char *comma = memchr(start, ',', (size_t)(c->end - start));

	if (!comma)
		return NULL;
	*len = (size_t)(comma - start);
	c->at = comma + 1;
	return arena_strndup(a, start, *len);
}

/* saslname: a comma is =2C, an equals sign =3D; nothing else may follow "=". */
static const char *
name_field(struct cursor *c, struct arena *a)
{
	size_t len, n = 0;
	const char *text = field(c, &len, a);
	char *name;

	if (!text || len == 0)
		return NULL;
	name = arena_alloc(a, len + 1);
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '=') {
			name[n++] = text[i];
		} else if (strncmp(text + i, "=2C", 3) == 0 || strncmp(text + i, "=3D", 3) == 0) {
			name[n++] = text[i + 1] == '2' ? ',' : '=';
			i += 2;
		} else {
			return NULL;
		}
	}
	name[n] = '\0';
	return name;
}

/* cb-name, RFC 5802 7 */
static bool
is_binding_name(const char *s, size_t len)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";

	return len > 0 && strspn(s, allowed) == len;
}

static bool
gs2_header(struct cursor *c, struct sasl_first *out, struct arena *a)
{
	size_t len;

	if (skip(c, "p=")) {
		out->flag = 'p';
		out->binding = field(c, &len, a);
		if (!out->binding || !is_binding_name(out->binding, len))
			return false;
	} else if (skip(c, "n,")) {
		out->flag = 'n';
	} else if (skip(c, "y,")) {
		out->flag = 'y';
	} else {
		return false;
	}
	out->authzid = "";
	if (skip(c, ","))
		return true;
	if (!skip(c, "a="))
		return false;
	out->authzid = name_field(c, a);
	return out->authzid != NULL;
}

/* printable = %x21-2B / %x2D-7E, at least one; extensions may follow behind a comma. */
static bool
is_nonce(const struct cursor *c)
{
	const char *p = c->at;

	while (p<c->end && * p> ' ' && *p < 0x7f && *p != ',')
		p++;
	return p > c->at && (p == c->end || *p == ',');
}

bool
sasl_first_scram(struct sasl_first *out, const char *message, size_t len, struct arena *a)
{
	struct cursor c = { message, message + len };

	*out = (struct sasl_first){ 0 };
	if (len > SASL_MESSAGE_MAX || memchr(message, '\0', len) || !utf8_valid(message, len))
		return false;
	/* "m=" in the place of "n=" would be an extension that must be understood (RFC 5802 5.1). */
	if (!gs2_header(&c, out, a) || !skip(&c, "n="))
		return false;
	out->user = name_field(&c, a);
	return out->user && skip(&c, "r=") && is_nonce(&c);
}
