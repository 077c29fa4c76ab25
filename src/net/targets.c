/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/* net/targets.c - records of the DNS read, and put in order. What they hold is anybody's. */
#include "net/targets.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/random.h"

#define LABEL_MAX 63
#define TLSA_DATA_MAX 4096

struct targets *
targets_new(const char *domain)
{
	struct arena *arena = arena_new(sizeof(struct targets) + 1024);
	struct targets *t = arena_new_of(arena, struct targets);

	t->arena = arena;
	t->domain = arena_strdup(arena, domain);
	return t;
}

void
targets_free(struct targets **t)
{
	struct arena *arena = *t ? (*t)->arena : NULL;

	*t = NULL;
	if (arena)
		arena_free(&arena);
}

/* --- Addresses -------------------------------------------------------------------------- */

socklen_t
target_address_len(const union target_address *a)
{
	return a->any.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
}

const char *
target_address_text(const union target_address *a, char out[TARGET_ADDRESS_TEXT_MAX])
{
	const void *bytes = a->any.sa_family == AF_INET ? (const void *)&a->in.sin_addr
	                                                : (const void *)&a->in6.sin6_addr;

	return inet_ntop(a->any.sa_family, bytes, out, TARGET_ADDRESS_TEXT_MAX);
}

bool
target_address_read(const char *text, uint16_t port, union target_address *out)
{
	char inner[TARGET_ADDRESS_TEXT_MAX];
	size_t len = strlen(text);

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &out->in.sin_addr) == 1) {
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons(port);
		return true;
	}
	if (len > 2 && len < sizeof(inner) && text[0] == '[' && text[len - 1] == ']') {
		memcpy(inner, text + 1, len - 2);
		inner[len - 2] = '\0';
		text = inner;
	}
	if (inet_pton(AF_INET6, text, &out->in6.sin6_addr) != 1)
		return false;
	out->in6.sin6_family = AF_INET6;
	out->in6.sin6_port = htons(port);
	return true;
}

/* The kernel takes 0.0.0.0 and :: for this machine itself. */
static bool
is_host_ipv4(const struct in_addr *in)
{
	uint32_t a = ntohl(in->s_addr);

	return (a >> 24) != 0 && !IN_MULTICAST(a) && !IN_BADCLASS(a);
}

static bool
is_host_ipv6(const struct in6_addr *in6)
{
	struct in_addr mapped;

	if (IN6_IS_ADDR_V4MAPPED(in6)) {
		memcpy(&mapped, in6->s6_addr + 12, sizeof(mapped));
		return is_host_ipv4(&mapped);
	}
	/* A link-local one means nothing without its link. */
	return !IN6_IS_ADDR_UNSPECIFIED(in6) && !IN6_IS_ADDR_MULTICAST(in6) &&
	       !IN6_IS_ADDR_LINKLOCAL(in6);
}

void
target_add_address(struct target *t, enum dns_type type, const struct hm_blob *rdata)
{
	union target_address a;

	memset(&a, 0, sizeof(a));
	if (t->n_addresses == TARGET_ADDRESSES_MAX)
		return;
	if (type == DNS_A && rdata->len == sizeof(a.in.sin_addr)) {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(t->port);
		memcpy(&a.in.sin_addr, rdata->data, rdata->len);
		if (!is_host_ipv4(&a.in.sin_addr))
			return;
	} else if (type == DNS_AAAA && rdata->len == sizeof(a.in6.sin6_addr)) {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons(t->port);
		memcpy(&a.in6.sin6_addr, rdata->data, rdata->len);
		if (!is_host_ipv6(&a.in6.sin6_addr))
			return;
	} else {
		return;
	}
	t->address[t->n_addresses++] = a;
}

void
target_interleave(struct target *t)
{
	union target_address old[TARGET_ADDRESSES_MAX];
	size_t n = t->n_addresses, used[2] = { 0, 0 };
	const sa_family_t family[2] = { AF_INET6, AF_INET };

	memcpy(old, t->address, sizeof(old));
	for (size_t i = 0, turn = 0; i < n; turn ^= 1) {
		size_t *k = &used[turn];

		while (*k < n && old[*k].any.sa_family != family[turn])
			(*k)++;
		if (*k < n)
			t->address[i++] = old[(*k)++];
	}
}

/* --- Names -------------------------------------------------------------------------------- */

static bool
is_name_char(unsigned char c)
{
	return (c < 0x80 && isalnum(c)) || c == '-' || c == '_';
}

bool
target_name_read(const char *text, char out[DNS_NAME_MAX + 1])
{
	size_t len = strlen(text), label = 0;

	if (len > 0 && text[len - 1] == '.')
		len--;
	if (len == 0 || len > DNS_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '.' ? label == 0 : !is_name_char(c) || label == LABEL_MAX)
			return false;
		label = c == '.' ? 0 : label + 1;
		out[i] = (char)tolower(c);
	}
	out[len] = '\0';
	return label > 0;
}

/* A name of RDATA, not compressed (RFC 1035 3.1; RFC 2782). "" is the root. */
static bool
read_wire_name(const unsigned char *p, size_t len, char out[DNS_NAME_MAX + 1])
{
	char text[DNS_NAME_MAX + 2];
	size_t n = 0;

	while (len > 0 && *p > 0) {
		size_t label = *p;

		if (label > LABEL_MAX || label >= len || n + label + 1 > DNS_NAME_MAX + 1)
			return false;
		/* A dot inside a label would be read as the end of it. */
		if (memchr(p + 1, '.', label) || memchr(p + 1, '\0', label))
			return false;
		memcpy(text + n, p + 1, label);
		n += label;
		text[n++] = '.';
		p += label + 1;
		len -= label + 1;
	}
	if (len != 1)
		return false;
	if (n == 0) {
		out[0] = '\0';
		return true;
	}
	text[n - 1] = '\0';
	return target_name_read(text, out);
}

/* --- SRV and TLSA -------------------------------------------------------------------------- */

static uint16_t
read_u16(const unsigned char *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

bool
target_read_srv(const struct hm_blob *rdata, struct target *out)
{
	const unsigned char *p = rdata->data;

	*out = (struct target){ .source = TARGET_SRV };
	if (rdata->len < 7)
		return false;
	out->priority = read_u16(p);
	out->weight = read_u16(p + 2);
	out->port = read_u16(p + 4);
	return read_wire_name(p + 6, rdata->len - 6, out->host) &&
	       (out->port != 0 || !out->host[0]);
}

bool
target_read_tlsa(const struct hm_blob *rdata, struct arena *arena, struct target_tlsa *out)
{
	const unsigned char *p = rdata->data;
	size_t len = rdata->len;
	char *data;

	if (len < 4 || len - 3 > TLSA_DATA_MAX)
		return false;
	data = arena_alloc(arena, len - 3);
	memcpy(data, p + 3, len - 3);
	*out = (struct target_tlsa){ p[0], p[1], p[2], { data, len - 3 } };
	return true;
}

static void
swap(struct target **a, struct target **b)
{
	struct target *t = *a;

	*a = *b;
	*b = t;
}

/*
 * Which of n targets of one priority comes next.  The number drawn is one of 0 to the sum of the weights;
 * those of weight 0 stand in front, so that they have it only when it is 0.
 */
static size_t
pick(struct target *const *v, size_t n)
{
	uint64_t sum = 0, drawn;

	for (size_t i = 0; i < n; i++)
		sum += v[i]->weight;
	drawn = random_u64() % (sum + 1);
	for (size_t i = 0; i < n; i++) {
		if (drawn == 0 && v[i]->weight == 0)
			return i;
	}
	sum = 0;
	for (size_t i = 0; i < n; i++) {
		sum += v[i]->weight;
		if (v[i]->weight > 0 && sum >= drawn)
			return i;
	}
	return 0;
}

void
targets_sort(struct target **v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		for (size_t k = i; k > 0 && v[k]->priority < v[k - 1]->priority; k--)
			swap(&v[k], &v[k - 1]);
	}
	for (size_t from = 0; from < n; from++) {
		size_t same = 1;

		while (from + same < n && v[from + same]->priority == v[from]->priority)
			same++;
		swap(&v[from], &v[from + pick(v + from, same)]);
	}
}
