/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * net/targets.h - where a domain's server can be reached: hosts and ports in the order in which they
 * are tried, with their addresses.  Plain data of one worker; resolver.c fills it, connect.c walks it.
 */
#ifndef NET_TARGETS_H
#define NET_TARGETS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <hermod/values.h>

#include "net/dns.h"

#define TARGETS_MAX 10          /* of a domain; those behind are left off */
#define TARGET_ADDRESSES_MAX 16 /* of a target */
#define TARGET_TLSA_MAX 8
#define TARGETS_SERVER_PORT 5269 /* RFC 6120 14.7 */

enum targets_source {
	TARGET_SRV,
	TARGET_DOMAIN,  /* there are no SRV records: the domain's own address (RFC 6120 3.2.2) */
	TARGET_LITERAL, /* the domain is an address */
	TARGET_FIXED    /* of the caller */
};

/* RFC 6698 2.1; data is in the targets. */
struct target_tlsa {
	uint8_t usage, selector, matching;
	struct hm_blob data;
};

union target_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};
socklen_t target_address_len(const union target_address *a);
/* "192.0.2.1", "2001:db8::1" */
#define TARGET_ADDRESS_TEXT_MAX INET6_ADDRSTRLEN
const char *target_address_text(const union target_address *a, char out[TARGET_ADDRESS_TEXT_MAX]);

struct target {
	enum targets_source source;
	char host[DNS_NAME_MAX +
	          1]; /* A-labels, small letters; an address if that is what was given */
	uint16_t port, priority, weight;
	bool direct_tls; /* XEP-0368: TLS at once; otherwise STARTTLS */
	/*
	 * The SRV records were validated, so that the host's name too may be looked for in the certificate
	 * (RFC 7673 4.1).
	 */
	bool secure;
	/* IPv6 and IPv4 in turn, IPv6 first (RFC 8305 4); with the port in them. */
	size_t n_addresses;
	union target_address address[TARGET_ADDRESSES_MAX];
	/* Validated ones only (RFC 7673 3.3); when there are any, TLS is a must and they decide about the certificate. */
	size_t n_tlsa;
	struct target_tlsa tlsa[TARGET_TLSA_MAX];
	const char *trouble; /* why it has no address that may be tried, or NULL */
};

enum targets_found {
	TARGETS_FOUND,      /* at least one target has an address */
	TARGETS_BAD_DOMAIN, /* no name that the DNS could be asked for */
	TARGETS_NO_DOMAIN,
	TARGETS_NOT_OFFERED, /* the domain says that it has no such service (RFC 2782, target ".") */
	TARGETS_NO_ADDRESS,
	TARGETS_BOGUS,      /* DNSSEC */
	TARGETS_DNS_FAILED, /* servers of the DNS do not answer, or with an error */
	TARGETS_TIMED_OUT,
	TARGETS_BUSY /* too many lookups are under way on this worker */
};

struct arena;
struct targets {
	struct arena *arena; /* which it lives in */
	const char *domain;
	enum targets_found found;
	char text[512]; /* unless FOUND: a sentence for an administrator */
	size_t n;
	struct target v[TARGETS_MAX];
};

struct targets *targets_new(const char *domain);
void targets_free(struct targets **t);

/* --- For resolver.c --- */
/* An IPv4 or IPv6 address as text, the latter also in brackets, becomes one of the port. */
bool target_address_read(const char *text, uint16_t port, union target_address *out);
/* The name of the DNS as text in small letters, without dot at its end; false: it isn't one we ask for. */
bool target_name_read(const char *text, char out[DNS_NAME_MAX + 1]);
/* RDATA of an SRV record.  false: broken.  A target "." leaves host empty. */
bool target_read_srv(const struct hm_blob *rdata, struct target *out);
bool target_read_tlsa(const struct hm_blob *rdata, struct arena *arena, struct target_tlsa *out);
/* RDATA of an A or AAAA record.  Left off: what cannot be a server's address, such as 0.0.0.0, and what is too many. */
void target_add_address(struct target *t, enum dns_type type, const struct hm_blob *rdata);
void target_interleave(struct target *t);
/* By priority, and by chance according to weight (RFC 2782, "Weight"). */
void targets_sort(struct target **v, size_t n);

#endif
