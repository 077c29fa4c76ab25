/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * xmpp/jid.c - addresses, RFC 7622: cut into parts first, so that no mapping can
 * make a separator, then each part enforced by its rules, then put together.
 */
#include "xmpp/jid.h"

#include <string.h>

#include "xmpp/jid_domain.h"
#include "xmpp/precis.h"

_Static_assert(JID_PART_MAX == PRECIS_MAX, "the limit of a part is the limit of its profile");

/* RFC 7622 3.3.1, to be seen after the mappings: U+FF20 becomes '@'. */
static bool
is_excluded(char c)
{
	switch (c) {
	case '"':
	case '&':
	case '\'':
	case '/':
	case ':':
	case '<':
	case '>':
	case '@':
		return true;
	default:
		return false;
	}
}

/* The length of what is in out; 0: refused. */
static size_t
enforce_local(const char *text, size_t len, char out[JID_PART_MAX + 1])
{
	size_t n = precis_enforce(PRECIS_USERNAME, text, len, out);

	for (size_t i = 0; i < n; i++)
		if (is_excluded(out[i]))
			return 0;
	return n;
}

/* RFC 7622 3.4.  A space at its start is allowed, as by OpaqueString; see the README on example 18. */
static size_t
enforce_resource(const char *text, size_t len, char out[JID_PART_MAX + 1])
{
	return precis_enforce(PRECIS_OPAQUE, text, len, out);
}

/* Copies n bytes and a NUL; returns where the next string starts. */
static char *
put(char *at, const char *s, size_t n)
{
	at = mempcpy(at, s, n);
	*at = '\0';
	return at + 1;
}

struct parts {
	size_t local_len, resource_len; /* 0: none */
	char local[JID_PART_MAX + 1];
	struct jid_domain domain;
	char resource[JID_PART_MAX + 1];
};

/*
 * One allocation: full, then bare and the localpart where they need bytes of
 * their own.  The domainpart is the end of bare, the resourcepart that of full.
 */
static void
assemble(struct jid *out, const struct parts *parts, struct arena *a)
{
	size_t local_len = parts->local_len, resource_len = parts->resource_len;
	size_t domain_at = local_len ? local_len + 1 : 0;
	size_t bare_len = domain_at + parts->domain.len;
	size_t full_len = bare_len + (resource_len ? 1 + resource_len : 0);
	char *full, *bare, *end;

	full = arena_alloc(a, full_len + 1 + (resource_len ? bare_len + 1 : 0) + domain_at);
	if (local_len)
		put(full, parts->local, local_len)[-1] = '@';
	end = put(full + domain_at, parts->domain.unicode, parts->domain.len);
	bare = full;
	if (resource_len) {
		end[-1] = '/';
		bare = put(end, parts->resource, resource_len);
		end = put(bare, full, bare_len);
	}
	out->full = full;
	out->bare = bare;
	out->local = local_len ? end : NULL;
	out->domain = bare + domain_at;
	out->resource = resource_len ? full + bare_len + 1 : NULL;
	if (local_len)
		put(end, parts->local, local_len);
}

bool
jid_parse(struct jid *out, const char *text, struct arena *a)
{
	struct parts parts;
	const char *end, *slash, *at;

	if (!text)
		return false;
	end = text + strlen(text);
	/* RFC 7622 3.2: the first '/', then the first '@' before it. */
	slash = memchr(text, '/', (size_t)(end - text));
	parts.resource_len = 0;
	if (slash) {
		size_t len = (size_t)(end - slash - 1);

		parts.resource_len = enforce_resource(slash + 1, len, parts.resource);
		if (!parts.resource_len)
			return false;
		end = slash;
	}
	at = memchr(text, '@', (size_t)(end - text));
	parts.local_len = 0;
	if (at) {
		parts.local_len = enforce_local(text, (size_t)(at - text), parts.local);
		if (!parts.local_len)
			return false;
		text = at + 1;
	}
	if (!jid_domain_enforce(&parts.domain, text, (size_t)(end - text)))
		return false;
	assemble(out, &parts, a);
	return true;
}

const char *
jid_prepare_local(const char *text, struct arena *a)
{
	char out[JID_PART_MAX + 1];
	size_t n = text ? enforce_local(text, strlen(text), out) : 0;

	return n ? arena_strndup(a, out, n) : NULL;
}

const char *
jid_prepare_domain(const char *text, struct arena *a)
{
	struct jid_domain d;

	if (!text || !jid_domain_enforce(&d, text, strlen(text)))
		return NULL;
	return arena_strndup(a, d.unicode, d.len);
}

const char *
jid_prepare_resource(const char *text, struct arena *a)
{
	char out[JID_PART_MAX + 1];
	size_t n = text ? enforce_resource(text, strlen(text), out) : 0;

	return n ? arena_strndup(a, out, n) : NULL;
}

const char *
jid_join(const char *local, const char *domain, const char *resource, struct arena *a)
{
	size_t local_len = local ? strlen(local) : 0, domain_len = strlen(domain);
	size_t resource_len = resource ? strlen(resource) : 0;
	char *text = arena_alloc(a, local_len + 1 + domain_len + 1 + resource_len + 1), *at = text;

	if (local)
		(at = put(at, local, local_len))[-1] = '@';
	at = put(at, domain, domain_len);
	if (resource) {
		at[-1] = '/';
		put(at, resource, resource_len);
	}
	return text;
}

const char *
jid_domain_ascii(const char *domain, struct arena *a)
{
	struct jid_domain d;

	if (!domain || !jid_domain_enforce(&d, domain, strlen(domain)) || !d.ascii[0])
		return NULL;
	return arena_strdup(a, d.ascii);
}
